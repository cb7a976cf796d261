//! Cursors, walks, restarts, storage: S087 to S099.

use std::time::Duration;

use cloudsync::provider::mock::Call;
use cloudsync::store::Fault as StoreFault;
use cloudsync::{BySide, Depth, ErrorKind, Side, Stop};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Pair, Way, in_all_ways, in_ways, with_ways};

/// S087. That two engines hold byte-equal entries becomes: the second one does nothing, changes
/// nothing that is stored but the run, and forgetting leaves nothing.
#[tokio::test(start_paused = true)]
async fn s087_a_second_engine_on_the_same_state_has_nothing_to_do() {
    in_all_ways(async |mut pair| {
        pair.a().write("file", "hello");
        pair.b().write("folder/in", "world");
        pair.settle().await;
        pair.a().rename("file", "renamed");
        pair.b().write("folder/in", "edited");
        pair.settle().await;
        let entries = pair.disk.snapshot().entries;
        assert_eq!(entries.len(), 3);

        let mut pair = pair.reopen().await;
        pair.take_work();
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
        assert_eq!(pair.disk.snapshot().entries, entries);
        pair.sync.stop(Stop::ForNow).await;
        pair.sync.forget().await.unwrap();
        let left = pair.disk.snapshot();
        assert!(
            left.entries.is_empty() && left.values.is_empty(),
            "{left:?}"
        );
    })
    .await;
}

/// S088. With a stored cursor nothing is walked.
#[tokio::test(start_paused = true)]
async fn s088_what_happened_while_it_was_stopped_arrives() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("old", "old");
            pair.settle().await;
            let disk = pair.disk.clone();
            pair.sync.stop(Stop::Forever).await;
            let services = pair.services.clone();
            pair.user(side).write("new", "hello");
            drop(pair);
            let store = disk.open().unwrap();
            let mut pair = Pair::over(pair_way(), services, store, |builder| builder).await;
            pair.settle().await;
            pair.assert_both(&[("new", "hello"), ("old", "old")]);
            let listed: usize = Side::BOTH
                .map(|side| pair.take_log(side).count(Call::List))
                .iter()
                .sum();
            if pair.services.local.config().feed == cloudsync_core::rules::Feed::Resumable {
                assert_eq!(listed, 0, "a cursor, no walk");
            }
        })
        .await;
    }
}

fn pair_way() -> Way {
    Way {
        drive: Drive::Once,
        ..Way::PLAIN
    }
}

/// S091: a side without a feed.
#[tokio::test(start_paused = true)]
async fn s091_a_walk_of_a_side_without_a_feed_marks_nothing_as_changed() {
    in_ways(Way::driven(Drive::Walks), async |mut pair| {
        pair.a().write("file", "hello");
        pair.a().write("other", "o");
        pair.settle().await;
        let mut pair = pair.reopen().await;
        pair.b().write("file", "edited");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::copies(1), Did::NOTHING));
        pair.assert_both(&[("file", "edited"), ("other", "o")]);
    })
    .await;
}

