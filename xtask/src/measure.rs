//! `cargo xtask measure`: what the engine takes for many objects, in bytes and in seconds.
//!
//! Bytes are those that the process has, as the system counts them: whatever the allocator has taken
//! and touched, with tables that grow and what was freed and not given back.

use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use cloudsync_benches::crowd::{Crowd, Like, engine};
use cloudsync_core::engine::Restoring;
use cloudsync_core::listing::Listing;
use cloudsync_core::record::{Batch, BatchId, EntryId, Record, Snapshot};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::tree::contents::Content;
use cloudsync_core::tree::entry::Entry;
use cloudsync_core::tree::node::Node;
use cloudsync_store::{Intake, SqliteStore, Store};

use crate::simulate::again_in_release;

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
        Some("start") => start(count)?,
        _ => {
            println!(
                "a node {} bytes (two an object), an entry {}, a content {}",
                size_of::<Node>(),
                size_of::<Entry>(),
                size_of::<Content>()
            );
            for what in ["disks", "service", "speed", "start"] {
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
    let mut crowd = Crowd::new(BySide::new(count, 0), remote, false);
    let start = Instant::now();
    crowd.meet();
    let took = start.elapsed();
    let (after, peak) = (resident()?, peak()?);
    let each = |bytes: u64| (bytes.saturating_sub(before)) / count as u64;
    println!(
        "first meeting of {count} objects and an empty side, {sides}: {took:.2?}, {} operations, {} batches",
        crowd.operations, crowd.batches
    );
    println!(
        "  at rest {} bytes an object, peak {} bytes an object",
        each(after),
        each(peak)
    );
    Ok(())
}

fn both_full(count: usize) {
    let mut crowd = Crowd::new(BySide::new(count, count), Like::Disk, true);
    let start = Instant::now();
    crowd.meet();
    println!(
        "first meeting of two equal sides of {count} objects: {:.2?}, {} operations",
        start.elapsed(),
        crowd.operations
    );
    // Before the walk below, whose million listings the allocator sorts out once something else asks for memory.
    let (start, before) = (Instant::now(), crowd.walking);
    crowd.rename_all();
    let (took, walking) = (start.elapsed(), crowd.walking.saturating_sub(before));
    println!(
        "the folder of all {count} renamed: {:.1?} for planning and doing it, {walking:.1?} for walking it once more",
        took.saturating_sub(walking)
    );
    let listings: Vec<Listing> = crowd.listings(Side::Local).collect();
    let start = Instant::now();
    crowd.walk_again(Side::Local, listings);
    let took = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for show")]
    let speed = count as f64 / took;
    println!("a walk that finds nothing new: {took:.3} s, {speed:.0} observations/s");
}

/// Reads a state as a start does: from its file, into an engine.
fn start(count: usize) -> Result<()> {
    let mut crowd = Crowd::new(BySide::new(count, count), Like::Disk, true).keeping();
    crowd.meet();
    let Snapshot { entries, values } = crowd.snapshot();
    drop(crowd);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let store = SqliteStore::open(&path, "pair").await?;
        let values = values.into_iter().map(|(key, value)| (key, Some(value)));
        let mut values = values.collect();
        for (id, puts) in (1..).zip(entries.chunks(2_000)) {
            let batch = Batch {
                id: BatchId(id),
                flush: BySide::default(),
                clear: false,
                puts: puts.to_vec(),
                deletes: Vec::new(),
                values: std::mem::take(&mut values),
            };
            store.apply(&batch).await?;
        }
        store.close().await?;
        let bytes = fs::metadata(&path)?.len();
        let start = Instant::now();
        let store = SqliteStore::open(&path, "pair").await?;
        let opened = start.elapsed();
        let mut starting = Starting(None);
        store.load(&mut starting).await?;
        let restoring = starting.0.context("it has records")?;
        let engine = restoring.finish();
        println!(
            "a state of {count} objects, {} bytes each on the disk: opened and checked in {opened:.3?}, all loaded after {:.3?}",
            bytes / count as u64,
            start.elapsed()
        );
        drop(engine);
        store.close().await?;
        Ok(())
    })
}

/// An engine that takes in what a store has.
struct Starting(Option<Restoring>);

impl Intake for Starting {
    fn begin(&mut self, values: Vec<(String, Vec<u8>)>, count: usize) {
        self.0 = Some(engine(true).restoring(values, count));
    }

    fn records(&mut self, records: Vec<(EntryId, Record)>) {
        if let Some(restoring) = &mut self.0 {
            for (id, record) in records {
                restoring.take(id, record);
            }
        }
    }
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
