//! Names, kept once for both trees, with the key under which each side compares them.

use hashbrown::HashTable;

use crate::name::fold;
use crate::rules::NameRules;
use crate::side::{BySide, Side};
use crate::tree::hash;

/// An interned name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NameId(u32);

impl NameId {
    /// The smallest one there can be.
    pub(crate) const FIRST: NameId = NameId(0);
    /// The largest one there can be.
    pub(crate) const LAST: NameId = NameId(u32::MAX);
}

impl NameId {
    /// Returns the id as a number, for hashing.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// All names ever met. They are never dropped: names repeat, and a pair's vocabulary is small.
#[derive(Clone, Debug)]
pub struct Names {
    bytes: String,
    ends: Vec<u32>,
    table: HashTable<u32>,
    rules: BySide<NameRules>,
    /// The folded name of each name; `None` where the side compares bytes.
    folded: BySide<Option<Vec<NameId>>>,
}

impl Names {
    /// Starts with no names.
    pub fn new(rules: BySide<NameRules>) -> Self {
        let folded = rules.map(|rules| (!compares_bytes(&rules)).then(Vec::new));
        Self {
            bytes: String::new(),
            ends: Vec::new(),
            table: HashTable::new(),
            rules,
            folded,
        }
    }

    /// Returns the id of `name`, the same for equal bytes.
    ///
    /// # Panics
    /// If all names together take more than 4 GiB.
    pub fn intern(&mut self, name: &str) -> NameId {
        let key = hash::bytes(name.as_bytes());
        let Self {
            bytes, ends, table, ..
        } = self;
        if let Some(&id) = table.find(key, |&id| text(bytes, ends, id) == name) {
            return NameId(id);
        }
        let id = u32::try_from(ends.len()).expect("fewer than 2^32 names");
        bytes.push_str(name);
        ends.push(u32::try_from(bytes.len()).expect("names under 4 GiB"));
        table.insert_unique(key, id, |&id| hash::bytes(text(bytes, ends, id).as_bytes()));
        // A name stands for itself on both sides before its folded form is interned, which may well
        // be new.
        for side in Side::BOTH {
            if let Some(folded) = &mut self.folded[side] {
                folded.push(NameId(id));
            }
        }
        for side in Side::BOTH {
            if self.folded[side].is_none() {
                continue;
            }
            let key = fold(name, &self.rules[side]).into_owned();
            if key != name {
                let key = self.intern(&key);
                if let Some(folded) = &mut self.folded[side] {
                    folded[id as usize] = key;
                }
            }
        }
        NameId(id)
    }

    /// Returns a name that `side` takes for this one; `None` if no such name was ever met.
    pub fn find(&self, side: Side, name: &str) -> Option<NameId> {
        self.known(name).or_else(|| {
            self.folded[side].as_ref()?;
            self.known(&fold(name, &self.rules[side]))
        })
    }

    fn known(&self, name: &str) -> Option<NameId> {
        let key = hash::bytes(name.as_bytes());
        let same = |&id: &u32| text(&self.bytes, &self.ends, id) == name;
        self.table.find(key, same).map(|&id| NameId(id))
    }

    /// Returns the text of a name.
    pub fn get(&self, id: NameId) -> &str {
        text(&self.bytes, &self.ends, id.0)
    }

    /// Returns the name under which `side` compares this one.
    pub fn folded(&self, side: Side, id: NameId) -> NameId {
        self.folded[side]
            .as_ref()
            .map_or(id, |folded| folded[id.0 as usize])
    }
}

fn text<'a>(bytes: &'a str, ends: &[u32], id: u32) -> &'a str {
    let start = if id == 0 {
        0
    } else {
        ends[id as usize - 1] as usize
    };
    &bytes[start..ends[id as usize] as usize]
}

fn compares_bytes(rules: &NameRules) -> bool {
    rules.case_sensitive && !rules.normalizes_unicode
}
