//! Whatever comes first, and whatever is under way: moves, edits and deletions end where they belong.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudsync::provider::mock::Call;
use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Setup, Way, in_all_ways, in_ways, with_ways};
use tokio::time::sleep;

use super::pause;

/// D15. A folder is renamed on B while A's hundred files are being written into it.
#[tokio::test(start_paused = true)]
async fn d15_a_folder_is_renamed_while_it_is_filled_from_the_other_side() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.settle().await;
        pair.services
            .remote
            .configure(|config| config.latency = Duration::from_millis(100));
        for index in 0..100 {
            pair.a()
                .write(&format!("V/{index:02}"), &format!("file {index}"));
        }
        while pair.b().tree().len() < 30 {
            pair.run_for(Duration::from_millis(10)).await;
        }
        assert!(pair.b().tree().len() < 80, "half of them are under way");
        pair.b().rename("V", "V2");
        pair.settle().await;
        pair.assert_equal();
        let files: BTreeMap<_, _> = (0..100)
            .map(|index| (format!("V2/{index:02}"), format!("file {index}")))
            .chain([("V2".to_owned(), "/".to_owned())])
            .collect();
        assert_eq!(pair.b().tree(), files);
        assert!(pair.conflicts().is_empty());
    })
    .await;
}

/// D16. An edit and a new file, made while nothing ran, in a folder that the other side renamed twice.
#[tokio::test(start_paused = true)]
async fn d16_an_edit_in_a_folder_that_was_renamed_elsewhere_lands_in_it() {
    for side in [Side::Local, Side::Remote] {
        in_all_ways(async |mut pair| {
            pair.a().write("docs/file", "old");
            pair.a().write("docs/other", "o");
            pair.settle().await;
            pause(&pair).await;
            let (renames, edits) = (pair.user(side), pair.user(side.other()));
            renames.rename("docs", "first");
            edits.write("docs/file", "edited");
            edits.write("docs/new", "n");
            renames.rename("first", "second");
            let did = pair.settle_and_count().await;
            if pair.way.a == Identity::Stable || side == Side::Remote {
                assert_eq!(did[side], Did::copies(2));
                assert_eq!(did[side.other()], Did::renames(1));
                pair.assert_both(&[
                    ("second", "/"),
                    ("second/file", "edited"),
                    ("second/new", "n"),
                    ("second/other", "o"),
                ]);
            } else {
                // Without ids the folder was deleted, and what was edited or made in it lives on there.
                pair.assert_equal();
                let tree = pair.a().tree();
                for content in ["edited", "n", "o"] {
                    assert!(tree.values().any(|is| is == content), "{tree:?}");
                }
            }
            assert!(pair.conflicts().is_empty());
        })
        .await;
    }
}

/// D18. The parent is renamed on B while the child's new version is on its way there.
#[tokio::test(start_paused = true)]
async fn d18_the_folder_of_a_file_is_renamed_while_that_is_written() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().write("p/child", "old");
        pair.a().write("p/other", "o");
        pair.settle().await;
        pair.take_log(Side::Remote);
        pair.services
            .remote
            .configure(|config| config.latency = Duration::from_secs(2));
        pair.a().write("p/child", "edited");
        pair.a().write("p/new", "n");
        while pair.clients.remote.log().count(Call::Write) == 0 {
            pair.run_for(Duration::from_millis(100)).await;
        }
        pair.b().rename("p", "q");
        pair.settle().await;
        pair.assert_both(&[
            ("q", "/"),
            ("q/child", "edited"),
            ("q/new", "n"),
            ("q/other", "o"),
        ]);
        assert!(pair.conflicts().is_empty());
    })
    .await;
}

/// D21. A chain of backups: the old version is renamed over the last one, and a new one is written.
#[tokio::test(start_paused = true)]
async fn d21_a_file_is_renamed_over_its_backup_and_made_anew() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("log", "1");
            pair.user(side).write("log.old", "0");
            pair.settle().await;
            pair.forget_heard();
            for round in ["2", "3"] {
                pair.user(side).replace("log", "log.old");
                pair.user(side).write("log", round);
            }
            pair.settle().await;
            pair.assert_both(&[("log", "3"), ("log.old", "2")]);
            assert!(pair.conflicts().is_empty());
            let did = pair.changed();
            assert_eq!(did[side], Did::NOTHING);
            assert!(did[side.other()].copied <= 2, "{did:?}");
        })
        .await;
    }
}

