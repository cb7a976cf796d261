//! What was agreed on of one side, of the rows whose node no longer says the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::EntryId;
use crate::tree::entry::AgreedSide;
use crate::tree::names::NameId;
use crate::tree::node::NodeId;

/// The agreements of one side that its nodes do not show: by entry, and by the place they name.
#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Apart {
    sides: BTreeMap<EntryId, AgreedSide>,
    places: BTreeSet<(NodeId, NameId, EntryId)>,
}

impl Apart {
    pub(super) fn get(&self, id: EntryId) -> Option<&AgreedSide> {
        self.sides.get(&id)
    }

    /// Returns what is not indexed, to change it.
    pub(super) fn get_mut(&mut self, id: EntryId) -> Option<&mut AgreedSide> {
        self.sides.get_mut(&id)
    }

    pub(super) fn insert(&mut self, id: EntryId, at: AgreedSide) {
        self.remove(id);
        self.places.insert((at.parent, at.name, id));
        self.sides.insert(id, at);
    }

    pub(super) fn remove(&mut self, id: EntryId) -> Option<AgreedSide> {
        let at = self.sides.remove(&id)?;
        self.places.remove(&(at.parent, at.name, id));
        Some(at)
    }

    /// Sets the place, and returns the folder it was in.
    pub(super) fn put(&mut self, id: EntryId, folder: NodeId, name: NameId) -> Option<NodeId> {
        let at = self.sides.get_mut(&id)?;
        let old = std::mem::replace(&mut at.parent, folder);
        let old_name = std::mem::replace(&mut at.name, name);
        self.places.remove(&(old, old_name, id));
        self.places.insert((folder, name, id));
        Some(old)
    }

    /// Returns all entries, in the order of their ids.
    pub(super) fn entries(&self) -> impl Iterator<Item = EntryId> {
        self.sides.keys().copied()
    }

    /// Returns the entries that were agreed to stand in a folder, in the order in which their names were met.
    pub(super) fn in_folder(&self, folder: NodeId) -> impl Iterator<Item = EntryId> {
        self.within(folder, NameId::FIRST, NameId::LAST)
    }

    /// Returns the entries that were agreed to stand at a place, by the bytes of its name.
    pub(super) fn at(&self, folder: NodeId, name: NameId) -> impl Iterator<Item = EntryId> {
        self.within(folder, name, name)
    }

    fn within(&self, folder: NodeId, first: NameId, last: NameId) -> impl Iterator<Item = EntryId> {
        let all = (folder, first, EntryId::ROOT)..=(folder, last, EntryId::NOWHERE);
        self.places.range(all).map(|&(_, _, id)| id)
    }
}
