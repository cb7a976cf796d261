//! What changed on one side of an entry since both sides agreed. Pure.

use crate::object::Kind;
use crate::plan::parked::is_parked;
use crate::record::EntryId;
use crate::side::Side;
use crate::tree::World;
use crate::tree::node::{Mark, NodeId, Presence};

/// What one side of an entry is like now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// There, and known.
    Present(NodeId),
    /// Nowhere on this side.
    Absent(NodeId),
    /// Not known: to be looked at, unreadable, or in a folder that is not listed.
    Unknown(NodeId),
}

/// Whether a file's content differs from what was agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// No.
    Same,
    /// The tag is another one: hash it to know.
    Maybe,
    /// Yes.
    Changed,
}

/// Returns what a node is like now.
pub fn sight(world: &World, side: Side, id: NodeId) -> Sight {
    let node = world.node(side, id);
    match node.presence() {
        Presence::Absent => Sight::Absent(id),
        Presence::Present
            if !node.is(Mark::Doubtful)
                && !node.is(Mark::Racy)
                && world.tree(side).ancestors(id).all(is_sure(world, side)) =>
        {
            Sight::Present(id)
        }
        Presence::Gone | Presence::Present => Sight::Unknown(id),
    }
}

/// Returns true if all that is in a folder is known, and so is the way to it.
pub fn is_known(world: &World, side: Side, folder: NodeId) -> bool {
    std::iter::once(folder)
        .chain(world.tree(side).ancestors(folder))
        .all(is_sure(world, side))
}

/// A folder that stands where it is known to stand, with all that is in it known.
fn is_sure(world: &World, side: Side) -> impl Fn(NodeId) -> bool {
    move |folder| {
        let at = world.node(side, folder);
        at.is_present() && at.is(Mark::Listed) && !at.is(Mark::Doubtful)
    }
}

/// Returns true if a present node of an agreed entry is not where it was agreed to be, and it was not
/// we who parked it. Names are compared by their bytes, but for the forms of one name on a side that takes
/// these for one: which of them it shows is its own matter, whichever it was given.
pub fn moved(world: &World, side: Side, id: EntryId) -> bool {
    let Some(at) = world.agreed_apart(id, side) else {
        return false;
    };
    let Some(node) = world.entry(id).nodes[side] else {
        return false;
    };
    let node = world.node(side, node);
    node.is_present()
        && (node.parent() != Some(at.parent)
            || !world.names.is_one_form(side, node.name(), at.name))
        && !is_parked(world.names.get(node.name()))
}

/// Returns whether the content of a node of an agreed entry differs from what was agreed on.
pub fn content_change(world: &World, side: Side, id: EntryId) -> Change {
    let entry = world.entry(id);
    let (Some(node), Some(at)) = (entry.nodes[side], world.agreed_apart(id, side)) else {
        return Change::Same;
    };
    let node = world.node(side, node);
    if entry.kind == Kind::Folder {
        return Change::Same;
    }
    // Without ids, another file may have been moved here that had its tag in the same tick of a clock.
    let is_same = world.tree(side).has_ids() || node.attributes().mtime == at.attributes.mtime;
    if node.has_tag(&at.tag) && is_same {
        return Change::Same;
    }
    let Some(agreed) = entry.content() else {
        return Change::Changed;
    };
    match node.content() {
        Some(content) if content == agreed => Change::Same,
        Some(_) => Change::Changed,
        None if node.size() != world.contents.get(agreed).size => Change::Changed,
        None => Change::Maybe,
    }
}

/// Returns true if anything of an agreed entry is not as it was agreed on either side.
pub fn is_pending(world: &World, id: EntryId) -> bool {
    Side::BOTH.into_iter().any(|side| {
        world.agreed_apart(id, side).is_some()
            || world.entry(id).nodes[side]
                .is_none_or(|node| !matches!(sight(world, side, node), Sight::Present(_)))
    })
}
