//! What random worlds found once, by name, as small as it was left.

use cloudsync_core::engine::io::{Control, Guard};
use cloudsync_core::notice::Notice;
use cloudsync_core::rules::Feed;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, Swarm, UserAct};
use cloudsync_core::time::Time;
use std::time::Duration;

fn with_local(local: SideSetup, seed: u64) -> ModelPair {
    ModelPair::with(BySide::new(local, SideSetup::default()), seed)
}

fn resumable() -> SideSetup {
    SideSetup {
        feed: Feed::Resumable,
        ..SideSetup::default()
    }
}

fn write(side: Side, path: &str) -> UserAct {
    UserAct::Write(side, path.to_owned())
}

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.to_owned(), to.to_owned())
}

fn mkdir(side: Side, path: &str) -> UserAct {
    UserAct::Mkdir(side, path.to_owned())
}

/// A look at a new file failed, and the cursor went on without it.
#[test]
fn a_look_that_failed_is_made_again() {
    let mut pair = with_local(resumable(), 1);
    pair.check();
    pair.fail_looks(1);
    pair.act(&write(Side::Local, "a"));
    pair.check();
}

/// An id that is known, on a side that cannot be asked for ids, was nothing to look at.
#[test]
fn a_hint_by_id_where_ids_cannot_be_looked_up_is_a_walk() {
    let local = SideSetup {
        hints_by_id: true,
        ..resumable()
    };
    let mut pair = with_local(local, 1);
    pair.act(&write(Side::Local, "a"));
    pair.check();
    pair.act(&write(Side::Local, "a"));
    pair.check();
    pair.act(&rename(Side::Local, "a", "b"));
    pair.check();
}

/// First seen while its clock ran, then met elsewhere with the same tag: it stayed racy for ever.
#[test]
fn an_object_that_moved_while_it_was_racy_is_carried_over() {
    for seed in 0..20 {
        for work in 0..14 {
            let side = SideSetup {
                clock_step: 20,
                ..SideSetup::service()
            };
            let mut pair = with_local(side, seed);
            pair.act(&write(Side::Local, "a"));
            pair.act(&UserAct::Work(work));
            pair.act(&rename(Side::Local, "a", "b"));
            pair.check();
        }
    }
}

/// What was being looked at when the side went down was forgotten.
#[test]
fn what_was_told_before_a_side_went_down_is_looked_at_when_it_is_back() {
    for seed in 0..20 {
        for work in 0..6 {
            let mut pair = with_local(resumable(), seed);
            pair.check();
            pair.act(&mkdir(Side::Local, "a"));
            pair.act(&write(Side::Local, "a/b"));
            pair.act(&UserAct::Work(work));
            pair.act(&UserAct::Down(Side::Local));
            pair.act(&UserAct::Work(20));
            pair.act(&UserAct::Up(Side::Local));
            pair.check();
        }
    }
}

/// Moved and filled here, deleted there: the folder of something new belonged to nothing any more.
#[test]
fn a_folder_moved_and_filled_here_and_deleted_there_lives_on() {
    for seed in 0..200 {
        let mut pair = with_local(SideSetup::default(), seed);
        pair.act(&mkdir(Side::Local, "a"));
        pair.check();
        pair.act(&rename(Side::Local, "a", "b"));
        pair.act(&write(Side::Local, "b/b"));
        pair.act(&UserAct::Delete(Side::Remote, "a".to_owned()));
        pair.run();
        pair.check_rest();
    }
}

/// A new folder in the way of one that moves there gives way, with what is in it.
#[test]
fn a_new_folder_gives_way_with_what_is_in_it() {
    for seed in 0..200 {
        let mut pair = with_local(SideSetup::default(), seed);
        pair.act(&mkdir(Side::Local, "b"));
        pair.check();
        pair.act(&mkdir(Side::Local, "a"));
        pair.act(&mkdir(Side::Local, "a/b"));
        pair.act(&rename(Side::Remote, "b", "a"));
        pair.run();
        pair.check_rest();
    }
}

/// Starts with a tree that both sides have, lets users act on both sides at once, the engine doing
/// anything from nothing to much in between, and be killed in the midst of the rest; at each of these
/// times both sides end equal and nothing is lost.
fn at_any_time(setup: BySide<SideSetup>, base: &[UserAct], local: &[UserAct], remote: &[UserAct]) {
    for between in 0..10_u8 {
        for killed in [None, Some(1), Some(3), Some(5), Some(8), Some(13)] {
            let mut pair = ModelPair::with(setup, u64::from(between));
            pair.act_all(base);
            pair.check();
            pair.act_all(local);
            pair.act(&UserAct::Work(between));
            pair.act_all(remote);
            if let Some(steps) = killed {
                pair.act_all(&[UserAct::Work(steps), UserAct::Crash]);
            }
            pair.check();
        }
    }
}

