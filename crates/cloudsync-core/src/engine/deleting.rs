//! Deletions: after everything else, counted, looked at once more, and held if there are too many.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::failing::is_of_side;
use crate::engine::io::{Held, HeldId, Output, Query, QueryId};
use crate::engine::observing::Asked;
use crate::engine::overdue::Call;
use crate::failure::Failure;
use crate::listing::Found;
use crate::notice::Notice;
use crate::object::ObjectRef;
use crate::plan::{Deed, Met, Step, is_looked_at, is_wanted, plan};
use crate::record::EntryId;
use crate::side::{BySide, Side};
use crate::time::Time;
use crate::tree::node::{Mark, NodeId};

/// Deletions with less than this between them count as done at once.
const AT_ONCE: Duration = Duration::from_secs(10);

#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Deletions {
    /// Agreed entries whose node on this side is absent.
    pub(super) absent: BySide<BTreeSet<EntryId>>,
    /// Entries to delete on this side.
    wanted: BySide<BTreeSet<EntryId>>,
    /// Done on this side since it was last at rest for some time, apart from those released.
    done: BySide<usize>,
    /// When the last of these was done.
    done_at: BySide<Time>,
    /// Nothing was left to do since.
    rested: bool,
    /// Released by somebody.
    released: BTreeSet<EntryId>,
    held: BySide<Option<(HeldId, BTreeSet<EntryId>)>>,
    /// Of how many objects those held are.
    totals: BySide<usize>,
    /// Where ids do not tell moves, what is gone may be one of these that was moved back.
    pub(super) met: Met,
    /// Entries that wait for a look at an absent node.
    verifying: BTreeMap<(Side, NodeId), BTreeSet<EntryId>>,
}

impl Deletions {
    pub(super) fn want(&mut self, id: EntryId, side: Side) {
        self.wanted[side].insert(id);
    }

    pub(super) fn done(&mut self, id: EntryId, side: Side, now: Time) {
        if !self.released.contains(&id) {
            self.done[side] += 1;
        }
        self.done_at[side] = now;
        self.rested = false;
    }

    pub(super) fn is_absent(&self, id: EntryId) -> bool {
        Side::BOTH
            .iter()
            .any(|&side| self.absent[side].contains(&id))
    }

    /// An entry is not to be deleted, or gone.
    pub(super) fn forget(&mut self, id: EntryId) {
        for side in Side::BOTH {
            self.absent[side].remove(&id);
            self.wanted[side].remove(&id);
        }
        self.released.remove(&id);
    }

    pub(super) fn held(&self) -> Vec<Held> {
        let held = |side: Side| {
            let (id, entries) = self.held[side].as_ref()?;
            Some(Held {
                id: *id,
                side,
                count: entries.len(),
                total: self.totals[side],
            })
        };
        Side::BOTH.into_iter().filter_map(held).collect()
    }
}

/// Where an object is that was thought to be nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whereabouts {
    /// In a folder that is known.
    Inside,
    /// Outside of the root, or in a folder that is still to be told of.
    Unknown,
}

impl Engine {
    pub(super) fn plan_deletions(&mut self) {
        if self.schedule.has_ready() || self.asks_about_content() || self.may_meet_what_moved() {
            return;
        }
        for side in Side::BOTH {
            if self.deletions.rested && self.now >= self.deletions.done_at[side] + AT_ONCE {
                self.deletions.done[side] = 0;
            }
            self.plan_deletions_on(side);
        }
        self.note_quiet();
    }

    /// Where ids do not tell moves, what is gone at one place may be about to be met, or missed, at another one.
    fn may_meet_what_moved(&self) -> bool {
        let is_looking = |side: Side| self.sides[side].is_up() && !self.sides[side].is_settled();
        self.is_blind() && Side::BOTH.into_iter().any(is_looking)
    }

    fn asks_about_content(&self) -> bool {
        self.asked
            .values()
            .any(|asked| matches!(asked, Asked::Hash { .. }))
    }

    /// Where nothing is left to do, all rows were gone through by the policy. Ids start anew, and so does the
    /// count of deletions if it stays so for some time: who deletes a large folder under our eyes does that
    /// at once, however often we catch up.
    fn note_quiet(&mut self) {
        if self.flights.is_empty()
            && self.asked.is_empty()
            && Side::BOTH
                .iter()
                .all(|&side| self.deletions.wanted[side].is_empty())
        {
            self.deletions.rested = true;
            if Side::BOTH.iter().all(|&side| self.sides[side].is_at_rest()) {
                self.forget_unread();
                self.forget_overdue();
                self.world.recycle();
                self.forget_met();
                if let Some(policy) = self.new_policy.take() {
                    self.persisting.set_value_once("policy", policy.as_bytes());
                }
            }
        }
    }

    /// The ids of folders that are no more are used again.
    fn forget_unread(&mut self) {
        for side in Side::BOTH {
            let tree = self.world.tree(side);
            self.sides[side].forget_unread(|folder| tree.is_live(folder));
        }
    }

