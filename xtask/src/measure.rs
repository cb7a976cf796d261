//! `cargo xtask measure`: what the engine takes for many objects, in bytes and in seconds.
//!
//! Bytes are those that the process has, as the system counts them: whatever the allocator has taken
//! and touched, with tables that grow and what was freed and not given back.

use std::env;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{
    Act, Config, ConflictPolicy, Control, Effect, Input, Limits, Output, Query, SideState,
};
use cloudsync_core::listing::Listing;
use cloudsync_core::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag,
};
use cloudsync_core::policy::DefaultPolicy;
use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;
use cloudsync_core::tree::contents::Content;
use cloudsync_core::tree::entry::Entry;
use cloudsync_core::tree::node::Node;

use crate::simulate::again_in_release;

/// Files in a folder.
const A_FOLDER: usize = 100;

/// Measures worlds of so many objects: `[COUNT]`. Each in a process of its own, so that nothing was
/// freed that could be used again, and the peak is its own.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    if cfg!(debug_assertions) {
        return again_in_release("measure", arguments);
    }
    let count = arguments.first().map_or(Ok(100_000), |text| text.parse())?;
    match arguments.get(1).map(String::as_str) {
        Some("disks") => one_full_one_empty(count, "two disks", Like::Disk)?,
        Some("service") => one_full_one_empty(count, "a disk and a service", Like::Service)?,
        Some("speed") => both_full(count),
        _ => {
            println!(
                "a node {} bytes (two an object), an entry {}, a content {}",
                size_of::<Node>(),
                size_of::<Entry>(),
                size_of::<Content>()
            );
            for what in ["disks", "service", "speed"] {
                let mut again = Command::new(env::current_exe()?);
                let arguments = ["measure", &count.to_string(), what];
                ensure!(again.args(arguments).status()?.success(), "{what} failed");
            }
        }
    }
    Ok(true)
}

fn one_full_one_empty(count: usize, sides: &str, remote: Like) -> Result<()> {
    let before = resident()?;
    let mut world = World::new(BySide::new(count, 0), remote, false);
    let start = Instant::now();
    world.run();
    let took = start.elapsed();
    let (after, peak) = (resident()?, peak()?);
    let each = |bytes: u64| (bytes.saturating_sub(before)) / count as u64;
    println!(
        "first meeting of {count} objects and an empty side, {sides}: {took:.2?}, {} operations, {} batches",
        world.operations, world.batches
    );
    println!(
        "  at rest {} bytes an object, peak {} bytes an object",
        each(after),
        each(peak)
    );
    Ok(())
}

fn both_full(count: usize) {
    let mut world = World::new(BySide::new(count, count), Like::Disk, true);
    let start = Instant::now();
    world.run();
    println!(
        "first meeting of two equal sides of {count} objects: {:.2?}, {} operations",
        start.elapsed(),
        world.operations
    );
    let listings: Vec<Listing> = world.listings(Side::Local).collect();
    let start = Instant::now();
    world.prepared = Some(listings);
    let path = String::new();
    let walk = Control::Walk {
        side: Side::Local,
        path,
    };
    world.engine.handle(world.now, Input::Control(walk));
    world.run();
    let took = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for show")]
    let speed = count as f64 / took;
    println!("a walk that finds nothing new: {took:.3} s, {speed:.0} observations/s");
}

/// Reads a line of `/proc/self/status`, in bytes.
fn status(name: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/self/status").context("memory is read on Linux")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .with_context(|| format!("no {name}"))?;
    let number = line.trim().trim_end_matches(" kB");
    Ok(number.parse::<u64>()? * 1024)
}

fn resident() -> Result<u64> {
    status("RssAnon:")
}

/// The most that was resident, without the program's own pages: those only become more.
fn peak() -> Result<u64> {
    Ok(status("VmHWM:")? - status("RssFile:")?)
}

/// What ids and tags look like.
#[derive(Clone, Copy)]
enum Like {
    /// Those of our own provider of folders: 20 bytes and 20.
    Disk,
    /// Text: 33 bytes and 32.
    Service,
}

/// An engine whose operations are all answered as done, with nothing behind it.
struct World {
    engine: Engine,
    now: Time,
    counts: BySide<usize>,
    like: BySide<Like>,
    native: bool,
    operations: usize,
    batches: usize,
    made: u64,
    prepared: Option<Vec<Listing>>,
}

