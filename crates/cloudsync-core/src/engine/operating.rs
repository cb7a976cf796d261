//! Handing out operations: intents and locks.

use crate::engine::Engine;
use crate::engine::io::{Act, Operation, OperationId, Output, QuestionId, Source};
use crate::object::{Attributes, Kind, Target};
use crate::plan::{Deed, Place};
use crate::precondition::Expect;
use crate::record::{EntryId, IntendedAct, Intent};
use crate::rules::Feed;
use crate::side::Side;
use crate::tree::names::NameId;
use crate::tree::node::{NodeId, Tick};
use crate::tree::side_tree::NodeRef;

/// Folders that a few operations are under way below, with their ancestors: mostly no more than these.
const DEPTH: usize = 24;

/// An operation under way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// Whose node is changed.
    pub(super) entry: EntryId,
    /// Who needs it: not always the same.
    pub(super) planned: EntryId,
    pub(super) side: Side,
    pub(super) deed: Deed,
    /// Locked places.
    pub(super) places: Vec<(NodeId, NameId)>,
    /// Folders below which something is under way, with their ancestors.
    pub(super) below: Vec<(Side, NodeId)>,
    /// The folder that nothing may start below meanwhile.
    pub(super) drains: Option<(Side, NodeId)>,
    pub(super) bytes: u64,
    /// When it was planned.
    pub(super) since: Tick,
    /// Content of the application's, not of the other side.
    pub(super) answer: Option<Merged>,
    pub(super) from: Option<String>,
    pub(super) path: String,
}

