//! What all parts of a run share: its tapes, what users wrote, what happened, and what does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloudsync::provider::mock::{Call, MockService, Node};
use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use tokio::time::Instant;

use super::faults::Kind;
use super::setup::Setup;
use super::tally::Tally;
use super::tape::Tapes;

/// Calls and batches after which a run counts as going round in circles.
const MOST_CALLS: u64 = 60_000;

/// What a long series of runs has to reach, besides each kind of fault.
pub(super) const SITUATIONS: [&str; 30] = [
    "batch with an intent",
    "batch with a parking intent",
    "batch with an undoing intent",
    "conflict",
    "crash after a call",
    "crash after a commit",
    "crash at a poll",
    "crash before a call",
    "crash before a commit",
    "crash with an open intent",
    "deletion held",
    "deletions released",
    "driven all the time",
    "driven by turns",
    "driven in the caller's task",
    "driven once",
    "precondition failed",
    "quiet in the same run",
    "quiet after a restart",
    "round of both sides",
    "round of one side",
    "state in a file",
    "stopped for good",
    "stopped for now",
    "user acts while it works",
    "user crosses",
    "user edits a conflict copy",
    "user meets a parked object",
    "user saves by another file",
    "user swaps",
];

/// What does not hold: which property, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Violation {
    pub(super) property: &'static str,
    pub(super) how: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.how)
    }
}

/// The files and folders of a side: contents of files, `None` for folders.
pub(super) type Tree = BTreeMap<String, Option<String>>;

/// What all parts of a run share.
pub(super) struct Sim {
    pub(super) setup: Setup,
    pub(super) services: BySide<MockService>,
    state: Mutex<State>,
    begun: Instant,
}

/// What changes in a run.
pub(super) struct State {
    pub(super) tapes: Tapes,
    /// Whether anything goes wrong now.
    pub(super) is_hostile: bool,
    /// Contents that users wrote, and that no user who saw them replaced or deleted.
    pub(super) alive: BTreeSet<String>,
    pub(super) tally: Tally,
    /// Whether something may have happened since the last quiet time that no feed tells of.
    pub(super) is_deaf: bool,
    /// Whether something was done in this round whose outcome was never recorded: what a user does on
    /// top of it cannot be told from another's act, and may be restored, or meet as a conflict. Or an
    /// object that is there was not found.
    pub(super) is_unsure: bool,
    /// Whether an operation failed in this round, and whether a file got another tag by itself: together, that looks
    /// like a write that was done and then touched by a user.
    pub(super) has_failed: bool,
    pub(super) is_retagged: bool,
    /// When the last slow call is done, also one of a life that ended meanwhile: as a service does that got it.
    pub(super) slow_until: Instant,
    /// Calls that changed, or tried to change, a side.
    pub(super) operations: BySide<u64>,
    /// Those of them that do more than set attributes.
    pub(super) changes: BySide<u64>,
    /// Calls of providers and stores.
    pub(super) steps: u64,
    /// How often in this round something that is there was not found.
    pub(super) lies: usize,
    /// Paths at which users changed something in this round, on either side.
    pub(super) touched: BTreeSet<String>,
    /// Paths from and to which the engine moved something in this round, on either side.
    pub(super) moved: Vec<String>,
    /// Paths that may not be touched.
    pub(super) forbidden: BySide<Option<String>>,
    pub(super) violation: Option<Violation>,
    trace: Trace,
}

/// What happened, line by line: a hash of it, and the lines where they are wanted.
struct Trace {
    hash: Fnv,
    lines: Option<Vec<String>>,
}

