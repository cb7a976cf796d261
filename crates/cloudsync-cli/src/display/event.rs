//! What happened, in words for people and for programs alike.

use cloudsync::{ErrorKind, Side, SkipReason};

/// Returns which way a change goes that is made on a side.
pub(crate) fn arrow(changed: Side) -> char {
    match changed {
        Side::Local => '←',
        Side::Remote => '→',
    }
}

/// Returns why an operation on one side was done: what happened on the other one.
pub(crate) fn reason(operation: &str) -> &'static str {
    match operation {
        "create_folder" => "new",
        "delete" => "deleted",
        "rename" => "renamed",
        "set_attributes" => "times_or_mode_changed",
        _ => "new_or_edited",
    }
}

/// Returns why something was left alone.
pub(crate) fn why_skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::MountPoint => "another file system is mounted there",
        SkipReason::NameNotUtf8 => "its name is not UTF-8: rename it",
        SkipReason::Special => "neither a file nor a folder",
        SkipReason::Symlink => "a symbolic link",
        SkipReason::Unreadable => "cannot be read",
        _ => "left alone",
    }
}

/// Returns a reason as programs read it.
pub(crate) fn skip_class(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::MountPoint => "mount_point",
        SkipReason::NameNotUtf8 => "name_not_utf8",
        SkipReason::Special => "special",
        SkipReason::Symlink => "symlink",
        SkipReason::Unreadable => "unreadable",
        _ => "other",
    }
}

/// Returns what can be done about a failure, where there is something.
pub(crate) fn hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::AlreadyExists => Some("rename one of them"),
        ErrorKind::NameRejected => Some("rename it"),
        ErrorKind::OutOfSpace => Some("free some space"),
        ErrorKind::PermissionDenied => Some("check its permissions"),
        _ => None,
    }
}
