//! Looks at one object by path.

use rustix::fd::OwnedFd;
use rustix::fs::{OFlags, RawDir};
use rustix::io::Errno;

use crate::{Found, ObjectRef, Result};

use super::disk::Disk;
use super::failure::failure;
use super::list;
use super::look::{Look, look, look_at, now};
use super::names::{check_path, split};
use super::own;
use super::root::open_below;

/// Looks at what stands at the path now, whatever its id is.
pub(super) fn info(disk: &Disk, at: &ObjectRef) -> Result<Option<Found>> {
    let is_ours = at.path.split('/').any(|name| own::is_own(name.as_bytes()));
    if is_ours {
        return Ok(None);
    }
    check_path("info", &at.path)?;
    let clock = now();
    let found = if at.is_root() {
        look(&disk.root.folder).map(|found| (found, None, String::new()))
    } else {
        let (parent, name) = split(&at.path);
        disk.root.open_folder(parent).and_then(|folder| {
            let found = look_at(&folder, name)?;
            let spelled = if disk.root.volume.is_case_sensitive() {
                name.to_owned()
            } else {
                spelling(&folder, name, &found).unwrap_or_else(|| name.to_owned())
            };
            Ok((found, Some(look(&folder)?), spelled))
        })
    };
    match found {
        Ok((found, parent, name)) => {
            let skipped = !at.is_root() && found.skip(disk.root.look.device).is_some();
            let volume = disk.root.volume.id;
            Ok(Some(Found {
                observed: (!skipped).then(|| disk.observed(&found, clock)),
                folder: parent.map(|parent| parent.oid(volume)),
                name,
            }))
        }
        // A link or a mount on the way: nothing of ours is behind it. Names too long for the disk
        // are not on it.
        Err(
            Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::XDEV
            | Errno::NAMETOOLONG
            | Errno::INVAL
            | Errno::ILSEQ,
        ) => Ok(None),
        Err(errno) => Err(failure("info", errno, &at.path)),
    }
}

/// Returns how the folder spells the name of an object that was found in it, on file systems that
/// find `README` also as `readme`.
fn spelling(folder: &OwnedFd, name: &str, found: &Look) -> Option<String> {
    let open = open_below(folder, "", OFlags::RDONLY | OFlags::DIRECTORY).ok()?;
    let mut buffer = list::buffer();
    let mut entries = RawDir::new(&open, buffer.spare_capacity_mut());
    let mut other = None;
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let Ok(spelled) = entry.file_name().to_str() else {
            continue;
        };
        if spelled == name {
            return Some(spelled.to_owned());
        }
        // Links of one file in one folder: the one that differs least, by case only.
        if entry.ino() == found.ino
            && (other.is_none() || spelled.to_lowercase() == name.to_lowercase())
        {
            other = Some(spelled.to_owned());
        }
    }
    other
}
