//! Folders that move on a side where folders cannot be moved: what is in them moves one by one.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, ConflictPolicy};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::object::{Kind, Observed, Tag};
use cloudsync_core::rules::Rules;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{ModelPair, Scope, SideSetup, Swarm, UserAct};
use cloudsync_core::time::Time;

use crate::hand::{Hand, object, rules};

/// Two disks, of which the remote one cannot rename folders. Both have a folder `a` with two files in it.
fn by_parts(seed: u64) -> ModelPair {
    let fixed = SideSetup {
        folder_move: false,
        ..SideSetup::default()
    };
    let mut pair = ModelPair::with(BySide::new(SideSetup::default(), fixed), seed);
    pair.act_all(&[mkdir(Side::Local, "a"), write(Side::Local, "a/b")]);
    pair.act(&write(Side::Local, "a/f"));
    pair.check();
    pair.performed.clear();
    pair
}

fn write(side: Side, path: &str) -> UserAct {
    UserAct::Write(side, path.to_owned())
}

fn mkdir(side: Side, path: &str) -> UserAct {
    UserAct::Mkdir(side, path.to_owned())
}

fn delete(side: Side, path: &str) -> UserAct {
    UserAct::Delete(side, path.to_owned())
}

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.to_owned(), to.to_owned())
}

fn paths(pair: &ModelPair, side: Side) -> Vec<String> {
    pair.sides[side].objects().into_keys().collect()
}

/// Somebody does something in the folder on the remote side, and then the local side moves it from `a` to `c`. Nearly
/// always that comes to what is expected; where the folder has begun to move by then, to what is safe.
fn before_it_moves(act: &UserAct, expected: &[&str], safe: &[&str]) {
    let mut as_expected = 0;
    for work in 0..25 {
        let mut pair = by_parts(u64::from(work));
        pair.act_all(&[act.clone(), UserAct::Work(work)]);
        pair.act(&rename(Side::Local, "a", "c"));
        pair.check();
        let paths = paths(&pair, Side::Local);
        assert!(
            paths == expected || paths == safe,
            "{paths:?}, {work} between"
        );
        as_expected += u32::from(paths == expected);
    }
    assert!(as_expected >= 20, "{as_expected} of 25");
}

#[test]
fn nothing_is_copied() {
    let mut pair = by_parts(1);
    pair.act(&rename(Side::Local, "a", "c"));
    pair.check();
    assert_eq!(paths(&pair, Side::Remote), ["c", "c/b", "c/f"]);
    assert_eq!(
        pair.count(Side::Remote, |act| matches!(act, Act::Write { .. })),
        0
    );
}

#[test]
fn what_is_deleted_in_it_before_is_deleted() {
    let kept = ["c", "c/b", "c/f"];
    before_it_moves(&delete(Side::Remote, "a/b"), &["c", "c/f"], &kept);
}

#[test]
fn what_is_moved_out_of_it_before_stays_there() {
    let moved = ["c", "c/f", "x"];
    before_it_moves(&rename(Side::Remote, "a/b", "x"), &moved, &moved);
}

#[test]
fn what_is_renamed_in_it_before_keeps_its_new_name() {
    let renamed = ["c", "c/f", "c/z"];
    before_it_moves(&rename(Side::Remote, "a/b", "a/z"), &renamed, &renamed);
}

/// Else it would be new in a folder that is no more.
#[test]
fn what_is_new_in_it_moves_with_it() {
    let moved_with_it = ["c", "c/b", "c/f", "c/n"];
    let left = ["a", "a/n", "c", "c/b", "c/f"];
    before_it_moves(&write(Side::Remote, "a/n"), &moved_with_it, &left);
}

/// A folder that nobody knew stands where a file moves to: where folders cannot be renamed, the file gives way.
#[test]
fn a_file_gives_way_to_a_folder_that_cannot() {
    for work in 0..20 {
        let mut pair = by_parts(u64::from(work));
        pair.act_all(&[mkdir(Side::Remote, "x"), UserAct::Work(work)]);
        pair.act(&rename(Side::Local, "a/f", "x"));
        pair.check();
        for side in Side::BOTH {
            let paths = paths(&pair, side);
            assert_eq!(paths.len(), 4, "{paths:?}");
            assert!(
                pair.sides[side].objects()["x"].1.content.is_none(),
                "{paths:?}"
            );
        }
    }
}

/// Driven by hand, the same two sides: both have a folder `a` with a file `b` in it.
fn by_hand(on_conflict: ConflictPolicy) -> Hand {
    let fixed = Rules {
        folder_move: false,
        ..rules()
    };
    Hand::deciding(BySide::new(rules(), fixed), on_conflict)
}

fn edit(hand: &mut Hand, side: Side, number: u8) {
    let edited = Observed {
        tag: Tag::new([number]),
        ..object(3, Kind::File)
    };
    hand.trees[side].insert("a/b".to_owned(), edited);
    hand.changed(side, "a/b");
}

fn move_folder(hand: &mut Hand) {
    hand.rename(Side::Local, "a", "c");
    hand.changed(Side::Local, "a");
    hand.changed(Side::Local, "c");
}

/// What nobody decided about is no change that is still to be carried over.
#[test]
fn a_conflict_on_hold_in_it_moves_with_it() {
    let mut hand = by_hand(ConflictPolicy::Hold);
    edit(&mut hand, Side::Local, 5);
    edit(&mut hand, Side::Remote, 6);
    hand.work();
    move_folder(&mut hand);
    hand.work_on_as_told();
    for (side, number) in [(Side::Local, 5), (Side::Remote, 6)] {
        let paths: Vec<_> = hand.trees[side].keys().collect();
        assert_eq!(paths, ["c", "c/b"], "{:?}", hand.acts);
        assert_eq!(hand.trees[side]["c/b"].tag, Tag::new([number]));
    }
}

