//! A set of entries, a bit each.

use crate::record::EntryId;

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Marks {
    words: Vec<u64>,
    count: usize,
}

impl Marks {
    /// Returns true if it was not in the set.
    pub(super) fn insert(&mut self, id: EntryId) -> bool {
        let (word, bit) = position(id);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(new);
        new
    }

    /// Returns true if it was in the set.
    pub(super) fn remove(&mut self, id: EntryId) -> bool {
        let (word, bit) = position(id);
        let Some(bits) = self.words.get_mut(word) else {
            return false;
        };
        let old = *bits & bit != 0;
        *bits &= !bit;
        self.count -= usize::from(old);
        old
    }

    pub(super) fn contains(&self, id: EntryId) -> bool {
        let (word, bit) = position(id);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

fn position(id: EntryId) -> (usize, u64) {
    (id.0 as usize / 64, 1 << (id.0 % 64))
}
