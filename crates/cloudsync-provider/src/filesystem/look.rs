//! One look at one object: what `statx` says, and the oid and tag made of it.
//!
//! **Oid**: volume (4 bytes, a hash of what names the volume), inode, birth time. It stays with an
//! object through edits in place, renames and moves; the birth time tells a re-used inode apart.
//! **Tag**: size, mtime, ctime. No call sets ctime, so a tag sees also edits that put mtime back.
//! A rename gives a file another tag: the system counts it as a change.
//!
//! **Racy**: the kernel stamps files with a clock that steps. A file whose mtime is not older than
//! the look by more than the step can be edited again without its tag changing. Only mtime is asked:
//! an edit sets mtime and ctime alike, so an edit later than the look leaves the tag alone only if
//! mtime *already* stands at that step; a file that we wrote has a fresh ctime and its source's old
//! mtime, and any edit of it shows.

use std::time::SystemTime;

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags, StatxTimestamp, statx};
use rustix::{io, path};

use crate::{Attributes, Kind, Observed, Oid, SkipReason, Tag};

/// How far a file's time stamp may lie behind the clock: the kernel's tick is 10 ms at most.
pub(super) const CLOCK_STEP: i64 = 12_000_000;

/// How far a time stamp may lie ahead of `now`, which is read a little before the look.
const AHEAD: i64 = 1_000_000_000;

const NANOS: i64 = 1_000_000_000;

/// First byte of a tag; tells our tags from those of other providers.
const TAG_MARK: u8 = 0xf5;

/// What stands at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    File,
    Folder,
    Symlink,
    Special,
}

impl From<FileType> for What {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => What::File,
            FileType::Directory => What::Folder,
            FileType::Symlink => What::Symlink,
            _ => What::Special,
        }
    }
}

/// What the system says of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Look {
    pub(super) what: What,
    pub(super) ino: u64,
    /// Nanoseconds since 1970, as all times here; 0 where the file system keeps none.
    pub(super) btime: i64,
    pub(super) size: u64,
    /// Has fewer blocks than its size needs.
    pub(super) sparse: bool,
    /// `None` outside of what nanoseconds can say (years 1677 to 2262).
    pub(super) mtime: Option<i64>,
    pub(super) ctime: i64,
    /// Permission bits only.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u32,
    pub(super) device: (u32, u32),
    pub(super) mount_id: u64,
    /// Another file system is mounted here.
    pub(super) mount_root: bool,
}

/// Looks at `name` in `folder`, following no link and mounting nothing.
pub(super) fn look_at(folder: impl AsFd, name: impl path::Arg) -> io::Result<Look> {
    look_with(
        folder,
        name,
        AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT,
    )
}

/// Looks at an open object.
pub(super) fn look(open: impl AsFd) -> io::Result<Look> {
    look_with(open, c"", AtFlags::EMPTY_PATH)
}

fn look_with(folder: impl AsFd, name: impl path::Arg, flags: AtFlags) -> io::Result<Look> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID;
    let found = statx(folder, name, flags, mask)?;
    let has_btime = found.stx_mask & StatxFlags::BTIME.bits() != 0;
    let mode = u32::from(found.stx_mode);
    Ok(Look {
        what: FileType::from_raw_mode(mode).into(),
        ino: found.stx_ino,
        btime: if has_btime {
            nanos(&found.stx_btime).unwrap_or(i64::MAX)
        } else {
            0
        },
        size: found.stx_size,
        sparse: found.stx_blocks.saturating_mul(512) < found.stx_size,
        mtime: nanos(&found.stx_mtime),
        ctime: nanos(&found.stx_ctime).unwrap_or(i64::MAX),
        mode: mode & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        links: found.stx_nlink,
        device: (found.stx_dev_major, found.stx_dev_minor),
        mount_id: found.stx_mnt_id,
        mount_root: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
    })
}

fn nanos(time: &StatxTimestamp) -> Option<i64> {
    time.tv_sec
        .checked_mul(NANOS)?
        .checked_add(i64::from(time.tv_nsec))
}

/// Returns the wall clock, in nanoseconds since 1970.
pub(super) fn now() -> i64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