fn delete(side: Side, path: &str) -> UserAct {
    UserAct::Delete(side, path.to_owned())
}

/// The undone move could not go back, where something new stood, and took one conflict name after
/// another for ever.
#[test]
fn folders_moved_into_each_other_while_something_new_took_the_old_place() {
    at_any_time(
        BySide::default(),
        &[mkdir(Side::Local, "a"), mkdir(Side::Local, "a/a")],
        &[rename(Side::Local, "a/a", "a/b"), write(Side::Local, "a/a")],
        &[
            rename(Side::Remote, "a/a", "b"),
            rename(Side::Remote, "a", "b/a"),
        ],
    );
}

/// The folder waited for its child to go, and the child for the folder's place: at rest, unequal.
#[test]
fn a_child_takes_the_place_of_its_folder_that_is_deleted() {
    at_any_time(
        BySide::default(),
        &[mkdir(Side::Local, "a"), mkdir(Side::Local, "b")],
        &[rename(Side::Local, "a", "b/a")],
        &[delete(Side::Remote, "b"), rename(Side::Remote, "a", "b")],
    );
}

/// One of the two is parked, and what both are to be is compared by paths that go through it.
#[test]
fn two_folders_are_swapped_and_nested_on_one_side_and_nested_on_the_other() {
    at_any_time(
        BySide::default(),
        &[mkdir(Side::Local, "a"), mkdir(Side::Local, "b")],
        &[
            rename(Side::Local, "a", "b/a"),
            rename(Side::Local, "b", "a"),
        ],
        &[rename(Side::Remote, "b", "a/a")],
    );
}

/// An answer about a place below a folder that had moved since was taken for that of its child.
#[test]
fn a_folder_is_deleted_here_and_moved_and_filled_there() {
    at_any_time(
        BySide::default(),
        &[mkdir(Side::Local, "a"), write(Side::Local, "a/b")],
        &[delete(Side::Local, "a")],
        &[rename(Side::Remote, "a", "b"), write(Side::Remote, "b/a")],
    );
}

/// The record of a child named a folder that nobody had any more as the root: after a crash it seemed
/// to have been there all along.
#[test]
fn a_child_moved_out_of_a_folder_that_is_restored_after_a_crash() {
    at_any_time(
        BySide::default(),
        &[mkdir(Side::Local, "a"), mkdir(Side::Local, "a/b")],
        &[write(Side::Local, "a/a")],
        &[rename(Side::Remote, "a/b", "b"), delete(Side::Remote, "a")],
    );
}

/// The record of a child named a folder that was not recorded itself: after a crash it was copied.
#[test]
fn a_child_moved_into_a_new_folder_before_a_crash() {
    at_any_time(
        BySide::default(),
        &[mkdir(Side::Local, "a"), write(Side::Local, "a/b")],
        &[rename(Side::Local, "a", "b")],
        &[
            mkdir(Side::Remote, "a/a"),
            rename(Side::Remote, "a/b", "a/a/a"),
        ],
    );
}

/// What a user changed between our write and its record was taken for what we had written.
#[test]
fn attributes_changed_before_our_write_was_recorded_are_carried_over() {
    for setup in [
        BySide::default(),
        BySide::new(resumable(), SideSetup::default()),
        BySide::new(SideSetup::default(), resumable()),
        BySide::new(resumable(), resumable()),
    ] {
        for work in 0..14 {
            for side in Side::BOTH {
                let mut pair = ModelPair::with(setup, 1);
                let touch = UserAct::Touch(side, "a".to_owned(), 183);
                pair.act_all(&[write(Side::Local, "a"), UserAct::Work(work)]);
                pair.act_all(&[UserAct::Crash, touch]);
                pair.check();
            }
        }
    }
}

/// A folder that changes the case of its name, on a side without ids.
#[test]
fn a_folder_without_ids_is_renamed_to_another_case() {
    let without_ids = SideSetup::without_ids();
    let folding = SideSetup {
        case_sensitive: false,
        ..SideSetup::default()
    };
    at_any_time(
        BySide::new(folding, without_ids),
        &[mkdir(Side::Local, "A"), write(Side::Local, "A/b")],
        &[],
        &[rename(Side::Remote, "A", "a")],
    );
}

