//! What one side does not want and the other one has: left alone here, kept there, brought back when it
//! is wanted again.

use cloudsync_core::engine::io::{Control, Guard};
use cloudsync_core::rules::Feed;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{ModelPair, Scope, SideSetup, Swarm, UserAct};
use cloudsync_core::time::Time;
use proptest::prelude::*;

const HERE: Side = Side::Local;
const THERE: Side = Side::Remote;

/// A pair at rest with `a` and `b` on both sides.
fn pair() -> ModelPair {
    let mut pair = ModelPair::with(BySide::default(), 1);
    for (path, content) in [("a", "first"), ("b", "first b")] {
        this(&mut pair, HERE, path, content);
    }
    pair.check();
    pair
}

/// The same, and `b` is not wanted on the remote side any more.
fn withheld() -> ModelPair {
    let mut pair = pair();
    choose(&mut pair, Scope::without(THERE, "b"));
    pair
}

/// Another policy at a start, and rest after it.
fn choose(pair: &mut ModelPair, scope: Scope) {
    pair.act(&UserAct::Choose(scope));
    pair.check();
}

fn this(pair: &mut ModelPair, side: Side, path: &str, content: &str) {
    pair.act(&UserAct::WriteThis(side, path.into(), content.into()));
}

fn rename(pair: &mut ModelPair, side: Side, from: &str, to: &str) {
    pair.act(&UserAct::Rename(side, from.into(), to.into()));
}

fn delete(pair: &mut ModelPair, side: Side, path: &str) {
    pair.act(&UserAct::Delete(side, path.into()));
}

fn mkdir(pair: &mut ModelPair, side: Side, path: &str) {
    pair.act(&UserAct::Mkdir(side, path.into()));
}

fn content(pair: &ModelPair, side: Side, path: &str) -> Option<String> {
    pair.sides[side].tree().remove(path).flatten()
}

fn paths(pair: &ModelPair, side: Side) -> Vec<String> {
    pair.sides[side].tree().into_keys().collect()
}

/// Comes to rest, twice with a crash in between; nothing is to be done.
fn rests(pair: &mut ModelPair) {
    pair.performed.clear();
    pair.check();
    assert_eq!(pair.performed, []);
}

fn count(pair: &ModelPair) -> usize {
    pair.engine().status(Time::ZERO).withheld[THERE]
}

#[test]
fn what_one_side_does_not_want_is_not_made_there() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    choose(&mut pair, Scope::without(THERE, "b"));
    this(&mut pair, HERE, "a", "x");
    this(&mut pair, HERE, "b", "y");
    mkdir(&mut pair, HERE, "c");
    this(&mut pair, HERE, "c/b", "z");
    pair.check();
    assert_eq!(paths(&pair, THERE), ["a", "c"]);
    assert_eq!(count(&pair), 2);
    rests(&mut pair);
    choose(&mut pair, Scope::default());
    assert_eq!(paths(&pair, THERE), ["a", "b", "c", "c/b"]);
    assert_eq!(count(&pair), 0);
}

#[test]
fn what_becomes_unwanted_on_one_side_stays_on_both() {
    let mut pair = pair();
    pair.performed.clear();
    choose(&mut pair, Scope::without(THERE, "b"));
    assert_eq!(pair.performed, []);
    assert_eq!(paths(&pair, HERE), ["a", "b"]);
    assert_eq!(paths(&pair, THERE), ["a", "b"]);
    assert_eq!(count(&pair), 1);
    choose(&mut pair, Scope::default());
    assert_eq!(pair.performed, []);
    assert_eq!(count(&pair), 0);
}

/// A folder that was deleted there stays, as something in it is not for the other side: what comes to its place gets
/// another name, and does not wait for ever.
#[test]
fn what_comes_to_the_place_of_a_folder_that_stays_gives_way() {
    for unshared in ["d/x", "d/s/x"] {
        let mut pair = pair();
        choose(&mut pair, Scope::without(THERE, "x"));
        for folder in ["d", "d/s"] {
            mkdir(&mut pair, HERE, folder);
        }
        this(&mut pair, HERE, unshared, "unshared");
        this(&mut pair, HERE, "d/f", "shared");
        pair.check();
        delete(&mut pair, THERE, "d");
        this(&mut pair, THERE, "d", "a file by now");
        pair.check();
        assert_eq!(content(&pair, HERE, unshared).as_deref(), Some("unshared"));
        for side in Side::BOTH {
            let given_way = content(&pair, side, "d.conflicted");
            assert_eq!(given_way.as_deref(), Some("a file by now"), "{side}");
        }
    }
}

