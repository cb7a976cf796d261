//! Renaming and deleting folders: S032 to S046.

use std::time::Duration;

use cloudsync::provider::mock::Call;
use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Pair, Setup, Way, in_all_ways, in_ways, with_ways};

/// S032. A renamed folder is one operation and touches no child; where A has no ids and renames it, its
/// files are renamed one by one, and none is transferred.
#[tokio::test(start_paused = true)]
async fn s032_a_renamed_folder_is_one_rename() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            for name in ["1", "2", "3", "sub/4"] {
                pair.user(side).write(&format!("a/{name}"), name);
            }
            pair.settle().await;
            let ids = ["a", "a/1", "a/sub/4"].map(|path| pair.b().0.oid(path));
            pair.take_work();
            pair.user(side).rename("a", "b");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side], Did::NOTHING);
            assert_eq!(did[side.other()].copied, 0);
            let now = ["b", "b/1", "b/sub/4"].map(|path| pair.b().0.oid(path));
            assert_eq!(ids[1..], now[1..]);
            if pair.way.a == Identity::Stable || side == Side::Remote {
                assert_eq!(did[side.other()], Did::renames(1));
                let log = pair.take_log(side.other());
                assert_eq!((log.count(Call::Rename), log.operations().count()), (1, 1));
                assert_eq!(ids, now);
            }
            pair.assert_both(&[
                ("b", "/"),
                ("b/1", "1"),
                ("b/2", "2"),
                ("b/3", "3"),
                ("b/sub", "/"),
                ("b/sub/4", "sub/4"),
            ]);
        })
        .await;
    }
}

/// S032, over and over.
#[tokio::test(start_paused = true)]
async fn s032_a_folder_renamed_ten_times_costs_ten_renames() {
    in_ways(Way::with_a(Identity::Stable), async |mut pair| {
        for name in ["1", "2", "3", "4"] {
            pair.a().write(&format!("n0/{name}"), name);
        }
        pair.settle().await;
        pair.forget_heard();
        for round in 0..10 {
            let (from, to) = (format!("n{round}"), format!("n{}", round + 1));
            pair.a().rename(&from, &to);
            pair.settle().await;
        }
        assert_eq!(pair.changed(), BySide::new(Did::NOTHING, Did::renames(10)));
        pair.assert_both(&[
            ("n10", "/"),
            ("n10/1", "1"),
            ("n10/2", "2"),
            ("n10/3", "3"),
            ("n10/4", "4"),
        ]);
    })
    .await;
}

/// S033. Renamed on A, then on B; and on both at once: of two places the smaller wins.
#[tokio::test(start_paused = true)]
async fn s033_a_folder_renamed_on_one_side_then_on_the_other() {
    in_all_ways(async |mut pair| {
        pair.a().write("a/child", "c");
        pair.settle().await;
        pair.a().rename("a", "b");
        pair.settle().await;
        pair.b().rename("b", "c");
        pair.settle().await;
        pair.assert_both(&[("c", "/"), ("c/child", "c")]);
        pair.a().rename("c", "e");
        pair.b().rename("c", "d");
        pair.settle().await;
        if pair.way.a == Identity::Stable {
            pair.assert_both(&[("d", "/"), ("d/child", "c")]);
        } else {
            // Without ids A's folder is another one: both live. What is in it was moved there, if A is seen first, or
            // stays with B's.
            pair.assert_equal();
            let mut tree = pair.a().tree();
            let child = tree.remove("d/child");
            assert!(child.is_none_or(|content| content == "c"), "{}", pair.way);
            let expected = [("d", "/"), ("e", "/"), ("e/child", "c")];
            let expected = expected.map(|(path, content)| (path.to_owned(), content.to_owned()));
            assert_eq!(tree, expected.into(), "{}", pair.way);
        }
    })
    .await;
}

/// S035.
#[tokio::test(start_paused = true)]
async fn s035_a_child_and_its_folder_are_deleted() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("folder/child", "c");
            pair.settle().await;
            pair.user(side).delete("folder/child");
            pair.user(side).delete("folder");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::deletions(2));
            pair.assert_both(&[]);
        })
        .await;
    }
}

/// S036. Where ours does better: what the folder's deletion took with it needs no event of its own.
#[tokio::test(start_paused = true)]
async fn s036_only_the_deletion_of_the_folder_is_told() {
    for side in Side::BOTH {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .config(side, |config| config.events.children_of_deleted = false)
                .pair()
                .await;
            pair.user(side).write("folder/sub/child", "c");
            pair.user(side).write("folder/child", "c");
            pair.settle().await;
            pair.user(side).delete("folder");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::deletions(4));
            pair.assert_both(&[]);
        })
        .await;
    }
}

