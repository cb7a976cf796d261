//! What is known about looking at one side: what is in doubt, what is asked, what is owed.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::io::QueryId;
use crate::event::Cursor;
use crate::failure::Failure;
use crate::object::{Observed, Oid};
use crate::record::EntryId;
use crate::side::Side;
use crate::time::Time;
use crate::tree::names::NameId;
use crate::tree::node::{NodeId, Tick};

/// How often what was met at two places is looked at before it counts as two.
const LOOKS_AT_TWO_PLACES: u8 = 4;

/// What is known about looking at one side.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct SideLedger {
    pub(super) up: bool,
    /// Why it is down.
    pub(in crate::engine) down: Option<Failure>,
    /// What makes the root that root.
    pub(in crate::engine) identity: Option<String>,
    /// All of it has been seen since the start, or the feed tells all.
    pub(in crate::engine) complete: bool,
    /// The store says that it was seen completely once.
    pub(in crate::engine) was_walked: bool,
    /// The stored cursor.
    pub(in crate::engine) cursor: Option<Cursor>,
    /// The cursor to store once all hints before it were looked at.
    pub(in crate::engine) next_cursor: Option<Cursor>,
    pub(super) walk: Option<Walk>,
    pub(super) wanted_walks: BTreeSet<NodeId>,
    pub(super) doubts: BTreeSet<Doubt>,
    /// Places in doubt where nothing is known to stand, by folded name. Whatever is in doubt otherwise
    /// says so itself.
    pub(in crate::engine) unsure: BTreeSet<(NodeId, NameId)>,
    /// Ids that were told of and that nobody knows, with the path told: looked for by id once all else was
    /// looked at and did not meet them, as they may have moved on.
    pub(super) strangers: BTreeMap<Oid, Told>,
    /// What an operation of ours is changing right now, by its entry: looked at once that ended.
    pub(super) blocked: BTreeMap<EntryId, BTreeSet<Doubt>>,
    /// What lies below a folder that is itself in doubt: looked at once that was.
    pub(super) below_doubtful: BTreeSet<(NodeId, Doubt)>,
    /// Looks handed out.
    pub(super) outstanding: usize,
    /// Something came in, or nothing was left of something in doubt, since all was last looked at.
    pub(in crate::engine) has_news: bool,
    /// What is being looked at, by folded name, and what is to be looked at after that: two looks at one
    /// thing at once could be answered in the wrong order, and the older one would have the last word.
    pub(super) under_way: BTreeMap<Doubt, Option<Doubt>>,
    /// Places that nothing was found at, by folded name, and when: an older look that is still to be answered may
    /// say that something stands there.
    pub(super) emptied: BTreeMap<(NodeId, NameId), Tick>,
    /// When objects were deleted by us, by id, as long as there are looks from before.
    pub(in crate::engine) deleted: BTreeMap<Oid, Tick>,
    /// Known objects met at another place, by that place, whose old place is still to be looked at.
    pub(in crate::engine) strays: BTreeMap<(NodeId, NameId), Stray>,
    /// How often a node was met at two places since all was settled.
    pub(in crate::engine) met_twice: BTreeMap<NodeId, u8>,
    /// Nodes gone from their place.
    pub(in crate::engine) gone: Vec<NodeId>,
    /// Places that folders left by our hand since all was walked, or are about to, with these folders: what is told late
    /// of what is in one is told by its path of before.
    pub(in crate::engine) moved_from: BTreeSet<(NodeId, NameId, NodeId)>,
    pub(super) relooks: BTreeMap<Time, Vec<NodeId>>,
    /// A walk of all of it began, and nothing was told, and no moved object met by a look, since: what that
    /// walk met elsewhere it listed there, too.
    pub(in crate::engine) walked_undisturbed: bool,
    /// Folders that could not be listed.
    pub(super) unreadable: BTreeSet<NodeId>,
    /// Looks that failed, to be tried again. Until then nothing is absent, and the cursor waits.
    pub(in crate::engine) postponed: BTreeMap<Time, Vec<Owed>>,
    /// Walks that failed, to be tried again.
    pub(super) retries: BTreeMap<Time, Vec<NodeId>>,
    pub(in crate::engine) walked_at: Time,
    /// When something was last told of a folder that is not known, or no longer where it was.
    pub(in crate::engine) missed: Tick,
    /// When something was last told of an id that nobody knew, and of no place.
    pub(in crate::engine) unplaced: Tick,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) query: QueryId,
    pub(super) asked: Tick,
    pub(super) from: NodeId,
}

