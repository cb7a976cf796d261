//! Sides on which nothing but the path names an object: a move shows as a file that is gone and an equal one that
//! is new.

use cloudsync_core::engine::io::Act;
use cloudsync_core::object::{Kind, Observed, Oid};
use cloudsync_core::rules::{Identity, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, Swarm, UserAct};

use crate::hand::{Hand, object, rules};

/// A disk and an object store, with some files: those at `x` and `d/x` are equal, `e` and `d/e` are empty.
fn pair(seed: u64) -> ModelPair {
    let sides = BySide::new(SideSetup::default(), SideSetup::without_ids());
    let mut pair = ModelPair::with(sides, seed);
    for folder in ["c", "d"] {
        pair.act(&UserAct::Mkdir(Side::Local, folder.to_owned()));
    }
    for (path, content) in [
        ("x", "equal"),
        ("d/x", "equal"),
        ("d/z", "other"),
        ("e", ""),
        ("d/e", ""),
    ] {
        pair.write(Side::Local, path, content);
    }
    pair.check();
    pair.performed.clear();
    pair
}

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.to_owned(), to.to_owned())
}

/// Returns what was done on the local side: moves, as from where to where, and how many things were made or deleted.
fn done(pair: &ModelPair) -> (Vec<(String, String)>, usize) {
    let mut moves = Vec::new();
    let mut others = 0;
    for operation in pair.performed.iter().filter(|it| it.side == Side::Local) {
        match &operation.act {
            Act::Rename { at, target, .. } => moves.push((at.path.clone(), target.path())),
            Act::SetAttributes { .. } => {}
            _ => others += 1,
        }
    }
    (moves, others)
}

/// Which moves the renames by users of the object store come to, and how many things are made or deleted.
fn carried(acts: &[(&str, &str)]) -> (Vec<(String, String)>, usize) {
    let mut pair = pair(1);
    for (from, to) in acts {
        pair.act(&rename(Side::Remote, from, to));
    }
    // It is all found at once, by a walk.
    pair.crash();
    pair.check();
    let paths = |side: Side| pair.sides[side].objects().into_keys().collect::<Vec<_>>();
    assert_eq!(paths(Side::Local), paths(Side::Remote));
    done(&pair)
}

fn one(from: &str, to: &str) -> (Vec<(String, String)>, usize) {
    (vec![(from.to_owned(), to.to_owned())], 0)
}

#[test]
fn a_move_is_known_by_the_content() {
    assert_eq!(carried(&[("d/z", "c/w")]), one("d/z", "c/w"));
}

/// Of equal files that are gone, it is the one with its name.
#[test]
fn of_two_that_are_equal_that_one_moved_which_has_the_name() {
    let (mut moves, others) = carried(&[("d/x", "c/x"), ("x", "c/a")]);
    moves.sort();
    let expected = [("d/x", "c/x"), ("x", "c/a")];
    // Which of the two goes where is nobody's to know, as both have one name.
    let either = [("d/x", "c/a"), ("x", "c/x")];
    let moves: Vec<_> = moves
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert!(moves == expected || moves == either, "{moves:?}");
    assert_eq!(others, 0);
}

#[test]
fn an_empty_file_moved_only_under_its_own_name() {
    assert_eq!(carried(&[("d/e", "c/e")]), one("d/e", "c/e"));
    let (moves, others) = carried(&[("d/e", "c/h")]);
    assert_eq!((moves.len(), others), (0, 2), "one is made, one is deleted");
}

/// An equal file beside one that is there still is a copy of that.
#[test]
fn a_copy_is_no_move() {
    let mut pair = pair(1);
    pair.write(Side::Remote, "c/w", "other");
    pair.check();
    assert_eq!(done(&pair), (vec![], 1));
    assert_eq!(pair.sides.local.objects().len(), 8);
}

/// Whether `d/z` is at `c/w` on each side, and all else where it was.
fn moved(pair: &ModelPair) -> [bool; 2] {
    Side::BOTH.map(|side| {
        let paths = pair.sides[side].objects().into_keys();
        paths.eq(["c", "c/w", "d", "d/e", "d/x", "e", "x"])
    })
}

/// Whatever of it was done, recorded or not, when we were killed.
#[test]
fn our_own_move_is_known_after_a_kill() {
    for work in 0..40 {
        let mut pair = pair(u64::from(work));
        pair.act_all(&[
            rename(Side::Local, "d/z", "c/w"),
            UserAct::Work(work),
            UserAct::Crash,
        ]);
        pair.check();
        assert_eq!(moved(&pair), [true; 2], "after {work}");
        assert_eq!(done(&pair), (vec![], 0), "after {work}");
    }
}

