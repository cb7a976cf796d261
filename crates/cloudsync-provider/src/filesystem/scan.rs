//! Walks everything below a folder, on a few threads.
//!
//! Each thread goes down on its own, children before siblings, and collects listings until a batch is
//! full. Folders are given to another thread only after the batch that lists them was sent: so a
//! folder's listing always comes before the listings of what is in it, though threads take turns.
//!
//! What is held: the folders still to be read (their paths), the batches in the channel, and a bounded
//! number of open folders; deeper ones are reached by path.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{Listing, ObjectRef, Result};

use super::disk::Disk;
use super::failure::failure;
use super::list::{self, Buffer, Child};
use super::look::{Look, look};
use super::root::open_below;

/// Entries in a batch, about.
const BATCH: usize = 1_000;

/// Batches on their way.
const QUEUE: usize = 8;

/// Folders held open at once, beyond the ones being read.
const OPEN: usize = 128;

type Batch = Result<Vec<Listing>>;

/// Starts a walk from `from`. Dropping the receiver ends it.
pub(super) fn start(disk: &Arc<Disk>, from: ObjectRef) -> Receiver<Batch> {
    let (sender, receiver) = channel(QUEUE);
    let threads = available_parallelism().map_or(1, |n| n.get().min(4));
    let first = Task {
        folder: Child {
            folder: from,
            name_at: 0,
        },
        parent: None,
    };
    let walk = Arc::new(Walk {
        disk: Arc::clone(disk),
        shared: Mutex::new(Shared {
            tasks: vec![first],
            busy: 0,
            over: false,
        }),
        wake: Condvar::new(),
        hungry: AtomicUsize::new(0),
        open: AtomicUsize::new(0),
    });
    for _ in 0..threads {
        let worker = Worker {
            walk: Arc::clone(&walk),
            sender: sender.clone(),
            buffer: list::buffer(),
            batch: Vec::new(),
            count: 0,
            tasks: Vec::new(),
        };
        tokio::task::spawn_blocking(move || worker.run());
    }
    receiver
}

/// A folder to be read.
struct Task {
    folder: Child,
    /// The open folder that it is in, if it is still open.
    parent: Option<Arc<Held>>,
}

/// An open folder, counted.
struct Held {
    folder: OwnedFd,
    walk: Arc<Walk>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.walk.open.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Walk {
    disk: Arc<Disk>,
    shared: Mutex<Shared>,
    wake: Condvar,
    /// Threads that wait for work.
    hungry: AtomicUsize,
    open: AtomicUsize,
}

struct Shared {
    tasks: Vec<Task>,
    /// Threads that read, now. The walk does not wait for threads that were not even started.
    busy: usize,
    over: bool,
}

impl Walk {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a folder to read; `None` when all are read. Whoever takes one says [`Walk::done`].
    fn take(&self) -> Option<Task> {
        let mut shared = self.lock();
        self.hungry.fetch_add(1, Ordering::Relaxed);
        let task = loop {
            if shared.over {
                break None;
            }
            if let Some(task) = shared.tasks.pop() {
                shared.busy += 1;
                break Some(task);
            }
            shared = self
                .wake
                .wait(shared)
                .unwrap_or_else(PoisonError::into_inner);
        };
        self.hungry.fetch_sub(1, Ordering::Relaxed);
        task
    }

    fn done(&self) {
        let mut shared = self.lock();
        shared.busy -= 1;
        if shared.busy == 0 && shared.tasks.is_empty() {
            shared.over = true;
            self.wake.notify_all();
        }
    }

    fn stop(&self) {
        let mut shared = self.lock();
        shared.over = true;
        shared.tasks.clear();
        self.wake.notify_all();
    }
}

struct Worker {
    walk: Arc<Walk>,
    sender: Sender<Batch>,
    buffer: Buffer,
    batch: Vec<Listing>,
    count: usize,
    /// Folders listed in what this thread sent or will send, for this thread.
    tasks: Vec<Task>,
}

/// The walk is over, for whatever reason.
struct Over;

/// A thread that panics must not leave the others waiting.
impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.walk.stop();
        }
    }
}

impl Worker {
    fn run(mut self) {
        while let Some(task) = self.walk.take() {
            if self.go_down(task).is_err() {
                self.walk.stop();
                return;
            }
            self.walk.done();
        }
    }