/// Something to look at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::engine) enum Doubt {
    Place(NodeId, NameId),
    Node(NodeId),
}

/// What was told of an id that nobody knew.
#[derive(Clone, Hash, Debug)]
pub(in crate::engine) struct Told {
    pub(super) path: String,
    /// It was told while answers were on their way: what they say of it may be older.
    pub(super) is_late: bool,
}

/// A look that failed.
#[derive(Clone, Hash, Debug)]
pub(in crate::engine) enum Owed {
    Look(Doubt),
    Stranger(Oid, String),
    Walk(NodeId),
}

/// A known object met at another place.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Stray {
    pub(in crate::engine) node: NodeId,
    pub(in crate::engine) folder: NodeId,
    pub(in crate::engine) name: NameId,
    pub(in crate::engine) seen: Observed,
    /// When it was met there.
    pub(in crate::engine) at: Tick,
}

/// What a query was about.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Asked {
    Hash {
        entry: EntryId,
        side: Side,
        tag: crate::object::Tag,
    },
    Place {
        side: Side,
        folder: NodeId,
        name: NameId,
        asked: Tick,
    },
    Object {
        side: Side,
        node: NodeId,
        asked: Tick,
    },
    Stranger {
        side: Side,
        oid: Oid,
        path: String,
        asked: Tick,
    },
    Verify {
        side: Side,
        node: NodeId,
        path: String,
        /// What was asked for is the object, wherever it is, not what stands at the path.
        by_id: bool,
    },
    Walk {
        side: Side,
    },
}

impl Asked {
    /// Returns the side that is looked at, and since when, if it is a look at one object or place.
    pub(super) fn look(&self) -> Option<(Side, Tick)> {
        match *self {
            Self::Place { side, asked, .. }
            | Self::Object { side, asked, .. }
            | Self::Stranger { side, asked, .. } => Some((side, asked)),
            Self::Hash { .. } | Self::Verify { .. } | Self::Walk { .. } => None,
        }
    }
}

impl SideLedger {
    pub(in crate::engine) fn is_up(&self) -> bool {
        self.up
    }

    pub(in crate::engine) fn is_busy(&self) -> bool {
        self.walk.is_some()
            || self.outstanding > 0
            || !self.below_doubtful.is_empty()
            || (self.up
                && !(self.wanted_walks.is_empty()
                    && self.doubts.is_empty()
                    && self.strangers.is_empty()))
            || (self.up
                && !(self.relooks.is_empty()
                    && self.retries.is_empty()
                    && self.postponed.is_empty()))
    }

    /// Returns true if a look can be handed out now, of at most so many at once.
    pub(in crate::engine) fn can_look(&self, most: usize) -> bool {
        let is_free = self.up && self.walk.is_none();
        is_free
            && ((self.outstanding < most && !self.doubts.is_empty())
                || (self.outstanding == 0 && !self.wanted_walks.is_empty()))
    }

    pub(in crate::engine) fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// Whether an answer may come about how it was at a time before now.
    pub(in crate::engine) fn is_asking(&self) -> bool {
        self.walk.is_some() || self.outstanding > 0
    }

    /// Returns true if what was met at two places is to be looked at once more. It was moved while it was
    /// looked for, nearly always: a file with two links, or a folder that a service shows at two places, is
    /// so for good.
    pub(in crate::engine) fn looks_twice(&mut self, node: NodeId) -> bool {
        let times = self.met_twice.entry(node).or_default();
        *times = times.saturating_add(1);
        *times <= LOOKS_AT_TWO_PLACES
    }

    pub(in crate::engine) fn next_relook(&self) -> Option<Time> {
        let (relooks, retries) = (self.relooks.keys().next(), self.retries.keys().next());
        [relooks, retries, self.postponed.keys().next()]
            .into_iter()
            .flatten()
            .min()
            .copied()
    }

    pub(in crate::engine) fn want_walk(&mut self, from: NodeId) {
        self.wanted_walks.insert(from);
    }

    pub(in crate::engine) fn doubt(&mut self, doubt: Doubt) {
        self.doubts.insert(doubt);
    }

