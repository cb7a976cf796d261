//! One side's tree: nodes, and where to find them by id and by place.

use std::collections::BTreeMap;
use std::ops::Deref;

use crate::object::{Kind, Observed, Oid, Tag};
use crate::record::EntryId;
use crate::rules::Identity;
use crate::side::Side;
use crate::tree::chunks::Chunks;
use crate::tree::column::Column;
use crate::tree::hash;
use crate::tree::index::Index;
use crate::tree::names::{NameId, Names};
use crate::tree::node::{Mark, Node, NodeId, Presence, Tick};
use crate::tree::tags::Tags;

/// One side's tree. Present nodes have a place of their own; those that are gone from it keep it as
/// a memory and are found as ghosts.
#[derive(Clone, Hash, Debug)]
pub struct SideTree {
    side: Side,
    identity: Identity,
    nodes: Chunks<Node>,
    oids: Column,
    tags: Tags,
    /// Ids to be used again, and those that somebody may still ask about.
    free: Vec<NodeId>,
    freed: Vec<NodeId>,
    /// How many nodes are kept only because others name them as their folder.
    memories: usize,
    by_oid: Index,
    by_place: Index,
    changes: BTreeMap<NodeId, Changes>,
    ghosts: BTreeMap<(NodeId, NameId), Vec<NodeId>>,
    present: usize,
}

/// A node, with what its tree keeps beside it.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'a> {
    tree: &'a SideTree,
    id: NodeId,
}

/// When we changed a node. Kept only while an answer may come that was asked for before.
#[derive(Clone, Copy, Hash, Debug, Default)]
struct Changes {
    touched: Tick,
    moved: Tick,
}

impl NodeRef<'_> {
    /// Returns its id; the empty one on sides whose identity is the path.
    pub fn oid(&self) -> Oid {
        self.tree.oids.with(self.id.index(), |oid| Oid::new(oid))
    }

    /// Returns its tag: did it change at all?
    pub fn tag(&self) -> Tag {
        self.tree.tags.get(self.id.index(), self.mtime())
    }

    /// Returns whether this is its tag.
    pub fn has_tag(&self, tag: &Tag) -> bool {
        self.tree.tags.is(self.id.index(), tag, self.mtime())
    }

    /// Returns when it was last changed by us, or something in it was.
    pub fn touched(&self) -> Tick {
        self.changes().touched
    }

    /// Returns when it was last found, or put, at another place: what was asked by path before is
    /// void.
    pub fn moved(&self) -> Tick {
        self.changes().moved
    }

    fn changes(&self) -> Changes {
        self.tree.changes.get(&self.id).copied().unwrap_or_default()
    }
}

impl Deref for NodeRef<'_> {
    type Target = Node;
    fn deref(&self) -> &Node {
        self.tree.node(self.id)
    }
}

impl SideTree {
    pub(super) fn new(side: Side, identity: Identity, names: &mut Names) -> Self {
        let root = Node::new(None, names.intern(""), EntryId::ROOT, Kind::Folder);
        let mut nodes = Chunks::default();
        // Ids begin with 1.
        nodes.push(root.clone());
        nodes.push(root);
        Self {
            side,
            identity,
            nodes,
            oids: Column::default(),
            tags: Tags::default(),
            free: Vec::new(),
            freed: Vec::new(),
            memories: 0,
            by_oid: Index::default(),
            by_place: Index::default(),
            changes: BTreeMap::new(),
            ghosts: BTreeMap::new(),
            present: 0,
        }
    }

    /// Makes room for so many, where there are none yet but the root.
    pub(super) fn reserve(&mut self, names: &Names, nodes: usize) {
        let oids = &self.oids;
        self.by_oid
            .reserve(nodes, |id| oids.with(id as usize, hash::bytes));
        let (all, side) = (&self.nodes, self.side);
        self.by_place
            .reserve(nodes, |id| place_hash(names, side, &all[id as usize]));
    }

