//! What happened, in words for people and for programs alike.

use std::collections::BTreeSet;

use cloudsync::{Conflicted, EngineNotice, ErrorKind, PlannedOperation, Side, SkipReason};

/// Names that conflicts were kept under and that are not yet in place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(BTreeSet<String>);

impl Kept {
    /// Takes in that a conflict was met.
    pub(crate) fn met(&mut self, conflict: &Conflicted) {
        self.0.extend(conflict.kept_as.clone());
    }

    /// Takes in what was done. Returns whether it is the renaming of a version that lost.
    pub(crate) fn note(&mut self, notice: &EngineNotice) -> bool {
        match notice {
            EngineNotice::Done {
                operation: "rename",
                path,
                ..
            } => self.0.remove(path),
            _ => false,
        }
    }
}

/// Returns whether a planned operation is the renaming of a version that would lose.
pub(crate) fn is_planned_conflict(planned: &PlannedOperation) -> bool {
    let name = planned.path.rsplit('/').next().unwrap_or_default();
    planned.operation == "rename"
        && planned
            .from
            .as_ref()
            .is_some_and(|from| from != &planned.path)
        && name.contains(".conflicted")
}

/// Returns which way a change goes that is made on a side.
pub(crate) fn arrow(changed: Side) -> char {
    match changed {
        Side::Local => '←',
        Side::Remote => '→',
    }
}

/// What a copy does to what stands at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Copied {
    /// Nothing stands there.
    Anew,
    /// It replaces a version.
    Over,
}

impl Copied {
    /// Says what a planned copy would do.
    pub(crate) fn planned(planned: &PlannedOperation) -> Self {
        if planned.replaces {
            Self::Over
        } else {
            Self::Anew
        }
    }
}

/// Returns why an operation was done, for programs.
pub(crate) fn reason(operation: &str, copied: Copied, changed: Side, is_conflict: bool) -> String {
    if is_conflict {
        return "conflict".to_owned();
    }
    format!(
        "{}_on_{}",
        what_happened(operation, copied),
        changed.other()
    )
}

/// Returns what happened on the other side for an operation to be done.
pub(crate) fn what_happened(operation: &str, copied: Copied) -> &'static str {
    match (operation, copied) {
        ("copy", Copied::Over) => "edited",
        ("delete", _) => "deleted",
        ("rename", _) => "renamed",
        ("set_attributes", _) => "times_or_mode_changed",
        _ => "new",
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
        ErrorKind::NotEmpty => Some("something in it is never synced: remove or move that"),
        ErrorKind::OutOfSpace => Some("free some space"),
        ErrorKind::PermissionDenied => Some("check its permissions"),
        _ => None,
    }
}
