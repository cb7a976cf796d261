//! What a run did, and what is left.

use std::fmt;
use std::time::Duration;

use cloudsync_core::engine::io::{Held, Status, Trouble};
use cloudsync_core::failure::Failure;
use cloudsync_core::listing::SkipReason;
use cloudsync_core::notice::Notice;
use cloudsync_core::object::ContentHash;
use cloudsync_core::side::{BySide, Side};
use serde::{Serialize, Serializer};

/// What a run did, and what is left. Honest: whatever was not settled stands in it.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct SyncReport {
    /// If true, nothing was known of the pair before: what was equal agreed, nothing was deleted.
    pub first_meeting: bool,
    /// Why stored state could not be used, where there was some.
    pub state_set_aside: Option<String>,
    /// Changes made, on the side that they changed.
    pub changed: BySide<Changed>,
    /// Conflicts met in this run, and those that wait for a decision.
    pub conflicts: Vec<Conflicted>,
    /// What could not be synced.
    #[serde(serialize_with = "troubles")]
    pub failed: Vec<Trouble>,
    /// Deletions that are held.
    #[serde(serialize_with = "held_sets")]
    pub held: Vec<Held>,
    /// Objects met and left alone: side, path, why.
    pub skipped: Vec<(Side, String, SkipReason)>,
    /// Entries that are not settled, the failed ones among them.
    pub pending: usize,
    /// Objects on each side.
    pub objects: BySide<usize>,
    /// The sides that are down, and why.
    pub down: BySide<Option<Failure>>,
    /// If true, the run ended before all was looked at: a side went down, or it was stopped.
    pub interrupted: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// Changes made on one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Changed {
    /// Files written.
    pub copied: usize,
    /// Bytes written.
    pub bytes: u64,
    /// Folders made.
    pub folders: usize,
    /// Objects renamed or moved.
    pub renamed: usize,
    /// Objects deleted.
    pub deleted: usize,
    /// Objects that got other times or another mode.
    pub attributes: usize,
}

/// A conflict.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[non_exhaustive]
pub struct Conflicted {
    /// Path, on the local side.
    pub path: String,
    /// The name that the other version is kept under; `None`: not kept, or not decided.
    pub kept_as: Option<String>,
    /// If true, it waits for a decision.
    pub waits: bool,
    /// The two versions, as they were when it was met; `None` where a side's was not found.
    pub versions: BySide<Option<Known>>,
}

/// What is known of a version of a file without reading it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[non_exhaustive]
pub struct Known {
    /// Bytes in it.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970, if its side says so.
    pub mtime: Option<i64>,
    /// Its hash, where it is known: two versions of different sizes are told apart without.
    pub hash: Option<ContentHash>,
}

impl fmt::Display for Conflicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kept_as {
            Some(name) => write!(
                f,
                "conflict: {}, the other version is kept as {name}",
                self.path
            ),
            None => write!(f, "conflict: {}", self.path),
        }
    }
}

impl SyncReport {
    /// Returns true if both sides agree: all was seen, nothing failed, nothing waits.
    pub fn in_sync(&self) -> bool {
        !self.interrupted
            && self.pending == 0
            && self.failed.is_empty()
            && self.held.is_empty()
            && self.down.local.is_none()
            && self.down.remote.is_none()
            && !self.conflicts.iter().any(|conflict| conflict.waits)
    }

    /// Returns the changes of both sides together.
    pub fn total(&self) -> Changed {
        let Changed {
            copied,
            bytes,
            folders,
            renamed,
            deleted,
            attributes,
        } = self.changed.local;
        let remote = &self.changed.remote;
        Changed {
            copied: copied + remote.copied,
            bytes: bytes + remote.bytes,
            folders: folders + remote.folders,
            renamed: renamed + remote.renamed,
            deleted: deleted + remote.deleted,
            attributes: attributes + remote.attributes,
        }
    }

    /// Returns true if nothing was changed on either side.
    pub fn changed_nothing(&self) -> bool {
        self.total() == Changed::default()
    }
}

/// Counts what the engine tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    changed: BySide<Changed>,
    conflicts: Vec<Conflicted>,
}

impl Tally {
    /// Counts a conflict that was met.
    pub(crate) fn conflict(&mut self, met: Conflicted) {
        self.conflicts.push(met);
    }

