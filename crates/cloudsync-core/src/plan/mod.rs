//! What one entry needs so that its two sides are equal again. Pure.
//!
//! [`plan`] is the decision table: it looks at what changed on each side and gives one [`Step`].
//! Place comes before content, content before attributes; after each step the entry is planned
//! anew. The order among entries is not decided here: a step that needs another entry first says
//! [`Wait`].

mod agreed;
mod lone;
pub(crate) mod parked;
mod place;
mod scope;
#[cfg(test)]
mod tests;
mod translated;

use std::collections::{BTreeMap, BTreeSet};

use crate::delta::moved;
use crate::listing::SkipReason;
use crate::object::{Attributes, Kind};
use crate::policy::Policy;
use crate::record::{EntryId, RenamePurpose};
use crate::rules::Rules;
use crate::side::{BySide, Side};
use crate::tree::World;
use crate::tree::contents::ContentId;
use crate::tree::names::NameId;
use crate::tree::node::NodeId;

pub(crate) use agreed::moved_by;
pub(crate) use place::conflict_place;
pub(crate) use scope::{is_looked_at, is_wanted};
#[cfg(any(test, feature = "testing"))]
pub(crate) use translated::there_and_back;
pub(crate) use translated::{is_arbitrary, is_in_place};

/// What the planner looks at.
#[derive(Debug)]
pub struct View<'a> {
    /// The trees.
    pub world: &'a World,
    /// What the sides are like.
    pub rules: BySide<&'a Rules>,
    /// What goes where.
    pub policy: &'a dyn Policy,
    /// True if the policy neither translates nor filters: no path need be made to ask it.
    pub trivial: bool,
    /// What is locked by operations that are under way.
    pub locks: &'a Locks,
    /// Entries with an operation that was handed out, and whose outcome is still to be found out.
    pub unsettled: &'a BTreeSet<EntryId>,
    /// Places in doubt where nothing is known to stand, by folded name.
    pub unsure: BySide<&'a BTreeSet<(NodeId, NameId)>>,
    /// Objects that were met and left alone: their places are taken.
    pub obstacles: &'a Obstacles,
    /// Agreed files that are absent on a side, by their size there: where an id does not tell a
    /// move, equal content does.
    pub absent_by_size: &'a BTreeMap<(Side, u64), BTreeSet<EntryId>>,
    /// What both sides came to by themselves since all was last at rest.
    pub met: &'a Met,
}

/// What both sides came to have since all was last at rest, where ids do not tell moves.
#[derive(Clone, Hash, Debug, Default)]
pub struct Met {
    /// If true, any entry may be one of these: they were too many to record before we were killed.
    pub any: bool,
    /// Entries of what both sides had alike, or was copied.
    pub entries: BTreeSet<EntryId>,
    /// Files that a side has another version of by now, by what they held: that is, or was, written over on the other side.
    pub edited: BTreeSet<(Side, ContentId, EntryId)>,
}

impl Met {
    /// Returns true if both sides may have an entry since all was last at rest.
    pub fn is_new(&self, id: EntryId) -> bool {
        self.any || self.entries.contains(&id)
    }
}

impl View<'_> {
    /// Returns true if nothing can be planned about an entry: an operation on it is under way, or the
    /// outcome of one is still to be found out.
    fn is_held(&self, id: EntryId) -> bool {
        self.locks.entries.contains(&id) || self.unsettled.contains(&id)
    }
}

/// Objects that were met and left alone, by folder and folded name.
pub type Obstacles = BTreeMap<(Side, NodeId), BTreeMap<NameId, SkipReason>>;

/// What operations under way have locked.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    /// Entries with an operation under way.
    pub entries: BTreeSet<EntryId>,
    /// Places that an operation is about to take or to leave, by folded name, and for whom.
    pub places: BTreeMap<(Side, NodeId, NameId), EntryId>,
    /// How many operations are under way below a folder.
    pub below: BTreeMap<(Side, NodeId), u32>,
    /// Folders that wait until nothing is under way below them: nothing new starts there.
    pub draining: BTreeSet<(Side, NodeId)>,
}

/// A place by folder and name; the name may be new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The folder.
    pub folder: NodeId,
    /// The name.
    pub name: String,
}

/// What an entry needs next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Agree on everything as both nodes say now.
    Agree {
        /// What both hold; `None` for folders.
        content: Option<ContentId>,
    },
    /// Agree on a content that both came to by themselves; attributes are to be seen to after that.
    AgreeContent {
        /// What both hold.
        content: ContentId,
    },
    /// Agree on the places as both nodes say now.
    AgreePlaces,
    /// Neither deleted nor carried over: something only one version can have is in its way.
    Blocked(Block),
    /// Two versions, one name.
    Conflict {
        /// The entry that has the other node; the same one if both are in it.
        other: EntryId,
    },
    /// Change a side.
    Do {
        /// The side.
        side: Side,
        /// What to do there.
        deed: Deed,
    },
    /// It is nowhere any more.
    Drop,
    /// Hash the nodes of these entries on these sides.
    Hash(Vec<(EntryId, Side)>),
    /// It is not to be synced; what was agreed on is forgotten, and nothing is deleted.
    Ignore,
    /// Both are lone and equal: one entry from now on.
    Join {
        /// The other entry.
        other: EntryId,
        /// What both hold; `None` for folders.
        content: Option<ContentId>,
    },
    /// A folder that one side moved, and that the other side cannot move as a whole: it is made anew there,
    /// what is in it moves one by one, and the old one is deleted.
    MoveByParts {
        /// The side that moved it.
        from: Side,
    },
    /// All is as agreed.
    Nothing,
    /// Its nodes have nothing to do with each other any more: an entry for each.
    Part,
    /// A row goes on with a lone node.
    Relink {
        /// The entry whose own node on that side is absent, or went to where it is left out.
        row: EntryId,
        /// The entry of the lone node.
        lone: EntryId,
    },
    /// What was withheld on a side is to be there again, and a lone node there holds what both sides last
    /// held: it did not change since.
    Return {
        /// The entry of what was withheld.
        row: EntryId,
        /// The lone one.
        lone: EntryId,
    },
    /// An entry that one side deleted lives on: what was agreed on is forgotten, and what is left
    /// is a new object of the other side.
    Restore {
        /// The entry.
        entry: EntryId,
        /// The side that has it.
        keep: Side,
    },
    /// Not yet.
    Wait(Wait),
    /// An entry is not to be on this side. Whatever stands there is left alone, with an entry of its own.
    Withhold {
        /// The entry.
        entry: EntryId,
        /// The side.
        side: Side,
    },
}

