//! Clears away what a killed process left under our names, and puts back what is not ours.
//!
//! Runs while a folder is listed, so at every start. What belongs to another owner, or to a process
//! that still runs, is left alone. Nothing is removed that was not looked at and found to be what the
//! name says: see [`super::own`].

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, openat, unlinkat};
use rustix::io::{self, Errno};

use super::change::chmod_open;
use super::disk::Disk;
use super::look::{What, look, look_at};
use super::own::{self, Leftover};
use super::replace::{keep_aside, rename_to_free};
use super::root::open_below;
use super::{lift, list};

/// The name for what is found and whose name is not known any more.
const NAMELESS: &str = "recovered";

/// Deals with the names of ours that were met in a folder. Returns true if something was put back.
pub(super) fn sweep(disk: &Disk, open: BorrowedFd<'_>, names: &[String]) -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(folder) = openat(open, ".", flags, Mode::empty()) else {
        return false;
    };
    let mut put_back = false;
    let is_mode = |name: &&String| {
        let parsed = disk.namer.parse(name);
        parsed.is_some_and(|(_, leftover)| matches!(leftover, Leftover::Mode(_)))
    };
    let (last, first): (Vec<_>, Vec<_>) = names.iter().partition(is_mode);
    // What fails now is tried again at the next start. The folder's own mode may forbid the rest.
    for name in first.into_iter().chain(last) {
        put_back |= sweep_one(disk, &folder, name) == Ok(Swept::PutBack);
    }
    put_back
}

/// What became of a name of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Swept {
    Gone,
    LeftAlone,
    PutBack,
}

fn sweep_one(disk: &Disk, folder: &OwnedFd, name: &str) -> io::Result<Swept> {
    let Some((run, leftover)) = disk.namer.parse(name) else {
        return Ok(Swept::LeftAlone);
    };
    if run.is_alive() {
        return Ok(Swept::LeftAlone);
    }
    let found = match look_at(folder, name) {
        Ok(found) => found,
        Err(Errno::NOENT) => return Ok(Swept::Gone),
        Err(errno) => return Err(errno),
    };
    let is_file = found.what == What::File;
    moment!("sweeping");
    match leftover {
        Leftover::Copy if is_file => remove(folder, name),
        Leftover::Mode(mode) if is_file => {
            let swept = remove(folder, name)?;
            if look(folder)?.mode == mode | lift::NEEDED {
                chmod_open(folder, Mode::from_raw_mode(mode))?;
            }
            Ok(swept)
        }
        // Nothing of ours is called so and is no file.
        Leftover::Copy | Leftover::Mode(_) => Ok(Swept::LeftAlone),
        Leftover::Exchange { made, expected, .. }
            if is_file && [made, expected].contains(&found.fingerprint()) =>
        {
            remove(folder, name)
        }
        Leftover::Exchange {
            made, target: "", ..
        } => {
            let target = target_of(folder, made);
            keep_aside(disk, folder, name, target.as_deref().unwrap_or(NAMELESS))?;
            Ok(Swept::PutBack)
        }
        Leftover::Exchange { target, .. } => {
            keep_aside(disk, folder, name, target)?;
            Ok(Swept::PutBack)
        }
        Leftover::Parked { name: old } => {
            match rename_to_free(disk, folder, name, folder, old) {
                Err(Errno::EXIST) => keep_aside(disk, folder, name, old).map(|_| ()),
                result => result,
            }?;
            Ok(Swept::PutBack)
        }
    }
}

fn remove(folder: &OwnedFd, name: &str) -> io::Result<Swept> {
    unlinkat(folder, name, AtFlags::empty()).map(|()| Swept::Gone)
}

/// Finds the name under which what we made lies now.
fn target_of(folder: &OwnedFd, made: u64) -> Option<String> {
    let open = open_below(folder, "", OFlags::RDONLY | OFlags::DIRECTORY).ok()?;
    let mut buffer = list::buffer();
    let mut entries = RawDir::new(&open, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if !own::is_own(name.as_bytes())
            && look_at(&open, name).is_ok_and(|found| found.fingerprint() == made)
        {
            return Some(name.to_owned());
        }
    }
    None
}

/// Sweeps a folder in which nothing but leftovers of ours may be. Returns true if it is empty now.
pub(super) fn empties(disk: &Disk, path: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let Ok(open) = open_below(&disk.root.folder, path, flags) else {
        return false;
    };
    let mut buffer = list::buffer();
    let mut entries = RawDir::new(&open, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else { return false };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match name.to_str() {
            Ok(name) if own::is_own(name.as_bytes()) => names.push(name.to_owned()),
            _ => return false,
        }
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(folder) = openat(open.as_fd(), ".", flags, Mode::empty()) else {
        return false;
    };
    names
        .iter()
        .all(|name| sweep_one(disk, &folder, name) == Ok(Swept::Gone))
}
