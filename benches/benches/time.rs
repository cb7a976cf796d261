//! How long it takes, for a hundred thousand objects. `cargo xtask bench` compares with the baseline that was saved.
#![allow(missing_docs, reason = "what the macros make")]

use std::hint::black_box;

use cloudsync_benches::crowd::{Crowd, Like, engine};
use cloudsync_core::listing::Listing;
use cloudsync_core::side::{BySide, Side};
use cloudsync_store::codec;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// Objects a side.
const OBJECTS: usize = 101_000;

fn met() -> Crowd {
    let mut crowd = Crowd::new(BySide::new(OBJECTS, OBJECTS), Like::Disk, true).keeping();
    crowd.meet();
    crowd
}

fn paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("paths");
    group.sample_size(10);
    group.throughput(Throughput::Elements(OBJECTS as u64));
    group.bench_function("equal sides meet", |bencher| {
        let equal = || Crowd::new(BySide::new(OBJECTS, OBJECTS), Like::Disk, true);
        let meet = |mut crowd: Crowd| {
            crowd.meet();
            crowd
        };
        bencher.iter_batched(equal, meet, BatchSize::PerIteration);
    });
    group.bench_function("a side meets an empty one", |bencher| {
        let one = || Crowd::new(BySide::new(OBJECTS, 0), Like::Disk, false);
        let meet = |mut crowd: Crowd| {
            crowd.meet();
            crowd
        };
        bencher.iter_batched(one, meet, BatchSize::PerIteration);
    });
    let mut crowd = met();
    let listings: Vec<Listing> = crowd.listings(Side::Local).collect();
    group.bench_function("a walk finds nothing new", |bencher| {
        let walk = |listings| crowd.walk_again(Side::Local, listings);
        bencher.iter_batched(|| listings.clone(), walk, BatchSize::PerIteration);
    });
    group.bench_function("a folder of all is renamed", |bencher| {
        let rename = |mut crowd: Crowd| (crowd.rename_all(), crowd);
        bencher.iter_batched(met, rename, BatchSize::PerIteration);
    });
    let snapshot = crowd.snapshot();
    group.bench_function("a state is taken in", |bencher| {
        let take_in = |snapshot| engine(true).restored(snapshot);
        bencher.iter_batched(|| snapshot.clone(), take_in, BatchSize::PerIteration);
    });
    let encode = |(id, record): &(_, _)| (*id, codec::encode_record(*id, record).expect("small"));
    let blobs: Vec<_> = snapshot.entries.iter().map(encode).collect();
    group.bench_function("records are decoded", |bencher| {
        bencher.iter(|| {
            for (id, blob) in &blobs {
                black_box(codec::decode_record(*id, blob)).expect("as it was written");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, paths);
criterion_main!(benches);
