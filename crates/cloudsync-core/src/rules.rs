//! What a side is like: its identity of objects, its names, its feed. Data, probed or declared.

use serde::{Deserialize, Serialize};

use crate::object::HashKind;

/// What an object's id is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Identity {
    /// The id stays with the object when it is renamed, moved or edited in place.
    Stable,
    /// The path is the identity; ids say nothing.
    Path,
}

/// How the side tells that something changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Feed {
    /// Not at all: it is walked from time to time.
    None,
    /// A feed with cursors that can be stored: what happened while we were away is told. Where objects cannot be looked up
    /// by id, the side is walked all the same at the start after we moved a folder there: what is told by a path may be of
    /// one that the folder no longer has.
    Resumable,
    /// A feed that tells only what happens while it is open (a disk's watcher): walk at each start.
    Volatile,
}

/// How the side compares names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameRules {
    /// If true, `a` and `A` are two names. If false, they are one, and the case is kept as written.
    pub case_sensitive: bool,
    /// If true, names that differ only in Unicode normalisation are one name.
    pub normalizes_unicode: bool,
    /// Longest name, in bytes of UTF-8.
    pub max_name_bytes: usize,
    /// Characters that a name cannot have, besides `/` and NUL.
    pub forbidden: &'static str,
    /// If true, Windows' rules hold too: no reserved device names, no trailing dot or space.
    pub windows: bool,
}

impl Default for NameRules {
    /// Linux: bytes, up to 255.
    fn default() -> Self {
        Self {
            case_sensitive: true,
            normalizes_unicode: false,
            max_name_bytes: 255,
            forbidden: "",
            windows: false,
        }
    }
}

/// What the engine needs to know of a side.
#[derive(Clone, PartialEq, Debug)]
pub struct Rules {
    /// What an object's id is.
    pub identity: Identity,
    /// If true, asking for an id tells for certain whether the object still exists anywhere.
    /// If false, absence takes a look at every folder.
    pub id_lookup: bool,
    /// If true, an id may be given to a new object after the old one was deleted.
    pub ids_reused: bool,
    /// If true, a folder can be renamed or moved in one call.
    pub folder_move: bool,
    /// If true, modes are kept.
    pub keeps_mode: bool,
    /// If true, a file's mtime can be set.
    pub keeps_mtime: bool,
    /// How it compares names.
    pub names: NameRules,
    /// How it tells of changes.
    pub feed: Feed,
    /// Hashes that come with every look for free. Empty: none.
    pub native_hashes: Vec<HashKind>,
}
