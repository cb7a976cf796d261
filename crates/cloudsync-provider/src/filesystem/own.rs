//! The names of our own files, what they remember, and whether whoever made them still lives.
//!
//! Staged files lie in the folder of their target, not in a folder of their own at the root: only
//! there a rename stays within one volume, quota project and encryption policy whatever the tree is
//! made of, and the new file gets the access list, group and label that the folder hands down. They
//! are swept by the walk that every start needs anyway, which meets each folder once.
//!
//! A name says all that the sweep after a crash needs, for nothing else outlives a killed process:
//!
//! | letter | what can stand under the name | the sweep |
//! |---|---|---|
//! | `c` | a copy being made: bytes of ours, never anything else | removes it |
//! | `x` | being exchanged with its target: what we made (nothing happened yet), the version that we were told to replace (all happened), or another one that came out in a race | removes the first two, keeps the third beside the target |
//! | `p` | a user's file, parked while it was being deleted | puts it back |
//! | `m` | nothing: the folder it lies in was opened for changes | gives the folder its mode back |
//!
//! `x` names hold fingerprints of what we made and of what we expected, and the target's name where it
//! fits; `p` names the old name, cut if too long; `m` names the mode. All hold the owner (only the owner sweeps) and the
//! run, by which a process with operations in flight is told from a dead one.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::names::{MAX_BYTES, cut};

/// What all our names begin with.
pub(super) const PREFIX: &str = ".cloudsync-staged-";

/// Returns true for a name of ours, of whatever owner.
pub(super) fn is_own(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes())
}

/// The runs of this process that are alive.
static ALIVE: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

static NEXT_RUN: AtomicU64 = AtomicU64::new(1);

/// Makes names for one owner. While it lives, nobody sweeps them.
#[derive(Debug)]
pub(super) struct Namer {
    owner: u32,
    run: Run,
    count: AtomicU64,
}

impl Namer {
    /// Makes names for the owner `id`.
    pub(super) fn new(id: &str) -> Self {
        let hash = blake3::hash(id.as_bytes());
        let mut owner = [0; 4];
        owner.copy_from_slice(&hash.as_bytes()[..4]);
        let instance = NEXT_RUN.fetch_add(1, Ordering::Relaxed);
        ALIVE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(instance);
        let (process, start) = this_process();
        let run = Run {
            process,
            start,
            instance,
        };
        Self {
            owner: u32::from_be_bytes(owner),
            run,
            count: AtomicU64::new(0),
        }
    }

    fn start(&self, letter: char) -> String {
        let Self { owner, run, .. } = self;
        let Run {
            process,
            start,
            instance,
        } = run;
        format!("{PREFIX}{letter}-{owner:08x}-{process:x}.{start:x}.{instance:x}-")
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Names a copy to be made.
    pub(super) fn copy(&self) -> String {
        format!("{}{:x}", self.start('c'), self.next())
    }

    /// Names a finished copy that is to change places with its target.
    pub(super) fn exchange(&self, made: u64, expected: u64, target: &str) -> String {
        let start = format!("{}{made:016x}-{expected:016x}-", self.start('x'));
        let fits = start.len() + target.len() <= MAX_BYTES;
        format!("{start}{}", if fits { target } else { "" })
    }

    /// Names a file that is parked.
    pub(super) fn parked(&self, name: &str) -> String {
        let start = format!("{}{:x}-", self.start('p'), self.next());
        format!("{start}{}", cut(name, MAX_BYTES - start.len()))
    }

    /// Names what says that a folder has another mode for a while than `mode`, its own.
    pub(super) fn mode(&self, mode: u32) -> String {
        format!("{}{mode:o}", self.start('m'))
    }

    /// Reads a name back, if it is this owner's.
    pub(super) fn parse<'n>(&self, name: &'n str) -> Option<(Run, Leftover<'n>)> {
        let (letter, rest) = name.strip_prefix(PREFIX)?.split_once('-')?;
        let (owner, rest) = rest.split_once('-')?;
        if u32::from_str_radix(owner, 16).ok()? != self.owner {
            return None;
        }
        let (run, rest) = rest.split_once('-')?;
        let mut parts = run
            .split('.')
            .map(|part| u64::from_str_radix(part, 16).ok());
        let run = Run {
            process: parts.next()??,
            start: parts.next()??,
            instance: parts.next()??,
        };
        let leftover = match letter {
            "c" => Leftover::Copy,
            "x" => {
                let mut parts = rest.splitn(3, '-');
                let made = u64::from_str_radix(parts.next()?, 16).ok()?;
                let expected = u64::from_str_radix(parts.next()?, 16).ok()?;
                Leftover::Exchange {
                    made,
                    expected,
                    target: parts.next()?,
                }
            }
            "p" => Leftover::Parked {
                name: rest.split_once('-')?.1,
            },
            "m" => Leftover::Mode(u32::from_str_radix(rest, 8).ok()? & 0o7777),
            _ => return None,
        };
        Some((run, leftover))
    }
}

