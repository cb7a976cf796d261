//! Builds a pair: two locations or providers, everything else by default.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloudsync_core::engine::io::{ConflictPolicy, Guard, Limits};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::object::{Kind, Oid};
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::Credentials;
use cloudsync_provider::filesystem::Durability;
use cloudsync_provider::registry::Registry;
use cloudsync_store::{Flush, MemoryStore, Opening, SqliteStore, Store};

use crate::cloudsync::CloudSync;
use crate::conflict::{Decision, Version};
use crate::endpoint::{Endpoint, Given, Of};
use crate::error::{Error, Result};
use crate::feed::{Feed, Observe};
use crate::hooks::{Closures, Hooks, NoHooks};
use crate::location;
use crate::pair::{Claim, MakeObserve, MakePerform, Pair, Parts, Settings, WalkEvery, label};
use crate::perform::{Outcomes, Perform, PerformContext};

/// Builds a [`CloudSync`]. Only the two sides are needed.
#[must_use = "nothing is built before `build`"]
pub struct Builder {
    given: BySide<Given>,
    roots: BySide<Option<String>>,
    root_oids: BySide<Option<Oid>>,
    credentials: BySide<Option<Credentials>>,
    registry: Option<Registry>,
    durability: Durability,
    store: StoreGiven,
    hooks: Closures,
    perform: Option<Box<MakePerform>>,
    observe: Option<Box<MakeObserve>>,
    settings: Settings,
}

enum StoreGiven {
    File(PathBuf),
    Memory,
    Own(Arc<dyn Store>),
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("given", &self.given)
            .field("roots", &self.roots)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Builder {
    pub(crate) fn new(local: Given, remote: Given) -> Self {
        Self {
            given: BySide::new(local, remote),
            roots: BySide::default(),
            root_oids: BySide::default(),
            credentials: BySide::default(),
            registry: None,
            durability: Durability::default(),
            store: StoreGiven::Memory,
            hooks: Closures::over(Arc::new(NoHooks)),
            perform: None,
            observe: None,
            settings: Settings::default(),
        }
    }

    /// Sets the root of each side by path, in the providers' own terms; for locations, in place of the
    /// path in them.
    pub fn roots(mut self, local: impl Into<String>, remote: impl Into<String>) -> Self {
        self.roots = BySide::new(Some(local.into()), Some(remote.into()));
        self
    }

    /// Sets the root of each side by id, which is preferred over a path.
    pub fn root_oids(mut self, local: Oid, remote: Oid) -> Self {
        self.root_oids = BySide::new(Some(local), Some(remote));
        self
    }

    /// Sets the providers that locations may name; by default those of [`registry`](crate::registry).
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Sets how much of what is written is made durable, and when; by default [`Durability::Batch`].
    /// With [`Durability::None`] the file of [`Builder::state_file`] is not flushed either: after a
    /// power cut files and state may be lost, or not fit each other. Providers that were given, or
    /// come from an own registry, are as they are.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets what a side connects with.
    pub fn credentials(mut self, side: Side, credentials: Credentials) -> Self {
        self.credentials[side] = Some(credentials);
        self
    }

    /// Keeps the state in this store. By default it is in memory: each new pair is a first meeting.
    pub fn storage(mut self, store: impl Store) -> Self {
        self.store = StoreGiven::Own(Arc::new(store));
        self
    }

    /// Keeps the state in a file of `SQLite`'s, made where there is none.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = StoreGiven::File(path.into());
        self
    }

    /// Sets how long each side's feed rests when it has nothing to tell; by default as its provider
    /// says. Aging and backoff follow it where they are not set.
    pub fn sleep(mut self, local: Duration, remote: Duration) -> Self {
        self.settings.sleep = Some(BySide::new(local, remote));
        self
    }

    /// Sets how long a change rests before it is acted on; by default a fifth of the longer sleep.
    pub fn aging(mut self, aging: Duration) -> Self {
        self.settings.aging = Some(aging);
        self
    }

