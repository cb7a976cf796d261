//! Measures the SQLite store: `cargo run --release --example measure -- [ENTRIES] [FOLDER]`.
//!
//! Puts that many entries of two disks in batches of 2,000, changes as many as fit into 50 batches
//! of 100, opens the store again and loads it. The folder is one of its own below FOLDER, and stays.
#![allow(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use cloudsync_core::object::{Attributes, Kind, Oid, Tag};
use cloudsync_core::record::{AgreedRecord, Batch, BatchId, EntryId, NodeRecord, Record};
use cloudsync_core::side::BySide;
use cloudsync_store::{SqliteStore, Store, codec};

/// A file of two disks that agree, in folders of 50.
fn record(number: u32) -> Record {
    let bytes = |seed: u32| -> Vec<u8> {
        (0..5)
            .flat_map(|part| number.wrapping_mul(seed + part).to_le_bytes())
            .collect()
    };
    let node = |name, seed| NodeRecord {
        parent: EntryId(number / 50),
        name,
        oid: Some(Oid::new(bytes(seed))),
        tag: Tag::new(bytes(seed + 5)),
        size: u64::from(number) * 10,
        attributes: Attributes {
            mtime: Some(1_763_800_000_000_000_000 + i64::from(number)),
            mode: Some(0o644),
        },
        digest: None,
        gone: false,
        agreed_content: true,
        unlisted: false,
    };
    let name = format!("picture-{number:07}.jpeg");
    Record {
        kind: Kind::File,
        nodes: BySide::new(Some(node(Some(name), 11)), Some(node(None, 31))),
        agreed: Some(AgreedRecord {
            size: u64::from(number) * 10,
            digest: Some(std::array::from_fn(|at| number.to_le_bytes()[at % 4])),
            sides: BySide::new(None, None),
        }),
        intent: None,
    }
}

fn batch(id: u64, puts: Vec<(EntryId, Record)>) -> Batch {
    let flush = BySide::default();
    Batch {
        id: BatchId(id),
        flush,
        clear: false,
        puts,
        deletes: Vec::new(),
        values: Vec::new(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let entries: u32 = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let parent = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = parent.join(format!("cloudsync-measure-{}", std::process::id()));
    let path = folder.join("state.sqlite");
    let all: Vec<_> = (1..=entries)
        .map(|number| (EntryId(number), record(number)))
        .collect();

    let start = Instant::now();
    let blobs = all
        .iter()
        .map(|(id, record)| codec::encode_record(*id, record));
    let blobs = blobs.collect::<Result<Vec<_>, _>>()?;
    let encoding = start.elapsed();
    let start = Instant::now();
    for ((id, _), blob) in all.iter().zip(&blobs) {
        codec::decode_record(*id, blob)?;
    }
    let bytes: usize = blobs.iter().map(Vec::len).sum();
    println!(
        "codec: {} bytes a record, encode {encoding:?}, decode {:?}",
        bytes / blobs.len(),
        start.elapsed()
    );

    println!(
        "in memory: {} bytes a record",
        size_of::<(EntryId, Record)>()
    );

    let store = SqliteStore::open(&path, "measure").await?;
    let batches: Vec<_> = all
        .chunks(2_000)
        .zip(1..)
        .map(|(puts, id)| batch(id, puts.to_vec()))
        .collect();
    let start = Instant::now();
    for batch in &batches {
        store.apply(batch).await?;
    }
    println!("put {entries} in batches of 2,000: {:?}", start.elapsed());

    let small: Vec<_> = all
        .chunks(100)
        .step_by(7)
        .take(50)
        .map(|puts| batch(0, puts.to_vec()))
        .collect();
    let start = Instant::now();
    for batch in &small {
        store.apply(batch).await?;
    }
    let number = u32::try_from(small.len())?;
    println!("batches of 100, each: {:?}", start.elapsed() / number);

    let start = Instant::now();
    for number in 1..=50 {
        store
            .apply(&batch(0, vec![(EntryId(number), record(number))]))
            .await?;
    }
    println!("batches of 1, each: {:?}", start.elapsed() / 50);

    let start = Instant::now();
    store.close().await?;
    println!("close: {:?}", start.elapsed());
    let length = std::fs::metadata(&path)?.len();
    println!("file: {} bytes an entry", length / u64::from(entries));

    drop((all, blobs, batches, small));
    for _ in 0..3 {
        let start = Instant::now();
        let store = SqliteStore::open(&path, "measure").await?;
        println!("open {:?}", start.elapsed());
        let start = Instant::now();
        let snapshot = store.snapshot().await?;
        println!(
            "load {} entries {:?}",
            snapshot.entries.len(),
            start.elapsed()
        );
        store.close().await?;
    }
    Ok(())
}
