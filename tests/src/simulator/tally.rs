//! What was reached in a run, counted: a fault or situation that never came up was not tested.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// Counts by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts one more.
    pub(super) fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// Counts so many more.
    pub(super) fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    /// Returns how often something was reached.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Returns what a long series of runs has to reach, and this one did not.
    pub fn missing(&self) -> Vec<&'static str> {
        let faults = super::faults::Kind::ALL.iter().map(|kind| kind.name());
        let expected = faults.chain(super::sim::SITUATIONS);
        expected.filter(|what| self.of(what) == 0).collect()
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        for (what, count) in &other.0 {
            self.add(what, *count);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.keys().map(|what| what.len()).max().unwrap_or(0);
        for (what, count) in &self.0 {
            writeln!(f, "{what:longest$} {count:>12}")?;
        }
        Ok(())
    }
}
