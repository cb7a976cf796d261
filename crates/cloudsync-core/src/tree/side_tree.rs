//! One side's tree: nodes, and where to find them by id and by place.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use crate::object::{Attributes, Kind, Observed, Oid, Tag};
use crate::record::EntryId;
use crate::rules::Identity;
use crate::side::Side;
use crate::tree::hash;
use crate::tree::names::{NameId, Names};
use crate::tree::node::{Node, NodeId, Presence};

/// One side's tree. Present nodes have a place of their own; those that are gone from it keep it as
/// a memory and are found as ghosts.
#[derive(Clone, Debug)]
pub struct SideTree {
    side: Side,
    identity: Identity,
    nodes: Vec<Node>,
    /// Ids to be used again, and those that somebody may still ask about.
    free: Vec<NodeId>,
    freed: Vec<NodeId>,
    /// How many nodes are kept only because others name them as their folder.
    memories: usize,
    by_oid: HashTable<NodeId>,
    by_place: HashTable<NodeId>,
    ghosts: BTreeMap<(NodeId, NameId), Vec<NodeId>>,
    present: usize,
}

impl SideTree {
    pub(super) fn new(side: Side, identity: Identity, names: &mut Names) -> Self {
        let seen = folder_of_no_id();
        let root = Node::new(None, names.intern(""), EntryId::ROOT, &seen);
        Self {
            side,
            identity,
            nodes: vec![root.clone(), root],
            free: Vec::new(),
            freed: Vec::new(),
            memories: 0,
            by_oid: HashTable::new(),
            by_place: HashTable::new(),
            ghosts: BTreeMap::new(),
            present: 0,
        }
    }

    /// Returns a node.
    pub fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Returns a node, to change what is not indexed.
    pub fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    /// Returns true if ids tell objects apart, whatever their names.
    pub fn has_ids(&self) -> bool {
        self.identity == Identity::Stable
    }

    /// Returns how many objects are present, without the root.
    pub fn len(&self) -> usize {
        self.present
    }

    /// Returns true if nothing is present but the root.
    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Finds a node by id: present, gone or absent. Never on sides whose identity is the path.
    pub fn by_oid(&self, oid: &Oid) -> Option<NodeId> {
        if self.identity == Identity::Path {
            return None;
        }
        let key = hash::bytes(oid.as_bytes());
        self.by_oid
            .find(key, |&id| self.get(id).oid == *oid)
            .copied()
    }

    /// Finds the present node at a place, by the side's own comparison of names.
    pub fn child(&self, names: &Names, folder: NodeId, name: NameId) -> Option<NodeId> {
        let folded = names.folded(self.side, name);
        let key = hash::pair(folder.number(), folded.number());
        let here = |&id: &NodeId| {
            let node = self.get(id);
            node.parent == Some(folder) && names.folded(self.side, node.name) == folded
        };
        self.by_place.find(key, here).copied()
    }

    /// Returns the nodes that were last at a place and are not there any more.
    pub fn ghosts(&self, names: &Names, folder: NodeId, name: NameId) -> &[NodeId] {
        let key = (folder, names.folded(self.side, name));
        self.ghosts.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Returns the present children of a folder.
    pub fn children(&self, folder: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.get(folder).first_child, |&id| self.get(id).next)
    }

