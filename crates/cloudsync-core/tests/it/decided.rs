//! Conflicts: who wins where nobody is asked, and what an answer is worth where somebody was.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, Answer, ConflictPolicy, Input, Resolution, Source};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::notice::Notice;
use cloudsync_core::object::{Kind, Observed, Tag};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;

use crate::hand::{Hand, MERGED, hash_of, object, rules};

/// Both users change `a/b`, to a size and at a time each. Returns whose version both have in the end.
fn winner(policy: ConflictPolicy, sizes: BySide<u64>, times: BySide<i64>) -> Side {
    let mut hand = Hand::deciding(BySide::from_fn(|_| rules()), policy);
    for (side, number) in [(Side::Local, 5), (Side::Remote, 6)] {
        write(&mut hand, side, number);
        let file = hand.trees[side].get_mut("a/b").expect("a file");
        file.size = sizes[side];
        file.attributes.mtime = Some(times[side]);
    }
    hand.work();
    let tags = hand.trees.as_ref().map(|tree| tree["a/b"].tag.clone());
    assert_eq!(tags.local, tags.remote, "{policy:?}: {:?}", hand.acts);
    assert_eq!(hand.trees.local.len(), 2, "{policy:?}: one is left");
    if tags.local == Tag::new([5]) {
        Side::Local
    } else {
        Side::Remote
    }
}

/// Of equals, the remote one wins.
#[test]
fn each_policy_has_its_winner() {
    use ConflictPolicy::{Largest, Local, Newest, Oldest, Remote, Smallest};
    let (larger, smaller, equal) = (BySide::new(3, 2), BySide::new(2, 3), BySide::new(2, 2));
    let (later, earlier) = (BySide::new(20, 10), BySide::new(10, 20));
    for (policy, sizes, times, expected) in [
        (Largest, larger, earlier, Side::Local),
        (Largest, smaller, later, Side::Remote),
        (Largest, equal, later, Side::Remote),
        (Smallest, larger, earlier, Side::Remote),
        (Smallest, smaller, later, Side::Local),
        (Smallest, equal, later, Side::Remote),
        (Newest, smaller, later, Side::Local),
        (Newest, larger, earlier, Side::Remote),
        (Newest, larger, BySide::new(10, 10), Side::Remote),
        (Oldest, smaller, later, Side::Remote),
        (Oldest, larger, earlier, Side::Local),
        (Oldest, larger, BySide::new(10, 10), Side::Remote),
        (Local, smaller, earlier, Side::Local),
        (Remote, larger, later, Side::Remote),
    ] {
        let found = winner(policy, sizes, times);
        assert_eq!(found, expected, "{policy:?}, {sizes:?}, {times:?}");
    }
}

/// Somebody is asked about `a/b`, which both users changed.
fn asking() -> Hand {
    let mut hand = Hand::deciding(BySide::from_fn(|_| rules()), ConflictPolicy::Ask);
    for (side, number) in [(Side::Local, 5), (Side::Remote, 6)] {
        write(&mut hand, side, number);
    }
    hand.work();
    assert_eq!(hand.questions.len(), 1);
    hand
}

fn write(hand: &mut Hand, side: Side, number: u8) {
    let file = hand.trees[side].get_mut("a/b").expect("a file");
    file.tag = Tag::new([number]);
    hand.changed(side, "a/b");
}

fn answer(hand: &mut Hand, answer: Answer) {
    let question = hand.questions.remove(0).id;
    hand.tell(Input::Answer { question, answer });
}

/// How many conflicts were told.
fn conflicts(hand: &Hand) -> usize {
    let is_conflict = |notice: &&Notice| matches!(notice, Notice::Conflict { .. });
    hand.notices.iter().filter(is_conflict).count()
}

#[test]
fn nothing_is_at_rest_while_somebody_is_asked() {
    let mut hand = asking();
    assert!(!hand.engine.status(Time::ZERO).at_rest);
    let resolution = Resolution::Take {
        side: Side::Local,
        keep_loser: false,
    };
    answer(&mut hand, Answer::Resolved(resolution));
    hand.work();
    assert!(hand.engine.status(Time::ZERO).at_rest);
    assert_eq!(hand.trees.remote["a/b"].tag, Tag::new([5]));
    assert_eq!(conflicts(&hand), 1);
}

