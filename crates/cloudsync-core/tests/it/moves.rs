//! Moves, conflicts and the guard: what must hold of them beyond that both sides end equal.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, Control, Guard};
use cloudsync_core::object::{Kind, Tag};
use cloudsync_core::rules::Rules;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{ModelPair, UserAct, user_acts};
use cloudsync_core::time::Time;
use proptest::prelude::*;

use crate::hand::{Hand, object, rules};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

fn pair(seed: u64) -> ModelPair {
    ModelPair::with(BySide::default(), seed)
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(vec![Side::Local, Side::Remote])
}

fn write(pair: &mut ModelPair, side: Side, path: &str) {
    pair.act(&UserAct::Write(side, path.to_owned()));
}

fn mkdir(pair: &mut ModelPair, side: Side, path: &str) {
    pair.act(&UserAct::Mkdir(side, path.to_owned()));
}

fn rename(pair: &mut ModelPair, side: Side, from: &str, to: &str) {
    pair.act(&UserAct::Rename(side, from.to_owned(), to.to_owned()));
}

fn delete(pair: &mut ModelPair, side: Side, path: &str) {
    pair.act(&UserAct::Delete(side, path.to_owned()));
}

fn is_write(act: &Act) -> bool {
    matches!(act, Act::Write { .. })
}

fn paths(pair: &ModelPair) -> Vec<String> {
    pair.sides[Side::Local].tree().into_keys().collect()
}

/// Puts what is drawn into the folder `a`.
fn fill(pair: &mut ModelPair, acts: &[UserAct]) {
    let below = |path: &String| format!("a/{path}");
    mkdir(pair, Side::Local, "a");
    for act in acts {
        match act {
            UserAct::Write(_, path) => write(pair, Side::Local, &below(path)),
            UserAct::Mkdir(_, path) => mkdir(pair, Side::Local, &below(path)),
            _ => {}
        }
    }
    pair.check();
    pair.performed.clear();
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_moved_folder_is_one_rename(seed: u64, acts in user_acts(40), side in side(), deeper: bool) {
        let mut pair = pair(seed);
        mkdir(&mut pair, Side::Local, "b");
        fill(&mut pair, &acts);
        rename(&mut pair, side, "a", if deeper { "b/z" } else { "z" });
        pair.check();
        prop_assert_eq!(pair.performed.len(), 1);
        prop_assert_eq!(pair.count(side.other(), |act| matches!(act, Act::Rename { .. })), 1);
    }

    #[test]
    fn names_rotate(seed: u64, count in 2..6_usize, side in side(), folders: bool, both: bool) {
        let mut pair = pair(seed);
        let name = |number: usize| format!("n{}", number % count);
        for number in 0..count {
            if folders {
                mkdir(&mut pair, Side::Local, &name(number));
                write(&mut pair, Side::Local, &format!("{}/inside", name(number)));
            } else {
                write(&mut pair, Side::Local, &name(number));
            }
        }
        pair.check();
        let before = pair.sides[Side::Local].tree();
        pair.performed.clear();
        let acting: &[Side] = if both { &Side::BOTH } else { &[side] };
        for &side in acting {
            rename(&mut pair, side, &name(count - 1), "aside");
            for number in (0..count - 1).rev() {
                rename(&mut pair, side, &name(number), &name(number + 1));
            }
            rename(&mut pair, side, "aside", &name(0));
        }
        let wish = pair.sides[side].tree();
        pair.check();
        prop_assert_ne!(&before, &wish);
        prop_assert_eq!(&pair.sides[Side::Local].tree(), &wish);
        prop_assert_eq!(pair.performed.iter().filter(|done| is_write(&done.act)).count(), 0);
        if both {
            prop_assert_eq!(pair.performed.len(), 0);
        } else {
            prop_assert!(pair.performed.len() <= 2 * count, "{:?}", pair.performed);
        }
    }

    /// Each folder is moved into the other, one on each side: the remote move stands.
    #[test]
    fn folders_are_moved_into_each_other(seed: u64, fill_a: bool, fill_b: bool) {
        let mut pair = pair(seed);
        for (folder, fill) in [("a", fill_a), ("b", fill_b)] {
            mkdir(&mut pair, Side::Local, folder);
            if fill {
                write(&mut pair, Side::Local, &format!("{folder}/x"));
            }
        }
        pair.check();
        rename(&mut pair, Side::Local, "a", "b/a");
        rename(&mut pair, Side::Remote, "b", "a/b");
        let wish = pair.sides[Side::Remote].tree();
        pair.check();
        prop_assert_eq!(pair.sides[Side::Local].tree(), wish);
    }

    /// A folder deleted on one side lives on with just what the other side put into it.
    #[test]
    fn a_deleted_folder_that_was_filled_lives_on(seed: u64, acts in user_acts(20), side in side(), changed: bool) {
        let mut pair = pair(seed);
        fill(&mut pair, &acts);
        let old = if changed { paths(&pair).into_iter().find(|path| path.matches('/').count() == 1
            && pair.sides[Side::Local].tree()[path].is_some()) } else { None };
        let new = old.unwrap_or_else(|| "a/new".to_owned());
        delete(&mut pair, side, "a");
        write(&mut pair, side.other(), &new);
        pair.check();
        prop_assert_eq!(paths(&pair), vec!["a".to_owned(), new]);
    }

    /// However many edit one file: one copy at most, never a copy of a copy.
    #[test]
    fn a_conflict_makes_one_copy(seed: u64, works in prop::collection::vec(0..30_u8, 1..5), crash: bool) {
        let mut pair = pair(seed);
        write(&mut pair, Side::Local, "a.txt");
        pair.check();
        let mut conflicts = 0;
        for &work in &works {
            write(&mut pair, Side::Local, "a.txt");
            write(&mut pair, Side::Remote, "a.txt");
            conflicts += 1;
            pair.act(&UserAct::Work(work));
            if crash {
                pair.act(&UserAct::Crash);
            }
        }
        let remote = pair.sides[Side::Remote].contents_below("a.txt");
        pair.check();
        let all = paths(&pair);
        prop_assert!(all.len() <= 1 + conflicts, "{:?}", all);
        if conflicts == 1 {
            prop_assert_eq!(all.len(), 2);
            prop_assert_eq!(pair.sides[Side::Local].contents_below("a.txt"), remote);
        }
    }

    /// Too many deletions are held, exactly these; the rest goes on; a release frees exactly them.
    #[test]
    fn the_guard_holds_and_releases(seed: u64, count in 8..20_usize, kept in 0..4_usize, side in side(), crash: bool) {
        let mut pair = pair(seed);
        pair.set_guard(Some(Guard { max_count: 1_000, max_share: 0.5, min_count: 4, ..Guard::default() }));
        pair.crash();
        for number in 0..count + kept {
            write(&mut pair, Side::Local, &format!("f{number}"));
        }
        pair.check();
        pair.performed.clear();
        for number in 0..count {
            delete(&mut pair, side, &format!("f{number}"));
        }
        write(&mut pair, side, "new");
        write(&mut pair, side.other(), "other");
        if crash {
            pair.crash();
        }
        pair.run();
        prop_assert_eq!(pair.count(side.other(), |act| matches!(act, Act::Delete { .. })), 0);
        for side in Side::BOTH {
            prop_assert_eq!(pair.sides[side].contents_below("new").len(), 1);
            prop_assert_eq!(pair.sides[side].contents_below("other").len(), 1);
        }
        let held = pair.engine().status(cloudsync_core::time::Time::ZERO).held;
        prop_assert_eq!(held.len(), 1);
        prop_assert_eq!(held[0].count, count);
        prop_assert_eq!(held[0].side, side.other());
        // What is deleted after the question was asked is not part of the answer.
        if kept > 0 {
            delete(&mut pair, side, &format!("f{count}"));
            pair.run();
        }
        pair.control(Control::Release(held[0].id));
        pair.run();
        let done = pair.count(side.other(), |act| matches!(act, Act::Delete { .. }));
        // With more deletions since, the set has another name by now, and the old one frees nothing.
        prop_assert_eq!(done, if kept > 0 { 0 } else { count });
        pair.check();
    }
}

