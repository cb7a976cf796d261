//! The plan of an object that one side alone has: it was met there only, or is withheld on the other.

use crate::delta::{Sight, sight};
use crate::object::Kind;
use crate::plan::parked::{is_parked, name_before};
use crate::plan::place::{Occupant, child, conflict_place, occupant, replacement, target};
use crate::plan::scope::{folder_to_come, is_contested, is_wanted, is_wanted_there};
use crate::plan::{Deed, Place, Step, View, Wait, can_rename};
use crate::record::{EntryId, IntendedAct, RenamePurpose};
use crate::side::Side;
use crate::tree::node::{NodeId, Presence};

pub(super) fn plan(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Step {
    let world = view.world;
    let kind = world.entry(id).kind;
    let is_present = world.node(side, node).is_present();
    if is_present && !is_wanted(view, side, node) {
        return Step::Ignore;
    }
    match sight(world, side, node) {
        Sight::Absent(ghost) => return gone(view, id, side, ghost),
        Sight::Unknown(_) => return Step::Wait(Wait::Look(side, node)),
        Sight::Present(_) => {}
    }
    let step = maybe_moved_by_us(view, side, node)
        .or_else(|| unpark(view, id, side, node))
        .or_else(|| replaces(view, side, node))
        .or_else(|| moved_unseen(view, id, side, node));
    if let Some(step) = step {
        return step;
    }
    let to = side.other();
    if !is_wanted_there(view, to, node) {
        return withheld(view, id, to);
    }
    let place = match target(view, to, node) {
        Ok(place) => place,
        Err(step) => return step,
    };
    if is_contested(view, side, node, &place) {
        return match folder_to_come(view, side, node) {
            Some(folder) => Step::Wait(Wait::Entry(folder)),
            None => withheld(view, id, to),
        };
    }
    if let Some(row) = is_renamed_folder(view, side, node, &place) {
        return Step::Relink { row, lone: id };
    }
    match occupant(view, to, &place, None, id) {
        Err(step) => step,
        Ok(Occupant::Free) => create(to, kind, place),
        Ok(Occupant::Settled) => give_way(view, id, side, node),
        Ok(Occupant::Lone(other, there)) => meet(view, (id, side, node), (other, there)),
    }
}

fn withheld(view: &View<'_>, id: EntryId, side: Side) -> Step {
    let is_withheld = view.world.entry(id).withheld_on().is_some();
    let withhold = Step::Withhold { entry: id, side };
    if is_withheld { Step::Nothing } else { withhold }
}

/// Nobody has it any more. What is withheld goes on with what replaced it, as any row does.
fn gone(view: &View<'_>, id: EntryId, side: Side, ghost: NodeId) -> Step {
    let is_withheld = view.world.entry(id).withheld_on().is_some();
    let replaced = replacement(view, side, ghost).filter(|_| is_withheld);
    replaced.map_or(Step::Drop, |lone| Step::Wait(Wait::Entry(lone)))
}

fn create(side: Side, kind: Kind, place: Place) -> Step {
    let deed = match kind {
        Kind::File => Deed::Create(place),
        Kind::Folder => Deed::CreateFolder(place),
    };
    Step::Do { side, deed }
}

/// The lone node takes a conflict name on its own side, and is carried over under that.
pub(super) fn give_way(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Step {
    let place = conflict_place(view, side, node);
    let deed = Deed::Rename {
        entry: id,
        place,
        purpose: RenamePurpose::Split,
    };
    Step::Do { side, deed }
}

/// Without ids, what stands where we were about to move another object to may be that one: it is told
/// once the outcome of that move is.
fn maybe_moved_by_us(view: &View<'_>, side: Side, node: NodeId) -> Option<Step> {
    let world = view.world;
    if world.tree(side).has_ids() {
        return None;
    }
    let at = world.node(side, node);
    let folder = world.node(side, at.parent()?).entry;
    let name = world.names.get(at.name());
    let is_goal = |row: &EntryId| {
        world.intent(*row).is_some_and(|intent| {
            intent.side == side
                && matches!(&intent.act, IntendedAct::Rename { parent, name: goal, .. }
                    if *parent == folder && goal == name)
        })
    };
    let row = view.unsettled.iter().copied().find(is_goal)?;
    Some(Step::Wait(Wait::Entry(row)))
}

/// What we parked once and nobody remembers (it was away with its folder, say, and came back) has its name
/// again first.
fn unpark(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Option<Step> {
    let world = view.world;
    let at = world.node(side, node);
    let name = world.names.get(at.name());
    if !is_parked(name) || !can_rename(view, side, id) {
        return None;
    }
    let mut place = Place {
        folder: at.parent()?,
        name: name_before(name).to_owned(),
    };
    let is_free = matches!(
        occupant(view, side, &place, Some(node), id),
        Ok(Occupant::Free)
    );
    if !is_free {
        place.name = conflict_place(view, side, node).name;
    }
    let deed = Deed::Rename {
        entry: id,
        place,
        purpose: RenamePurpose::Split,
    };
    Some(Step::Do { side, deed })
}

/// The object of a row was last at this very place, or was agreed to stand there, and is absent: this one
/// replaced it (an editor's save, of which the old version was moved away before or not).
fn replaces(view: &View<'_>, side: Side, node: NodeId) -> Option<Step> {
    let world = view.world;
    let at = world.node(side, node);
    let (folder, name) = (at.parent()?, at.name());
    let last = world.tree(side).ghosts(&world.names, folder, name);
    let before = world
        .agreed_at(side, folder, name)
        .filter_map(|row| world.entry(row).nodes[side])
        .filter(|&there| !world.node(side, there).is_present());
    for ghost in last.iter().copied().chain(before) {
        let ghost_node = world.node(side, ghost);
        let row = ghost_node.entry;
        let entry = world.find(row)?;
        if !entry.is_row() || entry.kind != at.kind {
            continue;
        }
        if ghost_node.presence() == Presence::Gone {
            return Some(Step::Wait(Wait::Look(side, ghost)));
        }
        if view.is_held(row) {
            return Some(Step::Wait(Wait::Entry(row)));
        }
        if entry.withheld_on().is_some() {
            return Some(Step::Relink {
                row,
                lone: at.entry,
            });
        }
        // Only if the other side still has it: else both deleted it, and this one is new.
        match sight(world, side.other(), entry.nodes[side.other()]?) {
            Sight::Present(_) => {
                return Some(Step::Relink {
                    row,
                    lone: at.entry,
                });
            }
            Sight::Unknown(there) => return Some(Step::Wait(Wait::Look(side.other(), there))),
            Sight::Absent(_) => {}
        }
    }
    None
}

/// A folder that goes where an agreed one stands which is absent here: it is that one, under another
/// name that is the same name there.
fn is_renamed_folder(view: &View<'_>, side: Side, node: NodeId, place: &Place) -> Option<EntryId> {
    let world = view.world;
    let to = side.other();
    let there = child(world, to, place.folder, &place.name)?;
    let row = world.node(to, there).entry;
    let entry = world.entry(row);
    let ghost = world.node(side, entry.nodes[side]?);
    let is_same = entry.is_agreed()
        && !view.is_held(row)
        && entry.kind == Kind::Folder
        && world.node(side, node).kind == Kind::Folder
        && ghost.presence() == Presence::Absent;
    is_same.then_some(row)
}

/// Where ids do not tell moves: a new file with the content of one that is absent was moved. Same
/// name first; files with nothing in them only under their own name.
fn moved_unseen(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Option<Step> {
    let world = view.world;
    let at = world.node(side, node);
    if world.tree(side).has_ids() || at.kind == Kind::Folder {
        return None;
    }
    let rows = view.absent_by_size.get(&(side, at.size()))?;
    let candidates = || {
        rows.iter().copied().filter(|&row| {
            world.find(row).is_some_and(|entry| {
                entry.is_agreed()
                    && !view.is_held(row)
                    && entry.nodes[side.other()]
                        .is_some_and(|there| world.node(side.other(), there).is_present())
            })
        })
    };
    candidates().next()?;
    let Some(content) = at.content() else {
        return Some(Step::Hash(vec![(id, side)]));
    };
    let same_name = |row: EntryId| world.agreed_place(row, side).1 == at.name();
    let equal = || candidates().filter(|&row| world.entry(row).content() == Some(content));
    let row = equal()
        .find(|&row| same_name(row))
        .or_else(|| if at.size() == 0 { None } else { equal().next() })?;
    match equal_counterpart(view, id, side, node) {
        Ok(false) => Some(Step::Relink { row, lone: id }),
        Ok(true) => None,
        Err(step) => Some(step),
    }
}

/// Whether an equal lone file stands at the same place of the other side: then the two belong together,
/// as after a copy of ours whose end nobody saw, which gave it its time.
fn equal_counterpart(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Result<bool, Step> {
    let world = view.world;
    let (to, at) = (side.other(), world.node(side, node));
    let Ok(place) = target(view, to, node) else {
        return Ok(false);
    };
    let Ok(Occupant::Lone(other, there)) = occupant(view, to, &place, None, id) else {
        return Ok(false);
    };
    let there = world.node(to, there);
    let is_alike = there.kind == Kind::File
        && there.size() == at.size()
        && there.attributes().mtime == at.attributes().mtime;
    if !is_alike {
        return Ok(false);
    }
    match there.content() {
        Some(content) => Ok(at.content() == Some(content)),
        None => Err(Step::Hash(vec![(other, to)])),
    }
}

/// Two lone objects want one name on `to`. Both folders: one. Equal files: one. A folder keeps its
/// name before a file; files that differ are a conflict.
fn meet(
    view: &View<'_>,
    (id, side, node): (EntryId, Side, NodeId),
    (other, there): (EntryId, NodeId),
) -> Step {
    let world = view.world;
    let to = side.other();
    // Do the two belong to each other, or does the other one's own place lie elsewhere (two names
    // here that are one name there)?
    match target(view, side, there) {
        Ok(place) => {
            let at = world.node(side, node);
            let same = at.parent() == Some(place.folder)
                && world.names.find(side, &place.name).is_some_and(|name| {
                    world.names.folded(side, name) == world.names.folded(side, at.name())
                });
            if !same {
                return give_way(view, id, side, node);
            }
        }
        Err(Step::Ignore) => return give_way(view, id, side, node),
        Err(step) => return step,
    }
    let (here_node, there_node) = (world.node(side, node), world.node(to, there));
    match (here_node.kind, there_node.kind) {
        (Kind::Folder, Kind::Folder) => Step::Join {
            other,
            content: None,
        },
        (Kind::File, Kind::Folder) => give_way(view, id, side, node),
        (Kind::Folder, Kind::File) => Step::Wait(Wait::Entry(other)),
        (Kind::File, Kind::File) if here_node.size() != there_node.size() => {
            differ(view, (id, side), other)
        }
        (Kind::File, Kind::File) => match (here_node.content(), there_node.content()) {
            (Some(here), Some(there)) if here == there => Step::Join {
                other,
                content: Some(here),
            },
            (Some(_), Some(_)) => differ(view, (id, side), other),
            (here, there) => {
                let unknown = [(here.is_none(), id, side), (there.is_none(), other, to)];
                Step::Hash(
                    unknown
                        .into_iter()
                        .filter(|(unknown, ..)| *unknown)
                        .map(|(_, id, side)| (id, side))
                        .collect(),
                )
            }
        },
    }
}

/// Two lone files that differ want one name. If one of them was withheld where the other one is, and that
/// one holds what both sides last held, it did not change since. One that holds anything else may be
/// another object: it is no change of the one that was withheld, even if that did not change either.
fn differ(view: &View<'_>, (id, side): (EntryId, Side), other: EntryId) -> Step {
    let world = view.world;
    for (row, lone, there) in [(id, other, side.other()), (other, id, side)] {
        let was = world.entry(row);
        let Some(base) = was.content().filter(|_| was.withheld_on().is_some()) else {
            continue;
        };
        let Some(node) = world.entry(lone).nodes[there] else {
            continue;
        };
        let at = world.node(there, node);
        match at.content() {
            Some(content) if content == base => return Step::Return { row, lone },
            None if at.size() == world.contents.get(base).size => {
                return Step::Hash(vec![(lone, there)]);
            }
            _ => {}
        }
    }
    Step::Conflict { other }
}
