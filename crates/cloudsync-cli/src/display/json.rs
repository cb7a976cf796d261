//! Lines for programs: one object a line, on stdout. Fields may be added, `v` only changes when
//! something that was there means something else.

use std::time::{Duration, Instant};

use cloudsync::{
    Conflicted, EngineNotice, ErrorKind, Failure, Notice, Plan, Side, Status, SyncReport,
};
use serde::Serialize;

use super::event::{hint, reason, skip_class};
use super::out::Out;
use super::text::timestamp;
use super::{Screen, Setting};
use crate::exit::Exit;
use crate::problem::Problem;

/// The version of the lines.
const VERSION: u8 = 1;

/// Shows a run to a program.
#[derive(Debug)]
pub(crate) struct Json {
    setting: Setting,
    out: Out,
    err: Out,
    tally: Tally,
    begun: Instant,
}

/// What was done, as far as it was told.
#[derive(Clone, Copy, Default, Debug, Serialize)]
struct Tally {
    copied: Ways,
    folders: usize,
    renamed: usize,
    deleted: usize,
    attributes: usize,
    bytes: u64,
}

impl Tally {
    fn note(&mut self, side: Side, operation: &str, bytes: u64) {
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

    fn items(&self) -> usize {
        let copied = self.copied.local_to_remote + self.copied.remote_to_local;
        copied + self.folders + self.renamed + self.deleted + self.attributes
    }
}

#[derive(Serialize)]
struct Line<'a> {
    v: u8,
    t: String,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    Action(Action<'a>),
    Conflict {
        path: &'a str,
        kind: &'a str,
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
}

#[derive(Serialize)]
struct Action<'a> {
    op: &'a str,
    side: Side,
    from: &'a str,
    to: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_path: Option<&'a str>,
    size: u64,
    reason: String,
    outcome: &'a str,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    side: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    class: ErrorKind,
    message: String,
    retry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct Place<'a> {
    label: &'a str,
    location: String,
}

#[derive(Serialize)]
struct PlanTotal<'a> {
    op: &'a str,
    side: Side,
    count: usize,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Sided<T> {
    local: T,
    remote: T,
}

#[derive(Clone, Copy, Default, Debug, Serialize)]
struct Ways {
    local_to_remote: usize,
    remote_to_local: usize,
}

#[derive(Serialize)]
struct RunEnd {
    exit: u8,
    in_sync: bool,
    first_meeting: bool,
    items: Sided<usize>,
    #[serde(flatten)]
    done: Tally,
    conflicts: usize,
    conflicts_waiting: usize,
    held: usize,
    failed: usize,
    skipped: usize,
    pending: usize,
    elapsed_s: f64,
}

/// Tells what ends the program, on stderr.
pub(crate) fn fatal(problem: &Problem) {
    write(
        &mut Out::stderr(),
        Event::Fatal {
            exit: problem.exit.code(),
            message: &problem.message,
            hint: problem.hint.as_deref(),
        },
    );
}

fn write(out: &mut Out, event: Event<'_>) {
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
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round() / 1_000.0
}

impl Json {
    /// Shows nothing yet.
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            out: Out::stdout(),
            err: Out::stderr(),
            tally: Tally::default(),
            begun: Instant::now(),
        }
    }

    fn label(&self, side: Side) -> String {
        self.setting.locations[side].label.clone()
    }

    fn error<'a>(
        side: Option<Side>,
        label: Option<&'a str>,
        path: Option<&'a str>,
        failure: &Failure,
    ) -> ErrorLine<'a> {
        ErrorLine {
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

    fn conflict(&mut self, path: &str, kept_as: Option<&str>, waits: bool) {
        let decision = if waits {
            "hold"
        } else {
            self.setting.on_conflict.name()
        };
        write(
            &mut self.out,
            Event::Conflict {
                path,
                kind: "edit-edit",
                decision,
                kept_as,
            },
        );
    }

    fn engine(&mut self, notice: &EngineNotice) {
        match notice {
            EngineNotice::Done {
                side,
                operation,
                path,
                from,
                size,
            } => {
                self.tally.note(*side, operation, *size);
                let (source, target) = (self.label(side.other()), self.label(*side));
                let action = Action {
                    op: operation,
                    side: *side,
                    from: &source,
                    to: &target,
                    path,
                    old_path: from.as_deref(),
                    size: *size,
                    reason: format!("{}_on_{}", reason(operation), side.other()),
                    outcome: "ok",
                };
                write(&mut self.out, Event::Action(action));
            }
            // A single run tells at its end what is left.
            EngineNotice::Conflict { path, kept_as } if self.setting.watches => {
                let waits = kept_as.is_none() && self.setting.on_conflict.name() == "hold";
                self.conflict(path, kept_as.as_deref(), waits);
            }
            EngineNotice::Failed {
                side,
                path,
                failure,
            } if self.setting.watches => {
                let label = self.label(*side);
                let line = Self::error(Some(*side), Some(&label), Some(path), failure);
                write(&mut self.out, Event::Error(line));
            }
            EngineNotice::DeletionsHeld {
                side, count, total, ..
            } => {
                let vanished_from = self.label(side.other());
                let event = Event::Held {
                    side: *side,
                    vanished_from: &vanished_from,
                    count: *count,
                    total: *total,
                };
                write(&mut self.out, event);
            }
            EngineNotice::SideDown { side, failure } => {
                let label = self.label(*side);
                let line = Self::error(Some(*side), Some(&label), None, failure);
                write(&mut self.out, Event::SideDown(line));
            }
            EngineNotice::SideSeen { side, objects } => {
                let (side, label, items) = (*side, self.label(*side), *objects);
                let label = label.as_str();
                write(&mut self.out, Event::SideSeen { side, label, items });
            }
            EngineNotice::Skipped { side, path, reason } => {
                if !self.setting.exclude.covers(path, *reason) {
                    let label = self.label(*side);
                    let event = Event::Skipped {
                        side: *side,
                        label: &label,
                        path,
                        class: skip_class(*reason),
                    };
                    write(&mut self.out, event);
                }
            }
            EngineNotice::StoreFailed { failure } => {
                let line = Self::error(None, None, None, failure);
                write(&mut self.out, Event::StateFailed(line));
            }
            _ => {}
        }
    }

    /// Tells what is left at the end of a single run.
    fn left(&mut self, report: &SyncReport) {
        for Conflicted {
            path,
            kept_as,
            waits,
            ..
        } in &report.conflicts
        {
            self.conflict(path, kept_as.as_deref(), *waits);
        }
        for trouble in &report.failed {
            let label = self.label(trouble.side);
            let (side, path) = (Some(trouble.side), Some(trouble.path.as_str()));
            let line = ErrorLine {
                retry_in_s: trouble.retry_in.map(seconds),
                attempts: Some(trouble.attempts),
                ..Self::error(side, Some(&label), path, &trouble.failure)
            };
            write(&mut self.out, Event::Error(line));
        }
    }
}