/// Six files are below the guard's count, but nothing at all is left: an emptied root.
#[test]
fn a_root_that_was_emptied_deletes_nothing() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    pair.set_guard(Some(Guard::default()));
    pair.crash();
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        pair.act(&write(Side::Local, name));
    }
    pair.check();
    for name in names {
        pair.act(&delete(Side::Local, name));
    }
    pair.run();
    let status = pair.engine().status(Time::ZERO);
    let held: Vec<_> = status.held.iter().map(|held| held.count).collect();
    assert_eq!(held, [names.len()]);
    assert_eq!(pair.sides.remote.tree().len(), names.len());
}

/// Each was deleted, and nothing was left to do, before the next one was.
#[test]
fn deletions_one_by_one_are_as_many_as_all_at_once() {
    let mut pair = ModelPair::with(BySide::default(), 1);
    let guard = Guard {
        max_count: 3,
        ..Guard::default()
    };
    pair.set_guard(Some(guard));
    pair.crash();
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    for name in names {
        pair.act(&write(Side::Local, name));
    }
    pair.check();
    for name in &names[..5] {
        pair.act(&delete(Side::Local, name));
        pair.run();
    }
    let status = pair.engine().status(Time::ZERO);
    let held: Vec<_> = status.held.iter().map(|held| held.count).collect();
    assert_eq!(held, [2]);
    assert_eq!(pair.sides.remote.tree().len(), 4);
}

fn without_folder_moves() -> SideSetup {
    SideSetup {
        folder_move: false,
        ..SideSetup::default()
    }
}

/// A folder whose name is taken on the other side, where it cannot give way: renaming it was tried for ever.
#[test]
fn a_folder_that_can_neither_be_copied_nor_renamed_is_told_of_once() {
    let folding = SideSetup {
        case_sensitive: false,
        ..SideSetup::default()
    };
    let mut pair = ModelPair::with(BySide::new(without_folder_moves(), folding), 1);
    pair.act_all(&[mkdir(Side::Local, "a"), write(Side::Local, "a/x")]);
    pair.check();
    pair.act_all(&[mkdir(Side::Local, "A"), write(Side::Local, "A/y")]);
    pair.check();
    let told = |pair: &ModelPair| {
        let failed = |notice: &&Notice| matches!(notice, Notice::Failed { .. });
        pair.notices.iter().filter(failed).count()
    };
    // Once before and once after the restart that `check` makes.
    assert_eq!(told(&pair), 2);
    assert_eq!(pair.engine().status(Time::ZERO).troubles.len(), 1);
    pair.act_all(&[mkdir(Side::Local, "b"), rename(Side::Local, "A/y", "b/y")]);
    pair.act(&delete(Side::Local, "A"));
    pair.check();
    let left = pair.engine().status(Time::ZERO).troubles;
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(pair.sides.remote.tree().len(), 4);
}

/// While a listing of it was cut, the folder waited for a file in it that had nothing to settle.
#[test]
fn a_folder_that_was_not_listed_moves_by_parts_once_it_is() {
    at_any_time(
        BySide::new(without_folder_moves(), SideSetup::default()),
        &[mkdir(Side::Local, "c"), write(Side::Local, "c/a")],
        &[],
        &[rename(Side::Remote, "c", "b")],
    );
    Swarm::new(643_436).by_parts().run();
}

/// A child that was gone for a moment was agreed to be in the new folder, and stayed in the old one.
#[test]
fn a_child_met_again_after_its_folder_moved_by_parts_is_moved() {
    Swarm::new(548_866).by_parts().run();
}

/// The end of a copy into it that nobody saw was agreed on in the new folder, and stayed in the old one.
#[test]
fn a_copy_of_unknown_end_in_a_folder_that_moves_by_parts() {
    Swarm::new(704_950).by_parts().run();
}

/// A new folder in it that cannot be carried over kept the whole folder from moving.
#[test]
fn a_folder_moves_by_parts_although_something_in_it_is_blocked() {
    Swarm::new(1_511_195).by_parts().run();
}

/// Our deletion was found to be done after its answer was lost, and that was not recorded: after a crash
/// it was taken for a user's, and the file, which had only moved, was deleted on the other side too.
#[test]
fn a_deletion_of_ours_whose_answer_was_lost_is_not_taken_for_a_users_after_a_crash() {
    Swarm::new(7_656_466).by_parts().run();
}

