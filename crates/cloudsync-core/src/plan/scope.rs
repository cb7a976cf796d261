//! What takes part where: an object that only one side wants is withheld on the other one.

use crate::delta::{Sight, moved, sight};
use crate::object::Kind;
use crate::path::join_relative;
use crate::plan::parked::is_parked;
use crate::plan::place::path_unparked;
use crate::plan::translated::is_arbitrary;
use crate::plan::{Place, View};
use crate::record::EntryId;
use crate::side::{BySide, Side};
use crate::tree::node::NodeId;

/// Returns whether a node is to be synced: neither it nor a folder that it lies in is left out.
pub(crate) fn is_wanted(view: &View<'_>, side: Side, node: NodeId) -> bool {
    let kind = view.world.node(side, node).kind;
    view.trivial || is_path_wanted(view, side, &path_unparked(view.world, side, node), kind)
}

/// Returns whether a node of the other side is wanted on `side` as well, at the place that belongs to
/// it there. Whatever has no place there is not the policy's to withhold.
pub(super) fn is_wanted_there(view: &View<'_>, side: Side, node: NodeId) -> bool {
    let other = side.other();
    let kind = view.world.node(other, node).kind;
    view.trivial
        || view
            .policy
            .translate(side, &path_unparked(view.world, other, node))
            .is_none_or(|path| is_path_wanted(view, side, &path, kind))
}

/// Returns whether a node is looked at, and what is in it: it is wanted at its place, or where that was before a folder on the way
/// was parked.
pub(crate) fn is_looked_at(view: &View<'_>, side: Side, node: NodeId) -> bool {
    let kind = view.world.node(side, node).kind;
    node == NodeId::ROOT
        || is_wanted(view, side, node)
        || is_path_wanted(view, side, &view.world.path(side, node), kind)
}

/// Returns whether a policy wants an object of `side` where it is, and not where it would come to lie: its folder has its partner
/// elsewhere, as one of the two is to be moved.
pub(super) fn is_contested(view: &View<'_>, side: Side, node: NodeId, place: &Place) -> bool {
    if view.trivial || is_arbitrary(view.policy) {
        return false;
    }
    let (world, to) = (view.world, side.other());
    let kind = world.node(side, node).kind;
    let there = join_relative(&path_unparked(world, to, place.folder), &place.name);
    let is_wanted_back = || {
        let back = view.policy.translate(side, &there);
        back.is_none_or(|back| is_path_wanted(view, side, &back, kind))
    };
    !is_path_wanted(view, to, &there, kind) || !is_wanted_back()
}

/// Returns the folder above a node that one side moved, and the other one is still to move.
pub(super) fn folder_to_come(view: &View<'_>, side: Side, node: NodeId) -> Option<EntryId> {
    let world = view.world;
    let is_moved = |&id: &EntryId| Side::BOTH.into_iter().any(|side| moved(world, side, id));
    let above = world.tree(side).ancestors(node);
    above.map(|at| world.node(side, at).entry).find(is_moved)
}

fn is_path_wanted(view: &View<'_>, side: Side, path: &str, kind: Kind) -> bool {
    let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    view.policy.wanted(side, path, kind)
        && folders.all(|folder| view.policy.wanted(side, folder, Kind::Folder))
}

/// Returns on which sides a row of two nodes is not to be any more: where it stands at a place that is
/// not wanted, or belongs at one because of where the other side has it. One that is parked is on its way
/// to where the other side has it, with all in it that is looked at, and stands nowhere; unless its folder went where nobody looks.
pub(super) fn left_out(view: &View<'_>, id: EntryId) -> BySide<bool> {
    let world = view.world;
    let nodes = &world.entry(id).nodes;
    let is_present = |side: Side, node: NodeId| world.node(side, node).is_present();
    // Nobody asks a policy about the root.
    let is_in_wanted = |side: Side, node: NodeId| {
        let folder = world.node(side, node).parent();
        folder.is_none_or(|folder| folder == NodeId::ROOT || is_wanted(view, side, folder))
    };
    let is_on_its_way = |side: Side, node: NodeId| {
        let mut above = std::iter::once(node).chain(world.tree(side).ancestors(node));
        above.any(|above| {
            let at = world.node(side, above);
            let there = world.find(at.entry).and_then(|at| at.nodes[side.other()]);
            is_parked(world.names.get(at.name()))
                && there.is_some_and(|there| is_present(side.other(), there))
                && is_in_wanted(side, above)
                && (above == node || is_looked_at(view, side, node))
        })
    };
    let is_somewhere = |side: Side, node: NodeId| {
        let mut above = world.tree(side).ancestors(node);
        !above.any(|above| world.tree(side).is_nowhere(&world.names, above))
    };
    let present = |side: Side| {
        let is_sure = |&node: &NodeId| {
            is_present(side, node) && is_somewhere(side, node) && !is_on_its_way(side, node)
        };
        nodes[side].filter(is_sure)
    };
    // Where one that is parked stands, and where it is taken to stand, are two.
    let stands_wanted =
        |side: Side, node: NodeId| is_wanted(view, side, node) && is_in_wanted(side, node);
    BySide::from_fn(|side| {
        let is_out = || {
            present(side).is_some_and(|node| !stands_wanted(side, node))
                || present(side.other()).is_some_and(|node| !is_wanted_there(view, side, node))
        };
        !view.trivial && is_out()
    })
}

/// Returns whether a folder that the other side deleted stays on `side` all the same, as something in it
/// stays that the other side does not get.
pub(super) fn stays(view: &View<'_>, side: Side, folder: NodeId) -> bool {
    let world = view.world;
    let there = world.entry(world.node(side, folder).entry).nodes[side.other()];
    let is_deleted =
        there.is_some_and(|node| matches!(sight(world, side.other(), node), Sight::Absent(_)));
    if view.trivial || !is_deleted || world.node(side, folder).kind == Kind::File {
        return false;
    }
    let mut below: Vec<NodeId> = world.tree(side).children(folder).collect();
    while let Some(node) = below.pop() {
        let at = world.node(side, node);
        let entry = world.entry(at.entry);
        let is_shared = || is_wanted(view, side, node) && is_wanted_there(view, side.other(), node);
        if !entry.is_agreed() && !is_shared() {
            return true;
        }
        if at.kind == Kind::Folder {
            below.extend(world.tree(side).children(node));
        }
    }
    false
}
