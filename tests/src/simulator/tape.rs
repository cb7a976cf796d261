//! Tapes of numbers that decide everything in a run.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use cloudsync_core::testing::Random;

/// A row of numbers. Whoever has to decide draws the next one.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    words: Vec<u32>,
    at: usize,
    /// Where numbers come from behind the end; `None`: they are 0.
    more: Option<Random>,
}

impl Tape {
    /// A tape that goes on with numbers from a seed.
    pub fn random(seed: u64) -> Self {
        Self {
            more: Some(Random::new(seed)),
            ..Self::default()
        }
    }

    /// A tape that was recorded.
    pub fn recorded(words: Vec<u32>) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }

    /// Draws a number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX).max(1);
        if self.at == self.words.len() {
            let Some(random) = &mut self.more else {
                return 0;
            };
            let word = random.word() % u64::from(limit);
            self.words.push(u32::try_from(word).unwrap_or(0));
        }
        let word = self.words[self.at];
        self.at += 1;
        usize::try_from(word % limit).unwrap_or(0)
    }

    /// Draws whether something happens, so many times in a thousand. 0 says no.
    pub fn happens(&mut self, per_mille: usize) -> bool {
        self.below(1_000) >= 1_000 - per_mille.min(1_000)
    }

    /// Draws one of these; the first is the simplest.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Returns what was drawn so far.
    pub fn drawn(&self) -> &[u32] {
        &self.words[..self.at]
    }
}

/// The tapes of a run.
#[derive(Clone, Debug, Default)]
pub struct Tapes {
    /// What the two services, the settings and the faults are like.
    pub world: Tape,
    /// What users do.
    pub acts: Tape,
    /// How long things take, what is started and stopped when, and in what order turns come.
    pub schedule: Tape,
    /// What goes wrong.
    pub faults: Tape,
}

const NAMES: [&str; 4] = ["world", "acts", "schedule", "faults"];

impl Tapes {
    /// Tapes that go on with numbers from a seed.
    pub fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self::from_rows([(); 4].map(|()| Tape::random(random.word())))
    }

    fn from_rows(rows: [Tape; 4]) -> Self {
        let [world, acts, schedule, faults] = rows;
        Self {
            world,
            acts,
            schedule,
            faults,
        }
    }

    /// Tapes that were recorded.
    pub fn recorded(rows: [Vec<u32>; 4]) -> Self {
        Self::from_rows(rows.map(Tape::recorded))
    }

    /// Returns what was drawn so far, without the zeroes at the ends.
    pub fn rows(&self) -> [Vec<u32>; 4] {
        let tapes = [&self.world, &self.acts, &self.schedule, &self.faults];
        tapes.map(|tape| {
            let drawn = tape.drawn();
            let end = drawn.iter().rposition(|word| *word != 0);
            drawn[..end.map_or(0, |end| end + 1)].to_vec()
        })
    }
}

/// As a file: a line for each tape. Lines with `#` are for people.
impl fmt::Display for Tapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, row) in NAMES.iter().zip(self.rows()) {
            let mut line = format!("{name}:");
            for word in row {
                write!(line, " {word}")?;
            }
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl FromStr for Tapes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rows: [Vec<u32>; 4] = [const { Vec::new() }; 4];
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, words) = line.split_once(':').ok_or_else(|| line.to_owned())?;
            let at = NAMES.iter().position(|of| *of == name);
            let at = at.ok_or_else(|| format!("no tape is named {name}"))?;
            let words = words.split_whitespace().map(str::parse);
            rows[at] = words
                .collect::<Result<_, _>>()
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(Self::recorded(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_is_drawn_again_from_the_file() {
        let mut first = Tapes::random(7);
        let draws = |tapes: &mut Tapes| {
            let acts: Vec<_> = (1..50).map(|limit| tapes.acts.below(limit)).collect();
            let faults: Vec<_> = (0..50).map(|_| tapes.faults.happens(300)).collect();
            (acts, faults, tapes.world.pick(&[1, 2, 3]))
        };
        let drawn = draws(&mut first);
        let mut again: Tapes = first.to_string().parse().expect("our own file");
        assert_eq!(draws(&mut again), drawn);
        assert_eq!(again.to_string(), first.to_string());
    }

    #[test]
    fn behind_the_end_everything_is_simple() {
        let mut tape = Tape::recorded(vec![3]);
        assert_eq!((tape.below(10), tape.below(10)), (3, 0));
        assert!(!tape.happens(999) && tape.happens(1_000));
        assert_eq!(tape.pick(&["a", "b"]), "a");
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        for text in ["acts 1", "act: 1", "acts: x"] {
            assert!(text.parse::<Tapes>().is_err(), "{text}");
        }
    }
}
