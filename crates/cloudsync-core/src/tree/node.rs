//! A node: an object as one side last told of it.

use std::num::NonZeroU32;

use crate::object::{Attributes, Kind, Observed, Oid, Tag};
use crate::record::EntryId;
use crate::tree::contents::ContentId;
use crate::tree::names::NameId;

/// A node of one tree. Ids are re-used after a node was freed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(NonZeroU32);

impl NodeId {
    /// The root of a tree.
    pub const ROOT: NodeId = NodeId(NonZeroU32::MIN);

    pub(super) fn from_index(index: usize) -> Self {
        let id = u32::try_from(index).ok().and_then(NonZeroU32::new);
        Self(id.expect("between 1 and 2^32 nodes"))
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
pub type Tick = u32;

/// Whether an object is where its node says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// It is.
    Present,
    /// Its place was looked at and does not hold it; it may be somewhere else.
    Gone,
    /// It is nowhere on this side: there is evidence.
    Absent,
}

/// An object as one side last told of it. Never a full path.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) parent: Option<NodeId>,
    pub(super) name: NameId,
    pub(super) first_child: Option<NodeId>,
    pub(super) next: Option<NodeId>,
    pub(super) previous: Option<NodeId>,
    /// Nodes and agreements that name this one as their folder.
    pub(super) holds: u32,
    pub(super) presence: Presence,
    /// Its id, unless `unindexed`.
    pub oid: Oid,
    /// Did it change at all?
    pub tag: Tag,
    /// Bytes.
    pub size: u64,
    mtime: i64,
    mode: u32,
    /// What it holds, if known.
    pub content: Option<ContentId>,
    /// The entry it belongs to.
    pub entry: EntryId,
    /// When it was last changed by us, or something in it was.
    pub touched: Tick,
    /// When it was last found, or put, at another place: what was asked by path before is void.
    pub moved: Tick,
    /// The look at its folder in which it was last met.
    pub seen: Tick,
    /// File or folder.
    pub kind: Kind,
    /// For folders: all that is in it is known.
    pub listed: bool,
    /// A hint said that it may have changed, and it was not looked at since.
    pub doubtful: bool,
    /// Its tag cannot show a change in the same clock tick yet.
    pub racy: bool,
    /// Its oid also names another node (a hard link): it is not found by it.
    pub unindexed: bool,
    /// A folder made only to hold something translated into it: neither paired nor carried over.
    pub carrier: bool,
    /// Its absence was confirmed right before use.
    pub verified: bool,
}

const NO_MTIME: i64 = i64::MIN;
const NO_MODE: u32 = u32::MAX;

impl Node {
    pub(super) fn new(
        parent: Option<NodeId>,
        name: NameId,
        entry: EntryId,
        seen: &Observed,
    ) -> Self {
        let mut node = Self {
            parent,
            name,
            first_child: None,
            next: None,
            previous: None,
            holds: 0,
            presence: Presence::Present,
            oid: seen.oid.clone(),
            tag: Tag::default(),
            size: 0,
            mtime: NO_MTIME,
            mode: NO_MODE,
            content: None,
            entry,
            touched: 0,
            moved: 0,
            seen: 0,
            kind: seen.kind,
            listed: false,
            doubtful: false,
            racy: false,
            unindexed: false,
            carrier: false,
            verified: false,
        };
        node.take(seen);
        node
    }

    /// Takes over tag, size, attributes and raciness; not the content.
    pub(super) fn take(&mut self, seen: &Observed) {
        self.tag = seen.tag.clone();
        self.size = seen.size;
        self.racy = seen.racy;
        self.set_attributes(seen.attributes);
    }

    /// Returns times and mode.
    pub fn attributes(&self) -> Attributes {
        Attributes {
            mtime: (self.mtime != NO_MTIME).then_some(self.mtime),
            mode: (self.mode != NO_MODE).then_some(self.mode),
        }
    }

    pub(super) fn set_attributes(&mut self, attributes: Attributes) {
        self.mtime = attributes.mtime.unwrap_or(NO_MTIME);
        self.mode = attributes.mode.unwrap_or(NO_MODE);
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
        self.presence
    }

    /// Returns true if it is where it says.
    pub fn is_present(&self) -> bool {
        self.presence == Presence::Present
    }
}
