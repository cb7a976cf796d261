//! Carries over to a new version what its source cannot tell: owner, access list, extended attributes.
//!
//! A replaced file is another inode. What the user hung on the old one would be gone with it. What
//! cannot be carried over (another file system's attributes, no right to set them) is left out: it is
//! no reason to refuse a new version.

use rustix::fd::OwnedFd;
use rustix::fs::{
    Gid, Uid, XattrFlags, fchown, fgetxattr, flistxattr, flistxattr_query, fsetxattr,
};

use super::copy::Old;

/// Longest value that the kernel gives.
const LONGEST: usize = 64 << 10;

/// Gives `new` what `old` has. Returns true if the owner was set, which clears some bits of the mode.
pub(super) fn keep(old: Old<'_>, new: &OwnedFd) -> bool {
    attributes(old, new);
    let (uid, gid) = (Uid::from_raw(old.look.uid), Gid::from_raw(old.look.gid));
    // Anybody else owns the new file as the old one already, or could not change it.
    rustix::process::geteuid().is_root() && fchown(new, Some(uid), Some(gid)).is_ok()
}

fn attributes(old: Old<'_>, new: &OwnedFd) {
    let Some(from) = old.open() else {
        return;
    };
    // Most files have none: no buffer for them.
    if matches!(flistxattr_query(&from), Ok(0) | Err(_)) {
        return;
    }
    let mut names = vec![0; LONGEST];
    let Ok(length) = flistxattr(&from, &mut names[..]) else {
        return;
    };
    let mut value = vec![0; LONGEST];
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        // Labels are the folder's and the policy's to give.
        if name.starts_with(b"security.") {
            continue;
        }
        if let Ok(length) = fgetxattr(&from, name, &mut value[..]) {
            let _ = fsetxattr(new, name, &value[..length], XattrFlags::empty());
        }
    }
}
