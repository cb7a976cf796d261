//! How many instructions the paths take that everything goes through: the same on a busy machine as on an idle one.
//! `cargo xtask bench --quick` compares them with those of before.
#![allow(missing_docs, reason = "what the macros make")]

use std::hint::black_box;

use cloudsync_benches::crowd::{Crowd, Like, engine};
use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::Operation;
use cloudsync_core::listing::Listing;
use cloudsync_core::record::{EntryId, Record, Snapshot};
use cloudsync_core::side::{BySide, Side};
use cloudsync_store::codec;
use gungraun::{library_benchmark, library_benchmark_group, main};

/// Objects a side.
const OBJECTS: usize = 10_100;

fn equal() -> Crowd {
    Crowd::new(BySide::new(OBJECTS, OBJECTS), Like::Disk, true)
}

fn met() -> Crowd {
    let mut crowd = equal().keeping();
    crowd.meet();
    crowd
}

fn met_and_listed() -> (Crowd, Vec<Listing>) {
    let crowd = met();
    let listings = crowd.listings(Side::Local).collect();
    (crowd, listings)
}

fn one_empty() -> Crowd {
    Crowd::new(BySide::new(OBJECTS, 0), Like::Disk, false)
}

fn stored() -> Snapshot {
    met().snapshot()
}

fn encoded() -> Vec<(EntryId, Vec<u8>)> {
    let encode = |(id, record): &(EntryId, Record)| {
        (*id, codec::encode_record(*id, record).expect("it is small"))
    };
    stored().entries.iter().map(encode).collect()
}

#[library_benchmark(setup = equal)]
fn equal_sides_meet(mut crowd: Crowd) -> Crowd {
    crowd.meet();
    crowd
}

#[library_benchmark(setup = one_empty)]
fn a_side_meets_an_empty_one(mut crowd: Crowd) -> Crowd {
    crowd.meet();
    crowd
}

#[library_benchmark(setup = met_and_listed)]
fn a_walk_finds_nothing_new((mut crowd, listings): (Crowd, Vec<Listing>)) -> Crowd {
    crowd.walk_again(Side::Local, listings);
    crowd
}

#[library_benchmark(setup = met)]
fn a_folder_of_all_is_renamed(mut crowd: Crowd) -> (Crowd, Operation) {
    let operation = crowd.rename_all();
    (crowd, operation)
}

#[library_benchmark(setup = stored)]
fn a_state_is_taken_in(snapshot: Snapshot) -> Engine {
    engine(true).restored(snapshot)
}

#[library_benchmark(setup = encoded)]
fn records_are_decoded(blobs: Vec<(EntryId, Vec<u8>)>) -> Vec<(EntryId, Vec<u8>)> {
    for (id, blob) in &blobs {
        black_box(codec::decode_record(*id, blob)).expect("as it was written");
    }
    blobs
}

#[library_benchmark(setup = stored)]
fn records_are_encoded(snapshot: Snapshot) -> Snapshot {
    for (id, record) in &snapshot.entries {
        black_box(codec::encode_record(*id, record)).expect("it is small");
    }
    snapshot
}

library_benchmark_group!(
    name = paths;
    benchmarks =
        equal_sides_meet,
        a_side_meets_an_empty_one,
        a_walk_finds_nothing_new,
        a_folder_of_all_is_renamed,
        a_state_is_taken_in,
        records_are_decoded,
        records_are_encoded
);

main!(library_benchmark_groups = paths);
