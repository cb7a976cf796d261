//! Failures: of one object, of a side, of the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudsync::provider::mock::{Call, Fault};
use cloudsync::store::{Fault as StoreFault, MemoryDisk};
use cloudsync::{
    CloudSync, EngineNotice, Error, ErrorKind, Given, Hooks, Notice, Operation, Outcomes, Perform,
    Performer, Provider, Result, Side,
};
use futures::StreamExt;
use tokio::time::sleep;

use crate::panicky::Panicky;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn one_object_that_fails_stands_in_the_report_and_holds_up_no_other() {
    let world = World::new();
    for name in ["bad", "good", "better"] {
        world.write(Side::Local, name, name);
    }
    let remote = world.remote.client();
    remote
        .faults()
        .fail_always(Call::Write, Some("bad"), ErrorKind::PermissionDenied);
    let pair = world
        .builder_with(world.local.client(), remote.clone())
        .build()
        .await
        .unwrap();

    let report = pair.run_once().await.unwrap();
    assert!(!report.in_sync() && !report.interrupted);
    assert_eq!(report.changed.remote.copied, 2);
    assert_eq!(report.failed.len(), 1, "{report:?}");
    let trouble = &report.failed[0];
    assert_eq!(trouble.path, "bad");
    assert_eq!(trouble.failure.kind(), ErrorKind::PermissionDenied);

    remote.faults().clear();
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(world.both().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_file_for_which_there_is_no_space_holds_up_no_other() {
    let world = World::new();
    world.remote.set_quota(Some(1_000));
    world.write(Side::Local, "a", "small");
    world.write(Side::Local, "big", &"x".repeat(1_001));
    for number in 0..20 {
        world.write(Side::Local, &format!("f/{number}"), "small");
    }
    world.write(Side::Remote, "back", "small");
    let pair = world.pair().await;
    for run in 0..2 {
        let report = pair.run_once().await.unwrap();
        assert!(!report.in_sync() && !report.interrupted);
        assert_eq!(report.changed.remote.copied, if run == 0 { 21 } else { 0 });
        assert_eq!(report.failed.len(), 1, "{report:?}");
        let trouble = &report.failed[0];
        assert_eq!(
            (trouble.path.as_str(), trouble.failure.kind()),
            ("big", ErrorKind::OutOfSpace)
        );
        let mut expected = world.tree(Side::Local);
        expected.remove("big");
        assert_eq!(world.tree(Side::Remote), expected);
    }

    world.remote.set_quota(Some(4_000));
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(report.changed.remote.copied, 1);
    assert_eq!(world.both().len(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_read_is_told_by_its_path() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    world.write(Side::Local, "b", "two");
    let local = world.local.client();
    local
        .faults()
        .fail_always(Call::Read, Some("a"), ErrorKind::PermissionDenied);
    let pair = world
        .builder_with(local, world.remote.client())
        .build()
        .await
        .unwrap();
    let report = pair.run_once().await.unwrap();
    assert_eq!(report.changed.remote.copied, 1);
    let failure = &report.failed[0].failure;
    assert_eq!(
        (failure.kind(), failure.operation()),
        (ErrorKind::PermissionDenied, "read")
    );
    assert_eq!(failure.object(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn what_fails_now_and_then_gets_there() {
    let world = World::new();
    for index in 0..40 {
        world.write(Side::Local, &format!("l{index}"), "l");
        world.write(Side::Remote, &format!("r{index}"), "r");
    }
    for service in [&world.local, &world.remote] {
        service.configure(|config| {
            config.rates.fail = 30;
            config.rates.lost_reply = 30;
            config.rates.disconnect = 10;
            config.rates.cut_read = 30;
            config.rates.cut_listing = 30;
        });
    }
    let pair = world.pair().await;
    pair.start().unwrap();
    sleep(Duration::from_mins(2)).await;
    world.local.heal();
    world.remote.heal();
    sleep(Duration::from_mins(10)).await;
    let status = pair.status();
    assert!(status.at_rest && status.pending == 0, "{status:?}");
    assert_eq!(world.both().len(), 80);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_is_not_there_ends_a_single_run() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    world.remote.set_online(false);
    let pair = world.pair().await;
    let error = pair.run_once().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::Disconnected, Some(Side::Remote))
    );
    assert!(error.is_retryable());
    world.remote.set_online(true);
    assert!(pair.run_once().await.unwrap().in_sync());

    let pair = world.builder().hooks(NobodyThere).build().await.unwrap();
    world.remote.set_tokens_good(false);
    let error = pair.run_once().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::Token, Some(Side::Remote))
    );
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_can_never_be_listed_ends_a_single_run() {
    for fault in [
        Fault::Fail(ErrorKind::Unavailable),
        Fault::Fail(ErrorKind::Unexpected),
        Fault::Disconnect,
    ] {
        let world = World::new();
        world.write(Side::Local, "a", "one");
        world.write(Side::Remote, "folder/b", "two");
        let remote = world.remote.client();
        let list = Some(Call::List);
        remote.faults().add(list, Some("folder"), fault, None);
        let pair = world
            .builder_with(world.local.client(), remote.clone())
            .build()
            .await
            .unwrap();
        for ended in [pair.run_once().await.err(), pair.plan().await.err()] {
            let error = ended.expect("not all was seen");
            assert_eq!(error.side(), Some(Side::Remote), "{fault:?}: {error}");
        }
        let tries = remote.log().count(Call::List);
        assert!(tries < 100, "{fault:?}: {tries} tries");
        assert!(world.tree(Side::Local).len() == 1, "nothing is planned");
        remote.faults().clear();
        assert!(pair.run_once().await.unwrap().in_sync());
        assert_eq!(world.both(), ["a=one", "folder=/", "folder/b=two"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_can_never_be_looked_at_ends_a_single_run() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let local = world.local.client();
    let pair = world
        .builder_with(local.clone(), world.remote.client())
        .build()
        .await
        .unwrap();
    pair.run_once().await.unwrap();
    world.write(Side::Local, "a", "two");
    world.write(Side::Remote, "b", "goes on");
    let faults = local.faults();
    faults.fail_always(Call::Info, Some("a"), ErrorKind::Unavailable);
    let report = pair.run_once().await.unwrap();
    assert!(report.interrupted && !report.in_sync(), "{report:?}");
    assert!(report.elapsed < Duration::from_mins(2), "{report:?}");
    assert_eq!(world.tree(Side::Remote)["a"], "one");

    faults.clear();
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(world.both(), ["a=two", "b=goes on"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_always_breaks_the_connection_ends_a_single_run() {
    for kind in [
        ErrorKind::Disconnected,
        ErrorKind::RootMissing,
        ErrorKind::Token,
    ] {
        let world = World::new();
        for name in ["a", "bad", "c"] {
            world.write(Side::Local, name, name);
        }
        let remote = world.remote.client();
        let faults = remote.faults();
        faults.fail_always(Call::Write, Some("bad"), kind);
        let pair = world
            .builder_with(world.local.client(), remote.clone())
            .build()
            .await
            .unwrap();
        let report = pair.run_once().await.unwrap();
        assert_eq!(report.failed.len(), 1, "{report:?}");
        assert_eq!(report.failed[0].path, "bad");
        assert!(!report.in_sync(), "{report:?}");
        assert!(report.elapsed < Duration::from_mins(1), "{report:?}");
        assert_eq!(world.tree(Side::Remote).len(), 2, "{kind:?}");
        faults.clear();
        assert!(pair.run_once().await.unwrap().in_sync());
        assert_eq!(world.both(), ["a=a", "bad=bad", "c=c"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_always_breaks_the_connection_is_tried_later_and_later() {
    let kinds = [
        ErrorKind::Disconnected,
        ErrorKind::RootMissing,
        ErrorKind::Token,
    ];
    for (kind, call) in kinds
        .into_iter()
        .flat_map(|kind| [Call::Write, Call::Rename, Call::Delete].map(|call| (kind, call)))
    {
        let world = World::new();
        for name in ["bad", "renamed", "deleted"] {
            world.write(Side::Local, name, name);
        }
        let remote = world.remote.client();
        let pair = world
            .builder_with(world.local.client(), remote.clone())
            .build()
            .await
            .unwrap();
        pair.start().unwrap();
        sleep(Duration::from_mins(1)).await;
        let faults = remote.faults();
        faults.fail_always(call, None, kind);
        remote.take_log();
        let user = world.user(Side::Local);
        match call {
            Call::Write => world.write(Side::Local, "bad", "edited"),
            Call::Rename => user.rename("renamed", "moved").unwrap(),
            _ => user.delete("deleted").unwrap(),
        }
        sleep(Duration::from_hours(1)).await;
        let tries = remote.take_log().count(call);
        assert!(
            (5..100).contains(&tries),
            "{kind:?}: {tries} tries of {call:?} in an hour"
        );
        assert_eq!(pair.status().troubles.len(), 1, "{:?}", pair.status());
        world.write(Side::Remote, "good", "goes on");
        sleep(Duration::from_mins(1)).await;
        assert!(world.tree(Side::Local).contains_key("good"));
        faults.clear();
        sleep(Duration::from_hours(1)).await;
        assert_eq!(world.both().len(), if call == Call::Delete { 3 } else { 4 });
        assert!(pair.status().troubles.is_empty());
    }
}

struct NobodyThere;

#[async_trait]
impl Hooks for NobodyThere {
    async fn authenticate(&self, _: Side, _: &dyn Provider) -> Result<()> {
        Err(Error::new(ErrorKind::Token, "authenticate"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_goes_down_half_way_is_told_and_comes_back() {
    let world = World::new();
    let pair = world.pair().await;
    pair.start().unwrap();
    sleep(Duration::from_secs(1)).await;
    world.remote.set_online(false);
    world.write(Side::Local, "a", "one");
    sleep(Duration::from_secs(5)).await;
    let down = pair.status().down.remote.expect("the side is down");
    assert_eq!(down.kind(), ErrorKind::Disconnected);
    world.remote.set_online(true);
    sleep(Duration::from_secs(5)).await;
    assert!(pair.status().down.remote.is_none());
    assert_eq!(world.both(), ["a=one"]);
}

#[tokio::test(start_paused = true)]
async fn expired_cursors_lose_nothing() {
    let world = World::new();
    let pair = world.pair().await;
    assert!(pair.run_once().await.unwrap().in_sync());
    world.write(Side::Remote, "a", "one");
    world.remote.expire_cursors();
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(world.both(), ["a=one"]);

    pair.start().unwrap();
    sleep(Duration::from_secs(1)).await;
    world
        .remote
        .configure(|config| config.events.loss_per_mille = 1_000);
    world.write(Side::Remote, "b", "two");
    world.remote.expire_cursors();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.both(), ["a=one", "b=two"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_nothing_ends_a_single_run_before_anything_is_changed() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let disk = MemoryDisk::new();
    for _ in 0..50 {
        disk.fail_next(StoreFault::Full);
    }
    let pair = world
        .builder()
        .storage(disk.open().unwrap())
        .build()
        .await
        .unwrap();
    let error = pair.run_once().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfSpace);
    assert!(world.tree(Side::Remote).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_store_is_a_first_meeting_that_is_told() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let disk = MemoryDisk::new();
    let pair = world
        .builder()
        .storage(disk.open().unwrap())
        .build()
        .await
        .unwrap();
    pair.run_once().await.unwrap();
    drop(pair);
    sleep(Duration::from_millis(10)).await;
    disk.damage("a bit fell over");

    let pair = world
        .builder()
        .storage(disk.open().unwrap())
        .build()
        .await
        .unwrap();
    let mut notices = pair.notices();
    world.user(Side::Local).delete("a").unwrap();
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync() && report.first_meeting, "{report:?}");
    assert!(report.state_set_aside.is_some());
    assert_eq!(world.both(), ["a=one"], "nothing is deleted");
    notices.next().await;
    assert!(matches!(
        notices.next().await,
        Some(Notice::StateSetAside { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_hurts_nothing_else() {
    for batch in [1, 8] {
        let world = World::new();
        world.remote.configure(|config| config.batch = batch);
        for name in ["a", "b-boom", "c", "d", "e"] {
            world.write(Side::Local, name, name);
        }
        world.write(Side::Remote, "r-boom", "unreadable");
        let remote = Arc::new(Panicky::new(world.remote.client(), 2));
        let pair = CloudSync::builder(Given::provider(world.local.client()), remote.clone())
            .roots("/", "/")
            .build()
            .await
            .unwrap();
        let mut notices = pair.notices();
        let report = pair.run_once().await.unwrap();
        assert!(report.in_sync(), "{report:?}");
        assert_eq!(remote.left(), 0, "it did panic");
        assert_eq!(world.both().len(), 6);
        drop(pair);
        while let Some(notice) = notices.next().await {
            if let Notice::Engine(EngineNotice::Failed { path, failure, .. }) = notice {
                assert!(path.contains("boom"), "{path} failed: {failure}");
                assert_eq!(failure.kind(), ErrorKind::Unexpected);
            }
        }
    }
}

/// Keeps what it is given to do, and passes it on.
#[derive(Debug)]
struct Keeping {
    inner: Performer,
    seen: Arc<std::sync::Mutex<Vec<Operation>>>,
}

impl Perform for Keeping {
    fn perform(&self, operations: Vec<Operation>) {
        self.seen.lock().unwrap().extend(operations.iter().cloned());
        self.inner.perform(operations);
    }

    fn forget_waiting(&self) -> usize {
        self.inner.forget_waiting()
    }
}

#[tokio::test(start_paused = true)]
async fn what_performs_can_be_wrapped() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let seen = Arc::default();
    let kept = Arc::clone(&seen);
    let pair = world
        .builder()
        .perform(move |context, outcomes: Outcomes| {
            let inner = Performer::new(context, outcomes);
            Arc::new(Keeping {
                inner,
                seen: Arc::clone(&kept),
            })
        })
        .build()
        .await
        .unwrap();
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn content_that_breaks_off_leaves_nothing_and_is_tried_again() {
    let world = World::new();
    let content = "x".repeat(3 << 20);
    world.write(Side::Local, "large", &content);
    let local = world.local.client();
    local
        .faults()
        .add(Some(Call::Read), None, Fault::CutRead, Some(1));
    let pair = world
        .builder_with(local, world.remote.client())
        .build()
        .await
        .unwrap();
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(world.tree(Side::Remote)["large"].len(), content.len());
}
