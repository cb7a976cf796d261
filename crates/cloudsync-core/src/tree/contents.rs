//! Contents of files, kept once however many nodes and rows have them.

use std::num::NonZeroU32;

use crate::tree::chunks::Chunks;
use crate::tree::hash;
use crate::tree::index::Index;

/// What a file holds: its size and its digest of the pair's one hash kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Content {
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub digest: [u8; 32],
}

/// An interned content: equal ids, equal content, and the other way round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContentId(NonZeroU32);

impl ContentId {
    fn new(index: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// Returns the id as a number, for a node to keep.
    pub(super) fn number(self) -> NonZeroU32 {
        self.0
    }

    pub(super) fn from_number(number: NonZeroU32) -> Self {
        Self(number)
    }
}

/// All contents that are known now.
#[derive(Clone, Hash, Debug, Default)]
pub struct Contents {
    all: Chunks<Content>,
    index: Index,
}

impl Contents {
    /// Makes room for so many.
    pub(super) fn reserve(&mut self, count: usize) {
        let all = &self.all;
        self.index.reserve(count, |id| key(&all[id as usize]));
    }

    /// Returns the id of a content.
    ///
    /// # Panics
    /// If there are 2^32 of them.
    pub fn intern(&mut self, content: Content) -> ContentId {
        let hash = key(&content);
        let Self { all, index } = self;
        if let Some(id) = index.find(hash, |id| all[id as usize] == content) {
            return ContentId::new(id);
        }
        let id = u32::try_from(all.len()).expect("fewer than 2^32 contents");
        all.push(content);
        index.insert(hash, id, |id| key(&all[id as usize]));
        ContentId::new(id)
    }

    /// Returns a content.
    pub fn get(&self, id: ContentId) -> &Content {
        &self.all[id.index()]
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn key(content: &Content) -> u64 {
    hash::bytes(&content.digest) ^ content.size
}
