//! Makes a failing run small: each tape by itself.

use super::run::{Ran, simulate};
use super::tape::Tapes;

/// Leaves out, and makes simpler, whatever the run violates the same property without; at most so
/// many runs.
pub fn shrink(ran: Ran, runs: usize) -> Ran {
    let mut shrinker = Shrinker {
        rows: ran.tapes.rows(),
        best: ran,
        left: runs,
    };
    loop {
        let before = shrinker.rows.clone();
        for tape in 0..before.len() {
            shrinker.cut_end(tape);
            shrinker.leave_out(tape);
            shrinker.simplify(tape);
        }
        if shrinker.rows == before || shrinker.left == 0 {
            return shrinker.best;
        }
    }
}

struct Shrinker {
    rows: [Vec<u32>; 4],
    best: Ran,
    left: usize,
}

impl Shrinker {
    /// Keeps these rows if the run still violates the same property.
    fn keeps(&mut self, rows: &[Vec<u32>; 4]) -> bool {
        if self.left == 0 || *rows == self.rows {
            return false;
        }
        self.left -= 1;
        let ran = simulate(Tapes::recorded(rows.clone()), false);
        let property = |ran: &Ran| ran.violation.as_ref().map(|(property, _)| *property);
        if property(&ran) != property(&self.best) {
            return false;
        }
        // What was not drawn is not needed.
        self.rows = ran.tapes.rows();
        self.best = ran;
        true
    }

    fn with(&mut self, tape: usize, change: impl FnOnce(&mut Vec<u32>)) -> bool {
        let mut rows = self.rows.clone();
        change(&mut rows[tape]);
        self.keeps(&rows)
    }

    fn cut_end(&mut self, tape: usize) {
        while !self.rows[tape].is_empty() {
            let half = self.rows[tape].len() / 2;
            if !self.with(tape, |row| row.truncate(half)) {
                return;
            }
        }
    }

    fn leave_out(&mut self, tape: usize) {
        let mut size = (self.rows[tape].len() / 2).next_power_of_two();
        while size > 0 {
            let mut at = 0;
            while at < self.rows[tape].len() && self.left > 0 {
                let end = (at + size).min(self.rows[tape].len());
                let is_fewer = self.with(tape, |row| {
                    row.drain(at..end);
                });
                if !is_fewer {
                    self.with(tape, |row| row[at..end].fill(0));
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn simplify(&mut self, tape: usize) {
        let mut at = 0;
        while at < self.rows[tape].len() && self.left > 0 {
            while let Some(&word) = self.rows[tape].get(at)
                && word > 0
                && (self.with(tape, |row| row[at] = word / 2)
                    || self.with(tape, |row| row[at] = word - 1))
            {}
            at += 1;
        }
    }
}