/// D22. Vim saves: the old file is moved away, a new one made, the old one deleted. Also bit by bit,
/// where a change rests for a while.
#[tokio::test(start_paused = true)]
async fn d22_a_file_moved_away_and_made_anew_is_one_write_and_no_deletion() {
    for pauses in [Duration::ZERO, Duration::from_millis(300)] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .build(|builder| builder.aging(Duration::from_secs(1)))
                .pair()
                .await;
            pair.a().write("file", "old");
            pair.settle().await;
            let id = pair.b().0.oid("file");
            pair.take_log(Side::Remote);
            pair.forget_heard();
            pair.a().rename("file", "file~");
            sleep(pauses).await;
            pair.a().write("file", "new");
            sleep(pauses).await;
            pair.a().write("file", "new, whole");
            sleep(pauses).await;
            pair.a().delete("file~");
            let did = pair.settle_and_count().await;
            let log = pair.take_log(Side::Remote);
            assert_eq!(log.count(Call::Write), 1, "{log:?}");
            assert_eq!(did.local, Did::NOTHING);
            pair.assert_both(&[("file", "new, whole")]);
            assert_eq!(log.count(Call::Delete), 0, "{log:?}");
            assert_eq!(pair.b().0.oid("file"), id, "never deleted");
        })
        .await;
    }
}

/// D23. A program saves with each key, by a new file renamed over the old one.
#[tokio::test(start_paused = true)]
async fn d23_a_save_with_each_key_is_carried_over_once_it_is_quiet() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let mut pair = Setup::new(way)
            .build(|builder| builder.aging(Duration::from_secs(1)))
            .pair()
            .await;
        pair.a().write("note", "");
        pair.settle().await;
        pair.take_log(Side::Remote);
        let mut text = String::new();
        for _ in 0..50 {
            text.push('x');
            pair.a().write(".note.tmp", &text);
            pair.a().replace(".note.tmp", "note");
            pair.run_for(Duration::from_millis(100)).await;
        }
        pair.settle().await;
        pair.assert_both(&[("note", &text)]);
        let log = pair.take_log(Side::Remote);
        assert_eq!(log.operations().count(), 1, "{log:?}");
        assert!(pair.conflicts().is_empty());
        assert_eq!(pair.take_log(Side::Local).operations().count(), 0);
    })
    .await;
}

/// D24. In one batch: a file leaves a folder, and the folder is deleted; another one takes its name.
#[tokio::test(start_paused = true)]
async fn d24_what_left_a_deleted_folder_leaves_it_before_the_deletion() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            for path in ["old/kept", "old/gone", "next/in"] {
                pair.user(side).write(path, path);
            }
            pair.settle().await;
            pair.user(side).rename("old/kept", "kept");
            pair.user(side).delete("old");
            pair.user(side).rename("next", "old");
            let did = pair.settle_and_count().await;
            pair.assert_both(&[("kept", "old/kept"), ("old", "/"), ("old/in", "next/in")]);
            assert_eq!((did[side], did[side.other()].copied), (Did::NOTHING, 0));
            if pair.way.a == Identity::Stable {
                assert_eq!(
                    (did[side.other()].renamed, did[side.other()].deleted),
                    (2, 2)
                );
            }
        })
        .await;
    }
}

/// D56. Two versions in conflict, of which one is deleted: the other one is what is left, in whatever
/// order all that is met.
#[tokio::test(start_paused = true)]
async fn d56_a_version_in_conflict_is_deleted_in_any_order_with_one_outcome() {
    for side in Side::BOTH {
        for seed in 0..8 {
            with_ways(Way::all(), async |way| {
                let mut pair = Setup::new(way)
                    .build(move |builder| builder.seed(seed))
                    .pair()
                    .await;
                pair.a().write("x", "base");
                pair.settle().await;
                pair.a().write("x", "A");
                pair.b().write("x", "B");
                pair.user(side).delete("x");
                pair.settle().await;
                let left = if side == Side::Local { "B" } else { "A" };
                pair.assert_both(&[("x", left)]);
                let did = pair.settle_and_count().await;
                assert_eq!(did, BySide::default(), "seed {seed}");
            })
            .await;
        }
    }
}

/// D58. One side moves a folder into one, the other side into another one. (Two folders moved into each
/// other: `cycles`.)
#[tokio::test(start_paused = true)]
async fn d58_a_folder_moved_into_two_others_ends_in_one_of_them() {
    for side in Side::BOTH {
        in_ways(Way::with_a(Identity::Stable), async |mut pair| {
            pair.a().write("a/in", "hello");
            pair.a().mkdir("b");
            pair.a().mkdir("c");
            pair.settle().await;
            pair.user(side).rename("a", "b/a");
            pair.user(side.other()).rename("a", "c/a");
            let did = pair.settle_and_count().await;
            pair.assert_both(&[("b", "/"), ("b/a", "/"), ("b/a/in", "hello"), ("c", "/")]);
            assert_eq!(did[side], Did::NOTHING);
            assert_eq!(did[side.other()], Did::renames(1));
            assert!(pair.conflicts().is_empty());
        })
        .await;
    }
}
