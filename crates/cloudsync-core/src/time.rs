//! The engine's time: it comes in with each input and is never read from a clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the driver's monotonic clock, in nanoseconds since the driver started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(u64);

impl Time {
    /// The driver's start.
    pub const ZERO: Time = Time(0);

    /// Makes a moment from the time since the driver's start.
    ///
    /// # Panics
    /// After 584 years.
    pub fn since_start(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos()).expect("under 584 years"))
    }

    /// Returns the time since the driver's start.
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Rounds up to a multiple of `step`, so that timers come in bunches.
    #[must_use]
    pub fn round_up(self, step: Duration) -> Self {
        let step = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self(self.0.div_ceil(step).saturating_mul(step))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, duration: Duration) -> Time {
        Time(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub for Time {
    type Output = Duration;
    /// Zero if `earlier` is later.
    fn sub(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
