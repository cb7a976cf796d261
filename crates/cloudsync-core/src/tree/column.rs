//! A short byte string for each node, without an allocation or a pointer for each.
//!
//! All are kept with the same width, and what nearly all begin with is kept once: the ids of a disk
//! begin with its own. What does not fit lies apart; if that becomes too much, the layout is chosen
//! anew.

use std::collections::BTreeMap;

use crate::small::SmallBytes;

/// How many strings are in a piece.
const PIECE: usize = 4096;
/// Longest string that is kept in its slot, without the prefix.
const WIDEST: usize = 250;
/// First byte of a slot: its string lies apart. Otherwise its length without the prefix and one
/// more, or 0: it is empty.
const APART: u8 = u8::MAX;
/// About what a string costs that lies apart, beside its bytes.
const APART_COST: usize = 64;
/// So few lie apart without asking for a new layout.
const FEW: usize = 16;
/// Beyond that, one in so many may.
const ONE_IN: usize = 32;

/// A byte string a number.
#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Column {
    /// Slots, each a byte that says what it is, and `width` bytes.
    pieces: Vec<Vec<u8>>,
    len: usize,
    width: usize,
    prefix: SmallBytes,
    apart: BTreeMap<usize, Box<[u8]>>,
    /// With more than that apart, the layout is chosen anew.
    patience: usize,
}

impl Column {
    /// Returns a string; an empty one where none was ever set.
    pub(super) fn get(&self, index: usize) -> SmallBytes {
        self.with(index, SmallBytes::new)
    }

    /// Calls `use_it` with a string.
    pub(super) fn with<R>(&self, index: usize, use_it: impl FnOnce(&[u8]) -> R) -> R {
        let Some((&first, rest)) = self.slot(index).and_then(<[u8]>::split_first) else {
            return use_it(&[]);
        };
        match (first, self.prefix.as_slice()) {
            (0, _) => use_it(&[]),
            (APART, _) => use_it(&self.apart[&index]),
            (more, []) => use_it(&rest[..usize::from(more) - 1]),
            (more, prefix) => {
                let rest = &rest[..usize::from(more) - 1];
                let mut short = [0; 48];
                let len = prefix.len() + rest.len();
                if len <= short.len() {
                    short[..prefix.len()].copy_from_slice(prefix);
                    short[prefix.len()..len].copy_from_slice(rest);
                    use_it(&short[..len])
                } else {
                    use_it(&[prefix, rest].concat())
                }
            }
        }
    }

    /// Returns whether a string is this one.
    pub(super) fn is(&self, index: usize, bytes: &[u8]) -> bool {
        let Some((&first, rest)) = self.slot(index).and_then(<[u8]>::split_first) else {
            return bytes.is_empty();
        };
        match first {
            0 => bytes.is_empty(),
            APART => *self.apart[&index] == *bytes,
            more => {
                bytes.strip_prefix(self.prefix.as_slice()) == Some(&rest[..usize::from(more) - 1])
            }
        }
    }

    /// Sets a string.
    pub(super) fn set(&mut self, index: usize, bytes: &[u8]) {
        while self.len <= index {
            self.push_empty();
        }
        let (slot, width) = (1 + self.width, self.width);
        let start = index % PIECE * slot;
        let slot = &mut self.pieces[index / PIECE][start..start + slot];
        if slot[0] == APART {
            self.apart.remove(&index);
        }
        let rest = bytes.strip_prefix(self.prefix.as_slice());
        match rest.filter(|rest| !bytes.is_empty() && rest.len() <= width) {
            _ if bytes.is_empty() => slot[0] = 0,
            Some(rest) => {
                slot[0] = u8::try_from(rest.len() + 1).expect("at most the widest");
                slot[1..=rest.len()].copy_from_slice(rest);
            }
            None => {
                slot[0] = APART;
                self.apart.insert(index, bytes.into());
                if self.apart.len() > self.patience.max(FEW).max(self.len / ONE_IN) {
                    self.lay_out();
                }
            }
        }
    }

    fn slot(&self, index: usize) -> Option<&[u8]> {
        let slot = 1 + self.width;
        let start = index % PIECE * slot;
        self.pieces.get(index / PIECE)?.get(start..start + slot)
    }

