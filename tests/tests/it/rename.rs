//! Renaming and moving files: S020 to S031.

use std::time::Duration;

use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Setup, Way, in_all_ways, in_ways, with_ways};

/// S020.
#[tokio::test(start_paused = true)]
async fn s020_a_rename_is_carried_as_one_rename() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff3", "three");
        pair.settle().await;
        let ids = ["stuff1", "stuff3"].map(|name| pair.b().0.oid(name));
        pair.a().rename("stuff1", "stuff2");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::renames(1)));
        assert_eq!(pair.b().0.oid("stuff2"), ids[0]);

        pair.b().rename("stuff3", "stuff4");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::renames(1), Did::NOTHING));
        assert_eq!(pair.b().0.oid("stuff4"), ids[1]);
        pair.assert_both(&[("stuff2", "hello"), ("stuff4", "three")]);
    })
    .await;
}

/// S021.
#[tokio::test(start_paused = true)]
async fn s021_a_file_moves_into_a_new_folder() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("file", "hello");
            pair.settle().await;
            pair.user(side).rename("file", "folder/file");
            let did = pair.settle_and_count().await;
            let both = Did {
                folders: 1,
                ..Did::renames(1)
            };
            assert_eq!(did[side.other()], both);
            assert_eq!(did[side], Did::NOTHING);
            pair.assert_both(&[("folder", "/"), ("folder/file", "hello")]);
        })
        .await;
    }
}

/// S023.
#[tokio::test(start_paused = true)]
async fn s023_a_file_takes_the_name_of_a_deleted_one() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("hello1", "one");
            pair.user(side).write("hello2", "two");
            pair.settle().await;
            pair.user(side).delete("hello2");
            pair.user(side).rename("hello1", "hello2");
            pair.settle().await;
            pair.assert_both(&[("hello2", "one")]);
        })
        .await;
    }
}

/// S026.
#[tokio::test(start_paused = true)]
async fn s026_without_ids_a_rename_told_as_two_events_is_one_rename() {
    for reorder in [0, 1_000] {
        with_ways(Way::with_a(Identity::Path), async |way| {
            let mut pair = Setup::new(way)
                .config(Side::Local, |config| {
                    config.events.reorder_per_mille = reorder;
                })
                .pair()
                .await;
            pair.a().write("old", "hello");
            pair.a().write("other", "world");
            pair.settle().await;
            let id = pair.b().0.oid("old");
            pair.a().rename("old", "new");
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::NOTHING, Did::renames(1)));
            assert_eq!(pair.b().0.oid("new"), id);
            pair.assert_both(&[("new", "hello"), ("other", "world")]);
        })
        .await;
    }
}

/// S028.
#[tokio::test(start_paused = true)]
async fn s028_repeated_and_stale_events_of_a_rename_change_nothing() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Local, |config| {
                config.events.duplicate_per_mille = 1_000;
                config.events.reorder_per_mille = 500;
            })
            .pair()
            .await;
        pair.a().write("old", "hello");
        pair.settle().await;
        pair.a().rename("old", "new");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::renames(1)));
        pair.assert_both(&[("new", "hello")]);
        pair.a().delete("new");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::deletions(1)));
        pair.assert_both(&[]);
    })
    .await;
}

/// S029: what editors and scripts do; also as one step, by renaming over the old file.
#[tokio::test(start_paused = true)]
async fn s029_a_file_renamed_over_another_is_an_edit_of_that_one() {
    for at_once in [false, true] {
        in_all_ways(async |mut pair| {
            pair.a().write("a", "a");
            pair.a().write("b", "b");
            pair.settle().await;
            if at_once {
                pair.a().replace("b", "a");
            } else {
                pair.a().write("a", "temp");
                pair.a().delete("a");
                pair.a().rename("b", "a");
            }
            pair.settle().await;
            pair.assert_both(&[("a", "b")]);
        })
        .await;
    }
}

/// S029, the temporary file being one that was never synced.
#[tokio::test(start_paused = true)]
async fn s029_a_new_file_renamed_over_the_old_one_is_one_write() {
    in_all_ways(async |mut pair| {
        pair.a().write("report", "old");
        pair.settle().await;
        let id = pair.b().0.oid("report");
        pair.a().write("report.tmp", "new");
        pair.a().replace("report.tmp", "report");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::copies(1)));
        assert_eq!(pair.b().0.oid("report"), id);
        pair.assert_both(&[("report", "new")]);
    })
    .await;
}

/// S030.
#[tokio::test(start_paused = true)]
async fn s030_deleted_under_the_old_name_and_there_under_the_new_one() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("old", "hello");
            pair.settle().await;
            pair.user(side).delete("old");
            pair.user(side).write("new", "hello");
            pair.settle().await;
            pair.assert_both(&[("new", "hello")]);
        })
        .await;
    }
}

/// S031: the other side's mere new time does not hold up a deletion.
#[tokio::test(start_paused = true)]
async fn s031_a_deletion_beats_a_change_that_is_none() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("file", "hello");
            pair.settle().await;
            pair.user(side).delete("file");
            pair.user(side.other()).touch("file");
            pair.settle().await;
            pair.assert_both(&[]);
        })
        .await;
    }
}

/// Beside S020: the same file renamed on both sides ends under one name (the smaller one), by one
/// rename, whichever side has it.
#[tokio::test(start_paused = true)]
async fn s020_of_two_new_names_the_smaller_wins() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.a().write("file", "hello");
            pair.settle().await;
            pair.user(side).rename("file", "x");
            pair.user(side.other()).rename("file", "y");
            let did = pair.settle_and_count().await;
            if pair.way.a == Identity::Stable {
                pair.assert_both(&[("x", "hello")]);
                assert_eq!(did[side.other()], Did::renames(1));
                assert_eq!(did[side], Did::NOTHING);
            } else {
                // Without ids A's rename is a deletion and a new file: a move is a wish to keep, so
                // both names live.
                pair.assert_both(&[("x", "hello"), ("y", "hello")]);
            }
        })
        .await;
    }
}

/// Beside S020: both give it the same name; nothing is left to do.
#[tokio::test(start_paused = true)]
async fn s020_the_same_rename_on_both_sides_is_agreed() {
    in_ways(Way::all(), async |mut pair| {
        pair.a().write("file", "hello");
        pair.settle().await;
        pair.a().rename("file", "x");
        pair.b().rename("file", "x");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
        pair.assert_both(&[("x", "hello")]);
    })
    .await;
}

/// S027.
#[tokio::test(start_paused = true)]
async fn s027_an_edit_and_a_rename_arrive_together() {
    in_all_ways(async |mut pair| {
        pair.a().write("old", "hello");
        pair.settle().await;
        pair.a().write("old", "hello, edited");
        if pair.way.drive == Drive::Live {
            // The edit is being carried over when the file is renamed.
            pair.services.remote.configure(|config| {
                config.latency = Duration::from_secs(1);
            });
            pair.run_for(Duration::from_millis(500)).await;
        }
        pair.a().rename("old", "new");
        pair.settle().await;
        pair.assert_both(&[("new", "hello, edited")]);
    })
    .await;
}
