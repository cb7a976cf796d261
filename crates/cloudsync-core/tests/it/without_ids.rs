//! Sides on which nothing but the path names an object: a move shows as a file that is gone and an equal one that
//! is new.

use cloudsync_core::engine::io::Act;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{ModelPair, SideSetup, UserAct};

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
        for side in Side::BOTH {
            let paths: Vec<_> = pair.sides[side].objects().into_keys().collect();
            assert_eq!(
                paths,
                ["c", "c/w", "d", "d/e", "d/x", "e", "x"],
                "{side} {work}"
            );
        }
        assert_eq!(done(&pair), (vec![], 0), "after {work}");
    }
}
