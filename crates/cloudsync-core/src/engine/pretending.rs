//! Pretending for a dry run: what would be done is done in the trees alone.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::engine::io::{Act, Plan, PlannedOperation};
use crate::engine::operating::deed_name;
use crate::object::{Attributes, Kind, Observed, Oid, Tag};
use crate::path::join_relative;
use crate::plan::{Deed, Place};
use crate::record::EntryId;
use crate::side::Side;
use crate::tree::node::{Mark, NodeId};

/// What was pretended.
#[derive(Clone, Debug, Default)]
pub(super) struct Pretence {
    pub(super) plan: Plan,
    /// Where what was moved in the trees stands, and is to be looked for.
    moved: BTreeMap<(Side, NodeId), String>,
}

impl Engine {
    /// Returns where an object stands on its side, whatever was pretended.
    pub(super) fn real_path(&self, side: Side, node: NodeId) -> String {
        if self.pretence.moved.is_empty() {
            return self.world.path(side, node);
        }
        if let Some(really) = self.pretence.moved.get(&(side, node)) {
            return really.clone();
        }
        let at = self.world.node(side, node);
        let Some(folder) = at.parent() else {
            return String::new();
        };
        let name = self.world.names.get(at.name());
        join_relative(&self.real_path(side, folder), name)
    }

    /// Returns whether an object is where it is in a dry run alone: looked for there, it would count as gone.
    pub(super) fn is_pretended(&self, side: Side, node: NodeId) -> bool {
        !self.pretence.moved.is_empty() && self.real_path(side, node) != self.world.path(side, node)
    }

    /// Does as if an operation that `planned` needs had been done with `entry`, in the trees alone, and notes it.
    pub(super) fn pretend(
        &mut self,
        (planned, entry): (EntryId, EntryId),
        side: Side,
        deed: &Deed,
        act: &Act,
    ) {
        let number = self.new_id();
        let made = |kind: Kind, size: u64, attributes: Attributes| Observed {
            oid: Oid::new(format!("planned {number}")),
            kind,
            tag: Tag::new(format!("planned {number}")),
            size,
            attributes,
            hash: None,
            racy: false,
        };
        let own = self.world.entry(entry).nodes[side];
        let own_path = own.map(|node| self.world.path(side, node));
        let (path, from, size) = match act {
            Act::CreateFolder { target, .. } => (target.path(), None, 0),
            Act::Write { target, size, .. } => (target.path(), None, *size),
            Act::Rename { target, .. } => (target.path(), own_path, 0),
            Act::Delete { at, .. } | Act::SetAttributes { at, .. } => (at.path.clone(), None, 0),
        };
        let operation = deed_name(deed);
        *self
            .pretence
            .plan
            .totals
            .entry((operation, side))
            .or_default() += 1;
        self.pretence.plan.operations.push(PlannedOperation {
            side,
            operation,
            path,
            from,
            size,
            replaces: matches!(deed, Deed::Replace),
        });
        let place = |engine: &mut Self, place: &Place, seen: &Observed| {
            let name = engine.world.names.intern(&place.name);
            let node = engine
                .world
                .insert_into(entry, side, place.folder, name, seen);
            engine.world.node_mut(side, node).set(Mark::Listed, true);
        };
        match (deed, act) {
            (Deed::Carrier(at), _) => {
                let name = self.world.names.intern(&at.name);
                let seen = made(Kind::Folder, 0, Attributes::default());
                let node = self.world.insert(side, at.folder, name, &seen);
                self.world.node_mut(side, node).set(Mark::Listed, true);
                let carrier = self.world.node(side, node).entry;
                self.touch(carrier);
                self.touch(entry);
            }
            (Deed::CreateFolder(at), Act::CreateFolder { attributes, .. }) => {
                place(self, at, &made(Kind::Folder, 0, *attributes));
                self.world.agree(entry, None);
                self.agreed(entry);
            }
            (
                Deed::Create(at),
                Act::Write {
                    size, attributes, ..
                },
            ) => {
                place(self, at, &made(Kind::File, *size, *attributes));
                self.world.agree(entry, None);
                self.agreed(entry);
            }
            (Deed::Replace | Deed::SetAttributes(_), _) => {
                self.world.agree(entry, None);
                self.agreed(entry);
            }
            (Deed::Rename { place, purpose, .. }, _) => {
                if let Some(node) = own {
                    let really = self.real_path(side, node);
                    self.pretence.moved.entry((side, node)).or_insert(really);
                    let name = self.world.names.intern(&place.name);
                    if self.world.child(side, place.folder, name).is_none() {
                        self.world.attach(side, node, place.folder, name);
                        if planned != entry {
                            // It is what gave way to that.
                            self.touch(planned);
                        }
                    }
                    self.was_renamed(entry, side, *purpose);
                }
                self.settled(entry);
            }
            (Deed::Delete, _) => {
                self.deletions.done(entry, side, self.now);
                self.drop_entry(entry);
            }
            _ => {}
        }
    }
}