#[test]
fn edits_and_deletions_of_what_is_withheld_do_nothing_on_the_other_side() {
    let mut pair = withheld();
    this(&mut pair, HERE, "b", "second");
    rests(&mut pair);
    assert_eq!(content(&pair, THERE, "b").as_deref(), Some("first b"));
    assert_eq!(count(&pair), 1);
    delete(&mut pair, HERE, "b");
    rests(&mut pair);
    assert_eq!(content(&pair, THERE, "b").as_deref(), Some("first b"));
    assert_eq!(count(&pair), 0);
}

#[test]
fn what_is_withheld_moves_with_what_was_last_held() {
    let mut pair = withheld();
    mkdir(&mut pair, HERE, "c");
    rename(&mut pair, HERE, "b", "c/b");
    pair.check();
    assert_eq!(paths(&pair, THERE), ["a", "b", "c"]);
    assert_eq!(count(&pair), 1);
    rename(&mut pair, HERE, "c/b", "d");
    pair.check();
    assert_eq!(paths(&pair, THERE), ["a", "b", "c", "d"]);
    assert_eq!(count(&pair), 0);
}

#[test]
fn what_the_other_side_left_unchanged_gets_the_newer_version() {
    for crash in [false, true] {
        let mut pair = withheld();
        this(&mut pair, HERE, "b", "second");
        pair.run();
        if crash {
            pair.crash();
        }
        choose(&mut pair, Scope::default());
        assert_eq!(paths(&pair, THERE), ["a", "b"]);
        assert_eq!(content(&pair, THERE, "b").as_deref(), Some("second"));
    }
}

#[test]
fn an_editors_save_of_what_is_withheld_is_an_edit() {
    let mut pair = withheld();
    this(&mut pair, HERE, "new", "second");
    delete(&mut pair, HERE, "b");
    rename(&mut pair, HERE, "new", "b");
    pair.run();
    choose(&mut pair, Scope::default());
    assert_eq!(paths(&pair, THERE), ["a", "b"]);
    assert_eq!(content(&pair, THERE, "b").as_deref(), Some("second"));
}

/// Whether the other version changed meanwhile or not: what is found may be another object.
#[test]
fn what_the_other_side_changed_is_a_conflict() {
    for edited in [false, true] {
        let mut pair = withheld();
        this(&mut pair, THERE, "b", "there");
        if edited {
            this(&mut pair, HERE, "b", "here");
        }
        rests(&mut pair);
        choose(&mut pair, Scope::default());
        assert_eq!(paths(&pair, HERE), ["a", "b", "b.conflicted"]);
        let mine = if edited { "here" } else { "first b" };
        assert_eq!(content(&pair, THERE, "b").as_deref(), Some("there"));
        assert_eq!(content(&pair, THERE, "b.conflicted").as_deref(), Some(mine));
    }
}

#[test]
fn what_the_other_side_deleted_while_it_did_not_want_it_is_made_again() {
    let mut pair = withheld();
    delete(&mut pair, THERE, "b");
    rests(&mut pair);
    assert_eq!(paths(&pair, HERE), ["a", "b"]);
    choose(&mut pair, Scope::default());
    assert_eq!(paths(&pair, THERE), ["a", "b"]);
}

#[test]
fn what_appears_at_its_place_is_left_alone() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    choose(&mut pair, Scope::without(THERE, "b"));
    this(&mut pair, HERE, "b", "here");
    pair.check();
    this(&mut pair, THERE, "b", "there");
    rests(&mut pair);
    delete(&mut pair, HERE, "b");
    rests(&mut pair);
    assert_eq!(content(&pair, THERE, "b").as_deref(), Some("there"));
}

/// Deleted, and not wanted any more, before anybody looked: the rule changed, so nothing is deleted.
#[test]
fn a_deletion_before_the_rule_changed_deletes_nothing() {
    let mut pair = pair();
    pair.act(&UserAct::Down(HERE));
    pair.act(&UserAct::Down(THERE));
    delete(&mut pair, THERE, "b");
    choose(&mut pair, Scope::without(THERE, "b"));
    assert_eq!(paths(&pair, HERE), ["a", "b"]);
}

