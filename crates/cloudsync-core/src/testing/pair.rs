//! Two storages, an engine between them, a store, and users.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::hash::Hash as _;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::io::{
    Config, ConflictPolicy, Control, Guard, Input, Limits, Operation, QuestionId, SideState,
};
use crate::event::{Cursor, Event};
use crate::failure::{ErrorKind, Failure};
use crate::notice::Notice;
use crate::policy::Policy;
use crate::record::{EntryId, Record, Snapshot};
use crate::rules::{Feed, Identity};
use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::driving::Open;
use crate::testing::fingerprint::Fingerprint;
use crate::testing::random::Random;
use crate::testing::scope::Scope;
use crate::testing::setup::{Faults, SideSetup};
use crate::testing::situations::Situations;
use crate::testing::storage::{Storage, Touched};
use crate::testing::translation::Translation;
use crate::time::Time;

/// Two storages that an engine keeps equal.
#[derive(Clone, Debug)]
pub struct ModelPair {
    /// The storages.
    pub sides: BySide<Storage>,
    /// What the engine told.
    pub notices: Vec<Notice>,
    /// Operations that were performed.
    pub performed: Vec<Operation>,
    /// What happened, line by line, once it is asked for.
    pub trace: Option<Vec<String>>,
    /// What was reached.
    pub situations: Situations,
    /// Steps that were made.
    pub steps: u64,
    pub(super) engine: Engine,
    pub(super) store: BTreeMap<EntryId, Record>,
    pub(super) values: BTreeMap<String, Vec<u8>>,
    pub(super) now: Time,
    pub(super) random: Random,
    pub(super) faults: Faults,
    pub(super) open: Vec<Open>,
    pub(super) up: BySide<bool>,
    feeds: BySide<FeedLog>,
    guard: Option<Guard>,
    pub(super) scope: Scope,
    on_conflict: ConflictPolicy,
    pub(super) translation: Option<Translation>,
    /// What the application made of two versions, as long as the engine lives.
    pub(super) merged: BTreeMap<QuestionId, String>,
    /// If set, each conflict is decided by merging, with or without keeping both versions.
    pub(super) merges: Option<bool>,
    /// So many looks fail next.
    pub(super) failing_looks: u32,
    tokens: u32,
    pub(super) alive: BTreeSet<String>,
    /// What was in files that users deleted, by path.
    thrown: BySide<BTreeMap<String, String>>,
    /// What users deleted, by path.
    pub(super) deleted: BySide<BTreeSet<String>>,
}

/// What the feed of a side has to tell, and how far it came.
#[derive(Clone, Hash, Debug, Default)]
struct FeedLog {
    events: Vec<Event>,
    told: usize,
    /// The engine came up with this side since it was started.
    met: bool,
}

impl ModelPair {
    /// Starts with two empty storages of the plain kind.
    pub fn new(identities: BySide<Identity>, case_sensitive: BySide<bool>, seed: u64) -> Self {
        let setup = BySide::from_fn(|side| SideSetup {
            identity: identities[side],
            case_sensitive: case_sensitive[side],
            ..SideSetup::default()
        });
        Self::with(setup, seed)
    }

    /// Starts with two empty storages.
    pub fn with(setup: BySide<SideSetup>, seed: u64) -> Self {
        let sides = BySide::from_fn(|side| Storage::new(setup[side], side as i64));
        let stored = (BTreeMap::new(), BTreeMap::new());
        let mut pair = Self::start(sides, stored, Scope::default(), seed);
        pair.connect();
        pair
    }

    /// Makes another world that goes on from what is stored here, by another policy, with the engine not
    /// yet connected: what users do before the first step happens while nobody looks.
    #[must_use]
    pub fn fork(&self, scope: Scope, seed: u64) -> Self {
        let stored = (self.store.clone(), self.values.clone());
        let mut pair = Self::start(self.sides.clone(), stored, scope, seed);
        pair.feeds = BySide::from_fn(|side| FeedLog {
            met: false,
            ..self.feeds[side].clone()
        });
        pair.guard = self.guard;
        pair.on_conflict = self.on_conflict;
        pair.translation = self.translation;
        pair.alive.clone_from(&self.alive);
        pair.tokens = self.tokens;
        pair.now = self.now;
        pair
    }