/// Each has the place that the other one wants, or waits for who has it.
#[test]
fn of_two_moves_to_one_place_that_wait_for_each_other_both_are_kept() {
    let mut pair = pair(1);
    for path in ["a", "b"] {
        write(&mut pair, Side::Local, path);
    }
    pair.check();
    rename(&mut pair, Side::Local, "a", "c");
    write(&mut pair, Side::Local, "a");
    rename(&mut pair, Side::Remote, "b", "c");
    pair.check();
    let tree = pair.sides.local.tree();
    let contents: Vec<_> = tree
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_deref()))
        .collect();
    let expected = [
        ("a", Some("token 3")),
        ("c", Some("token 2")),
        ("c.conflicted", Some("token 1")),
    ];
    assert_eq!(contents, expected);
}

/// Which paths a side has in a world that is driven by hand.
fn by_hand(hand: &Hand, side: Side) -> Vec<&str> {
    hand.trees[side].keys().map(String::as_str).collect()
}

/// The remote side deletes the folder `a` first, and the local one moves it a second later, and once more: what is in
/// it has rested long before the folder has.
fn moved_after_it_was_deleted(elsewhere: bool) -> Hand {
    let mut hand = Hand::aging(Duration::from_secs(10));
    if elsewhere {
        hand.rename(Side::Remote, "a/b", "b");
        hand.changed(Side::Remote, "a/b");
        hand.changed(Side::Remote, "b");
        hand.work_at(Time::ZERO);
    }
    hand.trees[Side::Remote].clear();
    for path in ["a", "a/b", "b"] {
        hand.changed(Side::Remote, path);
    }
    hand.work_at(Time::ZERO);
    let mut now = Time::ZERO;
    for (from, to, seconds) in [("a", "d", 1), ("d", "c", 8)] {
        now = now + Duration::from_secs(seconds);
        hand.rename(Side::Local, from, to);
        hand.changed(Side::Local, from);
        hand.changed(Side::Local, to);
        hand.work_at(now);
    }
    hand.work_from(now);
    hand
}

