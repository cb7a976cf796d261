//! What is known: what each side last told (`L`, `R`) and what both last agreed on (`S`).
//!
//! Only what a provider answered changes a node; only a confirmed operation, or proof that both
//! sides are equal, changes an agreement. Here is the bookkeeping; who may call it when is decided
//! in [`crate::engine`].

mod apart;
mod chunks;
mod column;
pub mod contents;
pub mod entry;
mod hash;
mod index;
mod intents;
pub mod names;
pub mod node;
pub mod side_tree;
mod tags;

use crate::object::{Attributes, Kind, Observed, Oid, Tag};
use crate::record::EntryId;
use crate::rules::Rules;
use crate::side::{BySide, Side};
use apart::Apart;
use chunks::Chunks;
use contents::{Content, ContentId, Contents};
use entry::{AgreedSide, Bond, Entry};
use intents::Intents;
use names::{NameId, Names};
use node::{Node, NodeId};
use side_tree::{NodeRef, SideTree};

/// The three trees.
#[derive(Clone, Hash, Debug)]
pub struct World {
    /// Names of both trees.
    pub names: Names,
    /// Contents of both trees and of the agreed one.
    pub contents: Contents,
    trees: BySide<SideTree>,
    entries: Chunks<Option<Entry>>,
    /// What was agreed on, where a node no longer says the same.
    apart: BySide<Apart>,
    intents: Intents,
    /// Ids to be used again, and those that somebody may still ask about.
    free: Vec<EntryId>,
    freed: Vec<EntryId>,
    agreed: usize,
    withheld: BySide<usize>,
}

impl World {
    /// Starts with the two roots, which are one entry.
    pub fn new(rules: BySide<&Rules>) -> Self {
        let mut names = Names::new(BySide::from_fn(|side| rules[side].names));
        let trees = BySide::from_fn(|side| SideTree::new(side, rules[side].identity, &mut names));
        let mut root = Entry::new(Kind::Folder);
        root.nodes = BySide::new(Some(NodeId::ROOT), Some(NodeId::ROOT));
        root.bond = Bond::Agreed;
        let mut entries = Chunks::default();
        entries.push(Some(root));
        Self {
            names,
            contents: Contents::default(),
            trees,
            entries,
            apart: BySide::default(),
            intents: Intents::default(),
            free: Vec::new(),
            freed: Vec::new(),
            agreed: 0,
            withheld: BySide::default(),
        }
    }

    /// Returns a side's tree.
    pub fn tree(&self, side: Side) -> &SideTree {
        &self.trees[side]
    }

