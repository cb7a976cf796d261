//! Failures and crashes in the middle: nothing half-done is shown, recorded or passed on.

use std::cell::Cell;
use std::time::Duration;

use cloudsync::provider::mock::{Call, Fault};
use cloudsync::{BySide, EngineNotice, ErrorKind, Side};
use cloudsync_tests::{Did, in_all_ways, in_ways};
use tokio::time::timeout;

use super::{at_once, crash, go_on, operations};

/// D7. A new version of B's cannot be fetched: A keeps the old one, and B the new one, until it can.
#[tokio::test(start_paused = true)]
async fn d07_a_download_that_fails_is_no_deletion() {
    for (side, call, fault) in [
        (Side::Remote, Call::Read, Fault::CutRead),
        (
            Side::Remote,
            Call::Read,
            Fault::Fail(ErrorKind::Unavailable),
        ),
        (Side::Local, Call::Write, Fault::Fail(ErrorKind::Unexpected)),
        (Side::Local, Call::Write, Fault::Fail(ErrorKind::OutOfSpace)),
    ] {
        in_all_ways(async |mut pair| {
            pair.a().write("file", "old");
            pair.settle().await;
            pair.forget_heard();
            operations(&pair);
            for _ in 0..2 {
                let faults = pair.clients[side].faults();
                faults.add(Some(call), None, fault, None);
                pair.b().write("file", "a new version");
                go_on(&mut pair).await;
                pair.assert_side(Side::Local, &[("file", "old")]);
                pair.assert_side(Side::Remote, &[("file", "a new version")]);
                assert_eq!(pair.sync.status().troubles.len(), 1);
                assert_eq!(operations(&pair).remote, 0);
                pair = crash(pair).await;
            }
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::copies(1), Did::NOTHING));
            pair.assert_both(&[("file", "a new version")]);
        })
        .await;
    }
}

/// D9. A download is recorded once it is durable, not before. So what a power cut takes away was not
/// recorded: it is fetched again, and its absence is no deletion. (That content is durable before its
/// name is: `cloudsync-provider`, `flushing`.)
#[tokio::test(start_paused = true)]
async fn d09_a_download_that_a_power_cut_takes_away_is_made_again() {
    in_all_ways(async |mut pair| {
        pair.b().write("before", "b");
        pair.settle().await;
        let faults = pair.clients.local.faults();
        faults.fail_always(Call::Flush, None, ErrorKind::Unavailable);
        pair.b().write("file", "hello");
        pair.b().write("before", "edited");
        // The run ends in order, or with the failure.
        if pair.sync.started() {
            go_on(&mut pair).await;
        } else {
            let _ = pair.sync.run_once().await;
        }
        assert_eq!(pair.a().read("file").as_deref(), Some("hello"));
        let told = pair.notices();
        let flushed = |notice: &EngineNotice| matches!(notice, EngineNotice::StoreFailed { .. });
        assert!(told.iter().any(flushed), "{told:?}");

        let local = pair.services.local.clone();
        local.configure(|config| config.events.loss_per_mille = 1_000);
        pair.a().delete("file");
        local.configure(|config| config.events.loss_per_mille = 0);
        operations(&pair);
        let mut pair = crash(pair).await;
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::copies(1), Did::NOTHING));
        assert_eq!(operations(&pair).remote, 0);
        pair.assert_both(&[("before", "edited"), ("file", "hello")]);
    })
    .await;
}

/// D10. No space in the middle of a download, and a crash. (On a small disk for real: `cloudsync-cli`,
/// `space`.)
#[tokio::test(start_paused = true)]
async fn d10_a_download_without_space_leaves_nothing_to_see_or_upload() {
    in_all_ways(async |mut pair| {
        pair.a().write("replaced", "old");
        pair.settle().await;
        let used = pair.services.local.used_bytes();
        pair.services.local.set_quota(Some(used + 1_000));
        let large = "x".repeat(2_000);
        pair.b().write("large", &large);
        pair.b().write("replaced", &large);
        pair.b().write("small", "s");
        for _ in 0..2 {
            operations(&pair);
            go_on(&mut pair).await;
            pair.assert_side(Side::Local, &[("replaced", "old"), ("small", "s")]);
            assert_eq!(operations(&pair).remote, 0);
            let troubles = pair.sync.status().troubles;
            assert_eq!(troubles.len(), 2, "{troubles:?}");
            assert_eq!(troubles[0].failure.kind(), ErrorKind::OutOfSpace);
            pair = crash(pair).await;
        }
        pair.services.local.set_quota(None);
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::copies(2), Did::NOTHING));
        pair.assert_both(&[("large", &large), ("replaced", &large), ("small", "s")]);
    })
    .await;
}

/// D25. A crash at any time after a folder was made, and before what is in it was.
#[tokio::test(start_paused = true)]
async fn d25_a_crash_between_a_folder_and_its_children_leaves_none_out() {
    let mut halves = 0;
    for after in (0..40).map(|step| Duration::from_millis(step * 100)) {
        let half = Cell::new(0);
        in_ways(at_once(), async |mut pair| {
            pair.settle().await;
            for side in Side::BOTH {
                pair.services[side].configure(|config| config.latency = Duration::from_millis(100));
            }
            for index in 0..6 {
                pair.b().write(&format!("folder/{index}"), "x");
                pair.b().write(&format!("folder/sub/{index}"), "y");
            }
            let _ = timeout(after, pair.sync.run_once()).await;
            let made = pair.a().tree().len();
            half.set(half.get() + usize::from((1..14).contains(&made)));
            let mut pair = crash(pair).await;
            pair.settle().await;
            pair.assert_equal();
            assert_eq!(pair.a().tree().len(), 14, "after {after:?}, {made} made");
            assert!(pair.conflicts().is_empty());
        })
        .await;
        halves += half.get();
    }
    assert!(halves >= 20, "only {halves} crashes came half-way");
}
