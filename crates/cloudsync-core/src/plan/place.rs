//! Where an object belongs on the other side, and whether the place is free.

use crate::conflict_name::free_conflict_name;
use crate::delta::{Sight, is_known, is_pending, sight};
use crate::name::fits;
use crate::plan::agreed::go_back;
use crate::plan::parked::{is_parked, name_before};
use crate::plan::{Block, Place, Step, View, Wait, scope, translated};
use crate::record::EntryId;
use crate::side::Side;
use crate::tree::World;
use crate::tree::node::NodeId;

/// Returns the lone entry of an object of the same kind that stands where an absent one stood last, or was
/// agreed to stand (an editor moved the old version away, and deleted it once it had written the new one):
/// that one goes on as the absent one's entry, if it takes part.
pub(super) fn replacement(view: &View<'_>, side: Side, ghost: NodeId) -> Option<EntryId> {
    let world = view.world;
    let last = world.node(side, ghost);
    let goes_on = |&here: &NodeId| {
        let at = world.node(side, here);
        at.kind == last.kind
            && !world.entry(at.entry).is_agreed()
            && scope::is_wanted(view, side, here)
            && translated::has_place(view, side, here)
    };
    let there = world.child(side, last.parent()?, last.name());
    let before = || {
        let at = world.agreed_apart(last.entry, side)?;
        let here = world.child(side, at.parent, at.name)?;
        (world.node(side, here).name() == at.name).then_some(here)
    };
    let here = there.filter(goes_on).or_else(|| before().filter(goes_on))?;
    Some(world.node(side, here).entry)
}

/// Returns the place on `side` that belongs to `node` of the other side, its folder being there,
/// known, and not about to go away. `Err` is what has to happen before.
pub(super) fn target(view: &View<'_>, side: Side, node: NodeId) -> Result<Place, Step> {
    let other = side.other();
    let world = view.world;
    if translated::is_arbitrary(view.policy) {
        return translated::target(view, side, node);
    }
    let from = world.node(other, node);
    let folder = from.parent().expect("the roots are never planned");
    let holder = world.node(other, folder).entry;
    let entry = world.entry(holder);
    if view.is_held(holder) && holder != crate::record::EntryId::ROOT {
        return Err(Step::Wait(Wait::Entry(holder)));
    }
    let here = match entry.nodes[side] {
        Some(here) if entry.is_agreed() => here,
        _ => return Err(Step::Wait(Wait::Entry(holder))),
    };
    match sight(world, side, here) {
        Sight::Absent(ghost) => {
            return Err(match replacement(view, side, ghost) {
                Some(lone) => Step::Wait(Wait::Entry(lone)),
                // Nobody is to find it under the name of a moment.
                None if is_parked(world.names.get(world.node(other, folder).name())) => {
                    go_back(view, holder, other, folder)
                }
                None => Step::Restore {
                    entry: holder,
                    keep: other,
                },
            });
        }
        Sight::Unknown(_) => return Err(Step::Wait(Wait::Look(side, here))),
        Sight::Present(_) => {}
    }
    if !is_known(world, side, here) {
        return Err(Step::Wait(Wait::Look(side, here)));
    }
    let name = world.names.get(from.name());
    let name = if view.trivial {
        name.to_owned()
    } else {
        let path = view.policy.translate(side, &world.path(other, node));
        let Some(path) = path else {
            return Err(Step::Ignore);
        };
        let (above, name) = path.rsplit_once('/').unwrap_or(("", &path));
        // Its folder here may be about to be no longer that one.
        if holder != EntryId::ROOT && above != world.path(side, here) {
            let left_out = scope::left_out(view, holder);
            if let Some(side) = Side::BOTH.into_iter().find(|&side| left_out[side]) {
                let entry = holder;
                return Err(Step::Withhold { entry, side });
            }
        }
        name.to_owned()
    };
    Ok(Place { folder: here, name })
}

/// Finds the present node at a place by a name that may never have been met.
pub(super) fn child(world: &World, side: Side, folder: NodeId, name: &str) -> Option<NodeId> {
    let name = world.names.find(side, name)?;
    world.child(side, folder, name)
}

/// What stands at a place.
pub(super) enum Occupant {
    /// Nothing, and the name fits.
    Free,
    /// A node of an agreed entry, which stays there as far as is known.
    Settled,
    /// A node met on this side only.
    Lone(EntryId, NodeId),
}

