//! Writes files: stage all of a batch, make their data durable, put each in its place.
//!
//! A name never comes before its data, and what stands at the target meanwhile is untouched. After
//! a crash at any point nothing of ours is in view: see [`super::own`] for what a staged name can hold.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::thread;

use bytes::Bytes;
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, fchmod, futimens, openat, unlinkat,
};
use rustix::io::{self, Errno};

use crate::{
    Attributes, Content, ContentHash, ErrorKind, Expect, HashKind, LocalSource, ObjectRef, Result,
    Target, WriteRequest, Written,
};

use super::copy::{Old, Piece, Source, Staging, Tools};
use super::disk::{Disk, Durability, write_back};
use super::failure::{failure, gone_meanwhile, refused};
use super::lift::Lift;
use super::look::{Look, look};
use super::names::check_name;
use super::replace::Placed;
use super::{keep, replace};

/// Staged bytes between two flushes.
const BYTES: u64 = 64 << 20;

/// Target folders, and files, between two flushes: all of the folders are held open.
const FOLDERS: usize = 128;
const FILES: usize = 4_096;

/// Files between two flushes where each is flushed by itself: all are held open.
const OPEN: usize = 64;

/// Batches of at least this many files are worth a second thread.
const SPLIT: usize = 32;

/// A file to write, and where a blocking job gets its bytes.
#[derive(Debug)]
pub(super) struct Job {
    target: Target,
    expect: Expect,
    bytes: Bytes,
    /// Takes the place of `bytes`.
    local: Option<LocalSource>,
    size: u64,
    attributes: Attributes,
    hash: HashKind,
    /// Once it is gone, nobody waits for the outcome any more.
    pub(super) waiter: Option<Weak<()>>,
}

impl Job {
    /// Makes a job of a request. The content comes back if it is a stream: the bytes of the job are
    /// to come piece by piece then.
    pub(super) fn new(request: WriteRequest) -> (Self, Option<Content>) {
        let WriteRequest {
            target,
            expect,
            content,
            size,
            attributes,
            hash,
        } = request;
        let (bytes, local, stream) = match content {
            Content::Bytes(bytes) => (bytes, None, None),
            Content::Local(local) => (Bytes::new(), Some(local), None),
            stream @ Content::Stream(_) => (Bytes::new(), None, Some(stream)),
        };
        (
            Self {
                target,
                expect,
                bytes,
                local,
                size,
                attributes,
                hash,
                waiter: None,
            },
            stream,
        )
    }

    fn source(&self) -> Source<'_> {
        self.local
            .as_ref()
            .map_or(Source::Bytes(&self.bytes), Source::Local)
    }
}

/// Writes files whose content needs no waiting, each with a result of its own, in order.
pub(super) fn write_all(disk: &Disk, batch: &[Job]) -> Vec<Result<Written>> {
    let mut results = Vec::with_capacity(batch.len());
    let mut rest = batch;
    let most = match disk.durability {
        Durability::Full => OPEN,
        Durability::Batch | Durability::None => FILES,
    };
    while !rest.is_empty() {
        let (now, later) = rest.split_at(portion(rest, most));
        write_portion(disk, now, &mut results);
        rest = later;
    }
    results
}

/// Returns how many of the first requests go between two flushes, `most` at most.
fn portion(batch: &[Job], most: usize) -> usize {
    let mut bytes = 0;
    let mut folders = std::collections::HashSet::new();
    for (index, request) in batch.iter().enumerate().take(most) {
        bytes += request.size;
        folders.insert(&request.target.folder.path);
        if index > 0 && (bytes > BYTES || folders.len() > FOLDERS) {
            return index;
        }
    }
    batch.len().min(most)
}

