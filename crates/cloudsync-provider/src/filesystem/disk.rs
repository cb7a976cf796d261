//! What every job needs: the root, the namer of staged files, and what is not durable yet.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, fdatasync, fsync, openat, syncfs};
use rustix::io;

use crate::{Error, ErrorKind, Observed, Result};

use super::failure::failure;
use super::lift::{Lift, Lifts};
use super::look::{self, Look};
use super::own::Namer;
use super::root::Root;
use super::syncs::{Before, Syncs};

/// How much is made durable, and when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Durability {
    /// Nothing: the system writes back when it likes. A power cut can leave any mixture of old and
    /// new, also empty files under new names. `flush` does nothing.
    None,
    /// A file's data before its name, for a batch at once; names with `flush`.
    #[default]
    Batch,
    /// Each file by itself before its name, and the folder of the name before it is answered. Asks
    /// nothing of the volume as a whole, so it also holds where that means little, and a failure is
    /// that of one file.
    Full,
}

/// One root and everything that jobs on it share.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) root: Root,
    pub(super) namer: Arc<Namer>,
    pub(super) durability: Durability,
    pub(super) sweeps: bool,
    /// Whether cloning a file's blocks was not refused yet.
    clones: AtomicBool,
    touched: Mutex<Touched>,
    syncs: Syncs,
    pub(super) lifts: Arc<Lifts>,
    /// Held while flushing, so that a second caller does not return before the first is through.
    flushing: Mutex<()>,
    pub(super) flushes: Flushes,
}

/// How often what was flushed: nothing else shows it but a power cut.
#[derive(Debug, Default)]
pub(super) struct Flushes {
    pub(super) files: AtomicUsize,
    pub(super) folders: AtomicUsize,
    pub(super) volumes: AtomicUsize,
}

/// Folders in which names changed since the last flush.
#[derive(Debug)]
struct Touched {
    folders: Folders,
    /// When the last one did.
    last: Before,
}

#[derive(Debug)]
enum Folders {
    Few(Vec<(u64, Arc<OwnedFd>)>),
    Many,
}

/// How many folders are flushed one by one.
const FEW: usize = 8;

/// Pieces of a large file that are worth a flush of their own.
const EARLY: usize = 32;

impl Disk {
    pub(super) fn new(root: Root, namer: Arc<Namer>, durability: Durability, sweeps: bool) -> Self {
        let syncs = Syncs::default();
        let touched = Touched {
            folders: Folders::Few(Vec::new()),
            last: syncs.before(),
        };
        Self {
            root,
            namer,
            durability,
            sweeps,
            clones: AtomicBool::new(true),
            touched: Mutex::new(touched),
            syncs,
            lifts: Arc::default(),
            flushing: Mutex::new(()),
            flushes: Flushes::default(),
        }
    }

    /// Returns a look as the trait says it; `now` is from before the look.
    pub(super) fn observed(&self, found: &Look, now: i64) -> Observed {
        let found = Look {
            mode: self.lifts.mode_of(found),
            ..*found
        };
        found.observed(self.root.volume.id, now, self.root.volume.clock_step)
    }

    /// Lets names in `folder` be changed as long as the answer lives, where only its mode forbids it.
    pub(super) fn open_up(&self, folder: &Arc<OwnedFd>) -> Option<Lift> {
        self.lifts.open(folder, &self.root, &self.namer)
    }

    /// Returns a look taken just now as the trait says it.
    pub(super) fn observed_now(&self, found: &Look) -> Observed {
        self.observed(found, look::now())
    }

    /// Keeps in mind that names in `folder` changed.
    pub(super) fn touch(&self, folder: &Arc<OwnedFd>) {
        if self.durability == Durability::None {
            return;
        }
        let mut touched = self.touched();
        touched.last = self.syncs.before();
        if let Folders::Few(folders) = &mut touched.folders {
            if folders.iter().any(|(_, known)| Arc::ptr_eq(known, folder)) {
                return;
            }
            let Ok(found) = look::look(folder) else {
                touched.folders = Folders::Many;
                return;
            };
            if folders.iter().any(|(ino, _)| *ino == found.ino) {
                return;
            }
            if folders.len() >= FEW && self.durability != Durability::Full {
                touched.folders = Folders::Many;
            } else {
                folders.push((found.ino, Arc::clone(folder)));
            }
        }
    }

    /// Makes all names durable that were changed before this call.
    pub(super) fn flush(&self) -> Result<()> {
        if self.durability == Durability::None {
            return Ok(());
        }
        let _flushing = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let (folders, last) = {
            let mut touched = self.touched();
            let few = Folders::Few(Vec::new());
            (std::mem::replace(&mut touched.folders, few), touched.last)
        };
        moment!("before a flush");
        // The data of other files were flushed since, and the whole volume with them.
        let is_done = if self.syncs.covered(last) {
            Ok(true)
        } else if let Folders::Few(folders) = folders {
            folders.iter().try_fold(
                true,
                |all, (_, folder)| Ok(self.sync_folder(folder)? && all),
            )
        } else {
            Ok(false)
        };
        let flushed = match is_done {
            Ok(true) => Ok(()),
            Ok(false) => self.sync_volume(),
            Err(errno) => Err(errno),
        };
        flushed.map_err(|errno| {
            self.touched().folders = Folders::Many;
            write_back("flush", errno)
        })
    }