/// What was decided was of another version: it is asked again.
#[test]
fn an_answer_about_a_version_of_before_decides_nothing() {
    for side in Side::BOTH {
        let mut hand = asking();
        write(&mut hand, side, 7);
        hand.work();
        let resolution = Resolution::Take {
            side,
            keep_loser: false,
        };
        answer(&mut hand, Answer::Resolved(resolution));
        hand.work();
        assert!(hand.acts.is_empty(), "{:?}", hand.acts);
        assert_eq!(hand.questions.len(), 1, "the {side} version is another one");
    }
}

/// A tenth of the longest wait, or the shortest where that is longer.
#[test]
fn not_now_is_asked_again_later() {
    let mut hand = asking();
    answer(&mut hand, Answer::Later);
    while hand.engine.poll(Time::ZERO).is_some() {}
    let again = hand.engine.next_wake().expect("it is asked again");
    assert_eq!(again, Time::ZERO + Duration::from_millis(100));
    hand.work();
    assert_eq!(hand.questions.len(), 1);
}

/// What it made was no larger there when it was to be written.
#[test]
fn merged_content_that_is_lost_is_asked_for_again() {
    let mut hand = asking();
    let hash = hash_of(&object(MERGED, Kind::File));
    let resolution = Resolution::Merged {
        size: 1,
        hash,
        keep_both: false,
    };
    hand.fails = |act| {
        let source = match act {
            Act::Write { source, .. } => Some(source),
            _ => None,
        };
        matches!(source, Some(Source::Answer(_))).then_some(ErrorKind::SourceChanged)
    };
    answer(&mut hand, Answer::Resolved(resolution));
    hand.work();
    assert_eq!((hand.acts.len(), hand.questions.len()), (1, 1));
    hand.fails = |_| None;
    answer(&mut hand, Answer::Resolved(resolution));
    hand.work();
    for side in Side::BOTH {
        assert_eq!(hand.trees[side]["a/b"].tag, Tag::new([MERGED]), "{side}");
    }
    assert_eq!(conflicts(&hand), 2, "each time that it was decided");
}

/// A folder is no copy of a file, not even of one with nothing in it.
#[test]
fn a_folder_under_a_conflict_name_is_no_copy_of_a_version() {
    let mut hand = Hand::deciding(BySide::from_fn(|_| rules()), ConflictPolicy::Ask);
    for (side, number) in [(Side::Local, 5), (Side::Remote, 6)] {
        let folder = object(4, Kind::Folder);
        hand.trees[side].insert("a/b.conflicted".to_owned(), folder);
        hand.changed(side, "a/b.conflicted");
        write(&mut hand, side, number);
    }
    hand.trees.local.get_mut("a/b").expect("a file").size = 0;
    hand.work();
    let resolution = Resolution::Merged {
        size: 1,
        hash: hash_of(&object(MERGED, Kind::File)),
        keep_both: true,
    };
    answer(&mut hand, Answer::Resolved(resolution));
    hand.work();
    for side in Side::BOTH {
        let tags = [
            "a/b",
            "a/b.conflicted",
            "a/b.conflicted2",
            "a/b.conflicted3",
        ]
        .map(|path| hand.trees[side].get(path).map(|at| at.tag.clone()));
        let expected = [MERGED, 4, 5, 6].map(|number| Some(Tag::new([number])));
        assert_eq!(tags, expected, "{side}: {:?}", hand.acts);
    }
}

/// They differ in size: nothing is read to know that.
#[test]
fn what_differs_in_size_is_not_hashed() {
    for path in ["a/b", "n"] {
        let mut hand = Hand::new();
        let at_first = hand.hashed;
        for (side, size) in [(Side::Local, 2), (Side::Remote, 3)] {
            let file = Observed {
                size,
                tag: Tag::new([20 + u8::try_from(size).expect("small")]),
                ..object(3, Kind::File)
            };
            hand.trees[side].insert(path.to_owned(), file);
            hand.changed(side, path);
        }
        hand.work();
        assert_eq!(hand.hashed, at_first, "{path}");
        for side in Side::BOTH {
            let kept = hand.trees[side].keys().filter(|at| at.starts_with(path));
            assert_eq!(kept.count(), 2, "{path}: both are kept");
        }
    }
}
