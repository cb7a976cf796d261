//! What is to be recorded, when, and what waits for it.
//!
//! One batch at a time. Operations wait for the batch with their intents, where they need one; results are
//! gathered a little, unless nothing else is going on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::io::{Operation, Output};
use crate::engine::marks::Marks;
use crate::failure::Failure;
use crate::notice::Notice;
use crate::object::{Kind, Tag};
use crate::plan::is_arbitrary;
use crate::record::{AgreedRecord, AgreedSide, Batch, BatchId, EntryId, NodeRecord, Record};
use crate::rules::{Feed, Identity};
use crate::side::{BySide, Side};
use crate::time::Time;
use crate::tree::node::{Mark, NodeId};

/// Results wait at most this long for company.
const GATHER: Duration = Duration::from_millis(50);
/// So many are company enough.
const ENOUGH: usize = 2_000;
/// How long after a failed batch the store is tried again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub(super) struct Persisting {
    dirty: BTreeSet<EntryId>,
    /// Entries that the store has a record of.
    stored: Marks,
    values: BTreeMap<String, Option<Vec<u8>>>,
    recorded: BTreeMap<String, Vec<u8>>,
    flush: BySide<bool>,
    clear: bool,
    /// Something is announced: its turn may come at any moment.
    is_urgent: bool,
    since: Option<Time>,
    /// Operations whose intents are not durable yet.
    waiting: Vec<Operation>,
    running: Option<Running>,
    failed: Option<(Failure, Time)>,
    /// Entries whose intents have to be settled when both sides were seen.
    pub(super) open_intents: BTreeSet<EntryId>,
}

/// What was handed to the store, without the records: if it fails, they are made again.
#[derive(Clone, Debug)]
struct Running {
    batch: BatchId,
    flush: BySide<bool>,
    clear: bool,
    puts: Vec<EntryId>,
    deletes: Vec<EntryId>,
    values: Vec<(String, Option<Vec<u8>>)>,
    operations: Vec<Operation>,
}

impl Persisting {
    pub(super) fn dirty(&mut self, id: EntryId) {
        self.dirty.insert(id);
    }

    /// What is dirty is not to wait for company.
    pub(super) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// The next batch claims what lies on this side.
    pub(super) fn claims(&mut self, side: Side) {
        self.flush[side] = true;
    }

    pub(super) fn set_value(&mut self, key: &str, value: Option<Vec<u8>>) {
        self.values.insert(key.to_owned(), value);
    }

    pub(super) fn set_value_once(&mut self, key: &str, value: &[u8]) {
        if self.recorded.get(key).map(Vec::as_slice) != Some(value) {
            self.recorded.insert(key.to_owned(), value.to_vec());
            self.set_value(key, Some(value.to_vec()));
        }
    }

    pub(super) fn drop_value(&mut self, key: &str) {
        if self.recorded.remove(key).is_some() {
            self.set_value(key, None);
        }
    }

    pub(super) fn hand_out(&mut self, operation: Operation) {
        self.waiting.push(operation);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some()
            || !self.waiting.is_empty()
            || !self.dirty.is_empty()
            || !self.values.is_empty()
            || self.clear
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failed.as_ref().map(|(failure, _)| failure)
    }

    pub(super) fn wake(&self) -> Option<Time> {
        if self.running.is_some() {
            return None;
        }
        match &self.failed {
            Some((_, at)) => Some(*at),
            None => self.since.map(|since| since + GATHER),
        }
    }

    pub(super) fn clear(&mut self) {
        let open = Self {
            clear: true,
            running: self.running.take(),
            ..Self::default()
        };
        *self = open;
    }

    /// Returns true if the store has a record of an entry.
    pub(super) fn is_stored(&self, id: EntryId) -> bool {
        self.stored.contains(id)
    }

    /// Returns true if the record of an entry is to be made anew.
    pub(super) fn is_dirty(&self, id: EntryId) -> bool {
        self.dirty.contains(&id)
    }

    /// Takes an operation whose intent the record of its entry has. Returns it if that is durable; else it goes with
    /// the batch that is under way.
    pub(super) fn hand_out_recorded(
        &mut self,
        id: EntryId,
        operation: Operation,
    ) -> Option<Operation> {
        let running = self.running.as_mut();
        match running.filter(|running| running.puts.binary_search(&id).is_ok()) {
            Some(running) => {
                running.operations.push(operation);
                None
            }
            None => Some(operation),
        }
    }

    /// Returns the entries whose records are to be made anew.
    pub(super) fn dirty_ones(&self) -> impl Iterator<Item = EntryId> {
        self.dirty.iter().copied()
    }

