//! Reads one folder: names by `getdents`, everything else by `statx` relative to the open folder.

use std::mem::MaybeUninit;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FileType, OFlags, RawDir, SeekFrom, seek};
use rustix::io;

use crate::{Listing, ObjectRef, Result, SkipReason, Skipped};

use super::disk::Disk;
use super::failure::failure;
use super::look::{Look, What, look, look_at, now};
use super::{own, sweep};

/// How many looks share one reading of the clock.
const LOOKS_A_CLOCK: usize = 256;

/// How often a folder is read that changes while it is read.
const TRIES: usize = 3;

/// Where `getdents` puts names.
pub(super) type Buffer = Vec<u8>;

/// Makes a buffer to read folders with.
pub(super) fn buffer() -> Buffer {
    Vec::with_capacity(64 << 10)
}

/// A folder that was met in a listing.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) folder: ObjectRef,
    pub(super) name_at: usize,
}

impl Child {
    /// Returns its name.
    pub(super) fn name(&self) -> &str {
        &self.folder.path[self.name_at..]
    }
}

/// Lists one folder completely.
pub(super) fn list(disk: &Disk, folder: &ObjectRef) -> Result<Listing> {
    let flags = OFlags::RDONLY;
    let open = disk.root.open_exactly("list", folder, flags)?;
    let before = look(&open).ok();
    let (listing, errno) = read(disk, folder, (open.as_fd(), before), &mut buffer(), |_| {});
    match errno {
        None => Ok(listing),
        Some(errno) => Err(failure("list", errno, &folder.path)),
    }
}

/// Reads an open folder, which was looked at before. What names of ours are left over in it is swept on
/// the way. `child` is told of each folder in it. With an error, what was read so far is a partial listing.
pub(super) fn read(
    disk: &Disk,
    folder: &ObjectRef,
    (open, mut before): (BorrowedFd<'_>, Option<Look>),
    buffer: &mut Buffer,
    mut child: impl FnMut(Child),
) -> (Listing, Option<io::Errno>) {
    let mut swept = false;
    let mut tries = 1;
    loop {
        let mut pass = Pass {
            disk,
            folder,
            open,
            children: Vec::new(),
            leftovers: Vec::new(),
        };
        let (listing, errno) = pass.run(buffer.spare_capacity_mut());
        let Pass {
            children,
            leftovers,
            ..
        } = pass;
        let put_back = disk.sweeps && !swept && !leftovers.is_empty() && {
            swept = true;
            sweep::sweep(disk, open, &leftovers)
        };
        let after = look(open).ok();
        let again = errno.is_none()
            && (put_back || (tries < TRIES && !is_calm(before, after)))
            && seek(open, SeekFrom::Start(0)).is_ok();
        if again {
            tries += 1;
            before = after;
            continue;
        }
        children.into_iter().for_each(&mut child);
        let listing = if errno.is_none() {
            listing.complete()
        } else {
            listing
        };
        return (listing, errno);
    }
}

/// Returns true if no name moved within the folder between two looks: it may have been missed.
fn is_calm(before: Option<Look>, after: Option<Look>) -> bool {
    before
        .zip(after)
        .is_some_and(|(a, b)| (a.mtime, a.ctime) == (b.mtime, b.ctime))
}

/// One time through a folder.
struct Pass<'a> {
    disk: &'a Disk,
    folder: &'a ObjectRef,
    open: BorrowedFd<'a>,
    children: Vec<Child>,
    leftovers: Vec<String>,
}

impl Pass<'_> {
    fn run(&mut self, buffer: &mut [MaybeUninit<u8>]) -> (Listing, Option<io::Errno>) {
        let mut listing = Listing::new(self.folder.clone());
        let mut entries = RawDir::new(self.open, buffer);
        let mut clock = now();
        let mut looks = 0;
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(io::Errno::INTR) => continue,
                Err(errno) => return (listing, Some(errno)),
            };
            let raw = entry.file_name();
            let bytes = raw.to_bytes();
            if matches!(bytes, b"." | b"..") {
                continue;
            }
            let Ok(name) = raw.to_str() else {
                let name = raw.to_string_lossy().into_owned();
                listing.skipped.push(Skipped {
                    name,
                    reason: SkipReason::NameNotUtf8,
                });
                continue;
            };
            if own::is_own(bytes) {
                self.leftovers.push(name.to_owned());
                continue;
            }
            let reason = match entry.file_type() {
                FileType::RegularFile | FileType::Directory | FileType::Unknown => None,
                FileType::Symlink => Some(SkipReason::Symlink),
                _ => Some(SkipReason::Special),
            };
            if let Some(reason) = reason {
                listing.skipped.push(Skipped {
                    name: name.to_owned(),
                    reason,
                });
                continue;
            }
            if looks == LOOKS_A_CLOCK {
                (clock, looks) = (now(), 0);
            }
            looks += 1;
            match look_at(self.open, raw) {
                Ok(found) => self.add(&mut listing, name, &found, clock),
                // It went in between.
                Err(io::Errno::NOENT) => {}
                Err(_) => listing.skipped.push(Skipped {
                    name: name.to_owned(),
                    reason: SkipReason::Unreadable,
                }),
            }
        }
        (listing, None)
    }

    fn add(&mut self, listing: &mut Listing, name: &str, found: &Look, clock: i64) {
        if let Some(reason) = found.skip(self.disk.root.look.device) {
            listing.skipped.push(Skipped {
                name: name.to_owned(),
                reason,
            });
            return;
        }
        let observed = self.disk.observed(found, clock);
        if found.what == What::Folder {
            let path = super::names::join(&self.folder.path, name);
            let name_at = path.len() - name.len();
            let folder = ObjectRef::new(observed.oid.clone(), path);
            self.children.push(Child { folder, name_at });
        }
        listing.push(name, observed);
    }
}
