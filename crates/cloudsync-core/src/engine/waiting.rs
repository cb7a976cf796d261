//! Entries that wait for each other, and how a circle of them is broken.
//!
//! Two files that swapped their names wait for each other's place; a folder that is to be deleted
//! waits for a child that waits for the folder's place. Circles of single edges are met as they close.
//! Those that go through a folder and its children are looked for when nothing else is left to do.

use std::collections::BTreeMap;

use crate::delta::moved;
use crate::engine::Engine;
use crate::engine::schedule::Edge;
use crate::object::Kind;
use crate::plan::parked::{is_parked, name_before, parked_name};
use crate::plan::{Deed, Place, Step, Wait, give_way, give_way_by, moved_by, plan, target_folder};
use crate::record::{EntryId, RenamePurpose};
use crate::side::Side;
use crate::tree::node::{Mark, NodeId};

/// Each waits as its edge says; the last one for the first.
type Circle = Vec<(EntryId, Edge)>;

/// A place that one entry of a circle wants, and another one holds.
#[derive(Clone, Copy)]
struct WantedPlace {
    waiter: EntryId,
    holder: EntryId,
    side: Side,
}

impl Engine {
    pub(super) fn wait(&mut self, id: EntryId, wait: Wait) {
        match wait {
            // Whatever is in it wakes it when it goes, which may be never: that it is not empty is no failure.
            Wait::Children => {
                self.troubles.remove(&id);
                self.schedule.wait_for_children(id);
                if !self.trivial {
                    // Who waits for its place, or for that of a folder above it, may see now that those stay.
                    self.wake_waiters(id);
                    for folder in self.folders_above(id) {
                        if self.schedule.waits_for_children(folder) {
                            self.wake_waiters(folder);
                        }
                    }
                }
            }
            Wait::Entry(other) => self.wait_on(id, Edge { other, place: None }),
            Wait::Look(side, node) => self.wait_for_look(id, side, node),
            Wait::Place(side, other) => {
                let place = Some(side);
                self.wait_on(id, Edge { other, place });
            }
        }
    }

    fn wait_for_look(&mut self, id: EntryId, side: Side, node: NodeId) {
        self.schedule.look(id, side);
        let doubtful = std::iter::once(node)
            .chain(self.world.tree(side).ancestors(node))
            .find(|&at| self.world.node(side, at).is(Mark::Doubtful));
        if let Some(doubtful) = doubtful {
            let entry = self.world.node(side, doubtful).entry;
            self.schedule.wait_for(id, entry);
        }
    }

    fn wait_on(&mut self, id: EntryId, edge: Edge) {
        if edge.other == id {
            return;
        }
        if let Some(circle) = self.schedule.wait_on(id, edge)
            && self.is_current(&circle)
        {
            // One that goes through no place is looked for again in the end: some may wait no more by then.
            self.break_circle(&circle);
        }
    }

    /// Nothing else is left to do: breaks a circle that goes through a folder and its children, if
    /// there is one.
    pub(super) fn break_deadlock(&mut self) {
        let is_quiet =
            !self.schedule.has_ready() && self.flights.is_empty() && self.asked.is_empty();
        if !is_quiet || !self.schedule.take_new_waits() {
            return;
        }
        let Some(circle) = self.find_circle() else {
            return;
        };
        let is_current = self.is_current(&circle);
        if !is_current || self.break_circle(&circle) || self.lose_a_move(&circle) {
            // There may be another one, of which nobody begins to wait any more.
            self.schedule.look_for_circles();
        }
    }

    /// Returns true if all in a circle still wait for what they once waited for: much may have happened since,
    /// that they were told of or not. Who does not is planned anew, and the circle is met again if there is one.
    fn is_current(&mut self, circle: &Circle) -> bool {
        let waits = |&(id, edge): &(EntryId, Edge)| match plan(&self.view(), id) {
            Step::Wait(Wait::Entry(other)) => edge.place.is_none() && edge.other == other,
            Step::Wait(Wait::Place(side, other)) => edge.place == Some(side) && edge.other == other,
            Step::Wait(Wait::Children) => self.schedule.waits_for_children(id),
            _ => false,
        };
        let old: Vec<EntryId> = circle
            .iter()
            .filter(|at| !waits(at))
            .map(|&(id, _)| id)
            .collect();
        for &id in &old {
            self.touch(id);
        }
        old.is_empty()
    }

