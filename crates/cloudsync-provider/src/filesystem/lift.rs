//! Folders that their owner may not write to: opened for as long as we change what is in them.
//!
//! A tree with read-only folders (package caches have them) is synced as any other. Its folders get
//! their modes when they are made; what goes into them later is let in for a moment. Only the owner
//! of a folder can do that, and what somebody else forbids stays forbidden. So does what the mode of the
//! root forbids, which is not synced: whoever set it wants nothing written there.
//!
//! Nobody is to take the mode of that moment for a user's wish: a look shows the folder as it was
//! before and will be after ([`Lifts::mode_of`]), and a process that is killed leaves a name of ours
//! in the folder that says the mode, see [`super::own`]. A user who sets a mode meanwhile has the last
//! word.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fd::OwnedFd;
use rustix::fs::{Access, AtFlags, Mode, OFlags, accessat, openat, unlinkat};
use rustix::io::{self, Errno};
use rustix::process::geteuid;

use super::change::chmod_open;
use super::look::{Look, What, look};
use super::own::Namer;
use super::root::Root;

/// What an owner needs to change names in a folder: to write, and to reach what is in it.
pub(super) const NEEDED: u32 = 0o300;

/// The folders of a root that were opened.
#[derive(Debug, Default)]
pub(super) struct Lifts {
    /// Whether there was ever one: most roots have none.
    any: AtomicBool,
    /// By inode. One that was closed again stays: a look from before may still be on its way.
    folders: Mutex<HashMap<u64, Lifted>>,
}

#[derive(Debug)]
struct Lifted {
    /// What the folder is to have.
    mode: u32,
    /// What it has as long as it is held.
    opened: u32,
    held: Option<Held>,
    /// The last change time under which a look may have found it open.
    until: i64,
}

#[derive(Debug)]
struct Held {
    folder: Arc<OwnedFd>,
    /// The name of ours in it.
    mark: String,
    holders: usize,
}

/// A folder that is held open for changes. Dropping the last one closes it.
#[derive(Debug)]
pub(super) struct Lift {
    lifts: Arc<Lifts>,
    ino: u64,
}

impl Lifts {
    /// Lets us change names in `folder`, if only its own mode forbids that and it is ours. Where we
    /// may anyway, or never will, there is nothing to hold.
    pub(super) fn open(
        self: &Arc<Self>,
        folder: &Arc<OwnedFd>,
        root: &Root,
        namer: &Namer,
    ) -> Option<Lift> {
        // Under the lock: it may be that we may only because another job holds it open.
        let mut folders = self.folders();
        let allowed = accessat(
            &**folder,
            ".",
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        );
        if allowed.is_ok() && folders.is_empty() {
            return None;
        }
        let found = look(folder).ok()?;
        let lift = || Lift {
            lifts: Arc::clone(self),
            ino: found.ino,
        };
        if let Some(held) = folders
            .get_mut(&found.ino)
            .and_then(|lifted| lifted.held.as_mut())
        {
            held.holders += 1;
            return Some(lift());
        }
        let is_ours = found.uid == geteuid().as_raw();
        let is_root = found.ino == root.look.ino;
        if allowed != Err(Errno::ACCESS) || !is_ours || is_root || found.mode & NEEDED == NEEDED {
            return None;
        }
        let opened = found.mode | NEEDED;
        chmod_open(folder, Mode::from_raw_mode(opened)).ok()?;
        let mark = namer.mode(found.mode);
        // Without it, only a kill in this moment would be taken for a user's wish.
        let _ = make(folder, &mark);
        let lifted = Lifted {
            mode: found.mode,
            opened,
            held: Some(Held {
                folder: Arc::clone(folder),
                mark,
                holders: 1,
            }),
            until: i64::MAX,
        };
        folders.insert(found.ino, lifted);
        self.any.store(true, Ordering::Release);
        Some(lift())
    }

    /// Returns the mode of what was found, as its user knows it.
    pub(super) fn mode_of(&self, found: &Look) -> u32 {
        if found.what != What::Folder || !self.any.load(Ordering::Acquire) {
            return found.mode;
        }
        match self.folders().get(&found.ino) {
            Some(lifted) if found.mode == lifted.opened && found.ctime <= lifted.until => {
                lifted.mode
            }
            _ => found.mode,
        }
    }

    /// Says which mode a folder is to have when it is closed. Returns false for one that is not held.
    pub(super) fn set_mode(&self, found: &Look, mode: u32) -> bool {
        let mut folders = self.folders();
        let held = folders.get_mut(&found.ino);
        let Some(lifted) = held.filter(|lifted| lifted.held.is_some()) else {
            return false;
        };
        lifted.mode = mode;
        true
    }

    fn folders(&self) -> MutexGuard<'_, HashMap<u64, Lifted>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lift {
    fn drop(&mut self) {
        let mut folders = self.lifts.folders();
        let Some(lifted) = folders.get_mut(&self.ino) else {
            return;
        };
        let Some(held) = lifted.held.as_mut() else {
            return;
        };
        held.holders -= 1;
        if held.holders > 0 {
            return;
        }
        // What fails here is done by the sweep of the next start, as long as the name of ours is there.
        lifted.until = close(&held.folder, &held.mark, lifted.mode, lifted.opened).unwrap_or(0);
        lifted.held = None;
    }
}

/// Gives a folder its mode back, if it still has the one that we gave it. Returns the change time up to
/// which it was open.
fn close(folder: &OwnedFd, mark: &str, mode: u32, opened: u32) -> io::Result<i64> {
    unlinkat(folder, mark, AtFlags::empty()).or_else(|errno| match errno {
        Errno::NOENT => Ok(()),
        errno => Err(errno),
    })?;
    let before = look(folder)?;
    if before.mode == opened {
        chmod_open(folder, Mode::from_raw_mode(mode))?;
    }
    Ok(before.ctime)
}

/// Makes an empty file of ours.
fn make(folder: &OwnedFd, name: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::from_raw_mode(0o600)).map(drop)
}
