//! Translations under which what is in a folder belongs elsewhere than in the folder's partner.

use std::collections::BTreeMap;

use cloudsync_core::engine::io::Act;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, Swarm, Translation, UserAct};

fn translating(translation: Translation, seed: u64) -> ModelPair {
    let sides = BySide::new(SideSetup::default(), SideSetup::service());
    let mut pair = ModelPair::with(sides, seed);
    pair.set_translation(Some(translation));
    pair.crash();
    pair
}

fn write(side: Side, path: &str) -> UserAct {
    UserAct::Write(side, path.to_owned())
}

fn mkdir(side: Side, path: &str) -> UserAct {
    UserAct::Mkdir(side, path.to_owned())
}

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.to_owned(), to.to_owned())
}

fn paths(pair: &ModelPair, side: Side) -> Vec<String> {
    pair.sides[side].objects().into_keys().collect()
}

fn deletions(pair: &ModelPair) -> usize {
    let is_delete = |act: &Act| matches!(act, Act::Delete { .. });
    pair.count(Side::Local, is_delete) + pair.count(Side::Remote, is_delete)
}

/// A tree that both sides have, flat on the remote side.
fn flat(seed: u64) -> ModelPair {
    let mut pair = translating(Translation::Flat, seed);
    for folder in ["a", "a/b", "c"] {
        pair.act(&mkdir(Side::Local, folder));
    }
    pair.act_all(&[write(Side::Local, "a/f"), write(Side::Local, "a/b/g")]);
    pair.check();
    assert_eq!(
        paths(&pair, Side::Remote),
        ["a", "a+b", "a+b+g", "a+f", "c"]
    );
    pair.performed.clear();
    pair
}

#[test]
fn what_is_in_a_moved_folder_goes_where_it_is_translated_to_now() {
    let mut pair = flat(1);
    pair.act(&rename(Side::Local, "a", "c/d"));
    pair.check();
    let remote = paths(&pair, Side::Remote);
    assert_eq!(remote, ["c", "c+d", "c+d+b", "c+d+b+g", "c+d+f"]);
    assert_eq!(deletions(&pair), 0);
    let writes = pair.count(Side::Remote, |act| matches!(act, Act::Write { .. }));
    assert_eq!(writes, 0, "all of it was moved");
}

#[test]
fn what_belongs_to_a_folder_that_was_moved_on_the_flat_side_follows_it() {
    let mut pair = flat(1);
    pair.act(&rename(Side::Remote, "a", "c+d"));
    pair.check();
    let local = paths(&pair, Side::Local);
    assert_eq!(local, ["c", "c/d", "c/d/b", "c/d/b/g", "c/d/f"]);
    let remote = paths(&pair, Side::Remote);
    assert_eq!(remote, ["c", "c+d", "c+d+b", "c+d+b+g", "c+d+f"]);
    assert_eq!(deletions(&pair), 0);
}

/// The mark is recorded with the move: wherever it is killed, the rest follows.
#[test]
fn a_crash_between_the_folder_and_what_is_in_it_changes_nothing() {
    for side in Side::BOTH {
        for work in 0..60 {
            let mut pair = flat(u64::from(work));
            let act = match side {
                Side::Local => rename(side, "a", "c/d"),
                Side::Remote => rename(side, "a", "c+d"),
            };
            pair.act_all(&[act, UserAct::Work(work), UserAct::Crash]);
            pair.check();
            let local = paths(&pair, Side::Local);
            assert_eq!(local, ["c", "c/d", "c/d/b", "c/d/b/g", "c/d/f"], "{work}");
            assert_eq!(deletions(&pair), 0);
        }
    }
}

