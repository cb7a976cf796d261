//! Many runs, by seed, each of them twice.

use super::run::{Ran, simulate_twice};
use super::tally::Tally;
use super::tape::Tapes;

/// Runs by seed, and what came of them.
#[derive(Debug, Default)]
pub struct Seeds {
    /// Runs that were made.
    pub runs: u64,
    /// Calls of providers and stores.
    pub steps: u64,
    /// Calls that changed a side, or tried to.
    pub operations: u64,
    /// What was reached.
    pub tally: Tally,
    /// Runs in which something does not hold, with their seeds.
    pub failures: Vec<(u64, Ran)>,
}

impl Seeds {
    /// Makes a run of a seed, and of what was drawn again.
    pub fn run(&mut self, seed: u64) {
        let ran = simulate_twice(Tapes::random(seed));
        self.runs += 1;
        self.steps += ran.steps;
        self.operations += ran.operations;
        self.tally += &ran.tally;
        if ran.violation.is_some() {
            self.failures.push((seed, ran));
        }
    }

    /// Adds what others made.
    pub fn add(&mut self, other: Seeds) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.operations += other.operations;
        self.tally += &other.tally;
        self.failures.extend(other.failures);
    }
}