/// The same where its answer was lost, and the feed told of it.
#[test]
fn our_own_move_is_known_where_its_answer_was_lost() {
    for seed in 0..40 {
        let mut pair = pair(seed).faults(Faults {
            lost_reply: 100,
            ..Faults::default()
        });
        pair.act(&rename(Side::Local, "d/z", "c/w"));
        pair.check();
        assert_eq!(moved(&pair), [true; 2], "seed {seed}");
    }
}

/// Where ids tell what moved, an equal file elsewhere is another one.
#[test]
fn with_ids_an_equal_file_is_another_one() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    pair.write(Side::Local, "z", "other");
    pair.check();
    pair.performed.clear();
    pair.act(&UserAct::Delete(Side::Remote, "z".to_owned()));
    pair.write(Side::Remote, "w", "other");
    pair.crash();
    pair.check();
    assert_eq!(done(&pair), (vec![], 2), "one is made, one is deleted");
}

/// A folder is nobody's content.
#[test]
fn an_empty_folder_is_no_empty_file_that_moved() {
    let mut pair = pair(1);
    pair.act(&UserAct::Delete(Side::Remote, "d/e".to_owned()));
    pair.act(&UserAct::Mkdir(Side::Remote, "c/e".to_owned()));
    pair.crash();
    pair.check();
    assert_eq!(done(&pair), (vec![], 2), "one is made, one is deleted");
}

/// The file `a/b` is gone from the object store, and an equal one is new at `n`, where the disk has `local`, new as
/// well. Returns what the disk has then.
fn met(local: Observed) -> Vec<String> {
    let mut hand = Hand::with(BySide::new(
        rules(),
        Rules {
            identity: Identity::Path,
            ..rules()
        },
    ));
    let file = hand.trees[Side::Remote].remove("a/b").expect("it is there");
    hand.trees[Side::Remote].insert("n".to_owned(), file);
    let oid = Oid::new([9]);
    hand.trees[Side::Local].insert("n".to_owned(), Observed { oid, ..local });
    for side in Side::BOTH {
        hand.walk(side);
    }
    hand.work();
    let paths = |side: Side| hand.trees[side].keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(Side::Local), paths(Side::Remote));
    paths(Side::Local)
}

/// It is a copy of ours whose end nobody saw, else it would not have that content and that time.
#[test]
fn one_that_both_sides_have_is_not_one_that_moved() {
    assert_eq!(met(object(3, Kind::File)), ["a", "n"]);
}

#[test]
fn one_that_is_not_alike_gives_way_to_one_that_moved() {
    let longer = Observed {
        size: 2,
        ..object(8, Kind::File)
    };
    for local in [object(8, Kind::File), object(8, Kind::Folder), longer] {
        assert_eq!(met(local.clone()), ["a", "n", "n.conflicted"], "{local:?}");
    }
}

/// Two names of one side that are one name on the other one: what stands there belongs to its own name.
#[test]
fn what_stands_there_under_another_case_belongs_to_that_name() {
    let mut all = BySide::from_fn(|_| rules());
    all[Side::Remote].names.case_sensitive = false;
    let mut hand = Hand::with(all);
    for (name, number) in [("F", 8), ("f", 9)] {
        hand.trees[Side::Local].insert(name.to_owned(), object(number, Kind::File));
    }
    hand.trees[Side::Remote].insert("F".to_owned(), object(8, Kind::File));
    for side in [Side::Remote, Side::Local] {
        hand.walk(side);
    }
    hand.work();
    for side in Side::BOTH {
        let paths: Vec<_> = hand.trees[side].keys().collect();
        assert_eq!(paths, ["F", "a", "a/b", "f.conflicted"]);
        assert_eq!(hand.trees[side]["F"].tag, object(8, Kind::File).tag);
    }
}

/// A file with the tag of another one took its place just before we renamed that: what is there now was not looked at.
#[test]
fn what_we_renamed_may_be_another_file_with_its_tag() {
    let coarse = SideSetup {
        clock_step: 20,
        ..SideSetup::without_ids()
    };
    for seed in 0..20 {
        for work in 0..20 {
            let setup = BySide::new(coarse, SideSetup::default());
            let mut pair = ModelPair::with(setup, seed);
            for path in ["b", "c"] {
                pair.act(&UserAct::Write(Side::Local, path.to_owned()));
            }
            pair.check();
            pair.act(&rename(Side::Remote, "b", "d"));
            pair.act(&UserAct::Work(work));
            pair.act(&UserAct::Delete(Side::Local, "b".to_owned()));
            pair.act(&rename(Side::Local, "c", "b"));
            pair.check();
        }
    }
}

