//! What is new in a new folder is announced: its intent is recorded while the folder is still to be made, so that it
//! can be handed out as soon as that is there. Else every level of a new tree would wait for one more batch, and for
//! the flush of the level above that this batch claims.
//!
//! An announced operation was never handed out, so nothing is found out about it, and nobody but its record knows of
//! it. After a crash it is one that may have been.

use crate::engine::Engine;
use crate::object::Kind;
use crate::precondition::Expect;
use crate::record::{EntryId, IntendedAct, Intent};
use crate::side::Side;
use crate::tree::node::Mark;

/// So many are announced at a time.
const MOST: usize = 8_192;

impl Engine {
    /// Announces what is to be made of a lone entry, which waits for its folder, if that is about to be made.
    pub(super) fn announce(&mut self, id: EntryId, folder: EntryId) {
        // Elsewhere, names may be others.
        if !self.trivial || self.config.dry_run || self.world.announced_len() >= MOST {
            return;
        }
        let Some(intent) = self.intent_in(id, folder) else {
            return;
        };
        if self.world.announced(id) != Some(&intent) {
            self.world.announce(id, intent);
            self.record(id);
            self.persisting.hurry();
        }
    }

    /// Returns what would be recorded before a lone entry is made in its folder, which is made first.
    fn intent_in(&self, id: EntryId, folder: EntryId) -> Option<Intent> {
        let side = self.is_made_on(folder)?;
        let entry = self.world.entry(id);
        let is_lone = !entry.is_row() && entry.nodes[side].is_none();
        if !is_lone || self.world.intent(id).is_some() {
            return None;
        }
        let at = self.world.node(side.other(), entry.nodes[side.other()]?);
        let is_sure = at.is_present() && !at.is(Mark::Doubtful) && !at.is(Mark::Racy);
        if !is_sure || self.parent_entry(side.other(), at.parent()) != folder {
            return None;
        }
        let name = self.world.names.get(at.name());
        let act = match at.kind {
            Kind::File => self.intended_write(at, folder, name, Expect::Free),
            Kind::Folder => IntendedAct::Make {
                parent: folder,
                name: name.to_owned(),
            },
        };
        Some(Intent { side, act })
    }

    /// Returns the side on which a folder that stands on the other one alone is about to be made.
    fn is_made_on(&self, folder: EntryId) -> Option<Side> {
        self.world.find(folder).filter(|entry| !entry.is_row())?;
        let begun = self.world.intent(folder);
        let intent = begun.or_else(|| self.world.announced(folder))?;
        matches!(intent.act, IntendedAct::Make { .. }).then_some(intent.side)
    }

    /// Returns true if the record of an entry, on its way or there, has exactly this intent.
    pub(super) fn is_announced(&self, id: EntryId, intent: &Intent) -> bool {
        self.world.announced(id) == Some(intent) && !self.persisting.is_dirty(id)
    }

    /// What was announced is not what is to be done.
    pub(super) fn withdraw(&mut self, id: EntryId) {
        if self.world.withdraw(id) {
            self.persisting.dirty(id);
        }
    }
}
