//! What the application hears.

use std::fmt;

use crate::engine::io::HeldId;
use crate::failure::{ErrorKind, Failure};
use crate::listing::SkipReason;
use crate::side::Side;

/// Something worth telling. `Display` is one line for people; serialized, it says its `type`, and of
/// a failure the kind, the text and whether it is tried again.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Two versions of one file: what was done about it.
    Conflict {
        /// Path, on the local side.
        path: String,
        /// The name the losing version is kept under; `None`: not kept, or not decided.
        kept_as: Option<String>,
    },
    /// Too many deletions at once: held.
    DeletionsHeld {
        /// Names the set.
        id: HeldId,
        /// The side that would lose objects.
        side: Side,
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
    },
    /// An entry that is no longer synced, because it left what is wanted or translated.
    Discarded {
        /// The side it is on.
        side: Side,
        /// Path there.
        path: String,
    },
    /// An operation was done.
    Done {
        /// The side it changed.
        side: Side,
        /// `copy`, `create_folder`, `rename`, `delete`, `set_attributes`.
        operation: &'static str,
        /// Path there.
        path: String,
        /// Where it was before, for renames.
        from: Option<String>,
        /// Bytes written.
        size: u64,
    },
    /// An object could not be synced.
    Failed {
        /// The side on which it failed.
        side: Side,
        /// Path there.
        path: String,
        /// Why, and whether it is tried again.
        failure: Failure,
    },
    /// A side went down.
    SideDown {
        /// The side.
        side: Side,
        /// Why.
        failure: Failure,
    },
    /// A side is up, seen completely.
    SideSeen {
        /// The side.
        side: Side,
        /// Objects on it.
        objects: usize,
    },
    /// An object was met and left alone.
    Skipped {
        /// The side.
        side: Side,
        /// Path there.
        path: String,
        /// Why.
        reason: SkipReason,
    },
    /// The store does not take what is to be recorded.
    StoreFailed {
        /// Why.
        failure: Failure,
    },
}

impl Notice {
    /// Returns the kind of failure that it tells of.
    pub fn error_kind(&self) -> Option<ErrorKind> {
        match self {
            Notice::Failed { failure, .. }
            | Notice::SideDown { failure, .. }
            | Notice::StoreFailed { failure } => Some(failure.kind()),
            _ => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Conflict {
                path,
                kept_as: Some(name),
            } => {
                write!(f, "conflict: {path}, the other version is kept as {name}")
            }
            Notice::Conflict {
                path,
                kept_as: None,
            } => write!(f, "conflict: {path}"),
            Notice::DeletionsHeld {
                side, count, total, ..
            } => {
                write!(
                    f,
                    "deletions held: {count} of {total} objects on the {side} side"
                )
            }
            Notice::Discarded { side, path } => write!(f, "not synced: {path} ({side})"),
            Notice::Done {
                side,
                operation,
                path,
                from: Some(from),
                ..
            } => {
                write!(f, "{operation} {from} to {path} ({side})")
            }
            Notice::Done {
                side,
                operation,
                path,
                ..
            } => write!(f, "{operation} {path} ({side})"),
            Notice::Failed {
                side,
                path,
                failure,
            } => write!(f, "{path} ({side}): {failure}"),
            Notice::SideDown { side, failure } => write!(f, "{side} side: {failure}"),
            Notice::SideSeen { side, objects } => write!(f, "{side} side: {objects} objects"),
            Notice::Skipped { side, path, reason } => {
                let why = match reason {
                    SkipReason::MountPoint => "another file system is mounted there",
                    SkipReason::NameNotUtf8 => "its name is not UTF-8",
                    SkipReason::Special => "neither a file nor a folder",
                    SkipReason::Symlink => "a symbolic link",
                    SkipReason::Unreadable => "cannot be read",
                };
                write!(f, "left alone: {path} ({side}): {why}")
            }
            Notice::StoreFailed { failure } => write!(f, "state: {failure}"),
        }
    }
}
