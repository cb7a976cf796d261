//! Looking at the sides: walks, hints, doubts, and what the answers mean.
//!
//! A hint never writes a fact: it makes a place or a folder doubtful, and the answer to a question
//! asked later says how it is. Each answer carries the tick at which it was asked; where we changed
//! something since, it is only a hint again.

mod answers;
mod asking;
mod hints;
mod ledger;
mod skipped;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::failing::is_of_side;
use crate::engine::io::{Output, Query, QueryId};
use crate::event::{Cursor, Event};
use crate::failure::{ErrorKind, Failure};
use crate::listing::{End, Found, Listing, SkipReason};
use crate::notice::Notice;
use crate::object::{Kind, ObjectRef, Observed, Oid, Tag};
use crate::plan::parked::is_parked;
use crate::plan::{is_arbitrary, is_looked_at};
use crate::record::EntryId;
use crate::rules::{Feed, Identity};
use crate::side::Side;
use crate::tree::contents::Content;
use crate::tree::names::NameId;
use crate::tree::node::{Mark, NodeId, Presence, Tick};

pub(super) use ledger::{Asked, Doubt, SideLedger, Stray};
use ledger::{Owed, Told, Walk};

/// How long after a look a racy object is looked at again.
const RACY_DELAY: Duration = Duration::from_millis(20);
/// More hints than this in one folder: the folder is listed instead.
const HINTS_A_FOLDER: usize = 32;

impl Engine {
    pub(super) fn side_ready(&mut self, side: Side, root: &Oid, identity: String) {
        let resumes = !self.needs_walk(side);
        self.world.set_root(side, root);
        let volatile = self.config.rules[side].feed != Feed::Resumable;
        let ledger = &mut self.sides[side];
        let again = ledger.complete;
        ledger.up = true;
        ledger.down = None;
        if ledger.identity.as_ref() != Some(&identity) {
            ledger.identity = Some(identity.clone());
            self.persisting
                .set_value(&format!("root.{side}"), Some(identity.into_bytes()));
        }
        if again {
            // Evidence from before the connection was lost is void.
            let nodes: Vec<NodeId> = self.world.tree(side).iter().collect();
            for node in nodes {
                self.world.node_mut(side, node).set(Mark::Verified, false);
            }
        }
        if resumes {
            if !again {
                self.resume(side);
            }
        } else if !again || volatile {
            if !again {
                // What the records say of it is from before.
                let nodes: Vec<NodeId> = self.world.tree(side).iter().collect();
                for node in nodes {
                    self.world.node_mut(side, node).set(Mark::Listed, false);
                }
            }
            self.sides[side].want_walk(NodeId::ROOT);
        }
    }

    /// A side whose feed tells all that happened since: what is stored is what is there.
    fn resume(&mut self, side: Side) {
        let nodes: Vec<NodeId> = self.world.tree(side).iter().collect();
        self.world
            .node_mut(side, NodeId::ROOT)
            .set(Mark::Listed, true);
        for node in nodes {
            let at = self.world.node(side, node);
            if at.kind != Kind::Folder || at.is(Mark::Listed) {
                continue;
            }
            if at.tag() == Tag::default() {
                // It may be one that we deleted: a look that was owed to it was not made before we ended.
                self.doubt_node(side, node);
            } else {
                self.sides[side].want_walk(node);
            }
        }
        self.doubt_intents(side);
        self.finish_looking(side);
    }

    pub(super) fn listed(&mut self, query: QueryId, listings: &[Listing]) {
        let Some(&Asked::Walk { side }) = self.asked.get(&query) else {
            return;
        };
        let Some(walk) = self.sides[side].walk.filter(|walk| walk.query == query) else {
            return;
        };
        for listing in listings {
            self.take_listing(side, listing, walk.asked);
        }
    }

