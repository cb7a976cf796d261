//! Few acts, and all orders in which anything can happen: `cargo xtask simulate --interleaved` starts it. A program
//! of its own, for the sake of its allocator: where memory is measured there has to be the usual one.
#![allow(clippy::print_stdout, reason = "a program")]

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use cloudsync_core::side::BySide;
use cloudsync_core::testing::SideSetup;
use cloudsync_core::testing::interleaved::{self, Bound, MISHAPS, Mishap, Order, Tally};
use mimalloc::MiMalloc;

/// A world is many small pieces.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Nodes, acts, the order and what goes wrong.
type Limits = (usize, usize, Order, &'static [Mishap]);

/// The cheaper ones first.
const BOUNDS: &[Limits] = &[
    (0, 1, Order::Any, &MISHAPS),
    (0, 2, Order::OldestFirst, &MISHAPS),
    (1, 1, Order::Any, &MISHAPS),
    (1, 2, Order::OldestFirst, &MISHAPS),
    (2, 1, Order::Any, &MISHAPS),
    (2, 2, Order::OldestFirst, &[Mishap::None]),
    (0, 3, Order::OldestFirst, &[Mishap::None]),
    (0, 3, Order::OldestFirst, &[Mishap::Crash, Mishap::Failure]),
    (1, 3, Order::OldestFirst, &[Mishap::None]),
    (0, 2, Order::Any, &MISHAPS),
    (0, 3, Order::OldestFirst, &[Mishap::Down]),
    (2, 2, Order::OldestFirst, &[Mishap::OutOfTurn]),
    (0, 3, Order::OldestFirst, &[Mishap::OutOfTurn]),
];

/// `THREADS`, or `THREADS BOUND` for one of the bounds by number, from 1 on. Explores all worlds within the bounds,
/// and tells how many there were.
fn main() -> ExitCode {
    // What panics is told at the end.
    std::panic::set_hook(Box::new(|_| {}));
    let mut numbers = env::args().skip(1).map(|text| text.parse::<usize>().ok());
    let threads = numbers.next().flatten().unwrap_or(1);
    let bounds = match numbers.next().flatten() {
        Some(number) => BOUNDS
            .get(number.wrapping_sub(1)..number)
            .unwrap_or_default(),
        None => BOUNDS,
    };
    if !bounds.is_empty() && run(bounds, threads) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Returns whether all is well.
fn run(bounds: &[Limits], threads: usize) -> bool {
    let disk = SideSetup::default();
    let pairs = [
        ("two disks", disk, disk),
        ("disk and service", disk, SideSetup::service()),
        (
            "disk and a service that does not tell of us",
            disk,
            SideSetup::silent_service(),
        ),
        ("disk and object store", disk, SideSetup::without_ids()),
    ];
    let mut is_well = true;
    for &(nodes, acts, order, mishaps) in bounds {
        for (name, local, remote) in pairs {
            for &mishap in mishaps {
                let setup = BySide::new(local, remote);
                let bound = Bound {
                    nodes,
                    acts,
                    setup,
                    mishap,
                    order,
                };
                is_well &= explore(&bound, name, threads);
            }
        }
    }
    is_well
}

fn explore(bound: &Bound, name: &str, threads: usize) -> bool {
    let start = Instant::now();
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let parts =
            (0..threads).map(|part| scope.spawn(move || interleaved::run(bound, part, threads)));
        let parts: Vec<_> = parts.collect();
        let ended = parts.into_iter().map(|part| part.join().expect("a worker"));
        ended.collect()
    });
    let sum = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum::<u64>();
    let farthest = tallies.iter().map(|tally| tally.farthest).max();
    println!(
        "{name}, {:?}, {:?}: {} nodes, {} acts: {} sequences, {} worlds, {} moves, {} ends, the farthest \
         after {}, {:.1} s",
        bound.order,
        bound.mishap,
        bound.nodes,
        bound.acts,
        sum(|tally| tally.sequences),
        sum(|tally| tally.worlds),
        sum(|tally| tally.moves),
        sum(|tally| tally.ends),
        farthest.unwrap_or(0),
        start.elapsed().as_secs_f64()
    );
    let failures = || tallies.iter().flat_map(|tally| &tally.failures);
    for failure in failures() {
        if env::var_os("TRACE").is_some() {
            println!("{}", failure.trace.join("\n"));
        }
        println!("  {failure}");
    }
    failures().next().is_none()
}