#[test]
fn what_is_withheld_is_no_deletion_for_the_guard() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    pair.set_guard(Some(Guard {
        max_count: 1,
        ..Guard::default()
    }));
    for folder in ["c", "d", "e"] {
        mkdir(&mut pair, HERE, folder);
        this(&mut pair, HERE, &format!("{folder}/b"), folder);
    }
    this(&mut pair, HERE, "a", "x");
    pair.check();
    choose(&mut pair, Scope::without(THERE, "b"));
    for folder in ["c", "d", "e"] {
        delete(&mut pair, THERE, &format!("{folder}/b"));
    }
    delete(&mut pair, THERE, "a");
    pair.run();
    assert!(pair.engine().status(Time::ZERO).held.is_empty());
    assert_eq!(content(&pair, HERE, "a"), None);
    assert_eq!(paths(&pair, HERE), ["c", "c/b", "d", "d/b", "e", "e/b"]);
}

#[test]
fn a_withheld_folder_withholds_what_is_in_it() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    mkdir(&mut pair, HERE, "b");
    this(&mut pair, HERE, "b/a", "x");
    pair.check();
    choose(&mut pair, Scope::without(THERE, "b"));
    mkdir(&mut pair, HERE, "b/c");
    this(&mut pair, HERE, "b/c/d", "y");
    this(&mut pair, THERE, "b/e", "z");
    rests(&mut pair);
    assert_eq!(paths(&pair, THERE), ["b", "b/a", "b/e"]);
    assert_eq!(count(&pair), 4);
    choose(&mut pair, Scope::default());
    let all = ["b", "b/a", "b/c", "b/c/d", "b/e"];
    assert_eq!(paths(&pair, HERE), all);
    assert_eq!(paths(&pair, THERE), all);
}

/// Moved to where the other side does not want it, a folder is one of this side. The other side has what it
/// had, which comes here anew: a move to an unwanted place deletes nothing.
#[test]
fn what_moves_to_an_unwanted_place_leaves_the_other_side_what_it_had() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    choose(&mut pair, Scope::without(THERE, "b"));
    mkdir(&mut pair, HERE, "c");
    this(&mut pair, HERE, "c/a", "x");
    pair.check();
    rename(&mut pair, HERE, "c", "b");
    pair.check();
    assert_eq!(paths(&pair, HERE), ["b", "b/a", "c", "c/a"]);
    assert_eq!(paths(&pair, THERE), ["c", "c/a"]);
}

/// The other side deleted the folder, and never saw what is withheld in it.
#[test]
fn a_deleted_folder_stays_with_what_is_withheld_in_it() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    choose(&mut pair, Scope::without(THERE, "b"));
    mkdir(&mut pair, HERE, "c");
    for name in ["c/a", "c/b"] {
        this(&mut pair, HERE, name, name);
    }
    pair.check();
    delete(&mut pair, THERE, "c");
    pair.check();
    assert_eq!(paths(&pair, HERE), ["c", "c/b"]);
    assert!(paths(&pair, THERE).is_empty());
    // Its place is taken: a file that wants it gives way.
    this(&mut pair, THERE, "c", "file");
    pair.check();
    assert_eq!(paths(&pair, THERE), ["c.conflicted"]);
    // Nothing is left in it: it goes.
    delete(&mut pair, HERE, "c/b");
    pair.check();
    assert_eq!(paths(&pair, HERE), ["c.conflicted"]);
}

/// Killed after the new policy was known, and before all was gone through by it.
#[test]
fn a_policy_counts_as_known_when_all_was_gone_through() {
    for steps in 0..12 {
        let mut pair = withheld();
        delete(&mut pair, THERE, "b");
        pair.check();
        pair.act(&UserAct::Choose(Scope::default()));
        pair.act(&UserAct::Work(steps));
        pair.crash();
        pair.check();
        assert_eq!(paths(&pair, THERE), ["a", "b"], "{steps} steps");
    }
}

/// A folder of two files moves to a place that the other side does not want while it is out of its way.
#[test]
fn nothing_of_ours_is_left_of_what_becomes_unwanted() {
    for steps in 0..12 {
        let mut pair = ModelPair::with(BySide::default(), 1);
        mkdir(&mut pair, THERE, "A");
        this(&mut pair, THERE, "A/A", "x");
        pair.check();
        rename(&mut pair, HERE, "A/A", "b");
        rename(&mut pair, THERE, "A", "b");
        pair.act(&UserAct::Work(steps));
        choose(&mut pair, Scope::without(THERE, "b"));
    }
}