    /// Returns the ancestors of a node, its folder first, the root last.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.get(id).parent, |&id| self.get(id).parent)
    }

    /// Returns true if `id` is `folder` or below it.
    pub fn is_within(&self, id: NodeId, folder: NodeId) -> bool {
        id == folder || self.ancestors(id).any(|ancestor| ancestor == folder)
    }

    /// Returns the path of a node, relative to the root; where it was last, if it is gone.
    pub fn path(&self, names: &Names, id: NodeId) -> String {
        let mut parts: Vec<&str> = Vec::new();
        let mut at = id;
        while let Some(parent) = self.get(at).parent {
            parts.push(names.get(self.get(at).name));
            at = parent;
        }
        parts.reverse();
        parts.join("/")
    }

    /// Adds a present node. The place must be free.
    pub(super) fn insert(
        &mut self,
        names: &Names,
        folder: NodeId,
        name: NameId,
        entry: EntryId,
        seen: &Observed,
    ) -> NodeId {
        let id = self.allocate(Node::new(Some(folder), name, entry, seen));
        self.link(names, id);
        id
    }

    /// Adds a node that is gone from its place.
    pub(super) fn insert_ghost(
        &mut self,
        names: &Names,
        folder: NodeId,
        name: NameId,
        entry: EntryId,
        seen: &Observed,
    ) -> NodeId {
        let id = self.allocate(Node::new(Some(folder), name, entry, seen));
        self.get_mut(id).presence = Presence::Gone;
        let key = (folder, names.folded(self.side, name));
        self.ghosts.entry(key).or_default().push(id);
        id
    }

    /// Adds a folder that no entry has, and that is freed with the last one that names it as its folder.
    pub(super) fn memory(&mut self, names: &mut Names) -> NodeId {
        let seen = folder_of_no_id();
        let mut node = Node::new(
            Some(NodeId::ROOT),
            names.intern(".cloudsync-nowhere"),
            NO_ENTRY,
            &seen,
        );
        node.unindexed = true;
        node.presence = Presence::Absent;
        self.memories += 1;
        self.keep(node)
    }

    fn allocate(&mut self, node: Node) -> NodeId {
        let id = self.keep(node);
        self.index_oid(id);
        id
    }

    fn keep(&mut self, node: Node) -> NodeId {
        let folder = node.parent.expect("not the root");
        let id = if let Some(id) = self.free.pop() {
            self.nodes[id.index()] = node;
            id
        } else {
            self.nodes.push(node);
            NodeId::from_index(self.nodes.len() - 1)
        };
        self.get_mut(folder).holds += 1;
        id
    }

    fn index_oid(&mut self, id: NodeId) {
        if self.identity == Identity::Path {
            self.get_mut(id).oid = Oid::default();
            return;
        }
        let oid = self.get(id).oid.clone();
        match self.by_oid(&oid) {
            None => {
                let Self { by_oid, nodes, .. } = self;
                let key = |id: &NodeId| hash::bytes(nodes[id.index()].oid.as_bytes());
                by_oid.insert_unique(key(&id), id, key);
            }
            // The id was given to a new object: the old one is no longer found by it.
            Some(old) if !self.get(old).is_present() => {
                self.unindex_oid(old);
                self.get_mut(old).unindexed = true;
                self.index_oid(id);
            }
            Some(_) => self.get_mut(id).unindexed = true,
        }
    }

    fn unindex_oid(&mut self, id: NodeId) {
        if self.identity == Identity::Path || self.get(id).unindexed {
            return;
        }
        let key = hash::bytes(self.get(id).oid.as_bytes());
        if let Ok(entry) = self.by_oid.find_entry(key, |&other| other == id) {
            entry.remove();
        }
    }

    /// Gives a node another id (a file replaced under its name).
    pub(super) fn set_oid(&mut self, id: NodeId, oid: &Oid) {
        if self.identity == Identity::Path || self.get(id).oid == *oid {
            return;
        }
        self.unindex_oid(id);
        let node = self.get_mut(id);
        node.oid = oid.clone();
        node.unindexed = false;
        if id != NodeId::ROOT || !oid.as_bytes().is_empty() {
            self.index_oid(id);
        }
    }

    fn link(&mut self, names: &Names, id: NodeId) {
        let (folder, name) = (
            self.get(id).parent.expect("not the root"),
            self.get(id).name,
        );
        debug_assert!(
            self.child(names, folder, name).is_none(),
            "the place is free"
        );
        let first = self.get(folder).first_child;
        if let Some(first) = first {
            self.get_mut(first).previous = Some(id);
        }
        let node = self.get_mut(id);
        node.next = first;
        node.previous = None;
        node.presence = Presence::Present;
        node.verified = false;
        self.get_mut(folder).first_child = Some(id);
        self.present += 1;
        let Self {
            by_place,
            nodes,
            side,
            ..
        } = self;
        let key = |id: &NodeId| {
            let node = &nodes[id.index()];
            let folder = node.parent.expect("not the root");
            hash::pair(folder.number(), names.folded(*side, node.name).number())
        };
        by_place.insert_unique(key(&id), id, key);
    }

    /// Takes a present node from its place: it becomes a ghost, gone and not yet absent.
    pub(super) fn detach(&mut self, names: &Names, id: NodeId) {
        self.unlink(names, id);
        let node = self.get_mut(id);
        node.presence = Presence::Gone;
        node.doubtful = false;
        let (folder, name) = (node.parent.expect("not the root"), node.name);
        let key = (folder, names.folded(self.side, name));
        self.ghosts.entry(key).or_default().push(id);
    }

    fn unlink(&mut self, names: &Names, id: NodeId) {
        let node = self.get(id);
        let folder = node.parent.expect("the root stays");
        let (next, previous) = (node.next, node.previous);
        let key = hash::pair(folder.number(), names.folded(self.side, node.name).number());
        match self.by_place.find_entry(key, |&other| other == id) {
            Ok(entry) => drop(entry.remove()),
            Err(_) => unreachable!("a present node is found at its place"),
        }
        match previous {
            Some(previous) => self.get_mut(previous).next = next,
            None => self.get_mut(folder).first_child = next,
        }
        if let Some(next) = next {
            self.get_mut(next).previous = previous;
        }
        let node = self.get_mut(id);
        node.next = None;
        node.previous = None;
        self.present -= 1;
    }

    fn leave_ghosts(&mut self, names: &Names, id: NodeId) {
        let node = self.get(id);
        let Some(folder) = node.parent else { return };
        let key = (folder, names.folded(self.side, node.name));
        if let Some(here) = self.ghosts.get_mut(&key) {
            here.retain(|&other| other != id);
            if here.is_empty() {
                self.ghosts.remove(&key);
            }
        }
    }

    /// Puts a node at a place, which must be free. It may be present elsewhere, gone or absent.
    pub(super) fn attach(&mut self, names: &Names, id: NodeId, folder: NodeId, name: NameId) {
        debug_assert!(!self.is_within(folder, id), "no cycle of folders");
        if self.get(id).is_present() {
            self.unlink(names, id);
        } else {
            self.leave_ghosts(names, id);
        }
        let old = self.get(id).parent.expect("the root stays");
        let node = self.get_mut(id);
        node.parent = Some(folder);
        node.name = name;
        self.get_mut(folder).holds += 1;
        self.link(names, id);
        self.release(names, old);
    }

    /// Lets a ghost have last been in another folder.
    pub(super) fn rehome_ghost(&mut self, names: &Names, id: NodeId, folder: NodeId) {
        self.leave_ghosts(names, id);
        let node = self.get(id);
        let old = node.parent.expect("not the root");
        let key = (folder, names.folded(self.side, node.name));
        self.get_mut(id).parent = Some(folder);
        self.ghosts.entry(key).or_default().push(id);
        self.hold(folder);
        self.release(names, old);
    }

    /// Says that there is evidence that a gone node is nowhere.
    pub(super) fn set_absent(&mut self, id: NodeId) {
        debug_assert!(!self.get(id).is_present());
        self.get_mut(id).presence = Presence::Absent;
    }

    /// Says that an absent node may be somewhere after all.
    pub(super) fn set_gone(&mut self, id: NodeId) {
        debug_assert!(!self.get(id).is_present());
        self.get_mut(id).presence = Presence::Gone;
    }

    /// Counts one more that names this node as its folder.
    pub(super) fn hold(&mut self, id: NodeId) {
        self.get_mut(id).holds += 1;
    }

    /// Counts one less, and frees the node if nobody needs it any more.
    pub(super) fn release(&mut self, names: &Names, id: NodeId) {
        self.get_mut(id).holds -= 1;
        self.free_if_unused(names, id);
    }

    /// Says that no entry has this node any more.
    pub(super) fn disown(&mut self, names: &Names, id: NodeId) {
        if self.get(id).is_present() {
            self.detach(names, id);
        }
        self.unindex_oid(id);
        let node = self.get_mut(id);
        node.unindexed = true;
        node.presence = Presence::Absent;
        node.entry = NO_ENTRY;
        self.memories += 1;
        self.leave_ghosts(names, id);
        self.free_if_unused(names, id);
    }

    fn free_if_unused(&mut self, names: &Names, id: NodeId) {
        let node = self.get(id);
        if node.holds > 0 || node.entry != NO_ENTRY {
            return;
        }
        let parent = node.parent;
        self.freed.push(id);
        self.memories -= 1;
        if let Some(parent) = parent {
            self.release(names, parent);
        }
    }

    /// Lets the ids of freed nodes be used again: nobody has one of them any more. Returns true if no
    /// place is known in a folder that is no more.
    pub(super) fn recycle(&mut self) -> bool {
        self.free.append(&mut self.freed);
        self.memories == 0
    }

    /// Returns true if the node exists: an id that was kept may name one that was freed since.
    pub fn is_live(&self, id: NodeId) -> bool {
        id.index() < self.nodes.len() && self.get(id).entry != NO_ENTRY
    }

    /// Returns all present and ghostly nodes, without the root, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        (2..self.nodes.len())
            .map(NodeId::from_index)
            .filter(|&id| self.is_live(id))
    }
}

fn folder_of_no_id() -> Observed {
    Observed {
        oid: Oid::default(),
        kind: Kind::Folder,
        tag: Tag::default(),
        size: 0,
        attributes: Attributes::default(),
        hash: None,
        racy: false,
    }
}

/// The entry of a node that is kept only because others name it as their folder.
const NO_ENTRY: EntryId = EntryId(u32::MAX);
