//! A pair as it was built: two sides, a store, hooks, settings; and how it is doing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloudsync_core::engine::io::{Config, ConflictPolicy, Guard, Limits, Status};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::rules::{self, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::Provider;
use cloudsync_store::Store;
use tokio::sync::Notify;

use crate::driver::Live;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::feed::{Feed, Observe};
use crate::hooks::{Hooks, HooksPolicy};
use crate::notices::NoticeBoard;
use crate::order::Order;
use crate::perform::{Outcomes, Perform, PerformContext};
use crate::session::Session;

/// Makes what performs operations, instead of the default.
pub(crate) type MakePerform =
    dyn Fn(PerformContext, Outcomes) -> Arc<dyn Perform> + Send + Sync + 'static;
/// Makes what watches a side, around the default.
pub(crate) type MakeObserve = dyn Fn(Side, Feed) -> Box<dyn Observe> + Send + Sync + 'static;

/// Settings that were chosen, or left to their defaults.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) sleep: Option<BySide<Duration>>,
    pub(crate) aging: Option<Duration>,
    pub(crate) on_conflict: Option<ConflictPolicy>,
    /// `None`: deletions are never held.
    pub(crate) guard: Option<Guard>,
    pub(crate) limits: Option<Limits>,
    pub(crate) backoff: Option<(Duration, Duration)>,
    pub(crate) walk_every: BySide<WalkEvery>,
    pub(crate) keep_missing_roots: bool,
    pub(crate) seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sleep: None,
            aging: None,
            on_conflict: None,
            guard: Some(Guard::default()),
            limits: None,
            backoff: None,
            walk_every: BySide::default(),
            keep_missing_roots: false,
            seed: None,
        }
    }
}

/// How often a side is walked although nothing was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum WalkEvery {
    /// As its feed needs it.
    #[default]
    Feed,
    Never,
    Time(Duration),
}

pub(crate) struct Pair {
    pub(crate) endpoints: BySide<Endpoint>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) board: NoticeBoard,
    pub(crate) perform: Option<Box<MakePerform>>,
    pub(crate) observe: Option<Box<MakeObserve>>,
    pub(crate) wakes: BySide<Arc<Notify>>,
    /// Whether the feed of a side lost its place.
    pub(crate) lost_feeds: BySide<Arc<AtomicBool>>,
    /// Held by whoever drives the pair: there is one at most.
    pub(crate) session: tokio::sync::Mutex<Option<Session>>,
    /// Tells a run that it is to end.
    pub(crate) interrupt: Notify,
    settings: Mutex<Settings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The engine that runs.
    live: Option<Arc<Live>>,
    /// How the last one was doing when it ended.
    last: Status,
    /// Sides to be walked at the next start.
    need_walk: BySide<bool>,
    claim: Option<Claim>,
    is_over: bool,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({})", self.label())
    }
}

/// What a pair is made of.
pub(crate) struct Parts {
    pub(crate) endpoints: BySide<Endpoint>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) perform: Option<Box<MakePerform>>,
    pub(crate) observe: Option<Box<MakeObserve>>,
    pub(crate) settings: Settings,
    pub(crate) claim: Claim,
}

