//! Aging, priority, counting, starting and stopping, hearing: S119 to S128.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloudsync::provider::mock::Call;
use cloudsync::{
    Builder, BySide, CloudSync, Decision, EngineNotice, ErrorKind, Hooks, Notice, Side, Stop,
    Version,
};
use cloudsync_tests::{Drive, Pair, Setup, Way, in_ways, with_ways};
use tokio::time::{Instant, sleep};

/// S119. Time instead of turns.
#[tokio::test(start_paused = true)]
async fn s119_a_change_rests_before_it_is_acted_on() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let mut pair = Setup::new(way)
            .build(|builder| builder.aging(Duration::from_secs(10)))
            .pair()
            .await;
        pair.settle().await;
        assert_eq!(pair.sync.aging(), Duration::from_secs(10));
        pair.a().write("file", "one");
        pair.run_for(Duration::from_secs(8)).await;
        assert!(!pair.b().exists("file"));
        // Written again, it rests anew.
        pair.a().write("file", "two");
        pair.run_for(Duration::from_secs(8)).await;
        assert!(!pair.b().exists("file"));
        pair.run_for(Duration::from_secs(4)).await;
        assert_eq!(pair.b().read("file").as_deref(), Some("two"));

        pair.sync.set_aging(Duration::ZERO);
        pair.a().write("at-once", "x");
        pair.run_for(Duration::from_millis(200)).await;
        assert!(pair.b().exists("at-once"));
    })
    .await;
}

/// S121. The number counts what is not settled, deletions too; what is not translated is none of it.
#[tokio::test(start_paused = true)]
async fn s121_the_count_of_changes_is_a_number() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let mut pair = Setup::new(way)
            .build(|builder| {
                let builder = builder.aging(Duration::from_mins(1));
                builder.translate("no-no", |_, path| {
                    (!path.starts_with("no")).then(|| path.to_owned())
                })
            })
            .pair()
            .await;
        pair.a().write("old", "o");
        pair.settle().await;
        assert_eq!(pair.sync.change_count(), 0);
        assert!(!pair.sync.busy());
        pair.a().write("new", "n");
        pair.a().write("not", "n");
        pair.run_for(Duration::from_secs(5)).await;
        let news = |pair: &Pair| BySide::from_fn(|side| pair.sync.change_count_on(side));
        assert_eq!(
            news(&pair),
            BySide::new(1, 0),
            "what is not translated is no news"
        );
        let new = pair.sync.change_count();
        assert!(
            (1..=2).contains(&new),
            "what rests may turn out to be none: {new}"
        );
        pair.a().delete("old");
        pair.run_for(Duration::from_secs(5)).await;
        assert_eq!(pair.sync.change_count(), new + 1);
        assert_eq!(news(&pair), BySide::new(1, 0), "a deletion is not counted");
        assert!(pair.sync.busy());
        pair.settle().await;
        assert_eq!(pair.sync.change_count(), 0);
        assert_eq!(news(&pair), BySide::new(0, 0));
        assert!(!pair.sync.busy());
    })
    .await;
}

/// S122.
#[tokio::test(start_paused = true)]
async fn s122_many_are_stopped_together() {
    let mut pairs = Vec::new();
    for _ in 0..4 {
        let pair = Pair::new(Way::PLAIN).await;
        pair.a().write("file", "hello");
        pair.run_for(Duration::from_millis(1)).await;
        pairs.push(pair);
    }
    sleep(Duration::from_secs(5)).await;
    pairs[0].sync.signal_stop(Stop::ForNow);
    assert!(pairs[0].sync.stopped());
    CloudSync::stop_all(pairs.iter().map(|pair| &pair.sync), Stop::Forever).await;
    for pair in &pairs {
        assert!(!pair.sync.started());
        pair.sync.wait(Some(Duration::from_secs(1))).await.unwrap();
        pair.assert_both(&[("file", "hello")]);
    }
}

