//! An entry: one object on both sides, or on one so far, and what both sides agreed on.

use crate::object::{Attributes, Kind, Tag};
use crate::side::BySide;
use crate::tree::contents::ContentId;
use crate::tree::names::NameId;
use crate::tree::node::NodeId;

/// A row of the agreed tree with its nodes, or a lone node. What few entries have is kept beside
/// them, in [`World`](super::World).
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its node on each side.
    pub nodes: BySide<Option<NodeId>>,
    /// Whether both sides ever agreed on it. If so, both nodes are there.
    pub(super) agreed: bool,
    /// What both sides last held; `None` for folders, and while it is to be found out.
    pub(super) content: Option<ContentId>,
    /// File or folder.
    pub kind: Kind,
}

/// What was agreed on of one side.
#[derive(Clone, PartialEq, Eq, Debug)]
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
            agreed: false,
            content: None,
            kind,
        }
    }

    /// Returns whether both sides ever agreed on it.
    pub fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// Returns what both sides last held.
    pub fn content(&self) -> Option<ContentId> {
        self.content
    }
}
