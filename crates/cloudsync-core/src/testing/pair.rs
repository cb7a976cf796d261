//! Two storages, an engine between them, a store, and an oracle.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::io::{
    Act, Config, ConflictPolicy, Control, Effect, Guard, Input, Limits, Operation, Output, Query,
    SideState, Source,
};
use crate::event::Event;
use crate::failure::{ErrorKind, Failure};
use crate::notice::Notice;
use crate::policy::DefaultPolicy;
use crate::record::{Batch, EntryId, Record, Snapshot};
use crate::rules::Identity;
use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::random::Random;
use crate::testing::storage::Storage;
use crate::time::Time;

/// What goes wrong, each in percent of the cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// An operation fails and does nothing.
    pub fail: u32,
    /// An operation is done, and its answer says that it failed.
    pub lost_reply: u32,
    /// A hint is lost. (The end of a run walks both sides.)
    pub lost_hint: u32,
    /// A batch is not recorded.
    pub store: u32,
}

/// Two storages that an engine keeps equal.
#[derive(Debug)]
pub struct ModelPair {
    /// The storages.
    pub sides: BySide<Storage>,
    engine: Engine,
    store: BTreeMap<EntryId, Record>,
    values: BTreeMap<String, Vec<u8>>,
    now: Time,
    random: Random,
    faults: Faults,
    guard: Option<Guard>,
    pending: Vec<Output>,
    /// What the engine told.
    pub notices: Vec<Notice>,
    /// Operations that were performed, by side.
    pub performed: Vec<Operation>,
    /// What happened, line by line, once it is asked for.
    pub trace: Option<Vec<String>>,
    tokens: u32,
    alive: BTreeSet<String>,
}

const STEPS: usize = 20_000;

impl ModelPair {
    /// Starts with two empty storages.
    pub fn new(identities: BySide<Identity>, case_sensitive: BySide<bool>, seed: u64) -> Self {
        let sides = BySide::from_fn(|side| {
            Storage::new(identities[side], case_sensitive[side], side as i64)
        });
        let engine = start(&sides, None);
        let mut pair = Self {
            sides,
            engine,
            store: BTreeMap::new(),
            values: BTreeMap::new(),
            now: Time::ZERO,
            random: Random::new(seed),
            faults: Faults::default(),
            guard: None,
            pending: Vec::new(),
            notices: Vec::new(),
            performed: Vec::new(),
            trace: None,
            tokens: 0,
            alive: BTreeSet::new(),
        };
        pair.engine.restore(Snapshot::default());
        pair.connect();
        pair
    }