/// S123. The same of the runner alone is tested in the facade.
#[tokio::test(start_paused = true)]
async fn s123_starting_waiting_and_stopping() {
    let mut pair = Pair::new(Way::PLAIN).await;
    let sync = &pair.sync;
    let second = Some(Duration::from_secs(1));
    let error = sync.run(|_| false, second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "the time was over");
    sync.run(|status| status.complete, second).await.unwrap();

    sync.start().unwrap();
    assert_eq!(sync.start().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(
        sync.run_once().await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(
        sync.wait(second).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    sync.stop(Stop::ForNow).await;
    assert!(!sync.started());
    sync.wait(second).await.unwrap();

    pair.a().write("file", "hello");
    pair.settle().await;
    pair.assert_both(&[("file", "hello")]);
    pair.sync.stop(Stop::Forever).await;
    assert_eq!(pair.sync.start().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(
        pair.sync.run_once().await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[derive(Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Hooks for Listener {
    async fn handle_notification(&self, notice: &Notice) {
        // Slow, as a window that is drawn anew.
        sleep(Duration::from_millis(100)).await;
        self.0.lock().unwrap().push(notice.to_string());
    }
}

/// S124. One after another, in order, and nothing waits for the listener.
#[tokio::test(start_paused = true)]
async fn s124_notices_are_heard_one_after_another() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = Listener(heard.clone());
    let mut pair = Setup::new(Way::PLAIN)
        .build(|builder: Builder| builder.hooks(listener))
        .pair()
        .await;
    for index in 0..20 {
        pair.a().write(&format!("f{index}"), "x");
    }
    pair.settle().await;
    sleep(Duration::from_secs(10)).await;
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0], "started");
    let copies = heard.iter().filter(|line| line.starts_with("copy")).count();
    assert_eq!(copies, 20);
    let told: Vec<String> = pair.notices().iter().map(ToString::to_string).collect();
    let engine: Vec<&String> = heard.iter().filter(|line| told.contains(line)).collect();
    assert_eq!(engine, told.iter().collect::<Vec<_>>(), "in order");
}

/// S127. A version is read when it is asked for, as often as one likes, and a failing read is an
/// error that decides nothing. There are no temporary files.
#[tokio::test(start_paused = true)]
async fn s127_versions_of_a_conflict_are_read_lazily() {
    for reads in [false, true] {
        with_ways(Way::driven(Drive::Live), async |way| {
            let mut pair = Setup::new(way)
                .build(move |builder| {
                    builder.resolve_conflict(move |local: Version, remote: Version| async move {
                        if reads {
                            assert_eq!(&local.read().await?[..], b"hello, A");
                            assert_eq!(&local.read().await?[..], b"hello, A");
                            assert_eq!(remote.size(), 10);
                            assert_eq!(&remote.read().await?[..], b"goodbye, B");
                        }
                        Ok(Some(Decision::Hold))
                    })
                })
                .pair()
                .await;
            // The edit is longer than what was agreed: no hash is needed to see it.
            pair.a().write("file", "base");
            pair.settle().await;
            if reads {
                // The first read fails: asked again.
                let faults = pair.clients.local.faults();
                faults.fail_next(Call::Read, ErrorKind::Unavailable);
            }
            pair.a().write("file", "hello, A");
            pair.b().write("file", "goodbye, B");
            pair.rest().await;
            assert_eq!(pair.sync.status().conflicts, ["file"]);
            pair.assert_side(Side::Local, &[("file", "hello, A")]);
            pair.assert_side(Side::Remote, &[("file", "goodbye, B")]);
            for side in Side::BOTH {
                let written = pair.take_log(side).count(Call::Write);
                assert_eq!(written, usize::from(side == Side::Remote), "only the base");
            }
        })
        .await;
    }
}

/// S128. The feed is a long poll: an event is acted on at once, an empty answer asks for nothing else,
/// and failures back off.
#[tokio::test(start_paused = true)]
async fn s128_a_long_poll_tells_at_once_and_costs_nothing_else() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.settle().await;
        pair.a().write("file", "hello");
        let begun = Instant::now();
        while !pair.b().exists("file") {
            pair.run_for(Duration::from_millis(10)).await;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        pair.settle().await;

        for side in Side::BOTH {
            pair.take_log(side);
        }
        pair.run_for(Duration::from_mins(10)).await;
        for side in Side::BOTH {
            let log = pair.take_log(side);
            let polls = log.count(Call::Events);
            assert!(
                (15..=25).contains(&polls),
                "{polls} polls of 30 s in ten minutes"
            );
            assert_eq!(log.calls().len(), polls, "and nothing else");
        }

        let faults = pair.clients.remote.faults();
        faults.fail_always(Call::Events, None, ErrorKind::Unavailable);
        pair.run_for(Duration::from_mins(10)).await;
        let polls = pair.take_log(Side::Remote).count(Call::Events);
        assert!(
            (5..7_000).contains(&polls),
            "{polls} failing polls in ten minutes"
        );
        faults.clear();
        pair.b().write("later", "x");
        pair.settle().await;
        pair.assert_both(&[("file", "hello"), ("later", "x")]);
    })
    .await;
}

/// Beside S124: what was heard is what was done.
#[tokio::test(start_paused = true)]
async fn s124_each_operation_is_told_once() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().write("file", "hello");
        pair.settle().await;
        pair.a().rename("file", "renamed");
        pair.settle().await;
        let done: Vec<String> = pair
            .notices()
            .iter()
            .filter(|notice| matches!(notice, EngineNotice::Done { .. }))
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            done,
            ["copy file (remote)", "rename file to renamed (remote)"]
        );
    })
    .await;
}

/// S123: waking cuts a long wait short.
#[tokio::test(start_paused = true)]
async fn s123_waking_tries_again_at_once() {
    let mut pair = Pair::new(Way::PLAIN).await;
    pair.settle().await;
    let faults = pair.clients.remote.faults();
    faults.fail_always(Call::Write, None, ErrorKind::Unavailable);
    pair.a().write("file", "hello");
    pair.run_for(Duration::from_mins(30)).await;
    faults.clear();
    let retry_in = pair.sync.status().troubles[0].retry_in.unwrap();
    assert!(retry_in > Duration::from_secs(2), "{retry_in:?}");
    pair.sync.wake();
    pair.run_for(Duration::from_secs(1)).await;
    pair.assert_both(&[("file", "hello")]);
}

/// S120.
#[tokio::test(start_paused = true)]
async fn s120_what_is_urgent_does_not_rest() {
    for side in Side::BOTH {
        with_ways(Way::driven(Drive::Live), async |way| {
            let mut pair = Setup::new(way)
                .build(|builder| {
                    let builder = builder.aging(Duration::from_secs(40));
                    builder.prioritize(|_, path| -i32::from(path == "urgent"))
                })
                .pair()
                .await;
            pair.settle().await;
            pair.user(side).write("usual", "u");
            pair.user(side).write("urgent", "now");
            pair.run_for(Duration::from_secs(1)).await;
            let other = pair.user(side.other());
            assert_eq!(other.read("urgent").as_deref(), Some("now"));
            assert!(!other.exists("usual"));
            pair.settle().await;
            pair.assert_both(&[("urgent", "now"), ("usual", "u")]);
        })
        .await;
    }
}
