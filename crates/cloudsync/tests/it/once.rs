//! Single runs, and plans of them.

use std::time::Duration;

use cloudsync::{CloudSync, ErrorKind, Guard, MemoryStore, Side};
use tokio::time::{sleep, timeout};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn one_run_brings_two_sides_together() {
    let world = World::new();
    world.write(Side::Local, "a/x.txt", "one");
    world.write(Side::Remote, "b/y.txt", "two");
    world.write(Side::Local, "same", "equal");
    world.write(Side::Remote, "same", "equal");
    let pair = world.pair().await;

    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync(), "{report:?}");
    assert!(report.first_meeting);
    assert_eq!(
        (report.changed.local.copied, report.changed.remote.copied),
        (1, 1)
    );
    assert_eq!(
        (report.changed.local.folders, report.changed.remote.folders),
        (1, 1)
    );
    assert_eq!(report.total().bytes, 6);
    assert_eq!(
        world.both(),
        ["a=/", "a/x.txt=one", "b=/", "b/y.txt=two", "same=equal"]
    );

    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync() && report.changed_nothing(), "{report:?}");
    assert!(!report.first_meeting);
}

#[tokio::test(start_paused = true)]
async fn what_happened_between_two_runs_is_carried_over() {
    let world = World::new();
    for path in ["edited", "deleted", "moved", "folder/in"] {
        world.write(Side::Local, path, path);
    }
    let pair = world.pair().await;
    pair.run_once().await.unwrap();

    world.write(Side::Remote, "edited", "anew");
    world.user(Side::Local).delete("deleted").unwrap();
    world
        .user(Side::Remote)
        .rename("moved", "elsewhere")
        .unwrap();
    world.user(Side::Local).rename("folder", "renamed").unwrap();
    let report = pair.run_once().await.unwrap();

    assert!(report.in_sync(), "{report:?}");
    assert_eq!(
        world.both(),
        [
            "edited=anew",
            "elsewhere=moved",
            "renamed=/",
            "renamed/in=folder/in"
        ]
    );
    let total = report.total();
    assert_eq!((total.copied, total.deleted, total.renamed), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_what_a_run_would_do_and_changes_nothing() {
    let world = World::new();
    world.write(Side::Local, "a/x", "one");
    let store = MemoryStore::new();
    let disk = store.disk().clone();
    let pair = world.builder().storage(store).build().await.unwrap();

    let plan = pair.plan().await.unwrap();
    let planned: Vec<_> = plan
        .operations
        .iter()
        .map(|o| (o.side, o.operation, o.path.as_str()))
        .collect();
    assert_eq!(
        planned,
        [
            (Side::Remote, "create_folder", "a"),
            (Side::Remote, "copy", "a/x")
        ]
    );
    assert!(world.tree(Side::Remote).is_empty());
    assert_eq!(disk.applied(), 0);

    assert!(pair.run_once().await.unwrap().in_sync());
    assert!(pair.plan().await.unwrap().operations.is_empty());
    world.user(Side::Remote).delete("a/x").unwrap();
    let plan = pair.plan().await.unwrap();
    assert_eq!(plan.operations.len(), 1);
    assert_eq!(plan.operations[0].operation, "delete");
    assert!(world.user(Side::Local).exists("a/x"));
    assert!(plan.conflicts.is_empty());

    world.write(Side::Local, "both", "one");
    world.write(Side::Remote, "both", "two");
    let plan = pair.plan().await.unwrap();
    assert_eq!(plan.conflicts.len(), 1);
    let conflict = &plan.conflicts[0];
    assert_eq!((conflict.path.as_str(), conflict.waits), ("both", false));
    assert_eq!(conflict.kept_as.as_deref(), Some("both.conflicted"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_anywhere_is_taken_up_by_the_next() {
    for step in 0..60 {
        let world = World::new();
        world
            .local
            .configure(|config| config.latency = Duration::from_millis(3));
        world
            .remote
            .configure(|config| config.latency = Duration::from_millis(5));
        for name in ["a/1", "a/2", "b/c/3"] {
            world.write(Side::Local, name, name);
            world.write(Side::Remote, &format!("r{name}"), name);
        }
        let pair = world.pair().await;
        let _ = timeout(Duration::from_millis(step * 2), pair.run_once()).await;
        sleep(Duration::from_millis(20)).await;
        let report = pair.run_once().await.unwrap();
        assert!(report.in_sync(), "dropped at step {step}: {report:?}");
        assert_eq!(world.both().len(), 12, "dropped at step {step}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_deletions_are_held_until_they_are_released() {
    let world = World::new();
    for index in 0..30 {
        world.write(Side::Local, &format!("f{index}"), "x");
    }
    let guard = Guard {
        max_count: 10,
        ..Guard::default()
    };
    let pair = world.builder().guard(guard).build().await.unwrap();
    pair.run_once().await.unwrap();
    for index in 0..20 {
        world
            .user(Side::Local)
            .delete(&format!("f{index}"))
            .unwrap();
    }
    world.write(Side::Local, "new", "n");

    let report = pair.run_once().await.unwrap();
    assert!(!report.in_sync());
    assert_eq!(
        (report.held[0].side, report.held[0].count),
        (Side::Remote, 20)
    );
    assert_eq!(report.changed.remote.copied, 1, "all else goes on");
    assert_eq!(world.tree(Side::Remote).len(), 31);

    let limit = Some(Duration::from_mins(1));
    pair.run(|status| !status.held.is_empty(), limit)
        .await
        .unwrap();
    pair.release(pair.status().held[0].id).unwrap();
    pair.run(|status| status.at_rest && status.held.is_empty(), limit)
        .await
        .unwrap();
    assert_eq!(world.both().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn forgetting_makes_the_next_run_a_first_meeting_that_deletes_nothing() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    world.write(Side::Local, "b", "two");
    let pair = world.pair().await;
    pair.run_once().await.unwrap();
    pair.forget().await.unwrap();
    world.user(Side::Local).delete("a").unwrap();

    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync() && report.first_meeting, "{report:?}");
    assert_eq!(world.both(), ["a=one", "b=two"]);
}

#[tokio::test(start_paused = true)]
async fn stopping_a_single_run_ends_it_in_order() {
    let world = World::new();
    world
        .remote
        .configure(|config| config.latency = Duration::from_secs(1));
    for index in 0..50 {
        world.write(Side::Local, &format!("f{index}"), "x");
    }
    let pair = world.pair().await;
    let stopping = async {
        sleep(Duration::from_secs(8)).await;
        pair.signal_stop(cloudsync::Stop::ForNow);
    };
    let (report, ()) = futures::join!(pair.run_once(), stopping);
    let report = report.unwrap();
    assert!(report.interrupted && !report.in_sync());
    assert_eq!(report.changed.remote.copied, world.tree(Side::Remote).len());
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(world.both().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn one_thing_at_a_time_drives_a_pair() {
    let world = World::new();
    world
        .remote
        .configure(|config| config.latency = Duration::from_secs(1));
    let pair = world.pair().await;
    let (first, second) = futures::join!(pair.run_once(), pair.run_once());
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test(start_paused = true)]
async fn locations_in_memory_are_shared_by_name() {
    let pair = CloudSync::builder("memory:once-a", "memory:once-b")
        .build()
        .await
        .unwrap();
    cloudsync::memory("once-a").user().write("x", "1").unwrap();
    assert!(pair.run_once().await.unwrap().in_sync());
    assert!(cloudsync::memory("once-b").user().exists("x"));
}

/// Writes files on both sides, runs once, and returns the order in which the remote ones were made.
async fn order_of_writes(seed: Option<u64>) -> Vec<String> {
    let world = World::new();
    for number in 0..20 {
        world.write(Side::Local, &format!("l{number}"), "one");
        world.write(Side::Remote, &format!("folder/r{number}"), "two");
    }
    let client = world.remote.client();
    let builder = world.builder_with(world.local.client(), client.clone());
    let builder = match seed {
        Some(seed) => builder.seed(seed),
        None => builder,
    };
    let pair = builder.build().await.unwrap();
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(world.both().len(), 41);
    let log = client.log();
    let writes = log.operations().map(|called| called.path.clone());
    writes.collect()
}

#[tokio::test(start_paused = true)]
async fn the_order_of_turns_comes_from_the_seed() {
    let usual = order_of_writes(None).await;
    assert_eq!(usual.len(), 20);
    assert_eq!(order_of_writes(None).await, usual);
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..10 {
        let order = order_of_writes(Some(seed)).await;
        assert_eq!(order_of_writes(Some(seed)).await, order, "seed {seed}");
        orders.insert(order);
    }
    assert_eq!(orders.len(), 10, "each seed makes another order");
}
