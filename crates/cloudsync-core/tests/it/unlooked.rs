//! What goes where nobody looks: into a folder that a policy leaves out, or under a name that is left out for a moment.

use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{ModelPair, Scope, Swarm, UserAct};

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.into(), to.into())
}

fn mkdir(side: Side, path: &str) -> UserAct {
    UserAct::Mkdir(side, path.into())
}

/// A folder was not met for a moment, and went to where nobody looks, with a file that counted as gone until then. (That
/// was looked for without end.)
#[test]
fn what_a_folder_took_along_to_where_nobody_looks_is_not_gone() {
    Swarm::crossed(91_072_678).choosing().outliving().run();
}

/// A folder that one user deleted waited for the one above it, which went to where it is left out just then, and we were killed. (It
/// stayed on the other side: nobody looked at it again.)
#[test]
fn what_is_in_a_folder_that_is_withheld_is_looked_at_again() {
    Swarm::crossed(95_071_313)
        .late()
        .asking()
        .by_parts()
        .choosing()
        .outliving()
        .run();
}

/// Each user moved a folder into the other one's, one of them was parked, we were killed, and a policy leaves out a name on the way
/// into it. (It was on its way, so it was not left out, and waited for a look where nobody looks.)
#[test]
fn what_lies_in_a_parked_folder_where_nobody_looks_is_left_out() {
    for steps in 0..12 {
        let mut pair = ModelPair::with(BySide::default(), 1);
        for path in ["a", "b", "b/x"] {
            pair.act(&mkdir(Side::Local, path));
        }
        pair.check();
        pair.act_all(&[
            rename(Side::Local, "a", "b/d"),
            rename(Side::Local, "b/x", "a"),
            rename(Side::Remote, "b", "a/c"),
            UserAct::Work(steps),
            UserAct::Choose(Scope::without(Side::Remote, "c")),
        ]);
        pair.check();
    }
    Swarm::crossed(95_064_380).choosing().outliving().run();
}

/// The record of a folder that is left out now goes, so those of what was in it last name nothing any more. (They named its number:
/// another one's by the next start.)
#[test]
fn what_was_last_in_a_folder_without_a_record_is_recorded_anew() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    for path in ["d", "d/a"] {
        pair.act(&mkdir(Side::Local, path));
    }
    pair.act(&UserAct::Write(Side::Local, "d/a/c".into()));
    pair.check();
    pair.act_all(&[
        UserAct::Delete(Side::Local, "d/a".into()),
        UserAct::Choose(Scope::without(Side::Local, "c")),
        rename(Side::Local, "d", "c"),
    ]);
    pair.check();
    Swarm::crossed(97_027_871).choosing().run();
    Swarm::crossed(97_006_104)
        .choosing()
        .by_parts()
        .outliving()
        .run();
}

/// Ours have names that begin with a dot, which a policy leaves out: what is in a folder that we parked is looked at all the same.
/// (Nobody looked at it, and what waited for that did so for ever.)
#[test]
fn what_is_in_a_parked_folder_is_looked_at_under_a_policy_without_hidden_names() {
    for seed in [100_325_279, 100_347_203] {
        Swarm::crossed(seed).hiding().run();
    }
    Swarm::crossed(100_007_061).outliving().hiding().run();
}

/// After a start, what was in a folder that has no record any more is nowhere, for a moment. (The policy was asked about the name that we
/// have for that, and left it out: it was torn apart and joined again without end.)
#[test]
fn no_policy_is_asked_about_a_folder_that_nobody_remembers() {
    Swarm::crossed(31_383).outliving().hiding().run();
}

/// A policy leaves out what is in one folder, and others are moved to its name, or away from it.
fn emptied(name: &str) -> Scope {
    let path = Some(format!("{name}/*"));
    Scope {
        paths: BySide::new(path.clone(), path),
        ..Scope::default()
    }
}

/// Users moved two folders into each other, one of which is to be empty for the policy: what is in them waits for the folders. (It was
/// wanted where it was, and not where it would come to lie, so it was joined and withheld by turns, **without end**.)
#[test]
fn what_is_wanted_at_one_of_two_places_waits_for_its_folder() {
    for steps in 0..8 {
        let mut pair = ModelPair::with(BySide::default(), 1);
        for path in ["a", "c"] {
            pair.act(&mkdir(Side::Local, path));
        }
        for path in ["a/f", "c/g"] {
            pair.act(&UserAct::Write(Side::Local, path.into()));
        }
        pair.check();
        pair.act_all(&[
            rename(Side::Local, "a", "c/a"),
            rename(Side::Remote, "c", "a/c"),
            UserAct::Choose(emptied("a")),
            UserAct::Work(steps),
            UserAct::Crash,
        ]);
        pair.check();
    }
    for seed in [110_000_164, 110_000_211, 110_000_326] {
        Swarm::crossed(seed).emptying().run();
    }
}

/// A folder in one that is emptied comes out with that as it is renamed: nobody had looked into it. (Nobody did after that.)
#[test]
fn what_comes_out_of_where_nobody_looks_is_looked_into() {
    for (from, to) in Side::BOTH
        .into_iter()
        .flat_map(|side| [(side, side), (side, side.other())])
    {
        let mut pair = ModelPair::with(BySide::default(), 1);
        pair.act(&UserAct::Choose(emptied("c")));
        for path in ["c", "c/d", "c/d/e"] {
            pair.act(&mkdir(from, path));
        }
        pair.check();
        pair.act(&UserAct::Write(from, "c/d/e/f".into()));
        pair.act(&rename(to, "c", "a"));
        pair.check();
        let all = |side: Side| pair.sides[side].tree().into_keys().collect::<Vec<_>>();
        assert_eq!(all(from), all(from.other()));
        assert_eq!(all(from), ["a", "a/d", "a/d/e", "a/d/e/f"]);
    }
    for seed in [110_001_979, 110_002_040, 110_004_588] {
        Swarm::crossed(seed).emptying().run();
    }
}

/// A parked folder that its other user deleted stays for what is left out in it: under its name. (It kept that of a moment.)
#[test]
fn a_parked_folder_that_stays_has_its_name_again() {
    Swarm::crossed(111_003_265).emptying().run();
}

/// What seemed to be gone is found by its id, in a folder that nobody looks into. (It was looked for **without end**.)
#[test]
fn what_is_found_where_nobody_looks_is_not_gone() {
    Swarm::crossed(111_013_156)
        .late()
        .asking()
        .by_parts()
        .choosing()
        .outliving()
        .emptying()
        .run();
}

/// The first seeds; any others by `cargo xtask simulate --crossed`, with one of these.
#[test]
fn everything_at_once_where_policies_look_at_names_and_paths() {
    for seed in 0..700 {
        Swarm::crossed(seed).choosing().hiding().run();
        Swarm::crossed(seed).outliving().emptying().run();
        Swarm::crossed(seed).barring().run();
    }
}
