//! What the results of operations mean: what is observed, and what is agreed.

use crate::engine::Engine;
use crate::engine::io::{Effect, OperationId};
use crate::engine::operating::{Flight, deed_name};
use crate::failure::Failure;
use crate::notice::Notice;
use crate::object::{Attributes, Kind, Observed};
use crate::plan::{Deed, Place};
use crate::record::{EntryId, RenamePurpose};
use crate::side::Side;
use crate::tree::contents::Content;
use crate::tree::names::NameId;
use crate::tree::node::{Mark, NodeId, Presence};

impl Engine {
    pub(super) fn done(&mut self, id: OperationId, result: Result<Effect, Failure>) {
        let Some(flight) = self.flights.remove(&id) else {
            return;
        };
        self.unlock(&flight);
        match result {
            Ok(effect) => self.took_effect(&flight, effect),
            Err(failure) => self.operation_failed(&flight, &failure),
        }
        self.settled(flight.entry);
        self.stays(flight.entry);
    }

    pub(super) fn took_effect(&mut self, flight: &Flight, effect: Effect) {
        let (id, side) = (flight.entry, flight.side);
        self.persisting.claims(side);
        self.persisting.dirty(id);
        self.world.take_intent(id);
        for id in [id, flight.planned] {
            self.troubles.remove(&id);
            self.broke.remove(&id);
        }
        if flight.planned != id {
            self.touch(flight.planned);
        }
        for &(folder, _) in &flight.places {
            self.world.tree_mut(side).touch(folder, self.tick);
        }
        let size = match &effect {
            Effect::Written { observed, .. } => observed.size,
            _ => 0,
        };
        self.tell_done(flight, size);
        self.take_effect(flight, effect);
        // It may have been of this one, whose id is known only now, and told of what happened to it since.
        if self.sides[side].unplaced > flight.since
            && let Some(node) = self.world.find(id).and_then(|entry| entry.nodes[side])
        {
            self.doubt_node(side, node);
        }
        // What was told of something in a folder while it was not known there is looked for again.
        if self.sides[side].missed > flight.since
            && let Some(node) = self.world.find(id).and_then(|entry| entry.nodes[side])
            && self.world.node(side, node).kind == Kind::Folder
        {
            self.sides[side].want_walk(node);
        }
    }

    pub(super) fn take_effect(&mut self, flight: &Flight, effect: Effect) {
        let (id, side) = (flight.entry, flight.side);
        let folder = match &flight.deed {
            Deed::Carrier(place)
            | Deed::Create(place)
            | Deed::CreateFolder(place)
            | Deed::Keep(place)
            | Deed::Rename { place, .. } => Some(place.folder),
            Deed::Delete | Deed::Replace | Deed::SetAttributes(_) => None,
        };
        if folder.is_some_and(|folder| !self.world.tree(side).is_live(folder)) {
            // The folder was dropped under the operation: what it made is met wherever it is.
            self.doubt_path(side, &flight.path);
            self.doubt_around(flight);
            self.touch(id);
            return;
        }
        self.take_effect_of(flight, effect);
        if let Some(folder) = folder {
            self.look_for_folder_of_effect(side, folder);
        }
    }

    /// Something was put into a folder that counts as absent: it was there after all. Whatever is in it is where it is.
    fn look_for_folder_of_effect(&mut self, side: Side, folder: NodeId) {
        let tree = self.world.tree(side);
        if !tree.is_live(folder) || tree.get(folder).presence() != Presence::Absent {
            return;
        }
        let inside: Vec<NodeId> = self.world.tree(side).children(folder).collect();
        for node in inside {
            if self.world.node(side, node).is_present() {
                self.leave(side, node);
            }
        }
        // Once it is met, it is listed.
        self.set_listed(side, folder, false);
        let top = self.topmost_absent(side, folder);
        self.doubt_node(side, top);
    }