    fn push_empty(&mut self) {
        let slot = 1 + self.width;
        if self.len.is_multiple_of(PIECE) {
            // The first piece grows as it is needed.
            let room = if self.len == 0 { 0 } else { PIECE * slot };
            self.pieces.push(Vec::with_capacity(room));
        }
        let last = self.pieces.last_mut().expect("one was pushed");
        last.resize(last.len() + slot, 0);
        self.len += 1;
    }

    /// Chooses prefix and width for what is there now, and keeps it so.
    fn lay_out(&mut self) {
        let strings = |use_it: &mut dyn FnMut(&[u8])| {
            for index in 0..self.len {
                self.with(index, |bytes| {
                    if !bytes.is_empty() {
                        use_it(bytes);
                    }
                });
            }
        };
        let examples = (self.len / 2..self.len).chain(0..self.len / 2);
        let example = examples.map(|index| self.get(index));
        let example = example
            .into_iter()
            .find(|example| !example.as_slice().is_empty());
        let example = example.unwrap_or_default();
        let example = example.as_slice();
        // How many agree with the example in so many bytes, and no more.
        let mut agree = vec![0_usize; example.len() + 1];
        let mut count = 0;
        strings(&mut |bytes| {
            let same = bytes.iter().zip(example).take_while(|(a, b)| a == b);
            agree[same.count()] += 1;
            count += 1;
        });
        let mut prefix = 0;
        let mut others = agree[0];
        while prefix < example.len().min(SmallBytes::INLINE) && others * ONE_IN * 2 <= count {
            prefix += 1;
            others += agree[prefix];
        }
        let mut lengths = vec![0_usize; WIDEST + 1];
        strings(&mut |bytes| {
            if let Some(rest) = bytes.strip_prefix(&example[..prefix]) {
                lengths[rest.len().min(WIDEST)] += 1;
            }
        });
        let width = cheapest(&lengths, self.len);
        let mut new = Self {
            width,
            prefix: SmallBytes::new(&example[..prefix]),
            patience: usize::MAX,
            ..Self::default()
        };
        // The old pieces go as the new ones come.
        let mut old = std::mem::take(self);
        for index in 0..old.len {
            old.with(index, |bytes| new.set(index, bytes));
            if index % PIECE == PIECE - 1 {
                old.pieces[index / PIECE] = Vec::new();
            }
        }
        new.patience = new.apart.len() * 2;
        *self = new;
    }
}

/// Returns the width at which strings of these lengths, in so many slots, take the least.
fn cheapest(lengths: &[usize], slots: usize) -> usize {
    let mut beyond: usize = lengths.iter().sum();
    let mut best = (usize::MAX, 0);
    for (width, count) in lengths.iter().enumerate() {
        beyond -= count;
        best = best.min((slots * width + beyond * (APART_COST + width), width));
    }
    best.1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_all_begin_with_is_kept_once() {
        let mut column = Column::default();
        let disk = |number: u32| [b"disk".as_slice(), &number.to_be_bytes()].concat();
        for number in 0..5_000 {
            column.set(number as usize, &disk(number));
        }
        assert_eq!(column.prefix.as_slice(), b"disk\0\0");
        assert_eq!(column.width, 2);
        assert!(column.apart.is_empty());
        for number in 0..5_000 {
            assert!(column.is(number as usize, &disk(number)));
            assert!(!column.is(number as usize, &disk(number + 1)));
        }
    }

    #[test]
    fn one_long_string_does_not_make_all_wide() {
        let mut column = Column::default();
        for number in 0..2_000 {
            let len = if number % 100 == 0 {
                200
            } else {
                1 + number % 7
            };
            column.set(number, &vec![u8::try_from(number % 250).unwrap(); len]);
        }
        assert!(column.width <= 7, "{}", column.width);
        assert_eq!(column.get(300).as_slice(), [50; 200]);
        assert_eq!(column.get(2_001).as_slice(), []);
    }

    proptest! {
        #[test]
        fn what_was_set_last_is_there(
            sets in prop::collection::vec((0..60_usize, "(ab|cd)?[a-c]{0,4}|[a-z]{20,60}|x{254,300}"), 0..300)
        ) {
            let mut column = Column::default();
            let mut model = BTreeMap::new();
            for (index, text) in sets {
                column.set(index, text.as_bytes());
                model.insert(index, text);
                for (&index, text) in &model {
                    column.with(index, |bytes| assert_eq!(bytes, text.as_bytes()));
                    prop_assert!(column.is(index, text.as_bytes()));
                }
            }
        }
    }
}