    fn start(
        sides: BySide<Storage>,
        (store, values): (BTreeMap<EntryId, Record>, BTreeMap<String, Vec<u8>>),
        scope: Scope,
        seed: u64,
    ) -> Self {
        let on_conflict = ConflictPolicy::KeepBoth;
        let engine = engine(
            &sides,
            None,
            &scope,
            on_conflict,
            None,
            snapshot(&store, &values),
        );
        Self {
            sides,
            notices: Vec::new(),
            performed: Vec::new(),
            trace: None,
            situations: Situations::default(),
            steps: 0,
            engine,
            store,
            values,
            now: Time::ZERO,
            random: Random::new(seed),
            faults: Faults::default(),
            open: Vec::new(),
            up: BySide::default(),
            feeds: BySide::default(),
            guard: None,
            scope,
            on_conflict,
            translation: None,
            merged: BTreeMap::new(),
            merges: None,
            failing_looks: 0,
            tokens: 0,
            alive: BTreeSet::new(),
            thrown: BySide::default(),
            deleted: BySide::default(),
        }
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

    /// Sets what is done about conflicts, from the next start on. Questions are answered at random.
    pub fn set_on_conflict(&mut self, on_conflict: ConflictPolicy) {
        self.on_conflict = on_conflict;
    }

    /// Lets each question be answered with merged content, with or without keeping both versions.
    pub fn merge_always(&mut self, keep_both: bool) {
        self.merges = Some(keep_both);
    }

    /// Sets how paths are translated, from the next start on.
    pub fn set_translation(&mut self, translation: Option<Translation>) {
        self.translation = translation;
    }

    /// Lets so many looks fail, from now on.
    pub fn fail_looks(&mut self, count: u32) {
        self.failing_looks = count;
    }

    /// Lets a user set the time of a file, in nanoseconds.
    pub fn set_time(&mut self, side: Side, path: &str, mtime: i64) {
        let touched = self.sides[side].user_set_time(path, mtime);
        self.hint(side, touched);
    }

    /// Returns the time in this world.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Tells the engine a wish.
    pub fn control(&mut self, control: Control) {
        self.engine.handle(self.now, Input::Control(control));
    }

    /// Brings up whatever side is down.
    pub fn connect(&mut self) {
        for side in Side::BOTH {
            self.connect_side(side);
        }
    }

    fn connect_side(&mut self, side: Side) {
        if self.up[side] {
            return;
        }
        self.up[side] = true;
        if self.sides[side].rules().feed == Feed::Resumable {
            self.resume_feed(side);
        }
        let state = SideState::Ready {
            root: self.sides[side].root(),
            identity: format!("{side} root"),
        };
        let input = Input::SideState { side, state };
        self.engine.handle(self.now, input);
    }

    /// A cursor is held, and all that happened since is told, before a side is ready.
    fn resume_feed(&mut self, side: Side) {
        let first = !self.feeds[side].met;
        self.feeds[side].met = true;
        let walks = first && self.engine.needs_walk(side);
        let expired = self.random.chance(self.faults.expired);
        if !walks && expired {
            self.situations.count("cursor expired");
        }
        if walks || expired {
            let lost = Event::Lost {
                path: String::new(),
            };
            let events = if walks { vec![] } else { vec![lost] };
            self.feeds[side].told = self.feeds[side].events.len();
            self.tell(side, events, true);
            return;
        }
        if first {
            self.situations.count("resumed without a walk");
            let cursor = self.engine.cursor(side).expect("a feed that was stored");
            let told = String::from_utf8_lossy(cursor.as_bytes()).parse();
            self.feeds[side].told = told.expect("our own cursor");
        }
        self.deliver(side);
    }

    fn disconnect(&mut self, side: Side) {
        if !self.up[side] {
            return;
        }
        self.situations.count("fault: side down");
        self.up[side] = false;
        let late = |open: &Open| matches!(open, Open::Late { side: of, .. } if *of == side);
        self.open.retain(|open| !late(open));
        let state = SideState::Down(Failure::new(ErrorKind::Disconnected, "model"));
        let input = Input::SideState { side, state };
        self.engine.handle(self.now, input);
    }

    /// Kills the engine and starts another one from what is stored.
    pub fn crash(&mut self) {
        self.situations.count("crash");
        if self.store.values().any(|record| record.intent.is_some()) {
            self.situations.count("crash with an open intent");
        }
        if self.faults.outlives > 0 {
            self.take_outputs();
        }
        let open = std::mem::take(&mut self.open);
        self.open = open
            .into_iter()
            .filter_map(|at| self.outlives(at))
            .collect();
        self.merged.clear();
        self.engine = engine(
            &self.sides,
            self.guard,
            &self.scope,
            self.on_conflict,
            self.translation,
            snapshot(&self.store, &self.values),
        );
        self.up = BySide::default();
        for side in Side::BOTH {
            self.feeds[side].met = false;
        }
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
                let token = self.token();
                self.write(*side, path, &token);
            }
            UserAct::WriteBoth(path) => {
                let token = self.token();
                for side in Side::BOTH {
                    self.write(side, path, &token);
                }
            }
            UserAct::WriteThis(side, path, content) => {
                self.write(*side, path, content);
            }
            UserAct::Mkdir(side, path) => {
                let touched = self.sides[*side].user_mkdir(path);
                self.hint(*side, touched);
            }
            UserAct::Rename(side, from, to) => {
                let touched = self.sides[*side].user_rename(from, to);
                if !touched.is_empty() && from != to && from.eq_ignore_ascii_case(to) {
                    self.situations.count("case-only rename");
                }
                self.hint(*side, touched);
            }
            UserAct::Delete(side, path) => {
                let below = format!("{path}/");
                for (at, (_, item)) in self.sides[*side].objects() {
                    if let Some(content) = &item.content
                        && (at == *path || at.starts_with(&below))
                    {
                        self.thrown[*side].insert(at, content.clone());
                    }
                }
                let dead = self.sides[*side].contents_below(path);
                let touched = self.sides[*side].user_delete(path);
                for token in dead {
                    self.alive.remove(&token);
                }
                let paths = touched.iter().map(|(_, path)| path.clone());
                self.deleted[*side].extend(paths);
                self.hint(*side, touched);
            }
            UserAct::Touch(side, path, what) => {
                let touched = self.sides[*side].user_touch(path, *what);
                self.hint(*side, touched);
            }
            UserAct::Work(steps) => {
                for _ in 0..*steps {
                    self.step();
                }
            }
            UserAct::Crash => self.crash(),
            UserAct::Choose(scope) => {
                self.scope = scope.clone();
                self.crash();
            }
            UserAct::Down(side) => self.disconnect(*side),
            UserAct::Up(side) => self.connect_side(*side),
        }
    }

    /// Writes down all that decides how it goes on, but for the time and what was drawn. `by_age`: it also
    /// counts what has been going on for longest.
    pub(super) fn write_state(&self, to: &mut Fingerprint, by_age: bool) -> fmt::Result {
        self.engine.write_state(to)?;
        for side in Side::BOTH {
            self.sides[side].write_state(to);
        }
        (&self.store, &self.values, &self.feeds, self.up).hash(to);
        (&self.alive, &self.thrown, &self.merged).hash(to);
        let mut open: Vec<&Open> = self.open.iter().collect();
        if !by_age {
            open.sort_by_cached_key(|open| format!("{open:?}"));
        }
        write!(to, "{open:?}")
    }

    /// Lets users act.
    pub fn act_all(&mut self, acts: &[UserAct]) {
        for act in acts {
            self.act(act);
        }
    }

    pub(super) fn token(&mut self) -> String {
        self.tokens += 1;
        format!("token {}", self.tokens)
    }

    /// Writes a file as a user.
    pub fn write(&mut self, side: Side, path: &str, token: &str) {
        let old = self.sides[side].contents_below(path).pop();
        let touched = self.sides[side].user_write(path, token);
        if touched.is_empty() {
            return;
        }
        if old.as_deref() != Some(token) {
            if let Some(old) = old {
                self.alive.remove(&old);
            }
            if !self.is_back(side, path, token) {
                self.alive.insert(token.to_owned());
            }
        }
        self.hint(side, touched);
    }

    /// What comes back as it was counts as never touched; where no ids tell moves, as moved if it is elsewhere.
    fn is_back(&self, side: Side, path: &str, token: &str) -> bool {
        let thrown = &self.thrown[side];
        match self.sides[side].rules().identity {
            Identity::Stable => thrown.get(path).is_some_and(|content| content == token),
            Identity::Path => thrown.values().any(|content| content == token),
        }
    }

    /// Tells the engine of changes, as well as the feed and the faults let it.
    pub(super) fn hint(&mut self, side: Side, touched: Vec<Touched>) {
        let storage = &self.sides[side];
        let by_id = storage.setup.hints_by_id;
        let both = storage.setup.id_lookup;
        let event = |(id, path)| Event::Changed {
            oid: (by_id || both).then(|| storage.oid(id)),
            path: (!by_id).then_some(path),
        };
        // What happens in a folder that moves about is told by paths that it has for a moment.
        let moved = match &touched[..] {
            [_, (_, to)] if !by_id && storage.at(to).is_some_and(|id| storage.is_folder(id)) => {
                Some(Event::Lost { path: to.clone() })
            }
            _ => None,
        };
        let events: Vec<Event> = touched.into_iter().map(event).chain(moved).collect();
        match storage.rules().feed {
            Feed::None => {}
            Feed::Resumable => {
                self.feeds[side].events.extend(events);
                if self.random.chance(self.faults.late_hint) {
                    self.situations.count("fault: hint late");
                    self.open.push(Open::Feed(side));
                } else {
                    self.deliver(side);
                }
            }
            Feed::Volatile => self.hint_once(side, events),
        }
    }

    fn hint_once(&mut self, side: Side, events: Vec<Event>) {
        if !self.up[side] {
            return;
        }
        let mut now = Vec::new();
        let mut late = Vec::new();
        for event in events {
            if self.random.chance(self.faults.lost_hint) {
                self.situations.count("fault: hint lost");
            } else if self.random.chance(self.faults.late_hint) {
                self.situations.count("fault: hint late");
                late.push(event);
            } else {
                if self.random.chance(self.faults.doubled_hint) {
                    self.situations.count("fault: hint doubled");
                    late.push(event.clone());
                }
                now.push(event);
            }
        }
        for event in late {
            let events = vec![event];
            self.open.push(Open::Late { side, events });
        }
        if !now.is_empty() {
            self.tell(side, now, false);
        }
    }

    /// Tells what a feed with a cursor has to tell.
    pub(super) fn deliver(&mut self, side: Side) {
        if !self.up[side] {
            return;
        }
        let doubled = self.random.chance(self.faults.doubled_hint);
        let feed = &mut self.feeds[side];
        let from = feed.told.saturating_sub(if doubled { 2 } else { 0 });
        let events = feed.events[from..].to_vec();
        feed.told = feed.events.len();
        if !events.is_empty() {
            self.tell(side, events, true);
        }
    }

    pub(super) fn tell(&mut self, side: Side, events: Vec<Event>, with_cursor: bool) {
        let told = self.feeds[side].told;
        let cursor = with_cursor.then(|| Cursor::new(told.to_string()));
        let input = Input::Events {
            side,
            events,
            cursor,
        };
        self.note(|| format!("{input:?}"));
        self.engine.handle(self.now, input);
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }
}

fn snapshot(store: &BTreeMap<EntryId, Record>, values: &BTreeMap<String, Vec<u8>>) -> Snapshot {
    Snapshot {
        entries: store.iter().map(|(id, at)| (*id, at.clone())).collect(),
        values: values.clone().into_iter().collect(),
    }
}

fn engine(
    sides: &BySide<Storage>,
    guard: Option<Guard>,
    scope: &Scope,
    on_conflict: ConflictPolicy,
    translation: Option<Translation>,
    snapshot: Snapshot,
) -> Engine {
    let policy: Arc<dyn Policy> = match translation {
        Some(translation) => Arc::new(translation),
        None => Arc::new(scope.clone()),
    };
    let engine = Engine::new(Config {
        rules: sides.as_ref().map(|storage| storage.rules().clone()),
        policy,
        aging: Duration::ZERO,
        on_conflict,
        guard,
        limits: Limits::default(),
        backoff: (Duration::from_millis(10), Duration::from_secs(1)),
        walk_every: BySide::new(None, None),
        dry_run: false,
    });
    engine.restored(snapshot)
}
