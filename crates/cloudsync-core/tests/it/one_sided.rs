//! Users at work on one side alone: what they made of it stays as it is, and the other side gets it.

use cloudsync_core::rules::Feed;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, Swarm, UserAct};

fn write(path: &str) -> UserAct {
    UserAct::Write(Side::Local, path.to_owned())
}

fn mkdir(path: &str) -> UserAct {
    UserAct::Mkdir(Side::Local, path.to_owned())
}

fn rename(from: &str, to: &str) -> UserAct {
    UserAct::Rename(Side::Local, from.to_owned(), to.to_owned())
}

fn delete(path: &str) -> UserAct {
    UserAct::Delete(Side::Local, path.to_owned())
}

/// A disk with a feed that tells all.
fn feed() -> SideSetup {
    SideSetup {
        feed: Feed::Resumable,
        ..SideSetup::default()
    }
}

/// Plays the acts at any moments: after each, the engine does nothing or some of what it could.
fn at_any_moment(local: SideSetup, faults: Faults, acts: &[UserAct]) {
    for seed in 0..2_000_u64 {
        let moments = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut pair =
            ModelPair::with(BySide::new(local, SideSetup::default()), seed).faults(faults);
        for (number, act) in acts.iter().enumerate() {
            pair.act(act);
            let [steps, ..] = (moments >> (5 * number)).to_le_bytes();
            pair.act(&UserAct::Work(steps % 16));
        }
        pair.check();
        let ours: Vec<_> = pair
            .performed
            .iter()
            .filter(|done| done.side == Side::Local)
            .collect();
        assert!(ours.is_empty(), "seed {seed}: {ours:?}");
    }
}

/// A circle of entries that wait for each other was broken by what they once waited for: the new file was
/// renamed under its user's hands.
#[test]
fn a_file_that_takes_the_place_of_one_that_moved_and_went_keeps_its_name() {
    let acts = [write("b"), rename("b", "a"), delete("a"), write("b")];
    at_any_moment(SideSetup::default(), Faults::default(), &acts);
}

#[test]
fn a_folder_that_takes_the_place_of_one_that_moved_and_went_keeps_its_name() {
    let acts = [
        mkdir("b"),
        mkdir("c"),
        rename("c", "b/c"),
        delete("b"),
        mkdir("a"),
        rename("a", "c"),
    ];
    at_any_moment(SideSetup::default(), Faults::default(), &acts);
}

#[test]
fn a_file_whose_place_two_others_had_before_keeps_its_name() {
    let acts = [
        mkdir("c"),
        mkdir("c/a"),
        write("c/d"),
        rename("c/a", "d"),
        rename("c/d", "c/a"),
        write("c/d"),
        delete("c/a"),
    ];
    at_any_moment(SideSetup::default(), Faults::default(), &acts);
}

/// What came into a folder while that stood elsewhere for a moment was told by a path that was nowhere when it
/// was looked for: it stayed on its side, and nothing said so.
#[test]
fn what_came_into_a_folder_that_was_elsewhere_for_a_moment_is_carried_over() {
    let acts = [
        mkdir("c"),
        mkdir("c/b"),
        rename("c/b", "d"),
        rename("d", "c/b"),
        write("c/b/a"),
        rename("c/b", "d"),
    ];
    at_any_moment(feed(), Faults::default(), &acts);
}

/// Two folders changed places and back: what is told by the path of one lies in the other.
#[test]
fn what_came_into_a_folder_that_had_the_name_of_another_one_is_carried_over() {
    let acts = [
        mkdir("a"),
        mkdir("b"),
        rename("a", "x"),
        rename("b", "a"),
        rename("x", "b"),
        write("a/new"),
        rename("a", "x"),
        rename("b", "a"),
        rename("x", "b"),
    ];
    at_any_moment(feed(), Faults::default(), &acts);
}

/// Met at two places, of which one was in a folder that was gone by then, it counted as gone with that.
#[test]
fn a_folder_that_was_in_another_one_before_that_was_deleted_is_where_it_is() {
    let acts = [
        mkdir("d"),
        mkdir("b"),
        write("d/b"),
        rename("d", "b/b"),
        rename("b/b", "d"),
        delete("b"),
        rename("d", "c"),
        write("c/a"),
    ];
    at_any_moment(feed(), Faults::default(), &acts);
}

/// A walk met a file in a folder that it had met elsewhere before, and the file counted as gone with what the
/// folder had been in.
#[test]
fn what_is_new_in_a_folder_that_moved_out_of_one_that_is_deleted_is_met() {
    let acts = [
        mkdir("c"),
        mkdir("d"),
        mkdir("d/b"),
        rename("d/b", "a"),
        delete("d"),
        rename("c", "a/b"),
        write("a/b/a"),
    ];
    let walks = Faults {
        late_hint: 30,
        walk: 10,
        ..Faults::default()
    };
    at_any_moment(feed(), walks, &acts);
}

/// Parked in the very folder that was to be deleted for it, it kept that there, and gave way itself.
#[test]
fn a_file_that_takes_the_place_of_the_folder_that_it_was_in_keeps_its_name() {
    let acts = [
        mkdir("d"),
        mkdir("d/a"),
        write("d/a/b"),
        UserAct::Work(20),
        rename("d/a/b", "b"),
        delete("d/a"),
        rename("b", "d/a"),
        UserAct::Work(4),
        rename("d/a", "a"),
        delete("d"),
        rename("a", "c"),
        rename("c", "d"),
    ];
    at_any_moment(SideSetup::default(), Faults::default(), &acts);
}

/// An answer that came late said of a place, or of an object, what had been so before another answer; what had
/// been met there since was forgotten, and deleted on the other side.
#[test]
fn late_answers_are_not_believed_against_newer_ones() {
    let acts = [
        mkdir("c"),
        write("a"),
        write("d"),
        rename("a", "b"),
        rename("b", "c/a"),
        rename("d", "b"),
    ];
    let late = Faults {
        late_look: 50,
        ..Faults::default()
    };
    at_any_moment(SideSetup::service(), late, &acts);
}

/// Anything that one user does, with all that goes wrong. For longer runs see `cargo xtask simulate`.
#[test]
fn nothing_is_changed_on_the_side_on_which_all_work() {
    for seed in 0..1_000 {
        Swarm::one_sided(seed).run();
    }
}

/// A file takes the place of its folder, twice: each waits for that to be gone, and that for what is in it. The second
/// of the two circles was looked for only if something else began to wait.
#[test]
fn circles_are_broken_one_after_the_other() {
    for seed in 0..20 {
        let mut pair = ModelPair::with(BySide::default(), seed);
        for folder in ["p", "q"] {
            pair.act_all(&[mkdir(folder), write(&format!("{folder}/x"))]);
        }
        pair.check();
        for folder in ["p", "q"] {
            let file = format!("{folder}/x");
            pair.act_all(&[rename(&file, "t"), delete(folder), rename("t", folder)]);
        }
        pair.check();
        let there = pair.sides.remote.tree();
        assert_eq!(there.len(), 2, "{there:?}");
    }
}
