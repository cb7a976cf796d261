//! Times and modes, where both sides hold them.

use cloudsync_core::engine::io::Act;
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::object::{Attributes, Tag};
use cloudsync_core::rules::Rules;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;

use crate::hand::{Hand, rules};

/// What the users of both sides make of the times and modes of one object, and what is set then.
fn set(path: &str, made: BySide<Attributes>) -> Vec<(Side, Attributes)> {
    let mut hand = Hand::with(BySide::from_fn(|_| Rules {
        keeps_mode: true,
        keeps_mtime: true,
        ..rules()
    }));
    for side in Side::BOTH {
        if made[side] == Attributes::default() {
            continue;
        }
        let object = hand.trees[side].get_mut(path).expect("it is there");
        // The first byte says what it holds.
        object.tag = Tag::new([object.tag.as_bytes()[0], 1]);
        object.attributes = made[side];
        hand.changed(side, path);
    }
    hand.work();
    let acts = hand.acts.into_iter();
    acts.map(|(side, act)| match act {
        Act::SetAttributes { attributes, .. } => (side, attributes),
        other => panic!("only attributes changed: {other:?}"),
    })
    .collect()
}

fn time(mtime: i64) -> Attributes {
    Attributes {
        mtime: Some(mtime),
        mode: None,
    }
}

fn mode(mode: u32) -> Attributes {
    Attributes {
        mtime: None,
        mode: Some(mode),
    }
}

#[test]
fn what_one_side_set_is_set_on_the_other_one() {
    let none = Attributes::default();
    assert_eq!(
        set("a/b", BySide::new(time(5), none)),
        [(Side::Remote, time(5))]
    );
    assert_eq!(
        set("a/b", BySide::new(none, mode(0o600))),
        [(Side::Local, mode(0o600))]
    );
    assert_eq!(
        set("a", BySide::new(mode(0o750), none)),
        [(Side::Remote, mode(0o750))]
    );
}

#[test]
fn of_two_times_the_later_one_wins() {
    assert_eq!(
        set("a/b", BySide::new(time(5), time(9))),
        [(Side::Local, time(9))]
    );
    assert_eq!(
        set("a/b", BySide::new(time(9), time(5))),
        [(Side::Remote, time(9))]
    );
}

#[test]
fn of_two_modes_that_wins_which_lets_the_owner_do_more_and_others_less() {
    for (wins, loses) in [(0o600, 0o640), (0o640, 0o444), (0o700, 0o600)] {
        let made = BySide::new(mode(loses), mode(wins));
        assert_eq!(set("a/b", made), [(Side::Local, mode(wins))]);
        let made = BySide::new(mode(wins), mode(loses));
        assert_eq!(set("a/b", made), [(Side::Remote, mode(wins))]);
    }
}

/// It changes with what is in it, and each side has its own.
#[test]
fn the_time_of_a_folder_is_nobodys() {
    assert_eq!(set("a", BySide::new(time(5), Attributes::default())), []);
    assert_eq!(set("a", BySide::new(time(5), time(9))), []);
}

/// That a call did nothing does not say that it is of no use to make it again.
#[test]
fn what_could_not_be_set_for_now_is_set_later() {
    let mut hand = Hand::with(BySide::from_fn(|_| Rules {
        keeps_mode: true,
        ..rules()
    }));
    let object = hand.trees.local.get_mut("a/b").expect("it is there");
    object.tag = Tag::new([3, 1]);
    object.attributes = mode(0o600);
    hand.fails = |_| Some(ErrorKind::RateLimited);
    hand.did_nothing = true;
    hand.changed(Side::Local, "a/b");
    hand.work_at(Time::ZERO);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.fails = |_| None;
    hand.work();
    assert_eq!(hand.trees.remote["a/b"].attributes, mode(0o600));
}
