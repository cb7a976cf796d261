//! Shows a run to programs: one object a line, on stdout; what ends the program on stderr.

use std::time::Instant;

use cloudsync::{
    Conflicted, EngineNotice, Notice, Plan, Side, SkipReason, Status, SyncReport, Trouble,
};

use super::event::{Copied, Kept, is_planned_conflict, reason, skip_class};
use super::line::{
    Action, ErrorLine, Event, Place, PlanTotal, RunEnd, Sided, Tally, Version, Ways, seconds, write,
};
use super::out::Out;
use super::{Screen, Setting};
use crate::exit::Exit;
use crate::problem::Problem;

/// Shows a run to a program.
#[derive(Debug)]
pub(crate) struct Json {
    setting: Setting,
    out: Out,
    err: Out,
    tally: Tally,
    kept: Kept,
    begun: Instant,
}

impl Json {
    /// Shows nothing yet.
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            out: Out::stdout(),
            err: Out::stderr(),
            tally: Tally::default(),
            kept: Kept::default(),
            begun: Instant::now(),
        }
    }

    fn label(&self, side: Side) -> String {
        self.setting.locations[side].label.clone()
    }

    fn conflict(&mut self, met: &Conflicted, waits: bool) {
        let decision = if waits {
            "hold"
        } else {
            self.setting.on_conflict.name()
        };
        write(
            &mut self.out,
            Event::Conflict {
                path: &met.path,
                kind: "edit-edit",
                local: met.versions.local.map(Version::from),
                remote: met.versions.remote.map(Version::from),
                decision,
                kept_as: met.kept_as.as_deref(),
            },
        );
    }

    fn engine(&mut self, notice: &EngineNotice) {
        let is_conflict = self.kept.note(notice);
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
                let copied = self.setting.edits.take(*side, path);
                let action = Action {
                    op: operation,
                    side: *side,
                    from: &source,
                    to: &target,
                    path,
                    old_path: from.as_deref(),
                    size: *size,
                    reason: reason(operation, copied, *side, is_conflict),
                    outcome: "ok",
                };
                write(&mut self.out, Event::Action(action));
            }
            // A single run tells at its end what is left.
            EngineNotice::Failed {
                side,
                path,
                failure,
            } if self.setting.watches => {
                let label = self.label(*side);
                let line = ErrorLine::of(Some(*side), Some(&label), Some(path), failure);
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
                let line = ErrorLine::of(Some(*side), Some(&label), None, failure);
                write(&mut self.out, Event::SideDown(line));
            }
            EngineNotice::SideSeen { side, objects } => {
                let (side, label, items) = (*side, self.label(*side), *objects);
                let label = label.as_str();
                write(&mut self.out, Event::SideSeen { side, label, items });
            }
            EngineNotice::Skipped { side, path, reason } => self.skipped(*side, path, *reason),
            EngineNotice::StoreFailed { failure } => {
                let line = ErrorLine::of(None, None, None, failure);
                write(&mut self.out, Event::StateFailed(line));
            }
            _ => {}
        }
    }

    fn skipped(&mut self, side: Side, path: &str, reason: SkipReason) {
        if self.setting.exclude.covers(path, reason) {
            return;
        }
        let label = self.label(side);
        let event = Event::Skipped {
            side,
            label: &label,
            path,
            class: skip_class(reason),
        };
        write(&mut self.out, event);
    }

    /// Tells what is left at the end of a single run.
    fn left(&mut self, report: &SyncReport) {
        for conflict in &report.conflicts {
            self.conflict(conflict, conflict.waits);
        }
        self.troubles(&report.failed);
    }

    fn troubles(&mut self, troubles: &[Trouble]) {
        for trouble in troubles {
            let label = self.label(trouble.side);
            let (side, path) = (Some(trouble.side), Some(trouble.path.as_str()));
            let line = ErrorLine {
                retry_in_s: trouble.retry_in.map(seconds),
                attempts: Some(trouble.attempts),
                ..ErrorLine::of(side, Some(&label), path, &trouble.failure)
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
            Notice::Conflict(met) => {
                self.kept.met(met);
                // A single run tells at its end what is left.
                if self.setting.watches {
                    let holds = self.setting.on_conflict.name() == "hold";
                    self.conflict(met, met.kept_as.is_none() && holds);
                }
            }
            Notice::Missed { count } => write(&mut self.out, Event::Missed { lines: *count }),
            Notice::Unwatched {
                side,
                failure,
                look_every,
            } => {
                let label = self.label(*side);
                let error = ErrorLine::of(Some(*side), Some(&label), None, failure);
                let look_every_s = seconds(*look_every);
                let event = Event::Unwatched {
                    error,
                    look_every_s,
                };
                write(&mut self.out, event);
            }
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
            let (source, target) = (self.label(side.other()), self.label(side));
            let action = Action {
                op: planned.operation,
                side,
                from: &source,
                to: &target,
                path: &planned.path,
                old_path: planned.from.as_deref(),
                size: planned.size,
                reason: reason(
                    planned.operation,
                    Copied::planned(planned),
                    side,
                    is_planned_conflict(planned),
                ),
                outcome: "planned",
            };
            write(&mut self.out, Event::Action(action));
        }
        for conflict in &plan.conflicts {
            self.conflict(conflict, conflict.waits);
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
        self.troubles(&status.troubles);
        for (side, path, reason) in &status.skipped {
            self.skipped(*side, path, *reason);
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
