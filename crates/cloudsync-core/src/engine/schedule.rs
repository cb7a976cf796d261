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
/// So many at one time are a few changes of somebody who waits for them; more are a flood.
const FEW: usize = 16;
/// So many at most are ahead of a flood.
const MOST_PROMPT: usize = 64;
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

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Pace {
    Prompt,
    Usual,
}

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Schedule {
    /// By priority; of one priority, what is prompt comes first.
    ready: BTreeMap<(i32, Pace), VecDeque<EntryId>>,
    queued: Marks,
    /// What does not wait behind a flood, until it was dealt with.
    prompt: BTreeSet<EntryId>,
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
    /// Moves that lost, as the entries of a circle all waited for each other, until these are settled: none loses twice, or
    /// the moves of both sides might do so in turn, for ever.
    lost: BTreeSet<(EntryId, Side)>,
}

impl Schedule {
    /// Queues an entry.
    pub(super) fn ready(&mut self, id: EntryId, priority: i32) {
        self.resting.remove(&id);
        let pace = if self.is_prompt(id) {
            Pace::Prompt
        } else {
            Pace::Usual
        };
        if self.queued.insert(id) {
            self.ready
                .entry((priority, pace))
                .or_default()
                .push_back(id);
        }
    }

    /// Returns true if an entry does not wait behind a flood.
    pub(super) fn is_prompt(&self, id: EntryId) -> bool {
        self.prompt.contains(&id)
    }

    /// Ends that an entry is prompt: it was dealt with. Returns true if it was.
    pub(super) fn was_prompt(&mut self, id: EntryId) -> bool {
        self.prompt.remove(&id)
    }

    /// Lets an entry rest for `aging` from now, but not for ever.
    pub(super) fn rest(&mut self, id: EntryId, now: Time, aging: Duration) {
        let since = self.resting.get(&id).map_or(now, |&(since, _)| since);
        let until = (now + aging).min(since + aging * LONGEST_REST);
        self.sleep(id, since, until);
    }

    /// The move of a side is given up, so that a circle ends.
    pub(super) fn loses(&mut self, id: EntryId, side: Side) {
        self.lost.insert((id, side));
    }

    /// The move of a side is not given up, or no more: that failed, or its user moved it once more.
    pub(super) fn keeps(&mut self, id: EntryId, side: Side) {
        self.lost.remove(&(id, side));
    }

    /// Returns true if the move of a side was given up.
    pub(super) fn has_lost(&self, id: EntryId, side: Side) -> bool {
        self.lost.contains(&(id, side))
    }

    /// An entry was dealt with, for now.
    pub(super) fn settled(&mut self, id: EntryId) {
        self.stop_waiting(id);
        if !self.lost.is_empty() {
            self.lost.retain(|&(other, _)| other != id);
        }
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

    /// Takes the entries whose time has come. If they are few, they are prompt from now on.
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
        if due.len() <= FEW && self.prompt.len() + due.len() <= MOST_PROMPT {
            self.prompt.extend(&due);
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
        let &first = self.ready.keys().next()?;
        self.pop_of(first)
    }

    /// Takes the next ready entry of those that are prompt.
    pub(super) fn pop_prompt(&mut self) -> Option<EntryId> {
        if self.prompt.is_empty() {
            return None;
        }
        let mut queues = self.ready.keys();
        let &first = queues.find(|(_, pace)| *pace == Pace::Prompt)?;
        self.pop_of(first)
    }

    fn pop_of(&mut self, queue: (i32, Pace)) -> Option<EntryId> {
        let waiting = self.ready.get_mut(&queue)?;
        let id = waiting.pop_front()?;
        if waiting.is_empty() {
            self.ready.remove(&queue);
        }
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

    /// Has it looked for circles once more.
    pub(super) fn look_for_circles(&mut self) {
        self.new_waits = true;
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

#[cfg(test)]
mod tests {
    use super::*;

    const AGING: Duration = Duration::from_millis(30);

    /// Lets entries age together, and queues them once their time has come.
    fn age(schedule: &mut Schedule, ids: std::ops::Range<u32>, from: Time) {
        ids.for_each(|id| schedule.rest(EntryId(id), from, AGING));
        for id in schedule.due(from + AGING + TIMER_STEP) {
            schedule.ready(id, 0);
        }
    }

    #[test]
    fn a_few_changes_do_not_wait_behind_a_flood() {
        let mut schedule = Schedule::default();
        let start = Time::default();
        age(&mut schedule, 100..300, start);
        age(&mut schedule, 1..3, start + Duration::from_secs(1));
        schedule.ready(EntryId(400), -1);
        assert_eq!(schedule.pop(), Some(EntryId(400)), "priority comes first");
        assert_eq!(schedule.pop_prompt(), Some(EntryId(1)));
        // It is looked at once more before anything is done about it.
        schedule.ready(EntryId(1), 0);
        assert_eq!(schedule.pop(), Some(EntryId(2)));
        assert_eq!(schedule.pop(), Some(EntryId(1)));
        assert!(schedule.was_prompt(EntryId(1)));
        schedule.ready(EntryId(1), 0);
        assert_eq!(schedule.pop_prompt(), None);
        let rest: Vec<_> = std::iter::from_fn(|| schedule.pop()).collect();
        assert_eq!(rest.len(), 201);
        assert_eq!(rest.last(), Some(&EntryId(1)));
        assert!(!schedule.has_ready());
    }

    #[test]
    fn what_was_not_dealt_with_is_prompt_up_to_a_number() {
        let mut schedule = Schedule::default();
        for second in 0..100 {
            let from = Time::default() + Duration::from_secs(second);
            let id = u32::try_from(second).unwrap();
            age(&mut schedule, id..id + 1, from);
        }
        let prompt = std::iter::from_fn(|| schedule.pop_prompt()).count();
        assert_eq!(prompt, MOST_PROMPT);
    }
}