    pub(super) fn restored(&mut self, id: EntryId) {
        self.stored.insert(id);
    }

    /// Writes down all but what was recorded: that is what the store holds, and what is about to come into it.
    #[cfg(feature = "testing")]
    pub(super) fn write_state(
        &self,
        to: &mut crate::testing::fingerprint::Fingerprint,
    ) -> std::fmt::Result {
        use std::fmt::Write as _;
        use std::hash::Hash as _;

        let Self {
            dirty,
            stored,
            values,
            recorded: _,
            flush,
            clear,
            is_urgent,
            since,
            waiting,
            running,
            failed,
            open_intents,
        } = self;
        (dirty, stored, values, flush, clear, is_urgent).hash(to);
        (since, open_intents).hash(to);
        write!(to, "{waiting:?}{running:?}{failed:?}")
    }

    pub(super) fn restore_values(&mut self, values: &[(String, Vec<u8>)]) {
        self.recorded = values.iter().cloned().collect();
    }
}

impl Engine {
    pub(super) fn persist(&mut self) {
        if self.config.dry_run {
            self.persisting.dirty.clear();
            self.persisting.values.clear();
            return;
        }
        self.record_overdue();
        let state = &mut self.persisting;
        if state.running.is_some() || !state.is_busy() {
            return;
        }
        if state.failed.as_ref().is_some_and(|(_, at)| self.now < *at) {
            return;
        }
        let since = *state.since.get_or_insert(self.now);
        let alone = self.flights.len() == state.waiting.len() && self.asked.is_empty();
        let due = !state.waiting.is_empty()
            || state.is_urgent
            || state.dirty.len() >= ENOUGH
            || self.now >= since + GATHER
            || alone;
        if !due {
            return;
        }
        state.since = None;
        self.record_met();
        self.record_orphans();
        let state = std::mem::take(&mut self.persisting);
        let mut stored = state.stored;
        let mut batch = Batch {
            id: BatchId(self.new_id()),
            flush: state.flush,
            clear: state.clear,
            puts: Vec::with_capacity(state.dirty.len()),
            deletes: Vec::new(),
            values: state.values.into_iter().collect(),
        };
        for &id in &state.dirty {
            if let Some(record) = self.record_of(id) {
                stored.insert(id);
                batch.puts.push((id, record));
            } else if stored.remove(id) {
                batch.deletes.push(id);
            }
        }
        let is_empty = batch.puts.is_empty()
            && batch.deletes.is_empty()
            && batch.values.is_empty()
            && !batch.clear
            && state.waiting.is_empty();
        let running = (!is_empty).then(|| Running {
            batch: batch.id,
            flush: batch.flush,
            clear: batch.clear,
            puts: batch.puts.iter().map(|&(id, _)| id).collect(),
            deletes: batch.deletes.clone(),
            values: batch.values.clone(),
            operations: state.waiting,
        });
        self.persisting = Persisting {
            stored,
            recorded: state.recorded,
            open_intents: state.open_intents,
            failed: state.failed,
            running,
            ..Persisting::default()
        };
        if !is_empty {
            self.out.push_back(Output::Persist(batch));
        }
    }

    pub(super) fn persisted(&mut self, id: BatchId, outcome: Result<(), Failure>) {
        let Some(running) = self
            .persisting
            .running
            .take_if(|running| running.batch == id)
        else {
            return;
        };
        match outcome {
            Ok(()) => {
                self.persisting.failed = None;
                self.out
                    .extend(running.operations.into_iter().map(Output::Operation));
            }
            Err(failure) => {
                if self.persisting.failed.is_none() {
                    self.notice(Notice::StoreFailed {
                        failure: failure.clone(),
                    });
                }
                let state = &mut self.persisting;
                state.failed = Some((failure, self.now + RETRY));
                state.clear |= running.clear;
                for &id in &running.deletes {
                    state.stored.insert(id);
                }
                state
                    .dirty
                    .extend(running.puts.into_iter().chain(running.deletes));
                for (key, value) in running.values {
                    state.values.entry(key).or_insert(value);
                }
                for side in Side::BOTH {
                    state.flush[side] |= running.flush[side];
                }
                // Tried again with the next batch; nothing that waits for one was handed out meanwhile.
                let mut waiting = running.operations;
                waiting.append(&mut state.waiting);
                state.waiting = waiting;
            }
        }
    }

