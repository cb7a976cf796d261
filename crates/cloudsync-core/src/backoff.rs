//! How long to wait after a failure, and after the next one: longer each time, up to a limit.
//!
//! [`Delays`] are the numbers, a pure function from one delay to the next; [`Backoff`] is the state of
//! one thing that fails. Nothing here waits.

use std::time::Duration;

use crate::side::BySide;

/// How delays grow: the next one is `min(max, max(current × mult, min))`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Delays {
    /// The first delay.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
    /// What each delay is multiplied with to get the next.
    pub mult: f64,
}

impl Default for Delays {
    /// 10 ms, doubled up to 1 s.
    fn default() -> Self {
        Self {
            min: Duration::from_millis(10),
            max: Duration::from_secs(1),
            mult: 2.0,
        }
    }
}

impl Delays {
    /// Delays around the time that something sleeps anyway: from a tenth of it to ten times, doubled.
    pub fn around(sleep: Duration) -> Self {
        Self {
            min: sleep / 10,
            max: sleep.saturating_mul(10),
            mult: 2.0,
        }
    }

    /// For the engine of a pair: around the longer of the times between polls of the two sides.
    pub fn of_pair(sleep: BySide<Duration>) -> Self {
        Self::around(sleep.local.max(sleep.remote))
    }

    /// For a long poll: 1 s, doubled up to 15 s.
    pub fn of_long_poll() -> Self {
        Self {
            min: Duration::from_secs(1),
            max: Duration::from_secs(15),
            mult: 2.0,
        }
    }

    /// Returns the delay that follows `current`; zero stands for no failure before.
    pub fn after(&self, current: Duration) -> Duration {
        // Too large, negative or not a number: the multiplier is wrong, and the limit is safe.
        let grown =
            Duration::try_from_secs_f64(current.as_secs_f64() * self.mult).unwrap_or(self.max);
        grown.max(self.min).min(self.max)
    }

    /// Returns the delay after so many failures in a row; zero after none.
    pub fn after_failures(&self, failures: u32) -> Duration {
        let mut delay = Duration::ZERO;
        for _ in 0..failures {
            let next = self.after(delay);
            if next == delay {
                break;
            }
            delay = next;
        }
        delay
    }
}

/// The backoff of one thing that fails from time to time.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Backoff {
    delays: Delays,
    current: Duration,
}

impl Backoff {
    /// Makes one that has not failed yet.
    pub fn new(delays: Delays) -> Self {
        Self {
            delays,
            current: Duration::ZERO,
        }
    }

    /// Notes a failure; returns how long to wait now.
    pub fn failed(&mut self) -> Duration {
        self.current = self.delays.after(self.current);
        self.current
    }

    /// Notes a success: the next failure starts from the first delay.
    pub fn clear(&mut self) {
        self.current = Duration::ZERO;
    }

    /// Returns the delay that holds now; zero: none.
    pub fn current(&self) -> Duration {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn doubled_up_to_the_limit_and_cleared() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.current(), Duration::ZERO);
        for expected in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
            assert_eq!(backoff.failed(), ms(expected));
            assert_eq!(backoff.current(), ms(expected));
        }
        backoff.clear();
        assert_eq!(backoff.current(), Duration::ZERO);
        assert_eq!(backoff.failed(), ms(10));
    }

    #[test]
    fn the_numbers_of_the_services() {
        let minute = Duration::from_mins(1);
        for (delays, first, second, last) in [
            (Delays::default(), ms(10), ms(20), ms(1000)),
            (
                Delays::of_pair(BySide::new(ms(10), ms(15_000))),
                ms(1500),
                ms(3000),
                ms(150_000),
            ),
            (Delays::around(ms(10)), ms(1), ms(2), ms(100)),
            (Delays::of_long_poll(), ms(1000), ms(2000), ms(15_000)),
            (
                Delays {
                    min: ms(5),
                    max: ms(5),
                    mult: 2.0,
                },
                ms(5),
                ms(5),
                ms(5),
            ),
            (
                Delays {
                    min: ms(5),
                    max: ms(2),
                    mult: 2.0,
                },
                ms(2),
                ms(2),
                ms(2),
            ),
            (
                Delays {
                    min: ms(5),
                    max: minute,
                    mult: 1.0,
                },
                ms(5),
                ms(5),
                ms(5),
            ),
            (
                Delays {
                    min: ms(5),
                    max: minute,
                    mult: -1.0,
                },
                ms(5),
                minute,
                minute,
            ),
            (
                Delays {
                    min: ms(5),
                    max: minute,
                    mult: f64::NAN,
                },
                minute,
                minute,
                minute,
            ),
            (Delays::around(Duration::ZERO), ms(0), ms(0), ms(0)),
        ] {
            assert_eq!(delays.after_failures(0), Duration::ZERO);
            assert_eq!(delays.after_failures(1), first, "{delays:?}");
            assert_eq!(delays.after_failures(2), second, "{delays:?}");
            assert_eq!(delays.after_failures(u32::MAX), last, "{delays:?}");
        }
    }

    #[test]
    fn the_longest_time_is_no_overflow() {
        let delays = Delays::around(Duration::MAX);
        assert_eq!(delays.after(Duration::MAX), Duration::MAX);
    }

    proptest! {
        #[test]
        fn never_shorter_never_beyond(min in 0..1000_u64, more in 0..1000_u64, failures in 0..50_u32) {
            let delays = Delays { min: ms(min), max: ms(min + more), mult: 1.5 };
            let mut backoff = Backoff::new(delays);
            for n in 0..failures {
                let before = backoff.current();
                prop_assert_eq!(delays.after_failures(n), before);
                let now = backoff.failed();
                prop_assert!(before <= now && delays.min <= now && now <= delays.max);
            }
        }
    }
}
