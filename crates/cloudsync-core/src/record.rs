//! What a store keeps: one record an entry, and small values beside them.
//!
//! Plain data for a codec; the engine turns it into trees and back. Equal parts stand once: a remote
//! node's `name` is `None` where it is the local one's, and an agreed side is `None` where it is
//! what the node says.

use serde::{Deserialize, Serialize};

use crate::object::{Attributes, Kind, Oid, Tag};
use crate::precondition::Expect;
use crate::side::{BySide, Side};

/// An entry's number: stable over restarts, re-used only after its record was deleted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EntryId(pub u32);

impl EntryId {
    /// The entry of the two roots: always there, never stored.
    pub const ROOT: EntryId = EntryId(0);
    /// No entry: a folder that nobody has any more.
    pub const NOWHERE: EntryId = EntryId(u32::MAX);
}

/// One entry: what each side last told of it, what both agreed on, what we were about to do.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Record {
    /// File or folder.
    pub kind: Kind,
    /// What each side last told.
    pub nodes: BySide<Option<NodeRecord>>,
    /// What both sides last agreed on; `None` for an object met on one side only. If there is one node,
    /// it is withheld on the other side, and this is what both last held, if they ever did.
    pub agreed: Option<AgreedRecord>,
    /// An operation handed out whose result is not recorded, or one that is once its folder is there.
    pub intent: Option<Intent>,
}

/// A node of one tree.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Entry of the folder it is in.
    pub parent: EntryId,
    /// Name; `None` on the remote side where it equals the local one.
    pub name: Option<String>,
    /// Id; `None` on sides whose identity is the path.
    pub oid: Option<Oid>,
    /// Tag.
    pub tag: Tag,
    /// Bytes of content.
    pub size: u64,
    /// Times and mode.
    pub attributes: Attributes,
    /// Digest of the pair's hash kind, where it is known and not the agreed one.
    pub digest: Option<[u8; 32]>,
    /// If true, it was gone from this place when the record was written.
    pub gone: bool,
    /// If true, its content is the agreed one.
    pub agreed_content: bool,
    /// If true, it is a folder, and what is in it is still to be told: a feed that can resume does not
    /// tell of what was there before.
    pub unlisted: bool,
}

/// What both sides last had in common.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AgreedRecord {
    /// Bytes of content.
    pub size: u64,
    /// Digest of the pair's hash kind; `None` for folders, and where it is not known.
    pub digest: Option<[u8; 32]>,
    /// Where, and with which tag, it stood on each side; `None` where the node still says so.
    pub sides: BySide<Option<AgreedSide>>,
}

/// One side of an agreement that its node no longer shows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AgreedSide {
    /// Entry of the folder.
    pub parent: EntryId,
    /// Name.
    pub name: String,
    /// Tag.
    pub tag: Tag,
    /// Times and mode.
    pub attributes: Attributes,
}

/// The durable word that an operation was handed out, or may be at any moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// The side it changes.
    pub side: Side,
    /// What it does.
    pub act: IntendedAct,
}

/// What an intended operation does, as far as it takes to recognise afterwards that it was done.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum IntendedAct {
    /// Make a folder, or a copy of the other side's version of a conflict, at a place.
    Make {
        /// Entry of the folder it is made in.
        parent: EntryId,
        /// Its name.
        name: String,
    },
    /// Delete the node.
    Delete,
    /// Move the node to a place.
    Rename {
        /// Entry of the folder it goes to.
        parent: EntryId,
        /// The name it gets.
        name: String,
        /// Why: decides what its success means.
        purpose: RenamePurpose,
    },
    /// Write content to a place, or over the node.
    Write {
        /// Entry of the folder.
        parent: EntryId,
        /// The name.
        name: String,
        /// What was there before.
        expect: Expect,
        /// Bytes that will be there.
        size: u64,
        /// Times and mode that it will have.
        attributes: Attributes,
        /// Tag of the source object.
        source: Tag,
        /// Digest of the content, where it was known before.
        digest: Option<[u8; 32]>,
    },
    /// Write what the application made of two versions over the node, which is one of them.
    Merge {
        /// Bytes that will be there.
        size: u64,
        /// Their digest.
        digest: [u8; 32],
        /// Tag of the version that is written over.
        replaced: Tag,
        /// Tag of the other side's version, which is given up with it.
        loser: Tag,
    },
}

impl IntendedAct {
    /// Returns the place of what is there afterwards: the entry of its folder, and its name. `None` where it is
    /// that of the node.
    pub fn place(&self) -> Option<(EntryId, &str)> {
        match self {
            Self::Make { parent, name }
            | Self::Rename { parent, name, .. }
            | Self::Write { parent, name, .. } => Some((*parent, name)),
            Self::Delete | Self::Merge { .. } => None,
        }
    }

    /// Returns true if a version of the entry may be what we wrote, once it is known that this alone does not tell.
    pub(crate) fn may_be_our_own(&self) -> bool {
        let of_own = RenamePurpose::SplitOwn;
        match self {
            Self::Write { .. } => true,
            Self::Rename { purpose, .. } => *purpose == of_own,
            Self::Make { .. } | Self::Delete | Self::Merge { .. } => false,
        }
    }

    /// Returns the entry of the folder that [`place`](Self::place) names.
    pub(crate) fn folder_mut(&mut self) -> Option<&mut EntryId> {
        match self {
            Self::Make { parent, .. }
            | Self::Rename { parent, .. }
            | Self::Write { parent, .. } => Some(parent),
            Self::Delete | Self::Merge { .. } => None,
        }
    }
}

/// Why a node is renamed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum RenamePurpose {
    /// The other side moved it.
    Carry,
    /// It lost a conflict: it gets a name of its own and leaves its entry.
    Split,
    /// It frees its place for another of a cycle, under a name of ours.
    Park,
    /// The user's move cannot stand (two folders moved into each other) and is taken back.
    Undo,
    /// As [`Split`](Self::Split), of two versions of which one may be ours: so it stays until the two are apart.
    SplitOwn,
}

/// Names a batch in the answer to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BatchId(pub u64);

/// What is to become durable at once, or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Names it in the answer.
    pub id: BatchId,
    /// Sides to flush before it is applied: it claims what lies on them.
    pub flush: BySide<bool>,
    /// If true, all records and values are dropped first.
    pub clear: bool,
    /// Records to write, each in place of an older one.
    pub puts: Vec<(EntryId, Record)>,
    /// Records to drop.
    pub deletes: Vec<EntryId>,
    /// Small values to write, or to drop.
    pub values: Vec<(String, Option<Vec<u8>>)>,
}

/// What was found in a store at the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// All records, in the order of their ids.
    pub entries: Vec<(EntryId, Record)>,
    /// The small values.
    pub values: Vec<(String, Vec<u8>)>,
}
