//! Puts what was staged in its place, and loses nothing that somebody else put there meanwhile.
//!
//! A free name is taken by a rename that fails if it is not free. A file is replaced by *exchange*: it
//! is looked at, changes places with the staged one in one step, and what came out is looked at again.
//! If that is not what was expected (somebody saved in between), they change places once more, and the
//! write fails as if it had come later. So a reader sees the old or the new, and an edit that slips in
//! stays what it was. The same if somebody took the folder away meanwhile, out of the root maybe: what
//! was put into it there would count as deleted with it. What an open program still writes through a handle to the old file is beyond us.
//!
//! Where a file system knows no exchange, the look comes just before the rename, and
//! [`crate::Capabilities::conditional_change`] says so.

use std::sync::Arc;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, RenameFlags, linkat, renameat, renameat_with, unlinkat};
use rustix::io::{self, Errno};

use cloudsync_core::conflict_name::conflict_name_within;

use crate::{Error, ErrorKind, Oid, Result, Tag, Target};

use super::disk::Disk;
use super::failure::{failure, refused};
use super::look::{Look, What, look_at};
use super::names::MAX_BYTES;
use super::volume::is_unsupported;
use super::write::Staged;

/// A file that was put in its place. Until it is known that its folder was there all the time, it can
/// be undone.
#[derive(Debug)]
pub(super) struct Placed {
    /// As we left it.
    left: Look,
    before: Before,
}

/// What stood there before.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    /// The version that lies under the staged name now.
    Aside,
    /// A version that is gone.
    Gone,
}

impl Placed {
    /// Leaves it where it is. Answers it as we left it.
    pub(super) fn keep(self, staged: &Staged) -> Look {
        if matches!(self.before, Before::Aside) {
            staged.discard();
        }
        self.left
    }

    /// Makes it as it was before.
    pub(super) fn undo(self, disk: &Disk, staged: &Staged, target: &Target) {
        match self.before {
            Before::Nothing => take_back(disk, staged, &target.name),
            Before::Aside => put_back(disk, staged, &target.name),
            Before::Gone => {}
        }
    }
}

/// Puts `staged` at a name that must be free.
pub(super) fn take_free(disk: &Disk, staged: &Staged, target: &Target) -> Result<Placed> {
    match rename_to_free(
        disk,
        &staged.folder,
        &staged.name,
        &staged.folder,
        &target.name,
    ) {
        Ok(()) => {
            moment!("placed");
            Ok(Placed {
                left: as_left(staged, &target.name),
                before: Before::Nothing,
            })
        }
        Err(errno) => {
            staged.discard();
            Err(failure("write", errno, &target.path()))
        }
    }
}

/// Renames to a name that must be free. Where the file system cannot insist on it, a second link
/// can; where there are no links either, it is looked at just before.
pub(super) fn rename_to_free(
    disk: &Disk,
    from: &OwnedFd,
    old: &str,
    to: &OwnedFd,
    new: &str,
) -> io::Result<()> {
    let volume = &disk.root.volume;
    if volume.renames_to_free() {
        let renamed = renameat_with(from, old, to, new, RenameFlags::NOREPLACE);
        if !is_unsupported(renamed) {
            return renamed;
        }
    }
    let is_file = look_at(from, old)?.what == What::File;
    if is_file {
        match linkat(from, old, to, new, AtFlags::empty()) {
            Ok(()) => return unlinkat(from, old, AtFlags::empty()),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {}
            Err(errno) => return Err(errno),
        }
    }
    match look_at(to, new) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => {
            renameat(from, old, to, new)?;
            // It was the flag after all, not a folder into itself.
            volume.forget_free();
            Ok(())
        }
        Err(errno) => Err(errno),
    }
}

/// Looks at what stands at `target`, which must be the file `oid` with the tag `tag`.
pub(super) fn expected(
    disk: &Disk,
    folder: &OwnedFd,
    target: &Target,
    oid: Option<&Oid>,
    tag: &Tag,
) -> Result<Look> {
    let found = match look_at(folder, target.name.as_str()) {
        Ok(found) => found,
        Err(Errno::NOENT) => return Err(changed(target).with_detail("nothing stands there")),
        Err(errno) => return Err(failure("write", errno, &target.path())),
    };
    let is_it = found.what == What::File
        && !found.mount_root
        && oid.is_none_or(|oid| found.oid(disk.root.volume.id) == *oid)
        && found.tag() == *tag;
    if is_it {
        Ok(found)
    } else {
        Err(changed(target))
    }
}

/// Puts `staged` in the place of the file that is expected there.
pub(super) fn replace(
    disk: &Disk,
    staged: &mut Staged,
    target: &Target,
    oid: Option<&Oid>,
    tag: &Tag,
) -> Result<Placed> {
    replace_while(disk, staged, target, oid, tag, &mut |_| {})
}