/// Content that the application made of two versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Merged {
    /// The question that it answers: the driver holds it under this.
    pub(super) question: QuestionId,
    pub(super) size: u64,
    pub(super) digest: [u8; 32],
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
        answer: Option<Merged>,
    ) {
        // Whose node is changed: not always the one that was planned.
        let entry = match &deed {
            Deed::Rename { entry, .. } => *entry,
            _ => planned,
        };
        let is_held =
            self.locks.entries.contains(&entry) || self.persisting.open_intents.contains(&entry);
        if entry != planned && is_held {
            self.schedule.wait_for(planned, entry);
            return;
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
        if drains.is_some_and(|key| self.drain(key, planned)) {
            return;
        }
        let Some((act, intent, bytes)) = self.act(entry, side, &deed, answer) else {
            self.touch(planned);
            return;
        };
        if self.config.dry_run {
            self.pretend((planned, entry), side, &deed, &act);
            return;
        }
        if let (Deed::Rename { .. }, Some((_, folder))) = (&deed, drains) {
            self.leaves_its_place(side, folder);
        }
        let id = OperationId(self.new_id());
        let flight = Flight {
            planned,
            bytes,
            answer,
            ..self.lock(entry, side, deed, &act, drains)
        };
        self.flights.insert(id, flight);
        let load = &mut self.load[side];
        load.0 += 1;
        load.1 += bytes;
        let operation = Operation {
            id,
            side,
            act,
            is_prompt: self.schedule.was_prompt(planned),
        };
        let Some(intent) = intent.map(|act| Intent { side, act }) else {
            self.out.push_back(Output::Operation(operation));
            return;
        };
        let is_announced = self.is_announced(entry, &intent);
        self.world.set_intent(entry, intent);
        if is_announced {
            let operation = self.persisting.hand_out_recorded(entry, operation);
            self.out.extend(operation.map(Output::Operation));
        } else {
            self.record(entry);
            self.persisting.hand_out(operation);
        }
    }

    /// Returns true if operations are under way below a folder. Nothing new starts there; when the last one
    /// ends, `planned` is planned again, and whoever else waits for that.
    pub(super) fn drain(&mut self, key: (Side, NodeId), planned: EntryId) -> bool {
        let is_busy = self.locks.below.get(&key).is_some_and(|&count| count > 0);
        if is_busy {
            self.locks.draining.insert(key);
            self.drain_waiters.entry(key).or_default().insert(planned);
        }
        is_busy
    }

    /// Returns the entry of a folder that is to be moved or deleted first, or is on its way.
    fn drained(&self, entry: EntryId, side: Side, deed: &Deed) -> Option<EntryId> {
        if self.locks.draining.is_empty() {
            return None;
        }
        self.touched_folders(entry, side, deed)
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
    fn touched_folders(
        &self,
        entry: EntryId,
        side: Side,
        deed: &Deed,
    ) -> impl Iterator<Item = (Side, NodeId)> + use<> {
        let nodes = &self.world.entry(entry).nodes;
        let folder_of = |side: Side| Some((side, self.world.node(side, nodes[side]?).parent()?));
        let place = match deed {
            Deed::Carrier(place)
            | Deed::Create(place)
            | Deed::CreateFolder(place)
            | Deed::Keep(place)
            | Deed::Rename { place, .. } => Some((side, place.folder)),
            Deed::Delete | Deed::Replace | Deed::SetAttributes(_) => None,
        };
        let source = match deed {
            Deed::Create(_) | Deed::Keep(_) | Deed::Replace => folder_of(side.other()),
            _ => None,
        };
        [place, folder_of(side), source].into_iter().flatten()
    }

    fn lock(
        &mut self,
        entry: EntryId,
        side: Side,
        deed: Deed,
        act: &Act,
        drains: Option<(Side, NodeId)>,
    ) -> Flight {
        let mut below = Vec::with_capacity(DEPTH);
        for (side, folder) in self.touched_folders(entry, side, &deed) {
            below.push((side, folder));
            below.extend(self.world.tree(side).ancestors(folder).map(|at| (side, at)));
        }
        for &key in &below {
            *self.locks.below.entry(key).or_default() += 1;
        }
        let mut places = Vec::with_capacity(2);
        if let Some(node) = self.world.entry(entry).nodes[side] {
            let at = self.world.node(side, node);
            if at.is_present()
                && let Some(folder) = at.parent()
            {
                places.push((folder, self.world.names.folded(side, at.name())));
            }
        }
        match &deed {
            Deed::Carrier(place)
            | Deed::Create(place)
            | Deed::CreateFolder(place)
            | Deed::Keep(place)
            | Deed::Rename { place, .. } => {
                let name = self.world.names.intern(&place.name);
                places.push((place.folder, self.world.names.folded(side, name)));
            }
            Deed::Delete | Deed::Replace | Deed::SetAttributes(_) => {}
        }
        let (from, path) = match act {
            Act::CreateFolder { target, .. } | Act::Write { target, .. } => (None, target.path()),
            Act::Rename { at, target, .. } => (Some(at.path.clone()), target.path()),
            Act::Delete { at, .. } | Act::SetAttributes { at, .. } => (None, at.path.clone()),
        };
        for &(folder, name) in &places {
            self.locks.places.insert((side, folder, name), entry);
        }
        self.locks.entries.insert(entry);
        self.locks.draining.extend(drains);
        Flight {
            entry,
            planned: entry,
            side,
            deed,
            places,
            below,
            drains,
            bytes: 0,
            since: self.tick,
            answer: None,
            from,
            path,
        }
    }

    pub(super) fn unlock(&mut self, flight: &Flight) {
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
                    && let Some(waiters) = self.drain_waiters.remove(key)
                {
                    self.locks.draining.remove(key);
                    for waiter in waiters {
                        self.touch(waiter);
                        // It may find that it has to wait for what could not start below it.
                        self.wake_waiters(waiter);
                    }
                    // That waits for the folder, which need not be what the others wanted out of their way.
                    let (side, folder) = *key;
                    if self.world.tree(side).is_live(folder) {
                        self.wake_waiters(self.world.node(side, folder).entry);
                    }
                }
            }
        }
        let load = &mut self.load[flight.side];
        load.0 -= 1;
        load.1 -= flight.bytes;
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
        answer: Option<Merged>,
    ) -> Option<(Act, Option<IntendedAct>, u64)> {
        let nodes = &self.world.entry(entry).nodes;
        let own = nodes[side];
        let file_tag = |node: NodeId| {
            let at = self.world.node(side, node);
            (at.kind == Kind::File).then(|| at.tag())
        };
        let parent = |folder: NodeId| self.world.node(side, folder).entry;
        match deed {
            Deed::Carrier(place) => {
                let act = Act::CreateFolder {
                    target: self.target(side, place),
                    attributes: Attributes::default(),
                };
                Some((act, self.intent_where_not_met(side, place), 0))
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
                let intent = IntendedAct::Make {
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
            Deed::Keep(place) => {
                let (act, _, size) = self.write(entry, side, place, Expect::Free, None)?;
                Some((act, self.intent_where_not_met(side, place), size))
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
                let expect = Expect::Unchanged { oid, tag: at.tag() };
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
        answer: Option<Merged>,
    ) -> Option<(Act, Option<IntendedAct>, u64)> {
        let other = side.other();
        let node = self.world.entry(entry).nodes[other]?;
        let from = self.world.node(other, node);
        let (source, size, attributes, intent) = if let Some(merged) = answer {
            let Expect::Unchanged { tag: replaced, .. } = &expect else {
                return None;
            };
            let intent = IntendedAct::Merge {
                size: merged.size,
                digest: merged.digest,
                replaced: replaced.clone(),
                loser: from.tag(),
            };
            let source = Source::Answer(merged.question);
            (source, merged.size, Attributes::default(), intent)
        } else {
            let parent = self.world.node(side, place.folder).entry;
            let intent = self.intended_write(from, parent, &place.name, expect.clone());
            let source = Source::Object {
                at: self.object(other, node),
                tag: from.tag(),
            };
            (source, from.size(), from.attributes(), intent)
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

    /// Returns what is recorded before something is made that is no entry's yet: its name and its content tell what it
    /// is, once it is met. Of a side that is not walked at each start, that takes an intent.
    fn intent_where_not_met(&self, side: Side, place: &Place) -> Option<IntendedAct> {
        let is_met = self.config.rules[side].feed != Feed::Resumable;
        (!is_met).then(|| IntendedAct::Make {
            parent: self.world.node(side, place.folder).entry,
            name: place.name.clone(),
        })
    }

    /// Returns what is recorded before a file is written into the folder of `parent`.
    pub(super) fn intended_write(
        &self,
        from: NodeRef<'_>,
        parent: EntryId,
        name: &str,
        expect: Expect,
    ) -> IntendedAct {
        let digest = from.content();
        IntendedAct::Write {
            parent,
            name: name.to_owned(),
            expect,
            size: from.size(),
            attributes: from.attributes(),
            source: from.tag(),
            digest: digest.map(|content| self.world.contents.get(content).digest),
        }
    }
}

/// Returns the name of an operation, for people and programs.
pub(super) fn deed_name(deed: &Deed) -> &'static str {
    match deed {
        Deed::Carrier(_) | Deed::CreateFolder(_) => "create_folder",
        Deed::Create(_) | Deed::Keep(_) | Deed::Replace => "copy",
        Deed::Delete => "delete",
        Deed::Rename { .. } => "rename",
        Deed::SetAttributes(_) => "set_attributes",
    }
}
