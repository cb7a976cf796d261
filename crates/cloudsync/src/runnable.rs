//! A service: something that takes one turn after another, sleeps in between, backs off when a turn
//! fails, and can be woken, stopped and started again.
//!
//! [`Runnable`] is what a service is, [`Runner`] the handle that runs it, [`Pulse`] what a turn sees of
//! its runner. A turn that fails or panics ends nothing: the next one comes after the backoff.

mod pulse;
mod runner;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use cloudsync_core::backoff::Delays;
use cloudsync_core::failure::Failure;

pub use self::pulse::Pulse;
pub use self::runner::Runner;

/// Something that is run turn by turn.
#[async_trait]
pub trait Runnable: Send + 'static {
    /// Does a bit of work. A failure is the same as [`Turn::Backoff`], and is told to
    /// [`Self::failed`]; if it says how long to wait, the sleep is at least that long.
    ///
    /// # Cancel safety
    /// A turn is dropped unfinished only with the whole run: when the future of [`Runner::run`] is
    /// dropped, or the tokio runtime shuts down. Stopping lets it end.
    async fn turn(&mut self, pulse: &Pulse) -> Result<Turn, Failure>;

    /// Cleans up. Called once, after the last turn, when the service is stopped for good.
    async fn done(&mut self) {}

    /// Hears of a turn that failed or panicked. By default it is logged.
    fn failed(&mut self, failure: &Failure) {
        tracing::warn!(service = self.service_name(), %failure, "a turn failed");
    }

    /// Names the service in logs; by default the name of its type.
    fn service_name(&self) -> &str {
        let name = std::any::type_name::<Self>();
        name.rsplit("::").next().unwrap_or(name)
    }

    /// Returns how the backoff grows; asked at each failure.
    fn delays(&self) -> Delays {
        Delays::default()
    }
}

/// What came of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It did not work out, and whoever needs to know was told: back off.
    Backoff,
    /// There was nothing to do, or nothing got further: a backoff stays as it is.
    NothingHappened,
    /// It worked: a backoff ends.
    Worked,
}

/// How long a stop is meant to last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// For good: the service cleans up and cannot be started again.
    Forever,
    /// Until it is started again.
    ForNow,
}

/// How a run goes on. By default without end, with 1 ms between turns.
pub struct RunOptions {
    sleep: Duration,
    timeout: Option<Duration>,
    until: Option<Box<dyn FnMut() -> bool + Send>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            sleep: Duration::from_millis(1),
            timeout: None,
            until: None,
        }
    }
}

impl RunOptions {
    /// Sleeps so long between two turns, unless it is in backoff.
    #[must_use]
    pub fn sleep(mut self, sleep: Duration) -> Self {
        self.sleep = sleep;
        self
    }

    /// Begins no turn later than this after the start.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Ends the run after the first turn for which `until` is true; asked after each.
    #[must_use]
    pub fn until(mut self, until: impl FnMut() -> bool + Send + 'static) -> Self {
        self.until = Some(Box::new(until));
        self
    }

    fn is_reached(&mut self) -> bool {
        self.until.as_mut().is_some_and(|until| until())
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("sleep", &self.sleep)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why a service did not do what its [`Runner`] was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RunError {
    /// It runs already.
    #[error("the service runs already")]
    AlreadyRunning,
    /// It was stopped for good: make a new one.
    #[error("the service was stopped for good")]
    StoppedForGood,
    /// The time was over before it came to its end.
    #[error("the time was over before the service ended")]
    TimedOut,
}

#[cfg(test)]
mod tests;