#[test]
fn what_was_deleted_with_a_folder_that_the_other_side_moves_is_kept_with_it() {
    let hand = moved_after_it_was_deleted(false);
    for side in Side::BOTH {
        assert_eq!(by_hand(&hand, side), ["c", "c/b"], "{:?}", hand.acts);
    }
}

/// It was moved out of the folder, and deleted there: that the folder is wanted elsewhere says nothing of it.
#[test]
fn what_was_deleted_elsewhere_is_not_kept_with_the_folder_it_was_in() {
    let hand = moved_after_it_was_deleted(true);
    for side in Side::BOTH {
        assert_eq!(by_hand(&hand, side), ["c"], "{:?}", hand.acts);
    }
}

/// The local one goes back to where it was, and the other one moves into it.
#[test]
fn of_two_folders_that_are_moved_into_each_other_the_local_one_goes_back() {
    for seed in 0..10 {
        let mut pair = pair(seed);
        mkdir(&mut pair, Side::Local, "a");
        mkdir(&mut pair, Side::Local, "b");
        pair.check();
        rename(&mut pair, Side::Local, "a", "b/a");
        rename(&mut pair, Side::Remote, "b", "a/b");
        pair.check();
        assert_eq!(paths(&pair), ["a", "a/b"], "seed {seed}");
    }
}

/// One user turns them inside out: nobody else moved anything.
#[test]
fn a_folder_that_moves_into_one_that_was_in_it_does_so() {
    for side in Side::BOTH {
        for seed in 0..10 {
            let mut pair = pair(seed);
            mkdir(&mut pair, Side::Local, "a");
            mkdir(&mut pair, Side::Local, "a/c");
            pair.check();
            rename(&mut pair, side, "a/c", "c");
            rename(&mut pair, side, "a", "c/a");
            pair.check();
            assert_eq!(paths(&pair), ["c", "c/a"], "{side}, seed {seed}");
        }
    }
}

/// Where two folders go.
type Moves = [(&'static str, &'static str); 2];

/// Two of three folders want one name, and the third goes into one of them, which is on its way into that: the one
/// that made way for a moment comes out of it, or there was no end.
#[test]
fn three_folders_that_two_users_move_into_each_other_come_to_rest() {
    // The folders `x` and `y` in `a`; what the local user moves, and the remote one.
    let beside = ["a/x", "a/y"];
    let nested = ["a/y/x", "a/y"];
    let worlds: [([&str; 2], Moves, Moves); 3] = [
        (
            beside,
            [("a/x", "b"), ("a/y", "a/x")],
            [("a/y", "b"), ("a", "b/a")],
        ),
        (
            beside,
            [("a/x", "b"), ("a/y", "a/x")],
            [("a/y", "b"), ("a", "b/b")],
        ),
        (
            nested,
            [("a/y", "a/z"), ("a/z/x", "b")],
            [("a/y", "b"), ("a", "b/b")],
        ),
    ];
    for ([x, y], local, remote) in worlds {
        for at_rest in [false, true] {
            let mut pair = pair(1);
            mkdir(&mut pair, Side::Local, "a");
            mkdir(&mut pair, Side::Local, y);
            mkdir(&mut pair, Side::Local, x);
            pair.check();
            for (side, moves) in [(Side::Local, local), (Side::Remote, remote)] {
                for (from, to) in moves {
                    rename(&mut pair, side, from, to);
                }
            }
            if !at_rest {
                pair.crash();
            }
            pair.check();
            assert_eq!(paths(&pair).len(), 3, "{:?}", paths(&pair));
        }
    }
}

/// Of a feed that is late, news of what came into its place may come before news of itself: before it is deleted on the
/// other side, it is looked for by its id.
#[test]
fn what_was_moved_away_for_another_one_is_not_deleted_before_it_is_told_of() {
    let found_by_id = || Rules {
        id_lookup: true,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(rules(), found_by_id()));
    for side in Side::BOTH {
        hand.trees[side].insert("x".to_owned(), object(9, Kind::File));
        hand.changed(side, "x");
    }
    hand.work_on();
    hand.rename(Side::Remote, "a/b", "a/c");
    hand.rename(Side::Remote, "x", "a/b");
    hand.changed(Side::Remote, "x");
    hand.work_on();
    let deletes = |(_, act): &(Side, Act)| matches!(act, Act::Delete { .. });
    assert!(!hand.acts.iter().any(deletes), "{:?}", hand.acts);
    for side in Side::BOTH {
        assert_eq!(by_hand(&hand, side), ["a", "a/b", "a/c"], "{:?}", hand.acts);
        let tags = ["a/b", "a/c"].map(|path| hand.trees[side][path].tag.clone());
        assert_eq!(tags, [9, 3].map(|id| Tag::new([id])));
    }
}
