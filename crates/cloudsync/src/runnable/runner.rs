//! The handle of a service, and its loop.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cloudsync_core::failure::{ErrorKind, Failure, Retry};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::pulse::{Pulse, Running};
use super::{RunError, RunOptions, Runnable, Stop, Turn};

/// Runs a [`Runnable`]. Dropping it stops the service for good, without waiting for its last turn.
pub struct Runner(Arc<Core>);

struct Core {
    pulse: Arc<Pulse>,
    service: Mutex<Box<dyn Runnable>>,
}

impl Runner {
    /// Makes a runner; nothing runs yet.
    pub fn new(service: impl Runnable) -> Self {
        Self(Arc::new(Core {
            pulse: Arc::default(),
            service: Mutex::new(Box::new(service)),
        }))
    }

    /// Runs the service in a task of its own. A time-out just ends it.
    ///
    /// # Errors
    /// [`RunError::AlreadyRunning`], [`RunError::StoppedForGood`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(&self, options: RunOptions) -> Result<(), RunError> {
        let running = self.0.pulse.begin()?;
        let core = Arc::clone(&self.0);
        tokio::spawn(async move { core.run(running, options).await });
        Ok(())
    }

    /// Runs the service in the caller's task, until it is stopped or `options` end it.
    ///
    /// # Errors
    /// [`RunError::AlreadyRunning`], [`RunError::StoppedForGood`]; [`RunError::TimedOut`] if the
    /// time-out ended it.
    ///
    /// # Cancel safety
    /// Dropping the future drops the turn where it stands; the service can be started again.
    pub async fn run(&self, options: RunOptions) -> Result<(), RunError> {
        let running = self.0.pulse.begin()?;
        self.0.run(running, options).await
    }

    /// Asks the service to stop, and returns at once. The turn that goes on is not cut short, but its
    /// [`Pulse::interruptable_sleep`] is. A service that does not run cleans up in a task of its own.
    pub fn signal_stop(&self, how: Stop) {
        self.stop_run(how);
    }

    /// Asks the service to stop and waits until it has. Never call it in a turn of this service.
    pub async fn stop(&self, how: Stop) {
        let run = self.stop_run(how);
        self.0.pulse.ended(run).await;
    }

    /// Stops many: all are asked first, then waited for.
    pub async fn stop_all<'a>(runners: impl IntoIterator<Item = &'a Runner>, how: Stop) {
        let stopping = runners
            .into_iter()
            .map(|runner| (runner, runner.stop_run(how)));
        for (runner, run) in stopping.collect::<Vec<_>>() {
            runner.0.pulse.ended(run).await;
        }
    }

    /// Waits until the service does not run any more, without stopping it.
    ///
    /// # Errors
    /// [`RunError::TimedOut`] if it still runs after `timeout`; `None` waits as long as it takes.
    pub async fn wait(&self, timeout: Option<Duration>) -> Result<(), RunError> {
        let ended = self.0.pulse.ended(self.0.pulse.run());
        let Some(timeout) = timeout else {
            ended.await;
            return Ok(());
        };
        tokio::time::timeout(timeout, ended)
            .await
            .map_err(|_| RunError::TimedOut)
    }

    /// Ends the sleep between two turns, or the one in a turn. If it does not sleep, the next sleep
    /// ends at once; if it does not run, nothing happens.
    pub fn wake(&self) {
        self.0.pulse.wake();
    }

    /// Returns true from the start until the stop is complete.
    pub fn started(&self) -> bool {
        self.0.pulse.is_running()
    }

    /// Returns true if it was asked to stop since the last start.
    pub fn stopped(&self) -> bool {
        self.0.pulse.is_stopping()
    }

    /// Returns the backoff that holds now; zero: none.
    pub fn in_backoff(&self) -> Duration {
        self.0.pulse.in_backoff()
    }

    /// Signals a stop, and returns the number of the run that it stops.
    fn stop_run(&self, how: Stop) -> u64 {
        let run = self.0.pulse.stop(how);
        if let Ok(runtime) = Handle::try_current()
            && let Some(running) = self.0.pulse.begin_done()
        {
            let core = Arc::clone(&self.0);
            runtime.spawn(async move {
                let mut service = core.service.lock().await;
                core.end(running, &mut **service).await;
            });
        }
        run
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.signal_stop(Stop::Forever);
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runner").field(&self.0.pulse).finish()
    }
}

impl Core {
    async fn run(&self, running: Running, mut options: RunOptions) -> Result<(), RunError> {
        let mut service = self.service.lock().await;
        let outcome = self.turns(&mut **service, &mut options).await;
        self.end(running, &mut **service).await;
        outcome
    }

    async fn end(&self, running: Running, service: &mut dyn Runnable) {
        let Some(_running) = running.end() else {
            return;
        };
        let done = async {
            service.done().await;
            Ok(())
        };
        if let Err(failure) = caught("done", done).await {
            service.failed(&failure);
        }
    }

    async fn turns(
        &self,
        service: &mut dyn Runnable,
        options: &mut RunOptions,
    ) -> Result<(), RunError> {
        let deadline = options
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        while !self.pulse.is_stopping() {
            let at_least = self.turn(service).await;
            if self.pulse.is_stopping() || options.is_reached() {
                break;
            }
            let mut pause = match self.pulse.in_backoff() {
                Duration::ZERO => options.sleep.max(at_least),
                backoff => backoff.max(at_least),
            };
            if let Some(deadline) = deadline {
                pause = pause.min(deadline.saturating_duration_since(Instant::now()));
            }
            self.pulse.interruptable_sleep(pause).await;
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return if self.pulse.is_stopping() {
                    Ok(())
                } else {
                    Err(RunError::TimedOut)
                };
            }
        }
        Ok(())
    }

    /// Takes a turn; returns how long the failure, if it was one, asks to wait at least.
    async fn turn(&self, service: &mut dyn Runnable) -> Duration {
        let turn = caught("turn", async { service.turn(&self.pulse).await }).await;
        let before = self.pulse.in_backoff();
        let in_backoff = match &turn {
            Ok(Turn::Worked) => Duration::ZERO,
            Ok(Turn::NothingHappened) => before,
            Ok(Turn::Backoff) | Err(_) => service.delays().after(before),
        };
        self.pulse.set_backoff(in_backoff);
        let Err(failure) = turn else {
            return Duration::ZERO;
        };
        service.failed(&failure);
        match failure.retry() {
            Retry::After(Some(time)) => time,
            _ => Duration::ZERO,
        }
    }
}

/// Makes a failure of a panic. What panicked is polled no more.
async fn caught<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = pin!(work);
    std::future::poll_fn(move |context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(panic_failure(operation, &*panic))))
    })
    .await
}

fn panic_failure(operation: &'static str, panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown kind");
    Failure::new(ErrorKind::Unexpected, operation).with_detail(format!("panic: {message}"))
}
