//! The lines that programs read: their fields, as they are written.
//!
//! Fields may be added, `v` only changes when something that was there means something else. What
//! happened (`reason`, `class`, `kind`) may have more values some day.

use std::time::Duration;

use cloudsync::{ErrorKind, Failure, Known, Side};
use serde::Serialize;

use super::event::hint;
use super::out::Out;
use super::text::{time_of, timestamp};
use crate::problem::Problem;

/// The version of the lines.
const VERSION: u8 = 1;

/// What was done, as far as it was told.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub(super) struct Tally {
    pub(super) copied: Ways,
    pub(super) folders: usize,
    pub(super) renamed: usize,
    pub(super) deleted: usize,
    pub(super) attributes: usize,
    pub(super) bytes: u64,
}

impl Tally {
    pub(super) fn note(&mut self, side: Side, operation: &str, bytes: u64) {
        self.bytes += bytes;
        match (operation, side) {
            ("copy", Side::Local) => self.copied.remote_to_local += 1,
            ("copy", Side::Remote) => self.copied.local_to_remote += 1,
            ("create_folder", _) => self.folders += 1,
            ("rename", _) => self.renamed += 1,
            ("delete", _) => self.deleted += 1,
            ("set_attributes", _) => self.attributes += 1,
            _ => {}
        }
    }

    pub(super) fn items(&self) -> usize {
        let copied = self.copied.local_to_remote + self.copied.remote_to_local;
        copied + self.folders + self.renamed + self.deleted + self.attributes
    }
}

#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) v: u8,
    pub(super) t: String,
    #[serde(flatten)]
    pub(super) event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    Action(Action<'a>),
    Conflict {
        path: &'a str,
        kind: &'a str,
        local: Option<Version>,
        remote: Option<Version>,
        decision: &'a str,
        kept_as: Option<&'a str>,
    },
    Connected {
        side: Side,
        label: &'a str,
        root: &'a str,
    },
    Error(ErrorLine<'a>),
    Fatal {
        exit: u8,
        message: &'a str,
        hint: Option<&'a str>,
    },
    Held {
        side: Side,
        vanished_from: &'a str,
        count: usize,
        total: usize,
    },
    InSync {
        items: Sided<usize>,
    },
    Missed {
        lines: u64,
    },
    PlanEnd {
        exit: u8,
        totals: Vec<PlanTotal<'a>>,
    },
    Progress {
        phase: &'a str,
        items_done: usize,
        items_total: usize,
        bytes_done: u64,
        items_seen: Sided<usize>,
    },
    RunEnd(RunEnd),
    RunStart {
        pair: String,
        local: Place<'a>,
        remote: Place<'a>,
        state: &'a str,
        first_meeting: bool,
        watches: bool,
    },
    SideDown(ErrorLine<'a>),
    SideSeen {
        side: Side,
        label: &'a str,
        items: usize,
    },
    Skipped {
        side: Side,
        label: &'a str,
        path: &'a str,
        class: &'a str,
    },
    StateFailed(ErrorLine<'a>),
    StateSetAside {
        reason: &'a str,
        kept_as: String,
    },
    Stopping,
    Unwatched {
        #[serde(flatten)]
        error: ErrorLine<'a>,
        look_every_s: f64,
    },
}

#[derive(Serialize)]
pub(super) struct Action<'a> {
    pub(super) op: &'a str,
    pub(super) side: Side,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) old_path: Option<&'a str>,
    pub(super) size: u64,
    pub(super) reason: String,
    pub(super) outcome: &'a str,
}

#[derive(Serialize)]
pub(super) struct ErrorLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<&'a str>,
    pub(super) side: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<&'a str>,
    pub(super) class: ErrorKind,
    pub(super) message: String,
    pub(super) retry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_in_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<&'a str>,
}

impl<'a> ErrorLine<'a> {
    pub(super) fn of(
        side: Option<Side>,
        label: Option<&'a str>,
        path: Option<&'a str>,
        failure: &Failure,
    ) -> Self {
        Self {
            path,
            side,
            label,
            class: failure.kind(),
            message: failure.to_string(),
            retry: failure.is_retryable(),
            retry_in_s: None,
            attempts: None,
            hint: hint(failure.kind()),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Place<'a> {
    pub(super) label: &'a str,
    pub(super) location: String,
}

#[derive(Serialize)]
pub(super) struct PlanTotal<'a> {
    pub(super) op: &'a str,
    pub(super) side: Side,
    pub(super) count: usize,
}

/// One of two versions that met.
#[derive(Serialize)]
pub(super) struct Version {
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl From<Known> for Version {
    fn from(known: Known) -> Self {
        Self {
            size: known.size,
            mtime: known.mtime.and_then(time_of),
            hash: known.hash.map(|hash| hash.to_string()),
        }
    }
}

#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Sided<T> {
    pub(super) local: T,
    pub(super) remote: T,
}

#[derive(Clone, Copy, Default, Debug, Serialize)]
pub(super) struct Ways {
    pub(super) local_to_remote: usize,
    pub(super) remote_to_local: usize,
}

#[derive(Serialize)]
pub(super) struct RunEnd {
    pub(super) exit: u8,
    pub(super) in_sync: bool,
    pub(super) first_meeting: bool,
    pub(super) items: Sided<usize>,
    #[serde(flatten)]
    pub(super) done: Tally,
    pub(super) conflicts: usize,
    pub(super) conflicts_waiting: usize,
    pub(super) held: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
    pub(super) pending: usize,
    pub(super) elapsed_s: f64,
}

/// Tells what ends the program, on stderr.
pub(in crate::display) fn fatal(problem: &Problem) {
    write(
        &mut Out::stderr(),
        Event::Fatal {
            exit: problem.exit.code(),
            message: &problem.message,
            hint: problem.hint.as_deref(),
        },
    );
}

pub(super) fn write(out: &mut Out, event: Event<'_>) {
    let line = Line {
        v: VERSION,
        t: timestamp(),
        event,
    };
    // All of it is text and numbers: it does not fail.
    if let Ok(text) = serde_json::to_string(&line) {
        out.line(&text);
    }
}

/// Rounds to milliseconds.
pub(super) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round() / 1_000.0
}
