//! What an application decides and hears.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cloudsync::provider::mock::Call;
use cloudsync::{
    Builder, Decision, EngineNotice, Error, ErrorKind, Hooks, Losers, Notice, Provider, Result,
    Side, Stop, Version,
};

use crate::world::World;

/// A file that was edited on both sides since they agreed.
async fn conflict(decide: impl FnOnce(Builder) -> Builder) -> (World, cloudsync::SyncReport) {
    let world = World::new();
    world.write(Side::Local, "a.txt", "base");
    let pair = decide(world.builder()).build().await.unwrap();
    assert!(pair.run_once().await.unwrap().in_sync());
    world.write(Side::Local, "a.txt", "local!");
    world.write(Side::Remote, "a.txt", "remote");
    let report = pair.run_once().await.unwrap();
    (world, report)
}

/// A decision in every conflict.
async fn decided(decision: Option<Decision>) -> (Vec<String>, cloudsync::SyncReport) {
    let (world, report) = conflict(|builder| {
        builder.resolve_conflict(move |_, _| {
            let decision = decision.clone();
            async move { Ok(decision) }
        })
    })
    .await;
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(report.conflicts.len(), 1);
    (world.both(), report)
}

#[tokio::test(start_paused = true)]
async fn a_conflict_ends_as_the_application_decides() {
    use Losers::{Drop, Keep};
    let merge = |losers| Decision::Merge {
        content: Bytes::from("merged"),
        losers,
    };
    let take = |side, losers| Decision::Take { side, losers };
    let both = ["a.conflicted.txt=local!", "a.txt=remote"];

    assert_eq!(decided(None).await.0, both);
    assert_eq!(decided(Some(Decision::KeepBoth)).await.0, both);
    assert_eq!(
        decided(Some(take(Side::Local, Drop))).await.0,
        ["a.txt=local!"]
    );
    assert_eq!(
        decided(Some(take(Side::Remote, Drop))).await.0,
        ["a.txt=remote"]
    );
    assert_eq!(
        decided(Some(take(Side::Local, Keep))).await.0,
        ["a.conflicted.txt=remote", "a.txt=local!"]
    );
    assert_eq!(decided(Some(merge(Drop))).await.0, ["a.txt=merged"]);
    let (files, report) = decided(Some(merge(Keep))).await;
    assert_eq!(
        files,
        [
            "a.conflicted.txt=local!",
            "a.conflicted2.txt=remote",
            "a.txt=merged"
        ]
    );
    assert_eq!(report.conflicts[0].path, "a.txt");
}

