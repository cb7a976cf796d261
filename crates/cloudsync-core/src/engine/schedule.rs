//! When an entry gets its turn: ready, resting, waiting for another, or to be tried again.
//!
//! A pure structure. An entry is queued at most once; a wish to see it earlier wins over a later one
//! only where it is said so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::engine::marks::Marks;
use crate::record::EntryId;
use crate::side::{BySide, Side};
use crate::time::Time;

const TIMER_STEP: Duration = Duration::from_millis(10);
/// A change that goes on and on is acted on after this many times the aging.
const LONGEST_REST: u32 = 10;

/// What an entry waits for.
#[derive(Clone, Copy, Hash, Debug)]
pub(super) struct Edge {
    /// The other entry.
    pub(super) other: EntryId,
    /// Where the other one holds the place that is wanted; `None`: it has to be dealt with.
    pub(super) place: Option<Side>,
}

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Schedule {
    ready: BTreeMap<i32, VecDeque<EntryId>>,
    queued: Marks,
    /// Since when, and until when, an entry rests.
    resting: BTreeMap<EntryId, (Time, Time)>,
    timers: BTreeMap<Time, Vec<EntryId>>,
    waiters: BTreeMap<EntryId, Vec<EntryId>>,
    /// Entries that wait for a side to be looked at.
    looking: BySide<BTreeSet<EntryId>>,
    /// Which entry an entry waits for; with a side: for its place there.
    edges: BTreeMap<EntryId, Edge>,
    /// Folders that wait until nothing is left in them.
    for_children: BTreeSet<EntryId>,
    /// Since the last look at all of them, something began to wait.
    new_waits: bool,
}

impl Schedule {
    /// Queues an entry.
    pub(super) fn ready(&mut self, id: EntryId, priority: i32) {
        self.resting.remove(&id);
        if self.queued.insert(id) {
            self.ready.entry(priority).or_default().push_back(id);
        }
    }

    /// Lets an entry rest for `aging` from now, but not for ever.
    pub(super) fn rest(&mut self, id: EntryId, now: Time, aging: Duration) {
        let since = self.resting.get(&id).map_or(now, |&(since, _)| since);
        let until = (now + aging).min(since + aging * LONGEST_REST);
        self.sleep(id, since, until);
    }

    /// Queues an entry at a time.
    pub(super) fn later(&mut self, id: EntryId, now: Time, delay: Duration) {
        self.sleep(id, now, now + delay);
    }

    fn sleep(&mut self, id: EntryId, since: Time, until: Time) {
        let until = until.round_up(TIMER_STEP);
        let old = self.resting.insert(id, (since, until));
        if old.is_none_or(|(_, old)| old != until) {
            self.timers.entry(until).or_default().push(id);
        }
    }

    /// Takes the entries whose time has come.
    pub(super) fn due(&mut self, now: Time) -> Vec<EntryId> {
        let mut due = Vec::new();
        while let Some(first) = self.timers.first_entry()
            && *first.key() <= now
        {
            let at = *first.key();
            for id in first.remove() {
                // A timer that was moved has another one.
                if self.resting.get(&id).is_some_and(|&(_, until)| until <= at) {
                    self.resting.remove(&id);
                    due.push(id);
                }
            }
        }
        due
    }

    /// Takes all entries that rest.
    pub(super) fn wake_all(&mut self) -> Vec<EntryId> {
        self.timers.clear();
        std::mem::take(&mut self.resting).into_keys().collect()
    }

    /// Takes the next ready entry.
    pub(super) fn pop(&mut self) -> Option<EntryId> {
        let mut first = self.ready.first_entry()?;
        let id = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        let id = id?;
        self.queued.remove(id);
        Some(id)
    }

    /// Returns true if an entry is ready.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Lets an entry wait until another one was dealt with.
    pub(super) fn wait_for(&mut self, id: EntryId, other: EntryId) {
        let waiters = self.waiters.entry(other).or_default();
        if waiters.last() != Some(&id) {
            waiters.push(id);
        }
    }

    /// Takes the entries that wait for this one.
    pub(super) fn waiters(&mut self, id: EntryId) -> Vec<EntryId> {
        self.waiters.remove(&id).unwrap_or_default()
    }

    /// Lets an entry wait until a side was looked at.
    pub(super) fn look(&mut self, id: EntryId, side: Side) {
        self.looking[side].insert(id);
    }

    /// Takes the entries that wait for a side to be looked at.
    pub(super) fn looked(&mut self, side: Side) -> BTreeSet<EntryId> {
        std::mem::take(&mut self.looking[side])
    }

    /// Lets an entry wait until another one was dealt with, or left its place on a side. If that
    /// closes a circle of such waits, returns it.
    pub(super) fn wait_on(&mut self, id: EntryId, edge: Edge) -> Option<Vec<(EntryId, Edge)>> {
        self.wait_for(id, edge.other);
        self.edges.insert(id, edge);
        self.new_waits = true;
        let mut circle = vec![(id, edge)];
        let mut at = edge.other;
        while at != id {
            let &next = self.edges.get(&at)?;
            if circle.len() > self.edges.len() {
                return None;
            }
            circle.push((at, next));
            at = next.other;
        }
        Some(circle)
    }

    /// Lets a folder wait until nothing is left in it.
    pub(super) fn wait_for_children(&mut self, id: EntryId) {
        self.for_children.insert(id);
        self.new_waits = true;
    }

    /// Notes that an entry no longer waits.
    pub(super) fn stop_waiting(&mut self, id: EntryId) {
        self.edges.remove(&id);
        self.for_children.remove(&id);
    }

    /// Returns what an entry waits for.
    pub(super) fn edge(&self, id: EntryId) -> Option<Edge> {
        self.edges.get(&id).copied()
    }

    /// Returns true if a folder waits until nothing is left in it.
    pub(super) fn waits_for_children(&self, id: EntryId) -> bool {
        self.for_children.contains(&id)
    }

    /// Returns all entries that wait for another one.
    pub(super) fn waiting(&self) -> impl Iterator<Item = EntryId> {
        self.edges.keys().copied()
    }

    /// Returns whether something began to wait since this was last asked.
    pub(super) fn take_new_waits(&mut self) -> bool {
        std::mem::take(&mut self.new_waits)
    }

    /// Returns when the next entry's time comes.
    pub(super) fn next(&self) -> Option<Time> {
        self.timers.keys().next().copied()
    }

    /// Returns how many entries are ready or resting.
    pub(super) fn pending(&self) -> usize {
        self.queued.len() + self.resting.len()
    }

    /// Returns how many entries wait for another one.
    pub(super) fn waiting_len(&self) -> usize {
        self.edges.len()
    }

    /// Returns when an entry's time comes.
    pub(super) fn time_of(&self, id: EntryId) -> Option<Time> {
        self.resting.get(&id).map(|&(_, until)| until)
    }
}
