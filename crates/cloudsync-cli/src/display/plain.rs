//! Lines for people: changes and the summary on stdout, progress and problems on stderr.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cloudsync::{
    BySide, Conflicted, EngineNotice, Notice, Plan, Side, SkipReason, Status, SyncReport,
};

use super::event::{Kept, arrow, what_happened, why_skipped};
use super::out::Out;
use super::progress::Progress;
use super::text::{self, Mood, colored, count, number, shown, size, time_of_day};
use super::{Level, Screen, Setting, plan, problem, summary};
use crate::exit::{self, Exit, is_left_out};
use crate::problem::Problem;

/// How often a line of progress is written where there is no terminal.
const SELDOM: Duration = Duration::from_secs(10);
/// Troubles told of before the first are told of again.
const REMEMBERED: usize = 10_000;

/// Shows a run to people.
#[derive(Debug)]
pub(crate) struct Plain {
    setting: Setting,
    out: Out,
    err: Out,
    colors: bool,
    colors_err: bool,
    progress: Option<Progress>,
    /// When there was first something to do, and when progress was last told of.
    works_since: Option<Instant>,
    told_progress: Option<Instant>,
    items_done: usize,
    bytes_done: u64,
    kept: Kept,
    /// What was told of already.
    told: BTreeSet<String>,
    /// How many deletions were told to be held on each side.
    told_held: BySide<usize>,
    /// Nothing was told since it was said to be at rest.
    is_rest_told: bool,
}

impl Plain {
    /// Shows nothing yet.
    pub(crate) fn new(setting: Setting) -> Self {
        let (out, err) = (Out::stdout(), Out::stderr());
        let has_progress = text::is_able_terminal(err.is_terminal())
            && setting.level >= Level::Usual
            && !setting.watches;
        Self {
            colors: text::wants_colors(out.is_terminal()),
            colors_err: text::wants_colors(err.is_terminal()),
            progress: has_progress.then(Progress::new),
            works_since: None,
            told_progress: None,
            setting,
            out,
            err,
            items_done: 0,
            bytes_done: 0,
            kept: Kept::default(),
            told: BTreeSet::new(),
            told_held: BySide::default(),
            is_rest_told: false,
        }
    }

    /// Whether each change gets a line: not where a bar counts them.
    fn lists_changes(&self) -> bool {
        match self.setting.level {
            Level::Silent | Level::Quiet => false,
            Level::Usual => self.progress.is_none(),
            Level::Verbose => true,
        }
    }

    /// Whether something that was left alone is told of at once.
    fn tells_skipped(&self, path: &str, reason: SkipReason) -> bool {
        let wants =
            self.setting.level == Level::Verbose || (self.setting.watches && is_left_out(reason));
        wants && !self.setting.exclude.covers(path, reason)
    }

    fn line(&mut self, mood: Mood, text: &str) {
        self.is_rest_told = false;
        let text = if self.setting.watches {
            format!("{}  {text}", time_of_day())
        } else {
            text.to_owned()
        };
        let text = match mood {
            Mood::Aside => text,
            mood => colored(&text, mood, self.colors),
        };
        match &self.progress {
            Some(progress) => progress.suspend(|| self.out.line(&text)),
            None => self.out.line(&text),
        }
    }

    fn error_line(&mut self, mood: Mood, text: &str) {
        self.is_rest_told = false;
        let text = if self.setting.watches {
            format!("{}  {text}", time_of_day())
        } else {
            text.to_owned()
        };
        let text = colored(&text, mood, self.colors_err);
        match &self.progress {
            Some(progress) => progress.suspend(|| self.err.line(&text)),
            None => self.err.line(&text),
        }
    }

    /// Tells of a trouble, once.
    fn trouble(&mut self, text: String) {
        if self.setting.level == Level::Silent || self.told.contains(&text) {
            return;
        }
        self.error_line(Mood::Warning, &text);
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        self.told.insert(text);
    }

    fn change(&mut self, notice: &EngineNotice, is_conflict: bool) {
        let EngineNotice::Done {
            side,
            operation,
            path,
            from,
            size: bytes,
        } = notice
        else {
            return;
        };
        let copied = self.setting.edits.take(*side, path);
        self.items_done += 1;
        self.bytes_done += bytes;
        if let Some(progress) = &mut self.progress {
            progress.done(*bytes);
        }
        if !self.lists_changes() {
            return;
        }
        let (arrow, path) = (arrow(*side), shown(path));
        let mut line = match (*operation, from) {
            ("copy", _) => format!("{arrow} {path}  {}", size(*bytes)),
            ("create_folder", _) => format!("{arrow} {path}/"),
            ("rename", Some(from)) => format!("{arrow} {} » {path}", shown(from)),
            ("delete", _) => format!("{arrow} {path}  deleted"),
            ("set_attributes", _) => format!("{arrow} {path}  times or mode"),
            (other, _) => format!("{arrow} {path}  {other}"),
        };
        if self.setting.level == Level::Verbose {
            let why = what_happened(operation, copied).replace('_', " ");
            let from = &self.setting.locations[side.other()].label;
            line = if is_conflict {
                format!("{line}  (edited on both)")
            } else {
                format!("{line}  ({why} on {from})")
            };
        }
        self.line(Mood::Aside, &line);
    }

