//! Kills processes that sync, world by world. `cargo xtask kill` starts it.
#![allow(clippy::print_stdout, reason = "a program")]

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::time::Instant;

use cloudsync_tests::killing::{MOMENTS, play, victim};

const USAGE: &str = "kill [--kills N] [--seed S] [--keep]
  plays worlds from seed S on until N processes were killed; --keep leaves the folders of failed worlds";

struct Options {
    kills: u64,
    seed: u64,
    keep: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        kills: 500,
        seed: 1,
        keep: false,
    };
    let mut rest = env::args().skip(1);
    while let Some(name) = rest.next() {
        if name == "--keep" {
            options.keep = true;
            continue;
        }
        let value = rest.next().ok_or(USAGE)?;
        let number: u64 = value
            .parse()
            .map_err(|error| format!("{name} {value}: {error}"))?;
        match name.as_str() {
            "--kills" => options.kills = number,
            "--seed" => options.seed = number,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    match options().and_then(|options| many(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays worlds until enough processes were killed. Returns whether all held, and every moment with a
/// name was met.
fn many(options: &Options) -> Result<bool, String> {
    let victim = victim().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let mut kills: BTreeMap<&str, u64> = MOMENTS.iter().map(|name| (*name, 0)).collect();
    let (mut seed, mut ends, mut acts, mut failed) = (options.seed, 0, 0, 0);
    while kills.values().sum::<u64>() < options.kills {
        let (ran, base) = play(seed, &victim).map_err(|error| format!("seed {seed}: {error}"))?;
        for (name, count) in ran.kills {
            *kills.entry(name).or_default() += count;
        }
        ends += ran.ends;
        acts += ran.acts;
        if let Some(violation) = ran.violation {
            failed += 1;
            println!("seed {seed}: {violation}");
            if options.keep {
                println!("  kept: {}", base.keep().display());
            }
        }
        seed += 1;
    }
    for (name, count) in &kills {
        let name = if name.is_empty() {
            "at any moment"
        } else {
            name
        };
        println!("{count:7} {name}");
    }
    let all: u64 = kills.values().sum();
    println!(
        "{all} kills and {ends} ends in {} worlds with {acts} acts of users, {:.1} s; {failed} worlds failed",
        seed - options.seed,
        begun.elapsed().as_secs_f64()
    );
    let never: Vec<_> = kills
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(name, _)| *name)
        .collect();
    // A few kills do not meet every moment.
    let is_long = options.kills >= 1_000;
    if is_long && !never.is_empty() {
        println!("never reached: {}", never.join(", "));
    }
    Ok(failed == 0 && (never.is_empty() || !is_long))
}
