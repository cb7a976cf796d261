//! What the scenarios stand on: a pair over two mocked services, users on both sides, and the ways
//! in which every scenario is run.
//!
//! Side A is local and its root is `/local`, side B is remote and its root is `/remote`. B knows its
//! objects by id; A by path or by id. All waits are in virtual time: a test that uses a [`Pair`] runs
//! under a paused clock.

#![allow(clippy::missing_panics_doc, reason = "panicking is how a test fails")]

pub mod fuzzing;
mod hand;
pub mod killing;
pub mod mount;
#[cfg(feature = "power")]
pub mod power;
pub mod simulator;
mod way;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloudsync::provider::mock::{Call, CallLog, MockConfig, MockProvider, MockService};
use cloudsync::store::MemoryDisk;
use cloudsync::{
    BySide, CloudSync, EngineNotice, Given, MemoryStore, Notice, Notices, Side, Stop, SyncReport,
};
use futures::StreamExt;
use tokio::time::{Instant, sleep};

pub use cloudsync::Builder;
pub use hand::{Did, Hand};
pub use way::{Drive, Way, in_all_ways, in_ways, with_ways};

/// What makes a pair other than the default.
pub struct Setup {
    /// The way.
    pub way: Way,
    /// What the services are like.
    pub configs: BySide<MockConfig>,
    build: Box<dyn FnOnce(Builder) -> Builder>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setup({})", self.way)
    }
}

impl Setup {
    /// A pair in this way.
    pub fn new(way: Way) -> Self {
        Self {
            way,
            configs: way.configs(),
            build: Box::new(|builder| builder),
        }
    }

    /// Changes what a service is like.
    #[must_use]
    pub fn config(mut self, side: Side, change: impl FnOnce(&mut MockConfig)) -> Self {
        change(&mut self.configs[side]);
        self
    }

    /// Changes the settings of the pair.
    #[must_use]
    pub fn build(mut self, build: impl FnOnce(Builder) -> Builder + 'static) -> Self {
        let before = self.build;
        self.build = Box::new(|builder| build(before(builder)));
        self
    }

    /// Makes the pair.
    pub async fn pair(self) -> Pair {
        let services = self.configs.map(MockService::new);
        Pair::over(self.way, services, MemoryStore::new(), self.build).await
    }
}

/// A pair over two mocked services.
#[derive(Debug)]
pub struct Pair {
    /// How it is driven.
    pub way: Way,
    /// The two services.
    pub services: BySide<MockService>,
    /// The clients that the pair uses.
    pub clients: BySide<MockProvider>,
    /// The pair.
    pub sync: CloudSync,
    /// Where its state is.
    pub disk: MemoryDisk,
    /// What the last single run reported.
    pub report: Option<SyncReport>,
    heard: Arc<Mutex<Vec<Notice>>>,
}

impl Pair {
    /// A pair in this way, with nothing on either side.
    pub async fn new(way: Way) -> Self {
        Setup::new(way).pair().await
    }

    /// A pair over services that there are, with new clients.
    pub async fn over(
        way: Way,
        services: BySide<MockService>,
        store: MemoryStore,
        build: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let clients = BySide::from_fn(|side| services[side].client());
        let disk = store.disk().clone();
        let builder = CloudSync::builder(
            Given::provider(clients.local.clone()),
            Given::provider(clients.remote.clone()),
        )
        .roots("/local", "/remote")
        .storage(store);
        let builder = if way.shuffled {
            builder.seed(way::seed())
        } else {
            builder
        };
        let sync = build(builder).build().await.expect("a pair");
        let heard: Arc<Mutex<Vec<Notice>>> = Arc::default();
        tokio::spawn(hear(sync.notices(), heard.clone()));
        Self {
            way,
            services,
            clients,
            sync,
            disk,
            report: None,
            heard,
        }
    }

    /// Ends this pair for good and makes a new one over the same services and state.
    pub async fn reopen(self) -> Self {
        self.reopen_with(|builder| builder).await
    }

    /// As [`Pair::reopen`], with other settings.
    pub async fn reopen_with(self, build: impl FnOnce(Builder) -> Builder) -> Self {
        self.sync.stop(Stop::Forever).await;
        let Self {
            way,
            services,
            disk,
            sync,
            ..
        } = self;
        drop(sync);
        let store = disk.open().expect("the state is free");
        Self::over(way, services, store, build).await
    }

    /// The user of a side, whose paths start at its root.
    pub fn user(&self, side: Side) -> Hand {
        let root = match side {
            Side::Local => "/local",
            Side::Remote => "/remote",
        };
        Hand(self.services[side].user_at(root))
    }

    /// The user of A.
    pub fn a(&self) -> Hand {
        self.user(Side::Local)
    }

