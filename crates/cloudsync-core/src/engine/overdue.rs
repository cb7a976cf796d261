//! Deletions of ours that were found not done, and may be done yet.
//!
//! We are killed in the midst of a call, or its answer is lost. What it was about is looked at, and is still there; so
//! whatever is to happen to it is planned anew, and it may live on: its user brought it back on the other side, or moved
//! it. A service may carry the call out only after that. What is gone then counts as deleted by us and lives on, while
//! what its user deletes in this time comes back: that is a nuisance, and the other thing would be a loss.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Engine;
use crate::record::EntryId;
use crate::side::Side;
use crate::time::Time;

/// A call that nobody waits for is not carried out later than this.
const LATEST: Duration = Duration::from_secs(300);
/// The small value of the store that names them. What is in it counts from the start on: nobody knows how long ago that was.
const KEY: &str = "overdue";

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Overdue {
    until: BTreeMap<(EntryId, Side), Time>,
    /// They are those of a store: what they count from is still to come.
    is_restored: bool,
}

impl Overdue {
    fn parse(text: &str) -> Self {
        let one = |text: &str| {
            let (side, id) = text.split_once(' ')?;
            let side = Side::BOTH.into_iter().find(|at| at.to_string() == side)?;
            Some(((EntryId(id.parse().ok()?), side), Time::ZERO))
        };
        Self {
            until: text.lines().filter_map(one).collect(),
            is_restored: true,
        }
    }

    fn text(&self) -> Option<Vec<u8>> {
        let lines = self
            .until
            .keys()
            .map(|(id, side)| format!("{side} {}\n", id.0));
        (!self.until.is_empty()).then(|| lines.collect::<String>().into_bytes())
    }

    pub(super) fn contains(&self, id: EntryId, side: Side) -> bool {
        self.until.contains_key(&(id, side))
    }

    /// Returns when the next one is none any more.
    pub(super) fn next(&self) -> Option<Time> {
        self.until.values().min().copied()
    }
}

impl Engine {
    /// Takes in what a store tells of the time before a kill.
    pub(super) fn restore_overdue(&mut self, value: impl Fn(&str) -> Option<String>) {
        if let Some(text) = value(KEY) {
            self.overdue = Overdue::parse(&text);
        }
    }

    /// An object that we were to delete on a side is still there.
    pub(super) fn is_not_deleted(&mut self, id: EntryId, side: Side) {
        self.overdue.until.insert((id, side), self.now + LATEST);
        self.record_overdue();
    }

    /// Time goes on.
    pub(super) fn wait_for_overdue(&mut self) {
        if std::mem::take(&mut self.overdue.is_restored) {
            for until in self.overdue.until.values_mut() {
                *until = self.now + LATEST;
            }
        }
        if self.overdue.next().is_some_and(|at| at <= self.now) {
            self.forget_overdue();
        }
    }

    /// Leaves out those that were waited for long enough, and those of entries that are no more.
    pub(super) fn forget_overdue(&mut self) {
        let (world, now) = (&self.world, self.now);
        let before = self.overdue.until.len();
        self.overdue.until.retain(|&(id, _), until| {
            *until > now && world.find(id).is_some_and(|entry| entry.is_agreed())
        });
        if self.overdue.until.len() != before {
            self.record_overdue();
        }
    }

    fn record_overdue(&mut self) {
        match self.overdue.text() {
            Some(text) => self.persisting.set_value_once(KEY, &text),
            None => self.persisting.drop_value(KEY),
        }
    }
}
