//! A digest of all that is in a world: hashed, or, where there is little of it, as it is written for a debugger.
//!
//! Of numbers that only ever grow it is the order alone that counts; of ticks, whether they were before or after
//! what is waited for.

use std::fmt::{self, Write};
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::{FixedState, FoldHasher};

/// Takes what is written, piece by piece as it is formatted: a number is a piece of its own.
pub(crate) struct Fingerprint {
    /// Of all but the numbers that grow.
    digest: FoldHasher<'static>,
    /// The last that was written, in its lowest bytes.
    tail: u128,
    /// The numbers that grow, in the order in which they came.
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

/// The end of what was written.
struct Mark {
    bits: u128,
    mask: u128,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            digest: FixedState::default().build_hasher(),
            tail: 0,
            growing: Vec::with_capacity(64),
        }
    }
}

impl Fingerprint {
    /// Tells by what stands before a number whether it is one that grows.
    fn growing(&self) -> Option<Growing> {
        const TICK: Mark = Mark::new("Tick(");
        const WAITS: [Mark; 3] = [
            Mark::new("asked: Tick("),
            Mark::new("since: Tick("),
            Mark::new("at: Tick("),
        ];
        const IDS: [Mark; 3] = [
            Mark::new("QueryId("),
            Mark::new("OperationId("),
            Mark::new("BatchId("),
        ];
        let is_before = |mark: &Mark| self.tail & mark.mask == mark.bits;
        if is_before(&TICK) {
            let is_waited = WAITS.iter().any(is_before);
            return Some(if is_waited {
                Growing::Waited
            } else {
                Growing::Tick
            });
        }
        IDS.iter().any(is_before).then_some(Growing::Id)
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
        let mut digest = self.digest.clone();
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
            // That there is one, and where.
            self.digest.write_u8(0);
        } else {
            self.digest.write(piece.as_bytes());
            self.tail = after(self.tail, piece.as_bytes());
        }
        Ok(())
    }
}

/// What says of itself what it is made of, without the way through text. A number of 128 bits is a tick.
impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.digest.write(bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.digest.write_u8(number);
    }

    fn write_u16(&mut self, number: u16) {
        self.digest.write_u16(number);
    }

    fn write_u32(&mut self, number: u32) {
        self.digest.write_u32(number);
    }

    fn write_u64(&mut self, number: u64) {
        self.digest.write_u64(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.digest.write_usize(number);
    }

    fn write_u128(&mut self, number: u128) {
        self.growing
            .push((Growing::Tick, u64::try_from(number).expect("a tick")));
        self.digest.write_u8(0);
    }

    fn finish(&self) -> u64 {
        self.digest()
    }
}

impl Mark {
    /// Of at most 15 bytes.
    const fn new(text: &str) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < text.len() {
            bits = bits << 8 | text.as_bytes()[at] as u128;
            at += 1;
        }
        Self {
            bits,
            mask: (1 << (8 * text.len())) - 1,
        }
    }
}

/// Returns the last sixteen bytes after one more piece.
fn after(tail: u128, piece: &[u8]) -> u128 {
    if let Some(last) = piece.last_chunk::<16>() {
        return u128::from_be_bytes(*last);
    }
    tail << (8 * piece.len()) | short(piece)
}

/// Returns up to fifteen bytes as a number. It is asked for thousands of times a world: its ends, one over the other,
/// take no loop.
fn short(piece: &[u8]) -> u128 {
    let past = |size: usize| 8 * (piece.len() - size);
    if let (Some(first), Some(last)) = (piece.first_chunk::<8>(), piece.last_chunk::<8>()) {
        return u128::from(u64::from_be_bytes(*first)) << past(8)
            | u128::from(u64::from_be_bytes(*last));
    }
    let word =
        if let (Some(first), Some(last)) = (piece.first_chunk::<4>(), piece.last_chunk::<4>()) {
            u64::from(u32::from_be_bytes(*first)) << past(4) | u64::from(u32::from_be_bytes(*last))
        } else {
            let bytes = piece.iter();
            bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
        };
    u128::from(word)
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
    fn the_end_of_what_was_written_is_known_whatever_the_pieces() {
        let text = "since: Tick(asked: OperationId(at";
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let tail = pieces
                    .iter()
                    .fold(0, |tail, piece| after(tail, piece.as_bytes()));
                let last = text.as_bytes().last_chunk::<16>().expect("it is longer");
                assert_eq!(tail.to_be_bytes(), *last, "{pieces:?}");
            }
        }
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
