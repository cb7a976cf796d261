//! Disks that keep a log: each is a file of a file system of our own (FUSE), which a loop device makes a
//! disk of. What is written and flushed is noted in one order for all of them.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyWrite, Request, WriteFlags, spawn_mount,
};

/// What was done to a disk.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Write {
        disk: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    /// All that was written to the disk before is on it for good.
    Flush { disk: usize },
}

/// Disks that keep a log, as long as this lives. They lie in `folder` as `0`, `1` and so on.
#[derive(Debug)]
pub(super) struct Disks {
    state: Arc<Mutex<State>>,
    folder: PathBuf,
    session: Option<BackgroundSession>,
}

#[derive(Debug)]
struct State {
    images: Vec<Vec<u8>>,
    /// `None`: nothing is noted yet.
    log: Option<Vec<Entry>>,
}

impl Disks {
    /// Starts with disks of this content.
    ///
    /// # Errors
    /// Those of mounting a file system.
    pub(super) fn start(folder: &Path, images: Vec<Vec<u8>>) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State { images, log: None }));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("cloudsync-test-disks".to_owned())];
        let session = spawn_mount(Server(Arc::clone(&state)), folder, &config)?;
        Ok(Self {
            state,
            folder: folder.to_owned(),
            session: Some(session),
        })
    }

    /// Returns where a disk is.
    pub(super) fn file(&self, disk: usize) -> PathBuf {
        self.folder.join(disk.to_string())
    }

    /// Notes all from now on. Returns what the disks hold now.
    pub(super) fn record(&self) -> Vec<Vec<u8>> {
        let mut state = lock(&self.state);
        state.log = Some(Vec::new());
        state.images.clone()
    }

    /// Ends the noting. Returns what was noted.
    pub(super) fn recorded(&self) -> Vec<Entry> {
        lock(&self.state).log.take().unwrap_or_default()
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = session.umount_and_join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file system.
struct Server(Arc<Mutex<State>>);

/// Nothing but we ourselves changes anything.
const FOREVER: Duration = Duration::from_hours(1);

impl Server {
    /// Returns the disk of an inode: they follow the root, which is 1.
    fn disk(&self, ino: INodeNo) -> Option<usize> {
        let disk = usize::try_from(u64::from(ino)).ok()?.checked_sub(2)?;
        (disk < lock(&self.0).images.len()).then_some(disk)
    }

    fn attributes(&self, ino: INodeNo) -> Option<FileAttr> {
        let disk = self.disk(ino);
        if disk.is_none() && ino != INodeNo::ROOT {
            return None;
        }
        let size = disk.map_or(0, |disk| lock(&self.0).images[disk].len() as u64);
        Some(FileAttr {
            ino,
            size,
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: match disk {
                Some(_) => FileType::RegularFile,
                None => FileType::Directory,
            },
            perm: 0o700,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4_096,
            flags: 0,
        })
    }
}

impl Filesystem for Server {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
        let ino = INodeNo(number.unwrap_or(u64::MAX - 2) + 2);
        match self.attributes(ino) {
            Some(found) => reply.entry(&FOREVER, &found, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(ino) {
            Some(found) => reply.attr(&FOREVER, &found),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (Some(disk), Ok(at)) = (self.disk(ino), usize::try_from(offset)) else {
            return reply.error(Errno::EIO);
        };
        let state = lock(&self.0);
        let image = &state.images[disk];
        let at = at.min(image.len());
        let end = at.saturating_add(size as usize).min(image.len());
        reply.data(&image[at..end]);
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let (Some(disk), Ok(at)) = (self.disk(ino), usize::try_from(offset)) else {
            return reply.error(Errno::EIO);
        };
        let mut state = lock(&self.0);
        let Some(part) = state.images[disk].get_mut(at..at + data.len()) else {
            return reply.error(Errno::ENOSPC);
        };
        part.copy_from_slice(data);
        if let Some(log) = &mut state.log {
            log.push(Entry::Write {
                disk,
                at,
                bytes: data.to_vec(),
            });
        }
        reply.written(u32::try_from(data.len()).unwrap_or(0));
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let Some(disk) = self.disk(ino) else {
            return reply.error(Errno::EIO);
        };
        if let Some(log) = &mut lock(&self.0).log {
            log.push(Entry::Flush { disk });
        }
        reply.ok();
    }
}
