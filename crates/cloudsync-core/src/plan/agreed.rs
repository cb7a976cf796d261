//! The plan of an entry that both sides once agreed on: the decision table.

use std::cmp::Reverse;

use crate::delta::{Change, Sight, content_change, moved, sight};
use crate::listing::SkipReason;
use crate::object::{Attributes, Kind};
use crate::plan::parked::is_parked;
use crate::plan::place::{
    Occupant, child, conflict_place, conflict_place_in, occupant, path_on, replacement, target,
};
use crate::plan::scope::{is_wanted, is_wanted_there, left_out, stays};
use crate::plan::translated::{has_place, is_arbitrary, lives_on};
use crate::plan::{Block, Deed, Place, Step, View, Wait, can_rename};
use crate::record::{EntryId, IntendedAct, Intent, RenamePurpose};
use crate::side::{BySide, Side};
use crate::tree::entry::Entry;
use crate::tree::node::NodeId;

pub(super) fn plan(view: &View<'_>, id: EntryId) -> Step {
    let world = view.world;
    let entry = world.entry(id);
    let sights = BySide::from_fn(|side| {
        sight(
            world,
            side,
            entry.nodes[side].expect("an agreed entry has both nodes"),
        )
    });
    // What is in a folder that is left out is not even looked at.
    let left_out = left_out(view, id);
    if left_out.local || left_out.remote {
        return leave_out(view, id, left_out);
    }
    match (sights.local, sights.remote) {
        (Sight::Unknown(node), _) => Step::Wait(Wait::Look(Side::Local, node)),
        (_, Sight::Unknown(node)) => Step::Wait(Wait::Look(Side::Remote, node)),
        (Sight::Absent(_), Sight::Absent(_)) => Step::Drop,
        (Sight::Absent(ghost), Sight::Present(node)) => deleted(view, id, Side::Local, ghost, node),
        (Sight::Present(node), Sight::Absent(ghost)) => {
            deleted(view, id, Side::Remote, ghost, node)
        }
        (Sight::Present(local), Sight::Present(remote)) => {
            let nodes = BySide::new(local, remote);
            // One of them may be ours: which, only its intent says, and a move would have one of its own.
            let may_be_our_own = |intent: &Intent| intent.act.may_be_our_own();
            if world.intent(id).is_some_and(may_be_our_own) {
                return content(view, id, nodes);
            }
            place(view, id, nodes).unwrap_or_else(|| match entry.kind {
                Kind::File => content(view, id, nodes),
                Kind::Folder => attributes(view, id, nodes),
            })
        }
    }
}

/// It is not to be on one side, or on neither. Nothing of ours is left of it: what is parked goes back first.
fn leave_out(view: &View<'_>, id: EntryId, left_out: BySide<bool>) -> Step {
    let world = view.world;
    for side in Side::BOTH {
        let parked = world.entry(id).nodes[side].filter(|&node| {
            let at = world.node(side, node);
            at.is_present() && is_parked(world.names.get(at.name()))
        });
        if let Some(node) = parked {
            return go_back(view, id, side, node);
        }
    }
    if let Some(step) = Side::BOTH
        .into_iter()
        .find_map(|side| put_aside(view, id, side))
    {
        return step;
    }
    match (left_out.local, left_out.remote) {
        (true, true) => Step::Ignore,
        (true, false) => Step::Withhold {
            entry: id,
            side: Side::Local,
        },
        _ => Step::Withhold {
            entry: id,
            side: Side::Remote,
        },
    }
}