impl Look {
    /// Returns the id on the volume `volume`.
    pub(super) fn oid(&self, volume: [u8; 4]) -> Oid {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&volume);
        bytes[4..12].copy_from_slice(&self.ino.to_be_bytes());
        bytes[12..].copy_from_slice(&self.btime.to_be_bytes());
        Oid::new(bytes)
    }

    /// Returns true if this is the object with an id of ours, whatever its volume is called.
    pub(super) fn is_object(&self, oid: &Oid) -> bool {
        self.oid([0; 4]).as_bytes().get(4..) == oid.as_bytes().get(4..)
    }

    /// Returns the tag; nothing for a folder. 22 bytes at most for files under a TiB.
    pub(super) fn tag(&self) -> Tag {
        if self.what == What::Folder {
            return Tag::default();
        }
        let mut bytes = [0; 25];
        bytes[0] = TAG_MARK;
        bytes[1..9].copy_from_slice(&self.mtime.unwrap_or(i64::MAX).to_be_bytes());
        bytes[9..17].copy_from_slice(&self.ctime.to_be_bytes());
        let size = self.size.to_le_bytes();
        let used = size
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        bytes[17..17 + used].copy_from_slice(&size[..used]);
        Tag::new(&bytes[..17 + used])
    }

    /// Returns true if `later` is this object unedited, whatever names and links did to its ctime.
    pub(super) fn same_version(&self, later: &Look) -> bool {
        (
            self.what, self.ino, self.btime, self.size, self.mtime, self.mode,
        ) == (
            later.what,
            later.ino,
            later.btime,
            later.size,
            later.mtime,
            later.mode,
        )
    }

    /// Returns a number for object and version, as [`Look::same_version`] without the mode: what a
    /// staged name remembers.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.ino.to_be_bytes());
        hasher.update(&self.btime.to_be_bytes());
        hasher.update(&self.size.to_be_bytes());
        hasher.update(&self.mtime.unwrap_or(i64::MAX).to_be_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_be_bytes(first)
    }

    /// Returns why the object is left alone, if it is. `device` is the root's.
    pub(super) fn skip(&self, device: (u32, u32)) -> Option<SkipReason> {
        match self.what {
            // A subvolume is no mount, and numbers its inodes anew. (Only folders are asked: on an
            // overlay, files may say the device of a layer.)
            _ if self.mount_root => Some(SkipReason::MountPoint),
            What::Folder if self.device != device => Some(SkipReason::MountPoint),
            What::File | What::Folder => None,
            What::Symlink => Some(SkipReason::Symlink),
            What::Special => Some(SkipReason::Special),
        }
    }

    /// Returns the look as the trait says it. `now` is the wall clock just before the look, `step`
    /// how far the file system's time stamps may lie behind it.
    pub(super) fn observed(&self, volume: [u8; 4], now: i64, step: i64) -> Observed {
        let folder = self.what == What::Folder;
        Observed {
            oid: self.oid(volume),
            kind: if folder { Kind::Folder } else { Kind::File },
            tag: self.tag(),
            size: if folder { 0 } else { self.size },
            attributes: Attributes {
                mtime: if folder { None } else { self.mtime },
                mode: Some(self.mode),
            },
            hash: None,
            racy: !folder && self.mtime.is_some_and(|mtime| is_racy(mtime, now, step)),
        }
    }
}

/// Returns true if an edit after `now` could get the mtime `mtime` again. A file from the far future
/// is not racy: an edit takes it back to the present.
fn is_racy(mtime: i64, now: i64, step: i64) -> bool {
    mtime > now.saturating_sub(step) && mtime < now.saturating_add(AHEAD.max(step))
}

/// Returns the size that a tag of ours tells of.
pub(super) fn size_of(tag: &Tag) -> u64 {
    let mut size = [0; 8];
    let used = tag.as_bytes().get(17..).unwrap_or_default();
    for (byte, used) in size.iter_mut().zip(used) {
        *byte = *used;
    }
    u64::from_le_bytes(size)
}

/// Returns true for a tag that this module made.
pub(super) fn is_ours(tag: &Tag) -> bool {
    let bytes = tag.as_bytes();
    (17..=25).contains(&bytes.len()) && bytes[0] == TAG_MARK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Look {
        Look {
            what: What::File,
            ino: 7,
            btime: 1,
            size: 5,
            sparse: false,
            mtime: Some(100),
            ctime: 200,
            mode: 0o644,
            uid: 0,
            gid: 0,
            links: 1,
            device: (8, 1),
            mount_id: 1,
            mount_root: false,
        }
    }

    #[test]
    fn tag_tells_size_mtime_and_ctime_apart_and_is_short() {
        let base = file();
        for other in [
            Look { size: 0, ..base },
            Look {
                size: 5 << 8,
                ..base
            },
            Look {
                mtime: Some(101),
                ..base
            },
            Look {
                mtime: None,
                ..base
            },
            Look { ctime: 201, ..base },
        ] {
            assert_ne!(base.tag(), other.tag());
            assert!(is_ours(&other.tag()));
            assert_eq!(size_of(&other.tag()), other.size);
        }
        assert_eq!(
            base.tag(),
            Look {
                ino: 8,
                mode: 0,
                links: 2,
                ..base
            }
            .tag()
        );
        assert!(
            Look {
                size: (1 << 40) - 1,
                ..base
            }
            .tag()
            .as_bytes()
            .len()
                <= 22
        );
        assert!(base.oid([0; 4]).as_bytes().len() <= 22);
    }

    #[test]
    fn tags_of_others_are_not_ours() {
        assert!(!is_ours(&Tag::new("etag-1234567890-abc")));
        assert!(!is_ours(&Tag::default()));
    }

    #[test]
    fn racy_is_the_last_step_before_the_look() {
        let now = 1_000_000_000_000;
        for (mtime, racy) in [
            (now, true),
            (now - CLOCK_STEP + 1, true),
            (now - CLOCK_STEP, false),
            (now + 500_000_000, true),
            (now + 5_000_000_000, false),
            (0, false),
            (-5, false),
        ] {
            assert_eq!(is_racy(mtime, now, CLOCK_STEP), racy, "{mtime}");
        }
    }

    #[test]
    fn version_ignores_ctime_only() {
        let base = file();
        assert!(base.same_version(&Look {
            ctime: 300,
            links: 2,
            ..base
        }));
        for other in [
            Look { ino: 8, ..base },
            Look { btime: 2, ..base },
            Look { size: 6, ..base },
            Look {
                mtime: Some(1),
                ..base
            },
            Look {
                mode: 0o600,
                ..base
            },
        ] {
            assert!(!base.same_version(&other));
        }
    }
}
