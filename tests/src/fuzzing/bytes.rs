//! Decisions taken from bytes, one after the other. Behind their end there are zeroes, and zero is
//! the simplest choice.

use cloudsync::Side;

/// What is left of the bytes.
#[derive(Clone, Debug)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// Takes a number below `limit`, which is not 0 and at most 256.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Takes true in one of `of` cases.
    pub(super) fn rarely(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    pub(super) fn side(&mut self) -> Side {
        Side::BOTH[self.below(2)]
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub(super) fn word(&mut self) -> u32 {
        (0..4).fold(0, |word, _| word << 8 | u32::from(self.byte()))
    }

    pub(super) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Takes all that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }

    /// Takes a text of its own length, at most 63 bytes. What is not UTF-8 is replaced.
    pub(super) fn text(&mut self) -> String {
        let length = self.below(64);
        String::from_utf8_lossy(self.take(length)).into_owned()
    }

    /// Takes one of a few paths, so that they meet.
    pub(super) fn path(&mut self) -> String {
        let names = ["a", "b", "c", "A"];
        let shape = self.byte();
        let depth = 1 + usize::from(shape >> 6) % 3;
        let path: Vec<&str> = (0..depth)
            .map(|at| names[usize::from(shape >> (2 * at)) % names.len()])
            .collect();
        path.join("/")
    }
}