/// Our move was done, and not recorded, when it was killed; the user had moved it back by then.
#[test]
fn what_is_renamed_back_before_a_crash_is_renamed_back_there_too() {
    for side in Side::BOTH {
        for work in 0..60 {
            let mut pair = translating(Translation::Sorted, u64::from(work));
            pair.act_all(&[mkdir(Side::Local, "a"), write(Side::Local, "a/f")]);
            pair.check();
            let (here, there) = match side {
                Side::Local => ("a", "b"),
                Side::Remote => ("by-a/a", "by-b/b"),
            };
            pair.act(&mkdir(Side::Remote, "by-b"));
            pair.act_all(&[rename(side, here, there), UserAct::Work(work)]);
            pair.act_all(&[rename(side, there, here), UserAct::Crash]);
            pair.check();
            assert_eq!(paths(&pair, Side::Local), ["a", "a/f"], "{side} {work}");
        }
    }
    Swarm::new(97_027_932).translating().run();
    Swarm::new(97_099_889).translating().run();
}

/// Each waited until the other one was where it belonged, or what was in the one that was parked waited for
/// that one: the sides stayed unequal.
#[test]
fn two_folders_moved_into_each_other_come_to_rest() {
    for between in 0..20 {
        let mut pair = translating(Translation::Sorted, u64::from(between));
        pair.act_all(&[mkdir(Side::Local, "a"), mkdir(Side::Local, "A")]);
        pair.act_all(&[write(Side::Local, "a/f"), write(Side::Local, "A/g")]);
        pair.check();
        pair.act(&rename(Side::Remote, "by-a/a", "by-a/A/a"));
        pair.act(&rename(Side::Local, "A", "a/A"));
        pair.act(&UserAct::Work(between));
        if between % 2 == 0 {
            pair.crash();
        }
        pair.check();
        let files = paths(&pair, Side::Local).into_iter();
        let files: Vec<_> = files.filter(|path| path.ends_with(['f', 'g'])).collect();
        assert_eq!(files.len(), 2, "{between}: {files:?}");
    }
    Swarm::new(97_178_964).translating().run();
}

/// The copy was done, and not recorded, when it was killed; where its source had stood was told by the folder.
#[test]
fn the_source_of_a_copy_that_moved_before_a_crash_is_followed() {
    for work in 0..60 {
        let mut pair = translating(Translation::Flat, u64::from(work));
        pair.act_all(&[mkdir(Side::Local, "c"), write(Side::Remote, "c+b")]);
        pair.act_all(&[UserAct::Work(work), UserAct::Crash]);
        pair.act(&rename(Side::Remote, "c+b", "c/b"));
        pair.check();
    }
    Swarm::new(310_392_009).translating().run();
}

/// A file had taken its place there, and the new one in it, which waited for that, was renamed for ever.
#[test]
fn a_deleted_folder_with_something_new_in_it_lives_on_before_that_is_carried_over() {
    for work in 0..20 {
        let mut pair = translating(Translation::Sorted, u64::from(work));
        pair.act_all(&[mkdir(Side::Local, "A"), write(Side::Local, "a")]);
        pair.check();
        pair.act(&mkdir(Side::Local, "A/b"));
        pair.act(&UserAct::Delete(Side::Remote, "by-a/A".to_owned()));
        pair.act(&rename(Side::Remote, "by-a/a", "by-a/A"));
        pair.act(&UserAct::Work(work));
        pair.check();
        let local = paths(&pair, Side::Local);
        assert_eq!(local.len(), 3, "{work}: {local:?}");
    }
    Swarm::new(320_154_130).translating().run();
}

/// Deleted and made again while its folder moved, it goes on under its old name: folders for something else
/// that belongs there were made and renamed for ever.
#[test]
fn what_was_made_again_in_a_folder_that_moved_goes_where_it_belongs() {
    for work in 0..30 {
        let mut pair = flat(u64::from(work));
        pair.act(&rename(Side::Remote, "a", "d"));
        pair.act(&UserAct::Delete(Side::Local, "a/b".to_owned()));
        pair.act_all(&[mkdir(Side::Local, "a/b"), UserAct::Work(work)]);
        pair.check();
    }
    Swarm::new(320_739_691).translating().run();
    Swarm::new(310_468_018).translating().run();
    Swarm::new(320_333_878).translating().run();
}