#[tokio::test(start_paused = true)]
async fn both_versions_can_be_read_and_looked_at() {
    let (world, report) = conflict(|builder| {
        builder.resolve_conflict(|local, remote| async move {
            assert_eq!((local.side(), remote.side()), (Side::Local, Side::Remote));
            assert_eq!((local.path(), remote.path()), ("a.txt", "a.txt"));
            assert_eq!((local.size(), remote.size()), (6, 6));
            assert!(local.mtime().is_some());
            let content = [local.read().await?, remote.read().await?].concat();
            Ok(Some(Decision::Merge {
                content: content.into(),
                losers: Losers::Drop,
            }))
        })
    })
    .await;
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(world.both(), ["a.txt=local!remote"]);
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_fails_keeps_both_and_one_that_may_pass_is_asked_again() {
    let both = ["a.conflicted.txt=local!", "a.txt=remote"];
    let fails = |_: Version, _: Version| async { Err(Error::new(ErrorKind::Unexpected, "ask")) };
    let (world, _) = conflict(|builder| builder.resolve_conflict(fails)).await;
    assert_eq!(world.both(), both);

    let panics = |_: Version, _: Version| async { panic!("no idea") };
    let (world, _) = conflict(|builder| builder.resolve_conflict(panics)).await;
    assert_eq!(world.both(), both);

    let asked = Arc::new(AtomicUsize::new(0));
    let times = asked.clone();
    let (world, report) = conflict(|builder| {
        builder.resolve_conflict(move |_, _| {
            let time = times.fetch_add(1, Ordering::Relaxed);
            async move {
                if time == 0 {
                    return Err(Error::new(ErrorKind::Unavailable, "ask"));
                }
                Ok(Some(Decision::Take {
                    side: Side::Local,
                    losers: Losers::Drop,
                }))
            }
        })
    })
    .await;
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(world.both(), ["a.txt=local!"]);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_hold_stands_in_the_report_and_changes_nothing() {
    let (world, report) =
        conflict(|builder| builder.resolve_conflict(|_, _| async { Ok(Some(Decision::Hold)) }))
            .await;
    assert!(!report.in_sync());
    assert!(
        report.conflicts[0].waits && report.conflicts[0].path == "a.txt",
        "{report:?}"
    );
    assert_eq!(world.tree(Side::Local)["a.txt"], "local!");
    assert_eq!(world.tree(Side::Remote)["a.txt"], "remote");
}

#[tokio::test(start_paused = true)]
async fn paths_are_translated_and_left_out() {
    let world = World::new();
    world.write(Side::Local, "x/a", "one");
    world.write(Side::Remote, "up/b", "two");
    world.write(Side::Remote, "elsewhere", "stays");
    world.write(Side::Local, "a.tmp", "stays");
    let pair = world
        .builder()
        .translate("up", |to, path| match to {
            Side::Remote => Some(format!("up/{path}")),
            Side::Local => path.strip_prefix("up/").map(str::to_owned),
        })
        .wanted("no-tmp", |_, path, _| {
            path.rsplit('.').next() != Some("tmp")
        })
        .build()
        .await
        .unwrap();
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync(), "{report:?}");
    let paths = |side| world.tree(side).into_keys().collect::<Vec<_>>();
    assert_eq!(paths(Side::Local), ["a.tmp", "b", "x", "x/a"]);
    assert_eq!(
        paths(Side::Remote),
        ["elsewhere", "up", "up/b", "up/x", "up/x/a"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_goes_first() {
    let world = World::new();
    for name in ["a", "b", "z"] {
        world.write(Side::Local, name, name);
    }
    let remote = world.remote.client();
    let pair = world
        .builder_with(world.local.client(), remote.clone())
        .prioritize(|_, path| if path == "z" { -1 } else { 0 })
        .wanted("all", |_, _, _| true)
        .build()
        .await
        .unwrap();
    pair.run_once().await.unwrap();
    let log = remote.log();
    let written: Vec<_> = log
        .calls()
        .iter()
        .filter(|called| called.call == Call::Write)
        .collect();
    assert_eq!(written.len(), 3);
    assert_eq!(written[0].path, "z", "{written:?}");
}

/// Signs in by making the tokens good, and keeps what it hears.
struct Ears {
    world: World,
    heard: Mutex<Vec<Notice>>,
    signed_in: AtomicUsize,
    done: AtomicUsize,
}

struct Handle(Arc<Ears>);

#[async_trait]
impl Hooks for Handle {
    async fn authenticate(&self, side: Side, provider: &dyn Provider) -> Result<()> {
        assert_eq!(side, Side::Remote);
        self.0.signed_in.fetch_add(1, Ordering::Relaxed);
        self.0.world.remote.set_tokens_good(true);
        provider.reconnect().await?;
        Ok(())
    }

    async fn handle_notification(&self, notice: &Notice) {
        let first = {
            let mut heard = self.0.heard.lock().unwrap();
            heard.push(notice.clone());
            heard.len() == 1
        };
        assert!(!first, "a panic in here hurts nothing");
    }

    fn storage_label(&self) -> Option<String> {
        Some("mine".to_owned())
    }

    async fn done(&self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_signs_in_hears_and_cleans_up() {
    let world = World::new();
    let builder = world.builder();
    world.write(Side::Local, "a", "one");
    world.remote.set_tokens_good(false);
    let ears = Arc::new(Ears {
        world,
        heard: Mutex::default(),
        signed_in: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
    });
    let pair = builder.hooks(Handle(ears.clone())).build().await.unwrap();
    assert_eq!(pair.storage_label(), "mine");

    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(ears.signed_in.load(Ordering::Relaxed), 1);
    let heard = ears.heard.lock().unwrap().clone();
    assert!(matches!(heard.first(), Some(Notice::Started)), "{heard:?}");
    assert!(matches!(heard.last(), Some(Notice::Stopped)), "{heard:?}");
    let of_token = |notice: &Notice| {
        matches!(notice, Notice::Engine(EngineNotice::SideDown { side: Side::Remote, failure })
            if failure.kind() == ErrorKind::Token)
    };
    assert!(heard.iter().any(of_token), "{heard:?}");
    let of_copy = |notice: &Notice| {
        matches!(notice, Notice::Engine(EngineNotice::Done { operation: "copy", path, .. })
            if path == "a")
    };
    assert!(heard.iter().any(of_copy), "{heard:?}");

    pair.stop(Stop::Forever).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(ears.done.load(Ordering::Relaxed), 1);
    assert_eq!(
        pair.run_once().await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
}