impl Screen for Json {
    fn start(&mut self) {
        let place = |side: Side| Place {
            label: &self.setting.locations[side].label,
            location: self.setting.locations[side].given(),
        };
        let (local, remote) = (place(Side::Local), place(Side::Remote));
        let event = Event::RunStart {
            pair: format!("{} ⇄ {}", local.label, remote.label),
            local,
            remote,
            state: &self.setting.state,
            first_meeting: self.setting.first_meeting,
            watches: self.setting.watches,
        };
        write(&mut self.out, event);
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Connected { side, root } => {
                let label = self.label(*side);
                let event = Event::Connected {
                    side: *side,
                    label: &label,
                    root,
                };
                write(&mut self.out, event);
            }
            Notice::Engine(notice) => self.engine(notice),
            Notice::Missed(lines) => write(&mut self.out, Event::Missed { lines: *lines }),
            Notice::StateSetAside { reason, kept_as } => {
                let kept_as = kept_as.to_string_lossy().into_owned();
                write(&mut self.out, Event::StateSetAside { reason, kept_as });
            }
            _ => {}
        }
    }

    fn tick(&mut self, status: &Status) {
        let event = Event::Progress {
            phase: if status.complete { "transfer" } else { "scan" },
            items_done: self.tally.items(),
            items_total: self.tally.items() + status.pending,
            bytes_done: self.tally.bytes,
            items_seen: Sided {
                local: status.objects.local,
                remote: status.objects.remote,
            },
        };
        write(&mut self.out, event);
    }

    fn rest(&mut self, status: &Status) {
        let items = Sided {
            local: status.objects.local,
            remote: status.objects.remote,
        };
        write(&mut self.out, Event::InSync { items });
    }

    fn stopping(&mut self) {
        write(&mut self.out, Event::Stopping);
    }

    fn end(&mut self, report: &SyncReport, exit: Exit) {
        self.left(report);
        let total = report.total();
        let end = RunEnd {
            exit: exit.code(),
            in_sync: report.in_sync() && exit == Exit::Ok,
            first_meeting: report.first_meeting,
            items: Sided {
                local: report.objects.local,
                remote: report.objects.remote,
            },
            done: Tally {
                copied: Ways {
                    local_to_remote: report.changed.remote.copied,
                    remote_to_local: report.changed.local.copied,
                },
                folders: total.folders,
                renamed: total.renamed,
                deleted: total.deleted,
                attributes: total.attributes,
                bytes: total.bytes,
            },
            conflicts: report.conflicts.len(),
            conflicts_waiting: report.conflicts.iter().filter(|at| at.waits).count(),
            held: report.held.iter().map(|held| held.count).sum(),
            failed: report.failed.len(),
            skipped: report.skipped.len(),
            pending: report.pending,
            elapsed_s: seconds(report.elapsed),
        };
        write(&mut self.out, Event::RunEnd(end));
    }

    fn stopped(&mut self, status: &Status, exit: Exit) {
        let end = RunEnd {
            exit: exit.code(),
            in_sync: false,
            first_meeting: self.setting.first_meeting,
            items: Sided {
                local: status.objects.local,
                remote: status.objects.remote,
            },
            done: self.tally,
            conflicts: status.conflicts.len(),
            conflicts_waiting: status.conflicts.len(),
            held: status.held.iter().map(|held| held.count).sum(),
            failed: status.troubles.len(),
            skipped: status.skipped.len(),
            pending: status.pending,
            elapsed_s: seconds(self.begun.elapsed()),
        };
        write(&mut self.out, Event::RunEnd(end));
    }

    fn plan(&mut self, plan: &Plan, status: &Status, exit: Exit) {
        for planned in &plan.operations {
            let side = planned.side;
            if planned.operation == "conflict" {
                self.conflict(&planned.path, None, false);
                continue;
            }
            let (source, target) = (self.label(side.other()), self.label(side));
            let action = Action {
                op: planned.operation,
                side,
                from: &source,
                to: &target,
                path: &planned.path,
                old_path: planned.from.as_deref(),
                size: planned.size,
                reason: format!("{}_on_{}", reason(planned.operation), side.other()),
                outcome: "planned",
            };
            write(&mut self.out, Event::Action(action));
        }
        for held in &status.held {
            let vanished_from = self.label(held.side.other());
            let event = Event::Held {
                side: held.side,
                vanished_from: &vanished_from,
                count: held.count,
                total: held.total,
            };
            write(&mut self.out, event);
        }
        let totals = plan.totals.iter().map(|((op, side), count)| PlanTotal {
            op,
            side: *side,
            count: *count,
        });
        let event = Event::PlanEnd {
            exit: exit.code(),
            totals: totals.collect(),
        };
        write(&mut self.out, event);
    }

    fn problem(&mut self, problem: &Problem) {
        let event = Event::Fatal {
            exit: problem.exit.code(),
            message: &problem.message,
            hint: problem.hint.as_deref(),
        };
        write(&mut self.err, event);
    }
}