/// A folder moves to an unwanted place while what is in it is on its way to the other side.
#[test]
fn what_is_under_way_goes_where_its_folder_went() {
    for seed in 0..20 {
        for steps in 0..16 {
            let mut pair = ModelPair::with(BySide::default(), seed);
            choose(&mut pair, Scope::without(THERE, "b"));
            mkdir(&mut pair, HERE, "c");
            this(&mut pair, HERE, "c/a", "x");
            pair.act(&UserAct::Work(steps));
            rename(&mut pair, HERE, "c", "b");
            pair.check();
        }
    }
}

/// Killed after it was recorded that a folder moved, and before what is in it was gone through.
#[test]
fn a_folder_that_moved_before_a_crash_is_gone_through() {
    for seed in 0..20 {
        for steps in 0..16 {
            let mut pair = ModelPair::with(BySide::default(), seed);
            choose(&mut pair, Scope::without(THERE, "b"));
            mkdir(&mut pair, HERE, "c");
            this(&mut pair, HERE, "c/a", "x");
            pair.check();
            rename(&mut pair, THERE, "c", "b");
            pair.act(&UserAct::Down(HERE));
            pair.act(&UserAct::Work(steps));
            pair.crash();
            pair.check();
            assert_eq!(paths(&pair, HERE), ["c", "c/a"]);
        }
    }
}

/// It was known by its id in a walk, and what is in it counted as there, in a folder that was nowhere.
#[test]
fn a_folder_that_moved_to_where_nobody_looks_is_gone_with_what_is_in_it() {
    for walks in 0..3 {
        let mut pair = ModelPair::with(BySide::default(), 1);
        pair.set_guard(Some(Guard {
            max_count: 1,
            max_share: 0.0,
            min_count: 1,
            ..Guard::default()
        }));
        let unwanted = BySide::from_fn(|_| Some("b".to_owned()));
        choose(
            &mut pair,
            Scope {
                unwanted,
                ..Scope::default()
            },
        );
        mkdir(&mut pair, HERE, "a");
        mkdir(&mut pair, HERE, "a/c");
        pair.check();
        mkdir(&mut pair, THERE, "b");
        rename(&mut pair, THERE, "a", "b/c");
        for _ in 0..walks {
            let path = String::new();
            pair.control(Control::Walk { side: THERE, path });
            pair.run();
            let held: Vec<_> = pair.engine().status(Time::ZERO).held;
            assert_eq!(held.len(), 1, "{held:?}");
        }
        pair.check();
        assert_eq!(paths(&pair, HERE), Vec::<String>::new());
        assert_eq!(paths(&pair, THERE), ["b", "b/c", "b/c/c"]);
    }
    Swarm::new(516_672).choosing().run();
}

/// Without ids: a folder that we had renamed was found after a crash, and what was in it had been met, and
/// withheld, before it was known as that. What was withheld before waited for it for ever.
#[test]
fn what_is_withheld_in_a_folder_that_is_found_to_be_renamed_goes_on() {
    Swarm::new(947_209).choosing().run();
}

/// The policy before it was recorded still: what was made by the one in between was not gone through by it.
#[test]
fn a_policy_that_comes_back_is_another_one() {
    for steps in 0..30 {
        let mut pair = ModelPair::with(BySide::default(), u64::from(steps));
        choose(&mut pair, Scope::without(THERE, "c"));
        mkdir(&mut pair, HERE, "c");
        mkdir(&mut pair, HERE, "c/A");
        mkdir(&mut pair, HERE, "c/A/c");
        pair.act(&UserAct::Choose(Scope::without(THERE, "b")));
        pair.act(&UserAct::Work(steps));
        choose(&mut pair, Scope::without(THERE, "c"));
    }
    Swarm::new(310_442_315).choosing().run();
}

