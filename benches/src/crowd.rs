//! Two sides of many objects, and an engine for them, with nothing behind: what is measured is the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{
    Act, Config, ConflictPolicy, Control, Effect, Input, Limits, Operation, Output, Query,
    SideState,
};
use cloudsync_core::event::Event;
use cloudsync_core::listing::{Found, Listing};
use cloudsync_core::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag,
};
use cloudsync_core::policy::DefaultPolicy;
use cloudsync_core::record::{Batch, EntryId, Record, Snapshot};
use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;

/// Files in a folder.
const A_FOLDER: usize = 100;
/// Listings in a batch, of about a thousand entries.
const A_BATCH: usize = 10;
/// Numbers of the root, and of the folder that holds all others.
const ROOT: u64 = 0;
const TOP: u64 = 1;

/// What ids and tags look like.
#[derive(Clone, Copy, Debug)]
pub enum Like {
    /// Those of our own provider of folders: 20 bytes and 20.
    Disk,
    /// Text: 33 bytes and 32.
    Service,
}

/// An engine whose operations are all answered as done, and two sides of so many files, in folders of a hundred,
/// all of them in one folder.
#[derive(Debug)]
pub struct Crowd {
    /// The engine.
    pub engine: Engine,
    /// Operations that were handed out.
    pub operations: usize,
    /// Batches that were handed out.
    pub batches: usize,
    /// Time that went into walks: listing, and taking in what was listed.
    pub walking: Duration,
    now: Time,
    counts: BySide<usize>,
    like: BySide<Like>,
    native: bool,
    made: u64,
    top: BySide<&'static str>,
    last: Option<Operation>,
    kept: Option<Kept>,
}

/// What a store has.
#[derive(Clone, Debug, Default)]
struct Kept {
    entries: BTreeMap<EntryId, Record>,
    values: BTreeMap<String, Vec<u8>>,
}

impl Crowd {
    /// Makes two sides, met for the first time by [`Crowd::run`]. `native`: they tell hashes, so that what is
    /// equal is known to be.
    pub fn new(counts: BySide<usize>, remote: Like, native: bool) -> Self {
        Self {
            engine: engine(native),
            operations: 0,
            batches: 0,
            now: Time::ZERO,
            counts,
            like: BySide::new(Like::Disk, remote),
            native,
            made: 1 << 40,
            top: BySide::new("all", "all"),
            last: None,
            kept: None,
            walking: Duration::ZERO,
        }
    }

    /// Keeps what is to be recorded, for [`Crowd::snapshot`].
    #[must_use]
    pub fn keeping(mut self) -> Self {
        self.kept = Some(Kept::default());
        self
    }

    /// Returns what was recorded.
    pub fn snapshot(&self) -> Snapshot {
        let Kept { entries, values } = self.kept.clone().unwrap_or_default();
        Snapshot {
            entries: entries.into_iter().collect(),
            values: values.into_iter().collect(),
        }
    }

    /// Lets both sides meet.
    pub fn meet(&mut self) {
        for side in Side::BOTH {
            let state = SideState::Ready {
                root: self.observed(side, ROOT, Kind::Folder).oid,
                identity: side.to_string(),
            };
            self.engine
                .handle(self.now, Input::SideState { side, state });
        }
        self.run();
    }

    /// Answers all that comes, until there is rest.
    pub fn run(&mut self) {
        loop {
            while let Some(output) = self.engine.poll(self.now) {
                self.answer(output);
            }
            match self.engine.next_wake() {
                Some(at) if !self.engine.status(self.now).at_rest => self.now = self.now.max(at),
                _ => return,
            }
        }
    }

    /// Walks a side with these listings, which tell nothing new, until there is rest.
    pub fn walk_again(&mut self, side: Side, listings: Vec<Listing>) {
        let path = String::new();
        let walk = Input::Control(Control::Walk { side, path });
        self.engine.handle(self.now, walk);
        let mut listings = Some(listings);
        while let Some(output) = self.engine.poll(self.now) {
            match (output, listings.take()) {
                (Output::Query(Query::Walk { id: query, .. }), Some(listings)) => {
                    self.engine
                        .handle(self.now, Input::Listed { query, listings });
                    let outcome = Ok(());
                    self.engine
                        .handle(self.now, Input::Walked { query, outcome });
                }
                (output, kept) => {
                    listings = kept;
                    self.answer(output);
                }
            }
        }
    }