    fn take_effect_of(&mut self, flight: &Flight, effect: Effect) {
        let (id, side) = (flight.entry, flight.side);
        match (&flight.deed, effect) {
            (Deed::Carrier(place), Effect::Changed(seen)) => {
                let name = self.make_room(side, place);
                let node = self.world.insert(side, place.folder, name, &seen);
                self.world.node_mut(side, node).set(Mark::Listed, true);
                self.world.tree_mut(side).touch(node, self.tick);
                let carrier = self.world.node(side, node).entry;
                self.persisting.dirty(carrier);
                self.touch(carrier);
                self.touch(id);
            }
            (Deed::CreateFolder(place), Effect::Changed(seen)) => {
                let node = self.place_new(id, side, place, &seen);
                self.world.node_mut(side, node).set(Mark::Listed, true);
                self.world.agree(id, None);
                self.agreed(id);
                self.translate_once_more(id, side.other());
            }
            (Deed::Create(place), Effect::Written { observed, hash }) => {
                self.place_new(id, side, place, &observed);
                let content = Content {
                    size: observed.size,
                    digest: hash.digest,
                };
                let content = self.world.contents.intern(content);
                self.world.agree(id, Some(content));
                self.note_met(id);
                self.agreed(id);
                self.translate_once_more(id, side.other());
            }
            (Deed::Keep(place), Effect::Written { observed, hash }) => {
                let content = Content {
                    size: observed.size,
                    digest: hash.digest,
                };
                self.kept(flight, place, &observed, content);
            }
            (Deed::Replace, Effect::Written { observed, hash }) => {
                self.replaced(
                    flight,
                    &observed,
                    Content {
                        size: observed.size,
                        digest: hash.digest,
                    },
                );
            }
            (Deed::Rename { place, purpose, .. }, Effect::Changed(seen))
                if seen.kind == self.world.entry(id).kind =>
            {
                self.renamed(id, side, place, &seen, *purpose);
            }
            (Deed::Delete, Effect::Deleted) => self.deleted(flight),
            (Deed::SetAttributes(set), Effect::Changed(seen)) => {
                if let Some(node) = self.world.entry(id).nodes[side] {
                    self.attributes_set(id, side, node, &seen, *set);
                }
            }
            // An answer that does not fit the question, or another object took its place before we moved it: look at
            // what is there.
            _ => self.doubt_around(flight),
        }
    }

    fn attributes_set(
        &mut self,
        id: EntryId,
        side: Side,
        node: NodeId,
        seen: &Observed,
        set: Attributes,
    ) {
        let is_same = self.is_as_it_was(side, node, seen, set.mtime.is_some());
        self.change(side, node, seen, is_same);
        if is_same {
            self.agree_attributes(id, side, set);
        } else {
            self.touch(id);
        }
    }

    /// A user may have changed an object in the moment before we did, which its tag need not tell: that is still to be
    /// met as a change. Returns true if it is as it was but for what we did.
    fn is_as_it_was(&self, side: Side, node: NodeId, seen: &Observed, time_is_ours: bool) -> bool {
        let before = self.world.node(side, node);
        let tells_time = self.config.rules[side].keeps_mtime && !time_is_ours;
        before.kind == Kind::Folder
            || (before.size() == seen.size
                && (!tells_time || before.attributes().mtime == seen.attributes.mtime))
    }

    /// Takes over what an object is like that we changed: its content is the one that it had, or nobody knows it.
    fn change(&mut self, side: Side, node: NodeId, seen: &Observed, keeps_content: bool) {
        let content = self.world.node(side, node).content();
        self.world.update(side, node, seen, None);
        let at = self.world.node_mut(side, node);
        at.set_content(content.filter(|_| keeps_content));
        self.world.tree_mut(side).touch(node, self.tick);
    }