/// S092. Ours knows of what it never forgot: the event is lost, a walk finds the change, deletions
/// and moves too, in few calls.
#[tokio::test(start_paused = true)]
async fn s092_a_walk_finds_what_no_event_told() {
    for how in ["folder", "side", "all"] {
        in_ways(
            Way::driven(Drive::Live)
                .into_iter()
                .filter(|way| !way.shuffled),
            async |mut pair| {
                pair.b().write("edited", "old");
                pair.b().write("gone", "g");
                pair.b().write("moved", "m");
                pair.settle().await;
                pair.services
                    .remote
                    .configure(|config| config.events.loss_per_mille = 1_000);
                pair.b().write("edited", "new");
                pair.b().write("new", "n");
                if how != "folder" {
                    pair.b().delete("gone");
                    pair.b().rename("moved", "elsewhere");
                }
                pair.settle().await;
                assert_eq!(pair.a().read("new"), None, "nobody told");
                pair.take_log(Side::Remote);
                match how {
                    "folder" => {
                        pair.sync
                            .walk(Some(Side::Remote), Some("/"), Depth::Folder)
                            .await
                    }
                    "side" => pair.sync.walk(Some(Side::Remote), None, Depth::All).await,
                    _ => pair.sync.walk(None, None, Depth::All).await,
                }
                .unwrap();
                pair.settle().await;
                if how == "folder" {
                    pair.assert_both(&[
                        ("edited", "new"),
                        ("gone", "g"),
                        ("moved", "m"),
                        ("new", "n"),
                    ]);
                } else {
                    pair.assert_both(&[("edited", "new"), ("elsewhere", "m"), ("new", "n")]);
                }
                let log = pair.take_log(Side::Remote);
                let calls = log.calls().len() - log.count(Call::Events);
                assert!(calls <= 12, "{:?}", log.calls());
            },
        )
        .await;
    }
}

/// S092, by forgetting: a first meeting, which brings back what was deleted meanwhile.
#[tokio::test(start_paused = true)]
async fn s092_forgetting_walks_both_sides_and_deletes_nothing() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.b().write("file", "hello");
        pair.b().write("other", "o");
        pair.settle().await;
        pair.services
            .local
            .configure(|config| config.events.loss_per_mille = 1_000);
        pair.a().delete("file");
        pair.settle().await;
        pair.sync.forget().await.unwrap();
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::copies(1), Did::NOTHING));
        pair.assert_both(&[("file", "hello"), ("other", "o")]);
    })
    .await;
}

/// S093.
#[tokio::test(start_paused = true)]
async fn s093_a_folder_to_walk_needs_a_side() {
    let pair = Pair::new(Way::PLAIN).await;
    let error = pair
        .sync
        .walk(None, Some("folder"), Depth::All)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// S094. A pair has a store of its own, so nothing of another one's can be forgotten with it; it
/// works without the providers.
#[tokio::test(start_paused = true)]
async fn s094_forgetting_is_for_one_pair_and_needs_no_connection() {
    in_ways(Way::driven(Drive::Once), async |mut pair| {
        pair.a().write("file", "hello");
        pair.settle().await;
        let services = pair.services.clone();
        let store = cloudsync::MemoryStore::new();
        let mut other = Pair::over(pair.way, services, store, |builder| {
            builder.roots("/local", "/remote2")
        })
        .await;
        other.settle().await;
        let kept = other.disk.snapshot().entries;
        assert_eq!(kept.len(), 1);
        for side in Side::BOTH {
            pair.services[side].set_online(false);
        }
        pair.sync.forget().await.unwrap();
        assert!(pair.disk.snapshot().entries.is_empty());
        assert!(pair.disk.snapshot().values.is_empty());
        assert_eq!(other.disk.snapshot().entries, kept);
    })
    .await;
}

/// S095: what happened unseen is found, deletions too.
#[tokio::test(start_paused = true)]
async fn s095_an_expired_cursor_means_a_walk() {
    for stopped in [false, true] {
        in_ways(Way::driven(Drive::Live), async |mut pair| {
            pair.b().write("gone", "g");
            pair.b().write("stays", "s");
            pair.settle().await;
            if stopped {
                pair.sync.stop(Stop::ForNow).await;
            }
            pair.b().delete("gone");
            pair.b().write("new", "n");
            pair.services.remote.expire_cursors();
            pair.take_log(Side::Remote);
            pair.settle().await;
            pair.assert_both(&[("new", "n"), ("stays", "s")]);
            assert!(pair.take_log(Side::Remote).count(Call::List) > 0, "a walk");
        })
        .await;
    }
}

/// S096: whatever it is at, it stops soon and in order, and goes on where it was.
#[tokio::test(start_paused = true)]
async fn s096_a_stop_in_the_middle_is_quick_and_loses_nothing() {
    for after in [0, 300, 1_500, 3_000, 6_000, 12_000] {
        in_ways(
            [
                Way::PLAIN,
                Way {
                    a: Identity::Path,
                    ..Way::PLAIN
                },
            ],
            async |mut pair| {
                for side in Side::BOTH {
                    pair.services[side]
                        .configure(|config| config.latency = Duration::from_millis(500));
                }
                for index in 0..10 {
                    pair.a().write(&format!("a{index}/file"), "a");
                    pair.b().write(&format!("b{index}"), "b");
                }
                pair.run_for(Duration::from_millis(after)).await;
                let asked = tokio::time::Instant::now();
                pair.sync.stop(Stop::ForNow).await;
                assert!(
                    asked.elapsed() < Duration::from_secs(8),
                    "{:?}",
                    asked.elapsed()
                );
                assert!(!pair.sync.started());
                let files = pair.b().tree().len() + pair.a().tree().len();
                tokio::time::sleep(Duration::from_mins(1)).await;
                assert_eq!(
                    pair.b().tree().len() + pair.a().tree().len(),
                    files,
                    "it has stopped"
                );
                pair.settle().await;
                pair.assert_equal();
                assert_eq!(pair.a().tree().len(), 30);
            },
        )
        .await;
    }
}

/// S097.
#[tokio::test(start_paused = true)]
async fn s097_events_after_a_stop_are_read_by_the_next_start() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.settle().await;
        pair.sync.stop(Stop::ForNow).await;
        pair.a().write("file", "hello");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(pair.b().tree().is_empty());
        pair.settle().await;
        pair.assert_both(&[("file", "hello")]);
    })
    .await;
}

