//! Pairs that keep running: start, stop, wait, wake, turn by turn.

use std::time::Duration;

use cloudsync::{CloudSync, Depth, ErrorKind, Notice, Side, Status, Stop};
use futures::StreamExt;
use tokio::time::{sleep, timeout};

use crate::world::World;

const MINUTE: Option<Duration> = Some(Duration::from_mins(1));

/// Waits until a running pair has nothing to do.
async fn at_rest(pair: &CloudSync) -> Status {
    let rest = async {
        loop {
            sleep(Duration::from_millis(20)).await;
            let status = pair.status();
            if status.complete && status.at_rest {
                return status;
            }
        }
    };
    timeout(Duration::from_mins(2), rest)
        .await
        .expect("it comes to rest")
}

#[tokio::test(start_paused = true)]
async fn it_runs_until_it_is_stopped_and_starts_again() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let pair = world.pair().await;
    assert!(!pair.started());
    pair.start().unwrap();
    assert!(pair.started() && !pair.stopped());
    assert_eq!(pair.start().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(
        pair.run_once().await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    at_rest(&pair).await;
    world.write(Side::Remote, "b", "two");
    at_rest(&pair).await;
    assert_eq!(world.both(), ["a=one", "b=two"]);
    assert!(!pair.busy());

    let waited = pair.wait(Some(Duration::from_secs(1))).await;
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::Unavailable);
    pair.stop(Stop::ForNow).await;
    assert!(!pair.started() && pair.stopped());
    pair.wait(None).await.unwrap();
    world.write(Side::Local, "a", "while it was stopped");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.tree(Side::Remote)["a"], "one");

    pair.start().unwrap();
    at_rest(&pair).await;
    assert_eq!(world.both(), ["a=while it was stopped", "b=two"]);
    pair.stop(Stop::Forever).await;
    assert_eq!(pair.start().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(
        pair.run_once().await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_run_for_a_time_began_goes_on_with_the_next() {
    let world = World::new();
    let pair = world.pair().await;
    let mut notices = pair.notices();
    for content in ["one", "two"] {
        world.write(Side::Local, "a", content);
        let run = pair.run(|_| false, Some(Duration::from_secs(5))).await;
        assert_eq!(run.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(world.both(), [format!("a={content}")]);
    }
    pair.stop(Stop::Forever).await;
    drop(pair);
    let mut begun = 0;
    while let Some(notice) = notices.next().await {
        begun += usize::from(matches!(notice, Notice::Started));
    }
    assert_eq!(begun, 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_last_run_saw_is_not_seen_by_the_next_one_before_it_looked() {
    let world = World::new();
    let pair = world.pair().await;
    pair.run_once().await.unwrap();
    assert!(pair.status().complete);
    world
        .local
        .configure(|config| config.latency = Duration::from_secs(2));
    pair.start().unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(!pair.status().complete, "it has yet to meet its sides");
    assert!(at_rest(&pair).await.complete);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_ends_everything() {
    let world = World::new();
    let pair = world.pair().await;
    let mut notices = pair.notices();
    pair.start().unwrap();
    at_rest(&pair).await;
    drop(pair);
    let heard = timeout(Duration::from_secs(10), async {
        let mut all = Vec::new();
        while let Some(notice) = notices.next().await {
            all.push(notice);
        }
        all
    });
    let heard = heard.await.expect("the notices end");
    assert!(matches!(heard.last(), Some(Notice::Stopped)), "{heard:?}");
    world.write(Side::Local, "late", "x");
    sleep(Duration::from_mins(1)).await;
    assert!(world.tree(Side::Remote).is_empty());
}

#[tokio::test(start_paused = true)]
async fn many_are_stopped_together() {
    let (one, two) = (World::new(), World::new());
    let pairs = [one.pair().await, two.pair().await];
    for pair in &pairs {
        pair.start().unwrap();
    }
    CloudSync::stop_all(&pairs, Stop::ForNow).await;
    assert!(pairs.iter().all(|pair| !pair.started()));
}

#[tokio::test(start_paused = true)]
async fn turns_can_be_taken_one_by_one() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let pair = world.pair().await;
    for _ in 0..100 {
        pair.do_once().await.unwrap();
    }
    assert_eq!(world.both(), ["a=one"]);
    assert!(!pair.busy());

    world.write(Side::Remote, "b", "two");
    pair.run(|status| status.at_rest && status.objects.local == 2, MINUTE)
        .await
        .unwrap();
    assert_eq!(world.both(), ["a=one", "b=two"]);
    let over = pair
        .run(|_| false, Some(Duration::from_secs(3)))
        .await
        .unwrap_err();
    assert_eq!(over.kind(), ErrorKind::Unavailable);

    pair.stop(Stop::ForNow).await;
    assert!(pair.run_once().await.unwrap().in_sync());
}

#[tokio::test(start_paused = true)]
async fn notices_tell_what_is_done() {
    let world = World::new();
    world.write(Side::Local, "a/b", "one");
    let pair = world.pair().await;
    let notices = pair.notices();
    pair.run_once().await.unwrap();
    drop(pair);
    let lines: Vec<_> = notices.map(|notice| notice.to_string()).collect().await;
    for line in [
        "started",
        "create_folder a (remote)",
        "copy a/b (remote)",
        "stopped",
    ] {
        assert!(
            lines.iter().any(|told| told == line),
            "{line} is in {lines:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_tells_nobody_anything() {
    let world = World::new();
    world.write(Side::Local, "a", "one");
    let pair = world.pair().await;
    let notices = pair.notices();
    pair.plan().await.unwrap();
    drop(pair);
    assert_eq!(notices.count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_rests_before_it_is_acted_on() {
    let world = World::new();
    let pair = world
        .builder()
        .aging(Duration::from_secs(30))
        .build()
        .await
        .unwrap();
    assert_eq!(pair.aging(), Duration::from_secs(30));
    pair.start().unwrap();
    at_rest(&pair).await;
    world.write(Side::Local, "a", "one");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(pair.change_count(), 1);
    assert!(pair.busy());
    assert!(world.tree(Side::Remote).is_empty());
    sleep(Duration::from_secs(20)).await;
    assert_eq!(world.both(), ["a=one"]);

    pair.set_aging(Duration::ZERO);
    assert_eq!(pair.aging(), Duration::ZERO);
    world.write(Side::Local, "b", "two");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.both(), ["a=one", "b=two"]);
}

#[tokio::test(start_paused = true)]
async fn by_default_a_change_rests_for_a_fifth_of_the_longer_sleep() {
    let world = World::new();
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(10));
    let pair = world.builder().sleep(short, long).build().await.unwrap();
    assert_eq!(pair.aging(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn what_no_event_told_is_found_by_a_walk() {
    let world = World::new();
    let pair = world.pair().await;
    pair.start().unwrap();
    at_rest(&pair).await;
    world
        .remote
        .configure(|config| config.events.loss_per_mille = 1_000);
    world.write(Side::Remote, "a", "one");
    world.write(Side::Remote, "folder/b", "two");
    sleep(Duration::from_secs(100)).await;
    assert!(world.tree(Side::Local).is_empty());

    let both = pair.walk(None, Some("folder"), Depth::All).await;
    assert_eq!(both.unwrap_err().kind(), ErrorKind::Invalid);
    pair.walk(Some(Side::Remote), None, Depth::Folder)
        .await
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(world.tree(Side::Local).contains_key("a"));
    pair.walk(None, None, Depth::All).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.both(), ["a=one", "folder=/", "folder/b=two"]);

    world.write(Side::Remote, "c", "three");
    pair.set_need_walk(Side::Remote, true);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.both().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_was_asked_for_before_the_start_is_made_at_the_start() {
    let world = World::new();
    let pair = world.pair().await;
    pair.run_once().await.unwrap();
    world
        .remote
        .configure(|config| config.events.loss_per_mille = 1_000);
    world.write(Side::Remote, "a", "one");
    assert!(pair.run_once().await.unwrap().changed_nothing());
    pair.set_need_walk(Side::Remote, true);
    pair.set_need_walk(Side::Remote, false);
    assert!(pair.run_once().await.unwrap().changed_nothing());
    pair.set_need_walk(Side::Remote, true);
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(world.both(), ["a=one"]);
}
