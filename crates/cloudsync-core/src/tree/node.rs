//! A node: an object as one side last told of it.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use crate::object::{Attributes, Kind};
use crate::record::EntryId;
use crate::tree::contents::ContentId;
use crate::tree::names::NameId;

/// A node of one tree. Ids are re-used after a node was freed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(NonZeroU32);

impl NodeId {
    /// The root of a tree.
    pub const ROOT: NodeId = NodeId(NonZeroU32::MIN);
    /// The largest one there can be.
    pub(crate) const LAST: NodeId = NodeId(NonZeroU32::MAX);

    pub(super) fn from_index(index: usize) -> Self {
        let id = u32::try_from(index).ok().and_then(NonZeroU32::new);
        Self(id.expect("between 1 and 2^32 nodes"))
    }

    pub(super) fn from_number(number: u32) -> Self {
        Self(NonZeroU32::new(number).expect("not zero"))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize
    }

    /// Returns the id as a number, for hashing and sorting.
    pub(crate) fn number(self) -> u32 {
        self.0.get()
    }
}

/// When something was seen or done: the number of the input that told of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Tick(u32);

/// As a number that only grows, of which a digest of a world is to have no more than the order: nothing else is
/// written with so many bits.
impl Hash for Tick {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.0.into());
    }
}

impl Tick {
    /// Goes on to the next one.
    pub(crate) fn advance(&mut self) {
        self.0 += 1;
    }
}

/// Whether an object is where its node says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Presence {
    /// It is.
    Present,
    /// Its place was looked at and does not hold it; it may be somewhere else.
    Gone,
    /// It is nowhere on this side: there is evidence.
    Absent,
}

/// A yes or no about a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Mark {
    /// For folders: all that is in it is known.
    Listed = 1 << 2,
    /// A hint said that it may have changed, and it was not looked at since.
    Doubtful = 1 << 3,
    /// Its tag cannot show a change in the same clock tick yet.
    Racy = 1 << 4,
    /// Its oid also names another node (a hard link): it is not found by it.
    Unindexed = 1 << 5,
    /// Its absence was confirmed right before use.
    Verified = 1 << 7,
}

/// An object as one side last told of it. Never a full path. There are two of them for each object,
/// so they are packed; id and tag are kept beside them.
#[derive(Clone, Hash, Debug)]
pub struct Node {
    pub(super) parent: Option<NodeId>,
    pub(super) name: NameId,
    pub(super) next: Option<NodeId>,
    pub(super) previous: Option<NodeId>,
    /// The entry it belongs to.
    pub entry: EntryId,
    /// The look at its folder in which it was last met.
    pub seen: Tick,
    /// Of a file its content, of a folder its first child.
    below: Option<NonZeroU32>,
    mode: u16,
    /// The presence, and all [`Mark`]s.
    marks: u8,
    /// File or folder.
    pub kind: Kind,
    /// Of a file its size, of a folder how many nodes and agreements name it as theirs.
    extent: u64,
    mtime: i64,
}

const NO_MTIME: i64 = i64::MIN;
const NO_MODE: u16 = u16::MAX;
const PRESENCE: u8 = 0b11;

impl Node {
    pub(super) fn new(parent: Option<NodeId>, name: NameId, entry: EntryId, kind: Kind) -> Self {
        Self {
            parent,
            name,
            next: None,
            previous: None,
            entry,
            seen: Tick::default(),
            below: None,
            mode: NO_MODE,
            marks: 0,
            kind,
            extent: 0,
            mtime: NO_MTIME,
        }
    }

    /// Returns the folder it is, or was last, in. `None` for the root.
    pub fn parent(&self) -> Option<NodeId> {
        self.parent
    }

    /// Returns the name it has, or had last.
    pub fn name(&self) -> NameId {
        self.name
    }

    /// Returns whether it is where it says.
    pub fn presence(&self) -> Presence {
        match self.marks & PRESENCE {
            0 => Presence::Present,
            1 => Presence::Gone,
            _ => Presence::Absent,
        }
    }

    pub(super) fn set_presence(&mut self, presence: Presence) {
        self.marks = self.marks & !PRESENCE | presence as u8;
    }

    /// Returns true if it is where it says.
    pub fn is_present(&self) -> bool {
        self.presence() == Presence::Present
    }

    /// Returns whether a mark is on it.
    pub fn is(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    /// Puts a mark on it, or takes it off.
    pub fn set(&mut self, mark: Mark, on: bool) {
        self.marks = self.marks & !(mark as u8) | if on { mark as u8 } else { 0 };
    }

    /// Returns the bytes of a file's content; 0 for folders.
    pub fn size(&self) -> u64 {
        match self.kind {
            Kind::File => self.extent,
            Kind::Folder => 0,
        }
    }

    pub(super) fn set_size(&mut self, size: u64) {
        if self.kind == Kind::File {
            self.extent = size;
        }
    }

    /// Returns what a file holds, if known.
    pub fn content(&self) -> Option<ContentId> {
        let content = self.below.filter(|_| self.kind == Kind::File);
        content.map(ContentId::from_number)
    }

    /// Sets what a file holds. Folders hold nothing.
    pub fn set_content(&mut self, content: Option<ContentId>) {
        if self.kind == Kind::File {
            self.below = content.map(ContentId::number);
        }
    }

    /// Returns the first of a folder's children.
    pub(super) fn first_child(&self) -> Option<NodeId> {
        let first = self.below.filter(|_| self.kind == Kind::Folder);
        first.map(NodeId)
    }

    pub(super) fn set_first_child(&mut self, first: Option<NodeId>) {
        debug_assert!(self.kind == Kind::Folder);
        self.below = first.map(|first| first.0);
    }

    /// Returns how many nodes and agreements name a folder as theirs.
    pub(super) fn holds(&self) -> u64 {
        match self.kind {
            Kind::File => 0,
            Kind::Folder => self.extent,
        }
    }

    /// Counts one more that names this folder as its own.
    pub(super) fn hold(&mut self) {
        debug_assert!(self.kind == Kind::Folder);
        self.extent += 1;
    }

    /// Counts one less.
    pub(super) fn release(&mut self) {
        debug_assert!(self.kind == Kind::Folder);
        self.extent -= 1;
    }

    /// Returns times and mode.
    pub fn attributes(&self) -> Attributes {
        Attributes {
            mtime: self.mtime(),
            mode: (self.mode != NO_MODE).then_some(u32::from(self.mode)),
        }
    }

    pub(super) fn mtime(&self) -> Option<i64> {
        (self.mtime != NO_MTIME).then_some(self.mtime)
    }

    /// Sets times and mode. A tag is kept without the mtime: it has to be set too.
    pub(super) fn set_attributes(&mut self, attributes: Attributes) {
        self.mtime = attributes.mtime.unwrap_or(NO_MTIME);
        // Permission bits fit; what does not is no mode.
        let mode = attributes.mode.and_then(|mode| u16::try_from(mode).ok());
        self.mode = mode.unwrap_or(NO_MODE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_small() {
        assert_eq!(size_of::<Node>(), 48);
    }
}
