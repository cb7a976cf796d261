//! The rules of a service (S122, S123), in virtual time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicU32, Ordering};

use cloudsync_core::failure::{ErrorKind, Retry};
use tokio::time::Instant;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What the service does in a turn; when there is no more, it works.
#[derive(Clone, Copy)]
enum Act {
    Fail,
    FailFor(Duration),
    Panic,
    /// Works so long, and cannot be cut short.
    Busy(Duration),
    /// Sleeps so long, but can be cut short.
    Sleep(Duration),
    /// Goes on until it is to stop.
    Serve,
    End(Turn),
}

/// What is seen from outside.
struct Seen {
    begin: Instant,
    turns: AtomicU32,
    done: AtomicU32,
    at: StdMutex<Vec<Duration>>,
    failures: StdMutex<Vec<String>>,
}

impl Seen {
    fn turns(&self) -> u32 {
        self.turns.load(Ordering::SeqCst)
    }

    fn done(&self) -> u32 {
        self.done.load(Ordering::SeqCst)
    }

    /// When the turns began, in milliseconds.
    fn at(&self) -> Vec<u128> {
        let at = self.at.lock().expect("nobody panics with it");
        at.iter().map(Duration::as_millis).collect()
    }

    fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

struct Service {
    seen: Arc<Seen>,
    acts: VecDeque<Act>,
}

#[async_trait]
impl Runnable for Service {
    async fn turn(&mut self, pulse: &Pulse) -> Result<Turn, Failure> {
        self.seen.turns.fetch_add(1, Ordering::SeqCst);
        self.seen
            .at
            .lock()
            .expect("nobody panics with it")
            .push(self.seen.elapsed());
        let failure = Failure::new(ErrorKind::RateLimited, "act");
        match self.acts.pop_front().unwrap_or(Act::End(Turn::Worked)) {
            Act::Fail => return Err(failure),
            Act::FailFor(time) => return Err(failure.with_retry(Retry::After(Some(time)))),
            Act::Panic => panic!("at the disco"),
            Act::Busy(time) => tokio::time::sleep(time).await,
            Act::Sleep(time) => pulse.interruptable_sleep(time).await,
            Act::Serve => pulse.stopping().await,
            Act::End(turn) => return Ok(turn),
        }
        Ok(Turn::Worked)
    }

    async fn done(&mut self) {
        tokio::time::sleep(ms(1)).await;
        self.seen.done.fetch_add(1, Ordering::SeqCst);
    }

