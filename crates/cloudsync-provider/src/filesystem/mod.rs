//! Local folders as one side of a pair. Linux.
//!
//! The rooms: `look` (one look at one object: oid, tag, racy), `root` (the open root, its identity,
//! reaching what is below it), `volume` (what the file system can do), `list` and `scan` (one folder,
//! and all), `info`, `read`, `intake` (content on its way into jobs), `copy` (content in), `pieces`
//! (large files, on a few threads), `write` (stage, flush, place), `replace` (the
//! loss-free exchange), `keep` (what the old version hands on), `lift` (read-only folders, opened for a moment), `change`
//! (folders, renames, deletes, attributes), `own` (names of our own files)
//! and `sweep` (what a crash left of them), `watch` (events), `disk` (what all jobs share).
//!
//! Invariants:
//! - Below the root, nothing is reached by absolute path, and no link and no mount point is crossed.
//! - A change looks right before it changes, and looks again at what it moved out of the way before
//!   that is removed; what is not as expected is put back.
//! - Names of ours ([`own`]) are never shown, whoever's they are, and never taken from callers.
//! - Links, pipes, devices, mount points and names that are not UTF-8 are reported as skipped.
//!   A file with several links is a file under each name; it is replaced, not written through.
//!   Access lists and extended attributes do not travel; those of a replaced file stay.

#[cfg(not(target_os = "linux"))]
compile_error!("the filesystem provider knows Linux only, so far");

/// A moment in which tests end the process: nothing without the feature `fail-points`.
macro_rules! moment {
    ($name:literal) => {
        #[cfg(feature = "fail-points")]
        fail::fail_point!($name);
    };
}

mod change;
mod copy;
mod disk;
mod failure;
mod info;
mod intake;
mod keep;
mod lift;
mod list;
mod look;
mod names;
mod own;
mod pieces;
mod provider;
mod read;
mod replace;
mod root;
mod scan;
mod source;
mod sweep;
mod syncs;
mod volume;
mod watch;
mod write;

#[cfg(test)]
mod tests;

pub use disk::Durability;
pub use provider::FileProvider;
