//! Operations: intents, locks, and what their results mean.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::io::{Act, Effect, Operation, OperationId, Output, QuestionId, Source};
use crate::failure::{ErrorKind, Failure, Retry};
use crate::notice::Notice;
use crate::object::{Attributes, Kind, Observed, Tag, Target};
use crate::plan::{Deed, Place};
use crate::precondition::Expect;
use crate::record::{EntryId, IntendedAct, Intent, RenamePurpose};
use crate::side::Side;
use crate::tree::contents::Content;
use crate::tree::names::NameId;
use crate::tree::node::{NodeId, Presence, Tick};

/// So many failures of the kind "it is not as expected" are a race, not worth telling.
const RACES: u32 = 3;

/// An operation under way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    entry: EntryId,
    side: Side,
    deed: Deed,
    /// Locked places.
    places: Vec<(NodeId, NameId)>,
    /// Folders below which something is under way, with their ancestors.
    below: Vec<(Side, NodeId)>,
    /// The folder that nothing may start below meanwhile.
    drains: Option<(Side, NodeId)>,
    bytes: u64,
    /// When it was planned.
    since: Tick,
    /// Content of the application's, not of the other side.
    answer: Option<QuestionId>,
    from: Option<String>,
    path: String,
}

impl Engine {
    /// Starts an operation, or waits until it may start.
    pub(super) fn begin(&mut self, id: EntryId, side: Side, deed: Deed) {
        self.begin_with(id, side, deed, None);
    }

    pub(super) fn begin_with(
        &mut self,
        planned: EntryId,
        side: Side,
        deed: Deed,
        answer: Option<(QuestionId, u64)>,
    ) {
        // Whose node is changed: not always the one that was planned.
        let entry = match &deed {
            Deed::Rename { entry, .. } => *entry,
            _ => planned,
        };
        if entry != planned {
            self.schedule.wait_for(planned, entry);
            if self.locks.entries.contains(&entry) || self.persisting.open_intents.contains(&entry)
            {
                return;
            }
        }
        if let Some(holder) = self.drained(entry, side, &deed) {
            self.schedule.wait_for(planned, holder);
            return;
        }
        let own = self.world.entry(entry).nodes[side];
        let drains = match (&deed, own) {
            (Deed::Rename { .. } | Deed::Delete, Some(node))
                if self.world.node(side, node).kind == Kind::Folder =>
            {
                Some((side, node))
            }
            _ => None,
        };
        if let Some(key) = drains
            && self.locks.below.get(&key).is_some_and(|&count| count > 0)
        {
            // Nothing new starts below it; when the last one there ends, this is planned again.
            self.locks.draining.insert(key);
            self.drain_waiters.insert(key, planned);
            return;
        }
        let Some((act, intent, bytes)) = self.act(entry, side, &deed, answer) else {
            self.touch(planned);
            return;
        };
        if self.config.dry_run {
            self.pretend(entry, side, &deed, &act);
            return;
        }
        let id = OperationId(self.new_id());
        let flight = self.lock(entry, side, deed, drains, bytes, answer.map(|(id, _)| id));
        self.flights.insert(id, flight);
        let load = &mut self.load[side];
        load.0 += 1;
        load.1 += bytes;
        let operation = Operation { id, side, act };
        match intent {
            Some(act) => {
                self.world.entry_mut(entry).intent = Some(Box::new(Intent { side, act }));
                self.persisting.dirty(entry);
                self.persisting.hand_out(operation);
            }
            None => self.out.push_back(Output::Operation(operation)),
        }
    }

    /// Returns the entry of a folder that is to be moved or deleted first, or is on its way.
    fn drained(&self, entry: EntryId, side: Side, deed: &Deed) -> Option<EntryId> {
        if self.locks.draining.is_empty() {
            return None;
        }
        self.touched_folders(entry, side, deed)
            .into_iter()
            .find_map(|(side, folder)| {
                let tree = self.world.tree(side);
                std::iter::once(folder)
                    .chain(tree.ancestors(folder))
                    .find(|&at| self.locks.draining.contains(&(side, at)))
                    .map(|at| self.world.node(side, at).entry)
                    .filter(|&holder| holder != entry)
            })
    }