/// A change of one side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Make a folder on the way to what is translated into it.
    Carrier(Place),
    /// Write the other side's content to a free place.
    Create(Place),
    /// Make the folder.
    CreateFolder(Place),
    /// Delete the node.
    Delete,
    /// Write the other side's version of a conflict to a free place, as a file of its own.
    Keep(Place),
    /// Move a node.
    Rename {
        /// Whose node.
        entry: EntryId,
        /// Where to.
        place: Place,
        /// Why.
        purpose: RenamePurpose,
    },
    /// Set attributes.
    SetAttributes(Attributes),
    /// Write the other side's content over the node.
    Replace,
}

/// What has to happen first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// The children of a folder that is to be deleted have to go first.
    Children,
    /// Another entry has to be dealt with first.
    Entry(EntryId),
    /// A look at a node, or at the way to it, is due.
    Look(Side, NodeId),
    /// Another entry holds the place on this side, and is about to leave it.
    Place(Side, EntryId),
}

/// Why an entry cannot be carried over until somebody does something about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// A folder that has to give way, on a side that cannot rename folders.
    Fixed {
        /// The side.
        side: Side,
    },
    /// The other side cannot hold its name.
    Name {
        /// The side that cannot.
        side: Side,
        /// Why, for people.
        problem: String,
    },
    /// Something that is left alone stands in its place.
    Taken {
        /// The side.
        side: Side,
        /// What it is.
        reason: SkipReason,
    },
}

/// Returns what an entry needs next.
pub fn plan(view: &View<'_>, id: EntryId) -> Step {
    match planned(view, id) {
        Step::Do {
            side,
            deed: Deed::Rename { entry, .. },
        } if !can_rename(view, side, entry) => Step::Blocked(Block::Fixed { side }),
        step => step,
    }
}

/// Returns true if a side can rename and move an entry's object in one call.
fn can_rename(view: &View<'_>, side: Side, id: EntryId) -> bool {
    view.rules[side].folder_move || view.world.entry(id).kind == Kind::File
}

fn planned(view: &View<'_>, id: EntryId) -> Step {
    if view.is_held(id) {
        return Step::Wait(Wait::Entry(id));
    }
    let entry = view.world.entry(id);
    if entry.is_agreed() {
        return agreed::plan(view, id);
    }
    match (entry.nodes.local, entry.nodes.remote) {
        (Some(node), None) => lone::plan(view, id, Side::Local, node),
        (None, Some(node)) => lone::plan(view, id, Side::Remote, node),
        // Both nodes and no agreement: what was agreed on was forgotten. They meet anew.
        (Some(_), Some(_)) => Step::Part,
        (None, None) => Step::Drop,
    }
}

/// Objects want a place and wait for each other: returns how this one gives way. One that both sides have does by its
/// local move, which goes to a conflict name; `None` where it made none. One that is new does where it is. `None` also
/// where its side cannot rename it.
pub(crate) fn give_way(view: &View<'_>, id: EntryId) -> Option<Step> {
    let nodes = view.world.find(id)?.nodes;
    let lone = |side: Side, node: NodeId| {
        let gives = view.world.node(side, node).is_present() && can_rename(view, side, id);
        gives.then(|| lone::give_way(view, id, side, node))
    };
    match (nodes.local, nodes.remote) {
        (Some(_), Some(_)) => give_way_by(view, id, Side::Local),
        (Some(node), None) => lone(Side::Local, node),
        (None, Some(node)) => lone(Side::Remote, node),
        (None, None) => None,
    }
}

/// Returns how an entry that both sides have gives way by the move of a side, which goes to a conflict name; `None` where
/// that made none, or cannot rename it.
pub(crate) fn give_way_by(view: &View<'_>, id: EntryId, side: Side) -> Option<Step> {
    let entry = view.world.find(id).filter(|entry| entry.is_agreed())?;
    let node = entry.nodes[side].filter(|_| moved(view.world, side, id))?;
    can_rename(view, side, id).then(|| agreed::clash(view, id, side, node))
}

/// Returns the folder on `side` into which an entry is to be moved there, if it is known and stands.
pub(crate) fn target_folder(view: &View<'_>, id: EntryId, side: Side) -> Option<NodeId> {
    let node = view.world.find(id)?.nodes[side.other()]?;
    let place = place::target(view, side, node).ok()?;
    Some(place.folder)
}