/// It waited for the hash of a file that moved on, into a folder that is blocked.
#[test]
fn what_waits_for_a_file_that_moved_on_is_planned_again() {
    Swarm::new(6_416_811).by_parts().run();
}

/// A folder that was moved while it was looked for was met at two places, and taken for two: the sides
/// stayed unequal, and nothing said so.
#[test]
fn a_folder_that_is_met_at_two_places_is_one() {
    Swarm::inside_out(96_251).run();
}

/// The same, and whether the one that was not there was gone was asked for ever.
#[test]
fn a_folder_whose_place_its_own_double_holds_is_gone() {
    Swarm::inside_out(133_502).run();
}

/// A hint by id said that a new folder of ours was gone before the answer said that it was made.
#[test]
fn a_hint_of_an_id_that_is_known_only_by_a_later_answer() {
    Swarm::new(80_011_960).late().run();
    Swarm::new(80_490_712).late().run();
}

/// We deleted a file whose other half was on its way, and were killed before that was recorded. What a user
/// made at its place was taken for an edit of it, without ids, and went over the other half.
#[test]
fn a_file_made_where_we_deleted_one_is_no_edit_of_that() {
    Swarm::new(480_188).late().run();
}

/// A new folder had the tag of the one that was at its place before, which we were just changing: it was
/// taken for that one, and never looked at.
#[test]
fn another_folder_of_the_same_tag_is_not_the_known_one() {
    Swarm::new(94_037_410).run();
}

/// A walk of all came by its old place before, and not by what is in it: that was not known before the next
/// start.
#[test]
fn a_folder_that_is_renamed_while_all_is_walked_is_walked_again() {
    let slow = SideSetup {
        slow_walks: true,
        ..resumable()
    };
    for seed in 0..40 {
        for work in 0..8 {
            let mut pair = with_local(slow, seed);
            pair.act_all(&[mkdir(Side::Local, "a"), write(Side::Local, "a/b")]);
            pair.check();
            pair.act(&mkdir(Side::Local, "a/c"));
            pair.act(&write(Side::Local, "a/c/d"));
            pair.lose_store();
            pair.act(&UserAct::Work(work));
            pair.act(&rename(Side::Local, "a", "e"));
            pair.check();
        }
    }
    Swarm::new(320_813_717).translating().run();
}

/// Random worlds without moves of folders in which something did not hold once.
#[test]
fn worlds_that_failed_once_by_parts() {
    for seed in [
        752, 757, 1_188, 2_304, 41_034, 76_243, 206_353, 270_278, 355_051, 633_366, 636_804,
        638_787, 667_239, 799_404, 996_225,
    ] {
        Swarm::new(seed).by_parts().run();
    }
}

/// Random worlds in which operations are done before that is told.
#[test]
fn what_is_done_is_told_late() {
    for seed in 0..300 {
        Swarm::new(seed).late().run();
    }
}

/// Random worlds in which something did not hold once.
#[test]
fn worlds_that_failed_once() {
    for seed in [
        19_605, 25_263, 36_614, 43_143, 47_287, 53_603, 57_789, 66_474, 72_295, 75_741, 78_137,
        78_323, 88_666, 90_431, 92_262, 96_563, 107_264, 227_234, 243_445, 249_864, 251_092,
        276_442, 303_850, 408_151, 469_817, 548_394, 657_246, 717_110, 725_648, 803_782, 884_463,
        922_950, 961_525, 962_553, 975_691, 1_018_872, 1_045_311, 1_079_887, 1_137_382, 1_159_764,
        1_262_119, 1_387_455, 1_037_548, 5_684_509, 5_694_356, 5_762_482, 6_110_125, 6_165_739,
        6_571_294, 6_746_469, 8_430_109, 8_546_808, 9_977_141, 11_135_673, 11_672_991, 12_333_244,
        13_086_082, 15_427_419, 15_517_943, 18_044_738, 18_853_006, 19_294_794, 19_634_946,
        20_071_881,
    ] {
        Swarm::new(seed).run();
    }
}

/// Lets a user of a service move a file about while what is looked at is told late, and in any order.
fn while_looks_are_late(base: &[UserAct], first: &[UserAct], then: &[UserAct]) {
    for hints_by_id in [false, true] {
        let setup = SideSetup {
            hints_by_id,
            ..SideSetup::service()
        };
        for seed in 0..100 {
            for work in 0..6 {
                let mut pair = with_local(setup, seed);
                pair.act_all(base);
                pair.check();
                let mut pair = pair.faults(Faults {
                    late_look: 50,
                    ..Faults::default()
                });
                pair.act_all(first);
                pair.act(&UserAct::Work(work));
                pair.act_all(then);
                pair.act(&UserAct::Work(work));
                pair.check();
            }
        }
    }
}