/// Where a feed tells all since a cursor, its folder had been listed before, and counted as that still.
#[test]
fn what_was_written_in_a_folder_while_it_was_left_out_is_met() {
    let told = SideSetup {
        feed: Feed::Resumable,
        ..SideSetup::default()
    };
    for steps in 0..20 {
        let mut pair = ModelPair::with(BySide::new(told, SideSetup::default()), steps.into());
        mkdir(&mut pair, HERE, "c");
        pair.act(&UserAct::Work(steps));
        this(&mut pair, HERE, "c/A", "x");
        let unwanted = BySide::from_fn(|_| Some("c".to_owned()));
        pair.act(&UserAct::Choose(Scope {
            unwanted,
            ..Scope::default()
        }));
        pair.act(&UserAct::Work(8));
        choose(&mut pair, Scope::default());
        assert_eq!(paths(&pair, THERE), ["c", "c/A"], "{steps}");
    }
    Swarm::new(330_685_355).choosing().run();
}

/// A folder that had been left out was replaced by another one: it was walked, in vain, for ever.
#[test]
fn a_folder_that_was_replaced_while_it_was_left_out_is_met() {
    Swarm::new(350_207_176).choosing().run();
}

/// The local file is parked on its way to where the remote side has it, and its old place is not wanted any
/// more: sent back it would have taken a conflict name, from there set out again, and so on for ever.
#[test]
fn what_is_parked_is_not_left_out_for_the_place_that_it_left() {
    Swarm::new(420_075_496).choosing().run();
}

/// A folder is parked, as the other user moved it and its place is not free yet. What is in it is on its way with it:
/// that the place it left is not wanted on the other side says nothing. (It was withheld, and met again, without end.)
#[test]
fn what_is_in_a_parked_folder_is_not_left_out_for_the_place_that_it_left() {
    let mut pair = ModelPair::with(BySide::default(), 20_034_575);
    let write = |side: Side, path: &str| UserAct::Write(side, path.into());
    mkdir(&mut pair, HERE, "c");
    mkdir(&mut pair, HERE, "b");
    pair.act(&write(HERE, "d"));
    pair.act(&write(HERE, "c/a"));
    pair.act(&write(HERE, "b/d/a"));
    pair.act(&write(HERE, "c/a"));
    mkdir(&mut pair, HERE, "c/c");
    pair.act(&UserAct::Work(u8::MAX));
    delete(&mut pair, THERE, "b");
    rename(&mut pair, THERE, "c/c", "b");
    rename(&mut pair, THERE, "c", "b/a");
    pair.act(&UserAct::Choose(Scope::without(THERE, "c")));
    rename(&mut pair, THERE, "d", "b/a/b");
    rename(&mut pair, HERE, "c/c", "b/b");
    pair.check();
}

/// A file is parked, and the folder that it stands in goes where nobody looks, or becomes such a folder: it has its name
/// again. (It stayed under the name of a moment, and what the other side had was not made.)
#[test]
fn what_is_parked_in_a_folder_that_goes_where_nobody_looks_has_its_name_again() {
    for seed in [20_020_391, 20_021_881, 20_043_922] {
        Swarm::crossed(seed).choosing().run();
    }
}

/// What was to be walked was left out before it was, or lay in such a folder by then, or is listed where it does: nobody
/// walks it, and nobody looks at what is in it. (It was walked without end.)
#[test]
fn a_folder_that_was_left_out_before_it_was_walked_is_not() {
    for seed in [31_003_039, 31_062_908, 31_065_854, 31_099_957] {
        Swarm::crossed(seed).choosing().run();
    }
}

/// The record of what was last in a folder names that. The folder is no more then, and after a restart its number may
/// be another one's. (It was written again only when something else happened to it.)
#[test]
fn no_record_names_a_folder_that_is_no_more() {
    for steps in 0..10 {
        let mut pair = ModelPair::with(BySide::default(), 31_032_157);
        mkdir(&mut pair, HERE, "a");
        mkdir(&mut pair, HERE, "d");
        mkdir(&mut pair, HERE, "d/c");
        pair.act(&UserAct::Work(u8::MAX));
        rename(&mut pair, THERE, "d", "a/a");
        pair.act(&UserAct::Choose(Scope::without(THERE, "c")));
        pair.act(&UserAct::Work(steps));
        delete(&mut pair, THERE, "a");
        pair.check();
    }
}

/// Whether a folder is to be listed is no matter while it is gone: its record says the same after a restart.
#[test]
fn the_record_of_a_folder_that_is_gone_stays_as_it_is() {
    Swarm::crossed(63_009_182).choosing().run();
    Swarm::crossed(63_003_548).choosing().asking().run();
}

