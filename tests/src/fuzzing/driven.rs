//! An engine between two storages of the model world, and what it was told: for answers in any order,
//! again, wrong, or never asked for, which the driver of the model world does not give.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{
    Act, Answer, Config, ConflictPolicy, Control, Effect, Input, Limits, Operation, Output, Query,
    Resolution, SideState, Source, Status,
};
use cloudsync_core::event::{Cursor, Event};
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::object::Oid;
use cloudsync_core::record::Snapshot;
use cloudsync_core::rules::Feed;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Scope, SideSetup, Storage};
use cloudsync_core::time::Time;

/// It has to be at rest after so many answers, and so many waits.
const MOST_ANSWERS: usize = 20_000;
const MOST_WAITS: usize = 200;
/// How much of what was said is kept, to be said again.
const MEMORY: usize = 16;

#[derive(Debug)]
pub(super) struct Driven {
    pub(super) engine: Engine,
    pub(super) storages: BySide<Storage>,
    pub(super) now: Time,
    /// What the engine asked for and got no answer to.
    pub(super) open: Vec<Output>,
    /// What it was told last.
    pub(super) said: Vec<Input>,
    /// What users wrote, and nobody wrote over or deleted.
    alive: BTreeSet<String>,
    written: usize,
}

impl Driven {
    /// Starts with two storages, nothing in them, and what a store has. No side is up.
    pub(super) fn new(
        setup: BySide<SideSetup>,
        on_conflict: ConflictPolicy,
        stored: Snapshot,
    ) -> Self {
        let storages = BySide::from_fn(|side| Storage::new(setup[side], side as i64));
        let engine = Engine::new(Config {
            rules: storages.as_ref().map(|storage| storage.rules().clone()),
            policy: Arc::new(Scope::default()),
            aging: Duration::ZERO,
            on_conflict,
            guard: None,
            limits: Limits::default(),
            backoff: (Duration::from_millis(10), Duration::from_secs(1)),
            walk_every: BySide::new(None, None),
            dry_run: false,
        });
        Self {
            engine: engine.restored(stored),
            storages,
            now: Time::ZERO,
            open: Vec::new(),
            said: Vec::new(),
            alive: BTreeSet::new(),
            written: 0,
        }
    }

    /// Tells the engine something.
    pub(super) fn tell(&mut self, input: Input) {
        if self.said.len() == MEMORY {
            self.said.remove(0);
        }
        self.said.push(input.clone());
        self.now = self.now + Duration::from_millis(1);
        self.engine.handle(self.now, input);
    }

    /// Takes what it asks for.
    pub(super) fn poll(&mut self) {
        while let Some(output) = self.engine.poll(self.now) {
            if !matches!(output, Output::Notice(_)) {
                self.open.push(output);
            }
        }
    }

    /// Brings a side up, as its feed has it: it is down before, and a cursor comes first.
    pub(super) fn connect(&mut self, side: Side) {
        let state = SideState::Down(Failure::new(ErrorKind::Disconnected, "fuzz"));
        self.tell(Input::SideState { side, state });
        if self.storages[side].rules().feed == Feed::Resumable {
            let path = String::new();
            self.tell(Input::Events {
                side,
                events: vec![Event::Lost { path }],
                cursor: Some(Cursor::new("now")),
            });
        }
        let state = SideState::Ready {
            root: self.storages[side].root(),
            identity: identity(side),
        };
        self.tell(Input::SideState { side, state });
    }

    /// Lets a user write what nobody wrote before. Returns what the feed would tell.
    pub(super) fn write(&mut self, side: Side, path: &str) -> Vec<Event> {
        self.written += 1;
        let content = format!("token {}", self.written);
        let old = self.storages[side].contents_below(path);
        let touched = self.storages[side].user_write(path, &content);
        if !touched.is_empty() {
            self.alive.retain(|content| !old.contains(content));
            self.alive.insert(content);
        }
        self.events(side, touched)
    }

    pub(super) fn mkdir(&mut self, side: Side, path: &str) -> Vec<Event> {
        let touched = self.storages[side].user_mkdir(path);
        self.events(side, touched)
    }

    pub(super) fn rename(&mut self, side: Side, from: &str, to: &str) -> Vec<Event> {
        let touched = self.storages[side].user_rename(from, to);
        self.events(side, touched)
    }

    pub(super) fn delete(&mut self, side: Side, path: &str) -> Vec<Event> {
        let old = self.storages[side].contents_below(path);
        self.alive.retain(|content| !old.contains(content));
        let touched = self.storages[side].user_delete(path);
        self.events(side, touched)
    }

    fn events(&self, side: Side, touched: Vec<(u64, String)>) -> Vec<Event> {
        let event = |(id, path): (u64, String)| Event::Changed {
            oid: Some(self.storages[side].oid(id)),
            path: Some(path),
        };
        touched.into_iter().map(event).collect()
    }