    fn take_listing(&mut self, side: Side, listing: &Listing, asked: Tick) {
        let Some(folder) = self.listed_folder(side, &listing.folder) else {
            self.sides[side].missed = self.tick;
            return;
        };
        if self.world.node(side, folder).kind != Kind::Folder {
            return;
        }
        let is_excluded = |path: &str| self.is_path_excluded(side, path);
        let is_elsewhere = || self.world.path(side, folder) != listing.folder.path;
        if !is_looked_at(&self.view(), side, folder)
            || (!self.trivial && is_elsewhere() && is_excluded(&listing.folder.path))
        {
            // Once it is wanted, it is to be listed. It may have moved to where it is not, which nobody says: what it
            // lies in is passed by as well.
            self.pass_by(side, folder);
            return;
        }
        if self.world.node(side, folder).presence() == Presence::Absent {
            // It is where nobody looks, as in a folder that is not wanted. Once it is met, it is to be listed.
            self.pass_by(side, folder);
            return;
        }
        // Each listing has a mark of its own, so that what it does not have can be told.
        self.tick.advance();
        let mark = self.tick;
        if listing.end == End::Complete {
            // What was met in it before counts no more.
            let strays = &mut self.sides[side].strays;
            let here = (folder, NameId::FIRST)..=(folder, NameId::LAST);
            let old: Vec<_> = strays.range(here).map(|(&place, _)| place).collect();
            for place in old {
                strays.remove(&place);
            }
        }
        // Most listings tell what is known, in the order in which it was met: then nothing has to be
        // looked up.
        let mut next = self.world.tree(side).children(folder).last();
        for (name, seen) in listing.iter() {
            let is_next = |&node: &NodeId| {
                let known = self.world.node(side, node);
                let is_here = known.is_present() && known.parent() == Some(folder);
                is_here && self.world.names.get(known.name()) == name
            };
            let (name, here) = match next.filter(is_next) {
                Some(node) => (self.world.node(side, node).name(), Some(node)),
                None => {
                    let name = self.world.names.intern(name);
                    (name, self.world.child(side, folder, name))
                }
            };
            next = here.and_then(|node| self.world.tree(side).next_child(node));
            self.see_at(side, folder, name, here, seen, asked, mark);
        }
        self.take_skipped(side, folder, listing);
        match listing.end {
            End::Complete => {
                let missing: Vec<NodeId> = self
                    .world
                    .tree(side)
                    .children(folder)
                    .filter(|&child| self.world.node(side, child).seen != mark)
                    .collect();
                for child in missing {
                    self.miss(side, child, asked);
                }
                self.set_listed(side, folder, true);
                self.sides[side].unreadable.remove(&folder);
            }
            End::Partial => {
                self.pass_by(side, folder);
                // Where we moved it away under the walk, it is listed again where it is then.
                if let Some(entry) = self.on_its_way(side, folder) {
                    self.sides[side].block(entry, Doubt::Node(folder));
                    return;
                }
                if self.was_elsewhere(side, folder, asked) {
                    self.sides[side].want_walk(folder);
                    return;
                }
                self.sides[side].unreadable.insert(folder);
                if folder != NodeId::ROOT {
                    let path = self.world.path(side, folder);
                    self.notice(Notice::Skipped {
                        side,
                        path,
                        reason: SkipReason::Unreadable,
                    });
                }
            }
        }
    }

    /// Returns the folder that was listed. Another one may stand at its path, as far as is known.
    fn listed_folder(&mut self, side: Side, at: &ObjectRef) -> Option<NodeId> {
        if at.is_root() {
            return Some(NodeId::ROOT);
        }
        let tree = self.world.tree(side);
        match at.oid.as_ref().filter(|_| tree.has_ids()) {
            Some(oid) => tree.by_oid(oid),
            None => self.world.at_path(side, &at.path),
        }
    }

    /// Notes whether all that is in a folder is known; its record says so.
    pub(super) fn set_listed(&mut self, side: Side, folder: NodeId, listed: bool) {
        let at = self.world.node_mut(side, folder);
        let (entry, was_listed) = (at.entry, at.is(Mark::Listed));
        at.set(Mark::Listed, listed);
        let is_told = self.config.rules[side].feed == Feed::Resumable;
        // The roots have no record.
        if was_listed != listed && is_told && entry != EntryId::ROOT {
            self.persisting.dirty(entry);
        }
    }

    /// A walk passed a folder by, whose record may say that it was listed before this start.
    fn pass_by(&mut self, side: Side, folder: NodeId) {
        self.world.node_mut(side, folder).set(Mark::Listed, true);
        self.set_listed(side, folder, false);
    }

    /// Returns whether there is a folder on the way to a path that is left out, or the folder there is. Nobody asks a policy
    /// about what is parked.
    fn is_path_excluded(&self, side: Side, path: &str) -> bool {
        if path.is_empty() || path.split('/').any(is_parked) {
            return false;
        }
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let mut folders = above.chain([path]);
        folders.any(|path| !self.config.policy.wanted(side, path, Kind::Folder))
    }

