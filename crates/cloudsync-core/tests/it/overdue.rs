//! Calls that a service carries out when nobody waits for them any more.

use std::time::Duration;

use cloudsync_core::engine::io::Act;
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::object::Kind;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, Swarm, UserAct};
use cloudsync_core::time::Time;

use crate::hand::{Hand, object};

fn second(second: u64) -> Time {
    Time::since_start(Duration::from_secs(second))
}

/// A file was deleted on the local side and comes back there, while the answer to our deletion of the other one was lost,
/// and nothing was done.
fn came_back() -> Hand {
    let mut hand = Hand::new();
    hand.fails = |act| matches!(act, Act::Delete { .. }).then_some(ErrorKind::Unavailable);
    let file = hand.trees.local.remove("a/b").expect("it was there");
    hand.changed(Side::Local, "a/b");
    hand.work_at(second(1));
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.fails = |_| None;
    hand.trees.local.insert("a/b".to_owned(), file);
    hand.changed(Side::Local, "a/b");
    // Before it is tried again.
    hand.work_at(second(1));
    hand
}

fn is_gone(hand: &mut Hand, at: Time) {
    hand.trees.remote.remove("a/b");
    hand.changed(Side::Remote, "a/b");
    hand.work_at(at);
}

#[test]
fn what_a_deletion_of_ours_takes_when_nobody_waits_for_it_lives_on() {
    let mut hand = came_back();
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    is_gone(&mut hand, second(100));
    for side in Side::BOTH {
        assert!(hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
    // It came: what is gone after that is gone by its user's hand.
    is_gone(&mut hand, second(101));
    for side in Side::BOTH {
        assert!(!hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
}

/// We are killed before it comes.
#[test]
fn a_deletion_of_ours_that_is_carried_out_in_another_life_takes_nothing() {
    let mut hand = came_back();
    hand.restart();
    is_gone(&mut hand, second(100));
    for side in Side::BOTH {
        assert!(hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
    hand.restart();
    is_gone(&mut hand, second(101));
    for side in Side::BOTH {
        assert!(!hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
}

#[test]
fn a_deletion_that_did_not_come_for_minutes_comes_no_more() {
    let mut hand = came_back();
    hand.work_at(second(400));
    is_gone(&mut hand, second(401));
    for side in Side::BOTH {
        assert!(!hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
}

/// What its user deletes on the side on which it came back is deleted on the other one.
#[test]
fn what_comes_back_and_is_deleted_once_more_is_deleted() {
    let mut hand = came_back();
    hand.trees.local.remove("a/b");
    hand.changed(Side::Local, "a/b");
    hand.work_at(second(100));
    for side in Side::BOTH {
        assert!(!hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
    // Another one at its place has nothing to do with that.
    hand.trees
        .local
        .insert("a/b".to_owned(), object(9, Kind::File));
    hand.changed(Side::Local, "a/b");
    hand.work_at(second(101));
    is_gone(&mut hand, second(102));
    for side in Side::BOTH {
        assert!(!hand.trees[side].contains_key("a/b"), "{:?}", hand.acts);
    }
}

/// The answer to our write was lost, and nothing was done; its user put back what the file held before.
fn was_put_back() -> Hand {
    let mut hand = Hand::new();
    hand.fails = |act| matches!(act, Act::Write { .. }).then_some(ErrorKind::Unavailable);
    let file = hand
        .trees
        .local
        .insert("a/b".to_owned(), object(9, Kind::File));
    hand.changed(Side::Local, "a/b");
    hand.work_at(second(1));
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.fails = |_| None;
    hand.trees
        .local
        .insert("a/b".to_owned(), file.expect("it was there"));
    hand.changed(Side::Local, "a/b");
    hand.work_at(second(1));
    hand
}

fn is_written(hand: &mut Hand, at: Time) -> Vec<&str> {
    hand.trees
        .remote
        .insert("a/b".to_owned(), object(9, Kind::File));
    hand.changed(Side::Remote, "a/b");
    hand.work_at(at);
    let names = |side: Side| {
        hand.trees[side]
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Side::Local), names(Side::Remote), "{:?}", hand.acts);
    names(Side::Local)
}

/// It was written over what had been put back: **lost**.
#[test]
fn what_a_write_of_ours_goes_over_when_nobody_waits_for_it_lives_on() {
    let mut hand = was_put_back();
    assert_eq!(
        is_written(&mut hand, second(100)),
        ["a", "a/b", "a/b.conflicted"]
    );
}

#[test]
fn a_write_of_ours_that_is_carried_out_in_another_life_goes_over_nothing() {
    let mut hand = was_put_back();
    hand.restart();
    assert_eq!(
        is_written(&mut hand, second(100)),
        ["a", "a/b", "a/b.conflicted"]
    );
}

/// What we wrote in the end is another matter: what its user makes of that is an edit.
#[test]
fn a_write_that_was_done_after_all_keeps_no_other_version() {
    let mut hand = was_put_back();
    hand.trees
        .local
        .insert("a/b".to_owned(), object(8, Kind::File));
    hand.changed(Side::Local, "a/b");
    hand.work_at(second(2));
    assert_eq!(is_written(&mut hand, second(100)), ["a", "a/b"]);
}

#[test]
fn a_write_that_did_not_come_for_minutes_comes_no_more() {
    let mut hand = was_put_back();
    hand.work_at(second(400));
    assert_eq!(is_written(&mut hand, second(401)), ["a", "a/b"]);
}

/// What the local user does to the file `a`, after which he puts back what it held. We are killed in the midst of carrying
/// that over, once or twice, and our call is often carried out after that.
fn taken_back(act: impl Fn(&mut ModelPair)) {
    let faults = Faults {
        outlives: 100,
        ..Faults::default()
    };
    let holds = |pair: &ModelPair, side: Side| pair.sides[side].contents().any(|it| it == "it");
    let mut outlived = 0;
    for setup in [
        SideSetup::default(),
        SideSetup::service(),
        SideSetup::without_ids(),
    ] {
        for (seed, work) in (0..40).flat_map(|seed| (2..10).map(move |work| (seed, work))) {
            for kills in 1..3 {
                let mut pair = ModelPair::with(BySide::new(setup, setup), seed);
                pair.write(Side::Local, "a", "it");
                pair.check();
                let mut pair = pair.faults(faults);
                act(&mut pair);
                pair.act(&UserAct::Work(work));
                if !holds(&pair, Side::Remote) {
                    continue;
                }
                pair.crash();
                pair.write(Side::Local, "a", "it");
                if kills == 2 {
                    pair.act(&UserAct::Work(work + 4));
                    pair.crash();
                }
                pair.check();
                for side in Side::BOTH {
                    assert!(holds(&pair, side), "{side} {seed} {work} {kills}");
                }
                outlived += pair.situations.of("fault: call outlived a crash");
            }
        }
    }
    assert!(outlived > 100, "{outlived}");
}

/// (It was deleted on both sides when our call was carried out.)
#[test]
fn a_call_that_outlives_kills_deletes_nothing_that_came_back() {
    taken_back(|pair| pair.act(&UserAct::Delete(Side::Local, "a".to_owned())));
}

/// (Our call wrote over it on both sides.)
#[test]
fn a_call_that_outlives_kills_writes_over_nothing_that_was_put_back() {
    taken_back(|pair| pair.write(Side::Local, "a", "another"));
}

/// Half of a move was told, and we were killed as we deleted the other side's copy; after the restart we moved that, and
/// then the call was carried out. (It took the moved file along, on both sides: **lost**.)
#[test]
fn a_call_that_outlives_a_kill_deletes_nothing_that_was_moved() {
    for seed in [90_303_130, 90_380_157] {
        Swarm::crossed(seed).choosing().outliving().run();
    }
    for seed in [90_344_129, 90_407_160] {
        Swarm::crossed(seed).by_parts().outliving().run();
    }
    for seed in [90_464_485, 90_486_384] {
        Swarm::crossed(seed).late().outliving().run();
    }
}

/// Anything at all, with calls that outlive kills. The first seeds; any others by `cargo xtask simulate --outliving`.
#[test]
fn everything_at_once_with_calls_that_outlive_kills() {
    let mut outlived = 0;
    for seed in 0..2_000 {
        let pair = Swarm::crossed(seed).outliving().run();
        outlived += pair.situations.of("fault: call outlived a crash");
        Swarm::new(seed).outliving().run();
    }
    assert!(outlived > 100, "{outlived}");
}

/// The file was moved on the other side; our deletion came, and its user made another file where it had been: that is no edit of the
/// one that was moved. (It went over that, which was **lost**.)
#[test]
fn what_is_made_where_a_call_that_outlived_a_kill_deleted_goes_over_nothing() {
    Swarm::crossed(103_036_593).outliving().run();
}