/// The folder that we were about to make something in had another entry by then: after a kill, nobody looked for what
/// we had made.
#[test]
fn what_was_about_to_come_into_a_folder_is_looked_for_where_the_folder_is() {
    Swarm::new(700_006_820).translating().run();
}

#[test]
fn a_child_that_the_other_side_moved_meanwhile_goes_where_it_is_there() {
    let mut pair = flat(1);
    pair.act(&rename(Side::Local, "a", "d"));
    pair.act(&rename(Side::Remote, "a+f", "c+f"));
    pair.check();
    assert_eq!(paths(&pair, Side::Local), ["c", "c/f", "d", "d/b", "d/b/g"]);
}

/// Also where the folder's new path is the smaller one: it says nothing of what was seen to be moved itself.
#[test]
fn a_child_that_was_seen_to_move_goes_there_whatever_its_folder_does() {
    let moved = |work: u8| {
        let mut pair = flat(1);
        pair.act_all(&[rename(Side::Remote, "a+f", "c+f"), UserAct::Work(work)]);
        pair
    };
    let is_carried = |work: &u8| paths(&moved(*work), Side::Local).contains(&"c/f".to_owned());
    let carried = (0..100).find(is_carried).expect("it is carried over");
    let mut pair = moved(carried - 1);
    pair.act(&rename(Side::Local, "a", "b"));
    pair.check();
    assert_eq!(paths(&pair, Side::Local), ["b", "b/b", "b/b/g", "c", "c/f"]);
}

/// Where our move of it was done and not told yet, the user has the last word.
#[test]
fn what_its_user_moves_on_right_after_us_stays_there() {
    let mut moved_on = 0;
    for work in 0..40 {
        for to in ["c/a", "c/z"] {
            let mut pair = flat(u64::from(work));
            pair.act_all(&[rename(Side::Remote, "a+f", "c+f"), UserAct::Work(work)]);
            let is_there = paths(&pair, Side::Local).contains(&"c/f".to_owned());
            pair.act(&rename(Side::Local, "c/f", to));
            pair.check();
            let at = if is_there { to } else { "c/f" };
            let expected = ["a", "a/b", "a/b/g", "c", at];
            assert_eq!(paths(&pair, Side::Local), expected, "after {work}");
            moved_on += u32::from(is_there);
        }
    }
    assert!(moved_on > 0, "no user was fast enough");
}

/// Of two moves of one file that wins whose path is the smaller one on the local side.
#[test]
fn two_moves_are_compared_by_the_paths_of_the_local_side() {
    for (here, there, wins) in [("b", "by-a/a", "a"), ("b", "by-c/c", "b")] {
        let mut pair = translating(Translation::Sorted, 1);
        pair.act_all(&[write(Side::Local, "f"), write(Side::Local, "a0")]);
        pair.act(&write(Side::Local, "c0"));
        pair.check();
        pair.act(&rename(Side::Local, "f", here));
        pair.act(&rename(Side::Remote, "by-f/f", there));
        pair.check();
        let mut expected = ["a0", "c0", wins];
        expected.sort_unstable();
        assert_eq!(paths(&pair, Side::Local), expected);
    }
}

/// A folder for a letter is ours to make and nobody's to pair: its own path is not translated.
#[test]
fn folders_on_the_way_are_made_and_left_alone() {
    let mut pair = translating(Translation::Sorted, 1);
    pair.act_all(&[mkdir(Side::Local, "a"), write(Side::Local, "a/f")]);
    pair.check();
    assert_eq!(paths(&pair, Side::Local), ["a", "a/f"]);
    assert_eq!(paths(&pair, Side::Remote), ["by-a", "by-a/a", "by-a/a/f"]);
    pair.act(&rename(Side::Local, "a", "b"));
    pair.check();
    let remote = paths(&pair, Side::Remote);
    assert_eq!(remote, ["by-a", "by-b", "by-b/b", "by-b/b/f"]);
    // Empty now: whoever deletes it has nothing brought back, and nothing of it is deleted elsewhere.
    pair.act(&UserAct::Delete(Side::Remote, "by-a".to_owned()));
    pair.check();
    assert_eq!(paths(&pair, Side::Remote), ["by-b", "by-b/b", "by-b/b/f"]);
    assert_eq!(paths(&pair, Side::Local), ["b", "b/f"]);
}