    /// An object was met in a folder.
    fn see(
        &mut self,
        side: Side,
        folder: NodeId,
        name: NameId,
        seen: &Observed,
        asked: Tick,
        mark: Tick,
    ) {
        let known = self.world.tree(side).by_oid(&seen.oid);
        if self.was_emptied(side, folder, name, asked)
            && known.is_none_or(|known| self.sides[side].looks_twice(known))
        {
            // Nothing was there since this was asked: it may have left again.
            self.doubt_place(side, folder, name);
            if let Some(known) = known {
                self.doubt_node(side, known);
            }
            return;
        }
        let here = self.world.child(side, folder, name);
        let stray = self.sides[side].strays.get(&(folder, name));
        let met = here
            .map(|at| (at, self.world.node(side, at).seen))
            .into_iter()
            .chain(stray.map(|stray| (stray.node, stray.at)));
        if met
            .into_iter()
            .any(|(at, when)| known != Some(at) && when > asked)
        {
            // Another one was met there since this was asked: which of the two was first, nobody can say.
            self.doubt_place(side, folder, name);
            if let Some(known) = known {
                self.doubt_node(side, known);
            }
            return;
        }
        self.see_at(side, folder, name, here, seen, asked, mark);
    }

    /// An object was met in a folder, where `here` was known to stand.
    #[expect(clippy::too_many_arguments, reason = "what was met, where, and when")]
    fn see_at(
        &mut self,
        side: Side,
        folder: NodeId,
        name: NameId,
        here: Option<NodeId>,
        seen: &Observed,
        asked: Tick,
        mark: Tick,
    ) {
        if let Some(node) = here {
            self.world.node_mut(side, node).seen = mark;
        }
        if self.was_deleted(side, &seen.oid, asked) {
            self.doubt_place(side, folder, name);
            return;
        }
        if self.is_ours_now(side, folder, name, here, asked) {
            // We changed something here since it was asked: it may be outdated.
            let as_known = here.is_some_and(|node| {
                let at = self.world.node(side, node);
                let is_same = !self.world.tree(side).has_ids() || at.oid() == seen.oid;
                let (known, now) = (at.attributes(), seen.attributes);
                // Times of folders change with what is in them.
                let as_it_was = known.mode == now.mode
                    && (seen.kind == Kind::Folder || known.mtime == now.mtime);
                let settled = !at.is(Mark::Racy) && !at.is(Mark::Doubtful);
                // A name of other case is another name, at the same place.
                let is_as_known =
                    is_same && at.name() == name && at.has_tag(&seen.tag) && as_it_was;
                is_as_known && settled && !self.is_to_be_listed(side, node)
            });
            if !as_known {
                self.doubt_place(side, folder, name);
            }
            return;
        }
        let known = self.world.tree(side).by_oid_or_here(&seen.oid, here);
        let known = known.filter(|&node| self.world.node(side, node).kind == seen.kind);
        match (known, here) {
            (Some(node), Some(at)) if node == at => self.see_again(side, node, name, seen),
            // A hard link that is known as an object of its own, or what was met before the one that has its id was
            // missed.
            (Some(_), Some(at)) if self.is_same_object(side, at, seen) => {
                self.world.claim_oid(side, at);
                self.see_again(side, at, name, seen);
            }
            (Some(node), _)
                if self
                    .locks
                    .entries
                    .contains(&self.world.node(side, node).entry) =>
            {
                // We are about to change what was met here, or just did: it may be elsewhere since.
                let entry = self.world.node(side, node).entry;
                self.mark_doubtful(side, folder, name);
                self.sides[side].block(entry, Doubt::Place(folder, name));
            }
            (Some(node), _) if self.world.node(side, node).touched() > asked => {
                self.doubt_place(side, folder, name);
            }
            (Some(node), _) if node != NodeId::ROOT => {
                let stray = Stray {
                    node,
                    folder,
                    name,
                    seen: seen.clone(),
                    at: mark,
                };
                // A walk of everything will come by its old place anyway.
                let comes_by = self.sides[side]
                    .walk
                    .is_some_and(|walk| walk.from == NodeId::ROOT);
                if self.world.node(side, node).is_present() && !comes_by {
                    self.doubt_node(side, node);
                }
                let ledger = &mut self.sides[side];
                ledger.strays.insert((folder, name), stray);
                ledger.walked_undisturbed &= ledger.walk.is_some();
                self.may_be_back(side, node);
                if let Some(at) = here {
                    self.leave(side, at);
                }
            }
            (_, Some(at)) if self.is_same_object(side, at, seen) => {
                self.see_again(side, at, name, seen);
            }
            (_, here) => {
                if let Some(at) = here {
                    self.leave(side, at);
                }
                self.meet(side, folder, name, seen, mark);
            }
        }
    }