    /// Sets what goes wrong.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets the guard against mass deletion, from the next start on.
    pub fn set_guard(&mut self, guard: Option<Guard>) {
        self.guard = guard;
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn connect(&mut self) {
        for side in Side::BOTH {
            let state = SideState::Ready {
                root: self.sides[side].root(),
                identity: format!("{side} root"),
            };
            self.engine
                .handle(self.now, Input::SideState { side, state });
        }
    }

    /// Kills the engine and starts another one from what is stored.
    pub fn crash(&mut self) {
        self.pending.clear();
        self.engine = start(&self.sides, self.guard);
        let entries = self
            .store
            .iter()
            .map(|(id, record)| (*id, record.clone()))
            .collect();
        let values = self
            .values
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.engine.restore(Snapshot { entries, values });
        self.connect();
    }

    /// Loses the store: the next start is a first meeting.
    pub fn lose_store(&mut self) {
        self.store.clear();
        self.values.clear();
        self.crash();
    }

    /// Lets a user act, and the oracle note what is dead by it.
    pub fn act(&mut self, act: &UserAct) {
        self.note(|| format!("user: {act:?}"));
        match act {
            UserAct::Write(side, path) => {
                self.tokens += 1;
                let token = format!("token {}", self.tokens);
                self.write(*side, path, &token);
            }
            UserAct::WriteBoth(path) => {
                self.tokens += 1;
                let token = format!("token {}", self.tokens);
                for side in Side::BOTH {
                    self.write(side, path, &token);
                }
            }
            UserAct::Mkdir(side, path) => {
                let paths = self.sides[*side].user_mkdir(path);
                self.hint(*side, paths);
            }
            UserAct::Rename(side, from, to) => {
                let paths = self.sides[*side].user_rename(from, to);
                self.hint(*side, paths);
            }
            UserAct::Delete(side, path) => {
                let dead = self.sides[*side].contents_below(path);
                let paths = self.sides[*side].user_delete(path);
                for token in dead {
                    self.alive.remove(&token);
                }
                self.hint(*side, paths);
            }
            UserAct::Work(steps) => {
                for _ in 0..*steps {
                    self.step();
                }
            }
            UserAct::Crash => self.crash(),
        }
    }

    /// Writes a file as a user.
    pub fn write(&mut self, side: Side, path: &str, token: &str) {
        let old = self.sides[side].contents_below(path).pop();
        let paths = self.sides[side].user_write(path, token);
        if paths.is_empty() {
            return;
        }
        if let Some(old) = old
            && old != token
        {
            self.alive.remove(&old);
        }
        self.alive.insert(token.to_owned());
        self.hint(side, paths);
    }

    fn hint(&mut self, side: Side, paths: Vec<String>) {
        let mut events = Vec::new();
        for path in paths {
            if !self.random.chance(self.faults.lost_hint) {
                events.push(Event::Changed {
                    oid: None,
                    path: Some(path),
                });
            }
        }
        if !events.is_empty() {
            self.engine.handle(
                self.now,
                Input::Events {
                    side,
                    events,
                    cursor: None,
                },
            );
        }
    }

    /// Does one thing: takes an output, or answers one of those that are open, in any order. Returns
    /// false if there was nothing to do.
    pub fn step(&mut self) -> bool {
        while let Some(output) = self.engine.poll(self.now) {
            match output {
                Output::Notice(notice) => self.notices.push(notice),
                other => self.pending.push(other),
            }
        }
        if self.pending.is_empty() {
            match self.engine.next_wake() {
                Some(at) if !self.engine.status(self.now).at_rest => {
                    self.now = self.now.max(at);
                    return true;
                }
                _ => return false,
            }
        }
        self.now = self.now + Duration::from_millis(1);
        let at = self.random.below(self.pending.len());
        let output = self.pending.swap_remove(at);
        self.answer(output);
        true
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    fn answer(&mut self, output: Output) {
        let now = self.now;
        self.note(|| format!("{output:?}"));
        match output {
            Output::Notice(_) => {}
            Output::Persist(batch) => {
                let outcome = if self.random.chance(self.faults.store) {
                    Err(Failure::new(ErrorKind::OutOfSpace, "apply"))
                } else {
                    self.record(&batch);
                    Ok(())
                };
                self.engine.handle(
                    now,
                    Input::Persisted {
                        batch: batch.id,
                        outcome,
                    },
                );
            }
            Output::Query(Query::Walk { id, side, from }) => {
                let outcome = self.sides[side].walk(&from).map(|listings| {
                    self.engine.handle(
                        now,
                        Input::Listed {
                            query: id,
                            listings,
                        },
                    );
                });
                self.engine
                    .handle(now, Input::Walked { query: id, outcome });
            }
            Output::Query(Query::Info { id, side, at, .. }) => {
                let outcome = Ok(self.sides[side].info(&at));
                self.engine.handle(now, Input::Found { query: id, outcome });
            }
            Output::Query(Query::Hash {
                id,
                side,
                at,
                expect,
                ..
            }) => {
                let outcome = self.sides[side].hash(&at, &expect);
                self.engine
                    .handle(now, Input::Hashed { query: id, outcome });
            }
            Output::Operation(operation) => {
                let id = operation.id;
                let outcome = self.perform(operation);
                self.engine.handle(now, Input::Done(vec![(id, outcome)]));
            }
            Output::Question(_) => unreachable!("no question is asked by these settings"),
        }
    }

    fn record(&mut self, batch: &Batch) {
        if batch.clear {
            self.store.clear();
            self.values.clear();
        }
        for (id, record) in &batch.puts {
            self.store.insert(*id, record.clone());
        }
        for id in &batch.deletes {
            self.store.remove(id);
        }
        for (key, value) in &batch.values {
            match value {
                Some(value) => self.values.insert(key.clone(), value.clone()),
                None => self.values.remove(key),
            };
        }
    }

    fn perform(&mut self, operation: Operation) -> Result<Effect, Failure> {
        if self.random.chance(self.faults.fail) {
            return Err(Failure::new(ErrorKind::Unavailable, "perform"));
        }
        let side = operation.side;
        let content = match &operation.act {
            Act::Write {
                source: Source::Object { at, tag },
                ..
            } => Some(self.sides[side.other()].read(at, tag)?),
            _ => None,
        };
        let done = self.sides[side].perform(&operation.act, content);
        self.note(|| format!("  done: {done:?}"));
        self.check_alive(&operation);
        let (from, to) = touched(&operation.act);
        if done.is_ok() {
            self.performed.push(operation);
            // Our own changes come back as hints, like everybody else's.
            let paths = [from, to].into_iter().flatten().collect();
            self.hint(side, paths);
        }
        if done.is_ok() && self.random.chance(self.faults.lost_reply) {
            return Err(Failure::new(ErrorKind::Unavailable, "perform"));
        }
        done
    }

    /// Nothing that a user wrote and nobody replaced may be gone, at any moment.
    fn check_alive(&self, operation: &Operation) {
        let there: BTreeSet<String> = Side::BOTH
            .iter()
            .flat_map(|&side| self.sides[side].tree().into_values().flatten())
            .collect();
        for token in &self.alive {
            assert!(there.contains(token), "{token} was lost by {operation:?}");
        }
    }

    /// Lets the engine work until it rests. No more faults.
    ///
    /// # Panics
    /// If it does not come to rest.
    pub fn run(&mut self) {
        self.faults = Faults::default();
        for _ in 0..STEPS {
            if !self.step() {
                return;
            }
        }
        panic!(
            "no rest after {STEPS} steps: {:?}",
            self.engine.status(self.now)
        );
    }

    /// Lets everything come to rest, with a complete walk of both sides, and checks what must hold
    /// then: both sides equal, nothing lost, nothing left to do, not even after a restart.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn check(&mut self) {
        self.run();
        for _ in 0..2 {
            for side in Side::BOTH {
                let walk = Control::Walk {
                    side,
                    path: String::new(),
                };
                self.engine.handle(self.now, Input::Control(walk));
            }
            self.run();
        }
        let status = self.engine.status(self.now);
        assert_eq!(
            status.troubles.len(),
            0,
            "nothing fails: {:?}",
            status.troubles
        );
        self.check_equal();
        let performed = self.performed.len();
        let recorded = (self.store.clone(), self.values.clone());
        self.crash();
        self.run();
        self.check_equal();
        assert_eq!(
            self.performed.len(),
            performed,
            "a restart does nothing: {:?}",
            &self.performed[performed..]
        );
        let changed: Vec<_> = self
            .store
            .iter()
            .filter(|(id, record)| recorded.0.get(id) != Some(record))
            .collect();
        assert!(changed.is_empty(), "a restart records nothing: {changed:?}");
        assert_eq!(
            self.store.len(),
            recorded.0.len(),
            "a restart drops no record"
        );
        assert_eq!(self.values, recorded.1, "a restart changes no value");
    }

    fn check_equal(&self) {
        let (local, remote) = (self.sides.local.tree(), self.sides.remote.tree());
        let insensitive = Side::BOTH
            .iter()
            .any(|&side| !self.sides[side].rules().names.case_sensitive);
        if insensitive {
            // Names that a side takes for one may be written differently on the two.
            let folded = |tree: &BTreeMap<String, Option<String>>| -> BTreeMap<_, _> {
                tree.iter()
                    .map(|(path, what)| (path.to_lowercase(), what.clone()))
                    .collect()
            };
            assert_eq!(
                folded(&local),
                folded(&remote),
                "both sides are equal but for case"
            );
            assert_eq!(local.len(), remote.len(), "both sides have as many objects");
        } else {
            assert_eq!(local, remote, "both sides are equal");
        }
        for token in &self.alive {
            let there = local
                .values()
                .any(|content| content.as_ref() == Some(token));
            assert!(there, "{token} is there");
        }
        let rests: Vec<&String> = local
            .keys()
            .filter(|path| path.contains("parked"))
            .collect();
        assert!(rests.is_empty(), "nothing of ours is left: {rests:?}");
    }

    /// Returns how many operations of a kind were performed on a side.
    pub fn count(&self, side: Side, is: impl Fn(&Act) -> bool) -> usize {
        self.performed
            .iter()
            .filter(|done| done.side == side && is(&done.act))
            .count()
    }
}

fn touched(act: &Act) -> (Option<String>, Option<String>) {
    match act {
        Act::CreateFolder { target, .. } | Act::Write { target, .. } => (None, Some(target.path())),
        Act::Delete { at, .. } | Act::SetAttributes { at, .. } => (Some(at.path.clone()), None),
        Act::Rename { at, target, .. } => (Some(at.path.clone()), Some(target.path())),
    }
}

fn start(sides: &BySide<Storage>, guard: Option<Guard>) -> Engine {
    Engine::new(Config {
        rules: sides.as_ref().map(|storage| storage.rules().clone()),
        policy: Box::new(DefaultPolicy),
        aging: Duration::ZERO,
        on_conflict: ConflictPolicy::KeepBoth,
        guard,
        limits: Limits::default(),
        backoff: (Duration::from_millis(10), Duration::from_secs(1)),
        walk_every: BySide::new(None, None),
        dry_run: false,
    })
}