/// A user gave it a name that is left out, or so its folder, and made another one in its place (an editor's save that keeps the
/// old version as a backup): the row goes on with that.
fn put_aside(view: &View<'_>, id: EntryId, side: Side) -> Option<Step> {
    let (world, nodes) = (view.world, &view.world.entry(id).nodes);
    let stands = |side: Side| nodes[side].filter(|&node| world.node(side, node).is_present());
    let (aside, there) = (stands(side)?, stands(side.other())?);
    if is_wanted(view, side, aside)
        || !is_wanted(view, side.other(), there)
        || !is_wanted_there(view, side, there)
    {
        return None;
    }
    let folder = world.node(side, aside).parent()?;
    let above = world.node(side, folder).entry;
    if folder != NodeId::ROOT && world.entry(above).is_agreed() && !is_wanted(view, side, folder) {
        return Some(Step::Wait(Wait::Entry(above)));
    }
    // Nothing took its place where that is in a folder which has no partner here, or one that is left out.
    let above = world.node(side.other(), there).parent()?;
    let above = world.entry(world.node(side.other(), above).entry);
    let partner = above.nodes[side].filter(|_| above.is_agreed())?;
    if partner != NodeId::ROOT && !is_wanted(view, side, partner) {
        return None;
    }
    let place = match target(view, side, there) {
        Ok(place) => place,
        Err(step @ Step::Wait(_)) => return Some(step),
        Err(_) => return None,
    };
    let here = child(world, side, place.folder, &place.name)?;
    let lone = world.node(side, here).entry;
    if view.is_held(lone) {
        return Some(Step::Wait(Wait::Entry(lone)));
    }
    let is_new = !world.entry(lone).is_row() && world.entry(lone).kind == world.entry(id).kind;
    match sight(world, side, here) {
        _ if !is_new => None,
        Sight::Unknown(node) => Some(Step::Wait(Wait::Look(side, node))),
        Sight::Present(_) => Some(Step::Relink { row: id, lone }),
        Sight::Absent(_) => None,
    }
}

/// `gone` lost it, the other side has it: deleted there too, unless that side changed or moved it.
fn deleted(view: &View<'_>, id: EntryId, gone: Side, ghost: NodeId, node: NodeId) -> Step {
    let world = view.world;
    let keep = gone.other();
    if let Some(lone) = replacement(view, gone, ghost) {
        return Step::Wait(Wait::Entry(lone));
    }
    if moved(world, keep, id) {
        return Step::Restore { entry: id, keep };
    }
    let parked = is_parked(world.names.get(world.node(keep, node).name()));
    match content_change(world, keep, id) {
        Change::Changed if parked => return go_back(view, id, keep, node),
        Change::Changed => return Step::Restore { entry: id, keep },
        Change::Maybe => return Step::Hash(vec![(id, keep)]),
        Change::Same => {}
    }
    if came_with_a_moved_folder(view, gone, ghost) {
        if parked {
            return go_back(view, id, keep, node);
        }
        return Step::Restore { entry: id, keep };
    }
    if world.entry(id).kind == Kind::Folder && world.tree(keep).children(node).next().is_some() {
        // It may stay for long.
        if parked && stays(view, keep, node) {
            return go_back(view, id, keep, node);
        }
        return lives_on(view, id, gone, node);
    }
    if let Some(reason) = hidden_by(view, gone, ghost) {
        return Step::Blocked(Block::Taken { side: gone, reason });
    }
    if let Some(step) = may_have_moved_back(view, id, gone) {
        return step;
    }
    Step::Do {
        side: keep,
        deed: Deed::Delete,
    }
}

/// Where ids do not tell moves, a file that both users moved alike, and that one of them moved back, counts as two: one gone
/// on this side, the other one, which both sides came to by themselves just before, on the other side. Deleting each where it
/// is left would delete both. So one of the two is new, and goes on with the other one as any file that moved. Where something
/// else was put in the first one's place meanwhile, that is written over the file that was moved back there: the other one is all
/// that is left of it.
fn may_have_moved_back(view: &View<'_>, id: EntryId, gone: Side) -> Option<Step> {
    let (world, keep) = (view.world, gone.other());
    let has_ids = |side: Side| world.tree(side).has_ids();
    if !view.met.any && view.met.entries.is_empty() {
        return None;
    }
    let content = world.entry(id).content()?;
    let size = world.contents.get(content).size;
    if size == 0 {
        return None;
    }
    let is_new = |id: EntryId| view.met.is_new(id);
    if !has_ids(gone) && is_new(id) {
        let all = (keep, content, EntryId::ROOT)..=(keep, content, EntryId::NOWHERE);
        let mut edited = view.met.edited.range(all);
        if edited.any(|&(_, _, other)| other != id) {
            return Some(Step::Restore { entry: id, keep });
        }
    }
    let rows = view.absent_by_size.get(&(keep, size))?;
    let other = rows.iter().copied().find(|&row| {
        let entry = world.find(row).filter(|entry| entry.is_agreed());
        let is_equal = |entry: &Entry| {
            let there = entry.nodes[gone].map(|node| sight(world, gone, node));
            entry.content() == Some(content) && matches!(there, Some(Sight::Present(_)))
        };
        let is_one_new = is_new(id) || is_new(row);
        row != id && is_one_new && entry.is_some_and(is_equal)
    })?;
    if view.is_held(other) {
        return Some(Step::Wait(Wait::Entry(other)));
    }
    Some(if has_ids(gone) {
        let (entry, keep) = (other, gone);
        Step::Restore { entry, keep }
    } else {
        Step::Restore { entry: id, keep }
    })
}