    /// A node was met elsewhere: what was known of its absence is void.
    fn may_be_back(&mut self, side: Side, node: NodeId) {
        let at = self.world.node(side, node);
        if at.presence() == Presence::Absent {
            let entry = at.entry;
            self.world.set_gone(side, node);
            self.sides[side].gone.push(node);
            self.note_absence_anew(entry);
        }
    }

    /// Without ids, what stands at a place under the same kind is the same object. With ids, another
    /// id is another object, unless the node's own id is also that of another one.
    fn is_same_object(&self, side: Side, node: NodeId, seen: &Observed) -> bool {
        let at = self.world.node(side, node);
        at.kind == seen.kind
            && (self.config.rules[side].identity == Identity::Path
                || (at.is(Mark::Unindexed) && at.oid() == seen.oid))
    }

    fn is_ours_now(
        &self,
        side: Side,
        folder: NodeId,
        name: NameId,
        here: Option<NodeId>,
        asked: Tick,
    ) -> bool {
        let folded = self.world.names.folded(side, name);
        self.locks.places.contains_key(&(side, folder, folded))
            || here.is_some_and(|node| {
                let at = self.world.node(side, node);
                at.touched() > asked || self.locks.entries.contains(&at.entry)
            })
            || self.world.node(side, folder).touched() > asked
            || self.was_elsewhere(side, folder, asked)
            || self.on_its_way(side, folder).is_some()
    }

    /// Returns the entry of a folder that an operation of ours is moving or deleting right now: this one, or
    /// one that it lies in. What is looked at below it may be looked for where it was or where it will be.
    pub(super) fn on_its_way(&self, side: Side, folder: NodeId) -> Option<EntryId> {
        if self.locks.draining.is_empty() {
            return None;
        }
        let tree = self.world.tree(side);
        std::iter::once(folder)
            .chain(tree.ancestors(folder))
            .filter(|&at| self.locks.draining.contains(&(side, at)))
            .map(|at| tree.get(at).entry)
            .find(|entry| self.locks.entries.contains(entry))
    }

    /// Whether the way to a folder is another one than when something was asked.
    fn was_elsewhere(&self, side: Side, folder: NodeId, asked: Tick) -> bool {
        let tree = self.world.tree(side);
        tree.get(folder).moved() > asked
            || tree
                .ancestors(folder)
                .any(|at| tree.get(at).moved() > asked)
    }

    fn see_again(&mut self, side: Side, node: NodeId, name: NameId, seen: &Observed) {
        let at = self.world.node(side, node);
        let entry = at.entry;
        let same_name = at.name() == name;
        let was_doubtful = at.is(Mark::Doubtful);
        self.world.node_mut(side, node).set(Mark::Doubtful, false);
        if !same_name {
            let folder = at_parent(&self.world, side, node);
            self.world.attach(side, node, folder, name);
            self.note_moved(side, node, self.tick);
            self.schedule.keeps(entry, side);
        }
        let changed = self.take_sight(side, node, seen);
        if self.is_to_be_listed(side, node) {
            self.sides[side].want_walk(node);
        }
        if changed || !same_name {
            self.stir(entry);
        }
        if was_doubtful {
            if !self.world.entry(entry).is_row() {
                // Its record may ask for this look.
                self.persisting.dirty(entry);
            }
            self.wake_waiters(entry);
        }
    }

    /// Returns true if a look at a folder says too little of what is in it, and no walk comes by that will.
    fn is_to_be_listed(&self, side: Side, node: NodeId) -> bool {
        let at = self.world.node(side, node);
        // Without ids, that a folder stands here does not say that it is the one that stood here.
        let is_known = at.is(Mark::Listed) && self.config.rules[side].identity == Identity::Stable;
        at.kind == Kind::Folder && !is_known && self.sides[side].walk.is_none()
    }