    /// Sets what the application decides and hears. Closures set here stand over it.
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks.set_base(Arc::new(hooks));
        self
    }

    /// Translates paths: [`Hooks::translate`]. `id` names the closure with its settings, see
    /// [`Hooks::policy_id`].
    pub fn translate(
        mut self,
        id: impl Into<String>,
        translate: impl Fn(Side, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.set_translate(id.into(), translate);
        self
    }

    /// Orders changes: [`Hooks::prioritize`].
    pub fn prioritize(
        mut self,
        prioritize: impl Fn(Side, &str) -> i32 + Send + Sync + 'static,
    ) -> Self {
        self.hooks.set_prioritize(prioritize);
        self
    }

    /// Leaves out what the closure says no to, besides what is left out already: [`Hooks::wanted`].
    /// `id` names the closure with its settings, see [`Hooks::policy_id`].
    pub fn wanted(
        mut self,
        id: impl Into<String>,
        wanted: impl Fn(Side, &str, Kind) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add_wanted(id.into(), wanted);
        self
    }

    /// Decides conflicts: [`Hooks::resolve_conflict`]. Sets [`ConflictPolicy::Ask`], unless
    /// [`Builder::on_conflict`] says otherwise.
    pub fn resolve_conflict<F, R>(mut self, resolve: F) -> Self
    where
        F: Fn(Version, Version) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Decision>>> + Send + 'static,
    {
        self.hooks.set_resolve(resolve);
        self.settings.on_conflict.get_or_insert(ConflictPolicy::Ask);
        self
    }

    /// Sets what is done about conflicts; by default both versions are kept.
    pub fn on_conflict(mut self, policy: ConflictPolicy) -> Self {
        self.settings.on_conflict = Some(policy);
        self
    }

    /// Sets when deletions are held; `None`: never.
    pub fn guard(mut self, guard: impl Into<Option<Guard>>) -> Self {
        self.settings.guard = guard.into();
        self
    }

    /// Sets how much may be under way at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = Some(limits);
        self
    }

    /// Sets the shortest and the longest wait before a failed entry is tried again.
    pub fn backoff(mut self, shortest: Duration, longest: Duration) -> Self {
        self.settings.backoff = Some((shortest, longest));
        self
    }

    /// Sets how often a side is walked although nothing was told of it; `None`: never. By default
    /// each minute or `sleep` without a feed, each hour with one that forgets, else each day.
    pub fn walk_every(mut self, side: Side, time: impl Into<Option<Duration>>) -> Self {
        self.settings.walk_every[side] = time.into().map_or(WalkEvery::Never, WalkEvery::Time);
        self
    }

    /// Draws the order of turns from a seed, wherever more than one is possible: what is taken in
    /// before something is done about it, and what is begun first. For tests: it has to come out the
    /// same in any order. By default all goes in the order in which it comes.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Leaves it at an error where a root is missing. By default missing roots are made at a first
    /// meeting, and only then.
    pub fn keep_missing_roots(mut self) -> Self {
        self.settings.keep_missing_roots = true;
        self
    }

    /// Sets what performs operations; a default to wrap is made with
    /// [`Performer::new`](crate::Performer::new). Called at each start.
    pub fn perform(
        mut self,
        make: impl Fn(PerformContext, Outcomes) -> Arc<dyn Perform> + Send + Sync + 'static,
    ) -> Self {
        self.perform = Some(Box::new(make));
        self
    }

    /// Sets what watches a side, made from or around the default. Called at each start.
    pub fn observe(
        mut self,
        make: impl Fn(Side, Feed) -> Box<dyn Observe> + Send + Sync + 'static,
    ) -> Self {
        self.observe = Some(Box::new(make));
        self
    }

    /// Checks the settings and builds the pair; opens the state. Nothing is connected yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a location that says nothing, a side without a root (unless paths
    /// are translated), the same or overlapping folders; [`ErrorKind::Locked`] where another pair has
    /// a provider or the state; [`ErrorKind::Reversed`] where the state file is of these two sides, the
    /// other way round; [`ErrorKind::StoreUnusable`].
    pub async fn build(self) -> Result<CloudSync> {
        let BySide { local, remote } = self.given;
        if let (Of::Location(local), Of::Location(remote)) = (&local.0, &remote.0)
            && local == remote
        {
            return Err(Error::invalid("build", "both sides are the same").with_path(local));
        }
        let registry = self
            .registry
            .unwrap_or_else(|| location::registry_with(self.durability));
        let mut endpoints = BySide::new(
            Endpoint::resolve(local, &registry).map_err(|e| e.with_side(Side::Local))?,
            Endpoint::resolve(remote, &registry).map_err(|e| e.with_side(Side::Remote))?,
        );
        for side in Side::BOTH {
            let endpoint = &mut endpoints[side];
            if let Some(path) = &self.roots[side] {
                endpoint.root.path = Some(path.clone());
            }
            if let Some(oid) = &self.root_oids[side] {
                endpoint.root.oid = Some(oid.clone());
            }
            if let Some(credentials) = &self.credentials[side] {
                endpoint.credentials = Some(credentials.clone());
            }
            if endpoint.root.path.is_none() && endpoint.root.oid.is_none() {
                if !self.hooks.translates() {
                    return Err(
                        Error::invalid("build", "a root is needed, or an own `translate`")
                            .with_side(side),
                    );
                }
                endpoint.root.path = Some("/".to_owned());
            }
        }
        check_apart(&endpoints)?;
        let providers = BySide::from_fn(|side| endpoints[side].provider.clone());
        let claim = Claim::new(&providers)?;
        let hooks: Arc<dyn Hooks> = Arc::new(self.hooks);
        let store: Arc<dyn Store> = match self.store {
            StoreGiven::Memory => Arc::new(MemoryStore::new()),
            StoreGiven::Own(store) => store,
            StoreGiven::File(path) => {
                let flush = match self.durability {
                    Durability::None => Flush::Never,
                    Durability::Batch | Durability::Full => Flush::EachCommit,
                };
                let label = label(&*hooks, &endpoints);
                let opening = Opening {
                    pair: &label.pair,
                    reversed: label.reversed.as_deref(),
                    flush,
                };
                Arc::new(SqliteStore::open_with(path, opening).await?)
            }
        };
        let (perform, observe, settings) = (self.perform, self.observe, self.settings);
        let parts = Parts {
            endpoints,
            store,
            hooks,
            perform,
            observe,
            settings,
            claim,
        };
        Ok(CloudSync::new(Pair::new(parts)))
    }
}

/// Refuses sides of which one is in the other.
fn check_apart(endpoints: &BySide<Endpoint>) -> Result<()> {
    let overlap = match (
        endpoints.local.local_folder(),
        endpoints.remote.local_folder(),
    ) {
        (Some(local), Some(remote)) => local.starts_with(&remote) || remote.starts_with(&local),
        _ => false,
    };
    if overlap {
        return Err(Error::new(ErrorKind::Invalid, "build")
            .with_path(&endpoints.remote)
            .with_detail("one root is in the other, or both are the same"));
    }
    Ok(())
}
