//! What is met and left alone, in the place of what both sides had.

use cloudsync_core::engine::io::Act;
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::listing::SkipReason;
use cloudsync_core::notice::Notice;
use cloudsync_core::object::Kind;
use cloudsync_core::rules::NameRules;
use cloudsync_core::side::{BySide, Side};

use crate::hand::{Hand, object, rules};

/// A link, or another file system, takes the place of something.
fn takes_the_place_of(hand: &mut Hand, path: &str, reason: SkipReason) {
    let below = format!("{path}/");
    hand.trees[Side::Local].retain(|at, _| at != path && !at.starts_with(&below));
    hand.left_alone[Side::Local].insert(path.to_owned(), reason);
    hand.walk(Side::Local);
    hand.work();
}

#[test]
fn what_a_link_hides_is_not_deleted() {
    for (path, reason) in [
        ("a/b", SkipReason::Symlink),
        ("a", SkipReason::Symlink),
        ("a", SkipReason::MountPoint),
    ] {
        let mut hand = Hand::new();
        takes_the_place_of(&mut hand, path, reason);
        assert!(hand.acts.is_empty(), "{path}: {:?}", hand.acts);
        // Without it, what was deleted is deleted.
        hand.left_alone[Side::Local].clear();
        hand.walk(Side::Local);
        hand.work();
        let left = hand.trees[Side::Remote].keys().collect::<Vec<_>>();
        assert_eq!(left, hand.trees[Side::Local].keys().collect::<Vec<_>>());
    }
}

/// One that stands beside it says nothing of it.
#[test]
fn a_link_beside_what_was_deleted_keeps_nothing() {
    let mut hand = Hand::new();
    for path in ["a/c", "c"] {
        hand.left_alone[Side::Local].insert(path.to_owned(), SkipReason::Symlink);
    }
    hand.trees[Side::Local].remove("a/b");
    hand.walk(Side::Local);
    hand.work();
    let left = hand.trees[Side::Remote].keys().collect::<Vec<_>>();
    assert_eq!(left, ["a"], "{:?}", hand.acts);
}

/// The name that a version would get is taken by a link: it gets another one.
#[test]
fn a_version_that_gives_way_takes_no_place_of_a_link() {
    for side in Side::BOTH {
        let mut hand = Hand::new();
        for (at, number) in [(Side::Local, 8), (Side::Remote, 9)] {
            hand.trees[at].insert("n".to_owned(), object(number, Kind::File));
        }
        let taken = "n.conflicted".to_owned();
        hand.left_alone[side].insert(taken.clone(), SkipReason::Symlink);
        for at in Side::BOTH {
            hand.walk(at);
        }
        hand.work();
        for at in Side::BOTH {
            assert_eq!(hand.trees[at].len(), 4, "{:?}", hand.trees);
            assert!(!hand.trees[at].contains_key(&taken), "{:?}", hand.trees);
        }
    }
}

fn failures(hand: &Hand) -> Vec<(Side, ErrorKind)> {
    let failed = |notice: &Notice| match notice {
        Notice::Failed { side, failure, .. } => Some((*side, failure.kind())),
        _ => None,
    };
    hand.notices.iter().filter_map(failed).collect()
}

/// Each reason why something cannot be carried over is told, and told once.
#[test]
fn another_reason_is_told_of() {
    let mut all = BySide::from_fn(|_| rules());
    all[Side::Remote].names = NameRules {
        windows: true,
        ..NameRules::default()
    };
    let mut hand = Hand::with(all);
    hand.trees[Side::Local].insert("n".to_owned(), object(9, Kind::File));
    hand.left_alone[Side::Remote].insert("n".to_owned(), SkipReason::Symlink);
    for _ in 0..2 {
        hand.walk(Side::Remote);
        hand.walk(Side::Local);
        hand.work();
        assert_eq!(failures(&hand), [(Side::Remote, ErrorKind::AlreadyExists)]);
    }
    hand.rename(Side::Local, "n", "n:");
    hand.walk(Side::Local);
    hand.work();
    let (taken, rejected) = (ErrorKind::AlreadyExists, ErrorKind::NameRejected);
    assert_eq!(
        failures(&hand),
        [(Side::Remote, taken), (Side::Remote, rejected)]
    );
    assert!(
        !hand
            .acts
            .iter()
            .any(|(_, act)| matches!(act, Act::Write { .. }))
    );
}
