//! Names, kept once for both trees, with the key under which each side compares them.

use std::hash::{Hash, Hasher};

use crate::name::{differ_by_form, fold};
use crate::rules::NameRules;
use crate::side::{BySide, Side};
use crate::tree::chunks::Chunks;
use crate::tree::hash;
use crate::tree::index::Index;

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
    texts: Texts,
    index: Index,
    rules: BySide<NameRules>,
    /// The folded name of each name; `None` where the side compares bytes.
    folded: BySide<Option<Chunks<NameId>>>,
}

/// The names alone: the rest follows from them and from how the sides compare.
impl Hash for Names {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts.hash(state);
    }
}

impl Names {
    /// Starts with no names.
    pub fn new(rules: BySide<NameRules>) -> Self {
        let folded = rules.map(|rules| (!compares_bytes(&rules)).then(Chunks::default));
        Self {
            texts: Texts::default(),
            index: Index::default(),
            rules,
            folded,
        }
    }

    /// Makes room for so many.
    pub(super) fn reserve(&mut self, count: usize) {
        let texts = &self.texts;
        let hash_of = |id| hash::bytes(texts.get(id).as_bytes());
        self.index.reserve(count, hash_of);
    }

    /// Returns the id of `name`, the same for equal bytes.
    ///
    /// # Panics
    /// If all names together take more than 4 GiB, or one more than 1 MiB.
    pub fn intern(&mut self, name: &str) -> NameId {
        let key = hash::bytes(name.as_bytes());
        let Self { texts, index, .. } = self;
        if let Some(id) = index.find(key, |id| texts.get(id) == name) {
            return NameId(id);
        }
        let id = texts.push(name);
        index.insert(key, id, |id| hash::bytes(texts.get(id).as_bytes()));
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
        let found = self.index.find(key, |id| self.texts.get(id) == name);
        found.map(NameId)
    }

    /// Returns the text of a name.
    pub fn get(&self, id: NameId) -> &str {
        self.texts.get(id.0)
    }

    /// Returns true if two names are the same, or `side` takes them for one and they differ only in
    /// Unicode normalisation.
    pub fn is_one_form(&self, side: Side, a: NameId, b: NameId) -> bool {
        a == b
            || (self.rules[side].normalizes_unicode
                && self.folded(side, a) == self.folded(side, b)
                && differ_by_form(self.get(a), self.get(b)))
    }

    /// Returns the name under which `side` compares this one.
    pub fn folded(&self, side: Side, id: NameId) -> NameId {
        self.folded[side]
            .as_ref()
            .map_or(id, |folded| folded[id.0 as usize])
    }
}

fn compares_bytes(rules: &NameRules) -> bool {
    rules.case_sensitive && !rules.normalizes_unicode
}

/// How much text is in a piece, as a power of two.
const PIECE_BITS: u32 = 20;

/// Texts one after the other, in pieces so that growing copies nothing.
#[derive(Clone, Hash, Debug, Default)]
struct Texts {
    pieces: Vec<String>,
    /// Where each text ends: its piece, and where in it. It begins where the one before it ends, or
    /// with its piece.
    ends: Chunks<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) -> u32 {
        let id = u32::try_from(self.ends.len()).expect("fewer than 2^32 names");
        let most = (1 << PIECE_BITS) - 1;
        let fits = |piece: &String| piece.len() + text.len() <= most;
        if !self.pieces.last().is_some_and(fits) {
            // The first piece grows as it is needed.
            let room = if self.pieces.is_empty() { 0 } else { most };
            self.pieces.push(String::with_capacity(room));
        }
        let piece = self.pieces.len() - 1;
        let last = &mut self.pieces[piece];
        last.push_str(text);
        assert!(last.len() <= most, "a name under 1 MiB");
        let end = (piece << PIECE_BITS) | last.len();
        self.ends
            .push(u32::try_from(end).expect("names under 4 GiB"));
        id
    }

    fn get(&self, id: u32) -> &str {
        let split = |end: u32| (end >> PIECE_BITS, (end & ((1 << PIECE_BITS) - 1)) as usize);
        let (piece, end) = split(self.ends[id as usize]);
        let before = id
            .checked_sub(1)
            .map(|before| split(self.ends[before as usize]));
        let start = before.map_or(0, |(other, end)| if other == piece { end } else { 0 });
        &self.pieces[piece as usize][start..end]
    }
}