    pub(in crate::engine) fn go_down(&mut self, failure: Failure) {
        self.up = false;
        self.down = Some(failure);
        if let Some(walk) = self.walk.take() {
            self.wanted_walks.insert(walk.from);
        }
    }

    pub(in crate::engine) fn is_settled(&self) -> bool {
        self.is_looked_at() && self.strangers.is_empty()
    }

    /// Returns true if what is below folders in doubt is all that is to be looked at, and nobody looks at these,
    /// not even later.
    pub(super) fn is_stuck(&self) -> bool {
        self.walk.is_none()
            && self.outstanding == 0
            && self.doubts.is_empty()
            && self.blocked.is_empty()
            && self.wanted_walks.is_empty()
            && self.postponed.is_empty()
            && self.retries.is_empty()
            && !self.below_doubtful.is_empty()
    }

    /// Returns true if all places and nodes in doubt were looked at.
    pub(super) fn is_looked_at(&self) -> bool {
        self.walk.is_none()
            && self.outstanding == 0
            && self.doubts.is_empty()
            && self.blocked.is_empty()
            && self.below_doubtful.is_empty()
            && self.wanted_walks.is_empty()
    }

    /// Returns true if nothing is to be looked at, and nothing waits that names a node.
    pub(in crate::engine) fn is_at_rest(&self) -> bool {
        self.is_settled()
            && self.strays.is_empty()
            && self.gone.is_empty()
            && self.relooks.is_empty()
            && self.retries.is_empty()
            && self.postponed.is_empty()
    }

    /// Returns true if the last listing of some folder failed or was cut.
    pub(in crate::engine) fn has_unread(&self) -> bool {
        !self.unreadable.is_empty() || !self.retries.is_empty()
    }

    /// Returns true if the last listing of just this folder failed or was cut.
    pub(in crate::engine) fn is_unread(&self, folder: NodeId) -> bool {
        self.unreadable.contains(&folder) || self.retries.values().any(|all| all.contains(&folder))
    }

    /// Folders that are no more need not be listed.
    pub(in crate::engine) fn forget_unread(&mut self, is_live: impl Fn(NodeId) -> bool) {
        self.unreadable.retain(|&folder| is_live(folder));
    }

    /// Looks at something once the operation on an entry ended.
    pub(in crate::engine) fn block(&mut self, entry: EntryId, doubt: Doubt) {
        self.blocked.entry(entry).or_default().insert(doubt);
    }

    /// An operation ended: what it kept from being looked at can be looked at.
    pub(in crate::engine) fn unblock(&mut self, entry: EntryId) {
        if let Some(mut doubts) = self.blocked.remove(&entry) {
            self.doubts.append(&mut doubts);
        }
    }
}

#[cfg(feature = "testing")]
impl SideLedger {
    /// Writes down all of it.
    pub(in crate::engine) fn write_state(
        &self,
        to: &mut crate::testing::fingerprint::Fingerprint,
    ) -> std::fmt::Result {
        use std::fmt::Write as _;
        use std::hash::Hash as _;

        let Self {
            up,
            down,
            identity,
            complete,
            was_walked,
            cursor,
            next_cursor,
            walk,
            wanted_walks,
            doubts,
            unsure,
            strangers,
            blocked,
            below_doubtful,
            outstanding,
            has_news,
            under_way,
            emptied,
            deleted,
            strays,
            met_twice,
            gone,
            moved_from,
            relooks,
            walked_undisturbed,
            unreadable,
            postponed,
            retries,
            walked_at,
            missed,
            unplaced,
        } = self;
        (
            up,
            identity,
            complete,
            was_walked,
            cursor,
            next_cursor,
            wanted_walks,
            doubts,
        )
            .hash(to);
        (
            unsure,
            strangers,
            blocked,
            below_doubtful,
            outstanding,
            has_news,
            under_way,
            emptied,
        )
            .hash(to);
        (
            met_twice,
            gone,
            moved_from,
            relooks,
            walked_undisturbed,
            unreadable,
            postponed,
            retries,
        )
            .hash(to);
        (deleted, walked_at, missed, unplaced).hash(to);
        // They have ticks that are waited for.
        write!(to, "{down:?}{walk:?}{strays:?}")
    }
}
