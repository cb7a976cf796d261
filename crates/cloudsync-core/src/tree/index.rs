//! Finds numbers by a hash of what they stand for, in small tables that are always nearly full.
//!
//! One big table doubles: at that moment it is there three times over, and then half empty. Here one
//! small table at a time is split into two (linear hashing). A table has no gaps: it is sorted by a
//! part of the hash, the tag, so that the place of a number can be guessed. Once there are many
//! tables, the tag also says to which of two a number goes: what it stands for, far away in memory by
//! then, is not looked at.

use std::hash::{Hash, Hasher};

/// How many numbers a table has on average, right after all were split.
const TABLE: usize = 128;
/// Tables have room for a multiple of so many: memory of few different sizes is used again soon.
const STEP: usize = 32;
/// The lowest bits of a hash choose the table. So many of them are in no tag; those above, which choose among
/// many tables, are its lowest ones.
const APART: u32 = 10;

/// A set of numbers, looked up, never iterated.
#[derive(Clone, Debug)]
pub(super) struct Index {
    tables: Vec<Table>,
    len: usize,
}

/// Numbers in the order of their tags, a part of their hashes.
#[derive(Clone, Debug, Default)]
struct Table(Vec<Slot>);

/// A number, in bytes so that none is lost between slots.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u16,
    number: [u8; 4],
}

impl Index {
    /// Finds a number for which `is_it` holds among those of a hash.
    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let table = &self.tables[table_of(hash, self.tables.len())];
        let found = table.position(tag_of(hash), is_it)?;
        Some(table.0[found].number())
    }

    /// Makes room for so many: no table has to be split on the way to them. `hash_of` says the hash of any
    /// number that is there.
    pub(super) fn reserve(&mut self, count: usize, hash_of: impl Fn(u32) -> u64) {
        let count = count.div_ceil(TABLE);
        if count <= self.tables.len() {
            return;
        }
        let old = std::mem::replace(&mut self.tables, vec![Table::default(); count]);
        for slot in old.into_iter().flat_map(|table| table.0) {
            let table = table_of(hash_of(slot.number()), count);
            self.tables[table].insert(slot);
        }
    }

    /// Adds a number that is not there. `hash_of` says the hash of any number that is, where few are.
    pub(super) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        let table = table_of(hash, self.tables.len());
        self.tables[table].insert(Slot::new(tag_of(hash), number));
        self.len += 1;
        if self.len > TABLE * self.tables.len() {
            self.split(hash_of);
        }
    }

    /// Takes a number out. Returns whether it was there.
    pub(super) fn remove(&mut self, hash: u64, number: u32) -> bool {
        let table = table_of(hash, self.tables.len());
        let table = &mut self.tables[table];
        let Some(found) = table.position(tag_of(hash), |other| other == number) else {
            return false;
        };
        table.0.remove(found);
        self.len -= 1;
        true
    }

    /// Splits the next table in turn: some of its numbers go into a new one at the end.
    fn split(&mut self, hash_of: impl Fn(u32) -> u64) {
        let new = self.tables.len();
        let split = new - (new + 1).next_power_of_two() / 2;
        let old = std::mem::take(&mut self.tables[split]);
        let mut stay = old.0;
        let mut go = Vec::with_capacity((stay.len() / 2).next_multiple_of(STEP));
        // The bit that the two differ in.
        let bit = (new ^ split).trailing_zeros();
        stay.retain(|slot| {
            let goes = match bit.checked_sub(APART) {
                Some(bit) => slot.tag >> bit & 1 == 1,
                None => hash_of(slot.number()) >> bit & 1 == 1,
            };
            if goes {
                go.push(*slot);
            }
            !goes
        });
        stay.shrink_to(stay.len().next_multiple_of(STEP));
        self.tables[split] = Table(stay);
        self.tables.push(Table(go));
    }
}

/// How many there are: the rest follows from what they stand for.
impl Hash for Index {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
    }
}

impl Default for Index {
    fn default() -> Self {
        Self {
            tables: vec![Table::default()],
            len: 0,
        }
    }
}

impl Slot {
    fn new(tag: u16, number: u32) -> Self {
        let number = number.to_ne_bytes();
        Self { tag, number }
    }

    fn number(self) -> u32 {
        u32::from_ne_bytes(self.number)
    }
}

impl Table {
    /// Returns where the first number of a tag is, or would be.
    fn start(&self, tag: u16) -> usize {
        // Tags are spread evenly.
        let mut at = (usize::from(tag) * self.0.len()) >> u16::BITS;
        while self.0.get(at).is_some_and(|here| here.tag < tag) {
            at += 1;
        }
        while at > 0 && self.0[at - 1].tag >= tag {
            at -= 1;
        }
        at
    }

    fn position(&self, tag: u16, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let start = self.start(tag);
        let here = self.0[start..].iter().take_while(|here| here.tag == tag);
        let found = here.copied().position(|here| is_it(here.number()))?;
        Some(start + found)
    }

    fn insert(&mut self, slot: Slot) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(STEP);
        }
        self.0.insert(self.start(slot.tag), slot);
    }
}

/// Returns in which of `count` tables a hash is: that of its lowest bits, as many as it takes, and
/// one bit less for those whose table was not split off yet.
fn table_of(hash: u64, count: usize) -> usize {
    let bits = ((hash << 32) >> 32) as u32 as usize;
    let all = count.next_power_of_two() - 1;
    let table = bits & all;
    if table < count {
        table
    } else {
        bits & (all >> 1)
    }
}

/// Returns the part of a hash by which a table is sorted. The more tables there are, the more of its lowest bits are
/// the same in all of one.
fn tag_of(hash: u64) -> u16 {
    ((hash << (48 - APART)) >> 48) as u16
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
            index.insert(hash_of(number), number, hash_of);
        }
        let most = index.tables.iter().map(|table| table.0.len()).max();
        assert!(most < Some(400), "tables stay small: {most:?}");
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

    #[test]
    fn of_many_none_is_looked_at_as_a_table_is_split() {
        let hash_of = |number: u32| hash::pair(number, 0);
        let few = u32::try_from(TABLE << APART).expect("a small number");
        let mut index = Index::default();
        for number in 0..few {
            index.insert(hash_of(number), number, hash_of);
        }
        let many = few * 3;
        for number in few..many {
            index.insert(hash_of(number), number, |_| panic!("it is far away"));
        }
        let most = index.tables.iter().map(|table| table.0.len()).max();
        assert!(most < Some(400), "tables stay small: {most:?}");
        let mut looks = 0;
        for number in 0..many {
            let found = index.find(hash_of(number), |other| {
                looks += 1;
                other == number
            });
            assert_eq!(found, Some(number));
        }
        assert!(looks < many + many / 20, "{looks} looks for {many}");
        assert!((0..many).all(|number| index.remove(hash_of(number), number)));
    }

    #[test]
    fn equal_hashes_are_told_apart_by_what_they_stand_for() {
        let mut index = Index::default();
        let (even, odd) = (0, 1 << 20);
        let hash_of = |number: u32| if number.is_multiple_of(2) { even } else { odd };
        for number in 0..1_000 {
            index.insert(hash_of(number), number, hash_of);
        }
        assert_eq!(index.find(odd, |number| number == 701), Some(701));
        assert_eq!(index.find(even, |number| number == 702), Some(702));
        assert!(index.remove(odd, 701));
        assert_eq!(index.find(odd, |number| number == 701), None);
    }
}
