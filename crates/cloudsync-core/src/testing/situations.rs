//! What was reached in a run, counted: a situation that never came up was not tested.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// Counts by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Situations(BTreeMap<&'static str, u64>);

impl Situations {
    /// What a long run of random worlds has to reach.
    pub const EXPECTED: [&'static str; 25] = [
        "attributes set",
        "case-only rename",
        "conflict",
        "crash",
        "crash with an open intent",
        "cursor expired",
        "deletion held",
        "fault: batch not recorded",
        "fault: hint doubled",
        "fault: hint late",
        "fault: hint lost",
        "fault: listing cut",
        "fault: look failed",
        "fault: operation failed",
        "fault: reply lost",
        "fault: side down",
        "fault: source not read",
        "fault: walk broken off",
        "move carried over",
        "move undone",
        "parked",
        "precondition failed",
        "racy look",
        "restored",
        "resumed without a walk",
    ];

    /// Counts one more.
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Returns how often something was reached.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Returns what was expected and never reached.
    pub fn missing(&self) -> Vec<&'static str> {
        let never = |what: &&str| self.of(what) == 0;
        Self::EXPECTED.into_iter().filter(never).collect()
    }
}

impl AddAssign<&Situations> for Situations {
    fn add_assign(&mut self, other: &Situations) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for Situations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.keys().map(|what| what.len()).max().unwrap_or(0);
        for (what, count) in &self.0 {
            writeln!(f, "{what:longest$} {count:>12}")?;
        }
        Ok(())
    }
}