    /// Looks for a circle, depth first.
    fn find_circle(&self) -> Option<Circle> {
        let mut seen: BTreeMap<EntryId, bool> = BTreeMap::new();
        for start in self.schedule.waiting() {
            if seen.contains_key(&start) {
                continue;
            }
            // The way down to where the search is, with what is still to be tried at each entry.
            let mut way = vec![(start, self.edges(start))];
            seen.insert(start, true);
            while let Some((at, rest)) = way.last_mut() {
                let Some(edge) = rest.pop() else {
                    seen.insert(*at, false);
                    way.pop();
                    continue;
                };
                // Kept in its place, to tell the circle.
                rest.push(edge);
                match seen.get(&edge.other) {
                    Some(true) => {
                        let first = way.iter().position(|&(id, _)| id == edge.other)?;
                        let edges = way.split_off(first).into_iter();
                        let last = |(id, rest): (EntryId, Vec<Edge>)| Some((id, *rest.last()?));
                        return edges.map(last).collect();
                    }
                    Some(false) => drop(rest.pop()),
                    None => {
                        seen.insert(edge.other, true);
                        way.push((edge.other, self.edges(edge.other)));
                    }
                }
            }
        }
        None
    }

    fn edges(&self, id: EntryId) -> Vec<Edge> {
        let mut all: Vec<Edge> = self.schedule.edge(id).into_iter().collect();
        if let Some(entry) = self
            .world
            .find(id)
            .filter(|_| self.schedule.waits_for_children(id))
        {
            for side in Side::BOTH {
                let folder =
                    entry.nodes[side].filter(|&node| self.world.node(side, node).is_present());
                let children = folder
                    .into_iter()
                    .flat_map(|node| self.world.tree(side).children(node));
                all.extend(children.map(|child| Edge {
                    other: self.world.node(side, child).entry,
                    place: None,
                }));
            }
        }
        all
    }

    /// Breaks a circle by the first of these that goes: one is parked; a folder that cannot be moved as a whole moves by
    /// parts; where users moved two objects to one place, one gives way. Returns false if none goes.
    fn break_circle(&mut self, circle: &Circle) -> bool {
        let wanted: Vec<WantedPlace> = circle
            .iter()
            .filter_map(|&(waiter, edge)| {
                let (holder, side) = (edge.other, edge.place?);
                Some(WantedPlace {
                    waiter,
                    holder,
                    side,
                })
            })
            .collect();
        if wanted.is_empty() {
            return false;
        }
        let holders = wanted.iter().map(|place| (place.holder, place.side));
        let waiters = wanted.iter().map(|place| (place.waiter, place.side));
        // What is new in a folder may wait for a place in what waits for that folder: it stays in the old one, which
        // lives on with it.
        let anywhere = circle
            .iter()
            .flat_map(|&(id, _)| Side::BOTH.map(|side| (id, side)));
        self.park_one(&wanted)
            || self.move_one_by_parts(holders.chain(waiters))
            || self.one_gives_way(&wanted)
            || self.move_one_by_parts(anywhere)
            || self.one_loses_its_place(&wanted)
    }

    /// Where the holder of a place is to be moved by us, it is parked under a name of ours; else whoever waits for the
    /// place and is to be moved by us is parked where it is to go.
    fn park_one(&mut self, wanted: &[WantedPlace]) -> bool {
        let holder = wanted.iter().find_map(|&WantedPlace { holder, side, .. }| {
            let entry = self.world.find(holder).filter(|entry| entry.is_agreed())?;
            let goes = moved_by(&self.view(), holder) == Some(side.other());
            let node = entry.nodes[side].filter(|_| goes && self.is_free(holder))?;
            let folder = self.world.node(side, node).parent()?;
            self.is_parkable(holder, side, folder)
                .then_some((holder, side, folder))
        });
        let waiter = || {
            wanted.iter().find_map(|&WantedPlace { waiter, side, .. }| {
                let folder = target_folder(&self.view(), waiter, side)?;
                let is_parkable = self.is_free(waiter) && self.is_parkable(waiter, side, folder);
                is_parkable.then_some((waiter, side, folder))
            })
        };
        let Some((id, side, folder)) = holder.or_else(waiter) else {
            return false;
        };
        let node = self.world.entry(id).nodes[side].expect("what is parked stands there");
        let name = name_before(self.world.names.get(self.world.node(side, node).name()));
        let name = parked_name(id, name, self.config.rules[side].names.max_name_bytes);
        let deed = Deed::Rename {
            entry: id,
            place: Place { folder, name },
            purpose: RenamePurpose::Park,
        };
        self.begin(id, side, deed);
        true
    }