    /// Where a folder has no record any more, those of what is in it, or was last, would name it: they are made anew, and what was
    /// announced in it is announced no more.
    fn record_orphans(&mut self) {
        let mut folders: Vec<EntryId> = self.persisting.dirty_ones().collect();
        while let Some(id) = folders.pop() {
            let Some(entry) = self.world.find(id) else {
                continue;
            };
            if entry.kind == Kind::File || self.is_worth_recording(id) {
                continue;
            }
            let nodes = entry.nodes;
            for side in Side::BOTH {
                let Some(node) = nodes[side] else { continue };
                if self.persisting.is_stored(id) {
                    self.children_changed_entry(side, node);
                }
                let children = self.world.tree(side).children(node);
                let children: Vec<EntryId> = children
                    .map(|child| self.world.node(side, child).entry)
                    .collect();
                for child in children {
                    if self.world.withdraw(child) {
                        self.persisting.dirty(child);
                        folders.push(child);
                    }
                }
            }
        }
    }

    /// Returns what the store has to know of an entry; `None`: nothing.
    fn record_of(&self, id: EntryId) -> Option<Record> {
        let entry = self.world.find(id)?;
        if !self.is_worth_recording(id) {
            return None;
        }
        let local_name = entry
            .nodes
            .local
            .map(|node| self.world.node(Side::Local, node).name());
        let nodes = BySide::from_fn(|side| {
            let node = self.world.node(side, entry.nodes[side]?);
            let same_name = side == Side::Remote && local_name == Some(node.name());
            let has_ids = self.config.rules[side].identity == Identity::Stable;
            let agreed_content = node.content().is_some() && node.content() == entry.content();
            let own = node.content().filter(|_| !agreed_content);
            // What we have just deleted, and saw there since that was planned, nobody tells us to look at again.
            let is_owed = !entry.is_row() && node.is(Mark::Doubtful);
            let parent = self.parent_entry(side, node.parent());
            Some(NodeRecord {
                parent,
                name: (!same_name).then(|| self.world.names.get(node.name()).to_owned()),
                oid: has_ids.then(|| node.oid()),
                // A racy tag is not worth keeping: an empty one is looked at again.
                tag: if node.is(Mark::Racy) || is_owed {
                    Tag::default()
                } else {
                    node.tag()
                },
                size: node.size(),
                attributes: node.attributes(),
                digest: own.map(|content| self.world.contents.get(content).digest),
                gone: !node.is_present() || parent == EntryId::NOWHERE,
                agreed_content,
                // One that comes back is listed then.
                unlisted: node.kind == Kind::Folder
                    && (is_owed || !node.is(Mark::Listed) || !node.is_present())
                    && self.config.rules[side].feed == Feed::Resumable,
            })
        });
        let agreed = entry.is_row().then(|| {
            let content = entry
                .content()
                .map(|content| self.world.contents.get(content));
            AgreedRecord {
                size: content.map_or(0, |content| content.size),
                digest: content.map(|content| content.digest),
                sides: BySide::from_fn(|side| {
                    let at = self.world.agreed_apart(id, side)?;
                    Some(AgreedSide {
                        parent: self.parent_entry(side, Some(at.parent)),
                        name: self.world.names.get(at.name).to_owned(),
                        tag: at.tag.clone(),
                        attributes: at.attributes,
                    })
                }),
            }
        });
        Some(Record {
            kind: entry.kind,
            nodes,
            agreed,
            intent: self.world.intent(id).or(self.world.announced(id)).cloned(),
        })
    }

    /// What is not agreed on is met again, unless the side's feed tells only what is new.
    pub(super) fn is_worth_recording(&self, id: EntryId) -> bool {
        self.world.find(id).is_some_and(|entry| {
            let told = |side: Side| {
                entry.nodes[side].is_some() && self.config.rules[side].feed == Feed::Resumable
            };
            // What was translated into a folder that only one side has names it as its own.
            let may_hold_rows = entry.kind == Kind::Folder && is_arbitrary(&*self.config.policy);
            entry.is_row()
                || self.world.intent(id).is_some()
                || self.world.announced(id).is_some()
                || may_hold_rows
                || Side::BOTH.into_iter().any(told)
        })
    }

    /// A folder that has no record is nowhere: one that is kept only as a memory, or one that is met
    /// again, with what is in it.
    pub(super) fn parent_entry(&self, side: Side, folder: Option<NodeId>) -> EntryId {
        let Some(folder) = folder else {
            return EntryId::ROOT;
        };
        if !self.world.tree(side).is_live(folder) {
            return EntryId::NOWHERE;
        }
        let entry = self.world.node(side, folder).entry;
        if entry == EntryId::ROOT || self.is_worth_recording(entry) {
            entry
        } else {
            EntryId::NOWHERE
        }
    }
}
