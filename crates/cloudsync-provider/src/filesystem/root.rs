//! The root of a pair: the open folder, what makes it *this* folder, and reaching what is below it.
//!
//! Everything is reached from the open handle of the root, never by absolute path, and no symbolic
//! link and no mount point is crossed on the way, whoever swaps folders for links meanwhile.
//!
//! The identity names the file system by its own id (from the superblock), and the root folder by
//! inode and birth time. A few file systems have nothing better than a device number for an id; there
//! the volume's UUID is taken, where the system shows it. An unmounted disk leaves another folder at
//! the path, so another identity.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstatfs, fstatvfs, openat, openat2};
use rustix::{io, path::Arg};

use crate::{Error, ErrorKind, ObjectRef, Result};

use super::failure::{failure, refused};
use super::look::{Look, What, look};
use super::volume::{self, Volume};

/// An open root.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) folder: OwnedFd,
    /// The path as it was given, made absolute.
    pub(super) given: PathBuf,
    /// The same without links and dots.
    pub(super) real: PathBuf,
    pub(super) look: Look,
    pub(super) volume: Volume,
    pub(super) identity: String,
}

impl Root {
    /// Opens the folder at `given`, an absolute path.
    pub(super) fn open(operation: &'static str, given: &Path) -> Result<Self> {
        let shown = given.to_string_lossy();
        let missing = |errno| missing(operation, errno, &shown);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, given, flags, Mode::empty()).map_err(missing)?;
        let look = look(&folder).map_err(missing)?;
        let real = fs::canonicalize(given)
            .map_err(|error| missing(io::Errno::from_io_error(&error).unwrap_or(io::Errno::IO)))?;
        let system = fstatfs(&folder).map_err(missing)?;
        let mut name = format!(
            "{:x}-{:016x}",
            system.f_type,
            fstatvfs(&folder).map_err(missing)?.f_fsid
        );
        if volume::id_is_device_number(system.f_type)
            && let Some(uuid) = uuid_of(look.device)
        {
            name = format!("{:x}-{uuid}", system.f_type);
        }
        let identity = format!("{name}/{}/{}", look.ino, look.btime);
        let volume = Volume::new(&name, system.f_type, &folder, &look);
        Ok(Self {
            folder,
            given: given.to_owned(),
            real,
            look,
            volume,
            identity,
        })
    }

    /// Opens a folder below the root by path, for looking things up in it.
    pub(super) fn open_folder(&self, path: &str) -> io::Result<OwnedFd> {
        let open = open_below(&self.folder, path, OFlags::PATH | OFlags::DIRECTORY)?;
        self.check_volume(open)
    }

    /// Refuses a folder of another subvolume, which numbers its inodes anew.
    fn check_volume(&self, open: OwnedFd) -> io::Result<OwnedFd> {
        if self.volume.has_subvolumes() && look(&open)?.device != self.look.device {
            return Err(io::Errno::XDEV);
        }
        Ok(open)
    }

    /// Returns whether `open`, which was found at `path`, still lies there. What was put into it before
    /// was put where it belongs then: else it went wherever somebody took the folder meanwhile.
    pub(super) fn still_has(&self, path: &str, open: &OwnedFd) -> bool {
        let same = |there: OwnedFd| -> io::Result<bool> {
            let (there, open) = (look(there)?, look(open)?);
            Ok((there.ino, there.btime, there.device) == (open.ino, open.btime, open.device))
        };
        self.open_folder(path).and_then(same).unwrap_or(false)
    }

    /// Opens the folder that `folder` names, and makes sure that it is that one. Where another stands
    /// there, or none, the answer is [`ErrorKind::NotFound`].
    pub(super) fn open_exactly(
        &self,
        operation: &'static str,
        folder: &ObjectRef,
        flags: OFlags,
    ) -> Result<OwnedFd> {
        let open = open_below(&self.folder, &folder.path, flags | OFlags::DIRECTORY)
            .and_then(|open| self.check_volume(open))
            .map_err(|errno| failure(operation, errno, &folder.path))?;
        if let Some(oid) = &folder.oid {
            let found = look(&open).map_err(|errno| failure(operation, errno, &folder.path))?;
            if found.oid(self.volume.id) != *oid {
                return Err(refused(ErrorKind::NotFound, operation, &folder.path)
                    .with_detail("another folder stands there"));
            }
        }
        Ok(open)
    }
}