/// Whatever it turns out to be, it is agreed on where it is.
#[test]
fn it_waits_to_know_what_became_of_a_write_in_it() {
    let mut hand = by_hand(ConflictPolicy::KeepBoth);
    hand.fails = |_| Some(ErrorKind::Unavailable);
    hand.unseen = |path| path == "a/b";
    edit(&mut hand, Side::Local, 5);
    hand.work_at(Time::ZERO);
    hand.fails = |_| None;
    move_folder(&mut hand);
    let later = |seconds: u64| Time::ZERO + Duration::from_secs(seconds);
    (1..20).for_each(|second| hand.work_at(later(second)));
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.unseen = |_| false;
    hand.work_at(later(20));
    hand.work_on_as_told();
    let paths: Vec<_> = hand.trees[Side::Remote].keys().collect();
    assert_eq!(paths, ["c", "c/b"], "{:?}", hand.acts);
}

/// A folder moved into another one that moved out of it, which waits for a new file in it, whose place the first one
/// took: neither can be renamed as a whole here, so the file gives way.
#[test]
fn a_new_file_gives_way_to_a_folder_that_waits_for_it() {
    let fixed = SideSetup {
        folder_move: false,
        ..SideSetup::default()
    };
    let mut pair = ModelPair::with(BySide::new(fixed, SideSetup::default()), 20_085_257);
    pair.act_all(&[
        mkdir(Side::Local, "a"),
        write(Side::Local, "c"),
        mkdir(Side::Local, "b"),
        mkdir(Side::Local, "a/d"),
        UserAct::Work(8),
        rename(Side::Remote, "a/d", "b/c"),
        delete(Side::Remote, "c"),
        rename(Side::Local, "c", "a/d/d"),
        rename(Side::Remote, "a", "c"),
        rename(Side::Remote, "c", "b/c/d"),
    ]);
    pair.check();
    let both = ["b", "b/c", "b/c/d", "b/c/d.conflicted"];
    assert_eq!(paths(&pair, Side::Local), both);
}

/// Two disks, of which the local one cannot rename folders.
fn fixed_here(seed: u64) -> ModelPair {
    let fixed = SideSetup {
        folder_move: false,
        ..SideSetup::default()
    };
    ModelPair::with(BySide::new(fixed, SideSetup::default()), seed)
}

/// A folder that was moved waits for a new folder in it, that for the place of another folder, and that for the first
/// one. None can be renamed here: the new one stays in the old folder, which lives on. (They waited for ever.)
#[test]
fn a_new_folder_that_waits_for_the_folder_above_it_stays() {
    for work in 0..20 {
        let mut pair = fixed_here(31_077_240);
        for folder in ["b", "b/c", "b/c/b"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.act_all(&[
            write(Side::Local, "b/a"),
            UserAct::Work(work),
            rename(Side::Remote, "b/c", "a"),
            rename(Side::Remote, "b", "a/b"),
        ]);
        pair.check();
    }
}

/// A folder moved by parts twice: what was last in it is told of in records that name its entry, which is another one
/// each time.
#[test]
fn no_record_names_a_folder_that_moved_by_parts() {
    for work in 0..10 {
        let mut pair = fixed_here(60_013_247);
        pair.act(&UserAct::Choose(Scope::without(Side::Local, "b")));
        pair.act_all(&[
            mkdir(Side::Local, "a"),
            mkdir(Side::Local, "a/c"),
            write(Side::Local, "a/c/b"),
            UserAct::Work(7),
            delete(Side::Remote, "a/c"),
            rename(Side::Remote, "a", "c"),
            UserAct::Work(work),
            rename(Side::Remote, "c", "a"),
        ]);
        pair.check();
    }
}

/// In a folder that is to move by parts is one that this side deleted, and that stays on the other side, as something in
/// it is left out: nobody waits for that to go.
#[test]
fn a_folder_moves_by_parts_whatever_stays_in_it_for_what_is_left_out() {
    let mut pair = fixed_here(60_089_962);
    for folder in ["d", "c", "c/a"] {
        pair.act(&mkdir(Side::Local, folder));
    }
    pair.act_all(&[write(Side::Local, "a"), UserAct::Work(u8::MAX)]);
    pair.act_all(&[
        delete(Side::Local, "c/a"),
        UserAct::Choose(Scope::without(Side::Remote, "b")),
        rename(Side::Remote, "c", "d/d"),
        rename(Side::Remote, "a", "d/d/a/b"),
    ]);
    pair.check();
    assert_eq!(paths(&pair, Side::Local), ["a", "d", "d/d", "d/d/a"]);
}

/// A folder that a policy leaves out stands where one that moves by parts was agreed to stand: it goes on as that one. (It had
/// been looked at before, and was waited for.)
#[test]
fn a_folder_that_moves_by_parts_goes_on_as_what_replaced_it() {
    for work in 0..30 {
        let mut pair = fixed_here(75_089_493);
        for folder in ["a", "d", "d/d", "d/d/a"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.check();
        pair.act_all(&[
            rename(Side::Remote, "d/d", "b"),
            UserAct::Work(work),
            delete(Side::Remote, "d"),
            rename(Side::Remote, "b/a", "d"),
            rename(Side::Remote, "a", "b/a"),
            UserAct::Choose(Scope::without(Side::Local, "b")),
        ]);
        pair.check();
    }
    Swarm::crossed(75_089_493).choosing().by_parts().run();
}