    fn conflict(&mut self, met: &Conflicted) {
        self.kept.met(met);
        let level = self.setting.level;
        if self.lists_changes() || (self.setting.watches && level == Level::Quiet) {
            let what = match &met.kept_as {
                Some(name) => format!("kept both, the other one as {}", shown(name)),
                None => self.setting.on_conflict.name().to_owned(),
            };
            let line = format!("! {}  edited on both: {what}", shown(&met.path));
            self.line(Mood::Warning, &line);
        }
    }

    fn engine(&mut self, notice: &EngineNotice) {
        let level = self.setting.level;
        let is_conflict = self.kept.note(notice);
        match notice {
            EngineNotice::Done { side, .. } => {
                self.is_up(*side);
                self.change(notice, is_conflict);
            }
            EngineNotice::SideSeen { side, .. } => self.is_up(*side),
            // A single run tells at its end what is left, unless all is to be told.
            EngineNotice::Failed {
                side,
                path,
                failure,
            } if self.setting.watches || level == Level::Verbose => {
                let label = &self.setting.locations[*side].label;
                let failure = failure.to_string();
                self.trouble(format!("✗ {}  {label}: {}", shown(path), shown(&failure)));
            }
            EngineNotice::DeletionsHeld {
                side, count, total, ..
            } if self.setting.watches && *count > self.told_held[*side] * 2 => {
                // Not for each one more of a folder that is just being emptied.
                self.told_held[*side] = *count;
                let label = &self.setting.locations[side.other()].label;
                self.trouble(format!(
                    "✗ deletions held: {} of {} items vanished from {label}; \
                     if you deleted them: cloudsync sync --allow-deletes",
                    number(*count),
                    number(*total),
                ));
            }
            EngineNotice::SideDown { side, failure } if self.setting.watches => {
                let locations = &self.setting.locations;
                let label = &locations[*side].label;
                let line = match exit::of_side(*side, failure.kind(), locations) {
                    Exit::Held => format!(
                        "! {label}: another folder than at the last run; nothing is changed. Waiting for the one \
                         that was there; if it was replaced on purpose, stop, and remove {}",
                        self.setting.state
                    ),
                    _ => format!("! {label}: {}; waiting for it", shown(&failure.to_string())),
                };
                self.trouble(line);
            }
            EngineNotice::Skipped { side, path, reason } if self.tells_skipped(path, *reason) => {
                let label = &self.setting.locations[*side].label;
                let why = why_skipped(*reason);
                self.trouble(format!("- {}  {label}: {why}", shown(path)));
            }
            EngineNotice::StoreFailed { failure } => {
                let failure = failure.to_string();
                self.trouble(format!("! state: {}", shown(&failure)));
            }
            EngineNotice::Discarded { side, path } if level == Level::Verbose => {
                let label = &self.setting.locations[*side].label;
                let line = format!("- {}  {label}: no longer synced", shown(path));
                self.line(Mood::Aside, &line);
            }
            _ => {}
        }
    }

    /// Tells which sides are up again, of those that were told to be down.
    fn tell_up(&mut self, status: &Status) {
        for side in Side::BOTH {
            if status.down[side].is_none() {
                self.is_up(side);
            }
        }
    }

    fn is_up(&mut self, side: Side) {
        if !self.setting.watches || self.told.is_empty() {
            return;
        }
        let label = self.setting.locations[side].label.clone();
        let was_down = format!("! {label}: ");
        let before = self.told.len();
        self.told.retain(|told| !told.starts_with(&was_down));
        if self.told.len() < before && self.setting.level > Level::Silent {
            self.error_line(Mood::Good, &format!("{label} is back"));
        }
    }

    fn summary(&mut self, report: &SyncReport, exit: Exit) {
        if self.setting.level == Level::Silent {
            return;
        }
        for (mood, line) in summary::lines(&self.setting, report, exit) {
            let line = colored(&line, mood, self.colors);
            self.out.line(&line);
        }
    }
}