/// Opens `path` (relative, `/`-separated, `""` for `base` itself) below `base`, crossing no link and
/// no mount point, whatever its depth.
pub(super) fn open_below(base: impl AsFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    /// The kernel takes 4,095 bytes of path at once.
    const AT_ONCE: usize = 4_000;
    if path.is_empty() {
        return openat(
            base,
            ".",
            flags | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
        );
    }
    let mut reached: Option<OwnedFd> = None;
    let mut rest = path;
    while rest.len() > AT_ONCE {
        let Some(at) = rest.as_bytes()[..AT_ONCE]
            .iter()
            .rposition(|byte| *byte == b'/')
        else {
            return Err(io::Errno::NAMETOOLONG);
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let next = match &reached {
            Some(folder) => open_once(folder, &rest[..at], flags),
            None => open_once(&base, &rest[..at], flags),
        }?;
        reached = Some(next);
        rest = &rest[at + 1..];
    }
    match &reached {
        Some(folder) => open_once(folder, rest, flags),
        None => open_once(&base, rest, flags),
    }
}

/// Whether the kernel has `openat2`: 0 unknown, 1 yes, 2 no.
static OPENAT2: AtomicU8 = AtomicU8::new(0);

fn open_once(base: impl AsFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if OPENAT2.load(Ordering::Relaxed) == 2 {
        return open_by_parts(base, path, flags);
    }
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    loop {
        match openat2(&base, path, flags, Mode::empty(), resolve) {
            // A rename somewhere got in between.
            Err(io::Errno::AGAIN) => {}
            // Some sandboxes answer "not permitted" for a call that they do not know.
            Err(errno @ (io::Errno::NOSYS | io::Errno::PERM))
                if OPENAT2.load(Ordering::Relaxed) != 1 =>
            {
                let found = open_by_parts(&base, path, flags);
                if found.is_ok() || errno == io::Errno::NOSYS {
                    OPENAT2.store(2, Ordering::Relaxed);
                }
                return found;
            }
            result => {
                OPENAT2.store(1, Ordering::Relaxed);
                return result;
            }
        }
    }
}

/// Does what `openat2` does, part by part.
fn open_by_parts(base: impl AsFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let between = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut reached = openat(base, ".", between, Mode::empty())?;
    let device = look(&reached)?.device;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() || part == ".." {
            return Err(io::Errno::INVAL);
        }
        let last = parts.peek().is_none();
        reached = openat(
            &reached,
            part,
            if last { flags } else { between },
            Mode::empty(),
        )?;
        let found = look(&reached)?;
        if found.mount_root || (found.what == What::Folder && found.device != device) {
            return Err(io::Errno::XDEV);
        }
    }
    Ok(reached)
}

/// How a source is opened: a pipe that was put there must not hold us up.
const SOURCE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens a file by its absolute path without links, following none in it.
pub(super) fn open_source(path: &Path) -> io::Result<OwnedFd> {
    open_absolute(path, SOURCE)
}

/// Opens the folder of such files, for [`open_source_in`].
pub(super) fn open_source_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open_absolute(path, flags)
}

/// Opens a file of an open folder.
pub(super) fn open_source_in(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    openat(folder, name, SOURCE, Mode::empty())
}

fn open_absolute(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    /// Kernels without `openat2` check only the last part.
    static OLD: AtomicBool = AtomicBool::new(false);
    const AT_ONCE: usize = 4_000;
    if path.as_os_str().len() > AT_ONCE {
        let top = openat(CWD, "/", OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        return open_long(top, path.as_str()?.trim_start_matches('/'), flags);
    }
    if !OLD.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(CWD, path, flags, Mode::empty(), resolve) {
            Err(io::Errno::NOSYS) => OLD.store(true, Ordering::Relaxed),
            Err(io::Errno::PERM) => {}
            result => return result,
        }
    }
    openat(CWD, path, flags, Mode::empty())
}

fn open_long(top: OwnedFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let between = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let (folders, name) = super::names::split(path);
    let reached = folders
        .split('/')
        .try_fold(top, |at, part| openat(at, part, between, Mode::empty()))?;
    openat(reached, name, flags, Mode::empty())
}

fn missing(operation: &'static str, errno: io::Errno, path: &str) -> Error {
    let cause = failure(operation, errno, path);
    match cause.kind() {
        ErrorKind::NotFound => Error::new(ErrorKind::RootMissing, operation)
            .with_object(path)
            .with_source(cause),
        _ => cause,
    }
}

/// Returns the UUID of the volume on a block device, where the system keeps its list of them.
fn uuid_of((major, minor): (u32, u32)) -> Option<String> {
    let device = rustix::fs::makedev(major, minor);
    fs::read_dir("/dev/disk/by-uuid")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let found = fs::metadata(entry.path()).ok()?;
            (found.rdev() == device).then(|| entry.file_name().to_string_lossy().into_owned())
        })
}
