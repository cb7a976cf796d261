//! Where ids do not tell moves: what both sides came to have since all was last at rest, and what was written over.
//!
//! A file that moved back counts as two, one gone on either side. It takes the memory of what is new to know that; so that is
//! recorded for the time after a kill.

use crate::engine::Engine;
use crate::plan::Met;
use crate::record::EntryId;
use crate::rules::Identity;
use crate::side::Side;

/// The small value of a store that names the entries.
const KEY: &str = "met";
/// So many are recorded one by one; of more it is recorded that any may be one.
const MOST: usize = 1_000;
const ANY: &str = "*";

impl Engine {
    /// Returns true if ids do not tell moves on a side.
    pub(super) fn is_blind(&self) -> bool {
        let is_blind = |side: Side| self.config.rules[side].identity == Identity::Path;
        Side::BOTH.into_iter().any(is_blind)
    }

    /// Both sides have a file alike that was on one of them alone.
    pub(super) fn note_met(&mut self, id: EntryId) {
        if self.is_blind() {
            self.deletions.met.entries.insert(id);
        }
    }

    /// A side has another version of a file that both sides had alike.
    pub(super) fn note_edited(&mut self, id: EntryId, side: Side) {
        let entry = self.world.entry(id);
        if let Some(content) = entry.content().filter(|_| entry.is_agreed())
            && self.is_blind()
        {
            self.deletions.met.edited.insert((side, content, id));
        }
    }

    /// All is at rest.
    pub(super) fn forget_met(&mut self) {
        self.deletions.met = Met::default();
        self.persisting.drop_value(KEY);
    }

    /// What is met is recorded with the records of it.
    pub(super) fn record_met(&mut self) {
        let Met { any, entries, .. } = &self.deletions.met;
        if *any || entries.len() > MOST {
            self.persisting.set_value_once(KEY, ANY.as_bytes());
        } else if !entries.is_empty() {
            let ids: Vec<String> = entries.iter().map(|id| id.0.to_string()).collect();
            self.persisting
                .set_value_once(KEY, ids.join("\n").as_bytes());
        }
    }

    /// Takes in what a store tells of the time before a kill.
    pub(super) fn restore_met(&mut self, value: impl Fn(&str) -> Option<String>) {
        let Some(text) = value(KEY).filter(|_| self.is_blind()) else {
            return;
        };
        let ids = text
            .lines()
            .filter_map(|id| Some(EntryId(id.parse().ok()?)));
        self.deletions.met.entries = ids.collect();
        self.deletions.met.any = text == ANY;
    }
}