impl Drop for Namer {
    fn drop(&mut self) {
        ALIVE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.run.instance);
    }
}

/// What a name says of what lies under it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leftover<'n> {
    Copy,
    /// `target` is empty where it did not fit.
    Exchange {
        made: u64,
        expected: u64,
        target: &'n str,
    },
    Parked {
        name: &'n str,
    },
    /// Of the folder it lies in.
    Mode(u32),
}

/// One provider value in one process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Run {
    process: u64,
    /// The process's start, in ticks since the machine's: tells a re-used process id apart.
    start: u64,
    instance: u64,
}

impl Run {
    /// Returns true if operations of this run can still be in flight. Processes of other machines and
    /// containers are not seen: that one engine runs a pair is the engine's lock to ensure.
    pub(super) fn is_alive(self) -> bool {
        if (self.process, self.start) == this_process() {
            ALIVE
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&self.instance)
        } else {
            start_of(self.process) == Some(self.start)
        }
    }
}

fn this_process() -> (u64, u64) {
    static THIS: OnceLock<(u64, u64)> = OnceLock::new();
    *THIS.get_or_init(|| {
        let process = u64::from(std::process::id());
        (process, start_of(process).unwrap_or(0))
    })
}

fn start_of(process: u64) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name, in brackets, may hold anything; the start is the 20th field after it.
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let namer = Namer::new("pair");
        let copy = namer.copy();
        assert_ne!(copy, namer.copy());
        assert_eq!(
            namer.parse(&copy).map(|found| found.1),
            Some(Leftover::Copy)
        );

        let name = namer.exchange(1, u64::MAX, "a-b c");
        let leftover = Leftover::Exchange {
            made: 1,
            expected: u64::MAX,
            target: "a-b c",
        };
        assert_eq!(namer.parse(&name).map(|found| found.1), Some(leftover));

        let long = "ü".repeat(127);
        let name = namer.exchange(1, 2, &long);
        let leftover = Leftover::Exchange {
            made: 1,
            expected: 2,
            target: "",
        };
        assert_eq!(namer.parse(&name).map(|found| found.1), Some(leftover));

        let name = namer.parked("x-y");
        assert_eq!(
            namer.parse(&name).map(|found| found.1),
            Some(Leftover::Parked { name: "x-y" })
        );
        assert!(namer.parked(&long).len() <= MAX_BYTES);
        for name in [copy, name] {
            assert!(is_own(name.as_bytes()) && name.len() <= MAX_BYTES);
        }
    }

    #[test]
    fn names_of_others_are_not_read() {
        let namer = Namer::new("pair");
        assert_eq!(namer.parse(&Namer::new("other").copy()), None);
        for name in ["a", ".cloudsync-staged-", ".cloudsync-staged-c-zz-1.1.1-0"] {
            assert_eq!(namer.parse(name), None);
        }
    }

    #[test]
    fn a_run_lives_as_long_as_its_namer() {
        let namer = Namer::new("pair");
        let run = namer.run;
        assert!(run.is_alive());
        drop(namer);
        assert!(!run.is_alive());
        assert!(
            !Run {
                process: u64::MAX,
                start: 1,
                instance: 1
            }
            .is_alive()
        );
        assert!(
            !Run {
                start: run.start + 1,
                ..run
            }
            .is_alive()
        );
        let init = start_of(1).map(|start| Run {
            process: 1,
            start,
            instance: 1,
        });
        assert!(init.is_none_or(Run::is_alive));
    }
}
