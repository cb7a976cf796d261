//! A digest of all that is in a world, of what it writes of itself for a debugger.
//!
//! Of numbers that only ever grow it is the order alone that counts; of ticks, whether they were before or after
//! what is waited for.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

/// Takes what is written, piece by piece as it is formatted: a number is a piece of its own.
#[derive(Debug)]
pub(super) struct Fingerprint {
    /// All but the numbers that grow.
    text: String,
    /// Those, in the order in which they came.
    growing: Vec<(Growing, u64)>,
}

/// A number that only ever grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Growing {
    /// Of what was handed out.
    Id,
    /// The tick at which something was asked for or begun.
    Waited,
    /// Any other tick.
    Tick,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            text: String::with_capacity(16 << 10),
            growing: Vec::with_capacity(64),
        }
    }
}

impl Fingerprint {
    /// Tells by what stands before a number whether it is one that grows.
    fn growing(&self) -> Option<Growing> {
        const IDS: [&str; 3] = ["QueryId(", "OperationId(", "BatchId("];
        const WAITS: [&str; 3] = ["asked: ", "since: ", "at: "];
        let before = |marks: &[&str], text: &str| marks.iter().any(|mark| text.ends_with(mark));
        if let Some(field) = self.text.strip_suffix("Tick(") {
            return Some(if before(&WAITS, field) {
                Growing::Waited
            } else {
                Growing::Tick
            });
        }
        before(&IDS, &self.text).then_some(Growing::Id)
    }

    /// Returns the digest of all that was written.
    pub(super) fn digest(&self) -> u64 {
        let of = |wanted: Growing| {
            let of = self.growing.iter().filter(|(kind, _)| *kind == wanted);
            let mut numbers: Vec<u64> = of.map(|(_, number)| *number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (ids, waited) = (of(Growing::Id), of(Growing::Waited));
        let mut digest = DefaultHasher::new();
        digest.write(self.text.as_bytes());
        for (kind, number) in &self.growing {
            let among = match kind {
                Growing::Id => &ids,
                Growing::Waited | Growing::Tick => &waited,
            };
            digest.write_usize(match among.binary_search(number) {
                Ok(rank) => 2 * rank + 1,
                Err(rank) => 2 * rank,
            });
        }
        digest.finish()
    }
}

impl Write for Fingerprint {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if piece.as_bytes().first().is_some_and(u8::is_ascii_digit)
            && let Some(kind) = self.growing()
        {
            let number = piece.parse().map_err(|_| fmt::Error)?;
            self.growing.push((kind, number));
        } else {
            self.text.push_str(piece);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Tick(#[expect(dead_code, reason = "only written")] u64);
    #[derive(Debug)]
    struct QueryId(#[expect(dead_code, reason = "only written")] u64);
    #[derive(Debug)]
    #[expect(dead_code, reason = "only written")]
    struct World {
        asked: Tick,
        seen: Tick,
        open: Vec<QueryId>,
        size: u64,
    }

    fn world(numbers: [u64; 5]) -> u64 {
        let [asked, seen, one, other, size] = numbers;
        let world = World {
            asked: Tick(asked),
            seen: Tick(seen),
            open: vec![QueryId(one), QueryId(other)],
            size,
        };
        let mut fingerprint = Fingerprint::default();
        write!(fingerprint, "{world:?}").expect("it takes all");
        fingerprint.digest()
    }

    #[test]
    fn of_numbers_that_grow_the_order_alone_counts() {
        let first = world([5, 3, 1, 2, 7]);
        assert_eq!(world([50, 30, 11, 20, 7]), first);
        for other in [
            // Of another size; the ids the other way round, or one twice; seen after it was asked for, or then.
            [5, 3, 1, 2, 8],
            [5, 3, 2, 1, 7],
            [5, 3, 1, 1, 7],
            [5, 8, 1, 2, 7],
            [5, 5, 1, 2, 7],
        ] {
            assert_ne!(world(other), first, "{other:?}");
        }
    }
}