    pub(crate) fn note(&mut self, notice: &Notice) {
        let Notice::Done {
            side,
            operation,
            size,
            ..
        } = notice
        else {
            return;
        };
        let changed = &mut self.changed[*side];
        match *operation {
            "copy" => {
                changed.copied += 1;
                changed.bytes += size;
            }
            "create_folder" => changed.folders += 1,
            "rename" => changed.renamed += 1,
            "delete" => changed.deleted += 1,
            "set_attributes" => changed.attributes += 1,
            _ => {}
        }
    }

    /// Makes the report of a run that ended with `status`.
    pub(crate) fn report(self, status: Status) -> SyncReport {
        let (waiting, mut conflicts): (Vec<_>, Vec<_>) = self
            .conflicts
            .into_iter()
            .partition(|conflict| status.conflicts.contains(&conflict.path));
        conflicts.extend(status.conflicts.into_iter().map(|path| {
            Conflicted {
                kept_as: None,
                waits: true,
                versions: waiting
                    .iter()
                    .rfind(|met| met.path == path)
                    .map_or_else(BySide::default, |met| met.versions),
                path,
            }
        }));
        conflicts.sort();
        SyncReport {
            changed: self.changed,
            conflicts,
            failed: status.troubles,
            held: status.held,
            skipped: status.skipped,
            pending: status.pending + status.waiting,
            objects: status.objects,
            down: status.down,
            interrupted: !status.complete,
            ..SyncReport::default()
        }
    }
}

fn troubles<S: Serializer>(troubles: &[Trouble], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        side: Side,
        path: &'a str,
        attempts: u32,
        retry_in: Option<Duration>,
        #[serde(flatten)]
        failure: &'a Failure,
    }
    serializer.collect_seq(troubles.iter().map(|trouble| Line {
        side: trouble.side,
        path: &trouble.path,
        attempts: trouble.attempts,
        retry_in: trouble.retry_in,
        failure: &trouble.failure,
    }))
}

fn held_sets<S: Serializer>(held: &[Held], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Line {
        id: cloudsync_core::engine::io::HeldId,
        side: Side,
        count: usize,
        total: usize,
    }
    serializer.collect_seq(held.iter().map(|held| Line {
        id: held.id,
        side: held.side,
        count: held.count,
        total: held.total,
    }))
}

#[cfg(test)]
mod tests {
    use cloudsync_core::failure::ErrorKind;

    use super::*;

    fn told(side: Side, operation: &'static str, bytes: u64) -> Notice {
        Notice::Done {
            side,
            operation,
            path: "a".into(),
            from: None,
            size: bytes,
        }
    }

    #[test]
    fn notices_and_the_last_status_make_the_report() {
        let mut tally = Tally::default();
        tally.note(&told(Side::Remote, "copy", 10));
        tally.note(&told(Side::Remote, "copy", 5));
        tally.note(&told(Side::Local, "delete", 0));
        let kept_as = Some("a.conflicted".to_owned());
        let known = |size| {
            Some(Known {
                size,
                mtime: None,
                hash: None,
            })
        };
        let versions = BySide::new(known(1), known(2));
        for (path, kept_as) in [("a", kept_as.clone()), ("b", None)] {
            tally.conflict(Conflicted {
                path: path.into(),
                kept_as,
                waits: false,
                versions,
            });
        }

        let status = Status {
            complete: true,
            conflicts: vec!["b".into()],
            ..Status::default()
        };
        let report = tally.report(status);
        assert_eq!(
            (report.changed.remote.copied, report.changed.remote.bytes),
            (2, 15)
        );
        assert_eq!(report.changed.local.deleted, 1);
        assert_eq!(
            report.conflicts,
            [
                Conflicted {
                    path: "a".into(),
                    kept_as,
                    waits: false,
                    versions,
                },
                Conflicted {
                    path: "b".into(),
                    kept_as: None,
                    waits: true,
                    versions,
                },
            ]
        );
        assert!(!report.in_sync(), "one conflict waits");
        assert!(!report.changed_nothing());
    }

    #[test]
    fn a_run_is_in_sync_only_if_all_was_seen_and_nothing_waits() {
        let complete = Status {
            complete: true,
            ..Status::default()
        };
        assert!(Tally::default().report(complete.clone()).in_sync());
        assert!(!Tally::default().report(Status::default()).in_sync());
        assert!(
            !Tally::default()
                .report(Status {
                    pending: 1,
                    ..complete.clone()
                })
                .in_sync()
        );
        let failure = Failure::new(ErrorKind::Token, "connect");
        let down = BySide::new(None, Some(failure));
        assert!(
            !Tally::default()
                .report(Status { down, ..complete })
                .in_sync()
        );
    }
}
