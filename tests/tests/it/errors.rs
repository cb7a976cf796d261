//! What goes wrong on a side: S100 to S117.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use cloudsync::provider::mock::Call;
use cloudsync::{BySide, EngineNotice, Error, ErrorKind, Hooks, Provider, Result, Side, Stop};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Hand, Pair, Setup, Way, in_all_ways, in_ways, with_ways};

/// The kinds of failures of objects that were told of.
fn failures(pair: &Pair) -> Vec<(String, ErrorKind)> {
    pair.notices()
        .into_iter()
        .filter_map(|notice| match notice {
            EngineNotice::Failed { path, failure, .. } => Some((path, failure.kind())),
            _ => None,
        })
        .collect()
}

fn downs(pair: &Pair) -> Vec<(Side, ErrorKind)> {
    pair.notices()
        .into_iter()
        .filter_map(|notice| match notice {
            EngineNotice::SideDown { side, failure } => Some((side, failure.kind())),
            _ => None,
        })
        .collect()
}

/// S100.
#[tokio::test(start_paused = true)]
async fn s100_a_lost_connection_is_made_again() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.a().write("old", "o");
            pair.settle().await;
            pair.clients[side].break_connection();
            pair.a().write("file", "hello");
            pair.settle().await;
            pair.assert_both(&[("file", "hello"), ("old", "o")]);
        })
        .await;
    }
}

/// S101. While a side is down, its changes are kept, and nothing of the other side is lost.
#[tokio::test(start_paused = true)]
async fn s101_a_side_that_cannot_be_reached_is_waited_for() {
    for side in Side::BOTH {
        in_ways(Way::driven(Drive::Live), async |mut pair| {
            pair.a().write("old", "o");
            pair.settle().await;
            pair.services[side].set_online(false);
            pair.user(side).write("there", "t");
            pair.user(side.other()).write("here", "h");
            pair.forget_heard();
            pair.run_for(Duration::from_mins(10)).await;
            assert!(
                downs(&pair).contains(&(side, ErrorKind::Disconnected)),
                "{:?}",
                downs(&pair)
            );
            let down = pair.sync.status().down[side].clone().expect("down");
            assert_eq!(down.kind(), ErrorKind::Disconnected);
            assert!(!pair.user(side).exists("here"));
            let tries = pair.take_log(side).count(Call::Connect);
            assert!((3..700).contains(&tries), "{tries} tries in ten minutes");

            pair.services[side].set_online(true);
            pair.settle().await;
            assert!(pair.sync.status().down[side].is_none());
            pair.assert_both(&[("here", "h"), ("old", "o"), ("there", "t")]);
        })
        .await;
    }
}

/// S102.
#[tokio::test(start_paused = true)]
async fn s102_it_may_start_while_a_side_is_off_line() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.services.remote.set_online(false);
        pair.a().write("file", "hello");
        pair.run_for(Duration::from_mins(1)).await;
        assert!(downs(&pair).contains(&(Side::Remote, ErrorKind::Disconnected)));
        assert!(!Hand(pair.services.remote.user()).exists("remote"));
        pair.services.remote.set_online(true);
        pair.settle().await;
        pair.assert_both(&[("file", "hello")]);
    })
    .await;
}

/// Signs nobody in, and counts.
#[derive(Default)]
struct NobodyThere(Arc<AtomicUsize>);

#[async_trait]
impl Hooks for NobodyThere {
    async fn authenticate(&self, side: Side, _: &dyn Provider) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(Error::new(ErrorKind::Token, "authenticate").with_side(side))
    }
}

/// S103, when the provider can sign in by itself.
#[tokio::test(start_paused = true)]
async fn s103_the_provider_signs_in_again_by_default() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.settle().await;
        pair.services.remote.set_tokens_good(false);
        pair.a().write("file", "hello");
        pair.settle().await;
        assert_eq!(pair.take_log(Side::Remote).count(Call::Authenticate), 1);
        pair.assert_both(&[("file", "hello")]);
    })
    .await;
}

/// S103.
#[tokio::test(start_paused = true)]
async fn s103_refused_credentials_are_asked_for_again() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let nobody = NobodyThere::default();
        let times = nobody.0.clone();
        let mut pair = Setup::new(way)
            .build(|builder| builder.hooks(nobody))
            .pair()
            .await;
        pair.a().write("old", "o");
        pair.settle().await;
        pair.services.remote.set_tokens_good(false);
        pair.a().write("file", "hello");
        pair.run_for(Duration::from_mins(10)).await;
        assert!(
            downs(&pair).contains(&(Side::Remote, ErrorKind::Token)),
            "{:?}",
            downs(&pair)
        );
        let asked = times.load(Ordering::Relaxed);
        assert!((2..700).contains(&asked), "{asked} times in ten minutes");
        pair.services.remote.set_tokens_good(true);
        pair.settle().await;
        pair.assert_both(&[("file", "hello"), ("old", "o")]);
    })
    .await;
}