/// Looked at twice, the second time when it was gone: the first answer said where it was moved to before,
/// and had the last word.
#[test]
fn a_file_that_was_moved_and_deleted_while_it_was_looked_at_is_gone() {
    let local = Side::Local;
    let base = [mkdir(local, "b"), write(local, "b/a")];
    let moved = [rename(local, "b/a", "b/a~")];
    let deleted = [write(local, "b/a"), delete(local, "b/a~")];
    while_looks_are_late(&base, &moved, &deleted);
}

/// Met at the two places that it was moved to one after the other, it became two files.
#[test]
fn a_file_that_was_moved_twice_while_it_was_looked_at_is_one() {
    let local = Side::Local;
    let base = [mkdir(local, "a"), write(local, "c")];
    let moved = [rename(local, "c", "d")];
    let on = [rename(local, "d", "a/c")];
    while_looks_are_late(&base, &moved, &on);
}

/// Lets a user act while one side is walked, folder by folder, whose feed tells of everything.
fn while_it_is_walked(base: &[UserAct], acts: &[UserAct]) {
    let setup = SideSetup {
        slow_walks: true,
        ..resumable()
    };
    for seed in 0..100 {
        for work in 0..8 {
            let mut pair = with_local(setup, seed);
            pair.act_all(base);
            pair.check();
            pair.control(Control::Walk {
                side: Side::Local,
                path: String::new(),
            });
            pair.act(&UserAct::Work(work));
            pair.act_all(acts);
            pair.check();
        }
    }
}

/// The walk had listed the folder before, and what was told of it was looked for in the one that had its
/// name.
#[test]
fn what_is_told_of_a_folder_that_moved_under_a_walk_is_looked_for_where_it_is() {
    let local = Side::Local;
    let base = [mkdir(local, "x"), mkdir(local, "z"), write(local, "z/a")];
    let acts = [
        rename(local, "x", "y"),
        rename(local, "z", "x"),
        write(local, "x/new"),
    ];
    while_it_is_walked(&base, &acts);
}

/// We let two folders change places before we were told what a user had made in one of them: it was looked
/// for in the other one.
#[test]
fn what_is_told_of_a_folder_after_we_moved_it_is_looked_for_where_it_is() {
    let (local, remote) = (Side::Local, Side::Remote);
    for seed in 0..100 {
        for work in 0..20 {
            let mut pair = with_local(resumable(), seed);
            pair.act_all(&[mkdir(local, "x"), mkdir(local, "z"), write(local, "z/a")]);
            pair.check();
            let mut pair = pair.faults(Faults {
                late_hint: 80,
                ..Faults::default()
            });
            pair.act_all(&[
                rename(remote, "x", "y"),
                rename(remote, "z", "x"),
                rename(remote, "y", "z"),
                UserAct::Work(work),
                write(local, "x/new"),
                UserAct::Work(20),
            ]);
            pair.check();
        }
    }
}

/// What a user set in the moment before our rename counted as what both had agreed on.
#[test]
fn a_mode_that_changes_just_before_we_rename_the_folder_is_carried_over() {
    for what in [3, 5] {
        at_any_time(
            BySide::default(),
            &[mkdir(Side::Local, "a")],
            &[rename(Side::Local, "a", "b")],
            &[UserAct::Touch(Side::Remote, "a".to_owned(), what)],
        );
    }
}

/// Away with its folder while it was parked, an object came back as a new one, under that name.
#[test]
fn what_was_parked_once_and_nobody_remembers_has_its_name_again() {
    for side in Side::BOTH {
        let mut pair = ModelPair::with(BySide::default(), 1);
        pair.act_all(&[
            write(side, ".cloudsync-parked-7-a.txt"),
            mkdir(side, ".cloudsync-parked-8-b"),
            write(side, ".cloudsync-parked-8-b/.cloudsync-parked-9-c"),
            write(side, "taken"),
            write(side, ".cloudsync-parked-9-taken"),
        ]);
        pair.check();
        let there: Vec<String> = pair.sides[side.other()].tree().into_keys().collect();
        assert_eq!(there, ["a.txt", "b", "b/c", "taken", "taken.conflicted"]);
    }
}