    fn failed(&mut self, failure: &Failure) {
        self.seen
            .failures
            .lock()
            .expect("nobody panics with it")
            .push(failure.to_string());
    }
}

fn service(acts: impl IntoIterator<Item = Act>) -> (Runner, Arc<Seen>) {
    let seen = Arc::new(Seen {
        begin: Instant::now(),
        turns: AtomicU32::new(0),
        done: AtomicU32::new(0),
        at: StdMutex::default(),
        failures: StdMutex::default(),
    });
    let acts = acts.into_iter().collect();
    let runner = Runner::new(Service {
        seen: Arc::clone(&seen),
        acts,
    });
    (runner, seen)
}

fn every(sleep: Duration) -> RunOptions {
    RunOptions::default().sleep(sleep)
}

fn turns(n: u32, seen: &Arc<Seen>) -> RunOptions {
    let seen = Arc::clone(seen);
    RunOptions::default().until(move || seen.turns() == n)
}

#[tokio::test(start_paused = true)]
async fn s123_a_timeout_is_an_error_of_run() {
    let (runner, seen) = service([]);
    let ended = runner.run(every(ms(10)).timeout(ms(25))).await;
    assert_eq!(ended, Err(RunError::TimedOut));
    assert_eq!(seen.at(), [0, 10, 20]);
    assert_eq!(seen.elapsed(), ms(25), "the last sleep is cut short");
    assert!(!runner.started() && !runner.stopped());
    assert_eq!(seen.done(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_cuts_no_turn_short() {
    let (runner, seen) = service([Act::Busy(secs(9))]);
    assert_eq!(
        runner.run(every(ms(1)).timeout(secs(1))).await,
        Err(RunError::TimedOut)
    );
    assert_eq!((seen.turns(), seen.elapsed()), (1, secs(9)));
    // No time at all is one turn; a time without end is none.
    assert_eq!(
        runner.run(every(ms(1)).timeout(Duration::ZERO)).await,
        Err(RunError::TimedOut)
    );
    assert_eq!(seen.turns(), 2);
    assert_eq!(
        runner.run(turns(4, &seen).timeout(Duration::MAX)).await,
        Ok(())
    );
}

#[tokio::test(start_paused = true)]
async fn s123_until_ends_the_run_after_a_turn() {
    let (runner, seen) = service([]);
    assert_eq!(runner.run(turns(3, &seen)).await, Ok(()));
    assert_eq!(seen.at(), [0, 1, 2]);
    assert!(!runner.stopped(), "nobody stopped it");
}

#[tokio::test(start_paused = true)]
async fn s123_it_starts_again_after_a_soft_stop() {
    let (runner, seen) = service([]);
    runner.start(every(secs(10))).expect("first start");
    assert!(runner.started());
    tokio::time::sleep(secs(15)).await;
    assert_eq!(seen.at(), [0, 10_000]);

    runner.stop(Stop::ForNow).await;
    assert!(runner.stopped() && !runner.started());
    assert_eq!(seen.elapsed(), secs(15), "the sleep was cut short");
    assert_eq!(seen.done(), 0);

    runner.start(turns(3, &seen)).expect("second start");
    assert!(!runner.stopped());
    assert_eq!(runner.wait(Some(secs(2))).await, Ok(()));
    assert_eq!(seen.turns(), 3);
}

#[tokio::test(start_paused = true)]
async fn s123_no_second_start_and_none_after_the_end() {
    let (runner, seen) = service([]);
    runner.start(every(secs(1))).expect("first start");
    assert_eq!(runner.start(every(secs(1))), Err(RunError::AlreadyRunning));
    assert_eq!(
        runner.run(every(secs(1))).await,
        Err(RunError::AlreadyRunning)
    );
    runner.stop(Stop::Forever).await;
    runner.signal_stop(Stop::ForNow);
    assert_eq!(runner.start(every(secs(1))), Err(RunError::StoppedForGood));
    assert_eq!(
        runner.run(every(secs(1))).await,
        Err(RunError::StoppedForGood)
    );
    assert_eq!(seen.done(), 1);
}

#[tokio::test(start_paused = true)]
async fn s123_a_wake_ends_a_sleep() {
    let (runner, seen) = service([]);
    runner.wake();
    runner.start(every(secs(10))).expect("start");
    tokio::time::sleep(secs(1)).await;
    assert_eq!(seen.at(), [0], "a wake before the start is nothing");
    runner.wake();
    runner.wake();
    tokio::time::sleep(secs(1)).await;
    assert_eq!(seen.at(), [0, 1000], "two wakes in one sleep are one");
}

#[tokio::test(start_paused = true)]
async fn a_wake_in_a_turn_is_kept_for_the_next_sleep() {
    let (runner, seen) = service([Act::Busy(secs(2))]);
    runner.start(every(secs(10))).expect("start");
    tokio::time::sleep(secs(1)).await;
    runner.wake();
    tokio::time::sleep(secs(3)).await;
    assert_eq!(seen.at(), [0, 2000]);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_in_a_turn_ends_with_a_wake_or_a_stop() {
    let (runner, seen) = service([Act::Sleep(secs(10)), Act::Sleep(secs(10))]);
    runner.start(every(ms(1))).expect("start");
    tokio::time::sleep(secs(1)).await;
    runner.wake();
    tokio::time::sleep(secs(1)).await;
    assert_eq!(seen.at(), [0, 1001]);
    runner.stop(Stop::ForNow).await;
    assert_eq!((seen.turns(), seen.elapsed()), (2, secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_turn_can_go_on_until_the_stop() {
    let (runner, seen) = service([Act::Serve]);
    runner.start(every(ms(1))).expect("start");
    tokio::time::sleep(secs(1)).await;
    runner.wake();
    assert_eq!(runner.wait(Some(secs(9))).await, Err(RunError::TimedOut));
    runner.stop(Stop::ForNow).await;
    assert_eq!((seen.turns(), seen.elapsed()), (1, secs(10)));
}

#[tokio::test(start_paused = true)]
async fn s123_a_wait_shorter_than_the_turn_times_out() {
    let (runner, seen) = service([Act::Busy(secs(10))]);
    assert_eq!(runner.wait(None).await, Ok(()), "nothing to wait for");
    runner.start(turns(1, &seen)).expect("start");
    assert_eq!(runner.wait(Some(secs(9))).await, Err(RunError::TimedOut));
    assert!(runner.started());
    assert_eq!(runner.wait(Some(secs(2))).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_no_turn_short_and_cleans_up_once() {
    let (runner, seen) = service([Act::Busy(secs(10))]);
    runner.start(every(ms(1))).expect("start");
    tokio::time::sleep(secs(1)).await;
    runner.signal_stop(Stop::ForNow);
    runner.signal_stop(Stop::Forever);
    assert!(runner.started() && runner.stopped());
    runner.stop(Stop::Forever).await;
    assert_eq!((seen.turns(), seen.done()), (1, 1));
    assert_eq!(seen.elapsed(), secs(10) + ms(1));
    runner.stop(Stop::Forever).await;
    drop(runner);
    tokio::time::sleep(secs(1)).await;
    assert_eq!(seen.done(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_right_after_the_start_takes_no_turn() {
    let (runner, seen) = service([]);
    runner.start(every(ms(1))).expect("start");
    runner.stop(Stop::ForNow).await;
    assert_eq!((seen.turns(), seen.done()), (0, 0));
    runner.start(every(ms(1))).expect("start");
    runner.stop(Stop::Forever).await;
    assert_eq!((seen.turns(), seen.done()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_never_ran_cleans_up_too() {
    let (runner, seen) = service([]);
    runner.stop(Stop::ForNow).await;
    assert_eq!(seen.done(), 0);
    runner.stop(Stop::Forever).await;
    assert_eq!(seen.done(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_runner_stops_it() {
    let (runner, seen) = service([]);
    runner.start(every(secs(1))).expect("start");
    tokio::time::sleep(ms(500)).await;
    drop(runner);
    tokio::time::sleep(secs(10)).await;
    assert_eq!((seen.turns(), seen.done()), (1, 1));
}

#[test]
fn dropping_a_runner_without_a_runtime_is_fine() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (runner, seen) = runtime.block_on(async { service([]) });
    drop(runtime);
    drop(runner);
    assert_eq!(seen.done(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_run_lets_it_start_again() {
    let (runner, seen) = service([Act::Busy(secs(10))]);
    let cut = tokio::time::timeout(secs(1), runner.run(RunOptions::default())).await;
    assert!(cut.is_err() && !runner.started());
    assert_eq!(runner.run(turns(2, &seen)).await, Ok(()));
    assert_eq!(seen.at(), [0, 1000]);
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_and_work_ends_it() {
    let (runner, seen) = service([
        Act::Fail,
        Act::End(Turn::Backoff),
        Act::Panic,
        Act::End(Turn::NothingHappened),
        Act::Fail,
        Act::End(Turn::Worked),
        Act::End(Turn::NothingHappened),
        Act::Fail,
    ]);
    assert_eq!(runner.run(turns(9, &seen)).await, Ok(()));
    let between: Vec<_> = seen.at().windows(2).map(|at| at[1] - at[0]).collect();
    assert_eq!(between, [10, 20, 40, 40, 80, 1, 1, 10]);
    assert_eq!(runner.in_backoff(), Duration::ZERO);
    let failures = seen.failures.lock().expect("nobody panics with it").clone();
    assert_eq!(
        failures,
        [
            "act: too many requests",
            "turn: unexpected failure (panic: at the disco)",
            "act: too many requests",
            "act: too many requests",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_backoff_is_seen_and_has_a_limit() {
    let (runner, seen) = service([Act::Fail; 20]);
    assert_eq!(runner.run(turns(3, &seen)).await, Ok(()));
    assert_eq!(runner.in_backoff(), ms(40));
    assert_eq!(runner.run(turns(20, &seen)).await, Ok(()));
    assert_eq!(runner.in_backoff(), secs(1), "a restart is no success");
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_ask_for_more_time_but_not_for_less() {
    let (runner, seen) = service([Act::FailFor(secs(30)), Act::FailFor(ms(1))]);
    assert_eq!(runner.run(turns(3, &seen)).await, Ok(()));
    assert_eq!(seen.at(), [0, 30_000, 30_020]);
}

#[tokio::test(start_paused = true)]
async fn s122_many_are_asked_to_stop_before_any_is_waited_for() {
    let services: Vec<_> = (0..4).map(|_| service([Act::Busy(secs(1))])).collect();
    for (runner, _) in &services {
        runner.start(every(ms(1))).expect("start");
    }
    tokio::time::sleep(ms(500)).await;
    let begin = Instant::now();
    Runner::stop_all(services.iter().map(|(runner, _)| runner), Stop::Forever).await;
    assert_eq!(begin.elapsed(), ms(501));
    for (runner, seen) in &services {
        assert!(runner.stopped() && !runner.started());
        assert_eq!((seen.turns(), seen.done()), (1, 1));
        assert_eq!(runner.wait(Some(ms(1))).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_cleaning_up_is_a_failure() {
    struct Messy(Arc<StdMutex<Vec<String>>>);

    #[async_trait]
    impl Runnable for Messy {
        async fn turn(&mut self, _: &Pulse) -> Result<Turn, Failure> {
            Ok(Turn::NothingHappened)
        }

        async fn done(&mut self) {
            panic!("{} left", "much");
        }

        fn failed(&mut self, failure: &Failure) {
            self.0
                .lock()
                .expect("nobody panics with it")
                .push(failure.to_string());
        }
    }

    let failures = Arc::new(StdMutex::default());
    let runner = Runner::new(Messy(Arc::clone(&failures)));
    runner.start(every(secs(1))).expect("start");
    runner.stop(Stop::Forever).await;
    assert!(!runner.started());
    let failures = failures.lock().expect("nobody panics with it").clone();
    assert_eq!(failures, ["done: unexpected failure (panic: much left)"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_named_after_its_type() {
    let (_, seen) = service([]);
    let service = Service {
        seen,
        acts: VecDeque::new(),
    };
    assert_eq!(service.service_name(), "Service");
}

/// Stops and starts from many threads at once: each start is matched by an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn starts_and_stops_may_race() {
    let (runner, seen) = service([]);
    let runner = Arc::new(runner);
    let racing: Vec<_> = (0..8)
        .map(|n| {
            let runner = Arc::clone(&runner);
            tokio::spawn(async move {
                for _ in 0..200 {
                    if n % 2 == 0 {
                        let _ = runner.start(RunOptions::default());
                    } else {
                        runner.stop(Stop::ForNow).await;
                    }
                    runner.wake();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in racing {
        task.await.expect("no panic");
    }
    runner.stop(Stop::Forever).await;
    assert!(!runner.started());
    assert_eq!(seen.done(), 1);
}
