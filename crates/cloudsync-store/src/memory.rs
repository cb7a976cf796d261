//! A store in memory: for tests, and for pairs that need not outlive their process.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::record::{Batch, EntryId, Record, Snapshot};

use crate::store::{self, FoundState, Intake, Opened, Result, Store, Unfit};

/// What outlives a [`MemoryStore`], as a disk outlives a process: open it, drop the store, and open
/// it again. Clones are the same disk. It can be told to fail.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

/// How an application of a batch fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is written; trying again can help.
    Busy,
    /// Nothing is written: no space.
    Full,
    /// All is written, but the caller hears of a failure.
    LostReply,
    /// Nothing is written, and trying again does not help.
    Unusable,
}

#[derive(Default)]
struct Disk {
    entries: BTreeMap<EntryId, Record>,
    values: BTreeMap<String, Vec<u8>>,
    was_made: bool,
    damage: Option<Unfit>,
    run: u64,
    is_open: bool,
    faults: VecDeque<Fault>,
    applied: u64,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("entries", &self.entries.len())
            .field("values", &self.values.len())
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl MemoryDisk {
    /// Makes an empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it, as a process opens a file: [`ErrorKind::Locked`] while another store is open on it.
    pub fn open(&self) -> Result<MemoryStore> {
        let mut disk = self.lock();
        if disk.is_open {
            return Err(Failure::new(ErrorKind::Locked, "store lock")
                .with_detail("held by another engine of this process"));
        }
        disk.is_open = true;
        let found = if let Some(reason) = disk.damage.take() {
            disk.wipe();
            FoundState::SetAside {
                reason,
                kept_as: PathBuf::new(),
            }
        } else if disk.was_made {
            FoundState::Existing
        } else {
            FoundState::Fresh
        };
        disk.was_made = true;
        disk.run += 1;
        drop(disk);
        Ok(MemoryStore {
            disk: self.clone(),
            session: Mutex::new(Session {
                found,
                is_open: true,
            }),
        })
    }

    /// Makes a coming application of a batch fail; told more than once, the next ones in this order.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Damages what is kept: the next opening finds it so, and sets it aside.
    pub fn damage(&self, detail: &str) {
        self.lock().damage = Some(Unfit::Damaged(detail.to_owned()));
    }

    /// Returns what is kept.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().snapshot()
    }

    /// Returns how many batches were applied so far, repeated ones included.
    pub fn applied(&self) -> u64 {
        self.lock().applied
    }

    /// A panic elsewhere leaves the disk whole: a batch is applied without any that can fail.
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn wipe(&mut self) {
        self.entries.clear();
        self.values.clear();
        self.run = 0;
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            entries: self
                .entries
                .iter()
                .map(|(id, record)| (*id, record.clone()))
                .collect(),
            values: self
                .values
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        }
    }

    fn apply(&mut self, batch: &Batch) {
        if batch.clear {
            self.entries.clear();
            self.values.clear();
        }
        for id in &batch.deletes {
            self.entries.remove(id);
        }
        self.entries.extend(batch.puts.iter().cloned());
        for (key, value) in &batch.values {
            match value {
                Some(value) => self.values.insert(key.clone(), value.clone()),
                None => self.values.remove(key),
            };
        }
        self.applied += 1;
    }
}

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
    session: Mutex<Session>,
}

#[derive(Debug)]
struct Session {
    found: FoundState,
    is_open: bool,
}

impl MemoryStore {
    /// Makes an empty store, gone when it is dropped. See [`MemoryDisk::open`] for one that is not.
    pub fn new() -> Self {
        let found = FoundState::Fresh;
        let disk = Disk {
            was_made: true,
            run: 1,
            is_open: true,
            ..Disk::default()
        };
        Self {
            disk: MemoryDisk(Arc::new(Mutex::new(disk))),
            session: Mutex::new(Session {
                found,
                is_open: true,
            }),
        }
    }

    /// Returns the disk that it is on.
    pub fn disk(&self) -> &MemoryDisk {
        &self.disk
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the session, where it is not over.
    fn open_session(&self, operation: &'static str) -> Result<MutexGuard<'_, Session>> {
        let session = self.session();
        if session.is_open {
            Ok(session)
        } else {
            Err(store::closed(operation))
        }
    }

    fn release(&self) {
        let mut session = self.session();
        if std::mem::replace(&mut session.is_open, false) {
            self.disk.lock().is_open = false;
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.release();
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, intake: &mut dyn Intake) -> Result<Opened> {
        let session = self.open_session("store load")?;
        let disk = self.disk.lock();
        let Snapshot { entries, values } = disk.snapshot();
        intake.begin(values, entries.len());
        intake.records(entries);
        Ok(Opened {
            found: session.found.clone(),
            run: disk.run,
        })
    }

    async fn apply(&self, batch: &Batch) -> Result<()> {
        let _session = self.open_session("store apply")?;
        store::check(batch)?;
        let mut disk = self.disk.lock();
        let fault = disk.faults.pop_front();
        if matches!(fault, None | Some(Fault::LostReply)) {
            disk.apply(batch);
        }
        let kind = match fault {
            None => return Ok(()),
            Some(Fault::Busy | Fault::LostReply) => ErrorKind::Unavailable,
            Some(Fault::Full) => ErrorKind::OutOfSpace,
            Some(Fault::Unusable) => ErrorKind::StoreUnusable,
        };
        Err(Failure::new(kind, "store apply").with_detail("as told"))
    }

    async fn set_aside(&self, reason: &str) -> Result<Opened> {
        let mut session = self.open_session("store set aside")?;
        let mut disk = self.disk.lock();
        disk.wipe();
        disk.run = 1;
        let reason = Unfit::Doubted(reason.to_owned());
        session.found = FoundState::SetAside {
            reason,
            kept_as: PathBuf::new(),
        };
        Ok(Opened {
            found: session.found.clone(),
            run: disk.run,
        })
    }

    async fn close(&self) -> Result<()> {
        self.release();
        Ok(())
    }
}