    fn plan_deletions_on(&mut self, side: Side) {
        if self.deletions.wanted[side].is_empty() {
            self.deletions.held[side] = None;
            return;
        }
        let gone = side.other();
        // Net deletions: everything that is absent there and was agreed on, moves matched before.
        let released = &self.deletions.released;
        let pending = self.deletions.absent[gone]
            .iter()
            .filter(|id| !released.contains(id))
            .count();
        let count = pending + self.deletions.done[side];
        let total = self.world.agreed_len() + self.deletions.done[side];
        let too_many = self.config.guard.is_some_and(|guard| {
            #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
            let share = count as f64 / total.max(1) as f64;
            pending > 0
                && (count > guard.max_count
                    || (count > guard.min_count && share > guard.max_share)
                    || (count >= guard.min_emptied && self.world.tree(gone).is_empty()))
        });
        if too_many {
            self.hold(side, total);
        } else {
            self.deletions.held[side] = None;
        }
        let candidates: Vec<EntryId> = self.deletions.wanted[side].iter().copied().collect();
        for id in candidates {
            if too_many && !self.deletions.released.contains(&id) {
                continue;
            }
            if self.load[side].0 >= self.config.limits.operations
                || self.asked.len() >= 2 * self.config.limits.queries
            {
                return;
            }
            self.delete(id, side);
        }
    }

    fn hold(&mut self, side: Side, total: usize) {
        let released = &self.deletions.released;
        let absent = &self.deletions.absent[side.other()];
        let set: BTreeSet<EntryId> = absent.difference(released).copied().collect();
        if self.deletions.held[side]
            .as_ref()
            .is_some_and(|(_, held)| *held == set)
        {
            return;
        }
        let id = HeldId(self.new_id());
        let count = set.len();
        self.deletions.totals[side] = total;
        self.deletions.held[side] = Some((id, set));
        self.notice(Notice::DeletionsHeld {
            id,
            side,
            count,
            total,
        });
    }

    pub(super) fn release(&mut self, id: HeldId) {
        for side in Side::BOTH {
            if self.deletions.held[side]
                .as_ref()
                .is_some_and(|(held, _)| *held == id)
                && let Some((_, set)) = self.deletions.held[side].take()
            {
                // What was confirmed before they were held may be long ago.
                let gone = side.other();
                for &id in &set {
                    let ghost = self.world.find(id).and_then(|entry| entry.nodes[gone]);
                    if let Some(ghost) = ghost {
                        let top = self.topmost_absent(gone, ghost);
                        self.world.node_mut(gone, top).set(Mark::Verified, false);
                    }
                }
                self.deletions.released.extend(set);
            }
        }
    }

    fn delete(&mut self, id: EntryId, side: Side) {
        self.deletions.wanted[side].remove(&id);
        if self.world.find(id).is_none() {
            return;
        }
        // Much may have happened since it was wished for.
        let step = plan(&self.view(), id);
        if step
            != (Step::Do {
                side,
                deed: Deed::Delete,
            })
        {
            self.touch(id);
            return;
        }
        let gone = side.other();
        let Some(ghost) = self.world.entry(id).nodes[gone] else {
            return;
        };
        let top = self.topmost_absent(gone, ghost);
        if self.world.node(gone, top).is(Mark::Verified) || self.config.dry_run {
            if self.overdue.contains(id, gone, Call::Delete) {
                self.live_on(id, id, side);
            } else {
                self.begin(id, side, Deed::Delete);
            }
            return;
        }
        if let Some(holder) = self.way_to(gone, top) {
            self.schedule.wait_for(id, holder);
            return;
        }
        let waiting = self.deletions.verifying.entry((gone, top)).or_default();
        waiting.insert(id);
        if waiting.len() > 1 {
            return;
        }
        let by_id = self.is_found_by_id(gone, top);
        self.look_once_more(gone, top, by_id);
    }

    /// Looks whether an object is gone: by its id, or at its path.
    fn look_once_more(&mut self, side: Side, node: NodeId, by_id: bool) {
        let id = QueryId(self.new_id());
        let path = self.world.path(side, node);
        let at = if by_id {
            self.object(side, node)
        } else {
            ObjectRef::at(path.clone())
        };
        let asked = Asked::Verify {
            side,
            node,
            path,
            by_id,
        };
        self.asked.insert(id, asked);
        self.out.push_back(Output::Query(Query::Info {
            id,
            side,
            at,
            check_root: true,
        }));
    }

    /// Returns true if a look at a node finds it wherever it is. Where another one was met with its id, it finds that.
    fn is_found_by_id(&self, side: Side, node: NodeId) -> bool {
        let at = self.world.node(side, node);
        self.config.rules[side].id_lookup
            && !at.is(Mark::Unindexed)
            && !at.oid().as_bytes().is_empty()
    }