    /// A user renames the folder that all is in. Returns what was done on the other side.
    ///
    /// # Panics
    /// If nothing is.
    pub fn rename_all(&mut self) -> Operation {
        let side = Side::Local;
        let before = std::mem::replace(&mut self.top[side], "moved");
        let changed = |path: &str| Event::Changed {
            oid: None,
            path: Some(path.to_owned()),
        };
        let events = vec![changed(before), changed(self.top[side])];
        let cursor = None;
        self.engine.handle(
            self.now,
            Input::Events {
                side,
                events,
                cursor,
            },
        );
        self.last = None;
        self.run();
        self.last.take().expect("something is to be done")
    }

    /// Lists all folders of a side, one by one, as a provider would.
    pub fn listings(&self, side: Side) -> impl Iterator<Item = Listing> + use<> {
        let (folders, like, native) = (
            self.counts[side] / (A_FOLDER + 1),
            self.like[side],
            self.native,
        );
        let look = move |number: u64, kind| observed(number, side, like, kind, native);
        let first = move |folder: usize| TOP + 1 + (folder * (A_FOLDER + 1)) as u64;
        let top = self.top[side];
        let mut root = Listing::new(ObjectRef::root());
        let mut all = Listing::new(ObjectRef::new(look(TOP, Kind::Folder).oid, top));
        if folders > 0 {
            root.push(top, look(TOP, Kind::Folder));
        }
        for folder in 0..folders {
            all.push(
                &format!("folder {folder:06}"),
                look(first(folder), Kind::Folder),
            );
        }
        let below = (0..folders).map(move |folder| {
            let oid = look(first(folder), Kind::Folder).oid;
            let path = format!("{top}/folder {folder:06}");
            let mut listing = Listing::new(ObjectRef::new(oid, path));
            for number in (first(folder) + 1..).take(A_FOLDER) {
                let name = format!("picture {number:08}.jpg");
                listing.push(&name, look(number, Kind::File));
            }
            listing.complete()
        });
        let above = [root, all].map(Listing::complete);
        above.into_iter().take(1 + folders.min(1)).chain(below)
    }

    fn observed(&self, side: Side, number: u64, kind: Kind) -> Observed {
        observed(number, side, self.like[side], kind, self.native)
    }

    fn answer(&mut self, output: Output) {
        let input = match output {
            Output::Notice(_) | Output::Question(_) => return,
            Output::Persist(batch) => {
                self.batches += 1;
                let id = batch.id;
                if let Some(kept) = &mut self.kept {
                    kept.apply(batch);
                }
                Input::Persisted {
                    batch: id,
                    outcome: Ok(()),
                }
            }
            Output::Query(Query::Walk {
                id: query, side, ..
            }) => {
                let start = Instant::now();
                let mut folders = self.listings(side);
                loop {
                    let listings: Vec<Listing> = folders.by_ref().take(A_BATCH).collect();
                    if listings.is_empty() {
                        break;
                    }
                    self.engine
                        .handle(self.now, Input::Listed { query, listings });
                    while let Some(output) = self.engine.poll(self.now) {
                        self.answer(output);
                    }
                }
                self.walking += start.elapsed();
                let outcome = Ok(());
                Input::Walked { query, outcome }
            }
            Output::Query(Query::Info { id, side, at, .. }) => {
                let found = (at.path == self.top[side]).then(|| Found {
                    observed: Some(self.observed(side, TOP, Kind::Folder)),
                    folder: None,
                    name: at.path,
                });
                Input::Found {
                    query: id,
                    outcome: Ok(found),
                }
            }
            Output::Query(Query::Hash { id, kind, .. }) => Input::Hashed {
                query: id,
                outcome: Ok(ContentHash::new(kind, b"equal")),
            },
            Output::Operation(operation) => self.done(operation),
        };
        self.engine.handle(self.now, input);
    }

    fn done(&mut self, operation: Operation) -> Input {
        self.operations += 1;
        self.made += 1;
        let (number, side) = (self.made, operation.side);
        let like = self.like[side];
        let effect = match operation.act {
            Act::Write { size, hash, .. } => Effect::Written {
                observed: Observed {
                    size,
                    ..observed(number, side, like, Kind::File, false)
                },
                hash: ContentHash::new(hash, &mixed(number).to_le_bytes()),
            },
            Act::Delete { .. } => Effect::Deleted,
            _ => Effect::Changed(observed(number, side, like, Kind::Folder, false)),
        };
        let id = operation.id;
        self.last = Some(operation);
        Input::Done(vec![(id, Ok(effect))])
    }
}

