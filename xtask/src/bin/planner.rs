//! Cases for the planner alone, as many as one likes: `cargo xtask simulate --planner` starts it. A program of its
//! own, for the sake of its allocator: where memory is measured there has to be the usual one.
#![allow(clippy::print_stdout, reason = "a program")]

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use cloudsync_core::testing::Planned;
use mimalloc::MiMalloc;

/// Asks for crowded cases.
const CROWDED: &str = "--crowded";

/// A case allocates much, and little at a time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `RUNS SEED THREADS SHOW`, or the `SEED` of one to show; with `--crowded`, of crowded cases.
fn main() -> ExitCode {
    // What panics is told at the end, with how to run it again.
    std::panic::set_hook(Box::new(|_| {}));
    let numbers: Vec<u64> = env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let is_crowded = env::args().any(|text| text == CROWDED);
    let (case, flag): (fn(u64) -> Planned, _) = if is_crowded {
        (Planned::crowded, CROWDED)
    } else {
        (Planned::new, "")
    };
    let is_well = match numbers[..] {
        [seed] => replay(case, seed),
        [runs, seed, threads, show] => run(case, flag, runs, seed, threads, show),
        _ => false,
    };
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs so many cases from a seed on. Tells how many failed, and the first `show` of them. Returns whether all
/// is well.
fn run(
    case: fn(u64) -> Planned,
    flag: &str,
    runs: u64,
    seed: u64,
    threads: u64,
    show: u64,
) -> bool {
    let start = Instant::now();
    let part = |number: u64| {
        let (mut operations, mut failures) = (0_u64, Vec::new());
        for seed in (seed + number..seed + runs).step_by(usize::try_from(threads).unwrap_or(1)) {
            match case(seed).run() {
                Ok(done) => operations += done as u64,
                Err(why) => failures.push((seed, why)),
            }
        }
        (operations, failures)
    };
    let (operations, mut failures) = thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|at| scope.spawn(move || part(at)))
            .collect();
        let ended = parts.into_iter().map(|part| part.join().expect("a worker"));
        ended.fold((0, Vec::new()), |(operations, mut failures), part| {
            failures.extend(part.1);
            (operations + part.0, failures)
        })
    });
    let took = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for show")]
    let speed = runs as f64 / took / threads as f64;
    println!(
        "{runs} cases, {operations} operations, {took:.1} s, {speed:.0} cases/s on each of {threads} cores"
    );
    failures.sort();
    for ((seed, why), _) in failures.iter().zip(0..show) {
        let why: String = why.chars().take(300).collect();
        println!(
            "seed {seed}: {why}\n  again: cargo xtask simulate --planner --replay {seed} {flag}"
        );
    }
    println!("{} cases failed", failures.len());
    failures.is_empty()
}

/// Runs one case, and shows it. Returns whether all is well.
fn replay(case: fn(u64) -> Planned, seed: u64) -> bool {
    let case = case(seed);
    println!("{case:#?}");
    match case.run() {
        Ok(done) => println!("all holds, after {done} operations"),
        Err(why) => {
            println!("{why}");
            return false;
        }
    }
    true
}