/// Its new folder waited for its place on the other side, where it was moved, too, and it for the folder: it took
/// one conflict name after another for ever.
#[test]
fn a_file_in_a_new_folder_whose_name_it_has_on_the_other_side() {
    let folds = SideSetup {
        case_sensitive: false,
        ..SideSetup::default()
    };
    for seed in 0..20 {
        let mut pair = ModelPair::with(BySide::new(folds, folds), seed);
        pair.act_all(&[
            write(Side::Local, "b"),
            UserAct::Work(4),
            mkdir(Side::Local, "A"),
            rename(Side::Local, "b", "A/a"),
            rename(Side::Remote, "b", "a"),
        ]);
        pair.check();
    }
}

/// A copy of ours was made and nobody told us, not even the feed after a restart: its place was never looked at,
/// and what was deleted meanwhile stayed on the other side.
#[test]
fn a_copy_whose_end_no_feed_tells_is_found_after_a_restart() {
    let silent = SideSetup::silent_service();
    for seed in 0..20 {
        for work in 0..10 {
            let setup = BySide::new(SideSetup::default(), silent);
            let mut pair = ModelPair::with(setup, seed);
            pair.check();
            pair = pair.faults(Faults {
                late_answer: 100,
                ..Faults::default()
            });
            pair.act(&write(Side::Local, "a"));
            pair.act(&UserAct::Work(work));
            pair.act(&UserAct::Delete(Side::Local, "a".to_owned()));
            pair.act(&UserAct::Crash);
            pair.run();
            pair.check_rest();
        }
    }
}

/// What was met elsewhere waited for a look at its old place that failed, and was asked for again at once, for
/// ever.
#[test]
fn a_look_that_fails_at_what_was_met_elsewhere_is_made_again_in_its_time() {
    let mut waited = 0;
    for seed in 0..20 {
        let service = SideSetup::service();
        let mut pair = ModelPair::with(BySide::new(service, service), seed);
        pair.act(&mkdir(Side::Local, "b"));
        pair.act(&write(Side::Local, "a"));
        pair.check();
        let start = pair.now();
        pair.act(&rename(Side::Local, "b", "c"));
        pair.act(&rename(Side::Local, "a", "b"));
        // One is met where the other one was, whose look fails.
        pair.step();
        pair.fail_looks(300);
        for _ in 0..200 {
            pair.step();
        }
        waited += usize::from(pair.now() - start > Duration::from_secs(1));
        pair.check();
    }
    assert_eq!(waited, 20, "so often it waited between two looks");
}

/// Of two folders that were moved into each other the one that had made way for a file waited for the other one to leave
/// it, which that had done by the move that loses.
#[test]
fn a_parked_folder_waits_for_none_that_only_a_losing_move_took_out_of_it() {
    for seed in 0..40 {
        let mut pair = ModelPair::with(BySide::default(), seed);
        for folder in ["a", "a/a", "b"] {
            pair.act(&mkdir(Side::Local, folder));
        }
        pair.act_all(&[write(Side::Local, "a/a/a"), write(Side::Local, "b/a")]);
        pair.check();
        pair.act_all(&[
            rename(Side::Local, "a", "t"),
            rename(Side::Local, "b/a", "a"),
            rename(Side::Local, "t", "b/a"),
            rename(Side::Remote, "b", "t"),
            rename(Side::Remote, "a/a", "b"),
            rename(Side::Remote, "t", "a/a"),
            rename(Side::Local, "b", "d"),
        ]);
        pair.check();
    }
}

/// Two objects wanted a folder out of their way, below which something was under way: the first of them was forgotten, and
/// stayed on one side.
#[test]
fn all_who_wait_for_a_folder_to_be_quiet_are_told() {
    Swarm::crossed(2_316_564).run();
}

/// The last look before a deletion failed when what it was for was gone on both sides: a panic.
#[test]
fn a_look_for_what_is_gone_on_both_sides_may_fail() {
    Swarm::crossed(2_220_930).run();
}

/// The answer to a move of ours was lost, and the folder that its user had moved it to was gone when it was found: wherever
/// the file stood then, on either side, counted as its place.
#[test]
fn a_move_whose_goal_is_gone_agrees_on_no_place() {
    Swarm::crossed(2_828_697).run();
    // And one that is agreed on no more.
    Swarm::crossed(7_325_984).run();
}

/// A folder left one whose walk had failed, and one was moved while it was walked: neither was listed until the next start.
#[test]
fn a_folder_that_we_move_is_listed_where_it_is_then() {
    Swarm::crossed(14_693_164).run();
    Swarm::crossed(20_032_687).late().run();
    Swarm::crossed(31_070_868).late().run();
}