impl Pair {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            endpoints,
            store,
            hooks,
            perform,
            observe,
            settings,
            claim,
        } = parts;
        Self {
            endpoints,
            store,
            hooks,
            perform,
            observe,
            board: NoticeBoard::new(),
            wakes: BySide::default(),
            lost_feeds: BySide::default(),
            session: tokio::sync::Mutex::default(),
            interrupt: Notify::new(),
            settings: Mutex::new(settings),
            state: Mutex::new(State {
                claim: Some(claim),
                ..State::default()
            }),
        }
    }

    pub(crate) fn providers(&self) -> BySide<Arc<dyn Provider>> {
        BySide::from_fn(|side| self.endpoints[side].provider.clone())
    }

    /// Returns the text that names the pair in a store.
    pub(crate) fn label(&self) -> String {
        label(&*self.hooks, &self.endpoints).pair
    }

    /// Returns how long each side's feed rests when it has nothing.
    pub(crate) fn sleep(&self) -> BySide<Duration> {
        let default = |side| self.endpoints[side].provider.capabilities().default_sleep;
        self.settings()
            .sleep
            .unwrap_or_else(|| BySide::from_fn(default))
    }

    /// Returns how long a change rests before it is acted on.
    pub(crate) fn aging(&self) -> Duration {
        let sleep = self.sleep();
        self.settings()
            .aging
            .unwrap_or(sleep.local.max(sleep.remote) / 5)
    }

    pub(crate) fn set_aging(&self, aging: Duration) {
        self.settings().aging = Some(aging);
        if let Some(live) = self.live() {
            live.look(|engine, _| engine.set_aging(aging));
            live.touch();
        }
    }

    /// Returns the order in which a new driver takes turns.
    pub(crate) fn order(&self) -> Order {
        Order::new(self.settings().seed)
    }

    pub(crate) fn creates_roots(&self) -> bool {
        !self.settings().keep_missing_roots
    }

    /// Returns the settings of an engine for sides with these rules.
    pub(crate) fn config(&self, rules: BySide<Rules>, dry_run: bool) -> Config {
        let (sleep, aging) = (self.sleep(), self.aging());
        let settings = self.settings();
        let longest = sleep.local.max(sleep.remote);
        let backoff = (
            (longest / 10).max(Duration::from_millis(50)),
            longest.saturating_mul(10).max(Duration::from_mins(1)),
        );
        let walk_every =
            BySide::from_fn(|side| match (settings.walk_every[side], rules[side].feed) {
                (WalkEvery::Never, _) => None,
                (WalkEvery::Time(time), _) => Some(time),
                (WalkEvery::Feed, rules::Feed::None) => {
                    Some(sleep[side].max(Duration::from_mins(1)))
                }
                (WalkEvery::Feed, rules::Feed::Volatile) => Some(Duration::from_hours(1)),
                (WalkEvery::Feed, rules::Feed::Resumable) => Some(Duration::from_hours(24)),
            });
        Config {
            rules,
            policy: Arc::new(HooksPolicy(self.hooks.clone())),
            aging,
            on_conflict: settings.on_conflict.unwrap_or_default(),
            guard: settings.guard,
            limits: settings.limits.unwrap_or_default(),
            backoff: settings.backoff.unwrap_or(backoff),
            walk_every,
            dry_run,
        }
    }

    /// Says that an engine runs, or no longer.
    pub(crate) fn set_live(&self, live: Option<Arc<Live>>) {
        let last = self.live().map(|live| live.status());
        let mut state = self.state();
        if let Some(last) = last {
            state.last = last;
        }
        state.live = live;
    }

    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.state().live.clone()
    }

    /// Notes how it was doing when it was last looked at.
    pub(crate) fn set_last(&self, status: Status) {
        self.state().last = status;
    }

    /// Notes that an engine is on its way: what the last one saw completely was seen then.
    pub(crate) fn set_opening(&self) {
        self.state().last.complete = false;
    }

    /// Notes why no engine could be made.
    pub(crate) fn set_store_failed(&self, failure: &Error) {
        self.state().last.store = Some(failure.failure().clone());
    }

    /// Returns how the pair is doing, or was when it last ran.
    pub(crate) fn status(&self) -> Status {
        match self.live() {
            Some(live) => live.status(),
            None => self.state().last.clone(),
        }
    }

    pub(crate) fn set_need_walk(&self, side: Side, need: bool) {
        self.state().need_walk[side] = need;
    }

    /// Returns which sides are to be walked, and forgets it.
    pub(crate) fn take_need_walk(&self) -> BySide<bool> {
        std::mem::take(&mut self.state().need_walk)
    }

    /// Ends the pair for good: its providers are free for another one.
    pub(crate) fn set_over(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.claim = None;
    }

    pub(crate) fn check_not_over(&self, operation: &'static str) -> Result<()> {
        if self.state().is_over {
            return Err(Error::invalid(operation, "it was stopped for good"));
        }
        Ok(())
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a pair is called in a store.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) pair: String,
    /// What it would be called with its sides the other way round, if that depends on it.
    pub(crate) reversed: Option<String>,
}

/// Returns the text that names a pair: as the hooks say, else by its sides.
pub(crate) fn label(hooks: &dyn Hooks, endpoints: &BySide<Endpoint>) -> Label {
    let in_order = |first, second| format!("{} | {}", endpoints[first], endpoints[second]);
    match hooks.storage_label() {
        Some(pair) => Label {
            pair,
            reversed: None,
        },
        None => Label {
            pair: in_order(Side::Local, Side::Remote),
            reversed: Some(in_order(Side::Remote, Side::Local)),
        },
    }
}

/// Providers that a pair has for itself, in the whole process, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Claim(Vec<usize>);

static CLAIMED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

impl Claim {
    /// Claims two providers.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] where another pair has one of them; [`ErrorKind::Invalid`] where both
    /// are the same.
    pub(crate) fn new(providers: &BySide<Arc<dyn Provider>>) -> Result<Self> {
        let key = |provider: &Arc<dyn Provider>| Arc::as_ptr(provider).cast::<()>() as usize;
        let keys = [key(&providers.local), key(&providers.remote)];
        if keys[0] == keys[1] {
            return Err(Error::invalid("build", "both sides are the same provider"));
        }
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = keys.iter().position(|key| claimed.contains(key)) {
            return Err(Error::new(ErrorKind::Locked, "build")
                .with_side(Side::BOTH[at])
                .with_detail("the provider belongs to another pair"));
        }
        claimed.extend(keys);
        Ok(Self(keys.to_vec()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.0 {
            claimed.remove(key);
        }
    }
}
