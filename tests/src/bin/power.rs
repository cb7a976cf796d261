//! Cuts the power, world by world. `cargo xtask power` starts it.
#![allow(clippy::print_stdout, reason = "a program")]

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use cloudsync_tests::killing::victim;
use cloudsync_tests::power::{Ran, obstacle, play};

const USAGE: &str = "power [--worlds N] [--cuts N] [--seed S] [--durability batch|full|none]
  records N worlds from seed S on, and cuts the power of each so often";

struct Options {
    worlds: u64,
    cuts: u64,
    seed: u64,
    durability: String,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        worlds: 10,
        cuts: 50,
        seed: 1,
        durability: "batch".to_owned(),
    };
    let mut rest = env::args().skip(1);
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        let number = || {
            let parsed = value.parse::<u64>();
            parsed.map_err(|error| format!("{name} {value}: {error}"))
        };
        match name.as_str() {
            "--worlds" => options.worlds = number()?,
            "--cuts" => options.cuts = number()?,
            "--seed" => options.seed = number()?,
            "--durability" => options.durability = value,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    if let Some(obstacle) = obstacle() {
        println!("left out: {obstacle}");
        return ExitCode::SUCCESS;
    }
    match options().and_then(|options| many(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays the worlds. Returns whether all held.
fn many(options: &Options) -> Result<bool, String> {
    let victim = victim().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let mut all = Ran::default();
    for seed in options.seed..options.seed + options.worlds {
        let ran = play(seed, &victim, &options.durability, options.cuts)
            .map_err(|error| format!("seed {seed}: {error}"))?;
        all.cuts += ran.cuts;
        all.forgot += ran.forgot;
        all.recorded += ran.recorded;
        for violation in ran.violations {
            println!("{violation}");
            all.violations.push(violation);
        }
    }
    println!(
        "{} cuts ({} of them forgot something) in {} worlds with {} recorded writes and flushes, {:.1} s; {} failed",
        all.cuts,
        all.forgot,
        options.worlds,
        all.recorded,
        begun.elapsed().as_secs_f64(),
        all.violations.len()
    );
    Ok(all.violations.is_empty())
}