/// Returns why that is left alone which stands where an absent node was, or a folder that it was in: a link
/// that took its place, or a file system mounted over it. Nobody said that what it hides is to be deleted.
fn hidden_by(view: &View<'_>, side: Side, ghost: NodeId) -> Option<SkipReason> {
    let world = view.world;
    std::iter::once(ghost)
        .chain(world.tree(side).ancestors(ghost))
        .take_while(|&at| at != NodeId::ROOT && !world.node(side, at).is_present())
        .find_map(|at| {
            let at = world.node(side, at);
            let here = view.obstacles.get(&(side, at.parent()?))?;
            here.get(&world.names.folded(side, at.name())).copied()
        })
}

/// The deletion came with that of a folder which the other side moved: the move is a wish to keep.
fn came_with_a_moved_folder(view: &View<'_>, gone: Side, ghost: NodeId) -> bool {
    let world = view.world;
    world
        .tree(gone)
        .ancestors(ghost)
        .take_while(|&at| !world.node(gone, at).is_present())
        .any(|at| {
            let above = world.node(gone, at).entry;
            world
                .find(above)
                .is_some_and(|entry| entry.is_agreed() && moved(world, gone.other(), above))
        })
}

/// `None`: the places agree.
fn place(view: &View<'_>, id: EntryId, nodes: BySide<NodeId>) -> Option<Step> {
    let world = view.world;
    let parked = |side: Side| is_parked(world.names.get(world.node(side, nodes[side]).name()));
    if let Some(side) = Side::BOTH.into_iter().find(|&side| parked(side)) {
        return Some(match carry(view, id, nodes, side.other()) {
            // It takes no part under the name of a parked one.
            Step::Ignore | Step::Part => go_back(view, id, side, nodes[side]),
            step => step,
        });
    }
    let from = moved_by(view, id)?;
    Some(carry(view, id, nodes, from))
}

/// Returns the side that moved an agreed entry. If both did: the one with the smaller path in byte order of its
/// local form.
pub(crate) fn moved_by(view: &View<'_>, id: EntryId) -> Option<Side> {
    let is_moved = |side: Side| moved(view.world, side, id);
    match (is_moved(Side::Local), is_moved(Side::Remote)) {
        (false, false) => None,
        (true, false) => Some(Side::Local),
        (false, true) => Some(Side::Remote),
        (true, true) => {
            let nodes = &view.world.entry(id).nodes;
            let path = |side: Side| Some(path_on(view, side, nodes[side]?));
            let is_local = path(Side::Local)? <= path(Side::Remote)?;
            Some(if is_local { Side::Local } else { Side::Remote })
        }
    }
}