    /// Returns a node.
    pub fn node(&self, side: Side, id: NodeId) -> NodeRef<'_> {
        self.trees[side].get(id)
    }

    /// Returns a node, to change marks on it.
    pub fn node_mut(&mut self, side: Side, id: NodeId) -> &mut Node {
        self.trees[side].get_mut(id)
    }

    /// Returns a side's tree, to note when its nodes were changed.
    pub fn tree_mut(&mut self, side: Side) -> &mut SideTree {
        &mut self.trees[side]
    }

    /// Returns an entry.
    ///
    /// # Panics
    /// If there is none of this id: ids are kept only where they are dropped with the entry.
    pub fn entry(&self, id: EntryId) -> &Entry {
        self.find(id).expect("the entry exists")
    }

    /// Returns an entry, if it exists.
    pub fn find(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id.0 as usize)?.as_ref()
    }

    /// Returns an entry, to change marks on it.
    ///
    /// # Panics
    /// As [`World::entry`].
    pub fn entry_mut(&mut self, id: EntryId) -> &mut Entry {
        self.entries[id.0 as usize]
            .as_mut()
            .expect("the entry exists")
    }

    /// Returns all entries but the roots', in the order of their ids.
    pub fn entries(&self) -> impl Iterator<Item = (EntryId, &Entry)> {
        let all = self.entries.iter().enumerate().skip(1);
        all.filter_map(|(index, entry)| {
            let id = EntryId(u32::try_from(index).expect("fewer than 2^32 entries"));
            Some((id, entry.as_ref()?))
        })
    }

    /// Returns the entries that are no rows, and those whose node on a side no longer says what was
    /// agreed on, in the order of their ids. Goes through all only if there are new ones.
    pub fn unsettled(&self, side: Side) -> Vec<EntryId> {
        let apart = &self.apart[side];
        // Without the roots, which are not counted as agreed either.
        let rows = self.agreed + self.withheld.local + self.withheld.remote;
        let lone = self.entries.len() - 1 - self.free.len() - rows;
        if lone == 0 {
            return apart.entries().collect();
        }
        let all = self.entries();
        let unsettled = all.filter(|&(id, entry)| !entry.is_row() || apart.get(id).is_some());
        unsettled.map(|(id, _)| id).collect()
    }

    /// Returns on how many objects both sides agreed.
    pub fn agreed_len(&self) -> usize {
        self.agreed
    }

    /// Returns how many objects are not to be on a side, and are on the other one.
    pub fn withheld_len(&self, side: Side) -> usize {
        self.withheld[side]
    }

    /// Returns a present or ghostly node's path, relative to the root.
    pub fn path(&self, side: Side, id: NodeId) -> String {
        self.trees[side].path(&self.names, id)
    }

    /// Finds the present node at a place.
    pub fn child(&self, side: Side, folder: NodeId, name: NameId) -> Option<NodeId> {
        self.trees[side].child(&self.names, folder, name)
    }

    /// Finds the present node at a path, relative to the root.
    pub fn at_path(&mut self, side: Side, path: &str) -> Option<NodeId> {
        let mut at = NodeId::ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let name = self.names.intern(name);
            at = self.child(side, at, name)?;
        }
        Some(at)
    }

    /// Sets the root's id.
    pub fn set_root(&mut self, side: Side, oid: &Oid) {
        self.trees[side].set_oid(NodeId::ROOT, oid);
    }

    // ---- entries -----------------------------------------------------------------------------

    fn new_entry(&mut self, kind: Kind) -> EntryId {
        let entry = Some(Entry::new(kind));
        if let Some(id) = self.free.pop() {
            self.entries[id.0 as usize] = entry;
            return id;
        }
        self.entries.push(entry);
        EntryId(u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 entries"))
    }

    /// Makes room for so many objects, for loading.
    pub(crate) fn reserve(&mut self, objects: usize) {
        self.names.reserve(objects);
        self.contents.reserve(objects);
        for side in Side::BOTH {
            self.trees[side].reserve(&self.names, objects);
        }
    }

    /// Makes an entry of a given id, for loading.
    pub(crate) fn restore_entry(&mut self, id: EntryId, kind: Kind) {
        if (id.0 as usize) < self.entries.len() {
            self.free.retain(|&free| free != id);
            self.entries[id.0 as usize] = Some(Entry::new(kind));
            return;
        }
        while self.entries.len() < id.0 as usize {
            let skipped = u32::try_from(self.entries.len()).expect("fewer than 2^32");
            self.free.push(EntryId(skipped));
            self.entries.push(None);
        }
        self.entries.push(Some(Entry::new(kind)));
    }

    /// Lets the ids of dropped entries and nodes be used again: no question about one is open any more.
    /// Of entries only where no place is known in a dropped folder, which its record names by that id.
    pub(crate) fn recycle(&mut self) {
        let clear = BySide::from_fn(|side| self.trees[side].recycle());
        if clear.local && clear.remote {
            self.free.append(&mut self.freed);
        }
    }

    /// Drops an entry with its nodes.
    pub fn drop_entry(&mut self, id: EntryId) {
        self.disagree(id);
        for side in Side::BOTH {
            if let Some(node) = self.entry_mut(id).nodes[side].take() {
                self.trees[side].disown(&self.names, node);
            }
        }
        self.free_entry(id);
    }

    fn free_entry(&mut self, id: EntryId) {
        self.set_bond(id, Bond::Lone);
        self.entries[id.0 as usize] = None;
        self.forget_intents(id);
        self.freed.push(id);
    }

    /// Takes one side's node out of its entry into one of its own. Nothing is agreed on either.
    pub fn split(&mut self, id: EntryId, side: Side) -> EntryId {
        self.disagree(id);
        let entry = self.entry_mut(id);
        let (kind, node) = (
            entry.kind,
            entry.nodes[side].take().expect("a node to split off"),
        );
        let own = self.new_entry(kind);
        self.entry_mut(own).nodes[side] = Some(node);
        self.trees[side].get_mut(node).entry = own;
        own
    }

    /// Lets an object be on the other side alone. What both last held is kept: what is found here later
    /// is compared with it. Returns the entry of the node that is here, if there is one: it has nothing to
    /// do with the object any more.
    pub fn withhold(&mut self, id: EntryId, side: Side) -> Option<EntryId> {
        let content = self.entry(id).content;
        let is_here = self.entry(id).nodes[side].is_some();
        let own = is_here.then(|| self.split(id, side));
        self.withhold_restored(id, side, content);
        own
    }

    /// Lets an object be on the other side alone, as its record says, for loading.
    pub(crate) fn withhold_restored(
        &mut self,
        id: EntryId,
        side: Side,
        content: Option<ContentId>,
    ) {
        debug_assert!(
            self.entry(id).nodes[side].is_none() && self.entry(id).nodes[side.other()].is_some(),
            "on the other side alone"
        );
        self.set_bond(id, Bond::Withheld(side));
        self.entry_mut(id).content = content;
    }

    fn set_bond(&mut self, id: EntryId, bond: Bond) {
        self.withdraw(id);
        let old = std::mem::replace(&mut self.entry_mut(id).bond, bond);
        for (bond, change) in [(old, -1), (bond, 1)] {
            let count = match bond {
                Bond::Lone => continue,
                Bond::Agreed => &mut self.agreed,
                Bond::Withheld(side) => &mut self.withheld[side],
            };
            *count = count.wrapping_add_signed(change);
        }
    }

    /// Lets a folder that `from` moved, and that cannot be moved on the other side, be a new folder of
    /// `from`, and its entry one that `from` deleted. What was agreed to be in it was in that one: so it
    /// was moved out. Returns the entry of the new folder.
    pub fn move_by_parts(&mut self, id: EntryId, from: Side) -> EntryId {
        let (folder, name) = self.agreed_place(id, from);
        let moved = self.entry(id).nodes[from].expect("an agreed entry has both nodes");
        let agreed_inside = |world: &Self, child: EntryId| {
            world.find(child).is_some_and(Entry::is_agreed)
                && world.agreed_place(child, from).0 == moved
        };
        // What is gone from it may be met in it again.
        let gone = self.trees[from].ghosts_in(moved);
        let nodes = self.trees[from].children(moved).chain(gone);
        let mut inside: Vec<EntryId> = nodes.map(|at| self.node(from, at).entry).collect();
        inside.extend(self.apart[from].in_folder(moved));
        inside.retain(|&child| agreed_inside(self, child));
        // The folder may be a memory that only this agreement keeps.
        self.trees[from].hold(folder);
        let own = self.split(id, from);
        let gone = Observed {
            oid: Oid::default(),
            kind: Kind::Folder,
            tag: Tag::default(),
            size: 0,
            attributes: Attributes::default(),
            hash: None,
            racy: false,
        };
        let ghost = self.insert_ghost(id, from, folder, name, &gone);
        self.trees[from].release(&self.names, folder);
        self.set_absent(from, ghost);
        self.agree(id, None);
        for child in inside {
            let (_, name) = self.agreed_place(child, from);
            self.set_agreed_place(child, from, ghost, name);
        }
        own
    }

    /// Drops one side's node of an entry; what is left of it is a lone node.
    pub fn drop_node(&mut self, id: EntryId, side: Side) {
        self.disagree(id);
        if let Some(node) = self.entry_mut(id).nodes[side].take() {
            self.trees[side].disown(&self.names, node);
        }
    }

    /// Joins a lone node into an entry that has none on its side. The node's own entry is dropped.
    pub fn join(&mut self, id: EntryId, lone: EntryId, side: Side) {
        let node = self.entry_mut(lone).nodes[side]
            .take()
            .expect("a lone node");
        debug_assert!(
            self.entry(lone).nodes[side.other()].is_none(),
            "nothing else in it"
        );
        debug_assert!(self.entry(id).nodes[side].is_none(), "room for it");
        self.entry_mut(id).nodes[side] = Some(node);
        self.trees[side].get_mut(node).entry = id;
        self.free_entry(lone);
    }

    /// Lets a row go on with another node on one side: the object was replaced at its
    /// place, or moved where ids do not tell. What was agreed on stays, but for the tag: equal tags of
    /// two objects say nothing about their contents. `lone` is dropped, or gets the old node if that is
    /// still somewhere.
    pub fn relink(&mut self, id: EntryId, lone: EntryId, side: Side) {
        self.doubt_content(id, side);
        let old = self.entry(id).nodes[side].expect("the row has a node here");
        let is_left = self.node(side, old).is_present();
        let new = self.entry_mut(lone).nodes[side]
            .take()
            .expect("a lone node");
        if is_left {
            self.forget_intents(lone);
            self.entry_mut(lone).nodes[side] = Some(old);
            self.trees[side].get_mut(old).entry = lone;
        } else {
            self.free_entry(lone);
        }
        self.entry_mut(id).nodes[side] = Some(new);
        self.trees[side].get_mut(new).entry = id;
        if self.entry(id).kind == Kind::Folder {
            self.adopt_ghosts(side, old, new);
        }
        if !is_left {
            self.trees[side].disown(&self.names, old);
        }
    }

    /// What was last in a folder that was replaced was last in the one that replaced it.
    fn adopt_ghosts(&mut self, side: Side, old: NodeId, new: NodeId) {
        for id in self.trees[side].ghosts_in(old) {
            // The new one may itself have stood in it.
            if !self.trees[side].is_within(new, id) {
                self.trees[side].rehome_ghost(&self.names, id, new);
            }
        }
        let agreed_there: Vec<EntryId> = self.apart[side].in_folder(old).collect();
        for id in agreed_there {
            if let Some(at) = self.apart[side].get(id) {
                let name = at.name;
                self.put_apart(id, side, new, name);
            }
        }
    }

    /// Returns the entries of what was last in a folder, or is agreed to be in it, and is elsewhere now.
    pub(crate) fn last_in(&self, side: Side, folder: NodeId) -> Vec<EntryId> {
        let tree = &self.trees[side];
        let ghosts = tree.ghosts_in(folder).into_iter();
        let ghosts = ghosts.map(|ghost| self.node(side, ghost).entry);
        ghosts.chain(self.apart[side].in_folder(folder)).collect()
    }

    /// Sets the place of an agreement that is kept apart.
    fn put_apart(&mut self, id: EntryId, side: Side, folder: NodeId, name: NameId) {
        if let Some(old) = self.apart[side].put(id, folder, name) {
            self.trees[side].hold(folder);
            self.trees[side].release(&self.names, old);
        }
    }

    // ---- nodes -------------------------------------------------------------------------------

    /// Adds a present node as an entry of its own. The place must be free.
    pub fn insert(&mut self, side: Side, folder: NodeId, name: NameId, seen: &Observed) -> NodeId {
        let entry = self.new_entry(seen.kind);
        let id = self.trees[side].insert(&self.names, folder, name, entry, seen);
        self.entry_mut(entry).nodes[side] = Some(id);
        id
    }

    /// Adds a present node to an entry that has none on this side.
    pub fn insert_into(
        &mut self,
        entry: EntryId,
        side: Side,
        folder: NodeId,
        name: NameId,
        seen: &Observed,
    ) -> NodeId {
        debug_assert!(self.entry(entry).nodes[side].is_none(), "room for it");
        let id = self.trees[side].insert(&self.names, folder, name, entry, seen);
        self.entry_mut(entry).nodes[side] = Some(id);
        id
    }

    /// Adds a node that is gone from its place, for loading.
    pub(crate) fn insert_ghost(
        &mut self,
        entry: EntryId,
        side: Side,
        folder: NodeId,
        name: NameId,
        seen: &Observed,
    ) -> NodeId {
        let id = self.trees[side].insert_ghost(&self.names, folder, name, entry, seen);
        self.entry_mut(entry).nodes[side] = Some(id);
        id
    }

    /// Takes a present node from its place.
    pub fn detach(&mut self, side: Side, id: NodeId) {
        self.trees[side].detach(&self.names, id);
    }

    /// Puts a node at a free place.
    pub fn attach(&mut self, side: Side, id: NodeId, folder: NodeId, name: NameId) {
        self.remember(self.node(side, id).entry, side);
        self.trees[side].attach(&self.names, id, folder, name);
    }

    /// Says that a node was met under its id, which another one may have as well.
    pub fn claim_oid(&mut self, side: Side, id: NodeId) {
        self.trees[side].claim_oid(id);
    }

    /// Says that a gone node is nowhere.
    pub fn set_absent(&mut self, side: Side, id: NodeId) {
        self.trees[side].set_absent(id);
    }

    /// Says that an absent node may be somewhere after all.
    pub fn set_gone(&mut self, side: Side, id: NodeId) {
        self.trees[side].set_gone(id);
    }

    /// Takes over what was seen of a node at its place: id, tag, attributes, content if told.
    pub fn update(&mut self, side: Side, id: NodeId, seen: &Observed, content: Option<Content>) {
        let node = self.node(side, id);
        if !node.has_tag(&seen.tag) || node.attributes() != seen.attributes {
            self.remember(self.node(side, id).entry, side);
        }
        self.trees[side].set_oid(id, &seen.oid);
        let content = content.map(|content| self.contents.intern(content));
        self.trees[side].take(id, seen);
        self.trees[side].get_mut(id).set_content(content);
    }

    /// Says what a file holds.
    pub fn set_content(&mut self, side: Side, id: NodeId, content: Content) {
        let content = self.contents.intern(content);
        self.trees[side].get_mut(id).set_content(Some(content));
    }

    // ---- agreement ---------------------------------------------------------------------------

    /// Keeps what was agreed on of a side before its node changes.
    fn remember(&mut self, id: EntryId, side: Side) {
        let Some(entry) = self.find(id) else { return };
        let Some(node) = entry.nodes[side] else {
            return;
        };
        if !entry.is_agreed() || self.apart[side].get(id).is_some() {
            return;
        }
        let node = self.node(side, node);
        let Some(parent) = node.parent else { return };
        let at = AgreedSide {
            parent,
            name: node.name,
            tag: node.tag(),
            attributes: node.attributes(),
        };
        self.trees[side].hold(parent);
        self.apart[side].insert(id, at);
    }

    fn forget_side(&mut self, id: EntryId, side: Side) {
        if let Some(at) = self.apart[side].remove(id) {
            self.trees[side].release(&self.names, at.parent);
        }
    }

    /// Agrees on everything: place, content and attributes as both nodes say now.
    pub fn agree(&mut self, id: EntryId, content: Option<ContentId>) {
        debug_assert!(
            Side::BOTH
                .iter()
                .all(|&side| self.entry(id).nodes[side].is_some())
        );
        for side in Side::BOTH {
            self.forget_side(id, side);
            if let Some(node) = self.entry(id).nodes[side]
                && content.is_some()
            {
                self.trees[side].get_mut(node).set_content(content);
            }
        }
        self.set_bond(id, Bond::Agreed);
        self.entry_mut(id).content = content;
    }

    /// Agrees on places as both nodes say now; content and attributes stay as they were agreed.
    pub fn agree_places(&mut self, id: EntryId) {
        for side in Side::BOTH {
            self.agree_place(id, side);
        }
    }

    /// Agrees on one side's place as its node says now.
    pub fn agree_place(&mut self, id: EntryId, side: Side) {
        let Some(node) = self.entry(id).nodes[side] else {
            return;
        };
        let (parent, name) = (self.node(side, node).parent, self.node(side, node).name);
        let Some(parent) = parent else { return };
        self.put_apart(id, side, parent, name);
        self.forget_if_same(id, side);
    }

    /// Agrees on one side's tag and attributes as its node says now: whatever it holds counts as
    /// unchanged from now on.
    pub fn agree_tag(&mut self, id: EntryId, side: Side) {
        let Some(node) = self.entry(id).nodes[side] else {
            return;
        };
        let (tag, attributes) = (
            self.node(side, node).tag(),
            self.node(side, node).attributes(),
        );
        let Some(at) = self.apart[side].get_mut(id) else {
            return;
        };
        at.tag = tag;
        at.attributes = attributes;
        self.forget_if_same(id, side);
    }

    /// Sets what was agreed on of one side's tag and attributes, other than the node says.
    pub fn set_agreed_tag(&mut self, id: EntryId, side: Side, tag: Tag, attributes: Attributes) {
        self.remember(id, side);
        if let Some(at) = self.apart[side].get_mut(id) {
            at.tag = tag;
            at.attributes = attributes;
        }
        self.forget_if_same(id, side);
    }

    /// Lets no tag vouch any more for one side's holding what was agreed on.
    pub fn doubt_content(&mut self, id: EntryId, side: Side) {
        self.remember(id, side);
        if let Some(at) = self.apart[side].get_mut(id) {
            at.tag = Tag::default();
        }
    }

    /// Sets where one side stood when it was agreed on, other than the node says.
    pub fn set_agreed_place(&mut self, id: EntryId, side: Side, folder: NodeId, name: NameId) {
        self.remember(id, side);
        self.put_apart(id, side, folder, name);
        self.forget_if_same(id, side);
    }

    /// Says that one side was agreed to stand nowhere: so it counts as moved to where it is.
    pub fn set_agreed_nowhere(&mut self, id: EntryId, side: Side) {
        let (_, name) = self.agreed_place(id, side);
        let nowhere = self.nowhere(side);
        self.set_agreed_place(id, side, nowhere, name);
    }

    /// Sets which content was agreed on.
    pub fn set_agreed_content(&mut self, id: EntryId, content: Option<ContentId>) {
        self.entry_mut(id).content = content;
    }

    /// Agrees on an entry as its record says, for loading.
    pub(crate) fn agree_restored(&mut self, id: EntryId, content: Option<ContentId>) {
        self.set_bond(id, Bond::Agreed);
        self.entry_mut(id).content = content;
    }

    /// Returns a folder that is only a memory: whatever was agreed to stand in it stands elsewhere now.
    pub(crate) fn nowhere(&mut self, side: Side) -> NodeId {
        self.trees[side].memory(&mut self.names)
    }

    /// Sets where an entry stood when it was agreed on, for loading.
    pub(crate) fn restore_agreed(&mut self, id: EntryId, side: Side, at: AgreedSide) {
        self.trees[side].hold(at.parent);
        self.apart[side].insert(id, at);
    }

    fn forget_if_same(&mut self, id: EntryId, side: Side) {
        if self.is_as_agreed(id, side) {
            self.forget_side(id, side);
        }
    }

    fn is_as_agreed(&self, id: EntryId, side: Side) -> bool {
        let entry = self.entry(id);
        match (self.apart[side].get(id), entry.nodes[side]) {
            (None, _) => true,
            (Some(at), Some(node)) => {
                let node = self.node(side, node);
                node.parent == Some(at.parent)
                    && node.name == at.name
                    && node.has_tag(&at.tag)
                    && node.attributes() == at.attributes
            }
            (Some(_), None) => false,
        }
    }

    /// Nothing is agreed on any more.
    pub fn disagree(&mut self, id: EntryId) {
        for side in Side::BOTH {
            self.forget_side(id, side);
        }
        self.set_bond(id, Bond::Lone);
        self.entry_mut(id).content = None;
    }

    /// Returns the place agreed on, on one side.
    ///
    /// # Panics
    /// If nothing was agreed on, or for the roots.
    pub fn agreed_place(&self, id: EntryId, side: Side) -> (NodeId, NameId) {
        let entry = self.entry(id);
        if let Some(at) = self.apart[side].get(id) {
            return (at.parent, at.name);
        }
        let node = self.node(
            side,
            entry.nodes[side].expect("an agreed entry has both nodes"),
        );
        (node.parent.expect("not a root"), node.name)
    }

    /// Returns the tag and the attributes agreed on, on one side.
    ///
    /// # Panics
    /// If nothing was agreed on.
    pub fn agreed_tag(&self, id: EntryId, side: Side) -> (Tag, Attributes) {
        let entry = self.entry(id);
        if let Some(at) = self.apart[side].get(id) {
            return (at.tag.clone(), at.attributes);
        }
        let node = self.node(
            side,
            entry.nodes[side].expect("an agreed entry has both nodes"),
        );
        (node.tag(), node.attributes())
    }

    /// Returns the entries that were agreed to stand at a place, by the bytes of its name, and whose node does
    /// not say so any more.
    pub fn agreed_at(
        &self,
        side: Side,
        folder: NodeId,
        name: NameId,
    ) -> impl Iterator<Item = EntryId> {
        self.apart[side].at(folder, name)
    }

    /// Returns what is kept of one side's agreement beside its node.
    pub fn agreed_apart(&self, id: EntryId, side: Side) -> Option<&AgreedSide> {
        self.apart[side].get(id)
    }
}