    /// The user of B.
    pub fn b(&self) -> Hand {
        self.user(Side::Remote)
    }

    /// Lets it run until it is at rest and both sides agree.
    pub async fn settle(&mut self) {
        self.rest().await;
        if let Some(report) = &self.report {
            assert!(report.in_sync(), "{report:?}");
        }
        let status = self.sync.status();
        assert_eq!(status.pending, 0, "{status:?}");
        assert!(status.troubles.is_empty(), "{status:?}");
    }

    /// Lets it run until it is at rest, whatever is left.
    pub async fn rest(&mut self) {
        match self.way.drive {
            Drive::Live => self.rest_live().await,
            Drive::Once | Drive::Walks => {
                self.report = Some(self.sync.run_once().await.expect("a run"));
            }
        }
        // Lets what listens hear the last of it.
        sleep(Duration::from_millis(1)).await;
    }

    async fn rest_live(&mut self) {
        if !self.sync.started() {
            self.sync.start().expect("not started");
        }
        let begun = Instant::now();
        let mut quiet = 0;
        while quiet < 3 {
            sleep(Duration::from_secs(2)).await;
            let status = self.sync.status();
            let is_quiet = status.at_rest && status.complete && status.in_flight == 0;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            assert!(
                begun.elapsed() < Duration::from_hours(2),
                "not at rest after two hours: {status:?}"
            );
        }
    }

    /// Lets it run for a while, in ways that run all the time.
    pub async fn run_for(&self, time: Duration) {
        if !self.sync.started() {
            self.sync.start().expect("not started");
        }
        sleep(time).await;
    }

    /// Settles, and says what that took: changes made on each side.
    pub async fn settle_and_count(&mut self) -> BySide<Did> {
        self.forget_heard();
        self.settle().await;
        self.changed()
    }

    /// Returns the notices of the engine heard since they were last forgotten.
    pub fn notices(&self) -> Vec<EngineNotice> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .filter_map(|notice| match notice {
                Notice::Engine(notice) => Some(notice.clone()),
                _ => None,
            })
            .collect()
    }

    /// Forgets what was heard.
    pub fn forget_heard(&self) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clear();
    }

    /// Returns the changes told of since notices were last forgotten.
    pub fn changed(&self) -> BySide<Did> {
        let mut changed = BySide::<Did>::default();
        for notice in self.notices() {
            if let EngineNotice::Done {
                side, operation, ..
            } = notice
            {
                match operation {
                    "copy" => changed[side].copied += 1,
                    "create_folder" => changed[side].folders += 1,
                    "rename" => changed[side].renamed += 1,
                    "delete" => changed[side].deleted += 1,
                    _ => {}
                }
            }
        }
        changed
    }

    /// Returns the names under which losers of conflicts were told to be kept.
    pub fn conflicts(&self) -> Vec<(String, Option<String>)> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |notice: &Notice| match notice {
            Notice::Conflict(met) => Some((met.path.clone(), met.kept_as.clone())),
            _ => None,
        };
        heard.iter().filter_map(told).collect()
    }

    /// Returns what was asked of a side's client since this was last called.
    pub fn take_log(&self, side: Side) -> CallLog {
        self.clients[side].take_log()
    }

    /// Returns how many calls that read or change objects both clients got since their logs were
    /// last taken.
    pub fn take_work(&self) -> usize {
        let work = |log: CallLog| log.count(Call::Read) + log.operations().count();
        work(self.take_log(Side::Local)) + work(self.take_log(Side::Remote))
    }

    /// Checks that both sides are the same and have no conflict names.
    #[track_caller]
    pub fn assert_equal(&self) {
        let (a, b) = (self.a().tree(), self.b().tree());
        assert_eq!(a, b, "A and B are the same ({})", self.way);
        let conflicted = a.keys().find(|path| path.contains(".conflicted"));
        assert_eq!(conflicted, None, "no conflict names ({})", self.way);
    }

    /// Checks that both sides have this: path and content, `/` for a folder.
    #[track_caller]
    pub fn assert_both(&self, expected: &[(&str, &str)]) {
        for side in Side::BOTH {
            self.assert_side(side, expected);
        }
    }

    /// Checks that a side has this.
    #[track_caller]
    pub fn assert_side(&self, side: Side, expected: &[(&str, &str)]) {
        let expected: BTreeMap<_, _> = expected
            .iter()
            .map(|(path, content)| ((*path).to_owned(), (*content).to_owned()))
            .collect();
        assert_eq!(self.user(side).tree(), expected, "{side} ({})", self.way);
    }
}

async fn hear(mut notices: Notices, heard: Arc<Mutex<Vec<Notice>>>) {
    while let Some(notice) = notices.next().await {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(notice);
    }
}