/// One whose own path is translated is a new folder like any other.
#[test]
fn a_folder_on_the_way_that_is_translated_itself_gets_its_partner() {
    let mut pair = translating(Translation::Flat, 1);
    pair.act(&write(Side::Remote, "a+b+f"));
    pair.check();
    assert_eq!(paths(&pair, Side::Local), ["a", "a/b", "a/b/f"]);
    assert_eq!(paths(&pair, Side::Remote), ["a", "a+b", "a+b+f"]);
}

/// What is not translated any more is left alone on both sides, as it is where nobody moved anything.
#[test]
fn what_is_translated_no_more_is_never_deleted() {
    let mut pair = translating(Translation::Sorted, 1);
    pair.act_all(&[mkdir(Side::Local, "a"), write(Side::Local, "a/f")]);
    pair.check();
    pair.performed.clear();
    pair.act(&rename(Side::Remote, "by-a/a", "x"));
    pair.check();
    assert_eq!(deletions(&pair), 0);
    let contents = |side: Side| -> BTreeMap<String, Option<String>> {
        let all = pair.sides[side].objects().into_iter();
        all.map(|(path, (_, item))| (path, item.content.clone()))
            .collect()
    };
    assert_eq!(contents(Side::Local)["a/f"].as_deref(), Some("token 1"));
    assert_eq!(contents(Side::Remote)["x/f"].as_deref(), Some("token 1"));
    assert_eq!(
        contents(Side::Remote)["by-a/a/f"].as_deref(),
        Some("token 1")
    );
}

/// A folder that one side deleted lives on where something that lives on is translated into it.
#[test]
fn a_folder_that_was_deleted_and_still_holds_something_lives_on() {
    let mut pair = flat(1);
    pair.act(&UserAct::Delete(Side::Remote, "a".to_owned()));
    pair.check();
    let local = paths(&pair, Side::Local);
    assert_eq!(local, ["a", "a/b", "a/b/g", "a/f", "c"]);
}

#[test]
fn under_another_translation_all_goes_where_it_belongs_now() {
    let mut pair = flat(1);
    pair.set_translation(Some(Translation::Sorted));
    pair.crash();
    pair.check();
    let local = paths(&pair, Side::Local);
    assert_eq!(local, ["a", "a/b", "a/b/g", "a/f", "c"]);
    assert_eq!(deletions(&pair), 0);
    let writes = pair.count(Side::Remote, |act| matches!(act, Act::Write { .. }));
    assert_eq!(writes, 0, "all of it was moved");
}

/// What was seen to be edited, and not carried over yet, goes there as well.
#[test]
fn under_another_translation_what_was_edited_goes_where_it_belongs_now() {
    for side in Side::BOTH {
        let mut pair = flat(1);
        let path = BySide::new("a/f", "a+f")[side];
        pair.act_all(&[UserAct::Down(side.other()), write(side, path)]);
        pair.act(&UserAct::Work(30));
        pair.set_translation(Some(Translation::Sorted));
        pair.crash();
        pair.check();
        let local = paths(&pair, Side::Local);
        assert_eq!(local, ["a", "a/b", "a/b/g", "a/f", "c"]);
        let remote = paths(&pair, Side::Remote);
        let expected = [
            "by-a",
            "by-a/a",
            "by-a/a/b",
            "by-a/a/b/g",
            "by-a/a/f",
            "by-c",
            "by-c/c",
        ];
        assert_eq!(remote, expected, "{side}");
    }
}