    pub(super) fn topmost_absent(&self, side: Side, ghost: NodeId) -> NodeId {
        self.world
            .tree(side)
            .ancestors(ghost)
            .take_while(|&at| {
                self.world.tree(side).is_live(at) && !self.world.node(side, at).is_present()
            })
            .last()
            .unwrap_or(ghost)
    }

    /// Returns the entry of a folder above a node that an operation of ours is moving right now.
    fn way_to(&self, side: Side, node: NodeId) -> Option<EntryId> {
        self.on_its_way(side, self.world.node(side, node).parent()?)
    }

    /// Returns where a node was found that was looked for by its id. `None`: it was not.
    fn whereabouts(&self, side: Side, node: NodeId, found: &Found) -> Option<Whereabouts> {
        let own = self.world.node(side, node).oid();
        let seen = found.observed.as_ref().filter(|seen| seen.oid == own);
        seen.filter(|_| self.is_found_by_id(side, node))?;
        let tree = self.world.tree(side);
        let is_inside = found.folder.as_ref().is_none_or(|folder| {
            let folder = tree.by_oid(folder);
            folder.is_some_and(|folder| self.world.node(side, folder).is_present())
        });
        Some(if is_inside {
            Whereabouts::Inside
        } else {
            Whereabouts::Unknown
        })
    }

    /// Returns true if a node was found in a folder that nobody looks into, or there where it was last, which nobody looks at.
    fn is_unlooked(&self, side: Side, node: NodeId, found: &Found) -> bool {
        let at = match &found.folder {
            Some(folder) => self.world.tree(side).by_oid(folder),
            None => Some(node),
        };
        at.is_some_and(|at| !is_looked_at(&self.view(), side, at))
    }

    /// The folder of what seemed to be gone moved to where nobody looks, and took it along.
    fn taken_along(&mut self, side: Side, waiting: BTreeSet<EntryId>) {
        for id in waiting {
            if self.world.entry(id).is_agreed() {
                self.withhold(id, side);
            } else {
                self.touch(id);
            }
        }
    }

    pub(super) fn verified(
        &mut self,
        side: Side,
        node: NodeId,
        asked_at: &str,
        by_id: bool,
        outcome: Result<Option<Found>, Failure>,
    ) {
        let mut waiting = self
            .deletions
            .verifying
            .remove(&(side, node))
            .unwrap_or_default();
        // Some may be gone on the other side, too, by now.
        waiting.retain(|&id| self.world.find(id).is_some());
        let is_asked_for =
            self.world.tree(side).is_live(node) && !self.world.node(side, node).is_present();
        // Where we moved a folder on the way meanwhile, it was looked for at a place that was not its own.
        if !is_asked_for
            || self.way_to(side, node).is_some()
            || self.world.path(side, node) != asked_at
        {
            for id in waiting {
                self.touch(id);
            }
            return;
        }
        match outcome {
            Ok(None) => {
                self.world.node_mut(side, node).set(Mark::Verified, true);
                for id in waiting {
                    self.deletions.want(id, side.other());
                }
            }
            Ok(Some(found))
                if self.whereabouts(side, node, &found) == Some(Whereabouts::Inside)
                    && self.is_unlooked(side, node, &found) =>
            {
                self.taken_along(side, waiting);
            }
            // It was moved, and nobody has told of that yet: news of what stands in its place came first.
            Ok(Some(found))
                if self.whereabouts(side, node, &found) == Some(Whereabouts::Inside) =>
            {
                self.doubt_node(side, node);
                for id in waiting {
                    self.schedule.look(id, side);
                }
            }
            // Out of the root, or in a folder that seemed to be gone: then it still stands at its path.
            Ok(Some(found)) if by_id && self.whereabouts(side, node, &found).is_some() => {
                self.deletions.verifying.insert((side, node), waiting);
                self.look_once_more(side, node, false);
            }
            Ok(Some(found)) => {
                let path = self.world.path(side, node);
                let there = self.world.at_path(side, &path);
                let is_other = found.observed.zip(there).is_some_and(|(seen, there)| {
                    let own = self.world.node(side, node).oid();
                    seen.oid != own || seen.oid == self.world.node(side, there).oid()
                });
                if is_other {
                    // Something else stands there, which is known: this one is not there.
                    self.world.node_mut(side, node).set(Mark::Verified, true);
                    for id in waiting {
                        self.deletions.want(id, side.other());
                    }
                } else if !is_wanted(&self.view(), side, node) {
                    self.taken_along(side, waiting);
                } else {
                    self.doubt_path(side, &path);
                    for id in waiting {
                        self.schedule.look(id, side);
                    }
                }
            }
            Err(failure) => {
                if is_of_side(failure.kind()) {
                    self.side_down(side, failure);
                    for id in waiting {
                        self.touch(id);
                    }
                } else {
                    for id in waiting {
                        self.failed(id, side, &failure, &[]);
                    }
                }
            }
        }
    }
}
