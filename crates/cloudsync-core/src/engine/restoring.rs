//! Starting from what a store has, and starting anew.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::event::Cursor;
use crate::object::{Kind, Observed, Tag};
use crate::record::{EntryId, Record, Snapshot};
use crate::side::{BySide, Side};
use crate::tree::World;
use crate::tree::contents::Content;
use crate::tree::entry::AgreedSide;
use crate::tree::node::{Mark, NodeId};

/// An engine that takes in what a store has, record by record: [`Engine::restoring`].
#[derive(Debug)]
pub struct Restoring {
    engine: Engine,
    /// Whether the digests in the store are of the pair's hash kind.
    same_hash: bool,
    policy_changed: bool,
    /// What can only be put into the trees once all records are there.
    later: BTreeMap<EntryId, Record>,
}

/// Where a node is put.
#[derive(Clone, Copy, Debug)]
struct RestoredAt {
    side: Side,
    folder: NodeId,
    /// A folder above it has no record any more.
    is_lost: bool,
}

impl Restoring {
    /// Takes in a record, in the order of their ids: a folder that comes before what is in it costs least.
    ///
    /// A record that makes no sense (folders within each other, two objects at one place) is left out, or
    /// its object is known as gone from there: it is looked for like any other. So is what was in a folder
    /// that has no record any more. The root's, or a second one of an id, is left out.
    pub fn take(&mut self, id: EntryId, record: Record) {
        let engine = &mut self.engine;
        if id == EntryId::ROOT || engine.world.find(id).is_some() {
            return;
        }
        engine.world.restore_entry(id, record.kind);
        engine.persisting.restored(id);
        match engine.restored_folders(&record) {
            Some(folders) => {
                for side in Side::BOTH {
                    if let Some(folder) = folders[side] {
                        let at = RestoredAt {
                            side,
                            folder,
                            is_lost: false,
                        };
                        engine.place_restored(id, &record, at, self.same_hash);
                    }
                }
                engine.restore_agreement(id, &record, self.same_hash);
            }
            None => {
                self.later.insert(id, record);
            }
        }
    }

    /// Returns the engine, which has all that the store has.
    pub fn finish(self) -> Engine {
        let Self {
            mut engine,
            same_hash,
            policy_changed,
            later,
        } = self;
        for &id in later.keys() {
            for side in Side::BOTH {
                engine.restore_node(&later, id, side, same_hash);
            }
        }
        for (&id, record) in &later {
            engine.restore_agreement(id, record, same_hash);
        }
        engine.forget_old_numbers();
        if policy_changed {
            engine.translate_all_again();
        }
        engine
    }
}

