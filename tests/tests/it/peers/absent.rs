//! What is not to be seen is not taken for deleted.

use cloudsync::provider::mock::{Call, Fault};
use cloudsync::{BySide, EngineNotice, ErrorKind, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Hand, Pair, Way, in_all_ways, in_ways};

use super::{go_on, operations};

/// D3. The far side started again under the same name: empty, or with other content.
#[tokio::test(start_paused = true)]
async fn d03_a_far_side_that_is_another_one_halts_the_pair() {
    for other in [&[][..], &["file", "more"]] {
        in_all_ways(async |mut pair| {
            pair.a().write("file", "hello");
            pair.a().write("folder/in", "world");
            pair.settle().await;
            let all = Hand(pair.services.remote.user());
            all.delete("remote");
            all.mkdir("remote");
            for name in other {
                pair.b().write(name, "of another one");
            }
            let before = Side::BOTH.map(|side| pair.user(side).tree());
            operations(&pair);
            if pair.way.drive == Drive::Live {
                go_on(&mut pair).await;
                let down = pair.sync.status().down.remote.expect("down");
                assert_eq!(down.kind(), ErrorKind::RootMissing);
            } else {
                pair = pair.reopen().await;
                let error = pair.sync.run_once().await.unwrap_err();
                assert_eq!(
                    (error.kind(), error.side()),
                    (ErrorKind::RootMissing, Some(Side::Remote))
                );
            }
            assert_eq!(Side::BOTH.map(|side| pair.user(side).tree()), before);
            assert_eq!(operations(&pair), BySide::default());
        })
        .await;
    }
}

/// D4. For a while all listings are in order, and empty.
#[tokio::test(start_paused = true)]
async fn d04_an_emptied_root_holds_all_deletions_until_it_is_filled_again() {
    in_all_ways(async |mut pair| {
        let names = ["1", "2", "3", "4", "folder"];
        for name in &names[..4] {
            pair.b().write(name, name);
        }
        pair.b().write("folder/in", "i");
        pair.settle().await;
        let before = pair.a().tree();
        let all = Hand(pair.services.remote.user());
        for name in names {
            all.rename(&format!("remote/{name}"), &format!("hidden/{name}"));
        }
        pair.forget_heard();
        go_on(&mut pair).await;
        assert_eq!(pair.a().tree(), before);
        assert_eq!(pair.changed(), BySide::default());
        let held = pair.sync.status().held;
        assert_eq!(held.len(), 1, "{held:?}");
        assert_eq!((held[0].side, held[0].count), (Side::Local, 6));
        if let Some(report) = &pair.report {
            assert!(!report.in_sync(), "{report:?}");
        }

        for name in names {
            all.rename(&format!("hidden/{name}"), &format!("remote/{name}"));
        }
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
        assert!(pair.sync.status().held.is_empty());
        assert_eq!(pair.a().tree(), before);
        assert_eq!(pair.b().tree(), before);
    })
    .await;
}

/// A folder of B cannot be listed, or not to its end, while other things happen. Whatever is in it
/// stays on A, also over a restart.
async fn unlisted(fault: Fault) {
    let walks = Way::all()
        .into_iter()
        .filter(|way| way.drive == Drive::Walks);
    in_ways(walks, async |mut pair: Pair| {
        for path in ["folder/one", "folder/sub/two", "beside", "gone"] {
            pair.b().write(path, path);
        }
        pair.settle().await;
        for _ in 0..2 {
            let faults = pair.clients.remote.faults();
            faults.add(Some(Call::List), Some("folder"), fault, None);
            pair.forget_heard();
            // A run ends with the failure, without having seen all, or tells what it left alone.
            if let Ok(report) = pair.sync.run_once().await {
                let told = report.skipped.iter().any(|(.., path, _)| path == "folder");
                assert!(told || !report.in_sync(), "{report:?}");
            }
            for path in ["folder/one", "folder/sub/two"] {
                assert_eq!(pair.a().read(path).as_deref(), Some(path));
                assert_eq!(pair.b().read(path).as_deref(), Some(path));
            }
            assert_eq!(pair.changed(), BySide::default());
            pair = pair.reopen().await;
        }
        // What really happened meanwhile, in there too.
        pair.b().delete("folder/one");
        pair.a().write("folder/new", "new");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::deletions(1), Did::copies(1)));
        pair.assert_both(&[
            ("beside", "beside"),
            ("folder", "/"),
            ("folder/new", "new"),
            ("folder/sub", "/"),
            ("folder/sub/two", "folder/sub/two"),
            ("gone", "gone"),
        ]);
    })
    .await;
}

/// D5.
#[tokio::test(start_paused = true)]
async fn d05_a_listing_that_fails_or_is_cut_removes_nothing() {
    for fault in [
        Fault::Fail(ErrorKind::Unavailable),
        Fault::Fail(ErrorKind::Unexpected),
        Fault::CutListing,
        Fault::Disconnect,
    ] {
        unlisted(fault).await;
    }
}

/// D49.
#[tokio::test(start_paused = true)]
async fn d49_a_folder_that_may_not_be_read_for_a_moment_removes_nothing() {
    unlisted(Fault::Fail(ErrorKind::PermissionDenied)).await;
    unlisted(Fault::Fail(ErrorKind::NotFound)).await;
}

/// D54. More than half of all files, in a folder that gets another name.
#[tokio::test(start_paused = true)]
async fn d54_a_renamed_folder_of_most_files_counts_as_no_deletion() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            for index in 0..30 {
                pair.user(side)
                    .write(&format!("big/{index}"), &format!("file {index}"));
            }
            pair.user(side).write("beside", "b");
            pair.settle().await;
            pair.user(side).rename("big", "now/here");
            let did = pair.settle_and_count().await;
            let held = pair
                .notices()
                .iter()
                .any(|notice| matches!(notice, EngineNotice::DeletionsHeld { .. }));
            assert!(!held, "{:?}", pair.notices());
            assert_eq!((did[side], did[side.other()].copied), (Did::NOTHING, 0));
            if pair.way.a == Identity::Stable || side == Side::Remote {
                let moved = Did {
                    folders: 1,
                    ..Did::renames(1)
                };
                assert_eq!(did[side.other()], moved);
            } else {
                assert_eq!(did[side.other()].renamed, 30);
            }
            pair.assert_equal();
            let tree = pair.a().tree();
            assert_eq!(tree.len(), 33);
            assert_eq!(tree["now/here/29"], "file 29");
        })
        .await;
    }
}
