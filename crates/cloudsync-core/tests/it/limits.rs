//! How much goes on at once.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, Limits, Query};
use cloudsync_core::object::Kind;
use cloudsync_core::side::Side;

use crate::hand::{Hand, object};

/// Returns how many copies are begun before one ends, of ten files of three bytes.
fn begun(limits: Limits) -> usize {
    let mut hand = Hand::limited(limits);
    for number in 20..30 {
        let path = format!("a/{number}");
        let mut file = object(number, Kind::File);
        file.size = 3;
        hand.trees.local.insert(path.clone(), file);
        hand.changed(Side::Local, &path);
    }
    hand.is_slow = true;
    hand.work();
    hand.acts.len()
}

#[test]
fn so_many_operations_go_on_at_once() {
    for operations in [1, 2, 5] {
        let limits = Limits {
            operations,
            ..Limits::default()
        };
        assert_eq!(begun(limits), operations);
    }
}

/// One that goes beyond is begun still, as a file may be larger than all that is allowed.
#[test]
fn so_many_bytes_are_on_their_way_at_once() {
    for (bytes, expected) in [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3)] {
        let limits = Limits {
            bytes,
            ..Limits::default()
        };
        assert_eq!(begun(limits), expected, "{bytes} bytes");
    }
}

/// All that may go on does, and more of a flood waits. What comes to rest by itself is begun beside it.
#[test]
fn a_few_changes_have_room_beside_a_flood() {
    let mut hand = Hand::made(|config| {
        config.aging = Duration::from_secs(1);
        config.limits.operations = 2;
    });
    let write = |hand: &mut Hand, number: u8| {
        let path = format!("a/{number}");
        hand.trees
            .local
            .insert(path.clone(), object(number, Kind::File));
        hand.changed(Side::Local, &path);
    };
    hand.is_slow = true;
    (20..60).for_each(|number| write(&mut hand, number));
    hand.work();
    assert_eq!(hand.acts.len(), 2);
    (60..63).for_each(|number| write(&mut hand, number));
    hand.work_on();
    let begun = hand.acts[2..].iter().map(|(_, act)| match act {
        Act::Write { target, .. } => target.name.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(begun.collect::<Vec<_>>(), ["60", "61", "62"]);
}

/// New files of one size on both sides are hashed, a few at a time.
#[test]
fn so_many_questions_are_open_at_once() {
    for queries in [1, 3, 5] {
        let mut hand = Hand::limited(Limits {
            queries,
            ..Limits::default()
        });
        hand.holds = |query| matches!(query, Query::Hash { .. });
        for number in 20..40 {
            for side in Side::BOTH {
                let path = format!("a/{number}");
                hand.trees[side].insert(path.clone(), object(number, Kind::File));
                hand.changed(side, &path);
            }
        }
        hand.work();
        // Two of each pair.
        assert_eq!(hand.held.len(), 2 * queries);
    }
}
