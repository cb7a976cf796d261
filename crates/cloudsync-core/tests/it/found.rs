//! What random worlds found once, by name, as small as it was left.

use cloudsync_core::rules::Feed;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{ModelPair, SideSetup, UserAct};

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