    /// Reads a folder and all below it, but for what others took over.
    fn go_down(&mut self, task: Task) -> std::result::Result<(), Over> {
        let mut next = Some(task);
        while let Some(task) = next {
            self.visit(&task)?;
            if self.count >= BATCH {
                self.send()?;
            }
            if self.walk.hungry.load(Ordering::Relaxed) > 0 && self.tasks.len() > 1 {
                self.send()?;
                self.share();
            }
            next = self.tasks.pop();
        }
        self.send()
    }

    fn visit(&mut self, task: &Task) -> std::result::Result<(), Over> {
        let Task {
            folder: child,
            parent,
        } = task;
        let disk = Arc::clone(&self.walk.disk);
        let is_start = child.name_at == 0 && parent.is_none();
        let opened = if is_start {
            disk.root
                .open_exactly("walk", &child.folder, OFlags::RDONLY)
                .map(|open| {
                    let before = look(&open).ok();
                    (open, before)
                })
        } else {
            self.open(child, parent.as_deref())
                .map(|(open, before)| (open, Some(before)))
                .map_err(|errno| failure("walk", errno, &child.folder.path))
        };
        let (open, before) = match opened {
            Ok(open) => open,
            Err(error) if is_start || error.is_retryable() && !is_of_folder(&error) => {
                return self.fail(error);
            }
            Err(_) => {
                self.add(Listing::new(child.folder.clone()));
                return Ok(());
            }
        };
        let mut children = Vec::new();
        let (listing, _) = list::read(
            &disk,
            &child.folder,
            (open.as_fd(), before),
            &mut self.buffer,
            |child| {
                children.push(child);
            },
        );
        if !children.is_empty() {
            let held = self.hold(open);
            // The last one is taken first: keep the order of the folder.
            self.tasks
                .extend(children.into_iter().rev().map(|folder| Task {
                    folder,
                    parent: held.clone(),
                }));
        }
        self.add(listing);
        Ok(())
    }

    /// Opens a folder that was met, and makes sure that it is still the one that was met. Returns what it was
    /// like then, too.
    fn open(&self, child: &Child, parent: Option<&Held>) -> io::Result<(OwnedFd, Look)> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let root = &self.walk.disk.root;
        let open = match parent {
            Some(held) => open_below(&held.folder, child.name(), flags),
            None => open_below(&root.folder, &child.folder.path, flags),
        }?;
        let found = look(&open)?;
        if child.folder.oid.as_ref() == Some(&found.oid(root.volume.id)) {
            Ok((open, found))
        } else {
            Err(io::Errno::NOENT)
        }
    }

    fn hold(&self, folder: OwnedFd) -> Option<Arc<Held>> {
        let walk = &self.walk;
        if walk.open.fetch_add(1, Ordering::Relaxed) >= OPEN {
            walk.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Arc::new(Held {
            folder,
            walk: Arc::clone(walk),
        }))
    }

    fn add(&mut self, listing: Listing) {
        self.count += 1 + listing.len();
        self.batch.push(listing);
    }

    fn send(&mut self) -> std::result::Result<(), Over> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.count = 0;
        let batch = std::mem::take(&mut self.batch);
        self.sender.blocking_send(Ok(batch)).map_err(|_| Over)
    }

    fn fail(&mut self, error: crate::Error) -> std::result::Result<(), Over> {
        self.send()?;
        // If nobody is there to hear it, it is over as well.
        let _ = self.sender.blocking_send(Err(error));
        Err(Over)
    }

    /// Gives half of the folders to others: the ones nearest to the start, with most below them.
    fn share(&mut self) {
        let half = self.tasks.len().div_ceil(2);
        let mut shared = self.walk.lock();
        let tasks = self.tasks.drain(..half);
        if !shared.over {
            shared.tasks.extend(tasks);
        }
        self.walk.wake.notify_all();
    }
}

/// Returns true for troubles of one folder (a bad block), false for those of the whole process.
fn is_of_folder(error: &crate::Error) -> bool {
    use std::error::Error;
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<std::io::Error>());
    !matches!(
        cause.and_then(io::Errno::from_io_error),
        Some(io::Errno::MFILE | io::Errno::NFILE | io::Errno::NOMEM)
    )
}
