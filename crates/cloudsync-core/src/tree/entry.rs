//! An entry: one object on both sides, on one so far, or on one for good, and what both sides agreed
//! on.

use crate::object::{Attributes, Kind, Tag};
use crate::side::{BySide, Side};
use crate::tree::contents::ContentId;
use crate::tree::names::NameId;
use crate::tree::node::NodeId;

/// A row of the agreed tree with its nodes, or a lone node. What few entries have is kept beside
/// them, in [`World`](super::World).
#[derive(Clone, Hash, Debug)]
pub struct Entry {
    /// Its node on each side.
    pub nodes: BySide<Option<NodeId>>,
    /// How the two sides stand to it.
    pub(super) bond: Bond,
    /// What both sides last held; `None` for folders, and while it is to be found out.
    pub(super) content: Option<ContentId>,
    /// File or folder.
    pub kind: Kind,
}

/// How the two sides stand to an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Bond {
    /// They never agreed on it: a lone node.
    Lone,
    /// A row of two nodes: both agreed on it.
    Agreed,
    /// A row of one node: it is not to be on this side. Whatever its node says is agreed on; only what
    /// both sides last held is kept, if they ever did.
    Withheld(Side),
}

/// What was agreed on of one side.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AgreedSide {
    /// The folder.
    pub parent: NodeId,
    /// The name.
    pub name: NameId,
    /// The tag.
    pub tag: Tag,
    /// Times and mode.
    pub attributes: Attributes,
}

impl Entry {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            nodes: BySide::default(),
            bond: Bond::Lone,
            content: None,
            kind,
        }
    }

    /// Returns whether both sides have it and agreed on it. If so, both nodes are there.
    pub fn is_agreed(&self) -> bool {
        self.bond == Bond::Agreed
    }

    /// Returns the side on which it is not to be. If there is one, it has no node there.
    pub fn withheld_on(&self) -> Option<Side> {
        match self.bond {
            Bond::Withheld(side) => Some(side),
            Bond::Lone | Bond::Agreed => None,
        }
    }

    /// Returns whether it is a row: the sides agreed on it, or that one of them has it alone.
    pub fn is_row(&self) -> bool {
        self.bond != Bond::Lone
    }

    /// Returns what both sides last held; of what is withheld, if they ever did.
    pub fn content(&self) -> Option<ContentId> {
        self.content
    }
}