/// Returns what stands at a place. `own`: the node that is to go there, which is no obstacle.
/// `Err`: it cannot be, or not yet.
pub(super) fn occupant(
    view: &View<'_>,
    side: Side,
    place: &Place,
    own: Option<NodeId>,
    planned: EntryId,
) -> Result<Occupant, Step> {
    let world = view.world;
    if let Err(problem) = fits(&place.name, &view.rules[side].names) {
        return Err(Step::Blocked(Block::Name {
            side,
            problem: problem.to_string(),
        }));
    }
    let Some(name) = world.names.find(side, &place.name) else {
        return Ok(Occupant::Free);
    };
    let folded = world.names.folded(side, name);
    if let Some(&holder) = view.locks.places.get(&(side, place.folder, folded))
        && holder != planned
    {
        return Err(Step::Wait(Wait::Entry(holder)));
    }
    let obstacle = view
        .obstacles
        .get(&(side, place.folder))
        .and_then(|here| here.get(&folded));
    if let Some(&reason) = obstacle {
        return Err(Step::Blocked(Block::Taken { side, reason }));
    }
    let Some(node) = world.child(side, place.folder, name) else {
        if view.unsure[side].contains(&(place.folder, folded)) {
            return Err(Step::Wait(Wait::Look(side, place.folder)));
        }
        return Ok(Occupant::Free);
    };
    if Some(node) == own {
        return Ok(Occupant::Free);
    }
    let holder = world.node(side, node).entry;
    if view.is_held(holder) {
        return Err(Step::Wait(Wait::Entry(holder)));
    }
    if !matches!(sight(world, side, node), Sight::Present(_)) {
        return Err(Step::Wait(Wait::Look(side, node)));
    }
    if !world.entry(holder).is_agreed() {
        return Ok(Occupant::Lone(holder, node));
    }
    if is_leaving(world, holder) && !scope::stays(view, side, node) {
        return Err(Step::Wait(Wait::Place(side, holder)));
    }
    Ok(Occupant::Settled)
}

/// Returns true if an agreed entry is about to move, to be deleted, or to be found out about.
pub(super) fn is_leaving(world: &World, id: EntryId) -> bool {
    is_pending(world, id)
        && Side::BOTH.into_iter().any(|side| {
            crate::delta::moved(world, side, id)
                || world.entry(id).nodes[side]
                    .is_none_or(|node| !matches!(sight(world, side, node), Sight::Present(_)))
        })
}

/// Returns a conflict name for a node, in its own folder.
pub(crate) fn conflict_place(view: &View<'_>, side: Side, node: NodeId) -> Place {
    let folder = view.world.node(side, node).parent().expect("not a root");
    conflict_place_in(view, side, node, folder)
}

/// Returns a conflict name for a node, in a folder, that is free there and, as far as is known, in that
/// folder's partner.
pub(super) fn conflict_place_in(
    view: &View<'_>,
    side: Side,
    node: NodeId,
    folder: NodeId,
) -> Place {
    let world = view.world;
    let at = world.node(side, node);
    let partner = world.entry(world.node(side, folder).entry).nodes[side.other()];
    let longest = Side::BOTH
        .iter()
        .map(|&side| view.rules[side].names.max_name_bytes)
        .min();
    let taken = |name: &str| {
        let here = |side: Side, folder: NodeId| {
            child(world, side, folder, name).is_some()
                || world.names.find(side, name).is_some_and(|name| {
                    let name = world.names.folded(side, name);
                    view.locks.places.contains_key(&(side, folder, name))
                        || view
                            .obstacles
                            .get(&(side, folder))
                            .is_some_and(|here| here.contains_key(&name))
                })
        };
        here(side, folder) || partner.is_some_and(|partner| here(side.other(), partner))
    };
    let entry = world.entry(at.entry);
    let mut name = world.names.get(at.name());
    if is_parked(name) {
        name = if entry.is_agreed() {
            world.names.get(world.agreed_place(at.entry, side).1)
        } else {
            name_before(name)
        };
    }
    let name = free_conflict_name(name, longest.unwrap_or(255), taken);
    Place { folder, name }
}

/// Returns the path that a node of `side` has, or would have, on the local side: for comparing
/// places by one measure.
pub(super) fn path_on(view: &View<'_>, side: Side, node: NodeId) -> String {
    let path = path_unparked(view.world, side, node);
    match side {
        Side::Local => path,
        Side::Remote if view.trivial => path,
        Side::Remote => view.policy.translate(Side::Local, &path).unwrap_or(path),
    }
}

/// Returns a node's path as if nothing on it were parked. What is parked in what lies in it, by where that was before, is
/// taken to stand in the root, and so is what was in a folder that nobody remembers.
pub(super) fn path_unparked(world: &World, side: Side, node: NodeId) -> String {
    let mut names = Vec::new();
    let mut parked = Vec::new();
    let mut at = node;
    while let Some(mut parent) = world.node(side, at).parent() {
        let here = world.node(side, at);
        let mut name = here.name();
        let is_agreed = world
            .find(here.entry)
            .is_some_and(crate::tree::entry::Entry::is_agreed);
        if is_agreed && is_parked(world.names.get(name)) {
            if parked.contains(&at) {
                break;
            }
            parked.push(at);
            (parent, name) = world.agreed_place(here.entry, side);
        }
        names.push(world.names.get(name));
        let is_nowhere = world.tree(side).is_nowhere(&world.names, parent);
        at = if is_nowhere { NodeId::ROOT } else { parent };
    }
    names.reverse();
    names.join("/")
}