    /// Returns the folders that an operation reads or changes something in.
    fn touched_folders(&self, entry: EntryId, side: Side, deed: &Deed) -> Vec<(Side, NodeId)> {
        let nodes = &self.world.entry(entry).nodes;
        let folder_of = |side: Side| Some((side, self.world.node(side, nodes[side]?).parent()?));
        let place = match deed {
            Deed::Carrier(place)
            | Deed::Create(place)
            | Deed::CreateFolder(place)
            | Deed::Rename { place, .. } => Some((side, place.folder)),
            Deed::Delete | Deed::Replace | Deed::SetAttributes(_) => None,
        };
        let source = match deed {
            Deed::Create(_) | Deed::Replace => folder_of(side.other()),
            _ => None,
        };
        [place, folder_of(side), source]
            .into_iter()
            .flatten()
            .collect()
    }

    fn lock(
        &mut self,
        entry: EntryId,
        side: Side,
        deed: Deed,
        drains: Option<(Side, NodeId)>,
        bytes: u64,
        answer: Option<QuestionId>,
    ) -> Flight {
        let mut below = Vec::new();
        for (side, folder) in self.touched_folders(entry, side, &deed) {
            below.push((side, folder));
            below.extend(self.world.tree(side).ancestors(folder).map(|at| (side, at)));
        }
        for &key in &below {
            *self.locks.below.entry(key).or_default() += 1;
        }
        let mut places = Vec::new();
        let mut from = None;
        if let Some(node) = self.world.entry(entry).nodes[side] {
            let at = self.world.node(side, node);
            if at.is_present()
                && let Some(folder) = at.parent()
            {
                places.push((folder, self.world.names.folded(side, at.name())));
                from = Some(self.world.path(side, node));
            }
        }
        let path = match &deed {
            Deed::Carrier(place)
            | Deed::Create(place)
            | Deed::CreateFolder(place)
            | Deed::Rename { place, .. } => {
                let name = self.world.names.intern(&place.name);
                places.push((place.folder, self.world.names.folded(side, name)));
                self.place_path(side, place)
            }
            Deed::Delete | Deed::Replace | Deed::SetAttributes(_) => {
                from.clone().unwrap_or_default()
            }
        };
        let from = from.filter(|_| matches!(deed, Deed::Rename { .. }));
        for &(folder, name) in &places {
            self.locks.places.insert((side, folder, name), entry);
        }
        self.locks.entries.insert(entry);
        self.locks.draining.extend(drains);
        Flight {
            entry,
            side,
            deed,
            places,
            below,
            drains,
            bytes,
            since: self.tick,
            answer,
            from,
            path,
        }
    }

