//! What belongs elsewhere although nobody moved it: what is in a folder that was moved, and all there is
//! once the policy is another one.
//!
//! Such a row counts as moved on the side whose path says where it belongs: there it was agreed to stand
//! nowhere. That is recorded as any other agreement, and over once both sides agree on its place again.

use crate::engine::Engine;
use crate::plan::{is_arbitrary, is_in_place};
use crate::record::EntryId;
use crate::side::{BySide, Side};
use crate::tree::node::NodeId;

impl Engine {
    /// A folder above an entry stands elsewhere than before on `side`, whoever moved it: where the entry
    /// belongs is to be found anew. What was itself moved goes where it is there.
    pub(super) fn translate_again(&mut self, side: Side, id: EntryId) {
        if self.world.entry(id).is_agreed() && !self.is_told(id) {
            self.world.set_agreed_nowhere(id, side);
        }
        self.stir(id);
    }

    /// Whether a side says itself where an entry is to be.
    fn is_told(&self, id: EntryId) -> bool {
        let moved = |side: Side| crate::delta::moved(&self.world, side, id);
        Side::BOTH.into_iter().any(moved)
    }

    /// An entry was met again in a folder of `from` that moved meanwhile, or was brought where it belonged
    /// when that was planned, as `from` had it: if it belongs elsewhere by now, it goes on.
    pub(super) fn translate_once_more(&mut self, id: EntryId, from: Side) {
        let nodes = self.world.find(id).map(|entry| entry.nodes);
        let Some(BySide {
            local: Some(local),
            remote: Some(remote),
        }) = nodes
        else {
            return;
        };
        if self.world.entry(id).is_agreed()
            && !self.is_told(id)
            && !self.is_where_it_belongs(BySide::new(local, remote))
        {
            self.world.set_agreed_nowhere(id, from);
            self.persisting.dirty(id);
            self.touch(id);
        }
    }

    /// Unless whole paths are translated, what is in a folder belongs into the folder's partner: that may be another one
    /// than before if the policy left out either of them meanwhile.
    fn is_where_it_belongs(&self, nodes: BySide<NodeId>) -> bool {
        if is_arbitrary(&*self.config.policy) {
            return is_in_place(&self.view(), nodes);
        }
        let folder = |side: Side| {
            let folder = self.world.node(side, nodes[side]).parent()?;
            Some(self.world.node(side, folder).entry)
        };
        folder(Side::Local) == folder(Side::Remote)
    }

    /// The policy is another one: each row that is no longer in place goes where its local path belongs.
    pub(super) fn translate_all_again(&mut self) {
        let all: Vec<EntryId> = self.world.entries().map(|(id, _)| id).collect();
        for id in all {
            self.schedule.ready(id, 0);
            let entry = self.world.entry(id);
            let BySide {
                local: Some(local),
                remote: Some(remote),
            } = entry.nodes
            else {
                continue;
            };
            // Attributes may be apart for long: one side refused them.
            let stays = |side: Side| {
                let node = self
                    .world
                    .node(side, entry.nodes[side].expect("both are there"));
                self.world
                    .agreed_apart(id, side)
                    .is_none_or(|at| (node.parent(), node.name()) == (Some(at.parent), at.name))
            };
            if entry.is_agreed()
                && Side::BOTH.into_iter().all(stays)
                && !is_in_place(&self.view(), BySide::new(local, remote))
            {
                self.world.set_agreed_nowhere(id, Side::Local);
                self.persisting.dirty(id);
            }
        }
    }
}