/// S108, for deletions, and S110: an unknown failure of a deletion passes.
#[tokio::test(start_paused = true)]
async fn s108_a_deletion_that_fails_holds_up_no_other() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Unexpected] {
        in_ways(Way::driven(Drive::Live), async |mut pair| {
            pair.b().write("stuck", "s");
            pair.settle().await;
            pair.clients
                .local
                .faults()
                .fail_times(Call::Delete, kind, 4);
            pair.b().delete("stuck");
            pair.b().write("new1", "1");
            pair.a().write("new2", "2");
            pair.run_for(Duration::from_secs(20)).await;
            assert_eq!(pair.a().read("new1").as_deref(), Some("1"));
            assert_eq!(pair.b().read("new2").as_deref(), Some("2"));
            pair.settle().await;
            pair.assert_both(&[("new1", "1"), ("new2", "2")]);
        })
        .await;
    }
}

/// S109. The object changed under the write: looked at again, and carried over; nothing is lost.
#[tokio::test(start_paused = true)]
async fn s109_a_target_that_changed_meanwhile_is_looked_at_again() {
    in_all_ways(async |mut pair| {
        pair.a().write("file", "old");
        pair.settle().await;
        pair.clients.remote.faults().before_next_change(|user| {
            user.write("remote/file", "B's own").unwrap();
        });
        pair.a().write("file", "A's own");
        pair.settle().await;
        pair.assert_both(&[("file", "B's own"), ("file.conflicted", "A's own")]);
    })
    .await;
}

/// S109, as the provider says so without cause.
#[tokio::test(start_paused = true)]
async fn s109_a_refused_precondition_is_tried_again() {
    in_all_ways(async |mut pair| {
        pair.a().write("file", "old");
        pair.settle().await;
        let faults = pair.clients.remote.faults();
        faults.fail_times(Call::Write, ErrorKind::PreconditionFailed, 2);
        pair.a().write("file", "new");
        pair.settle().await;
        pair.assert_both(&[("file", "new")]);
    })
    .await;
}

/// S111: a source that vanishes or may not be read for a moment. No temporary file exists that could.
#[tokio::test(start_paused = true)]
async fn s111_a_source_that_cannot_be_read_for_a_moment_arrives() {
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::PermissionDenied,
        ErrorKind::SourceChanged,
    ] {
        in_all_ways(async |mut pair| {
            pair.settle().await;
            let faults = pair.clients.local.faults();
            faults.fail_next(Call::Read, kind);
            pair.a().write("file", "hello");
            pair.settle().await;
            pair.assert_both(&[("file", "hello")]);
        })
        .await;
    }
}

/// S113. S112 has no counterpart: there is no folder for temporary files.
#[tokio::test(start_paused = true)]
async fn s113_a_stop_in_a_slow_transfer_ends_in_order() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.settle().await;
        pair.services
            .local
            .configure(|config| config.latency = Duration::from_mins(10));
        pair.a().write("file", "hello");
        pair.run_for(Duration::from_secs(700)).await;
        pair.sync.stop(Stop::ForNow).await;
        assert!(!pair.sync.started() && !pair.b().exists("file"));
        pair.services
            .local
            .configure(|config| config.latency = Duration::ZERO);
        pair.settle().await;
        pair.assert_both(&[("file", "hello")]);
    })
    .await;
}

/// S116: told once; the object stays as it is until it is renamed.
#[tokio::test(start_paused = true)]
async fn s116_a_name_that_the_other_side_cannot_hold_waits_for_another_name() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Remote, |config| config.names.forbidden = "?")
            .pair()
            .await;
        pair.a().write("renamed", "r");
        pair.a().write("folder/in", "f");
        pair.settle().await;
        pair.forget_heard();
        pair.a().write("new?", "n");
        pair.a().write("folder?/below", "b");
        pair.a().rename("renamed", "renamed?");
        pair.a().write("fine", "x");
        pair.rest().await;
        let b = pair.b().tree();
        assert_eq!(b.get("renamed").map(String::as_str), Some("r"), "as it was");
        assert_eq!(b.len(), 4, "{b:?}");
        let mut told = failures(&pair);
        told.sort();
        told.retain(|(_, kind)| *kind == ErrorKind::NameRejected);
        assert_eq!(told.len(), 3, "once each: {:?}", pair.notices());

        // Edited, it is still not what B can hold, and what is there is left alone.
        pair.a().write("renamed?", "edited");
        pair.rest().await;
        assert!(pair.b().exists("renamed"));

        pair.a().rename("new?", "new");
        pair.a().rename("folder?", "folder2");
        pair.a().rename("renamed?", "renamed");
        pair.settle().await;
        pair.assert_both(&[
            ("fine", "x"),
            ("folder", "/"),
            ("folder/in", "f"),
            ("folder2", "/"),
            ("folder2/below", "b"),
            ("new", "n"),
            ("renamed", "edited"),
        ]);
    })
    .await;
}