impl Kept {
    fn apply(&mut self, batch: Batch) {
        for id in &batch.deletes {
            self.entries.remove(id);
        }
        self.entries.extend(batch.puts);
        for (key, value) in batch.values {
            match value {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
    }
}

/// Makes an engine for two folders.
pub fn engine(native: bool) -> Engine {
    let rules = || Rules {
        identity: Identity::Stable,
        id_lookup: false,
        ids_reused: false,
        folder_move: true,
        keeps_mode: true,
        keeps_mtime: true,
        names: NameRules::default(),
        feed: Feed::Volatile,
        native_hashes: if native {
            vec![HashKind::Sha256]
        } else {
            vec![]
        },
    };
    Engine::new(Config {
        rules: BySide::new(rules(), rules()),
        policy: Arc::new(DefaultPolicy),
        aging: Duration::ZERO,
        on_conflict: ConflictPolicy::KeepBoth,
        guard: None,
        limits: Limits::default(),
        backoff: (Duration::from_millis(10), Duration::from_secs(1)),
        walk_every: BySide::default(),
        dry_run: false,
    })
}

/// Numbers without an order, as those of objects that are found in folders.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[expect(clippy::cast_possible_wrap, reason = "small numbers")]
fn observed(number: u64, side: Side, like: Like, kind: Kind, native: bool) -> Observed {
    let is_file = kind == Kind::File;
    // Some time in three years, to the nanosecond, and 16 million inodes.
    let mtime = 1_700_000_000_000_000_000 + mixed(number) % 100_000_000_000_000_000;
    let made = 1_780_000_000_000_000_000 + mixed(number + 1) % 1_000_000_000_000_000;
    let size = if is_file {
        1_000 + mixed(number) % 5_000_000
    } else {
        0
    };
    let (oid, tag) = match like {
        Like::Disk => {
            let inode = (mixed(number) % (1 << 24)).to_be_bytes();
            let disk = [side as u8, 1, 2, 3];
            let oid = [&disk[..], &inode, &made.to_be_bytes()].concat();
            let size = &size.to_le_bytes()[..3];
            let times = [mtime.to_be_bytes(), made.to_be_bytes()].concat();
            (Oid::new(oid), [&[2][..], &times, size].concat())
        }
        Like::Service => {
            let (one, other) = (mixed(number), mixed(number + 2));
            let oid = format!("1{one:016x}{other:016x}");
            let tag = format!("{:016x}{:016x}", mixed(one), mixed(other));
            (Oid::new(oid), tag.into_bytes())
        }
    };
    let digest = [number, mixed(number), 0, 0].map(u64::to_le_bytes).concat();
    Observed {
        oid,
        kind,
        tag: if is_file {
            Tag::new(tag)
        } else {
            Tag::default()
        },
        size,
        attributes: Attributes {
            mtime: is_file.then_some(mtime as i64),
            mode: Some(if is_file { 0o644 } else { 0o755 }),
        },
        hash: (native && is_file).then(|| ContentHash::new(HashKind::Sha256, &digest)),
        racy: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(count: usize) -> Crowd {
        let mut crowd = Crowd::new(BySide::new(count, count), Like::Disk, true).keeping();
        crowd.meet();
        crowd
    }

    #[test]
    fn equal_sides_agree_and_what_they_agree_on_is_found_again() {
        let mut crowd = met(202);
        let known = crowd.engine.status(crowd.now);
        assert_eq!(
            (known.objects.local, known.pending, crowd.operations),
            (203, 0, 0)
        );
        let listings = crowd.listings(Side::Local).collect();
        crowd.walk_again(Side::Local, listings);
        assert_eq!(crowd.operations, 0);
        let again = engine(true).restored(crowd.snapshot());
        assert_eq!(again.status(Time::ZERO).objects.local, 203);
    }

    #[test]
    fn a_side_is_filled() {
        let mut crowd = Crowd::new(BySide::new(202, 0), Like::Disk, false);
        crowd.meet();
        assert_eq!(crowd.operations, 203);
    }

    #[test]
    fn a_renamed_folder_is_one_operation() {
        let operation = met(202).rename_all();
        assert_eq!(operation.side, Side::Remote);
        assert!(matches!(operation.act, Act::Rename { .. }), "{operation:?}");
    }
}