    fn deleted(&mut self, flight: &Flight) {
        let (id, side) = (flight.entry, flight.side);
        let node = self.world.entry(id).nodes[side];
        if let Some(node) = node.filter(|_| self.world.tree(side).has_ids()) {
            self.note_deleted(side, self.world.node(side, node).oid());
        }
        if !self.gone_on_both(id, side) {
            return;
        }
        match node.filter(|&node| self.world.node(side, node).is_present()) {
            None => {}
            // Met since the deletion was planned, maybe at a place that it was moved to just before.
            Some(node) if self.world.node(side, node).seen > flight.since => {
                self.doubt_node(side, node);
            }
            Some(node) => self.leave(side, node),
        }
        self.touch(id);
    }

    /// We deleted it on `side`. It is gone on both sides, and nothing is agreed on any more: whatever is met
    /// from now on is new, also after a crash. Returns false if it is back on the other side.
    pub(super) fn gone_on_both(&mut self, id: EntryId, side: Side) -> bool {
        self.deletions.done(id, side, self.now);
        self.forget_absent(id);
        if self.is_back(id, side.other()) {
            match self.busy_along(id, side.other()) {
                Some(child) => self.schedule.wait_for(id, child),
                None => self.restore_entry(id, side.other()),
            }
            return false;
        }
        self.drop_node(id, side.other());
        true
    }

    /// It was absent on this side, so that we deleted it on the other one, and here it is again: it was
    /// on its way from one place to another. Nobody but us deleted it.
    fn is_back(&self, id: EntryId, side: Side) -> bool {
        let entry = self.world.entry(id);
        let node = entry.nodes[side];
        entry.is_agreed()
            && node.is_some_and(|node| self.world.node(side, node).presence() != Presence::Absent)
    }

    /// Attributes of one side were set: both sides agree on those, as they are now. There may be
    /// others that are still to be carried over.
    pub(super) fn agree_attributes(&mut self, id: EntryId, side: Side, set: Attributes) {
        for at in Side::BOTH {
            let Some(node) = self.world.entry(id).nodes[at] else {
                return;
            };
            let (mut tag, mut agreed) = self.world.agreed_tag(id, at);
            let node = self.world.node(at, node);
            let now = node.attributes();
            if at == side {
                tag = node.tag();
            }
            if set.mtime.is_some() {
                agreed.mtime = now.mtime;
            }
            if set.mode.is_some() {
                agreed.mode = now.mode;
            }
            self.world.set_agreed_tag(id, at, tag, agreed);
        }
        self.touch(id);
    }

    pub(super) fn tell_done(&mut self, flight: &Flight, size: u64) {
        let operation = deed_name(&flight.deed);
        let notice = Notice::Done {
            side: flight.side,
            operation,
            path: flight.path.clone(),
            from: flight.from.clone(),
            size,
        };
        self.notice(notice);
    }

    pub(super) fn place_new(
        &mut self,
        id: EntryId,
        side: Side,
        place: &Place,
        seen: &Observed,
    ) -> NodeId {
        let name = self.make_room(side, place);
        let node = self.world.insert_into(id, side, place.folder, name, seen);
        self.world.tree_mut(side).touch(node, self.tick);
        node
    }

    /// What was known at a place where we made something is gone, or else it could not have been made.
    fn make_room(&mut self, side: Side, place: &Place) -> NameId {
        let name = self.world.names.intern(&place.name);
        if let Some(here) = self.world.child(side, place.folder, name) {
            let other = self.world.node(side, here).entry;
            self.world.detach(side, here);
            self.sides[side].gone.push(here);
            self.touch(other);
        }
        name
    }

    /// A version of a conflict was copied to a file of its own: a new one of the side it was written to.
    fn kept(&mut self, flight: &Flight, place: &Place, seen: &Observed, content: Content) {
        let (id, side) = (flight.entry, flight.side);
        let name = self.make_room(side, place);
        let node = self.world.insert(side, place.folder, name, seen);
        self.world.set_content(side, node, content);
        self.world.tree_mut(side).touch(node, self.tick);
        let copy = self.world.node(side, node).entry;
        self.persisting.dirty(copy);
        self.touch(copy);
        if let Some(from) = self.world.entry(id).nodes[side.other()] {
            self.world.set_content(side.other(), from, content);
        }
        self.touch(id);
    }