/// S098. Where ours asks: once for an object, however many events came for it.
#[tokio::test(start_paused = true)]
async fn s098_many_events_of_one_object_are_one_look() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().write("file", "hello");
        pair.settle().await;
        pair.take_log(Side::Local);
        for _ in 0..50 {
            pair.a().touch("file");
        }
        pair.settle().await;
        let log = pair.take_log(Side::Local);
        let looks = log.calls().len() - log.count(Call::Events);
        assert!((1..=4).contains(&looks), "{:?}", log.calls());
    })
    .await;
}

/// S099. The unit checks of the reference's state are tests of the engine's trees and of the codec;
/// what is left for the whole: whatever happened, a restart finds the state as it was, and a damaged
/// state is a first meeting.
#[tokio::test(start_paused = true)]
async fn s099_a_damaged_state_is_a_first_meeting_that_loses_nothing() {
    in_all_ways(async |mut pair| {
        pair.a().write("file", "hello");
        pair.a().write("folder/in", "world");
        pair.settle().await;
        pair.disk.damage("a flipped bit");
        let mut pair = pair.reopen().await;
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
        assert!(pair.conflicts().is_empty());
        if let Some(report) = &pair.report {
            assert!(report.first_meeting && report.state_set_aside.is_some());
        }
        pair.assert_both(&[("file", "hello"), ("folder", "/"), ("folder/in", "world")]);
    })
    .await;
}

/// S087, the store taking nothing for a while: no operation goes ahead of its record.
#[tokio::test(start_paused = true)]
async fn s087_nothing_is_done_that_the_store_does_not_take() {
    for fault in [StoreFault::Busy, StoreFault::Full, StoreFault::LostReply] {
        with_ways(
            [
                Way::PLAIN,
                Way {
                    a: Identity::Path,
                    ..Way::PLAIN
                },
            ],
            async |way| {
                let mut pair = Pair::new(way).await;
                pair.settle().await;
                for _ in 0..3 {
                    pair.disk.fail_next(fault);
                }
                pair.a().write("file", "hello");
                pair.b().write("other", "world");
                pair.settle().await;
                pair.assert_both(&[("file", "hello"), ("other", "world")]);
                let mut pair = pair.reopen().await;
                assert_eq!(pair.settle_and_count().await, BySide::default());
            },
        )
        .await;
    }
}