/// A folder took the place of a file just before we moved that, and a service moved what it found there: the answer says
/// so, and nothing of the file is believed of the folder.
#[test]
fn what_we_moved_may_be_a_folder_that_took_the_place() {
    let path_only = Rules {
        identity: Identity::Path,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(rules(), path_only));
    hand.rename(Side::Local, "a/b", "a/c");
    hand.changed(Side::Local, "a/b");
    hand.changed(Side::Local, "a/c");
    hand.is_slow = true;
    hand.work();
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.rename(Side::Remote, "a/b", "b");
    hand.trees
        .remote
        .insert("a/b".to_owned(), object(9, Kind::Folder));
    hand.end_slow();
    hand.work();
    hand.changed(Side::Remote, "b");
    hand.work_on_as_told();
    let paths = |side: Side| hand.trees[side].keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(Side::Local), paths(Side::Remote), "{:?}", hand.acts);
    let kinds = |side: Side| {
        hand.trees[side]
            .values()
            .map(|seen| seen.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(Side::Local), kinds(Side::Remote), "{:?}", hand.acts);
}

/// Both users moved a file alike, and one of them moved it back before all of that was looked at, after a kill or without one; the
/// other one did this meanwhile.
fn moved_by_both_and_back(meanwhile: &[UserAct]) {
    for (seed, work) in (0..40).flat_map(|seed| (1..15).map(move |work| (seed, work))) {
        let sides = BySide::from_fn(|_| SideSetup::without_ids());
        let moved = [
            rename(Side::Local, "a", "d"),
            rename(Side::Remote, "a", "d"),
        ];
        for kill in [&[][..], &[UserAct::Crash]] {
            let mut pair = ModelPair::with(sides, seed);
            pair.act(&UserAct::Write(Side::Local, "a".to_owned()));
            pair.check();
            pair.act_all(&[&moved, meanwhile, &[UserAct::Work(work)], kill].concat());
            pair.act(&rename(Side::Local, "d", "a"));
            pair.check();
        }
    }
}

/// It counts as two, one gone on either side. It is not deleted on both.
#[test]
fn a_file_that_both_moved_and_one_moved_back_is_there_in_the_end() {
    moved_by_both_and_back(&[]);
}

/// Another file that was put in the first place is written over the one that was moved back.
#[test]
fn a_file_that_was_moved_back_to_where_another_one_was_put_is_there_in_the_end() {
    moved_by_both_and_back(&[UserAct::Write(Side::Remote, "a".to_owned())]);
}

/// We copied a file to where its user had moved it, and were killed as we deleted the old one; the other user moved it
/// back to there, by its folder. (It counted as two, one gone on either side, and was deleted on both: **lost**.)
#[test]
fn a_file_that_moved_back_while_we_were_dead_is_there_in_the_end() {
    let (local, remote) = (Side::Local, Side::Remote);
    for (seed, work) in (0..40).flat_map(|seed| (0..16).map(move |work| (seed, work))) {
        for is_killed in [true, false] {
            let blind = SideSetup::without_ids();
            let mut pair = ModelPair::with(BySide::new(blind, blind), seed);
            for folder in ["a", "b"] {
                pair.act(&UserAct::Mkdir(local, folder.to_owned()));
            }
            pair.write(local, "b/a", "it");
            pair.check();
            let mut pair = pair.faults(Faults {
                late_hint: 50,
                ..Faults::default()
            });
            pair.act_all(&[rename(local, "b/a", "a/a"), UserAct::Work(work)]);
            if pair.sides[remote].contents().count() != 1 {
                continue;
            }
            if is_killed {
                pair.crash();
            }
            if pair.sides[remote].tree().contains_key("a/a") {
                pair.act_all(&[
                    UserAct::Delete(remote, "b".to_owned()),
                    rename(remote, "a", "b"),
                ]);
            }
            pair.check();
            for side in Side::BOTH {
                let count = pair.sides[side].contents().count();
                assert!(count > 0, "{side} {seed} {work} {is_killed}");
            }
        }
    }
    Swarm::crossed(91_047_373).late().outliving().run();
}