    fn touched(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the data of files durable that lie open or, if there are many, of the whole volume.
    pub(super) fn flush_data(&self, files: &[Option<&OwnedFd>]) -> io::Result<()> {
        if self.durability == Durability::None || files.is_empty() {
            return Ok(());
        }
        let open: Option<Vec<_>> = files.iter().copied().collect();
        match open.as_deref() {
            Some([one]) => self.sync_file(one),
            Some(open) if open.len() <= FEW || self.durability == Durability::Full => {
                thread::scope(|scope| {
                    let sync_some = |some: &[&OwnedFd]| {
                        let results = some.iter().map(|file| self.sync_file(file));
                        results.fold(Ok(()), io::Result::and)
                    };
                    let jobs: Vec<_> = open
                        .chunks(open.len().div_ceil(FEW))
                        .map(|some| scope.spawn(move || sync_some(some)))
                        .collect();
                    let results = jobs
                        .into_iter()
                        .map(|job| job.join().unwrap_or(Err(io::Errno::IO)));
                    results.fold(Ok(()), io::Result::and)
                })
            }
            _ => self.sync_volume(),
        }
    }

    /// Makes durable what was set on one object, where everything is before it is answered.
    pub(super) fn flush_attributes(&self, folder: &OwnedFd, name: &str) -> Result<()> {
        if self.durability != Durability::Full {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flushed = match openat(folder, name, flags, Mode::empty()) {
            Ok(open) => self.sync_file(&open),
            // It may be that we have taken from ourselves the right to read it.
            Err(_) => self.sync_volume(),
        };
        flushed.map_err(|errno| write_back("flush", errno))
    }

    /// Makes durable what is written to `file`, some of it at a time, as long as somebody says that
    /// more was: so the flush at the end has little left to do.
    pub(super) fn flush_as_written(
        &self,
        file: &OwnedFd,
        written: &mpsc::Receiver<()>,
    ) -> io::Result<()> {
        if self.durability == Durability::None {
            return Ok(());
        }
        let mut pieces = 0;
        while written.recv().is_ok() {
            pieces += 1 + written.try_iter().count();
            if pieces >= EARLY {
                pieces = 0;
                fdatasync(file)?;
            }
        }
        Ok(())
    }

    /// Returns whether cloning blocks was not refused yet.
    pub(super) fn may_clone(&self) -> bool {
        self.clones.load(Ordering::Relaxed)
    }

    /// Returns whether files should be kept open for [`Disk::flush_data`] in a batch of `count`.
    pub(super) fn keeps_open(&self, count: usize) -> bool {
        match self.durability {
            Durability::None => false,
            Durability::Batch => count <= FEW,
            Durability::Full => true,
        }
    }

    fn sync_file(&self, file: &OwnedFd) -> io::Result<()> {
        self.flushes.files.fetch_add(1, Ordering::Relaxed);
        fsync(file)
    }

    /// Returns false for a folder that cannot be opened for it.
    fn sync_folder(&self, folder: impl AsFd) -> io::Result<bool> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = match openat(folder, ".", flags, Mode::empty()) {
            Ok(open) => open,
            // Deleted since: its names are nobody's any more.
            Err(io::Errno::NOENT) => return Ok(true),
            Err(_) => return Ok(false),
        };
        self.flushes.folders.fetch_add(1, Ordering::Relaxed);
        match fsync(open) {
            Ok(()) => Ok(true),
            Err(io::Errno::INVAL | io::Errno::OPNOTSUPP) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    fn sync_volume(&self) -> io::Result<()> {
        self.syncs.run(|| {
            self.flushes.volumes.fetch_add(1, Ordering::Relaxed);
            syncfs(&self.root.folder)
        })
    }

    /// Keeps in mind that this volume cannot clone blocks.
    pub(super) fn forget_clones(&self) {
        self.clones.store(false, Ordering::Relaxed);
    }
}

/// Makes the failure for data that the system could not write.
pub(super) fn write_back(operation: &'static str, errno: io::Errno) -> Error {
    match failure(operation, errno, "") {
        error if error.kind() == ErrorKind::OutOfSpace => error,
        error => Error::new(ErrorKind::Unavailable, operation)
            .with_detail("the disk did not take what was written")
            .with_source(error),
    }
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Unexpected, operation)
            .with_detail("the job broke off")
            .with_source(error)
    })
}
