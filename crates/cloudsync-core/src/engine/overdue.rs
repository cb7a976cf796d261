//! Calls of ours that were found not done, and may be carried out yet.
//!
//! We are killed in the midst of a call, or its answer is lost. What it was about is looked at, and is as it was before; so
//! whatever is to happen to it is planned anew, and that may be nothing: its user took back what the call was to carry over,
//! or moved the object. A service may carry the call out only after that. So what happens to the object on that side in the
//! time to come may be our doing: what is gone lives on, and where it has another version, both are kept. That is a nuisance
//! if its user did it, and the other thing would be a loss. (That it is moved, or made, loses nothing.)

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Engine;
use crate::object::Kind;
use crate::record::{EntryId, IntendedAct, Intent};
use crate::side::Side;
use crate::time::Time;
use crate::tree::entry::Entry;

/// A call that nobody waits for is not carried out later than this.
const LATEST: Duration = Duration::from_mins(2);
/// The small value of the store that names them. What is in it counts from the start on: nobody knows how long ago that was.
const KEY: &str = "overdue";

/// What a call does to an object that is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Call {
    Delete,
    Write,
}

impl Call {
    const ALL: [Self; 2] = [Self::Delete, Self::Write];

    fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Write => "write",
        }
    }
}

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Overdue {
    until: BTreeMap<(EntryId, Side, Call), Time>,
    /// They are those of a store: what they count from is still to come.
    is_restored: bool,
    /// They are not those of the store any more.
    is_changed: bool,
}

impl Overdue {
    fn parse(text: &str) -> Self {
        let one = |text: &str| {
            let mut words = text.split(' ');
            let (call, side, id) = (words.next()?, words.next()?, words.next()?);
            let call = Call::ALL.into_iter().find(|at| at.word() == call)?;
            let side = Side::BOTH.into_iter().find(|at| at.to_string() == side)?;
            Some(((EntryId(id.parse().ok()?), side, call), Time::ZERO))
        };
        Self {
            until: text.lines().filter_map(one).collect(),
            is_restored: true,
            is_changed: false,
        }
    }

    fn text(&self) -> String {
        let line =
            |(id, side, call): &(EntryId, Side, Call)| format!("{} {side} {}\n", call.word(), id.0);
        self.until.keys().map(line).collect()
    }

    pub(super) fn contains(&self, id: EntryId, side: Side, call: Call) -> bool {
        self.until.contains_key(&(id, side, call))
    }

    /// Returns whether there is any call to what an entry has on a side.
    pub(super) fn any(&self, id: EntryId, side: Side) -> bool {
        Call::ALL.iter().any(|&call| self.contains(id, side, call))
    }

    /// What is there is not what the calls expect, by what we did, or one of them was carried out.
    pub(super) fn forget(&mut self, id: EntryId, side: Side) {
        for call in Call::ALL {
            self.is_changed |= self.until.remove(&(id, side, call)).is_some();
        }
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

    /// The object that a call was about is as it was before that.
    pub(super) fn is_not_done(&mut self, id: EntryId, intent: &Intent) {
        let call = match intent.act {
            IntendedAct::Delete => Call::Delete,
            IntendedAct::Write { .. } => Call::Write,
            IntendedAct::Make { .. } | IntendedAct::Rename { .. } | IntendedAct::Merge { .. } => {
                return;
            }
        };
        // Of a folder nothing is lost: none is deleted but an empty one.
        let entry = self.world.entry(id);
        if entry.is_agreed() && entry.kind == Kind::File {
            let until = self.now + LATEST;
            self.overdue.until.insert((id, intent.side, call), until);
            self.overdue.is_changed = true;
        }
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
        let (before, is_restored) = (self.overdue.until.len(), self.overdue.is_restored);
        self.overdue.until.retain(|&(id, ..), until| {
            let is_awaited = is_restored || *until > now;
            is_awaited && world.find(id).is_some_and(Entry::is_agreed)
        });
        self.overdue.is_changed |= self.overdue.until.len() != before;
    }

    pub(super) fn record_overdue(&mut self) {
        if !std::mem::take(&mut self.overdue.is_changed) {
            return;
        }
        let text = self.overdue.text();
        if text.is_empty() {
            self.persisting.drop_value(KEY);
        } else {
            self.persisting.set_value_once(KEY, text.as_bytes());
        }
    }
}
