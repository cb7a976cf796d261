//! The loop between the engine and the world. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{Control, Input, Output, Query, QueryId, SideState, Status};
use cloudsync_core::failure::Failure;
use cloudsync_core::notice::Notice as EngineNotice;
use cloudsync_core::rules::Rules;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;
use futures::stream::{BoxStream, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::alarm::takes_side_down;
use crate::conflict;
use crate::guarded::guarded;
use crate::hooks::Hooks;
use crate::met::versions;
use crate::notices::{Notice, NoticeBoard};
use crate::order::Order;
use crate::perform::Perform;
use crate::persist::Keeper;
use crate::query::Looker;
use crate::report::{Conflicted, Tally};
use crate::transfer::Answers;

/// Inputs that wait for the engine; whoever has more waits.
pub(crate) const INPUTS: usize = 256;

/// A running engine: the driver works on it, the application looks at it.
#[derive(Debug)]
pub(crate) struct Live {
    engine: Mutex<Engine>,
    begun: Instant,
    /// The engine was touched from outside: there may be something to do.
    touched: Notify,
}

impl Live {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine: Mutex::new(engine),
            begun: Instant::now(),
            touched: Notify::new(),
        }
    }

    /// Looks at the engine. The lock is held for moments only, by everybody.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Engine, Time) -> T) -> T {
        let mut engine = self.lock();
        look(&mut engine, self.now())
    }

    /// Tells the engine a wish.
    pub(crate) fn control(&self, wish: Control) {
        self.tell(Input::Control(wish));
    }

    /// Tells the engine something from outside of the driver, and the driver that there may be
    /// something to do.
    pub(crate) fn tell(&self, input: Input) {
        self.look(|engine, now| engine.handle(now, input));
        self.touch();
    }

    /// Tells the driver that there may be something to do.
    pub(crate) fn touch(&self) {
        self.touched.notify_one();
    }

    /// Returns how the engine is doing.
    pub(crate) fn status(&self) -> Status {
        self.look(|engine, now| engine.status(now))
    }

    /// Returns how long after the start it is. Taken under the lock: it never goes backwards.
    fn now(&self) -> Time {
        Time::since_start(self.begun.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the driver hands outputs to.
#[derive(Debug)]
pub(crate) struct Hands {
    pub(crate) performer: Arc<dyn Perform>,
    pub(crate) looker: Looker,
    pub(crate) keeper: Keeper,
    pub(crate) answers: Answers,
    pub(crate) board: NoticeBoard,
}

/// What went over the driver's desk, for whoever waits for a state of rest.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Changes and batches handed out and not answered.
    pub(crate) changes: usize,
    /// Queries and questions handed out and not answered.
    pub(crate) looks: usize,
    /// How often each side was said to be down since it was up.
    pub(crate) downs: BySide<u32>,
    /// Looks and walks of each side that failed in a row.
    pub(crate) unseen: BySide<Option<Streak>>,
    /// How often each side went down, and came up again, since anything was done.
    pub(crate) flaps: BySide<Option<Streak>>,
    /// How often in a row the store failed, and how the last time.
    pub(crate) store: (u32, Option<Failure>),
    /// A side came up with other rules than the engine was made with.
    pub(crate) outdated: bool,
}

impl Ledger {
    /// A query or question was answered.
    fn answered(&mut self) {
        self.looks = self.looks.saturating_sub(1);
    }

    /// A look at a side, or a walk of it, ended so.
    fn looked(&mut self, side: Option<Side>, failure: Option<&Failure>) {
        let Some(side) = side else { return };
        let before = self.unseen[side].take();
        self.unseen[side] = failure.map(|failure| Streak::go_on(before, failure));
    }

    /// A side went down.
    fn went_down(&mut self, side: Side, failure: &Failure) {
        if self.downs[side] == 0 {
            let before = self.flaps[side].take();
            self.flaps[side] = Some(Streak::go_on(before, failure));
        }
        self.downs[side] += 1;
    }
}

/// Failures in a row.
#[derive(Debug)]
pub(crate) struct Streak {
    /// How many.
    pub(crate) times: u32,
    /// Since when.
    pub(crate) since: Instant,
    /// The last one.
    pub(crate) failure: Failure,
}

impl Streak {
    fn go_on(before: Option<Self>, failure: &Failure) -> Self {
        Self {
            times: before.as_ref().map_or(0, |before| before.times) + 1,
            since: before.map_or_else(Instant::now, |before| before.since),
            failure: failure.clone(),
        }
    }
}

/// Drives one engine. Dropping it breaks off everything that runs, which loses nothing: whatever
/// was handed out is durable as an intent.
pub(crate) struct Driver {
    pub(crate) live: Arc<Live>,
    pub(crate) ledger: Ledger,
    pub(crate) tally: Tally,
    hooks: Arc<dyn Hooks>,
    hands: Hands,
    rules: BySide<Rules>,
    order: Order,
    /// The identities of the roots, as they were told.
    roots: BySide<Option<String>>,
    /// The looks and walks that are under way.
    looks: BTreeMap<QueryId, Side>,
    inputs: mpsc::Receiver<Input>,
    sink: mpsc::Sender<Input>,
    /// What only reads: feeds, queries, questions.
    reading: JoinSet<()>,
    /// Batches on their way.
    storing: JoinSet<()>,
}

impl Driver {
    /// Makes a driver of an engine that was made with `rules`, whose turns come in this order.
    /// `inputs` and `sink` are two ends of one channel.
    pub(crate) fn new(
        engine: Engine,
        (rules, order): (BySide<Rules>, Order),
        hooks: Arc<dyn Hooks>,
        hands: Hands,
        (sink, inputs): (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    ) -> Self {
        Self {
            live: Arc::new(Live::new(engine)),
            ledger: Ledger::default(),
            tally: Tally::default(),
            hooks,
            hands,
            rules,
            order,
            roots: BySide::default(),
            looks: BTreeMap::new(),
            inputs,
            sink,
            reading: JoinSet::new(),
            storing: JoinSet::new(),
        }
    }

    /// Takes in what a side tells, until it tells no more.
    pub(crate) fn listen(&mut self, side: Side, mut told: BoxStream<'static, Input>) {
        let sink = self.sink.clone();
        self.reading.spawn(async move {
            let pass_on = async {
                while let Some(input) = told.next().await {
                    if sink.send(input).await.is_err() {
                        break;
                    }
                }
            };
            if let Err(failure) = guarded("observe", pass_on).await {
                let _ = sink
                    .send(Input::SideState {
                        side,
                        state: SideState::Down(failure),
                    })
                    .await;
            }
        });
    }

    /// Hands out what there is to do, waits for the next thing that happens, and tells the engine.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn turn(&mut self) {
        self.hand_out();
        let wake = self.live.look(|engine, _| engine.next_wake());
        let wake = wake.map(|time| self.live.begun + time.elapsed());
        // No order is left to chance: it could not be had again.
        tokio::select! {
            biased;
            Some(input) = self.inputs.recv() => self.take(input),
            () = self.live.touched.notified() => {}
            () = alarm_clock(wake) => {}
        }
        // Several things that happened may come before what is to be done about the first.
        while self.order.turns_round()
            && let Ok(input) = self.inputs.try_recv()
        {
            self.take(input);
        }
    }

    /// Hands out everything that the engine has to do now.
    pub(crate) fn hand_out(&mut self) {
        let mut operations = Vec::new();
        // Told together: who listens is woken for many at once.
        let mut notices = Vec::new();
        while let Some(output) = self.live.look(Engine::poll) {
            match output {
                Output::Notice(EngineNotice::Conflict { path, kept_as }) => {
                    let hooks = &*self.hooks;
                    let look = |engine: &mut Engine, _| versions(engine, hooks, &path);
                    let versions = self.live.look(look);
                    let conflict = Conflicted {
                        path,
                        kept_as,
                        waits: false,
                        versions,
                    };
                    self.tally.conflict(conflict.clone());
                    notices.push(Notice::Conflict(conflict));
                }
                Output::Notice(notice) => {
                    self.tally.note(&notice);
                    notices.push(Notice::Engine(notice));
                }
                Output::Operation(operation) => operations.push(operation),
                Output::Persist(batch) => {
                    self.ledger.changes += 1;
                    let (keeper, sink) = (self.hands.keeper.clone(), self.sink.clone());
                    spawn(&mut self.storing, async move {
                        let _ = sink.send(keeper.persist(batch).await).await;
                    });
                }
                Output::Query(query) => {
                    self.ledger.looks += 1;
                    if let Query::Info { id, side, .. } | Query::Walk { id, side, .. } = query {
                        self.looks.insert(id, side);
                    }
                    let (looker, roots) = (self.hands.looker.clone(), self.roots.clone());
                    let look = looker.look(query, roots, self.sink.clone());
                    spawn(&mut self.reading, look);
                }
                Output::Question(question) => {
                    self.ledger.looks += 1;
                    let (hooks, answers) = (self.hooks.clone(), self.hands.answers.clone());
                    let providers = self.hands.looker.providers.clone();
                    let sink = self.sink.clone();
                    spawn(&mut self.reading, async move {
                        let input = conflict::ask(&*hooks, &providers, &answers, question).await;
                        let _ = sink.send(input).await;
                    });
                }
            }
        }
        for notice in notices {
            self.hands.board.tell(notice);
        }
        self.order.shuffle(&mut operations);
        if !operations.is_empty() {
            self.ledger.changes += operations.len();
            self.hands.performer.perform(operations);
        }
    }

    /// Tells the engine what happened.
    fn take(&mut self, input: Input) {
        let ledger = &mut self.ledger;
        match &input {
            Input::Done(outcomes) => {
                ledger.changes = ledger.changes.saturating_sub(outcomes.len());
                if outcomes.iter().any(|(_, outcome)| outcome.is_ok()) {
                    ledger.flaps = BySide::default();
                }
            }
            Input::Persisted { outcome, .. } => {
                ledger.changes = ledger.changes.saturating_sub(1);
                ledger.store = match outcome {
                    Ok(()) => (0, None),
                    Err(failure) => (ledger.store.0 + 1, Some(failure.clone())),
                };
            }
            Input::Answer { .. } | Input::Hashed { .. } => ledger.answered(),
            Input::Found { query, outcome } => {
                ledger.answered();
                ledger.looked(self.looks.remove(query), outcome.as_ref().err());
            }
            Input::Walked { query, outcome } => {
                ledger.answered();
                ledger.looked(self.looks.remove(query), outcome.as_ref().err());
            }
            Input::SideState {
                side,
                state: SideState::Ready { identity, .. },
            } => {
                ledger.downs[*side] = 0;
                self.roots[*side] = Some(identity.clone());
                let now = self.hands.looker.providers[*side].capabilities().rules;
                ledger.outdated |= now != self.rules[*side];
            }
            Input::SideState {
                side,
                state: SideState::Down(failure),
            } => ledger.went_down(*side, failure),
            Input::Control(_) | Input::Events { .. } | Input::Listed { .. } => {}
        }
        let takes_down = failures(&input).any(|failure| takes_side_down(failure.kind()));
        self.live.look(|engine, now| engine.handle(now, input));
        if takes_down {
            self.raise_alarms();
        }
        if self.is_quiet() && !self.hands.answers.is_empty() {
            let status = self.live.status();
            if status.at_rest && status.pending == 0 {
                self.hands.answers.clear();
            }
        }
    }

    /// Has a side connected again that the engine takes for down though its feed said that it is up:
    /// a late answer of the connection before.
    fn raise_alarms(&self) {
        let status = self.live.status();
        for side in Side::BOTH {
            if let (true, Some(failure)) = (self.ledger.downs[side] == 0, &status.down[side]) {
                self.hands.looker.alarms[side].hear(failure);
            }
        }
    }

    /// Returns true if nothing is handed out.
    pub(crate) fn is_quiet(&self) -> bool {
        self.ledger.changes == 0 && self.ledger.looks == 0
    }

    /// Lets what was begun end, for as long as `grace`, and records it; begins nothing.
    ///
    /// # Cancel safety
    /// As dropping the driver.
    pub(crate) async fn shut_down(&mut self, grace: Duration) {
        self.live.control(Control::Drain(true));
        self.reading.shutdown().await;
        let forgotten = self.hands.performer.forget_waiting();
        self.ledger.changes = self.ledger.changes.saturating_sub(forgotten);
        let until = Instant::now() + grace;
        loop {
            self.hand_out();
            let soon = Time::since_start(self.live.begun.elapsed()) + Duration::from_millis(200);
            let wakes_soon = self
                .live
                .look(|engine, _| engine.next_wake())
                .is_some_and(|t| t < soon);
            if self.ledger.changes == 0 && !wakes_soon {
                break;
            }
            if tokio::time::timeout_at(until, self.turn()).await.is_err() {
                tracing::info!(
                    changes = self.ledger.changes,
                    "stopped before all had ended"
                );
                break;
            }
        }
    }
}

/// The failures that an answer tells of.
fn failures(input: &Input) -> impl Iterator<Item = &Failure> {
    let (outcomes, one) = match input {
        Input::Done(outcomes) => (outcomes.as_slice(), None),
        Input::Found { outcome, .. } => (&[][..], outcome.as_ref().err()),
        Input::Hashed { outcome, .. } => (&[][..], outcome.as_ref().err()),
        Input::Persisted { outcome, .. } | Input::Walked { outcome, .. } => {
            (&[][..], outcome.as_ref().err())
        }
        _ => (&[][..], None),
    };
    outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.as_ref().err())
        .chain(one)
}

/// A task of which nobody takes the result; ended ones are cleared away.
fn spawn(tasks: &mut JoinSet<()>, task: impl Future<Output = ()> + Send + 'static) {
    while tasks.try_join_next().is_some() {}
    tasks.spawn(task);
}

/// Waits until `time`, and a little in any case: a time that is over already must not spin.
async fn alarm_clock(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.max(Instant::now() + Duration::from_millis(1))).await,
        None => std::future::pending().await,
    }
}
