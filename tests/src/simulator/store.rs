//! The store among faults: busy, full, its answer lost, the end before or after a commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use async_trait::async_trait;
use cloudsync::store::{Intake, MemoryDisk, Opened, Result, SqliteStore, Store};
use cloudsync::{ErrorKind, Failure, MemoryStore};
use cloudsync_core::record::{Batch, IntendedAct, RenamePurpose, Snapshot};
use cloudsync_store::{Flush, Opening};
use futures::future::BoxFuture;
use tempfile::TempDir;

use super::faults::Kind;
use super::life::Life;

/// Names the pair in a file.
const PAIR: &str = "simulated";

/// Where the state outlives a life.
pub(super) enum Disk {
    Memory(MemoryDisk),
    File(TempDir, Clerk),
}

impl Disk {
    /// An empty one.
    pub(super) fn new(in_file: bool) -> std::io::Result<Self> {
        if in_file {
            return Ok(Disk::File(TempDir::new()?, Clerk::hire()?));
        }
        Ok(Disk::Memory(MemoryDisk::new()))
    }

    /// Opens it, as a process does.
    pub(super) fn open(&self) -> Result<Backend> {
        match self {
            Disk::Memory(disk) => Ok(Backend::Memory(disk.open()?)),
            Disk::File(folder, clerk) => {
                let path = folder.path().join("state");
                let opened = clerk.ask(|| Box::pin(open_file(path)));
                Ok(Backend::File(Arc::new(opened?), clerk.clone()))
            }
        }
    }

    /// Loses all that is kept.
    pub(super) fn lose(&mut self, in_file: bool) -> std::io::Result<()> {
        *self = Self::new(in_file)?;
        Ok(())
    }
}

async fn open_file(path: PathBuf) -> Result<SqliteStore> {
    let opening = Opening {
        pair: PAIR,
        reversed: None,
        flush: Flush::Never,
    };
    SqliteStore::open_with(path, opening).await
}

type Job = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Does what takes real time on a thread of its own, while virtual time stands still.
#[derive(Clone, Debug)]
pub(super) struct Clerk(mpsc::Sender<Job>);

impl Clerk {
    fn hire() -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        thread::Builder::new().spawn(move || {
            while let Ok(job) = jobs.recv() {
                runtime.block_on(job());
            }
        })?;
        Ok(Self(sender))
    }

    /// Has something done, and waits for it.
    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> BoxFuture<'static, Result<T>> + Send + 'static,
    ) -> Result<T> {
        let gone = || Failure::new(ErrorKind::StoreUnusable, "store").with_detail("no clerk");
        let (sender, answer) = mpsc::channel();
        let job: Job = Box::new(move || {
            Box::pin(async move {
                // Nobody but us waits for it.
                let _ = sender.send(job().await);
            })
        });
        self.0.send(job).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

/// An open store.
#[derive(Debug)]
pub(super) enum Backend {
    Memory(MemoryStore),
    File(Arc<SqliteStore>, Clerk),
}

impl Backend {
    /// Returns everything, and how it was found.
    async fn load(&self) -> Result<(Snapshot, Opened)> {
        let mut snapshot = Snapshot::default();
        match self {
            Backend::Memory(store) => {
                let opened = store.load(&mut snapshot).await?;
                Ok((snapshot, opened))
            }
            Backend::File(store, clerk) => {
                let store = store.clone();
                clerk.ask(|| {
                    Box::pin(async move {
                        let opened = store.load(&mut snapshot).await?;
                        Ok((snapshot, opened))
                    })
                })
            }
        }
    }

    async fn apply(&self, batch: &Batch) -> Result<()> {
        match self {
            Backend::Memory(store) => store.apply(batch).await,
            Backend::File(store, clerk) => {
                let (store, batch) = (store.clone(), batch.clone());
                clerk.ask(|| Box::pin(async move { store.apply(&batch).await }))
            }
        }
    }

    async fn set_aside(&self, reason: &str) -> Result<Opened> {
        match self {
            Backend::Memory(store) => store.set_aside(reason).await,
            Backend::File(store, clerk) => {
                let (store, reason) = (store.clone(), reason.to_owned());
                clerk.ask(|| Box::pin(async move { store.set_aside(&reason).await }))
            }
        }
    }

    async fn close(&self) -> Result<()> {
        match self {
            Backend::Memory(store) => store.close().await,
            Backend::File(store, clerk) => {
                let store = store.clone();
                clerk.ask(|| Box::pin(async move { store.close().await }))
            }
        }
    }
}

/// A store among faults. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct HostileStore {
    life: Arc<Life>,
    backend: Arc<Backend>,
}