impl Engine {
    /// Begins to take in what a store has, before anything else: its small `values`, and then about `count`
    /// records. Nothing at all is a first meeting.
    pub fn restoring(mut self, values: Vec<(String, Vec<u8>)>, count: usize) -> Restoring {
        self.persisting.restore_values(&values);
        let values: BTreeMap<String, Vec<u8>> = values.into_iter().collect();
        let text = |key: &str| {
            values
                .get(key)
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        for side in Side::BOTH {
            self.sides[side].identity = text(&format!("root.{side}"));
            self.sides[side].was_walked = values.contains_key(&format!("walked.{side}"));
            self.sides[side].cursor = values.get(&format!("cursor.{side}")).map(Cursor::new);
        }
        self.restore_overdue(text);
        self.restore_met(text);
        let hash = format!("{:?}", self.hash_kind);
        let same_hash = text("hash").is_none_or(|known| known == hash);
        self.persisting.set_value_once("hash", hash.as_bytes());
        let policy = self.config.policy.id();
        let known = text("policy");
        let policy_changed = known.as_ref() != Some(&policy);
        if policy_changed && known.is_some() {
            // What is done before all was gone through is done by the new one: going back to the old one is
            // another change.
            self.persisting.drop_value("policy");
        }
        self.new_policy = policy_changed.then_some(policy);
        self.world.reserve(count);
        Restoring {
            engine: self,
            same_hash,
            policy_changed,
            later: BTreeMap::new(),
        }
    }

    /// Takes in all that a store has, at once.
    #[must_use]
    pub fn restored(self, snapshot: Snapshot) -> Self {
        let Snapshot { entries, values } = snapshot;
        let mut restoring = self.restoring(values, entries.len());
        for (id, record) in entries {
            restoring.take(id, record);
        }
        restoring.finish()
    }

    /// What small values name by numbers that nothing has any more is forgotten: others get these.
    fn forget_old_numbers(&mut self) {
        self.forget_overdue();
        let (world, met) = (&self.world, &mut self.deletions.met.entries);
        met.retain(|&id| world.find(id).is_some());
    }

    /// Returns the folders that a record's nodes are in. `None`: they, or what the agreement names, may come
    /// with a record that comes later.
    fn restored_folders(&self, record: &Record) -> Option<BySide<Option<NodeId>>> {
        let agreed = record.agreed.as_ref();
        if agreed.is_some_and(|agreed| Side::BOTH.iter().any(|&side| agreed.sides[side].is_some()))
        {
            return None;
        }
        let mut folders = BySide::default();
        for side in Side::BOTH {
            let Some(node) = &record.nodes[side] else {
                continue;
            };
            let folder = match node.parent {
                EntryId::ROOT => NodeId::ROOT,
                EntryId::NOWHERE => return None,
                at => self.restored_folder(side, at)?,
            };
            folders[side] = Some(folder);
        }
        Some(folders)
    }

    /// Returns the node of a folder that is in its tree already. A file holds nothing, whatever a record says.
    fn restored_folder(&self, side: Side, id: EntryId) -> Option<NodeId> {
        let entry = self.world.find(id)?;
        entry.nodes[side].filter(|_| entry.kind == Kind::Folder)
    }

    /// Puts a node into its tree, its folders first. `records` are those that were not put there yet.
    fn restore_node(
        &mut self,
        records: &BTreeMap<EntryId, Record>,
        id: EntryId,
        side: Side,
        same_hash: bool,
    ) -> Option<NodeId> {
        // From the node up to the first folder that is in the tree already.
        let mut chain = Vec::new();
        let mut at = id;
        while at != EntryId::ROOT && at != EntryId::NOWHERE {
            let entry = self.world.find(at);
            let may_hold = chain.is_empty() || entry.is_some_and(|at| at.kind == Kind::Folder);
            if may_hold && entry.is_some_and(|entry| entry.nodes[side].is_some()) {
                break;
            }
            let record = records.get(&at).filter(|_| may_hold);
            let Some(node) = record.and_then(|record| record.nodes[side].as_ref()) else {
                // Its folder was dropped, or is none: before the id is used again, no record may name it.
                self.persisting.dirty(*chain.last()?);
                at = EntryId::NOWHERE;
                break;
            };
            if chain.contains(&at) {
                return None;
            }
            chain.push(at);
            at = node.parent;
        }
        let mut folder = match at {
            EntryId::ROOT => NodeId::ROOT,
            EntryId::NOWHERE => self.world.nowhere(side),
            at => self.world.find(at)?.nodes[side]?,
        };
        let is_lost = at == EntryId::NOWHERE;
        for id in chain.into_iter().rev() {
            let at = RestoredAt {
                side,
                folder,
                is_lost,
            };
            folder = self.place_restored(id, records.get(&id)?, at, same_hash)?;
        }
        Some(folder)
    }

    /// Puts a node into its tree. Where the place is taken, it counts as gone.
    fn place_restored(
        &mut self,
        id: EntryId,
        record: &Record,
        at: RestoredAt,
        same_hash: bool,
    ) -> Option<NodeId> {
        let RestoredAt {
            side,
            folder,
            is_lost,
        } = at;
        let node = record.nodes[side].as_ref()?;
        let other = record.nodes[Side::Local]
            .as_ref()
            .and_then(|node| node.name.as_ref());
        let name = self.world.names.intern(node.name.as_ref().or(other)?);
        let seen = Observed {
            oid: node.oid.clone().unwrap_or_default(),
            kind: record.kind,
            tag: node.tag.clone(),
            size: node.size,
            attributes: node.attributes,
            hash: None,
            racy: record.kind == Kind::File && node.tag == Tag::default(),
        };
        let taken = is_lost || self.world.child(side, folder, name).is_some();
        let new = if node.gone || taken {
            let new = self.world.insert_ghost(id, side, folder, name, &seen);
            self.sides[side].gone.push(new);
            new
        } else {
            self.world.insert_into(id, side, folder, name, &seen)
        };
        let listed = record.kind == Kind::Folder && !node.unlisted;
        self.world.node_mut(side, new).set(Mark::Listed, listed);
        if seen.racy {
            self.look_later(side, new);
        }
        let agreed = record.agreed.as_ref().filter(|_| node.agreed_content);
        let digest = agreed.and_then(|agreed| agreed.digest).or(node.digest);
        if let Some(digest) = digest.filter(|_| same_hash) {
            let size = node.size;
            self.world.set_content(side, new, Content { size, digest });
        }
        Some(new)
    }

    fn restore_agreement(&mut self, id: EntryId, record: &Record, same_hash: bool) {
        let entry = self.world.entry(id);
        let both = Side::BOTH.iter().all(|&side| entry.nodes[side].is_some());
        // A node that its record has may be left out: then it is not withheld there.
        let withheld = Side::BOTH
            .into_iter()
            .find(|&side| record.nodes[side].is_none() && entry.nodes[side.other()].is_some());
        let content = record.agreed.as_ref().and_then(|agreed| {
            let digest = agreed.digest.filter(|_| same_hash)?;
            let size = agreed.size;
            Some(self.world.contents.intern(Content { size, digest }))
        });
        if let Some(intent) = &record.intent {
            self.world.set_intent(id, intent.clone());
            self.persisting.open_intents.insert(id);
        }
        match &record.agreed {
            Some(agreed) if both => {
                self.world.agree_restored(id, content);
                for side in Side::BOTH {
                    let Some(at) = &agreed.sides[side] else {
                        continue;
                    };
                    let parent = if at.parent == EntryId::ROOT {
                        Some(NodeId::ROOT)
                    } else {
                        self.restored_folder(side, at.parent)
                    };
                    let name = self.world.names.intern(&at.name);
                    let at = AgreedSide {
                        parent: parent.unwrap_or_else(|| self.world.nowhere(side)),
                        name,
                        tag: at.tag.clone(),
                        attributes: at.attributes,
                    };
                    self.world.restore_agreed(id, side, at);
                }
                let pending = Side::BOTH.iter().any(|&side| {
                    agreed.sides[side].is_some()
                        || record.nodes[side].as_ref().is_some_and(|node| node.gone)
                });
                if pending || (content.is_none() && record.kind == Kind::File) {
                    self.schedule.ready(id, 0);
                }
            }
            _ => {
                // Also what is withheld: whatever was to bring it back may have been broken off.
                self.schedule.ready(id, 0);
                if let (Some(side), Some(_)) = (withheld, &record.agreed) {
                    self.world.withhold_restored(id, side, content);
                }
                let none = Side::BOTH
                    .iter()
                    .all(|&side| self.world.entry(id).nodes[side].is_none());
                if none {
                    self.persisting.dirty(id);
                }
            }
        }
    }

    /// Forgets everything: the sides are walked, and meet for the first time.
    pub(super) fn forget(&mut self) {
        let identities = BySide::from_fn(|side| self.sides[side].identity.take());
        let up = BySide::from_fn(|side| self.sides[side].is_up());
        let oids = BySide::from_fn(|side| self.world.node(side, NodeId::ROOT).oid());
        self.world = World::new(self.config.rules.as_ref());
        self.obstacles.clear();
        self.absent_by_size.clear();
        self.locks = crate::plan::Locks::default();
        self.schedule = super::Schedule::default();
        self.flights.clear();
        self.load = BySide::default();
        self.asked.clear();
        self.deletions = super::Deletions::default();
        self.overdue = super::Overdue::default();
        self.decisions = super::Decisions::default();
        self.troubles.clear();
        self.broke.clear();
        self.refused.clear();
        self.drain_waiters.clear();
        self.out.retain(|output| {
            matches!(output, super::Output::Notice(_) | super::Output::Persist(_))
        });
        self.persisting.clear();
        self.new_policy = Some(self.config.policy.id());
        self.sides = BySide::default();
        for side in Side::BOTH {
            if up[side]
                && let Some(identity) = identities[side].clone()
            {
                self.side_ready(side, &oids[side], identity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::io::{Config, ConflictPolicy, Limits};
    use crate::object::{Attributes, Oid};
    use crate::policy::DefaultPolicy;
    use crate::record::NodeRecord;
    use crate::testing::{SideSetup, Storage};

    fn engine() -> Engine {
        let rules = Storage::new(SideSetup::default(), 0).rules().clone();
        Engine::new(Config {
            rules: BySide::new(rules.clone(), rules),
            policy: Arc::new(DefaultPolicy),
            aging: Duration::ZERO,
            on_conflict: ConflictPolicy::KeepBoth,
            guard: None,
            limits: Limits::default(),
            backoff: (Duration::from_secs(1), Duration::from_secs(1)),
            walk_every: BySide::default(),
            dry_run: false,
        })
    }

    /// A file of five bytes on the local side, in a folder by its entry.
    fn file(parent: EntryId, name: &str) -> Record {
        let node = NodeRecord {
            parent,
            name: Some(name.to_owned()),
            oid: Some(Oid::new(name)),
            tag: Tag::new(name),
            size: 5,
            attributes: Attributes::default(),
            digest: None,
            gone: false,
            agreed_content: false,
            unlisted: false,
        };
        Record {
            kind: Kind::File,
            nodes: BySide::new(Some(node), None),
            agreed: None,
            intent: None,
        }
    }

    /// Whichever of the two records comes first.
    #[test]
    fn a_file_holds_nothing_whatever_a_record_says() {
        for (outer, inner) in [(1, 2), (2, 1)].map(|(a, b)| (EntryId(a), EntryId(b))) {
            let mut entries = vec![(outer, file(EntryId::ROOT, "f")), (inner, file(outer, "g"))];
            entries.sort_by_key(|(id, _)| *id);
            let values = Vec::new();
            let engine = engine().restored(Snapshot { entries, values });
            let node = |id: EntryId| engine.world.entry(id).nodes.local.expect("a node");
            let (outer, inner) = (node(outer), node(inner));
            assert_eq!(engine.world.node(Side::Local, outer).size(), 5);
            let inner = engine.world.node(Side::Local, inner);
            assert!(!inner.is_present() && inner.parent() != Some(outer));
        }
    }
}
