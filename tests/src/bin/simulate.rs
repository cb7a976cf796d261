//! Runs of the whole: many by seed, or one from a file. `cargo xtask simulate --whole` starts it.
#![allow(clippy::print_stdout, reason = "a program")]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use mimalloc::MiMalloc;

use cloudsync_tests::simulator::{Ran, Seeds, Tapes, shrink, simulate, simulate_twice};

/// A run allocates much, and little at a time: a fifth more of them in the same time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "simulate [--runs N] [--seed S] [--threads N] [--shrink N] [--keep FOLDER]
  makes N runs from seed S on, each twice; failing ones are made small in N runs, and kept as files
simulate --replay FILE
  tells a run line by line; FILE can be the number of a seed";

struct Options {
    runs: u64,
    seed: u64,
    threads: u64,
    shrink: usize,
    keep: Option<PathBuf>,
    replay: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        runs: 10_000,
        seed: 1,
        threads: 1,
        shrink: 2_000,
        keep: None,
        replay: None,
    };
    let mut rest = env::args().skip(1);
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|error| format!("{name} {value}: {error}"))
        };
        match name.as_str() {
            "--runs" => options.runs = number()?,
            "--seed" => options.seed = number()?,
            "--threads" => options.threads = number()?.max(1),
            "--shrink" => options.shrink = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--keep" => options.keep = Some(value.into()),
            "--replay" => options.replay = Some(value),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let outcome = options().and_then(|options| match &options.replay {
        Some(of) => replay(of),
        None => many(&options),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells a run line by line. Returns whether all holds.
fn replay(of: &str) -> Result<bool, String> {
    let tapes = if let Ok(seed) = of.parse() {
        simulate(Tapes::random(seed), false).tapes.to_string()
    } else {
        fs::read_to_string(of).map_err(|error| format!("{of}: {error}"))?
    };
    let tapes: Tapes = tapes.parse()?;
    let ran = simulate(tapes.clone(), true);
    for line in &ran.trace {
        println!("{line}");
    }
    let twice = simulate_twice(tapes);
    for (property, how) in ran.violation.iter().chain(&twice.violation) {
        println!("VIOLATED {property}: {how}");
    }
    Ok(ran.violation.is_none() && twice.violation.is_none())
}

/// Makes many runs. Returns whether all holds, and everything was reached.
fn many(options: &Options) -> Result<bool, String> {
    let begun = Instant::now();
    let part = |first: u64| {
        let mut seeds = Seeds::default();
        let step = usize::try_from(options.threads).unwrap_or(1);
        for seed in (options.seed + first..options.seed + options.runs).step_by(step) {
            seeds.run(seed);
        }
        seeds
    };
    let all = thread::scope(|scope| {
        let parts: Vec<_> = (0..options.threads)
            .map(|first| scope.spawn(move || part(first)))
            .collect();
        let mut all = Seeds::default();
        for part in parts {
            all.add(part.join().unwrap_or_default());
        }
        all
    });
    let took = begun.elapsed().as_secs_f64();
    print!("{}", all.tally);
    #[expect(clippy::cast_precision_loss, reason = "for show")]
    let speed = all.runs as f64 / took;
    println!(
        "{} runs, each twice, {} steps, {} operations, {took:.1} s, {speed:.0} runs/s",
        all.runs, all.steps, all.operations
    );
    let mut failures = all.failures;
    failures.sort_by_key(|(seed, _)| *seed);
    let count = failures.len();
    let mut properties = std::collections::BTreeMap::new();
    for (_, ran) in &failures {
        let property = ran.violation.as_ref().map_or("", |violation| violation.0);
        *properties.entry(property).or_insert(0_u64) += 1;
    }
    for (property, count) in properties {
        println!("{count} times: {property}");
    }
    for (seed, ran) in failures.into_iter().take(10) {
        tell(options, seed, ran)?;
    }
    println!("{count} runs failed");
    let missing = all.tally.missing();
    // A few runs do not reach everything.
    let is_long = options.runs >= 10_000;
    if is_long && !missing.is_empty() {
        println!("never reached: {}", missing.join(", "));
    }
    Ok(count == 0 && (!is_long || missing.is_empty()))
}

/// Makes a failing run small, tells it, and keeps it.
fn tell(options: &Options, seed: u64, ran: Ran) -> Result<(), String> {
    let small = shrink(ran, options.shrink);
    let (property, how) = small.violation.clone().unwrap_or_default();
    let how: String = how.chars().take(300).collect();
    println!("\nseed {seed}: {property}: {how}");
    let text = format!("# {property}, found by seed {seed}\n{}", small.tapes);
    print!("{text}");
    if let Some(folder) = &options.keep {
        let file = folder.join(format!("seed-{seed}.txt"));
        let kept = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
        kept.map_err(|error| format!("{}: {error}", file.display()))?;
        println!(
            "  again: cargo xtask simulate --whole --replay {}",
            file.display()
        );
    }
    Ok(())
}