    /// A node is at another place. What is in a folder has another path then, which the policy may or may
    /// not want, or translate to elsewhere.
    pub(super) fn note_moved(&mut self, side: Side, node: NodeId, tick: Tick) {
        self.world.tree_mut(side).note_moved(node, tick);
        if self.trivial {
            return;
        }
        let mut below: Vec<NodeId> = self.world.tree(side).children(node).collect();
        if !below.is_empty() && self.new_policy.is_none() {
            // A crash before all of it was gone through lets a start go through everything.
            self.new_policy = Some(self.config.policy.id());
            self.persisting.drop_value("policy");
        }
        // What is parked counts as standing where it did: the other side says where it is to go.
        let is_parked = is_parked(self.world.names.get(self.world.node(side, node).name()));
        let told_by = if is_parked { side.other() } else { side };
        let is_arbitrary = is_arbitrary(&*self.config.policy);
        while let Some(node) = below.pop() {
            below.extend(self.world.tree(side).children(node));
            let at = self.world.node(side, node);
            let (entry, is_listed) = (at.entry, at.kind == Kind::File || at.is(Mark::Listed));
            if !is_listed {
                // It may have been where nobody looks.
                self.sides[side].want_walk(node);
            }
            if is_arbitrary {
                self.translate_again(told_by, entry);
            } else {
                self.rest(entry);
            }
        }
    }

    /// Takes over what was seen of a known object. Returns whether anything about it changed.
    pub(super) fn take_sight(&mut self, side: Side, node: NodeId, seen: &Observed) -> bool {
        let at = self.world.node(side, node);
        let changed = match seen.kind {
            // The tag of a racy sight does not tell what came after it.
            Kind::File => {
                at.is(Mark::Racy)
                    || seen.racy
                    || !at.has_tag(&seen.tag)
                    || at.attributes() != seen.attributes
            }
            Kind::Folder => at.attributes().mode != seen.attributes.mode,
        };
        if changed {
            if seen.kind == Kind::File && !at.has_tag(&seen.tag) {
                self.note_edited(at.entry, side);
            }
            let content = self.told_content(seen);
            self.world.update(side, node, seen, content);
        }
        if seen.racy {
            self.look_later(side, node);
        }
        changed
    }

    pub(super) fn look_later(&mut self, side: Side, node: NodeId) {
        let at = (self.now + RACY_DELAY).round_up(RACY_DELAY / 2);
        self.sides[side].relooks.entry(at).or_default().push(node);
    }

    pub(super) fn told_content(&self, seen: &Observed) -> Option<Content> {
        let hash = seen.hash.filter(|hash| hash.kind == self.hash_kind)?;
        Some(Content {
            size: seen.size,
            digest: hash.digest,
        })
    }

    /// An object that nobody knows.
    pub(super) fn meet(
        &mut self,
        side: Side,
        folder: NodeId,
        name: NameId,
        seen: &Observed,
        mark: Tick,
    ) -> NodeId {
        let node = self.world.insert(side, folder, name, seen);
        self.world.node_mut(side, node).seen = mark;
        if let Some(content) = self.told_content(seen) {
            self.world.set_content(side, node, content);
        }
        if seen.racy {
            self.look_later(side, node);
        }
        if seen.kind == Kind::Folder && self.sides[side].walk.is_none() {
            self.sides[side].want_walk(node);
        }
        let entry = self.world.node(side, node).entry;
        self.stir(entry);
        node
    }

    /// A present node is not at its place, as an answer asked at `asked` says.
    fn miss(&mut self, side: Side, node: NodeId, asked: Tick) {
        let at = self.world.node(side, node);
        let folder = at_parent(&self.world, side, node);
        if self.is_ours_now(side, folder, at.name(), Some(node), asked) {
            let name = at.name();
            self.doubt_place(side, folder, name);
            return;
        }
        self.leave(side, node);
    }

    /// A present node is gone from its place.
    pub(super) fn leave(&mut self, side: Side, node: NodeId) {
        let entry = self.world.node(side, node).entry;
        let folder = at_parent(&self.world, side, node);
        self.world.detach(side, node);
        self.sides[side].gone.push(node);
        self.stir(entry);
        self.folder_changed(side, folder);
    }
}

fn at_parent(world: &crate::tree::World, side: Side, node: NodeId) -> NodeId {
    world
        .node(side, node)
        .parent()
        .expect("the root is never met in a folder")
}