fn write_portion(disk: &Disk, batch: &[Job], results: &mut Vec<Result<Written>>) {
    let keep_open = disk.keeps_open(batch.len());
    let stage_some = |some: &[Job]| -> Vec<Result<Staged>> {
        let mut folders = Folders::default();
        let largest = some.iter().map(|request| request.size).max().unwrap_or(0);
        let mut tools = Tools::for_size(largest);
        some.iter()
            .map(|request| {
                stage(
                    disk,
                    &mut folders,
                    request,
                    request.source(),
                    &mut tools,
                    keep_open,
                )
            })
            .collect()
    };
    let staged = in_two(batch, stage_some);
    let flushed = {
        let files: Vec<_> = staged
            .iter()
            .flatten()
            .map(|staged| staged.file.as_ref())
            .collect();
        disk.flush_data(&files)
    };
    moment!("data flushed");
    let place_one = |(request, staged): (&Job, Result<Staged>)| {
        let mut staged = staged?;
        match flushed {
            Ok(()) => staged.place(disk, request).map(|placed| (staged, placed)),
            // Which file it was is not told: none of them is put in place.
            Err(errno) => {
                staged.discard();
                Err(write_back("write", errno).with_object(request.target.path()))
            }
        }
    };
    let before = results.len();
    let placed: Vec<_> = if batch.len() < SPLIT {
        batch.iter().zip(staged).map(place_one).collect()
    } else {
        let mut first = staged;
        let second = first.split_off(batch.len() / 2);
        let (left, right) = batch.split_at(batch.len() / 2);
        thread::scope(|scope| {
            let other = scope.spawn(|| right.iter().zip(second).map(place_one).collect::<Vec<_>>());
            let mut placed: Vec<_> = left.iter().zip(first).map(place_one).collect();
            placed.extend(joined(other, right));
            placed
        })
    };
    // Each folder once, when all is in it.
    let mut are_there = HashMap::new();
    results.extend(batch.iter().zip(placed).map(|(request, placed)| {
        let (staged, placed) = placed?;
        let is_there = *are_there
            .entry(Arc::as_ptr(&staged.folder))
            .or_insert_with(|| staged.is_in_place(disk, request));
        staged.end(disk, request, placed, is_there)
    }));
    if disk.durability == Durability::Full
        && let Err(error) = disk.flush()
    {
        results[before..]
            .iter_mut()
            .filter(|result| result.is_ok())
            .for_each(|result| {
                *result = Err(error.clone());
            });
    }
}

/// Runs `work` over both halves of a batch at once, if it is worth it.
fn in_two<T: Send>(
    batch: &[Job],
    work: impl Fn(&[Job]) -> Vec<Result<T>> + Sync,
) -> Vec<Result<T>> {
    if batch.len() < SPLIT {
        return work(batch);
    }
    let (left, right) = batch.split_at(batch.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| work(right));
        let mut results = work(left);
        results.extend(joined(other, right));
        results
    })
}

/// Returns a thread's results; a failure for each of its requests if it panicked.
fn joined<T>(
    thread: thread::ScopedJoinHandle<'_, Vec<Result<T>>>,
    requests: &[Job],
) -> Vec<Result<T>> {
    thread.join().unwrap_or_else(|_| {
        let failed = |request: &Job| {
            Err(refused(
                ErrorKind::Unexpected,
                "write",
                &request.target.path(),
            ))
        };
        requests.iter().map(failed).collect()
    })
}

/// Writes one file whose content comes piece by piece.
pub(super) fn write_pieces(
    disk: &Disk,
    request: &Job,
    mut next: impl FnMut() -> Option<Piece>,
) -> Result<Written> {
    let mut folders = Folders::default();
    let mut tools = Tools::for_size(0);
    let source = Source::Pieces(&mut next);
    let keep_open = disk.keeps_open(1);
    let mut staged = stage(disk, &mut folders, request, source, &mut tools, keep_open)?;
    if let Err(errno) = disk.flush_data(&[staged.file.as_ref()]) {
        staged.discard();
        return Err(write_back("write", errno).with_object(request.target.path()));
    }
    let placed = staged.place(disk, request)?;
    let is_there = staged.is_in_place(disk, request);
    let written = staged.end(disk, request, placed, is_there)?;
    if disk.durability == Durability::Full {
        disk.flush()?;
    }
    Ok(written)
}

/// Stages one file by itself.
#[cfg(test)]
pub(super) fn stage_alone(disk: &Disk, job: &Job) -> Result<Staged> {
    let mut tools = Tools::for_size(job.size);
    stage(
        disk,
        &mut Folders::default(),
        job,
        job.source(),
        &mut tools,
        false,
    )
}

/// Puts a file that was staged alone in its place.
#[cfg(test)]
pub(super) fn place_alone(disk: &Disk, mut staged: Staged, job: &Job) -> Result<Written> {
    let placed = staged.place(disk, job)?;
    let is_there = staged.is_in_place(disk, job);
    staged.end(disk, job, placed, is_there)
}

/// The folders that a job has open.
#[derive(Default)]
struct Folders(HashMap<ObjectRef, OpenFolder>);

type OpenFolder = (Arc<OwnedFd>, Option<Arc<Lift>>);

impl Folders {
    fn open(&mut self, disk: &Disk, folder: &ObjectRef) -> Result<OpenFolder> {
        if let Some(open) = self.0.get(folder) {
            return Ok(open.clone());
        }
        let open = Arc::new(disk.root.open_exactly("write", folder, OFlags::PATH)?);
        let lift = disk.open_up(&open).map(Arc::new);
        self.0
            .insert(folder.clone(), (Arc::clone(&open), lift.clone()));
        Ok((open, lift))
    }
}

