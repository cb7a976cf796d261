//! What is carried over with a folder, after a refusal, and after a kill.

use cloudsync_core::engine::io::{Act, Input, Query};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::notice::Notice;
use cloudsync_core::object::{Attributes, Kind, Observed, Tag};
use cloudsync_core::rules::Rules;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, UserAct};
use cloudsync_core::time::Time;

use crate::hand::{Hand, hash_of, object, rules};

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.to_owned(), to.to_owned())
}

fn names(pair: &ModelPair, side: Side) -> Vec<String> {
    pair.sides[side].tree().into_keys().collect()
}

/// What one side moved and the other one deleted lives on, with all that is in it, whichever is planned first.
#[test]
fn a_folder_that_moved_and_was_deleted_comes_back_with_all_that_was_in_it() {
    for side in Side::BOTH {
        for seed in 0..20 {
            for work in 0..10 {
                let mut pair = ModelPair::with(BySide::default(), seed);
                for folder in ["a", "a/d", "a/d/e"] {
                    pair.act(&UserAct::Mkdir(side, folder.to_owned()));
                }
                for file in ["a/f", "a/d/f", "a/d/e/f"] {
                    pair.act(&UserAct::Write(side, file.to_owned()));
                }
                pair.check();
                pair.act(&rename(side, "a", "b"));
                pair.act(&UserAct::Delete(side.other(), "a".to_owned()));
                pair.act_all(&[
                    UserAct::Work(work),
                    UserAct::Write(side, "b/d/g".to_owned()),
                ]);
                pair.check();
                let all = ["b", "b/d", "b/d/e", "b/d/e/f", "b/d/f", "b/d/g", "b/f"];
                assert_eq!(names(&pair, side.other()), all, "{seed} {work}");
            }
        }
    }
}

/// A side that does not take a mode is asked once, not again and again.
#[test]
fn attributes_that_a_side_refuses_are_not_tried_again_at_once() {
    let keeps = Rules {
        keeps_mode: true,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(keeps.clone(), keeps));
    hand.fails = |act| {
        let is_set = matches!(act, Act::SetAttributes { .. });
        is_set.then_some(ErrorKind::PermissionDenied)
    };
    let file = hand.trees.local.get_mut("a/b").expect("a file");
    file.attributes = Attributes {
        mtime: None,
        mode: Some(0o600),
    };
    hand.changed(Side::Local, "a/b");
    hand.work();
    hand.changed(Side::Local, "a/b");
    hand.work();
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
}

/// What it was given with a copy of ours is what both had in common, also where a kill kept that from being
/// recorded: an older time is a change then, and no time that loses.
#[test]
fn a_time_that_is_set_after_an_unrecorded_copy_is_carried_over() {
    let sides = BySide::new(SideSetup::default(), SideSetup::service());
    for work in 0..20 {
        for lost_reply in [0, 100] {
            let mut pair = ModelPair::with(sides, u64::from(work)).faults(Faults {
                lost_reply,
                ..Faults::default()
            });
            pair.act(&UserAct::Write(Side::Local, "a".to_owned()));
            pair.act(&UserAct::Work(work));
            let is_copied = pair.sides.remote.tree().contains_key("a");
            if lost_reply == 0 {
                pair.act(&UserAct::Crash);
            }
            pair.set_time(Side::Local, "a", 5);
            pair.check();
            let remote = pair.sides.remote.objects();
            let time = remote["a"].1.attributes.mtime;
            assert!(
                !is_copied || time == Some(5),
                "{work} {lost_reply} {time:?}"
            );
        }
    }
}

/// Two new files were equal when they were hashed, and one of them was edited before that was told.
#[test]
fn a_hash_of_a_version_of_before_says_nothing_of_the_one_that_is_there() {
    let mut hand = Hand::new();
    hand.holds = |query| matches!(query, Query::Hash { .. });
    for side in Side::BOTH {
        hand.trees[side].insert("a/n".to_owned(), object(7, Kind::File));
        hand.changed(side, "a/n");
    }
    hand.work();
    let before = hash_of(&hand.trees.local["a/n"]);
    let file = hand.trees.local.get_mut("a/n").expect("a file");
    file.tag = Tag::new([9]);
    hand.changed(Side::Local, "a/n");
    hand.work();
    hand.holds = |_| false;
    assert!(hand.held.len() >= 2, "{:?}", hand.held);
    for query in std::mem::take(&mut hand.held) {
        let Query::Hash { id, .. } = query else {
            panic!("only hashes are held: {query:?}");
        };
        let (query, outcome) = (id, Ok(before));
        hand.tell(Input::Hashed { query, outcome });
    }
    hand.work();
    let told = hand
        .notices
        .iter()
        .any(|notice| matches!(notice, Notice::Conflict { .. }));
    assert!(told, "the two differ: {:?}", hand.acts);
}

/// A source that could not be read is no answer that was lost: nothing was written, so that a new tag of the target is
/// none of ours. Of a lost answer it may be, and whose the content is is not known.
#[test]
fn what_could_not_be_read_was_not_written() {
    for did_nothing in [true, false] {
        let mut hand = Hand::new();
        hand.fails = |_| Some(ErrorKind::Unavailable);
        hand.did_nothing = did_nothing;
        // The one is edited; the other one has the same content, touched.
        for (side, tag) in [(Side::Local, vec![5]), (Side::Remote, vec![3, 1])] {
            let file = hand.trees[side].get_mut("a/b").expect("a file");
            file.tag = Tag::new(tag);
        }
        hand.changed(Side::Local, "a/b");
        hand.work_at(Time::ZERO);
        hand.fails = |_| None;
        hand.work();
        for side in Side::BOTH {
            let copies = hand.trees[side]
                .keys()
                .filter(|path| path.contains("conflicted"));
            assert_eq!(copies.count() == 0, did_nothing, "{:?}", hand.trees[side]);
            let has_edit = |seen: &Observed| seen.tag == Tag::new([5]);
            assert!(
                hand.trees[side].values().any(has_edit),
                "{:?}",
                hand.trees[side]
            );
        }
    }
}
