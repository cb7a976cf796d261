//! What the shell is told.

use std::process::ExitCode;

use cloudsync::{Error, ErrorKind, Side, SkipReason, Status, SyncReport};

use crate::exclude::Exclude;
use crate::location::Locations;

/// What the shell is told. Unknown ones mean failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Both sides agree.
    Ok = 0,
    /// An internal error.
    Bug = 1,
    /// Wrong usage.
    Usage = 2,
    /// Done, but some items failed or were left out.
    SomeFailed = 3,
    /// Done, but conflicts wait for somebody.
    Conflicts = 4,
    /// Sign-in is needed, or permission refused.
    SignIn = 5,
    /// Deletions were held, or a root is another one than before.
    Held = 6,
    /// A location cannot be reached.
    Unreachable = 7,
    /// Another run holds the pair.
    Busy = 8,
    /// The state cannot be used.
    State = 10,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// Returns the first of those that apply at once, in the order of their weight.
    pub(crate) fn first(applying: impl IntoIterator<Item = Exit>) -> Exit {
        const ORDER: [Exit; 6] = [
            Exit::State,
            Exit::Held,
            Exit::SignIn,
            Exit::Unreachable,
            Exit::SomeFailed,
            Exit::Conflicts,
        ];
        let applying: Vec<_> = applying.into_iter().collect();
        ORDER
            .into_iter()
            .find(|exit| applying.contains(exit))
            .unwrap_or(Exit::Ok)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Returns what an error that ended a run means.
pub(crate) fn of_error(error: &Error, locations: &Locations) -> Exit {
    match (error.side(), error.kind()) {
        (None, ErrorKind::StoreUnusable | ErrorKind::OutOfSpace | ErrorKind::Unavailable) => {
            Exit::State
        }
        (None, ErrorKind::Invalid) => Exit::Usage,
        (None, ErrorKind::Locked) => Exit::Busy,
        (Some(side), kind) => of_side(side, kind, locations),
        (None, _) => Exit::Bug,
    }
}

/// Returns what it means that a side is down for this reason.
pub(crate) fn of_side(side: Side, kind: ErrorKind, locations: &Locations) -> Exit {
    match kind {
        ErrorKind::Invalid | ErrorKind::Namespace | ErrorKind::Unsupported => Exit::Usage,
        ErrorKind::Locked => Exit::Busy,
        ErrorKind::PermissionDenied | ErrorKind::Token => Exit::SignIn,
        // There, but not the one that was met before.
        ErrorKind::RootMissing if locations[side].is_there() => Exit::Held,
        _ => Exit::Unreachable,
    }
}

/// Returns true for what is left out although nobody wished for that. Links, pipes and other file
/// systems are never synced, which is told but is no failure.
pub(crate) fn is_left_out(reason: SkipReason) -> bool {
    !matches!(
        reason,
        SkipReason::MountPoint | SkipReason::Special | SkipReason::Symlink
    )
}

/// Returns what the end of a run means.
pub(crate) fn of_report(report: &SyncReport, locations: &Locations) -> Exit {
    let mut applying = Vec::new();
    for side in Side::BOTH {
        if let Some(failure) = &report.down[side] {
            applying.push(of_side(side, failure.kind(), locations));
        }
    }
    if !report.held.is_empty() {
        applying.push(Exit::Held);
    }
    let left_out = report.skipped.iter().any(|skipped| is_left_out(skipped.2));
    if !report.failed.is_empty() || left_out {
        applying.push(Exit::SomeFailed);
    }
    if report.conflicts.iter().any(|conflict| conflict.waits) {
        applying.push(Exit::Conflicts);
    }
    if applying.is_empty() && !report.in_sync() {
        applying.push(Exit::SomeFailed);
    }
    Exit::first(applying)
}

/// Returns what the run would end with that was planned, as far as that can be known.
pub(crate) fn of_plan(status: &Status, exclude: &Exclude) -> Exit {
    let left_out = |(_, path, reason): &(Side, String, SkipReason)| {
        is_left_out(*reason) && !exclude.covers(path, *reason)
    };
    let fails = !status.troubles.is_empty() || status.skipped.iter().any(left_out);
    let applying = [
        (!status.held.is_empty(), Exit::Held),
        (fails, Exit::SomeFailed),
        (!status.conflicts.is_empty(), Exit::Conflicts),
    ];
    Exit::first(applying.into_iter().filter(|at| at.0).map(|at| at.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_of_several_wins() {
        let all = [
            Exit::Conflicts,
            Exit::SomeFailed,
            Exit::Unreachable,
            Exit::SignIn,
            Exit::Held,
            Exit::State,
        ];
        for to in (1..=all.len()).rev() {
            assert_eq!(Exit::first(all[..to].iter().copied()), all[to - 1]);
        }
        assert_eq!(Exit::first([]), Exit::Ok);
    }
}