impl World {
    fn new(counts: BySide<usize>, remote: Like, native: bool) -> Self {
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
        let mut engine = Engine::new(Config {
            rules: BySide::new(rules(), rules()),
            policy: Arc::new(DefaultPolicy),
            aging: Duration::ZERO,
            on_conflict: ConflictPolicy::KeepBoth,
            guard: None,
            limits: Limits::default(),
            backoff: (Duration::from_millis(10), Duration::from_secs(1)),
            walk_every: BySide::default(),
            dry_run: false,
        });
        for side in Side::BOTH {
            let state = SideState::Ready {
                root: observed(
                    0,
                    side,
                    BySide::new(Like::Disk, remote)[side],
                    Kind::Folder,
                    false,
                )
                .oid,
                identity: side.to_string(),
            };
            engine.handle(Time::ZERO, Input::SideState { side, state });
        }
        Self {
            engine,
            now: Time::ZERO,
            counts,
            like: BySide::new(Like::Disk, remote),
            native,
            operations: 0,
            batches: 0,
            made: 1 << 40,
            prepared: None,
        }
    }

    /// Lists all folders of a side, one by one, as a provider would.
    fn listings(&self, side: Side) -> impl Iterator<Item = Listing> + use<> {
        let (count, like, native) = (self.counts[side], self.like[side], self.native);
        let folders = count / (A_FOLDER + 1);
        let look = move |number: usize, kind| observed(number as u64, side, like, kind, native);
        let mut top = Listing::new(ObjectRef::root());
        for folder in 0..folders {
            let number = 1 + folder * (A_FOLDER + 1);
            top.push(&format!("folder {folder:06}"), look(number, Kind::Folder));
        }
        let below = (0..folders).map(move |folder| {
            let number = 1 + folder * (A_FOLDER + 1);
            let oid = look(number, Kind::Folder).oid;
            let path = format!("folder {folder:06}");
            let mut listing = Listing::new(ObjectRef::new(oid, path));
            for file in 0..A_FOLDER {
                let name = format!("picture {:08}.jpg", number + file);
                listing.push(&name, look(number + 1 + file, Kind::File));
            }
            listing.complete()
        });
        std::iter::once(top.complete()).chain(below)
    }

    /// Answers all that comes, until there is rest.
    fn run(&mut self) {
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

    fn answer(&mut self, output: Output) {
        let input = match output {
            Output::Notice(_) | Output::Question(_) => return,
            Output::Persist(batch) => {
                self.batches += 1;
                Input::Persisted {
                    batch: batch.id,
                    outcome: Ok(()),
                }
            }
            Output::Query(Query::Walk { id, side, .. }) => {
                if let Some(listings) = self.prepared.take() {
                    self.engine.handle(
                        self.now,
                        Input::Listed {
                            query: id,
                            listings,
                        },
                    );
                } else {
                    // Batches of about a thousand entries.
                    let mut folders = self.listings(side);
                    loop {
                        let listings: Vec<Listing> = folders.by_ref().take(10).collect();
                        if listings.is_empty() {
                            break;
                        }
                        self.engine.handle(
                            self.now,
                            Input::Listed {
                                query: id,
                                listings,
                            },
                        );
                        while let Some(output) = self.engine.poll(self.now) {
                            self.answer(output);
                        }
                    }
                }
                Input::Walked {
                    query: id,
                    outcome: Ok(()),
                }
            }
            Output::Query(Query::Info { id, .. }) => Input::Found {
                query: id,
                outcome: Ok(None),
            },
            Output::Query(Query::Hash { id, kind, .. }) => Input::Hashed {
                query: id,
                outcome: Ok(ContentHash::new(kind, b"equal")),
            },
            Output::Operation(operation) => {
                self.operations += 1;
                self.made += 1;
                let (number, side) = (self.made, operation.side);
                let effect = match operation.act {
                    Act::Write { size, hash, .. } => Effect::Written {
                        observed: Observed {
                            size,
                            ..observed(number, side, self.like[side], Kind::File, false)
                        },
                        hash: ContentHash::new(hash, &mixed(number).to_le_bytes()),
                    },
                    Act::Delete { .. } => Effect::Deleted,
                    _ => Effect::Changed(observed(
                        number,
                        side,
                        self.like[side],
                        Kind::Folder,
                        false,
                    )),
                };
                Input::Done(vec![(operation.id, Ok(effect))])
            }
        };
        self.engine.handle(self.now, input);
    }
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
