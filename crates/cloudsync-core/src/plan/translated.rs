//! Where an object belongs on the other side if any path may go anywhere ([`Locality::Arbitrary`]).
//!
//! Its whole path is translated, so it is not before all folders above it are where they belong. Folders
//! that are missing on the way are made: one whose own path is translated too is a new folder as any
//! other, and has its partner made; one whose path is not is left alone, like all that is not
//! translated.

use crate::delta::{Sight, is_known, moved, sight};
use crate::listing::SkipReason;
use crate::object::Kind;
use crate::path::is_at_or_below;
use crate::plan::agreed::{go_back, moved_by};
use crate::plan::parked::is_parked;
use crate::plan::place::{
    Occupant, child, conflict_place, is_leaving, occupant, path_unparked, replacement,
};
use crate::plan::scope::is_wanted;
use crate::plan::{Block, Deed, Place, Step, View, Wait};
use crate::policy::{Locality, Policy};
use crate::record::{EntryId, RenamePurpose};
use crate::side::{BySide, Side};
use crate::tree::node::NodeId;

/// Returns true if what is in a folder may belong elsewhere than in the folder's partner.
pub(crate) fn is_arbitrary(policy: &dyn Policy) -> bool {
    policy.locality() == Locality::Arbitrary
}

/// Returns the path on side `to` of what is at `path` on the other side, if translating that back gives
/// `path` again.
pub(crate) fn there_and_back(policy: &dyn Policy, to: Side, path: &str) -> Option<String> {
    let there = policy.translate(to, path)?;
    let back = policy.translate(to.other(), &there)?;
    (back == path && !there.is_empty()).then_some(there)
}

/// Returns whether a node of `from` has any place on the other side.
pub(super) fn has_place(view: &View<'_>, from: Side, node: NodeId) -> bool {
    let to = from.other();
    view.trivial || {
        let path = path_unparked(view.world, from, node);
        if is_arbitrary(view.policy) {
            there_and_back(view.policy, to, &path).is_some()
        } else {
            view.policy.translate(to, &path).is_some()
        }
    }
}

/// Returns the place on `side` that belongs to `node` of the other side. `Err` is what has to happen
/// before.
pub(super) fn target(view: &View<'_>, side: Side, node: NodeId) -> Result<Place, Step> {
    let (world, from) = (view.world, side.other());
    if let Some(folder) = unsettled_above(view, from, node) {
        return Err(Step::Wait(Wait::Entry(folder)));
    }
    if let Some(step) = deleted_above(view, from, node) {
        return Err(step);
    }
    let path = path_unparked(world, from, node);
    let Some(path) = there_and_back(view.policy, side, &path) else {
        return Err(Step::Ignore);
    };
    let planned = world.node(from, node).entry;
    let mut folder = NodeId::ROOT;
    let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        if !is_known(world, side, folder) {
            return Err(Step::Wait(Wait::Look(side, folder)));
        }
        let name = name.to_owned();
        let place = Place { folder, name };
        if names.peek().is_none() {
            return Ok(place);
        }
        folder = on_the_way(view, side, place, planned)?;
    }
    Err(Step::Ignore)
}

/// Returns a folder above a node that is not where it belongs yet.
fn unsettled_above(view: &View<'_>, from: Side, node: NodeId) -> Option<EntryId> {
    let world = view.world;
    let is_unsettled = |&(at, id): &(NodeId, EntryId)| {
        if id == EntryId::ROOT {
            return false;
        }
        let entry = world.entry(id);
        if view.is_held(id) {
            return true;
        }
        if entry.is_agreed() {
            let there = entry.nodes[from.other()];
            let is_gone = |node| matches!(sight(world, from.other(), node), Sight::Absent(_));
            if there.is_some_and(is_gone) {
                // It goes nowhere any more, parked or not: it lives on, or is deleted.
                return false;
            }
            return Side::BOTH.into_iter().any(|side| {
                let parked = entry.nodes[side].is_some_and(|node| {
                    let node = world.node(side, node);
                    node.is_present() && is_parked(world.names.get(node.name()))
                });
                parked || moved(world, side, id)
            });
        }
        matches!(sight(world, from, at), Sight::Present(_))
            && is_wanted(view, from, at)
            && there_and_back(view.policy, from.other(), &world.path(from, at)).is_some()
    };
    let above = world.tree(from).ancestors(node);
    let above = above.map(|at| (at, world.node(from, at).entry));
    above.filter(is_unsettled).last().map(|(_, id)| id)
}

/// What has to happen to a folder above a node that the other side deleted, and that lives on with the node.
fn deleted_above(view: &View<'_>, from: Side, node: NodeId) -> Option<Step> {
    let (world, to) = (view.world, from.other());
    let above = world.tree(from).ancestors(node).filter_map(|at| {
        let id = world.node(from, at).entry;
        let there = world.entry(id).nodes[to].filter(|_| world.entry(id).is_agreed())?;
        match sight(world, to, there) {
            Sight::Absent(ghost) => Some((at, id, ghost)),
            Sight::Unknown(_) | Sight::Present(_) => None,
        }
    });
    let (at, entry, ghost) = above.last()?;
    if let Some(lone) = replacement(view, to, ghost) {
        return Some(Step::Wait(Wait::Entry(lone)));
    }
    if is_parked(world.names.get(world.node(from, at).name())) {
        return Some(go_back(view, entry, from, at));
    }
    Some(Step::Restore { entry, keep: from })
}