    /// Returns a node.
    pub fn get(&self, id: NodeId) -> NodeRef<'_> {
        NodeRef { tree: self, id }
    }

    fn node(&self, id: NodeId) -> &Node {
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
        let oid = oid.as_bytes();
        let is_it = |id: u32| self.oids.is(id as usize, oid);
        self.by_oid
            .find(hash::bytes(oid), is_it)
            .map(NodeId::from_number)
    }

    /// Finds a node by id, as [`SideTree::by_oid`], where it is probably the one at `here`.
    pub fn by_oid_or_here(&self, oid: &Oid, here: Option<NodeId>) -> Option<NodeId> {
        let is_it = |&id: &NodeId| {
            self.identity == Identity::Stable
                && !self.node(id).is(Mark::Unindexed)
                && self.oids.is(id.index(), oid.as_bytes())
        };
        here.filter(is_it).or_else(|| self.by_oid(oid))
    }

    /// Finds the present node at a place, by the side's own comparison of names.
    pub fn child(&self, names: &Names, folder: NodeId, name: NameId) -> Option<NodeId> {
        let folded = names.folded(self.side, name);
        let key = hash::pair(folder.number(), folded.number());
        let here = |id: u32| {
            let node = &self.nodes[id as usize];
            node.parent == Some(folder) && names.folded(self.side, node.name) == folded
        };
        self.by_place.find(key, here).map(NodeId::from_number)
    }

    /// Returns the nodes that were last at a place and are not there any more.
    pub fn ghosts(&self, names: &Names, folder: NodeId, name: NameId) -> &[NodeId] {
        let key = (folder, names.folded(self.side, name));
        self.ghosts.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Returns the present children of a folder.
    pub fn children(&self, folder: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.node(folder).first_child(), |&id| self.node(id).next)
    }

    /// Returns the child that came into its folder after this one: probably the next one of a listing.
    pub fn next_child(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).previous
    }

    /// Returns the ancestors of a node, its folder first, the root last.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.node(id).parent, |&id| self.node(id).parent)
    }

    /// Returns true if `id` is `folder` or below it.
    pub fn is_within(&self, id: NodeId, folder: NodeId) -> bool {
        id == folder || self.ancestors(id).any(|ancestor| ancestor == folder)
    }

    /// Returns the path of a node, relative to the root; where it was last, if it is gone.
    pub fn path(&self, names: &Names, id: NodeId) -> String {
        let parts = || {
            let with_parent = |at: NodeId| self.node(at).parent.map(|parent| (at, parent));
            let chain =
                std::iter::successors(with_parent(id), move |&(_, parent)| with_parent(parent));
            chain.map(|(at, _)| names.get(self.node(at).name).as_bytes())
        };
        // Of the right length at once, and written from its end.
        let len: usize = parts().map(|part| part.len() + 1).sum();
        let mut path = vec![b'/'; len.saturating_sub(1)];
        let mut end = path.len();
        for part in parts() {
            path[end - part.len()..end].copy_from_slice(part);
            end = (end - part.len()).saturating_sub(1);
        }
        String::from_utf8(path).expect("names are text")
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
        let id = self.allocate(folder, name, entry, seen);
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
        let id = self.allocate(folder, name, entry, seen);
        self.get_mut(id).set_presence(Presence::Gone);
        let key = (folder, names.folded(self.side, name));
        self.ghosts.entry(key).or_default().push(id);
        id
    }

    /// Adds a folder that no entry has, and that is freed with the last one that names it as its folder.
    pub(super) fn memory(&mut self, names: &mut Names) -> NodeId {
        let name = names.intern(NOWHERE);
        let mut node = Node::new(Some(NodeId::ROOT), name, NO_ENTRY, Kind::Folder);
        node.set(Mark::Unindexed, true);
        node.set_presence(Presence::Absent);
        self.memories += 1;
        self.keep(node)
    }

    /// Returns true for a folder that is a memory from the start: nobody knows where it was.
    pub fn is_nowhere(&self, names: &Names, id: NodeId) -> bool {
        !self.is_live(id) && names.get(self.get(id).name) == NOWHERE
    }

    fn allocate(
        &mut self,
        folder: NodeId,
        name: NameId,
        entry: EntryId,
        seen: &Observed,
    ) -> NodeId {
        let id = self.keep(Node::new(Some(folder), name, entry, seen.kind));
        self.take(id, seen);
        if self.identity == Identity::Stable {
            self.oids.set(id.index(), seen.oid.as_bytes());
            self.index_oid(id);
        }
        id
    }

    fn keep(&mut self, node: Node) -> NodeId {
        let folder = node.parent.expect("not the root");
        let id = if let Some(id) = self.free.pop() {
            self.nodes[id.index()] = node;
            self.oids.set(id.index(), &[]);
            self.tags.set(id.index(), &Tag::default(), None);
            self.changes.remove(&id);
            id
        } else {
            self.nodes.push(node);
            NodeId::from_index(self.nodes.len() - 1)
        };
        self.hold(folder);
        id
    }

    /// Takes over tag, size, attributes and raciness; not the content.
    pub(super) fn take(&mut self, id: NodeId, seen: &Observed) {
        let node = self.get_mut(id);
        node.set_size(seen.size);
        node.set(Mark::Racy, seen.racy);
        node.set_attributes(seen.attributes);
        let mtime = node.mtime();
        self.tags.set(id.index(), &seen.tag, mtime);
    }

    /// Notes when a node, or something in it, was changed by us.
    pub fn touch(&mut self, id: NodeId, tick: Tick) {
        self.changes.entry(id).or_default().touched = tick;
    }

    /// Notes when a node was found, or put, at another place.
    pub fn note_moved(&mut self, id: NodeId, tick: Tick) {
        self.changes.entry(id).or_default().moved = tick;
    }

    /// Nothing that was asked is unanswered: when nodes were touched and moved does not matter any
    /// more.
    pub fn forget_changes(&mut self) {
        self.changes.clear();
    }

    fn index_oid(&mut self, id: NodeId) {
        let is_same = |other: u32| {
            let oids = &self.oids;
            oids.with(id.index(), |oid| oids.is(other as usize, oid))
        };
        let key = self.oid_hash(id);
        match self.by_oid.find(key, is_same).map(NodeId::from_number) {
            None => {
                let oids = &self.oids;
                let hash_of = |id: u32| oids.with(id as usize, hash::bytes);
                self.by_oid.insert(key, id.number(), hash_of);
            }
            // The id was given to a new object: the old one is no longer found by it.
            Some(old) if !self.node(old).is_present() => {
                self.unindex_oid(old);
                self.get_mut(old).set(Mark::Unindexed, true);
                self.index_oid(id);
            }
            Some(_) => self.get_mut(id).set(Mark::Unindexed, true),
        }
    }

    /// A node is the one that was met under its id, which another one has as well: if that is nowhere now, it is no longer
    /// found by it.
    pub(super) fn claim_oid(&mut self, id: NodeId) {
        if self.has_ids() && self.node(id).is(Mark::Unindexed) {
            self.get_mut(id).set(Mark::Unindexed, false);
            self.index_oid(id);
        }
    }

    fn oid_hash(&self, id: NodeId) -> u64 {
        self.oids.with(id.index(), hash::bytes)
    }

    fn unindex_oid(&mut self, id: NodeId) {
        if self.identity == Identity::Stable && !self.node(id).is(Mark::Unindexed) {
            self.by_oid.remove(self.oid_hash(id), id.number());
        }
    }

    /// Gives a node another id (a file replaced under its name).
    pub(super) fn set_oid(&mut self, id: NodeId, oid: &Oid) {
        if self.identity == Identity::Path || self.oids.is(id.index(), oid.as_bytes()) {
            return;
        }
        self.unindex_oid(id);
        self.oids.set(id.index(), oid.as_bytes());
        self.get_mut(id).set(Mark::Unindexed, false);
        if id != NodeId::ROOT || !oid.as_bytes().is_empty() {
            self.index_oid(id);
        }
    }

    fn link(&mut self, names: &Names, id: NodeId) {
        let (folder, name) = (
            self.node(id).parent.expect("not the root"),
            self.node(id).name,
        );
        debug_assert!(
            self.child(names, folder, name).is_none(),
            "the place is free"
        );
        let first = self.node(folder).first_child();
        if let Some(first) = first {
            self.get_mut(first).previous = Some(id);
        }
        let node = self.get_mut(id);
        node.next = first;
        node.previous = None;
        node.set_presence(Presence::Present);
        node.set(Mark::Verified, false);
        self.get_mut(folder).set_first_child(Some(id));
        self.present += 1;
        let (nodes, side) = (&self.nodes, self.side);
        let hash_of = |id: u32| place_hash(names, side, &nodes[id as usize]);
        self.by_place
            .insert(hash_of(id.number()), id.number(), hash_of);
    }

    /// Takes a present node from its place: it becomes a ghost, gone and not yet absent.
    pub(super) fn detach(&mut self, names: &Names, id: NodeId) {
        self.unlink(names, id);
        let node = self.get_mut(id);
        node.set_presence(Presence::Gone);
        node.set(Mark::Doubtful, false);
        let (folder, name) = (node.parent.expect("not the root"), node.name);
        let key = (folder, names.folded(self.side, name));
        self.ghosts.entry(key).or_default().push(id);
    }

    fn unlink(&mut self, names: &Names, id: NodeId) {
        let node = self.node(id);
        let folder = node.parent.expect("the root stays");
        let (next, previous) = (node.next, node.previous);
        let key = place_hash(names, self.side, node);
        let found = self.by_place.remove(key, id.number());
        assert!(found, "a present node is found at its place");
        match previous {
            Some(previous) => self.get_mut(previous).next = next,
            None => self.get_mut(folder).set_first_child(next),
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
        let node = self.node(id);
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
        if self.node(id).is_present() {
            self.unlink(names, id);
        } else {
            self.leave_ghosts(names, id);
        }
        let old = self.node(id).parent.expect("the root stays");
        let node = self.get_mut(id);
        node.parent = Some(folder);
        node.name = name;
        self.hold(folder);
        self.link(names, id);
        self.release(names, old);
    }

    /// Lets a ghost have last been in another folder.
    pub(super) fn rehome_ghost(&mut self, names: &Names, id: NodeId, folder: NodeId) {
        self.leave_ghosts(names, id);
        let node = self.node(id);
        let old = node.parent.expect("not the root");
        let key = (folder, names.folded(self.side, node.name));
        self.get_mut(id).parent = Some(folder);
        self.ghosts.entry(key).or_default().push(id);
        self.hold(folder);
        self.release(names, old);
    }

    /// Says that there is evidence that a gone node is nowhere.
    pub(super) fn set_absent(&mut self, id: NodeId) {
        debug_assert!(!self.node(id).is_present());
        self.get_mut(id).set_presence(Presence::Absent);
    }

    /// Says that an absent node may be somewhere after all.
    pub(super) fn set_gone(&mut self, id: NodeId) {
        debug_assert!(!self.node(id).is_present());
        self.get_mut(id).set_presence(Presence::Gone);
    }

    /// Counts one more that names this node as its folder.
    pub(super) fn hold(&mut self, id: NodeId) {
        self.get_mut(id).hold();
    }

    /// Counts one less, and frees the node if nobody needs it any more.
    pub(super) fn release(&mut self, names: &Names, id: NodeId) {
        self.get_mut(id).release();
        self.free_if_unused(names, id);
    }

    /// Says that no entry has this node any more.
    pub(super) fn disown(&mut self, names: &Names, id: NodeId) {
        if self.node(id).is_present() {
            self.detach(names, id);
        }
        self.unindex_oid(id);
        let node = self.get_mut(id);
        node.set(Mark::Unindexed, true);
        node.set_presence(Presence::Absent);
        node.entry = NO_ENTRY;
        self.memories += 1;
        self.leave_ghosts(names, id);
        self.free_if_unused(names, id);
    }

    fn free_if_unused(&mut self, names: &Names, id: NodeId) {
        let node = self.node(id);
        if node.holds() > 0 || node.entry != NO_ENTRY {
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

    /// Returns the nodes that were last in a folder and are not there any more, in the order of their
    /// ids.
    pub(super) fn ghosts_in(&self, folder: NodeId) -> Vec<NodeId> {
        let all = (folder, NameId::FIRST)..=(folder, NameId::LAST);
        let mut ghosts: Vec<NodeId> = self
            .ghosts
            .range(all)
            .flat_map(|(_, here)| here)
            .copied()
            .collect();
        ghosts.sort_unstable();
        ghosts
    }

    /// Returns true if the node exists: an id that was kept may name one that was freed since.
    pub fn is_live(&self, id: NodeId) -> bool {
        id.index() < self.nodes.len() && self.node(id).entry != NO_ENTRY
    }

    /// Returns all present and ghostly nodes, without the root, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        (2..self.nodes.len())
            .map(NodeId::from_index)
            .filter(|&id| self.is_live(id))
    }
}

fn place_hash(names: &Names, side: Side, node: &Node) -> u64 {
    let folder = node.parent.expect("not the root");
    hash::pair(folder.number(), names.folded(side, node.name).number())
}

/// The entry of a node that is kept only because others name it as their folder.
const NO_ENTRY: EntryId = EntryId(u32::MAX);

/// The name of a folder that nobody knows the place of.
const NOWHERE: &str = ".cloudsync-nowhere";