/// Random worlds in which something did not hold once.
#[test]
fn translated_worlds_that_failed_once() {
    for seed in [
        614,
        712,
        1_310,
        1_722,
        1_862,
        1_945,
        2_670,
        4_095,
        6_066,
        7_133,
        7_178,
        7_289,
        9_512,
        9_659,
        15_583,
        18_882,
        19_662,
        19_975,
        28_978,
        30_110,
        30_420,
        40_298,
        43_473,
        160_095_804,
    ] {
        Swarm::new(seed).translating().run();
    }
}

#[test]
fn random_worlds_that_are_translated() {
    for seed in 0..3_000 {
        Swarm::new(seed).translating().run();
    }
}

/// What was agreed on was in a folder that is only a memory, and that was given up twice.
#[test]
fn what_is_found_to_be_written_goes_where_its_folder_went() {
    for work in 0..30 {
        let mut pair = flat(u64::from(work)).faults(Faults {
            lost_reply: 100,
            ..Faults::default()
        });
        pair.act_all(&[write(Side::Local, "a/f"), UserAct::Work(work)]);
        pair.act(&rename(Side::Local, "a", "e"));
        pair.check();
        let remote = paths(&pair, Side::Remote);
        assert_eq!(remote, ["c", "e", "e+b", "e+b+g", "e+f"]);
    }
}

/// A folder was parked, and deleted on the other side before its place was free: what is to live on in it waited for it to
/// go where it belongs, and it for that to go.
#[test]
fn what_lives_on_in_a_parked_folder_that_was_deleted_waits_for_nothing() {
    for seed in [20_010_093, 20_042_643, 20_076_049, 20_091_666] {
        Swarm::crossed(seed).translating().run();
    }
}