/// Returns the folder at a place on the way to another one.
fn on_the_way(view: &View<'_>, side: Side, place: Place, planned: EntryId) -> Result<NodeId, Step> {
    let world = view.world;
    let Some(there) = child(world, side, place.folder, &place.name) else {
        return match occupant(view, side, &place, None, planned)? {
            Occupant::Free => Err(Step::Do {
                side,
                deed: Deed::Carrier(place),
            }),
            Occupant::Settled | Occupant::Lone(..) => {
                Err(Step::Wait(Wait::Look(side, place.folder)))
            }
        };
    };
    let holder = world.node(side, there).entry;
    if holder != planned {
        if view.is_held(holder) {
            return Err(Step::Wait(Wait::Entry(holder)));
        }
        if world.entry(holder).is_agreed() && is_leaving(world, holder) {
            return Err(Step::Wait(Wait::Place(side, holder)));
        }
        if !matches!(sight(world, side, there), Sight::Present(_))
            && world.node(side, there).kind == Kind::File
        {
            return Err(Step::Wait(Wait::Look(side, there)));
        }
    }
    if world.node(side, there).kind == Kind::Folder {
        return Ok(there);
    }
    // A folder keeps its name before a file, but what takes no part is not touched.
    let purpose = if world.entry(holder).is_agreed() {
        RenamePurpose::Undo
    } else if is_wanted(view, side, there)
        && there_and_back(view.policy, side.other(), &world.path(side, there)).is_some()
    {
        RenamePurpose::Split
    } else {
        let reason = SkipReason::Special;
        return Err(Step::Blocked(Block::Taken { side, reason }));
    };
    let place = conflict_place(view, side, there);
    let deed = Deed::Rename {
        entry: holder,
        place,
        purpose,
    };
    Err(Step::Do { side, deed })
}

/// What is still in a folder that the other side deleted: something that lives on there, at a place that
/// lies in it, or that is not translated, is why the folder lives on too; something else may leave it
/// first.
pub(super) fn lives_on(view: &View<'_>, id: EntryId, gone: Side, folder: NodeId) -> Step {
    let (world, keep) = (view.world, gone.other());
    if !is_arbitrary(view.policy) {
        return Step::Wait(Wait::Children);
    }
    let here = world.path(keep, folder);
    let mut wait = Wait::Children;
    for inside in world.tree(keep).children(folder) {
        let child = world.node(keep, inside).entry;
        let entry = world.entry(child);
        let Some(node) = entry.nodes[gone].filter(|_| entry.is_agreed()) else {
            // What is not translated is never deleted.
            if there_and_back(view.policy, gone, &world.path(keep, inside)).is_none() {
                return Step::Restore { entry: id, keep };
            }
            continue;
        };
        match sight(world, gone, node) {
            _ if view.is_held(child) => wait = Wait::Entry(child),
            Sight::Unknown(node) => wait = Wait::Look(gone, node),
            Sight::Absent(_) => {}
            Sight::Present(_) => {
                let goal = goal(view, keep, node);
                let belongs = goal.is_none_or(|goal| is_at_or_below(&goal, &here));
                if !moved(world, gone, child) || belongs {
                    return Step::Restore { entry: id, keep };
                }
            }
        }
    }
    if comes_back(view, gone, folder, &here) {
        return Step::Restore { entry: id, keep };
    }
    Step::Wait(wait)
}

/// Returns the path on `side` that belongs to a node of the other side.
fn goal(view: &View<'_>, side: Side, node: NodeId) -> Option<String> {
    let path = path_unparked(view.world, side.other(), node);
    there_and_back(view.policy, side, &path)
}

/// Returns true if something deeper in a folder belongs in it as well where the side that deleted the folder has it: its
/// folder waits for it, and it would wait for this one to go.
fn comes_back(view: &View<'_>, gone: Side, folder: NodeId, path: &str) -> bool {
    let (world, keep) = (view.world, gone.other());
    let belongs = |inside: NodeId| {
        let id = world.node(keep, inside).entry;
        let there = world.entry(id).nodes[gone].filter(|_| world.entry(id).is_agreed());
        there.is_some_and(|node| {
            moved_by(view, id) == Some(gone)
                && matches!(sight(world, gone, node), Sight::Present(_))
                && goal(view, keep, node).is_some_and(|goal| is_at_or_below(&goal, path))
        })
    };
    let mut folders: Vec<NodeId> = world.tree(keep).children(folder).collect();
    while let Some(at) = folders.pop() {
        for inside in world.tree(keep).children(at) {
            if belongs(inside) {
                return true;
            }
            folders.push(inside);
        }
    }
    false
}

/// Returns true if both places of an agreed entry are what the policy makes of each other, or nothing is
/// to be said about that now.
pub(crate) fn is_in_place(view: &View<'_>, nodes: BySide<NodeId>) -> bool {
    let world = view.world;
    let path = view
        .policy
        .translate(Side::Remote, &world.path(Side::Local, nodes.local));
    path.is_some_and(|path| path == world.path(Side::Remote, nodes.remote))
}