    pub(super) fn replaced(&mut self, flight: &Flight, seen: &Observed, content: Content) {
        let (id, side) = (flight.entry, flight.side);
        let Some(node) = self.world.entry(id).nodes[side] else {
            return;
        };
        self.world.update(side, node, seen, Some(content));
        self.world.tree_mut(side).touch(node, self.tick);
        self.overdue.forget(id, side);
        if flight.answer.is_some() {
            // The application merged: what the other side has is superseded by this.
            self.merged(id, side);
            return;
        }
        let content = self.world.contents.intern(content);
        self.agree_but_for_moves(id, content);
        self.agreed(id);
    }

    pub(super) fn renamed(
        &mut self,
        id: EntryId,
        side: Side,
        place: &Place,
        seen: &Observed,
        purpose: RenamePurpose,
    ) {
        let Some(node) = self.world.entry(id).nodes[side] else {
            return;
        };
        let name = self.world.names.intern(&place.name);
        let before = self.world.node(side, node);
        let (kind, old_folder) = (before.kind, before.parent());
        if let Some(here) = self.world.child(side, place.folder, name)
            && here != node
        {
            let other = self.world.node(side, here).entry;
            self.world.detach(side, here);
            self.sides[side].gone.push(here);
            self.touch(other);
        }
        let tag = self.world.node(side, node).tag();
        let is_same = self.is_as_it_was(side, node, seen, false);
        let agreed = self.world.entry(id).is_agreed();
        let agreed = agreed.then(|| self.world.agreed_tag(id, side));
        let is_listed = self.world.node(side, node).is(Mark::Listed);
        let is_to_be_walked =
            kind == Kind::Folder && (!is_listed || self.is_to_be_walked(side, node));
        if kind == Kind::Folder {
            self.leaves_its_place(side, node);
        }
        self.world.attach(side, node, place.folder, name);
        self.change(side, node, seen, is_same);
        self.note_moved(side, node, self.tick);
        if let Some((_, agreed)) = agreed.filter(|agreed| agreed.0 == tag && is_same) {
            // A rename may give another tag; it changed nothing else.
            let now = self.world.node(side, node).tag();
            self.world.set_agreed_tag(id, side, now, agreed);
        }
        if is_to_be_walked {
            // The walk that is under way, or comes, or a look that was to be followed by one, may come by neither of its
            // two places in time.
            self.sides[side].want_walk(node);
        }
        self.was_renamed(id, side, purpose);
        if self.world.node(side, node).is(Mark::Doubtful) {
            // The doubt may be one about the place that it left, where nobody meets it any more.
            self.doubt_node(side, node);
        }
        if let Some(folder) = old_folder {
            self.folder_changed(side, folder);
        }
    }

    /// What a rename of ours means, done now or before a crash.
    pub(super) fn was_renamed(&mut self, id: EntryId, side: Side, purpose: RenamePurpose) {
        self.persisting.dirty(id);
        match purpose {
            RenamePurpose::Carry => {
                self.world.agree_places(id);
                self.translate_once_more(id, side.other());
            }
            RenamePurpose::Park | RenamePurpose::Undo => {}
            RenamePurpose::Split | RenamePurpose::SplitOwn => {
                if self.world.entry(id).nodes[side.other()].is_some() {
                    self.part(id);
                }
            }
        }
        self.touch(id);
    }

    /// Something left a folder that may wait to be empty.
    pub(super) fn folder_changed(&mut self, side: Side, folder: NodeId) {
        if self.world.tree(side).is_live(folder) {
            let entry = self.world.node(side, folder).entry;
            if self.deletions.is_absent(entry) {
                self.touch(entry);
            }
        }
    }
}