/// A hash of text (FNV-1a): small, and the same everywhere.
#[derive(Clone, Copy)]
struct Fnv(u64);

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Sim {
    pub(super) fn new(mut tapes: Tapes, is_traced: bool) -> Self {
        let setup = Setup::draw(&mut tapes.world);
        let services = setup.configs.clone().map(MockService::new);
        let state = State {
            tapes,
            is_hostile: false,
            alive: BTreeSet::new(),
            tally: Tally::default(),
            is_deaf: false,
            is_unsure: false,
            has_failed: false,
            is_retagged: false,
            slow_until: Instant::now(),
            operations: BySide::default(),
            changes: BySide::default(),
            steps: 0,
            lies: 0,
            touched: BTreeSet::new(),
            moved: Vec::new(),
            forbidden: BySide::default(),
            violation: None,
            trace: Trace {
                hash: Fnv(0xcbf2_9ce4_8422_2325),
                lines: is_traced.then(Vec::new),
            },
        };
        let sim = Self {
            setup,
            services,
            state: Mutex::new(state),
            begun: Instant::now(),
        };
        sim.note(format_args!("{:?}", sim.setup));
        sim
    }

    /// Notes when a slow call will be done.
    pub(super) fn slow_until(&self, until: Instant) {
        let mut state = self.lock();
        state.slow_until = state.slow_until.max(until);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happens.
    pub(super) fn note(&self, line: fmt::Arguments<'_>) {
        let at = self.begun.elapsed().as_millis();
        let trace = &mut self.lock().trace;
        // Writing into a hash does not fail.
        let _ = writeln!(trace.hash, "{at} {line}");
        if let Some(lines) = &mut trace.lines {
            lines.push(format!("{:>9}.{:03} {line}", at / 1_000, at % 1_000));
        }
    }

    pub(super) fn count(&self, what: &'static str) {
        self.lock().tally.count(what);
    }

    /// Says that something does not hold. The first word counts.
    pub(super) fn violate(&self, property: &'static str, how: impl Into<String>) {
        let how = how.into();
        self.note(format_args!("VIOLATED {property}: {how}"));
        let mut state = self.lock();
        state.violation.get_or_insert(Violation { property, how });
    }

    pub(super) fn is_violated(&self) -> bool {
        self.lock().violation.is_some()
    }

    /// Returns what happened: a hash, and lines where they were wanted.
    pub(super) fn trace(&self) -> (u64, Vec<String>) {
        let trace = &mut self.lock().trace;
        (trace.hash.0, trace.lines.take().unwrap_or_default())
    }

    /// Draws which fault hits, if any.
    pub(super) fn hit(&self, fits: impl Fn(Kind) -> bool) -> Option<Kind> {
        let mut state = self.lock();
        if !state.is_hostile {
            return None;
        }
        let kind = self.setup.rates.hit(&mut state.tapes.faults, fits)?;
        state.tally.count(kind.name());
        state.is_deaf |= kind.deafens();
        // Twice not found counts as gone: what is there all the same comes back with the next walk.
        state.is_unsure |= kind == Kind::NotFound;
        state.lies += usize::from(kind == Kind::NotFound);
        Some(kind)
    }

    /// Draws from the tape of faults.
    pub(super) fn draw_fault(&self, limit: usize) -> usize {
        self.lock().tapes.faults.below(limit)
    }

    /// Draws from the tape of the schedule.
    pub(super) fn draw_schedule(&self, limit: usize) -> usize {
        self.lock().tapes.schedule.below(limit)
    }

    /// Counts a call. False: there were too many.
    pub(super) fn step(&self, side: Option<Side>, call: Option<Call>) -> bool {
        let mut state = self.lock();
        state.steps += 1;
        if let (Some(side), Some(call)) = (side, call)
            && call.is_operation()
        {
            state.operations[side] += 1;
            state.changes[side] += u64::from(call != Call::SetAttributes);
        }
        let is_fine = state.steps < MOST_CALLS;
        drop(state);
        if !is_fine {
            self.violate("I33 progress", format!("{MOST_CALLS} calls"));
        }
        is_fine
    }

    /// Returns what is on a side.
    pub(super) fn tree(&self, side: Side) -> Tree {
        let user = self.services[side].user_at(super::facade::root(side));
        let shown = |node| match node {
            Node::File(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Node::Folder | Node::Skipped(_) => None,
        };
        let tree = user.tree().into_iter();
        tree.map(|(path, node)| (path, shown(node))).collect()
    }

    /// Checks that nothing which is alive is nowhere.
    pub(super) fn check_alive(&self, after: fmt::Arguments<'_>) {
        let trees = [self.tree(Side::Local), self.tree(Side::Remote)];
        let there: BTreeSet<&str> = trees
            .iter()
            .flat_map(|tree| tree.values().flatten())
            .map(String::as_str)
            .collect();
        let lost = {
            let state = self.lock();
            let mut alive = state.alive.iter();
            alive.find(|token| !there.contains(token.as_str())).cloned()
        };
        if let Some(token) = lost {
            self.violate("I2 nothing lost", format!("{token} by {after}"));
        }
    }

    /// Whether to delete this on a side is an act of nobody: it is on the other side as well, the same, and no user
    /// did anything there since all was equal. What was twice not found counts as gone; without ids, what is in a folder
    /// that was not found once does, as another folder stands there then. Where folders moved, a path is no object.
    pub(super) fn is_needless(&self, side: Side, path: &str) -> bool {
        let (here, there) = (self.tree(side), self.tree(side.other()));
        let is_same = here.contains_key(path) && here.get(path) == there.get(path);
        let has_ids = self.setup.configs[side.other()].identity == Identity::Stable;
        let state = self.lock();
        is_same
            && state.lies <= usize::from(has_ids)
            && !state.touched.contains(path)
            && !state.moved.iter().any(|moved| is_within(path, moved))
    }
}

/// Whether a path is another one, or is below it.
pub(super) fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
