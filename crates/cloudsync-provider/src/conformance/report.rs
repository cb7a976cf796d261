//! What came of a run of the suite.

use std::fmt;

use super::case::{Case, Outcome, Stop};

/// What came of a run of the suite. Displays as a list for people.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Names of cases that passed.
    pub passed: Vec<&'static str>,
    /// Names of cases that failed, and how.
    pub failed: Vec<(&'static str, String)>,
    /// Names of cases that were left out, and for want of what.
    pub left_out: Vec<(&'static str, &'static str)>,
}

impl Report {
    /// Returns true if cases passed and none failed.
    pub fn passed_all(&self) -> bool {
        self.failed.is_empty() && !self.passed.is_empty()
    }

    pub(super) fn add(&mut self, case: &Case, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed.push(case.name),
            Err(Stop::Failed(message)) => self.failed.push((case.name, message)),
            Err(Stop::LeftOut(want)) => self.left_out.push((case.name, want)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed) = (self.passed.len(), self.failed.len());
        writeln!(
            f,
            "{passed} passed, {failed} failed, {} left out",
            self.left_out.len()
        )?;
        for (name, message) in &self.failed {
            writeln!(f, "  failed    {name}: {message}")?;
        }
        for (name, want) in &self.left_out {
            writeln!(f, "  left out  {name}: for want of {want}")?;
        }
        Ok(())
    }
}