/// Beside S105: a reply that was lost is no second file, no second deletion.
#[tokio::test(start_paused = true)]
async fn s105_a_lost_reply_does_nothing_twice() {
    in_all_ways(async |mut pair| {
        pair.a().write("moved", "m");
        pair.a().write("gone", "g");
        pair.settle().await;
        let faults = pair.clients.remote.faults();
        for call in [Call::Write, Call::Rename, Call::Delete, Call::CreateFolder] {
            faults.lose_next_reply(call);
        }
        pair.a().rename("moved", "elsewhere");
        pair.a().delete("gone");
        pair.a().write("folder/new", "n");
        pair.settle().await;
        pair.assert_both(&[("elsewhere", "m"), ("folder", "/"), ("folder/new", "n")]);
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::NOTHING));
    })
    .await;
}

/// Beside S104: damaged content at the provider. The other side's copy is pushed over it only when
/// somebody edits it; nothing is deleted, and it is told.
#[tokio::test(start_paused = true)]
async fn a_damaged_object_is_told_and_not_passed_on() {
    in_ways(
        Way::with_a(Identity::Stable)
            .into_iter()
            .filter(|way| way.drive == Drive::Live),
        async |mut pair| {
            pair.a().write("file", "old");
            pair.settle().await;
            let faults = pair.clients.remote.faults();
            for call in [Call::Read, Call::Hash] {
                faults.fail_always(call, Some("file"), ErrorKind::Corrupt);
            }
            pair.forget_heard();
            pair.b().write("file", "damaged");
            pair.run_for(Duration::from_mins(2)).await;
            assert_eq!(pair.a().read("file").as_deref(), Some("old"));
            assert!(
                failures(&pair).contains(&("file".to_owned(), ErrorKind::Corrupt)),
                "{:?}",
                pair.notices()
            );
        },
    )
    .await;
}

/// S104.
#[tokio::test(start_paused = true)]
async fn s104_a_file_that_does_not_fit_is_kept_and_told() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Remote, |config| config.quota_bytes = Some(1_024))
            .pair()
            .await;
        pair.settle().await;
        pair.a().write("file", &"x".repeat(1_025));
        if way.drive == Drive::Live {
            pair.run_for(Duration::from_mins(2)).await;
        } else {
            pair.rest().await;
        }
        pair.assert_side(Side::Remote, &[]);
        assert!(pair.sync.change_count() >= 1, "{:?}", pair.sync.status());
        assert!(
            failures(&pair).contains(&("file".to_owned(), ErrorKind::OutOfSpace)),
            "{:?}",
            pair.notices()
        );
        pair.services.remote.set_quota(Some(4_096));
        // Nothing tells that there is room: without this, it is tried again later.
        pair.sync.wake();
        pair.settle().await;
        pair.assert_equal();
        assert_eq!(pair.b().tree().len(), 1);
    })
    .await;
}

/// S105, S107, S110: whatever a call answers for one object, the others are synced, it is tried again
/// and again (with longer and longer waits, never given up), and arrives once it can.
#[tokio::test(start_paused = true)]
async fn s105_s107_s110_an_object_that_always_fails_holds_up_no_other() {
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::Unavailable,
        ErrorKind::Unexpected,
        ErrorKind::PermissionDenied,
    ] {
        with_ways(Way::driven(Drive::Live), async |way| {
            let mut pair = Pair::new(way).await;
            pair.settle().await;
            pair.take_log(Side::Remote);
            let faults = pair.clients.remote.faults();
            faults.fail_always(Call::Write, Some("bad"), kind);
            pair.a().write("bad", "b");
            pair.a().write("good", "g");
            pair.run_for(Duration::from_hours(1)).await;
            pair.assert_side(Side::Remote, &[("good", "g")]);
            let log = pair.take_log(Side::Remote);
            let tries = log
                .operations()
                .filter(|called| called.path == "bad")
                .count();
            assert!(
                (1..150).contains(&tries),
                "{kind:?}: {tries} tries in an hour"
            );
            faults.clear();
            pair.sync.wake();
            pair.settle().await;
            pair.assert_both(&[("bad", "b"), ("good", "g")]);
        })
        .await;
    }
}

/// S116, for a write over an old file: the old content stays.
#[tokio::test(start_paused = true)]
async fn s116_a_refused_write_leaves_the_old_content() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().write("file", "old");
        pair.settle().await;
        let faults = pair.clients.remote.faults();
        faults.fail_always(Call::Write, None, ErrorKind::NameRejected);
        pair.forget_heard();
        pair.a().write("file", "new");
        pair.run_for(Duration::from_mins(10)).await;
        pair.assert_side(Side::Remote, &[("file", "old")]);
        assert_eq!(
            failures(&pair),
            [("file".to_owned(), ErrorKind::NameRejected)]
        );
        faults.clear();
        pair.a().write("file", "newer");
        pair.settle().await;
        pair.assert_both(&[("file", "newer")]);
    })
    .await;
}