    /// Does what is asked for, and returns what there is to tell of it.
    pub(super) fn answer(&mut self, output: Output) -> Vec<Input> {
        match output {
            Output::Notice(_) => vec![],
            Output::Persist(batch) => vec![Input::Persisted {
                batch: batch.id,
                outcome: Ok(()),
            }],
            Output::Query(Query::Walk { id, side, from }) => {
                let query = id;
                match self.storages[side].walk(&from) {
                    Ok(listings) => vec![
                        Input::Listed { query, listings },
                        Input::Walked {
                            query,
                            outcome: Ok(()),
                        },
                    ],
                    Err(failure) => vec![Input::Walked {
                        query,
                        outcome: Err(failure),
                    }],
                }
            }
            Output::Query(Query::Info { id, side, at, .. }) => vec![Input::Found {
                query: id,
                outcome: Ok(self.storages[side].info(&at)),
            }],
            Output::Query(Query::Hash {
                id,
                side,
                at,
                expect,
                kind,
                ..
            }) => vec![Input::Hashed {
                query: id,
                outcome: self.storages[side].hash(&at, &expect, kind),
            }],
            Output::Operation(operation) => {
                let outcome = self.perform(&operation);
                vec![Input::Done(vec![(operation.id, outcome)])]
            }
            Output::Question(question) => vec![Input::Answer {
                question: question.id,
                answer: Answer::Resolved(Resolution::KeepBoth),
            }],
        }
    }

    fn perform(&mut self, operation: &Operation) -> Result<Effect, Failure> {
        let side = operation.side;
        let content = match &operation.act {
            Act::Write {
                source: Source::Object { at, tag },
                ..
            } => {
                let read = self.storages[side.other()].read(at, tag);
                Some(read.map_err(|_| Failure::new(ErrorKind::SourceChanged, "read"))?)
            }
            Act::Write {
                source: Source::Answer(_),
                ..
            } => return Err(Failure::new(ErrorKind::SourceChanged, "read")),
            _ => None,
        };
        self.storages[side].perform(&operation.act, content)
    }

    /// Brings both sides up, answers all as it is, has both sides walked, and lets it come to rest.
    ///
    /// # Panics
    /// If it does not.
    pub(super) fn rest(&mut self) -> Status {
        self.tell(Input::Control(Control::Drain(false)));
        for side in Side::BOTH {
            self.connect(side);
        }
        self.run();
        for _ in 0..2 {
            for side in Side::BOTH {
                let path = String::new();
                self.tell(Input::Control(Control::Walk { side, path }));
            }
            self.run();
        }
        self.engine.status(self.now)
    }

    fn run(&mut self) {
        let mut waits = 0;
        for _ in 0..MOST_ANSWERS {
            self.poll();
            if let Some(output) = self.open.pop() {
                for input in self.answer(output) {
                    self.tell(input);
                }
                continue;
            }
            if self.bring_up() {
                continue;
            }
            let status = self.engine.status(self.now);
            let tries = status
                .troubles
                .iter()
                .any(|trouble| trouble.retry_in.is_some());
            match self.engine.next_wake() {
                Some(at) if !status.at_rest || (tries && waits < MOST_WAITS) => {
                    waits += 1;
                    assert!(waits <= 10 * MOST_WAITS, "no rest: {status:?}");
                    self.now = self.now.max(at);
                }
                _ => {
                    assert!(status.at_rest, "it stands still: {status:?}");
                    return;
                }
            }
        }
        panic!("no rest: {:?}", self.engine.status(self.now));
    }

    /// Connects a side that a late answer of the connection before took down. Returns true if there was one.
    fn bring_up(&mut self) -> bool {
        let down = self.engine.status(self.now).down;
        let mut was_down = false;
        for side in Side::BOTH.into_iter().filter(|&side| down[side].is_some()) {
            was_down = true;
            self.connect(side);
            // It was told of another root before: whoever means it has the pair forgotten.
            if self.engine.status(self.now).down[side].is_some() {
                self.tell(Input::Control(Control::Forget));
                self.connect(side);
            }
        }
        was_down
    }

    /// Checks that both sides have the same, and all that nobody gave up.
    ///
    /// # Panics
    /// If they have not.
    pub(super) fn check_equal(&self) {
        let trees = self.storages.as_ref().map(Storage::tree);
        assert_eq!(trees.local, trees.remote, "both sides are equal");
        for content in &self.alive {
            let mut contents = self.storages.local.contents();
            assert!(contents.any(|at| at == content), "{content} is there");
        }
    }
}

pub(super) fn identity(side: Side) -> String {
    format!("{side} root")
}

/// The id of an object of a storage.
pub(super) fn oid(number: u8) -> Oid {
    Oid::new(u64::from(number).to_le_bytes())
}
