//! Finds numbers by a hash of what they stand for, in tables that are small and many.
//!
//! One big table doubles: at that moment it is there three times over, and then half empty. Here one
//! small table at a time is split into two (linear hashing), so that room grows with what is in it.

use hashbrown::HashTable;

/// How many numbers a table has on average, right after all were split: twice as many, and some
/// chance, fit into 1,024 places.
const TABLE: usize = 400;

/// A set of numbers, looked up, never iterated.
#[derive(Clone, Debug)]
pub(super) struct Index {
    tables: Vec<HashTable<u32>>,
    len: usize,
}

impl Index {
    /// Finds a number for which `is_it` holds among those of a hash.
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let table = &self.tables[table_of(hash, self.tables.len())];
        table.find(hash, |&number| is_it(number)).copied()
    }

    /// Adds a number that is not there. `hash_of` says the hash of any number that is.
    pub(super) fn insert(&mut self, number: u32, hash_of: impl Fn(u32) -> u64) {
        let hash = hash_of(number);
        let table = table_of(hash, self.tables.len());
        self.tables[table].insert_unique(hash, number, |&number| hash_of(number));
        self.len += 1;
        if self.len > TABLE * self.tables.len() {
            self.split(hash_of);
        }
    }

    /// Takes a number out, if it is there.
    pub(super) fn remove(&mut self, hash: u64, number: u32) -> bool {
        let table = table_of(hash, self.tables.len());
        match self.tables[table].find_entry(hash, |&other| other == number) {
            Ok(entry) => drop(entry.remove()),
            Err(_) => return false,
        }
        self.len -= 1;
        true
    }

    /// Splits the next table in turn: some of its numbers go into a new one at the end.
    fn split(&mut self, hash_of: impl Fn(u32) -> u64) {
        let new = self.tables.len();
        let split = new - (new + 1).next_power_of_two() / 2;
        let old = std::mem::take(&mut self.tables[split]);
        let room = old.len() / 2;
        self.tables[split] = HashTable::with_capacity(room);
        self.tables.push(HashTable::with_capacity(room));
        for number in old {
            let hash = hash_of(number);
            let table = &mut self.tables[table_of(hash, new + 1)];
            table.insert_unique(hash, number, |&number| hash_of(number));
        }
    }
}

impl Default for Index {
    fn default() -> Self {
        Self {
            tables: vec![HashTable::new()],
            len: 0,
        }
    }
}

/// Returns in which of `count` tables a hash is: that of its lowest bits, as many as it takes, and
/// one bit less for those whose table was not split off yet.
fn table_of(hash: u64, count: usize) -> usize {
    // A table itself uses the lowest and the highest bits.
    let bits = (hash >> 24) as u32 as usize;
    let all = count.next_power_of_two() - 1;
    let table = bits & all;
    if table < count {
        table
    } else {
        bits & (all >> 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::hash;

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let hash_of = |number: u32| hash::pair(number, 0);
        let mut index = Index::default();
        for number in 0..20_000 {
            index.insert(number, hash_of);
        }
        let most = index.tables.iter().map(HashTable::len).max();
        assert!(most < Some(1_000), "tables stay small: {most:?}");
        for number in (0..20_000).step_by(2) {
            assert!(index.remove(hash_of(number), number));
            assert!(!index.remove(hash_of(number), number));
        }
        for number in 0..30_000 {
            let found = index.find(hash_of(number), |other| other == number);
            let is_in = number < 20_000 && number % 2 == 1;
            assert_eq!(found, is_in.then_some(number));
        }
    }
}
