//! `cargo xtask simulate --planner`: cases for the planner alone, as many as one likes.

use std::thread;
use std::time::Instant;

use cloudsync_core::testing::Planned;

/// Runs so many cases from a seed on. Tells how many failed, and the first `show` of them. Returns whether all
/// is well.
pub(crate) fn run(runs: u64, seed: u64, threads: usize, show: usize) -> bool {
    let start = Instant::now();
    let part = |number: u64| {
        let (mut operations, mut failures) = (0_u64, Vec::new());
        for seed in (seed + number..seed + runs).step_by(threads) {
            match Planned::new(seed).run() {
                Ok(done) => operations += done as u64,
                Err(why) => failures.push((seed, why)),
            }
        }
        (operations, failures)
    };
    let (operations, mut failures) = thread::scope(|scope| {
        let parts: Vec<_> = (0..threads as u64)
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
    for (seed, why) in failures.iter().take(show) {
        let why: String = why.chars().take(300).collect();
        println!("seed {seed}: {why}\n  again: cargo xtask simulate --planner --replay {seed}");
    }
    println!("{} cases failed", failures.len());
    failures.is_empty()
}

/// Runs one case, and shows it. Returns whether all is well.
pub(crate) fn replay(seed: u64) -> bool {
    let case = Planned::new(seed);
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