/// A finished copy under a name of ours.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) folder: Arc<OwnedFd>,
    pub(super) name: String,
    /// As we left it.
    pub(super) look: Look,
    hash: ContentHash,
    file: Option<OwnedFd>,
    /// Held until it is in its place.
    _lift: Option<Arc<Lift>>,
}

impl Staged {
    /// Removes it.
    pub(super) fn discard(&self) {
        // What cannot be removed now is swept at the next start.
        let _ = unlinkat(&self.folder, self.name.as_str(), AtFlags::empty());
    }

    fn place(&mut self, disk: &Disk, request: &Job) -> Result<Placed> {
        self.file = None;
        let placed = match &request.expect {
            Expect::Free => replace::take_free(disk, self, &request.target),
            Expect::Unchanged { oid, tag } => {
                replace::replace(disk, self, &request.target, oid.as_ref(), tag)
            }
        };
        disk.touch(&self.folder);
        placed
    }

    /// Returns whether the folder is still where it is to be.
    fn is_in_place(&self, disk: &Disk, request: &Job) -> bool {
        let folder = &request.target.folder.path;
        disk.root.still_has(folder, &self.folder)
    }

    /// Leaves what was placed, or undoes it if the folder is not where it is to be.
    fn end(self, disk: &Disk, request: &Job, placed: Placed, is_there: bool) -> Result<Written> {
        if !is_there {
            placed.undo(disk, &self, &request.target);
            return Err(gone_meanwhile("write", &request.target.folder.path));
        }
        let found = placed.keep(&self);
        Ok(Written {
            observed: disk.observed_now(&found),
            hash: self.hash,
        })
    }
}

fn stage(
    disk: &Disk,
    folders: &mut Folders,
    request: &Job,
    source: Source<'_>,
    tools: &mut Tools,
    keep_open: bool,
) -> Result<Staged> {
    let target = &request.target;
    check_name("write", &target.name)?;
    let (folder, lift) = folders.open(disk, &target.folder)?;
    let failed = |errno| failure("write", errno, &target.path());
    let old = match &request.expect {
        Expect::Free => None,
        Expect::Unchanged { oid, tag } => {
            Some(replace::expected(disk, &folder, target, oid.as_ref(), tag)?)
        }
    };
    let mode = request.attributes.mode.or(old.map(|old| old.mode));
    let name = disk.namer.copy();
    moment!("before a copy");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let first = Mode::from_raw_mode(mode.unwrap_or(0o666) & 0o777);
    let file = openat(&*folder, name.as_str(), flags, first).map_err(failed)?;
    let path = target.path();
    let old = old.as_ref().map(|look| Old {
        folder: &folder,
        name: &target.name,
        look,
    });
    let staging = Staging {
        disk,
        file: &file,
        old,
        target: &path,
        waiter: request.waiter.as_ref(),
    };
    moment!("copy begun");
    let filled = staging.fill(source, request.hash, tools).and_then(|hash| {
        let owned = old.is_some_and(|old| keep::keep(old, &file));
        let look = finish(&file, request.attributes.mtime, mode, owned).map_err(failed)?;
        Ok((hash, look))
    });
    match filled {
        Ok((hash, look)) => Ok(Staged {
            folder,
            name,
            look,
            hash,
            file: keep_open.then_some(file),
            _lift: lift,
        }),
        Err(error) => {
            let _ = unlinkat(&*folder, name.as_str(), AtFlags::empty());
            Err(error)
        }
    }
}

/// Gives a staged file its mode and time, and looks at it. `owned`: its owner was set.
fn finish(file: &OwnedFd, mtime: Option<i64>, mode: Option<u32>, owned: bool) -> io::Result<Look> {
    if let Some(mtime) = mtime {
        set_mtime(file, mtime)?;
    }
    let found = look(file)?;
    let Some(mode) = mode else { return Ok(found) };
    // The process's mask, and the folder's access list, had their say when the file was made.
    if found.mode == mode && !(owned && mode & 0o6000 != 0) {
        return Ok(found);
    }
    match fchmod(file, Mode::from_raw_mode(mode & 0o7777)) {
        Ok(()) => look(file),
        // File systems without modes.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(found),
        Err(errno) => Err(errno),
    }
}

/// Sets a file's mtime; what the file system cannot hold it rounds or refuses, and that is no failure.
pub(super) fn set_mtime(file: &OwnedFd, mtime: i64) -> io::Result<()> {
    let omit = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    };
    match futimens(
        file,
        &Timestamps {
            last_access: omit,
            last_modification: timespec(mtime),
        },
    ) {
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM) => Ok(()),
        result => result,
    }
}

/// Returns nanoseconds since 1970 as the system says times.
pub(super) fn timespec(nanos: i64) -> Timespec {
    Timespec {
        tv_sec: nanos.div_euclid(1_000_000_000),
        tv_nsec: nanos.rem_euclid(1_000_000_000),
    }
}