/// A moment at which tests let a user act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    /// The target was looked at.
    Checked,
    /// The two changed places.
    Exchanged,
}

/// As [`replace`], with somebody acting at each moment.
pub(super) fn replace_while(
    disk: &Disk,
    staged: &mut Staged,
    target: &Target,
    oid: Option<&Oid>,
    tag: &Tag,
    act: &mut dyn FnMut(Moment),
) -> Result<Placed> {
    let old = match expected(disk, &staged.folder, target, oid, tag) {
        Ok(old) => old,
        Err(error) => {
            staged.discard();
            return Err(error);
        }
    };
    act(Moment::Checked);
    if !disk.root.volume.exchanges() {
        return rename_over(staged, target);
    }
    let folder = Arc::clone(&staged.folder);
    let name = disk
        .namer
        .exchange(staged.look.fingerprint(), old.fingerprint(), &target.name);
    let exchanged =
        renameat(&*folder, staged.name.as_str(), &*folder, name.as_str()).and_then(|()| {
            staged.name = name;
            moment!("before an exchange");
            let (ours, theirs) = (staged.name.as_str(), target.name.as_str());
            renameat_with(&*folder, ours, &*folder, theirs, RenameFlags::EXCHANGE)
        });
    match exchanged {
        Ok(()) => {}
        Err(_) if is_unsupported(exchanged) => {
            disk.root.volume.forget_exchange();
            return rename_over(staged, target);
        }
        Err(errno) => {
            staged.discard();
            return Err(match errno {
                Errno::NOENT => changed(target).with_detail("nothing stands there"),
                errno => failure("write", errno, &target.path()),
            });
        }
    }
    act(Moment::Exchanged);
    moment!("exchanged");
    match look_at(&*folder, staged.name.as_str()) {
        Ok(out) if old.same_version(&out) => Ok(Placed {
            left: as_left(staged, &target.name),
            before: Before::Aside,
        }),
        _ => {
            put_back(disk, staged, &target.name);
            Err(changed(target))
        }
    }
}

/// Takes back what was put at a name that was free, unless somebody had it in hand since.
fn take_back(disk: &Disk, staged: &Staged, target: &str) {
    let folder = &staged.folder;
    let name = staged.name.as_str();
    if rename_to_free(disk, folder, target, folder, name).is_err() {
        return;
    }
    match look_at(folder, name) {
        Ok(out) if staged.look.same_version(&out) => staged.discard(),
        _ => {
            if rename_to_free(disk, folder, name, folder, target).is_err() {
                drop(keep_aside(disk, folder, name, target));
            }
        }
    }
}

/// Undoes an exchange: something came out that was not expected, or it was somewhere else.
fn put_back(disk: &Disk, staged: &Staged, target: &str) {
    let folder = &staged.folder;
    let name = staged.name.as_str();
    match renameat_with(folder, name, folder, target, RenameFlags::EXCHANGE) {
        Ok(()) => match look_at(folder, name) {
            Ok(out) if staged.look.same_version(&out) => staged.discard(),
            // Somebody was at the target again, in that very moment.
            _ => drop(keep_aside(disk, folder, name, target)),
        },
        Err(_) => {
            if rename_to_free(disk, folder, name, folder, target).is_err() {
                drop(keep_aside(disk, folder, name, target));
            }
        }
    }
}

/// Gives what lies under a name of ours, and is not ours, a name beside `name`, and returns that. If
/// it fails it stays where it is, and the next sweep tries again.
pub(super) fn keep_aside(
    disk: &Disk,
    folder: &OwnedFd,
    own: &str,
    name: &str,
) -> io::Result<String> {
    let mut number = 1;
    loop {
        let beside = conflict_name_within(name, number, MAX_BYTES);
        match rename_to_free(disk, folder, own, folder, &beside) {
            Ok(()) => return Ok(beside),
            Err(Errno::EXIST) => number += 1,
            Err(errno) => return Err(errno),
        }
    }
}

/// Replaces where nothing better is known.
fn rename_over(staged: &Staged, target: &Target) -> Result<Placed> {
    let folder = &staged.folder;
    match renameat(folder, staged.name.as_str(), folder, target.name.as_str()) {
        Ok(()) => Ok(Placed {
            left: as_left(staged, &target.name),
            before: Before::Gone,
        }),
        Err(errno) => {
            staged.discard();
            Err(failure("write", errno, &target.path()))
        }
    }
}

/// Returns the file that we put at `name`, as we left it: the rename gave it another ctime. If it is
/// not as we left it any more, the look from before is told, whose tag will not be met again.
fn as_left(staged: &Staged, name: &str) -> Look {
    match look_at(&staged.folder, name) {
        Ok(now) if staged.look.same_version(&now) => now,
        _ => staged.look,
    }
}

fn changed(target: &Target) -> Error {
    refused(ErrorKind::PreconditionFailed, "write", &target.path())
}