impl HostileStore {
    pub(super) fn new(life: Arc<Life>, backend: Backend) -> Self {
        let backend = Arc::new(backend);
        Self { life, backend }
    }

    /// Ends it as the end of a process does: the lock is free.
    pub(super) async fn abandon(&self) -> Result<()> {
        self.backend.close().await
    }

    /// Returns what is kept.
    pub(super) async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.backend.load().await?.0)
    }

    fn count(&self, batch: &Batch) {
        let mut state = self.life.sim.lock();
        state.tally.count("batch");
        for (_, record) in &batch.puts {
            let Some(intent) = &record.intent else {
                continue;
            };
            state.tally.count("batch with an intent");
            if let IntendedAct::Rename { purpose, .. } = &intent.act {
                match purpose {
                    RenamePurpose::Park => state.tally.count("batch with a parking intent"),
                    RenamePurpose::Undo => state.tally.count("batch with an undoing intent"),
                    RenamePurpose::Carry | RenamePurpose::Split | RenamePurpose::SplitOwn => {}
                }
            }
        }
    }
}

#[async_trait]
impl Store for HostileStore {
    async fn load(&self, intake: &mut dyn Intake) -> Result<Opened> {
        self.life.point("crash before a call").await;
        let (snapshot, opened) = self.backend.load().await?;
        let is_open = |(_, record): &(_, cloudsync_core::record::Record)| record.intent.is_some();
        if snapshot.entries.iter().any(is_open) {
            self.life.sim.count("crash with an open intent");
            self.life.sim.lock().is_unsure = true;
        }
        intake.begin(snapshot.values, snapshot.entries.len());
        intake.records(snapshot.entries);
        Ok(opened)
    }

    async fn apply(&self, batch: &Batch) -> Result<()> {
        let sim = &self.life.sim;
        if !sim.step(None, None) {
            return std::future::pending().await;
        }
        self.life.point("crash before a commit").await;
        let fault = sim.hit(|kind| {
            matches!(
                kind,
                Kind::StoreBusy | Kind::StoreFull | Kind::StoreReplyLost
            )
        });
        let error = |kind| Err(Failure::new(kind, "store apply").with_detail("as told"));
        let sum = (batch.puts.len(), batch.deletes.len(), batch.values.len());
        sim.note(format_args!(
            "batch {sum:?} {}",
            fault.map_or("", Kind::name)
        ));
        match fault {
            Some(Kind::StoreBusy) => return error(ErrorKind::Unavailable),
            Some(Kind::StoreFull) => return error(ErrorKind::OutOfSpace),
            _ => self.backend.apply(batch).await?,
        }
        self.count(batch);
        self.life.point("crash after a commit").await;
        match fault {
            Some(Kind::StoreReplyLost) => error(ErrorKind::Unavailable),
            _ => Ok(()),
        }
    }

    async fn set_aside(&self, reason: &str) -> Result<Opened> {
        self.life.sim.note(format_args!("set aside: {reason}"));
        self.backend.set_aside(reason).await
    }

    async fn close(&self) -> Result<()> {
        self.life.point("crash before a commit").await;
        self.backend.close().await
    }
}
