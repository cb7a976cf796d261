//! What we were about to do: operations that were handed out, and such as are announced before they can be.

use std::collections::BTreeMap;

use crate::record::{EntryId, Intent};
use crate::side::Side;
use crate::tree::World;

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Intents {
    /// Operations handed out whose results are not known.
    begun: BTreeMap<EntryId, Intent>,
    /// Operations that only a folder which is still to be made keeps from being handed out. Of lone entries.
    announced: BTreeMap<EntryId, Intent>,
}

impl World {
    /// Returns the operation on an entry that was handed out and whose result is not known.
    pub fn intent(&self, id: EntryId) -> Option<&Intent> {
        self.intents.begun.get(&id)
    }

    /// Sets the operation on an entry that is handed out.
    pub fn set_intent(&mut self, id: EntryId, intent: Intent) {
        self.intents.announced.remove(&id);
        self.intents.begun.insert(id, intent);
    }

    /// Takes away the operation on an entry that was handed out.
    pub fn take_intent(&mut self, id: EntryId) -> Option<Intent> {
        self.intents.begun.remove(&id)
    }

    /// Returns the operation on an entry that is announced, and was not handed out.
    pub(crate) fn announced(&self, id: EntryId) -> Option<&Intent> {
        self.intents.announced.get(&id)
    }

    /// Returns how many operations are announced.
    pub(crate) fn announced_len(&self) -> usize {
        self.intents.announced.len()
    }

    /// Announces an operation on a lone entry.
    pub(crate) fn announce(&mut self, id: EntryId, intent: Intent) {
        self.intents.announced.insert(id, intent);
    }

    /// Announces it no more. Returns true if it was announced.
    pub(crate) fn withdraw(&mut self, id: EntryId) -> bool {
        self.intents.announced.remove(&id).is_some()
    }

    /// The entry is no more.
    pub(super) fn forget_intents(&mut self, id: EntryId) {
        self.take_intent(id);
        self.withdraw(id);
    }

    /// Has what is to come into a folder on a side name it by the entry that it has now. Returns whose operations
    /// these are.
    pub fn rename_folder_in_intents(
        &mut self,
        side: Side,
        was: EntryId,
        now: EntryId,
    ) -> Vec<EntryId> {
        let Intents { begun, announced } = &mut self.intents;
        let mut changed = Vec::new();
        for (&id, intent) in begun.iter_mut().chain(announced) {
            if intent.side == side
                && let Some(folder) = intent.act.folder_mut()
                && *folder == was
            {
                *folder = now;
                changed.push(id);
            }
        }
        changed
    }
}
