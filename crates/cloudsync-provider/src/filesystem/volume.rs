//! What the file system under the root can do: names, clock, ways to replace.
//!
//! Known by the kind of file system where that decides it, asked by passive looks otherwise; two
//! staged files are made, and removed at once, only in an empty root on a file system that nobody
//! here knows.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{
    AtFlags, Mode, OFlags, RawDir, RenameFlags, ioctl_getflags, openat, renameat_with, unlinkat,
};
use rustix::io;

use crate::NameRules;

use super::look::{CLOCK_STEP, Look, look_at};
use super::names::MAX_BYTES;
use super::own::Namer;

/// `statfs` magic numbers, from `linux/magic.h` and the drivers.
mod magic {
    pub(super) const BCACHEFS: u64 = 0xca45_1a4e;
    pub(super) const BTRFS: u64 = 0x9123_683e;
    pub(super) const CEPH: u64 = 0x00c3_6400;
    pub(super) const CIFS: u64 = 0xff53_4d42;
    pub(super) const EXFAT: u64 = 0x2011_bab0;
    pub(super) const EXT: u64 = 0xef53;
    pub(super) const F2FS: u64 = 0xf2f5_2010;
    pub(super) const FUSE: u64 = 0x6573_5546;
    pub(super) const HFS: u64 = 0x4244;
    pub(super) const HFS_PLUS: u64 = 0x482b;
    pub(super) const MSDOS: u64 = 0x4d44;
    pub(super) const NFS: u64 = 0x6969;
    pub(super) const NTFS3: u64 = 0x7366_746e;
    pub(super) const OVERLAY: u64 = 0x794c_7630;
    pub(super) const P9: u64 = 0x0102_1997;
    pub(super) const SMB2: u64 = 0xfe53_4d42;
    pub(super) const TMPFS: u64 = 0x0102_1994;
    pub(super) const XFS: u64 = 0x5846_5342;
}

/// Returns true where the file system's id is the number of its device.
pub(super) fn id_is_device_number(kind: impl TryInto<i64>) -> bool {
    let kind = number(kind);
    matches!(
        kind,
        magic::XFS | magic::MSDOS | magic::EXFAT | magic::NTFS3 | magic::HFS | magic::HFS_PLUS
    )
}

/// Kinds of magic are signed words on some machines.
fn number(kind: impl TryInto<i64>) -> u64 {
    kind.try_into().map_or(0, |kind| {
        u64::from_le_bytes(kind.to_le_bytes()) & 0xffff_ffff
    })
}

/// The volume that the root lies on.
#[derive(Debug)]
pub(super) struct Volume {
    /// First part of every oid.
    pub(super) id: [u8; 4],
    /// How far time stamps lie behind the clock, nanoseconds.
    pub(super) clock_step: i64,
    kind: u64,
    case_sensitive: AtomicBool,
    free: AtomicBool,
    exchange: AtomicBool,
}