/// Carries the place of one side over to the other.
fn carry(view: &View<'_>, id: EntryId, nodes: BySide<NodeId>, from: Side) -> Step {
    let world = view.world;
    let to = from.other();
    let own = nodes[to];
    let goal = match target(view, to, nodes[from]) {
        Ok(place) => place,
        Err(step) => return step,
    };
    let at = world.node(to, own);
    if at.parent() == Some(goal.folder) && world.names.get(at.name()) == goal.name {
        return Step::AgreePlaces;
    }
    if world.tree(to).is_within(goal.folder, own) {
        if is_arbitrary(view.policy) {
            // It was translated to a place within itself, where it can only be made anew.
            return Step::Part;
        }
        return moved_into_each_other(view, id, nodes, from, goal.folder);
    }
    let occupied = match occupant(view, to, &goal, Some(own), id) {
        Ok(occupied) => occupied,
        Err(step) => return step,
    };
    if !can_rename(view, to, id) && !matches!(occupied, Occupant::Settled) {
        // One name to either side: there is nothing to be made anew, and the old spelling stays.
        let (folder, name) = world.agreed_place(id, from);
        let now = world.node(from, nodes[from]);
        let stayed = now.parent() == Some(folder)
            && world.names.folded(from, now.name()) == world.names.folded(from, name);
        if stayed || child(world, to, goal.folder, &goal.name) == Some(own) {
            return Step::AgreePlaces;
        }
        let first = busy_inside(view, nodes, to).map(Step::Wait);
        return first.unwrap_or(Step::MoveByParts { from });
    }
    match occupied {
        Occupant::Free => {
            let deed = Deed::Rename {
                entry: id,
                place: goal,
                purpose: RenamePurpose::Carry,
            };
            Step::Do { side: to, deed }
        }
        // The lone one is a folder, which cannot: the newcomer gives way where it moved.
        Occupant::Lone(other, _) if !can_rename(view, to, other) => {
            clash(view, id, from, nodes[from])
        }
        // Paired before unpaired: the lone one gives way, on its own side.
        Occupant::Lone(other, there) => {
            let place = conflict_place(view, to, there);
            let deed = Deed::Rename {
                entry: other,
                place,
                purpose: RenamePurpose::Split,
            };
            Step::Do { side: to, deed }
        }
        Occupant::Settled => clash(view, id, from, nodes[from]),
    }
}

/// Returns what has to happen in a folder before it moves on `to` by parts: what changed there is carried
/// over, else it would be a change in a folder that is gone; and what is not known is looked at.
fn busy_inside(view: &View<'_>, nodes: BySide<NodeId>, to: Side) -> Option<Wait> {
    let world = view.world;
    let entries = |side: Side| {
        let children = world.tree(side).children(nodes[side]);
        children.map(move |child| (child, world.node(side, child).entry))
    };
    // What cannot be carried over stays in the old one.
    let is_stuck = |step: &Step| match step {
        Step::Blocked(_) => true,
        // It waits for this very move.
        Step::Wait(Wait::Entry(folder)) => world.entry(*folder).nodes == nodes.map(Some),
        _ => false,
    };
    let is_new = |&(child, id): &(NodeId, EntryId)| {
        !world.entry(id).is_row()
            && is_wanted(view, to, child)
            && has_place(view, to, child)
            && !is_stuck(&super::plan(view, id))
    };
    let change = |id: EntryId| {
        let there = world.entry(id).nodes[to]?;
        match sight(world, to, there) {
            _ if !world.entry(id).is_agreed() => None,
            // Whatever it turns out to be is agreed on where it is now.
            _ if view.unsettled.contains(&id) => Some(Wait::Entry(id)),
            Sight::Unknown(node) => Some(Wait::Look(to, node)),
            // What stays for what is left out in it goes where its folder goes.
            Sight::Absent(_) => {
                let here = world.entry(id).nodes[to.other()];
                let stays = here.is_some_and(|here| stays(view, to.other(), here));
                (!stays).then_some(Wait::Entry(id))
            }
            Sight::Present(_) => moved(world, to, id).then_some(Wait::Entry(id)),
        }
    };
    let new = entries(to).find(is_new).map(|(_, id)| Wait::Entry(id));
    new.or_else(|| {
        let mut all = entries(to).chain(entries(to.other()));
        all.find_map(|(_, id)| change(id))
    })
}