/// While a folder is made in another one, that is left out, and moves to where it is wanted: it has another partner by
/// then. What was made is in the old partner, and goes into the new one. (It stayed in the old one.)
#[test]
fn what_was_made_in_a_folder_that_has_another_partner_by_then_goes_there() {
    for (seed, steps) in (0..20).flat_map(|seed| (0..30).map(move |steps| (seed, steps))) {
        let mut pair = ModelPair::with(BySide::default(), seed);
        for folder in ["d", "d/b", "d/b/a"] {
            mkdir(&mut pair, HERE, folder);
        }
        let unwanted = BySide::from_fn(|_| Some("c".to_owned()));
        pair.act_all(&[
            UserAct::Choose(Scope {
                unwanted,
                ..Scope::default()
            }),
            UserAct::Work(steps),
        ]);
        rename(&mut pair, HERE, "d/b", "a");
        rename(&mut pair, HERE, "d", "c");
        pair.check();
    }
}

/// What we were about to write when we were killed, and nobody wants there any more, was settled by a later
/// start.
#[test]
fn nothing_is_open_about_what_is_withheld() {
    for seed in 0..30 {
        for steps in 0..8 {
            let mut pair = ModelPair::with(BySide::default(), seed);
            this(&mut pair, HERE, "c", "x");
            choose(&mut pair, Scope::without(THERE, "c"));
            pair.act(&UserAct::Choose(Scope::default()));
            pair.act(&UserAct::Work(steps));
            pair.act(&UserAct::Choose(Scope::without(THERE, "c")));
            pair.act(&UserAct::Work(steps / 2));
            this(&mut pair, HERE, "c", "y");
            pair.check();
        }
    }
    Swarm::new(320_243_566).choosing().run();
}

fn any_side() -> impl Strategy<Value = SideSetup> {
    prop::sample::select(vec![
        SideSetup::default(),
        SideSetup::service(),
        SideSetup::without_ids(),
    ])
}

proptest! {
    /// Whatever is chosen, and chosen back: no operation but copies, and nothing is deleted.
    #[test]
    fn a_rule_that_changes_deletes_nothing(
        seed: u64,
        local in any_side(),
        remote in any_side(),
        acts in cloudsync_core::testing::user_acts(12),
        names in prop::array::uniform2(prop::option::of(prop::sample::select(vec!["a", "b", "c"]))),
    ) {
        let mut pair = ModelPair::with(BySide::new(local, remote), seed);
        pair.act_all(&acts);
        pair.check();
        pair.performed.clear();
        let unwanted = BySide::new(names[0], names[1]).map(|name| name.map(str::to_owned));
        choose(&mut pair, Scope { unwanted, ..Scope::default() });
        choose(&mut pair, Scope::default());
        prop_assert_eq!(&pair.performed, &vec![]);
    }
}

/// What is withheld stands where an object was agreed to stand that is gone now: it goes on as that one. (It had been dealt with
/// before the other one was gone, and was waited for.)
#[test]
fn what_is_withheld_goes_on_as_what_it_replaced_whenever_that_goes() {
    for work in 0..20 {
        let mut pair = ModelPair::with(BySide::default(), u64::from(work));
        for act in [
            UserAct::Mkdir(Side::Local, "a".to_owned()),
            UserAct::Write(Side::Local, "c".to_owned()),
        ] {
            pair.act(&act);
        }
        pair.check();
        pair.act_all(&[
            UserAct::Rename(Side::Remote, "c".to_owned(), "a/a".to_owned()),
            UserAct::Write(Side::Remote, "c".to_owned()),
            UserAct::Rename(Side::Local, "c".to_owned(), "a/b".to_owned()),
            UserAct::Choose(Scope::without(Side::Local, "c")),
            UserAct::Work(work),
            UserAct::Delete(Side::Remote, "a".to_owned()),
        ]);
        pair.check();
    }
    Swarm::crossed(83_230_072).choosing().run();
}

