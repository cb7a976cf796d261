//! What is shown: lines for people or for programs, progress, the summary.

pub(crate) mod event;
pub(crate) mod json;
pub(crate) mod line;
pub(crate) mod out;
pub(crate) mod plain;
pub(crate) mod plan;
mod problem;
pub(crate) mod progress;
pub(crate) mod summary;
pub(crate) mod text;

use std::io::IsTerminal;

use cloudsync::{Notice, Plan, Status, SyncReport};

use crate::args::{OnConflict, PairArgs};
use crate::edits::Edits;
use crate::exclude::Exclude;
use crate::exit::Exit;
use crate::location::Locations;
use crate::problem::Problem;

/// How much is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// Nothing.
    Silent,
    /// Problems, and one line at the end.
    Quiet,
    /// Changes, and a summary.
    Usual,
    /// Changes with their reasons, and all of what is left.
    Verbose,
}

impl Level {
    /// Returns what was asked for.
    pub(crate) fn of(args: &PairArgs) -> Self {
        match (args.quiet, args.verbose) {
            (0, 0) => Level::Usual,
            (1, _) => Level::Quiet,
            (2.., _) => Level::Silent,
            (0, _) => Level::Verbose,
        }
    }
}

/// What is known of a run before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) locations: Locations,
    pub(crate) exclude: Exclude,
    pub(crate) on_conflict: OnConflict,
    /// What is on its way over another version.
    pub(crate) edits: Edits,
    /// There is no state: the two were never synced.
    pub(crate) first_meeting: bool,
    /// Where the state is, for people.
    pub(crate) state: String,
    pub(crate) level: Level,
    /// Whether the run ends only when it is asked to.
    pub(crate) watches: bool,
}

impl Setting {
    /// Takes out of a report what was met and left alone in places that take no part.
    pub(crate) fn without_excluded(&self, mut report: SyncReport) -> SyncReport {
        report
            .skipped
            .retain(|(_, path, reason)| !self.exclude.covers(path, *reason));
        report
    }
}

/// Shows a run as it goes on. Nothing here waits for anybody, or fails.
pub(crate) trait Screen: Send {
    /// It begins.
    fn start(&mut self);
    /// Something happened.
    fn notice(&mut self, notice: &Notice);
    /// Some time went by.
    fn tick(&mut self, status: &Status);
    /// All that was known is done: while it goes on.
    fn rest(&mut self, status: &Status);
    /// It was asked to stop.
    fn stopping(&mut self);
    /// It is over.
    fn end(&mut self, report: &SyncReport, exit: Exit);
    /// It was stopped, while it went on.
    fn stopped(&mut self, status: &Status, exit: Exit);
    /// What it would do.
    fn plan(&mut self, plan: &Plan, status: &Status, exit: Exit);
    /// It could not go on.
    fn problem(&mut self, problem: &Problem);
}

/// Returns what shows a run.
pub(crate) fn screen(json: bool, setting: &Setting) -> Box<dyn Screen> {
    if json {
        return Box::new(json::Json::new(setting.clone()));
    }
    Box::new(plain::Plain::new(setting.clone()))
}

/// Tells a problem of before there was a setting.
pub(crate) fn early_problem(json: bool, level: Level, problem: &Problem) {
    if json {
        line::fatal(problem);
    } else if level > Level::Silent {
        problem::tell(problem, wants_colors_on_stderr());
    }
}

fn wants_colors_on_stderr() -> bool {
    text::wants_colors(std::io::stderr().is_terminal())
}