/// S037: the event of the new file is late or never comes.
#[tokio::test(start_paused = true)]
async fn s037_a_folder_is_not_deleted_over_a_file_that_was_never_told_of() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().mkdir("f");
        pair.settle().await;
        pair.services
            .remote
            .configure(|config| config.events.loss_per_mille = 1_000);
        pair.b().write("f/a", "hidden");
        pair.a().delete("f");
        pair.rest().await;
        assert_eq!(pair.b().read("f/a").as_deref(), Some("hidden"));
        pair.assert_both(&[("f", "/"), ("f/a", "hidden")]);
    })
    .await;
}

/// S038.
#[tokio::test(start_paused = true)]
async fn s038_a_deleted_folder_lives_on_with_what_was_added_to_it() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("dir/f1", "1");
            pair.settle().await;
            pair.user(side).delete("dir/f1");
            pair.user(side).delete("dir");
            pair.user(side.other()).write("dir/f2", "2");
            pair.settle().await;
            pair.assert_both(&[("dir", "/"), ("dir/f2", "2")]);
        })
        .await;
    }
}

/// S040.
#[tokio::test(start_paused = true)]
async fn s040_an_edit_beats_the_deletion_of_its_folder() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("sub/file", "old");
            pair.user(side).write("sub/other", "other");
            pair.settle().await;
            pair.user(side).delete("sub");
            pair.user(side.other()).write("sub/file", "new");
            pair.settle().await;
            pair.assert_both(&[("sub", "/"), ("sub/file", "new")]);
        })
        .await;
    }
}

/// S041 and S042. A move is a wish to keep: all that came with the folder lives on at the new place,
/// always (the reference: one of two ends).
#[tokio::test(start_paused = true)]
async fn s041_a_folder_moved_here_and_deleted_there_lives_on_at_the_new_place() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("sub/file", "hello");
            pair.settle().await;
            pair.user(side).rename("sub", "sub2");
            pair.user(side.other()).delete("sub/file");
            pair.user(side.other()).delete("sub");
            pair.settle().await;
            pair.assert_both(&[("sub2", "/"), ("sub2/file", "hello")]);
        })
        .await;
    }
}

/// S043. As S041 (the reference: gone on both sides).
#[tokio::test(start_paused = true)]
async fn s043_renamed_on_both_sides_and_deleted_on_one_it_lives_on() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("a/child", "hello");
            pair.settle().await;
            pair.user(side).rename("a", "c");
            pair.user(side.other()).rename("a", "b");
            pair.user(side.other()).delete("b");
            pair.settle().await;
            pair.assert_both(&[("c", "/"), ("c/child", "hello")]);
        })
        .await;
    }
}

/// S044. As S041, with the edited content.
#[tokio::test(start_paused = true)]
async fn s044_edited_and_its_folder_renamed_here_deleted_there() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("folder/stuff", "old");
            pair.settle().await;
            pair.user(side).write("folder/stuff", "new");
            pair.user(side).rename("folder", "folder2");
            pair.user(side.other()).delete("folder");
            pair.settle().await;
            pair.assert_both(&[("folder2", "/"), ("folder2/stuff", "new")]);
        })
        .await;
    }
}

/// S046. Backslashes are the provider's own matter here; what is left is the race.
#[tokio::test(start_paused = true)]
async fn s046_a_folder_is_removed_while_a_file_is_added_to_it() {
    for side in Side::BOTH {
        in_ways(Way::driven(Drive::Live), async |mut pair| {
            for index in 0..5 {
                pair.user(side).write(&format!("folder/sub/{index}"), "x");
            }
            pair.settle().await;
            for side in Side::BOTH {
                pair.services[side].configure(|config| config.latency = Duration::from_millis(200));
            }
            pair.user(side).delete("folder");
            pair.run_for(Duration::from_millis(700)).await;
            pair.user(side.other()).write("folder/sub/new", "new");
            pair.settle().await;
            pair.assert_both(&[
                ("folder", "/"),
                ("folder/sub", "/"),
                ("folder/sub/new", "new"),
            ]);
        })
        .await;
    }
}

/// Beside S035: what appears on the other side in the very moment of the deletion is not deleted.
#[tokio::test(start_paused = true)]
async fn s038_a_file_that_appears_in_the_moment_of_the_deletion_lives_on() {
    in_ways(Way::with_a(Identity::Stable), async |mut pair: Pair| {
        pair.a().mkdir("dir");
        pair.settle().await;
        pair.clients.remote.faults().before_next_change(|user| {
            user.write("remote/dir/late", "late").unwrap();
        });
        pair.a().delete("dir");
        pair.settle().await;
        pair.assert_both(&[("dir", "/"), ("dir/late", "late")]);
    })
    .await;
}