/// Deep in a folder that the other user deleted comes something that is withheld: the folders stay, and what wants the place of the
/// upper one gives way. (It waited: nobody looked at it again as the lower one turned out to stay.)
#[test]
fn what_wants_the_place_of_a_folder_that_stays_for_what_came_deep_into_it_gives_way() {
    for (seed, steps) in (0..20).flat_map(|seed| (0..20).map(move |steps| (seed, steps))) {
        let mut pair = ModelPair::with(BySide::default(), seed);
        choose(&mut pair, Scope::without(THERE, "c"));
        for folder in ["d", "d/e"] {
            mkdir(&mut pair, HERE, folder);
        }
        this(&mut pair, HERE, "c", "withheld");
        this(&mut pair, HERE, "f", "a file");
        pair.check();
        delete(&mut pair, THERE, "d");
        rename(&mut pair, THERE, "f", "d");
        pair.act(&UserAct::Work(steps));
        rename(&mut pair, HERE, "c", "d/e/c");
        pair.check();
    }
    Swarm::crossed(80_036_001)
        .late()
        .asking()
        .by_parts()
        .choosing()
        .run();
}

/// An editor keeps the old version as a backup, whose name is left out, and makes another file in its place: that is an edit, by
/// one user. (It was a conflict, and the old version took the name.)
#[test]
fn what_took_the_place_of_what_was_put_aside_goes_on_with_it() {
    for out in [BySide::new(true, true), BySide::new(true, false)] {
        for user in Side::BOTH {
            let mut pair = pair();
            mkdir(&mut pair, HERE, "d");
            this(&mut pair, HERE, "d/f", "first f");
            pair.check();
            let unwanted = |out: bool| out.then(|| "aside".to_owned());
            choose(
                &mut pair,
                Scope {
                    unwanted: BySide::new(unwanted(out[user]), unwanted(out[user.other()])),
                    ..Scope::default()
                },
            );
            rename(&mut pair, user, "a", "aside");
            this(&mut pair, user, "a", "second");
            rename(&mut pair, user, "d/f", "d/aside");
            this(&mut pair, user, "d/f", "second f");
            pair.check();
            for side in Side::BOTH {
                assert_eq!(content(&pair, side, "a").as_deref(), Some("second"));
                assert_eq!(content(&pair, side, "d/f").as_deref(), Some("second f"));
            }
            assert_eq!(content(&pair, user, "aside").as_deref(), Some("first"));
            assert_eq!(paths(&pair, user.other()), ["a", "b", "d", "d/f"]);
            rests(&mut pair);
        }
    }
}

/// The same with a folder: what is in the new one goes on with what was in the old one.
#[test]
fn what_is_in_a_folder_that_took_the_place_of_one_put_aside_goes_on_too() {
    for user in Side::BOTH {
        let mut pair = pair();
        for folder in ["d", "d/e"] {
            mkdir(&mut pair, HERE, folder);
        }
        this(&mut pair, HERE, "d/f", "first f");
        this(&mut pair, HERE, "d/e/g", "first g");
        pair.check();
        choose(&mut pair, Scope::without(user, "aside"));
        rename(&mut pair, user, "d", "aside");
        for folder in ["d", "d/e"] {
            mkdir(&mut pair, user, folder);
        }
        this(&mut pair, user, "d/f", "second f");
        this(&mut pair, user, "d/e/g", "second g");
        pair.check();
        for side in Side::BOTH {
            assert_eq!(content(&pair, side, "d/f").as_deref(), Some("second f"));
            assert_eq!(content(&pair, side, "d/e/g").as_deref(), Some("second g"));
        }
        let there = paths(&pair, user.other());
        assert_eq!(there, ["a", "b", "d", "d/e", "d/e/g", "d/f"]);
        assert_eq!(
            content(&pair, user, "aside/e/g").as_deref(),
            Some("first g")
        );
        rests(&mut pair);
    }
}

/// The other user edited it meanwhile: both versions live on.
#[test]
fn what_was_put_aside_and_edited_there_is_a_conflict() {
    let mut pair = pair();
    choose(&mut pair, Scope::without(HERE, "aside"));
    rename(&mut pair, HERE, "a", "aside");
    this(&mut pair, HERE, "a", "mine");
    this(&mut pair, THERE, "a", "yours");
    pair.check();
    let all: Vec<Option<String>> = ["a", "a.conflicted"]
        .iter()
        .map(|path| content(&pair, HERE, path))
        .collect();
    assert!(
        all.contains(&Some("mine".into())) && all.contains(&Some("yours".into())),
        "{all:?}"
    );
    rests(&mut pair);
}