/// Each user moved one of two folders into the other one, and the place of one of them was taken: it is parked there.
/// What was moved into it comes out again. (It lost its local move, which is none where it is parked, and both waited.)
#[test]
fn of_two_folders_moved_into_each_other_one_may_be_parked() {
    for work in 10..25 {
        let mut pair = ModelPair::with(BySide::default(), 31_008_486);
        pair.set_translation(Some(Translation::Sorted));
        pair.crash();
        for folder in ["c", "c/c", "a", "c/c/d"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.act_all(&[
            UserAct::Work(work),
            rename(Side::Local, "a", "c/c/d/c"),
            rename(Side::Remote, "by-c/c/c/d", "by-a/a/a"),
            rename(Side::Local, "c", "a"),
        ]);
        pair.check();
    }
    for seed in [
        31_087_548, 31_088_828, 20_000_300, 20_037_384, 20_044_402, 20_090_608,
    ] {
        Swarm::crossed(seed).translating().run();
    }
}

/// A folder on the way was made at the place of a file that had just moved away: the file is looked for elsewhere. (Both
/// counted as standing there, and the place was looked at without end.)
#[test]
fn what_stood_where_a_folder_on_the_way_was_made_is_looked_for() {
    Swarm::crossed(31_068_091).translating().run();
}

/// What stands where a deleted file was, in a folder that moved to where nothing is translated, takes no part: it does not
/// go on as that file. (The file waited for it to do so.)
#[test]
fn what_has_no_place_on_the_other_side_replaces_nothing() {
    Swarm::crossed(63_017_463).translating().run();
}

/// What is in a deleted folder goes where nothing is translated on the other side, so it stays here, and the folder lives on.
/// (A folder that was to go into it waited, and the moves of its two sides lost in turn, without end.)
#[test]
fn a_deleted_folder_lives_on_for_what_goes_nowhere_from_it() {
    Swarm::crossed(63_081_523).translating().run();
}

/// What has no place on the other side stays in a folder that moves by parts, and the old one with it. (It was waited for.)
#[test]
fn a_folder_moves_by_parts_whatever_in_it_goes_nowhere() {
    for work in 0..10 {
        let fixed = SideSetup {
            folder_move: false,
            ..SideSetup::default()
        };
        let mut pair = ModelPair::with(BySide::new(SideSetup::default(), fixed), 65_015_393);
        pair.set_translation(Some(Translation::Flat));
        pair.crash();
        pair.act(&mkdir(Side::Local, "c"));
        pair.check();
        pair.act_all(&[
            write(Side::Remote, "c/d"),
            UserAct::Work(work),
            rename(Side::Local, "c", "a"),
        ]);
        pair.check();
        assert_eq!(paths(&pair, Side::Local), ["a", "c"]);
    }
}

/// Where folders cannot move as a whole, the remote move of one was lost, as what is new in it waited for it; its place there
/// is taken by a file that moved, which goes to the folder's place here. The file gives way. (Each was parked, and both waited.)
#[test]
fn a_file_and_a_folder_that_cannot_move_want_the_place_of_each_other() {
    for work in 0..30 {
        let mut pair = fixed_here(Translation::Sorted);
        for folder in ["c", "c/b", "d"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.act(&write(Side::Local, "c/b/d"));
        pair.check();
        pair.act_all(&[
            rename(Side::Remote, "by-d/d", "by-c/c/b/b"),
            rename(Side::Remote, "by-c/c/b/d", "by-d/d"),
            UserAct::Work(work),
            write(Side::Local, "d/d"),
        ]);
        pair.check();
    }
    for seed in [65_019_085, 65_020_217] {
        Swarm::crossed(seed)
            .translating()
            .choosing()
            .by_parts()
            .run();
    }
}

/// A folder that moved by parts is to be deleted, and something deep in it belongs in it as well: it lives on. (A file was
/// renamed to one conflict name after the other, to give way to it.)
#[test]
fn a_deleted_folder_lives_on_for_what_is_deep_in_it() {
    for work in 0..30 {
        let mut pair = fixed_here(Translation::Flat);
        for folder in ["b", "b/c"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.act(&write(Side::Local, "b/c/e"));
        pair.check();
        pair.act_all(&[
            rename(Side::Remote, "b+c", "c"),
            rename(Side::Remote, "b", "c+a"),
            UserAct::Work(work),
            rename(Side::Local, "b/c/e", "b/c/d"),
            rename(Side::Remote, "b+c+e", "b+c+a"),
        ]);
        pair.check();
    }
    Swarm::crossed(65_071_095)
        .translating()
        .choosing()
        .by_parts()
        .run();
}

/// A file went into a folder that took the place of its old one, while that of both was renamed: it belongs elsewhere than it
/// did. (It counted as agreed there.)
#[test]
fn what_is_in_a_folder_that_replaced_another_one_belongs_where_that_is_now() {
    Swarm::crossed(75_000_888).translating().run();
}

/// What is new in a folder that cannot move as a whole waits for it, and it for that: its user's move is given up. Its user moves
/// it once more then: that is given up too. (It had been given up once: both waited.)
#[test]
fn a_move_that_was_given_up_may_be_made_again() {
    for work in 0..60 {
        let sides = BySide::new(SideSetup::default(), fixed());
        let mut pair = ModelPair::with(sides, 0);
        pair.set_translation(Some(Translation::Sorted));
        pair.crash();
        for folder in ["b", "c", "c/a"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.check();
        pair.act_all(&[
            write(Side::Remote, "by-c/c/a/new"),
            rename(Side::Local, "c", "b/d"),
            UserAct::Work(work),
            rename(Side::Local, "b/d/a", "b/a"),
        ]);
        pair.check();
    }
    Swarm::crossed(79_044_145)
        .translating()
        .by_parts()
        .asking()
        .run();
}

/// A local side that cannot move folders as a whole.
fn fixed_here(translation: Translation) -> ModelPair {
    let mut pair = ModelPair::with(BySide::new(fixed(), SideSetup::default()), 0);
    pair.set_translation(Some(translation));
    pair.crash();
    pair
}

fn fixed() -> SideSetup {
    SideSetup {
        folder_move: false,
        ..SideSetup::default()
    }
}