/// The place belongs to another pair for good: the newcomer takes a conflict name where it moved.
pub(super) fn clash(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Step {
    let place = conflict_place(view, side, node);
    let deed = Deed::Rename {
        entry: id,
        place,
        purpose: RenamePurpose::Undo,
    };
    Step::Do { side, deed }
}

/// The goal lies below the object itself on that side, because some folder on the way was moved
/// there. The local move loses: the object goes where the remote side has it.
fn moved_into_each_other(
    view: &View<'_>,
    id: EntryId,
    nodes: BySide<NodeId>,
    from: Side,
    goal: NodeId,
) -> Step {
    let world = view.world;
    let own = nodes[from.other()];
    // A folder on the way that the same side moved as well is carried over first: then it may not be
    // on the way any more.
    let to = from.other();
    let on_the_way = std::iter::once(goal)
        .chain(world.tree(to).ancestors(goal))
        .take_while(|&at| at != own)
        .map(|at| world.node(to, at).entry)
        .find(|&entry| {
            world.entry(entry).is_agreed() && moved(world, from, entry) && !moved(world, to, entry)
        });
    if let Some(entry) = on_the_way {
        return Step::Wait(Wait::Entry(entry));
    }
    let parked = is_parked(world.names.get(world.node(to, own).name()));
    if parked {
        // It made way for one that leaves it: not for one that the other side moved as well, and wins.
        let leaves = std::iter::once(goal)
            .chain(world.tree(to).ancestors(goal))
            .take_while(|&at| at != own)
            .map(|at| world.node(to, at).entry)
            .find(|&entry| moved_by(view, entry) == Some(from));
        if let Some(entry) = leaves {
            return Step::Wait(Wait::Entry(entry));
        }
    }
    if from == Side::Local && parked {
        // Taking back the local move is no way out where that, too, leads into the parked one: it comes out itself.
        let folder = folder_before(view, id, Side::Local, nodes.local);
        let there = world.entry(world.node(Side::Local, folder).entry).nodes[to];
        let leads_in = there.is_some_and(|there| world.tree(to).is_within(there, own));
        let side = if leads_in { to } else { Side::Local };
        return go_back(view, id, side, nodes[side]);
    }
    if from == Side::Local {
        return carry(view, id, nodes, Side::Remote);
    }
    // `own` is local here; one of the folders between it and the goal was moved there by the user.
    let mut chain = std::iter::once(goal).chain(world.tree(Side::Local).ancestors(goal));
    let culprit = chain
        .by_ref()
        .take_while(|&at| at != own)
        .map(|at| world.node(Side::Local, at).entry)
        .find(|&entry| world.entry(entry).is_agreed() && moved(world, Side::Local, entry));
    match culprit {
        Some(entry) => Step::Wait(Wait::Entry(entry)),
        None => Step::Wait(Wait::Look(Side::Local, own)),
    }
}

/// The object goes back to where it was agreed to stand, or as near to it as it can.
pub(super) fn go_back(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> Step {
    let world = view.world;
    let (before, name) = world.agreed_place(id, side);
    let folder = folder_before(view, id, side, node);
    let name = world.names.get(name).to_owned();
    let mut place = Place { folder, name };
    let is_free = || {
        let there = occupant(view, side, &place, Some(node), id);
        matches!(there, Ok(Occupant::Free))
    };
    if folder != before || !is_free() {
        place = conflict_place_in(view, side, node, folder);
    }
    let deed = Deed::Rename {
        entry: id,
        place,
        purpose: RenamePurpose::Undo,
    };
    Step::Do { side, deed }
}

/// Returns the folder that an object was agreed to stand in, or the root if that is nowhere, or in the object.
fn folder_before(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> NodeId {
    let world = view.world;
    let (folder, _) = world.agreed_place(id, side);
    let stands = world.node(side, folder).is_present() && !world.tree(side).is_within(folder, node);
    if stands { folder } else { NodeId::ROOT }
}

/// Files: content, then attributes.
fn content(view: &View<'_>, id: EntryId, nodes: BySide<NodeId>) -> Step {
    let world = view.world;
    let changes = BySide::from_fn(|side| content_change(world, side, id));
    let to_hash: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|&side| changes[side] == Change::Maybe)
        .map(|side| (id, side))
        .collect();
    if !to_hash.is_empty() {
        return Step::Hash(to_hash);
    }
    match (changes.local, changes.remote) {
        (Change::Same, Change::Same) => attributes(view, id, nodes),
        (Change::Changed, Change::Same) => Step::Do {
            side: Side::Remote,
            deed: Deed::Replace,
        },
        (Change::Same, Change::Changed) => Step::Do {
            side: Side::Local,
            deed: Deed::Replace,
        },
        _ => two_versions(view, id, nodes),
    }
}

/// Two versions of a file, which may turn out to be one.
fn two_versions(view: &View<'_>, id: EntryId, nodes: BySide<NodeId>) -> Step {
    let world = view.world;
    let versions = BySide::from_fn(|side| world.node(side, nodes[side]));
    let same_size = versions.local.size() == versions.remote.size();
    let to_hash: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|&side| versions[side].content().is_none())
        .filter(|&side| same_size || is_told_by_hash(view, id, side, nodes[side]))
        .map(|side| (id, side))
        .collect();
    if !to_hash.is_empty() {
        return Step::Hash(to_hash);
    }
    match versions.local.content() {
        Some(content) if versions.remote.content() == Some(content) => {
            Step::AgreeContent { content }
        }
        _ => Step::Conflict { other: id },
    }
}

/// Returns true if its hash tells whether what stands on a side is what we were about to write there.
fn is_told_by_hash(view: &View<'_>, id: EntryId, side: Side, node: NodeId) -> bool {
    let intent = view.world.intent(id).filter(|intent| intent.side == side);
    intent.is_some_and(|intent| match &intent.act {
        IntendedAct::Write { size, digest, .. } => {
            digest.is_some() && *size == view.world.node(side, node).size()
        }
        _ => false,
    })
}

/// Times and mode: what one side changed goes to the other. Of two times the later one wins, of two
/// modes the one that lets the owner do more, then the one that lets others do less. They never restore
/// anything and never conflict. Folders carry their mode only: their times change with what is in them.
fn attributes(view: &View<'_>, id: EntryId, nodes: BySide<NodeId>) -> Step {
    let world = view.world;
    let entry = world.entry(id);
    if Side::BOTH
        .iter()
        .all(|&side| world.agreed_apart(id, side).is_none())
    {
        return Step::Nothing;
    }
    let now = BySide::from_fn(|side| world.node(side, nodes[side]).attributes());
    let agreed = BySide::from_fn(|side| world.agreed_tag(id, side).1);
    let mtimes =
        entry.kind == Kind::File && Side::BOTH.iter().all(|&side| view.rules[side].keeps_mtime);
    let modes = Side::BOTH.iter().all(|&side| view.rules[side].keeps_mode);
    for side in Side::BOTH {
        let other = side.other();
        let mtime = wish(
            mtimes,
            (now[side].mtime, agreed[side].mtime),
            (now[other].mtime, agreed[other].mtime),
            |here, there| here < there,
        );
        let mode = wish(
            modes,
            (now[side].mode, agreed[side].mode),
            (now[other].mode, agreed[other].mode),
            |here, there| mode_rank(here) < mode_rank(there),
        );
        if mtime.is_some() || mode.is_some() {
            return Step::Do {
                side,
                deed: Deed::SetAttributes(Attributes { mtime, mode }),
            };
        }
    }
    Step::Agree {
        content: entry.content(),
    }
}

fn mode_rank(mode: u32) -> (u32, Reverse<u32>) {
    (mode & 0o700, Reverse(mode & !0o700))
}

/// Returns what this side should be set to, if anything. Each pair: now, and as agreed.
fn wish<T: Copy + Eq>(
    carried: bool,
    (now, agreed): (Option<T>, Option<T>),
    (there, agreed_there): (Option<T>, Option<T>),
    loses: impl Fn(T, T) -> bool,
) -> Option<T> {
    if !carried || there == agreed_there || there == now {
        return None;
    }
    let value = there?;
    let carried = now == agreed || now.is_none_or(|now| loses(now, value));
    carried.then_some(value)
}