    fn unlock(&mut self, flight: &Flight) {
        for &(folder, name) in &flight.places {
            self.locks.places.remove(&(flight.side, folder, name));
        }
        self.locks.entries.remove(&flight.entry);
        for side in Side::BOTH {
            self.sides[side].unblock(flight.entry);
        }
        if let Some(key) = flight.drains {
            self.locks.draining.remove(&key);
        }
        for key in &flight.below {
            let Some(count) = self.locks.below.get_mut(key) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.locks.below.remove(key);
                if self.locks.draining.contains(key)
                    && let Some(waiter) = self.drain_waiters.remove(key)
                {
                    self.locks.draining.remove(key);
                    self.touch(waiter);
                }
            }
        }
        let load = &mut self.load[flight.side];
        load.0 -= 1;
        load.1 -= flight.bytes;
    }

    fn place_path(&self, side: Side, place: &Place) -> String {
        self.target(side, place).path()
    }

    fn target(&self, side: Side, place: &Place) -> Target {
        Target {
            folder: self.object(side, place.folder),
            name: place.name.clone(),
        }
    }

    /// Returns what the provider is told, what is recorded before, and the bytes to move.
    fn act(
        &self,
        entry: EntryId,
        side: Side,
        deed: &Deed,
        answer: Option<(QuestionId, u64)>,
    ) -> Option<(Act, Option<IntendedAct>, u64)> {
        let nodes = &self.world.entry(entry).nodes;
        let own = nodes[side];
        let file_tag = |node: NodeId| {
            let at = self.world.node(side, node);
            (at.kind == Kind::File).then(|| at.tag.clone())
        };
        let parent = |folder: NodeId| self.world.node(side, folder).entry;
        match deed {
            Deed::Carrier(place) => {
                let act = Act::CreateFolder {
                    target: self.target(side, place),
                    attributes: Attributes::default(),
                };
                Some((act, None, 0))
            }
            Deed::CreateFolder(place) => {
                let from = self.world.node(side.other(), nodes[side.other()]?);
                let attributes = Attributes {
                    mtime: None,
                    mode: from.attributes().mode,
                };
                let act = Act::CreateFolder {
                    target: self.target(side, place),
                    attributes,
                };
                let intent = IntendedAct::CreateFolder {
                    parent: parent(place.folder),
                    name: place.name.clone(),
                };
                Some((act, Some(intent), 0))
            }
            Deed::Delete => {
                let node = own?;
                let kind = self.world.node(side, node).kind;
                let act = Act::Delete {
                    at: self.object(side, node),
                    kind,
                    expect: file_tag(node),
                };
                Some((act, Some(IntendedAct::Delete), 0))
            }
            Deed::Rename { place, purpose, .. } => {
                let node = own?;
                let act = Act::Rename {
                    at: self.object(side, node),
                    expect: file_tag(node),
                    target: self.target(side, place),
                };
                let intent = IntendedAct::Rename {
                    parent: parent(place.folder),
                    name: place.name.clone(),
                    purpose: *purpose,
                };
                Some((act, Some(intent), 0))
            }
            Deed::SetAttributes(attributes) => {
                let node = own?;
                let (at, expect) = (self.object(side, node), file_tag(node));
                Some((
                    Act::SetAttributes {
                        at,
                        expect,
                        attributes: *attributes,
                    },
                    None,
                    0,
                ))
            }
            Deed::Create(place) => {
                let act = self.write(entry, side, place, Expect::Free, answer)?;
                Some(act)
            }
            Deed::Replace => {
                let node = own?;
                let at = self.world.node(side, node);
                let name = self.world.names.get(at.name()).to_owned();
                let place = Place {
                    folder: at.parent()?,
                    name,
                };
                let oid = self.object(side, node).oid;
                let expect = Expect::Unchanged {
                    oid,
                    tag: at.tag.clone(),
                };
                self.write(entry, side, &place, expect, answer)
            }
        }
    }

    fn write(
        &self,
        entry: EntryId,
        side: Side,
        place: &Place,
        expect: Expect,
        answer: Option<(QuestionId, u64)>,
    ) -> Option<(Act, Option<IntendedAct>, u64)> {
        let other = side.other();
        let node = self.world.entry(entry).nodes[other]?;
        let from = self.world.node(other, node);
        let (source, size, attributes, tag) = match answer {
            Some((question, size)) => (
                Source::Answer(question),
                size,
                Attributes::default(),
                Tag::default(),
            ),
            None => {
                let source = Source::Object {
                    at: self.object(other, node),
                    tag: from.tag.clone(),
                };
                (source, from.size, from.attributes(), from.tag.clone())
            }
        };
        let digest = from.content.filter(|_| answer.is_none());
        let intent = IntendedAct::Write {
            parent: self.world.node(side, place.folder).entry,
            name: place.name.clone(),
            expect: expect.clone(),
            size,
            attributes,
            source: tag,
            digest: digest.map(|content| self.world.contents.get(content).digest),
        };
        let target = self.target(side, place);
        let hash = self.hash_kind;
        Some((
            Act::Write {
                source,
                target,
                expect,
                size,
                attributes,
                hash,
            },
            Some(intent),
            size,
        ))
    }

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
    }

    fn took_effect(&mut self, flight: &Flight, effect: Effect) {
        let (id, side) = (flight.entry, flight.side);
        self.persisting.claims(side);
        self.persisting.dirty(id);
        self.world.entry_mut(id).intent = None;
        self.troubles.remove(&id);
        for &(folder, _) in &flight.places {
            self.world.node_mut(side, folder).touched = self.tick;
        }
        let size = match &effect {
            Effect::Written { observed, .. } => observed.size,
            _ => 0,
        };
        self.tell_done(flight, size);
        self.take_effect(flight, effect);
        // What was told of something in a folder while it was not known there is looked for again.
        if self.sides[side].missed > flight.since
            && let Some(node) = self.world.find(id).and_then(|entry| entry.nodes[side])
            && self.world.node(side, node).kind == Kind::Folder
        {
            self.sides[side].want_walk(node);
        }
    }

    fn take_effect(&mut self, flight: &Flight, effect: Effect) {
        let (id, side) = (flight.entry, flight.side);
        match (&flight.deed, effect) {
            (Deed::Carrier(place), Effect::Changed(seen)) => {
                let name = self.world.names.intern(&place.name);
                let node = self.world.insert(side, place.folder, name, &seen);
                let at = self.world.node_mut(side, node);
                at.listed = true;
                at.carrier = true;
                at.touched = self.tick;
                self.touch(id);
            }
            (Deed::CreateFolder(place), Effect::Changed(seen)) => {
                let node = self.place_new(id, side, place, &seen);
                self.world.node_mut(side, node).listed = true;
                self.world.agree(id, None);
                self.agreed(id);
            }
            (Deed::Create(place), Effect::Written { observed, hash }) => {
                self.place_new(id, side, place, &observed);
                let content = Content {
                    size: observed.size,
                    digest: hash.digest,
                };
                let content = self.world.contents.intern(content);
                self.world.agree(id, Some(content));
                self.agreed(id);
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
            (Deed::Rename { place, purpose, .. }, Effect::Changed(seen)) => {
                self.renamed(id, side, place, &seen, *purpose);
            }
            (Deed::Delete, Effect::Deleted) => self.deleted(flight),
            (Deed::SetAttributes(set), Effect::Changed(seen)) => {
                if let Some(node) = self.world.entry(id).nodes[side] {
                    let content = self.world.node(side, node).content;
                    self.world.update(side, node, &seen, None);
                    let at = self.world.node_mut(side, node);
                    at.content = content;
                    at.touched = self.tick;
                }
                self.agree_attributes(id, side, *set);
            }
            // An answer that does not fit the question: look at what is there.
            _ => self.doubt_around(flight),
        }
    }

    /// It is gone on both sides, and nothing is agreed on any more: whatever is met from now on is new.
    fn deleted(&mut self, flight: &Flight) {
        let (id, side) = (flight.entry, flight.side);
        self.deletions.done(side);
        self.forget_absent(id);
        if self.is_back(id, side.other()) {
            self.restore_entry(id, side.other());
            return;
        }
        self.world.drop_node(id, side.other());
        let node = self.world.entry(id).nodes[side];
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

    /// It was absent on this side, so that we deleted it on the other one, and here it is again: it was
    /// on its way from one place to another. Nobody but us deleted it.
    pub(super) fn is_back(&self, id: EntryId, side: Side) -> bool {
        let entry = self.world.entry(id);
        let node = entry.nodes[side];
        entry.is_agreed()
            && node.is_some_and(|node| self.world.node(side, node).presence() != Presence::Absent)
    }

    /// Attributes of one side were set: both sides agree on those, as they are now. There may be
    /// others that are still to be carried over.
    fn agree_attributes(&mut self, id: EntryId, side: Side, set: Attributes) {
        for at in Side::BOTH {
            let Some(node) = self.world.entry(id).nodes[at] else {
                return;
            };
            let (mut tag, mut agreed) = self.world.agreed_tag(id, at);
            let node = self.world.node(at, node);
            let now = node.attributes();
            if at == side {
                tag = node.tag.clone();
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

    fn tell_done(&mut self, flight: &Flight, size: u64) {
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

    fn place_new(&mut self, id: EntryId, side: Side, place: &Place, seen: &Observed) -> NodeId {
        let name = self.world.names.intern(&place.name);
        if let Some(here) = self.world.child(side, place.folder, name) {
            // What was there is gone, or else it could not have been made.
            let other = self.world.node(side, here).entry;
            self.world.detach(side, here);
            self.sides[side].gone.push(here);
            self.touch(other);
        }
        let node = self.world.insert_into(id, side, place.folder, name, seen);
        self.world.node_mut(side, node).touched = self.tick;
        node
    }

    fn replaced(&mut self, flight: &Flight, seen: &Observed, content: Content) {
        let (id, side) = (flight.entry, flight.side);
        let Some(node) = self.world.entry(id).nodes[side] else {
            return;
        };
        self.world.update(side, node, seen, Some(content));
        self.world.node_mut(side, node).touched = self.tick;
        if flight.answer.is_some() {
            // The application merged: what the other side has is superseded by this.
            self.world.agree_tag(id, side.other());
            self.touch(id);
            return;
        }
        let content = self.world.contents.intern(content);
        self.world.agree(id, Some(content));
        self.agreed(id);
    }

    fn renamed(
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
        let old_folder = self.world.node(side, node).parent();
        if let Some(here) = self.world.child(side, place.folder, name)
            && here != node
        {
            let other = self.world.node(side, here).entry;
            self.world.detach(side, here);
            self.sides[side].gone.push(here);
            self.touch(other);
        }
        let before = self.world.node(side, node);
        let (tag, attributes) = (before.tag.clone(), before.attributes());
        let agreed = self.world.entry(id).is_agreed();
        let agreed = agreed.then(|| self.world.agreed_tag(id, side));
        self.world.attach(side, node, place.folder, name);
        let content = self.world.node(side, node).content;
        self.world.update(side, node, seen, None);
        let at = self.world.node_mut(side, node);
        at.content = content;
        at.touched = self.tick;
        at.moved = self.tick;
        if let Some((_, agreed)) = agreed.filter(|agreed| agreed.0 == tag) {
            // A rename may give another tag; it changed nothing else.
            let now = self.world.node(side, node);
            let agreed = if agreed == attributes {
                now.attributes()
            } else {
                agreed
            };
            let now = now.tag.clone();
            self.world.set_agreed_tag(id, side, now, agreed);
        }
        if self.sides[side].is_walking() && self.world.node(side, node).kind == Kind::Folder {
            // The walk that is under way may come by neither of its two places in time.
            self.sides[side].want_walk(node);
        }
        self.was_renamed(id, side, purpose);
        if let Some(folder) = old_folder {
            self.folder_changed(side, folder);
        }
    }

    /// What a rename of ours means, done now or before a crash.
    pub(super) fn was_renamed(&mut self, id: EntryId, side: Side, purpose: RenamePurpose) {
        self.persisting.dirty(id);
        match purpose {
            RenamePurpose::Carry => self.world.agree_places(id),
            RenamePurpose::Park | RenamePurpose::Undo => {}
            RenamePurpose::Split => {
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

    fn operation_failed(&mut self, flight: &Flight, failure: &Failure) {
        let (id, side) = (flight.entry, flight.side);
        // A lost answer: the place is looked at again, and the intent settled by what is found.
        let uncertain = failure.is_retryable() || failure.kind() == ErrorKind::Unexpected;
        if uncertain && self.world.entry(id).intent.is_some() {
            self.persisting.open_intents.insert(id);
        } else {
            self.world.entry_mut(id).intent = None;
            self.persisting.dirty(id);
        }
        if let Deed::SetAttributes(_) = flight.deed
            && !failure.is_retryable()
            && !is_race(failure.kind())
        {
            // Attributes never hold anything up.
            let content = self.world.entry(id).content();
            self.world.agree(id, content);
            self.agreed(id);
            return;
        }
        self.doubt_around(flight);
        let source = matches!(flight.deed, Deed::Create(_) | Deed::Replace)
            && matches!(
                failure.kind(),
                ErrorKind::SourceChanged | ErrorKind::Corrupt
            );
        let side = if source { side.other() } else { side };
        self.failed(id, side, failure, &[]);
    }

    /// Looks again at everything that an operation was about.
    fn doubt_around(&mut self, flight: &Flight) {
        let side = flight.side;
        for &(folder, name) in &flight.places {
            self.doubt_place(side, folder, name);
            if folder != NodeId::ROOT && self.world.tree(side).is_live(folder) {
                self.doubt_node(side, folder);
            }
        }
        if matches!(flight.deed, Deed::Delete) {
            for &(folder, name) in &flight.places {
                if let Some(node) = self.world.child(side, folder, name)
                    && self.world.node(side, node).kind == Kind::Folder
                {
                    self.sides[side].want_walk(node);
                }
            }
        }
        for side in Side::BOTH {
            let node = self
                .world
                .find(flight.entry)
                .and_then(|entry| entry.nodes[side]);
            if let Some(node) = node
                && self.world.node(side, node).is_present()
            {
                self.doubt_node(side, node);
            }
        }
    }

    /// An entry failed: it is looked at and tried again, at once after a race, else later and later.
    pub(super) fn failed(
        &mut self,
        id: EntryId,
        side: Side,
        failure: &Failure,
        doubtful: &[(Side, NodeId)],
    ) {
        for &(side, node) in doubtful {
            if self.world.node(side, node).is_present() {
                self.doubt_node(side, node);
            }
        }
        if matches!(
            failure.kind(),
            ErrorKind::Disconnected | ErrorKind::Token | ErrorKind::RootMissing
        ) {
            // The side is the trouble, not the object.
            self.side_down(side, failure.clone());
            self.touch(id);
            return;
        }
        let (_, path) = self.entry_path(id);
        let old = self.troubles.get(&id);
        let attempts = old.map_or(1, |old| old.attempts + 1);
        let told_before = old.is_some_and(|old| old.told && old.failure.kind() == failure.kind());
        let race = is_race(failure.kind()) && attempts <= RACES;
        if !race && !told_before {
            let failure = failure.clone();
            self.notice(Notice::Failed {
                side,
                path: path.clone(),
                failure,
            });
        }
        let told = told_before || !race;
        let trouble = super::Failing {
            side,
            path,
            failure: failure.clone(),
            attempts,
            told,
        };
        self.troubles.insert(id, trouble);
        if race {
            // Not before what is in doubt was looked at.
            match Side::BOTH
                .into_iter()
                .find(|&side| !self.sides[side].is_settled())
            {
                Some(side) => self.schedule.look(id, side),
                None => self.schedule.rest(id, self.now, Duration::from_millis(1)),
            }
            return;
        }
        let (shortest, longest) = self.config.backoff;
        let doubled = shortest.saturating_mul(1 << (attempts - 1).min(16));
        let delay = match failure.retry() {
            Retry::After(Some(asked)) => asked,
            Retry::After(None) => doubled.min(longest),
            // Nothing helps but a change; look again now and then all the same.
            Retry::Exhausted | Retry::Never => {
                if failure.kind() == ErrorKind::NameRejected {
                    longest * 10
                } else {
                    doubled.min(longest)
                }
            }
        };
        self.schedule.later(id, self.now, delay);
    }
}

fn is_race(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AlreadyExists
            | ErrorKind::NotEmpty
            | ErrorKind::NotFound
            | ErrorKind::PreconditionFailed
            | ErrorKind::SourceChanged
    )
}

/// Returns the name of an operation, for people and programs.
pub(super) fn deed_name(deed: &Deed) -> &'static str {
    match deed {
        Deed::Carrier(_) | Deed::CreateFolder(_) => "create_folder",
        Deed::Create(_) | Deed::Replace => "copy",
        Deed::Delete => "delete",
        Deed::Rename { .. } => "rename",
        Deed::SetAttributes(_) => "set_attributes",
    }
}