impl Screen for Plain {
    fn start(&mut self) {
        if self.setting.level < Level::Usual {
            return;
        }
        let (local, remote) = (
            &self.setting.locations.local,
            &self.setting.locations.remote,
        );
        let line = match (self.setting.first_meeting, self.setting.watches) {
            (true, _) => format!(
                "First time {} ({local}) and {} ({remote}) meet: nothing will be deleted.",
                local.label, remote.label
            ),
            (false, true) => format!("watching {local} and {remote}"),
            (false, false) => return,
        };
        self.error_line(Mood::Aside, &line);
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Engine(notice) => self.engine(notice),
            Notice::Conflict(met) => self.conflict(met),
            Notice::Missed { count: missed } if self.setting.level >= Level::Usual => {
                let missed = usize::try_from(*missed).unwrap_or(usize::MAX);
                let line = format!("… {} not shown", count(missed, "line", "lines"));
                self.error_line(Mood::Aside, &line);
            }
            Notice::Unwatched {
                side,
                failure,
                look_every,
            } if self.setting.level > Level::Silent => {
                let label = &self.setting.locations[*side].label;
                let line = format!(
                    "! {label}: {}; looking every {} s instead",
                    shown(&failure.to_string()),
                    look_every.as_secs()
                );
                self.error_line(Mood::Warning, &line);
            }
            Notice::StateSetAside { reason, kept_as } if self.setting.level > Level::Silent => {
                let kept_as = kept_as.to_string_lossy();
                let line = format!(
                    "! The state could not be used ({}); it is kept as {}. This is a first \
                     meeting: nothing will be deleted.",
                    shown(reason),
                    shown(&kept_as)
                );
                self.error_line(Mood::Warning, &line);
            }
            _ => {}
        }
    }

    fn tick(&mut self, status: &Status) {
        self.tell_up(status);
        if let Some(progress) = &mut self.progress {
            progress.tick(&self.setting, status);
            return;
        }
        let since = *self.works_since.get_or_insert_with(Instant::now);
        let told = self.told_progress.unwrap_or(since).max(since);
        if self.setting.level < Level::Usual || told.elapsed() < SELDOM {
            return;
        }
        self.told_progress = Some(Instant::now());
        let line = if status.complete {
            format!(
                "{} of {} done, {}",
                number(self.items_done),
                number(self.items_done + status.pending),
                size(self.bytes_done)
            )
        } else {
            format!(
                "looking: {} + {} items",
                number(status.objects.local),
                number(status.objects.remote)
            )
        };
        self.err.line(&line);
    }

    fn rest(&mut self, status: &Status) {
        self.tell_up(status);
        self.works_since = None;
        for side in Side::BOTH {
            if !status.held.iter().any(|held| held.side == side) {
                self.told_held[side] = 0;
            }
        }
        if self.setting.level < Level::Usual || self.is_rest_told {
            return;
        }
        let left = status.troubles.len();
        let waits = status.conflicts.len();
        if left == 0 && waits == 0 && status.held.is_empty() {
            self.line(Mood::Good, "in sync");
            self.is_rest_told = true;
            return;
        }
        let mut parts = Vec::new();
        if left > 0 {
            parts.push(format!("{} failed", number(left)));
        }
        if waits > 0 {
            parts.push(count(waits, "conflict waits", "conflicts wait"));
        }
        if !status.held.is_empty() {
            parts.push("deletions held".to_owned());
        }
        let line = format!("in sync but for {}", parts.join(", "));
        self.line(Mood::Warning, &line);
        self.is_rest_told = true;
    }

    fn stopping(&mut self) {
        if self.setting.level >= Level::Usual {
            let line = "stopping: what runs may end (Ctrl-C again: at once)";
            self.error_line(Mood::Aside, line);
        }
    }

    fn end(&mut self, report: &SyncReport, exit: Exit) {
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        self.summary(report, exit);
    }

    fn stopped(&mut self, status: &Status, _: Exit) {
        if self.setting.level < Level::Usual {
            return;
        }
        let line = match status.pending {
            0 => "stopped".to_owned(),
            left => format!("stopped, {} not settled", number(left)),
        };
        self.error_line(Mood::Aside, &line);
    }

    fn plan(&mut self, plan: &Plan, status: &Status, _: Exit) {
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        if self.setting.level == Level::Silent {
            return;
        }
        for (mood, line) in plan::lines(&self.setting, plan, status) {
            let line = match mood {
                Mood::Aside => line,
                mood => colored(&line, mood, self.colors),
            };
            self.out.line(&line);
        }
    }

    fn problem(&mut self, problem: &Problem) {
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        if self.setting.level > Level::Silent {
            for line in problem::lines(problem, self.colors_err) {
                self.err.line(&line);
            }
        }
    }
}