    /// Moves the first of these by parts, each on its side, that the other side moved and that cannot be moved as a whole.
    fn move_one_by_parts(&mut self, mut all: impl Iterator<Item = (EntryId, Side)>) -> bool {
        let goes_by_parts = |&(id, side): &(EntryId, Side)| {
            !self.config.rules[side].folder_move
                && self.is_free(id)
                && self.world.find(id).is_some_and(|entry| {
                    entry.is_agreed()
                        && entry.kind == Kind::Folder
                        && !moved(&self.world, side, id)
                        && moved(&self.world, side.other(), id)
                })
        };
        let Some((id, side)) = all.find(goes_by_parts) else {
            return false;
        };
        self.move_by_parts(id, side.other());
        true
    }

    /// Where users moved two objects to one place, one gives way by its local move, or where it is new.
    fn one_gives_way(&mut self, wanted: &[WantedPlace]) -> bool {
        let first = wanted
            .iter()
            .flat_map(|place| [place.holder, place.waiter])
            .filter(|&id| self.is_free(id))
            .find_map(|id| match give_way(&self.view(), id)? {
                Step::Do { side, deed } => Some((id, side, deed)),
                _ => None,
            });
        let Some((id, side, deed)) = first else {
            return false;
        };
        self.begin(id, side, deed);
        true
    }

    /// Nothing else goes, as where the local move is that of a folder that cannot be renamed there: an object gives way by its
    /// remote move, once. On the remote side that frees the place that it holds, on the local one it wants another place.
    fn one_loses_its_place(&mut self, wanted: &[WantedPlace]) -> bool {
        let side = Side::Remote;
        let first = wanted
            .iter()
            .map(|place| {
                if place.side == side {
                    place.holder
                } else {
                    place.waiter
                }
            })
            .filter(|&id| self.is_free(id) && !self.schedule.has_lost(id, side))
            .find_map(|id| match give_way_by(&self.view(), id, side)? {
                Step::Do { deed, .. } => Some((id, deed)),
                _ => None,
            });
        let Some((id, deed)) = first else {
            return false;
        };
        self.begin(id, side, deed);
        // It may have to wait for what is under way.
        if self.locks.entries.contains(&id) {
            self.schedule.loses(id, side);
        }
        true
    }

    fn is_free(&self, id: EntryId) -> bool {
        !self.locks.entries.contains(&id) && !self.persisting.open_intents.contains(&id)
    }

    /// Each is to be moved once the folder above it is where it belongs, as two folders that were moved into
    /// each other: a local move loses, so that one goes where the remote side has it. One that is parked there is
    /// nowhere yet: what was moved into it comes out again, to where the local side has it.
    fn lose_a_move(&mut self, circle: &Circle) -> bool {
        let is_parked = |id: EntryId, side: Side| {
            let node = self.world.find(id).and_then(|entry| entry.nodes[side]);
            let name = |node| self.world.names.get(self.world.node(side, node).name());
            node.is_some_and(|node| is_parked(name(node)))
        };
        let loses = |id: EntryId, side: Side| {
            self.is_free(id)
                && moved(&self.world, side, id)
                && !self.schedule.has_lost(id, side)
                && !is_parked(id, side.other())
        };
        let loser = Side::BOTH.into_iter().find_map(|side| {
            let (id, _) = circle.iter().copied().find(|&(id, _)| loses(id, side))?;
            Some((id, side))
        });
        let Some((id, side)) = loser else {
            return false;
        };
        self.schedule.loses(id, side);
        self.world.agree_place(id, side);
        self.world.set_agreed_nowhere(id, side.other());
        self.persisting.dirty(id);
        self.touch(id);
        true
    }

    /// Returns true if an entry that both sides have can be parked in a folder. One that is parked there already
    /// cannot; parked in another one, it may keep that from being deleted.
    fn is_parkable(&self, id: EntryId, side: Side, folder: NodeId) -> bool {
        let Some(entry) = self.world.find(id).filter(|entry| entry.is_agreed()) else {
            return false;
        };
        let at = entry.nodes[side].map(|node| self.world.node(side, node));
        at.is_some_and(|at| {
            at.is_present()
                && (at.parent() != Some(folder) || !is_parked(self.world.names.get(at.name())))
                && (entry.kind == Kind::File || self.config.rules[side].folder_move)
        })
    }
}
