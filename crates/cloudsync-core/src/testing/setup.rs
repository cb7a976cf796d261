//! What the two sides of a model world are like, and what goes wrong in it.

use proptest::prelude::*;

use crate::rules::{Feed, Identity};
use crate::side::BySide;

/// What one side of a model world is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each can be had without the others"
)]
pub struct SideSetup {
    /// What an object's id is.
    pub identity: Identity,
    /// If true, `a` and `A` are two names.
    pub case_sensitive: bool,
    /// If true, objects are looked up by id, wherever they are.
    pub id_lookup: bool,
    /// How it tells of changes.
    pub feed: Feed,
    /// If true, hashes come with every look.
    pub native_hashes: bool,
    /// If not 0, tags and times are only as fine as this many milliseconds, and what was changed in
    /// the running step of the clock is racy.
    pub clock_step: u64,
    /// If true, a rename gives a new tag, as it does on disks that tell changes by ctime.
    pub renames_touch: bool,
    /// If true, a walk takes one folder at a time, and much can happen between two of them.
    pub slow_walks: bool,
    /// If true, hints name objects by id alone.
    pub hints_by_id: bool,
    /// If true, we can rename and move folders on it.
    pub folder_move: bool,
    /// If true, it also tells of what we change.
    pub own_changes: bool,
}

impl Default for SideSetup {
    /// A disk: stable ids, a watcher.
    fn default() -> Self {
        Self {
            identity: Identity::Stable,
            case_sensitive: true,
            id_lookup: false,
            feed: Feed::Volatile,
            native_hashes: false,
            clock_step: 0,
            renames_touch: false,
            slow_walks: false,
            hints_by_id: false,
            folder_move: true,
            own_changes: true,
        }
    }
}

impl SideSetup {
    /// A service: stable ids that can be looked up, a feed with cursors, hashes of its own.
    pub fn service() -> Self {
        Self {
            id_lookup: true,
            feed: Feed::Resumable,
            native_hashes: true,
            ..Self::default()
        }
    }

    /// A service whose feed tells only of what others change.
    pub fn silent_service() -> Self {
        Self {
            own_changes: false,
            ..Self::service()
        }
    }

    /// An object store: no ids.
    pub fn without_ids() -> Self {
        Self {
            identity: Identity::Path,
            ..Self::default()
        }
    }
}

/// Draws any kind of side.
pub fn any_side() -> impl Strategy<Value = SideSetup> {
    let bits = any::<[bool; 7]>();
    let clock = prop::sample::select(vec![0, 0, 7, 20]);
    let feed = prop::sample::select(vec![Feed::Volatile, Feed::Resumable]);
    (bits, clock, feed).prop_map(|(bits, clock_step, feed)| {
        let [path, folds, lookup, hashes, touch, slow, by_id] = bits;
        let identity = if path {
            Identity::Path
        } else {
            Identity::Stable
        };
        SideSetup {
            identity,
            case_sensitive: !folds,
            id_lookup: lookup && !path,
            feed,
            native_hashes: hashes,
            clock_step,
            renames_touch: touch,
            slow_walks: slow,
            hints_by_id: by_id && !path,
            folder_move: true,
            own_changes: true,
        }
    })
}

/// Draws two sides of any kind.
pub fn any_sides() -> impl Strategy<Value = BySide<SideSetup>> {
    (any_side(), any_side()).prop_map(|(local, remote)| BySide::new(local, remote))
}

/// What goes wrong, each in percent of the cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// An operation fails and does nothing.
    pub fail: u32,
    /// An operation is done, and its answer says that it failed.
    pub lost_reply: u32,
    /// An operation is done, and its answer comes after others to what was asked since.
    pub late_answer: u32,
    /// A look is made, and its answer comes after others to what was asked since.
    pub late_look: u32,
    /// A hint is lost, where the feed cannot resume. (The end of a run walks these sides.)
    pub lost_hint: u32,
    /// A hint comes late, after others.
    pub late_hint: u32,
    /// A hint comes twice.
    pub doubled_hint: u32,
    /// A batch is not recorded.
    pub store: u32,
    /// A look or a hash fails.
    pub look: u32,
    /// A walk breaks off.
    pub walk: u32,
    /// A listing has only part of its folder.
    pub cut: u32,
    /// A stored cursor is too old when the engine comes back with it.
    pub expired: u32,
    /// An operation that is open at a crash is done some time after it.
    pub outlives: u32,
}

/// Draws faults of every kind, each absent in half of the cases.
pub fn any_faults() -> impl Strategy<Value = Faults> {
    let upto = |most: u32| prop_oneof![Just(0), 0..most];
    let first = (upto(20), upto(20), upto(50), upto(30), upto(30), upto(50));
    let second = (upto(20), upto(20), upto(20), upto(10), upto(50), upto(50));
    (first, second).prop_map(|(first, second)| {
        let (fail, lost_reply, lost_hint, late_hint, doubled_hint, late_answer) = first;
        let (store, look, walk, cut, expired, late_look) = second;
        Faults {
            fail,
            lost_reply,
            late_answer,
            late_look,
            lost_hint,
            late_hint,
            doubled_hint,
            store,
            look,
            walk,
            cut,
            expired,
            outlives: 0,
        }
    })
}