impl Volume {
    /// Describes the volume called `name`, a file system of `kind`, with `root` on it.
    pub(super) fn new(name: &str, kind: impl TryInto<i64>, root: impl AsFd, found: &Look) -> Self {
        let kind = number(kind);
        let mut id = [0; 4];
        id.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..4]);
        let clock_step = match kind {
            // Two seconds on the disk; on a network the clock is another machine's.
            magic::MSDOS | magic::EXFAT => 2_000_000_000 + CLOCK_STEP,
            magic::HFS | magic::HFS_PLUS => 1_000_000_000 + CLOCK_STEP,
            magic::NFS | magic::CIFS | magic::SMB2 | magic::CEPH | magic::P9 | magic::FUSE => {
                2_000_000_000
            }
            // Nobody sets a ctime: where it has no fraction, the file system keeps none.
            _ if found.ctime % 1_000_000_000 == 0 => 1_000_000_000 + CLOCK_STEP,
            _ => CLOCK_STEP,
        };
        let well_known = matches!(
            kind,
            magic::EXT | magic::XFS | magic::BTRFS | magic::TMPFS | magic::F2FS | magic::OVERLAY
        );
        let case_sensitive = case_by_names(root.as_fd())
            .unwrap_or_else(|| well_known && !has_fold_flag(root.as_fd()));
        Self {
            id,
            clock_step,
            kind,
            case_sensitive: AtomicBool::new(case_sensitive),
            free: AtomicBool::new(true),
            exchange: AtomicBool::new(true),
        }
    }

    /// Tries out what could not be told by looking. Needs a root that can be written; else all stays
    /// as it is, and nothing can be changed there anyway.
    pub(super) fn probe(&self, root: impl AsFd, namer: &Namer) {
        let root = root.as_fd();
        if matches!(
            self.kind,
            magic::EXT | magic::XFS | magic::BTRFS | magic::TMPFS | magic::F2FS
        ) {
            return;
        }
        let (one, two) = (namer.copy(), namer.copy());
        let make = |name: &str| {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            openat(root, name, flags, Mode::RUSR | Mode::WUSR)
        };
        if make(&one).is_ok() && make(&two).is_ok() {
            if case_by_names(root).is_none() {
                let shouted = one.to_ascii_uppercase();
                let sensitive = look_at(root, shouted.as_str()).is_err();
                self.case_sensitive.store(sensitive, Ordering::Relaxed);
            }
            let swap = renameat_with(
                root,
                one.as_str(),
                root,
                two.as_str(),
                RenameFlags::EXCHANGE,
            );
            self.exchange
                .store(!is_unsupported(swap), Ordering::Relaxed);
            let free = renameat_with(
                root,
                one.as_str(),
                root,
                two.as_str(),
                RenameFlags::NOREPLACE,
            );
            self.free.store(!is_unsupported(free), Ordering::Relaxed);
        }
        for name in [one, two] {
            let _ = unlinkat(root, name.as_str(), AtFlags::empty());
        }
    }

    /// Returns how names are compared.
    pub(super) fn names(&self) -> NameRules {
        let windows = matches!(self.kind, magic::MSDOS | magic::EXFAT | magic::NTFS3);
        NameRules {
            case_sensitive: self.is_case_sensitive(),
            normalizes_unicode: matches!(self.kind, magic::HFS | magic::HFS_PLUS)
                || (!self.is_case_sensitive() && self.kind != magic::MSDOS && !windows),
            max_name_bytes: MAX_BYTES,
            forbidden: if windows { "\\:*?\"<>|" } else { "" },
            windows,
        }
    }

    /// Returns true if `a` and `A` are two names.
    pub(super) fn is_case_sensitive(&self) -> bool {
        self.case_sensitive.load(Ordering::Relaxed)
    }

    /// Returns true if a folder can be a volume of its own without being a mount point.
    pub(super) fn has_subvolumes(&self) -> bool {
        matches!(self.kind, magic::BTRFS | magic::BCACHEFS)
    }

    /// Returns true if a rename can insist on a free name.
    pub(super) fn renames_to_free(&self) -> bool {
        self.free.load(Ordering::Relaxed)
    }

    /// Returns true if two objects can change places in one step.
    pub(super) fn exchanges(&self) -> bool {
        self.exchange.load(Ordering::Relaxed)
    }

    /// Keeps in mind that renames cannot insist on a free name.
    pub(super) fn forget_free(&self) {
        self.free.store(false, Ordering::Relaxed);
    }

    /// Keeps in mind that exchanges do not work.
    pub(super) fn forget_exchange(&self) {
        self.exchange.store(false, Ordering::Relaxed);
    }
}

/// Returns true for the answers of a file system that does not know a flag.
pub(super) fn is_unsupported(answer: io::Result<()>) -> bool {
    matches!(
        answer,
        Err(io::Errno::INVAL | io::Errno::NOSYS | io::Errno::OPNOTSUPP)
    )
}

/// Folders on ext4, f2fs and tmpfs can be marked to fold names.
fn has_fold_flag(root: BorrowedFd<'_>) -> bool {
    const CASEFOLD: u32 = 0x4000_0000;
    ioctl_getflags(root).is_ok_and(|flags| flags.bits() & CASEFOLD != 0)
}

/// Looks for an entry's name with the case of its letters turned. `None`: no entry has letters.
fn case_by_names(root: BorrowedFd<'_>) -> Option<bool> {
    let open = openat(
        root,
        ".",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .ok()?;
    let mut buffer = [MaybeUninit::uninit(); 4_096];
    let mut entries = RawDir::new(&open, &mut buffer);
    let mut asked = 0;
    while let Some(Ok(entry)) = entries.next() {
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        let turned: String = name.chars().map(turn).collect();
        if turned == name {
            continue;
        }
        let (Ok(this), other) = (look_at(root, name), look_at(root, turned.as_str())) else {
            continue;
        };
        match other {
            Err(io::Errno::NOENT) => return Some(true),
            // Two names of one inode can also be two links.
            Ok(other) if other.ino == this.ino && this.links == 1 => return Some(false),
            Ok(other) if other.ino != this.ino => return Some(true),
            _ => {}
        }
        asked += 1;
        if asked > 100 {
            break;
        }
    }
    None
}

fn turn(letter: char) -> char {
    if letter.is_ascii_lowercase() {
        letter.to_ascii_uppercase()
    } else {
        letter.to_ascii_lowercase()
    }
}
