//! Checks of this repository that no compiler makes: `cargo xtask NAME`, or `cargo xtask ci` for all.
#![allow(clippy::print_stdout, reason = "a program")]

mod bench;
mod cases;
mod floor;
mod latency;
mod layers;
mod measure;
mod plants;
mod purity;
mod simulate;
mod sources;
mod tidy;
mod whole;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// A check: its name, what it makes sure of, and how.
type Check = (&'static str, &'static str, fn(&Path) -> Result<Report>);

/// All checks, in the order in which `ci` makes them.
const CHECKS: &[Check] = &[
    (
        "tidy",
        "every file has a head, a parent and a reasonable length, and no stubs",
        tidy::check,
    ),
    (
        "purity",
        "the core reads no clock, opens no file, starts no thread",
        purity::check,
    ),
    (
        "layers",
        "dependencies go down only, and the lower crates stay small",
        layers::check,
    ),
    (
        "cases",
        "each case of other sync programs has a test",
        cases::check,
    ),
    (
        "plants",
        "the bugs that are planted to try the tests can be planted still",
        plants::check,
    ),
];

/// A task that takes its own arguments, and is no part of `ci`: its name, what it does, and how.
type Task = (&'static str, &'static str, fn(&[String]) -> Result<bool>);

const TASKS: &[Task] = &[
    (
        "simulate",
        "run random worlds, or all small ones, through the engine",
        simulate::run,
    ),
    (
        "kill",
        "kill real processes that sync, at named moments and at any",
        simulate::kill,
    ),
    (
        "images",
        "run the tests that use real folders on file systems of all kinds",
        simulate::images,
    ),
    (
        "plants",
        "plant bugs, one after the other, and see that the tests find each",
        plants::run,
    ),
    (
        "power",
        "cut the power of disks while they are synced to",
        simulate::power,
    ),
    (
        "bench",
        "measure instructions and times, and compare them with before",
        bench::run,
    ),
    (
        "measure",
        "tell what the engine takes for many objects",
        measure::run,
    ),
];

/// What a check found.
#[derive(Debug, Default)]
struct Report {
    /// What has to be mended, each with its place.
    faults: Vec<String>,
    /// What was left out, and for want of what.
    left_out: Vec<String>,
}

fn main() -> ExitCode {
    match run(&env::args().nth(1).unwrap_or_default()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the check of this name, or all, and returns whether all is well.
fn run(wanted: &str) -> Result<bool> {
    if let Some((.., task)) = TASKS.iter().find(|(name, ..)| *name == wanted) {
        let arguments: Vec<String> = env::args().skip(2).collect();
        return task(&arguments);
    }
    let root = root()?;
    let chosen: Vec<_> = CHECKS
        .iter()
        .filter(|(name, ..)| wanted == "ci" || wanted == *name)
        .collect();
    if chosen.is_empty() {
        println!("cargo xtask ci: all of these, or one by its name");
        for (name, what, _) in CHECKS {
            println!("  {name:8} {what}");
        }
        println!("or one of these tasks:");
        for (name, what, _) in TASKS {
            println!("  {name:8} {what}");
        }
        bail!("no check is named {wanted:?}");
    }

    let mut is_well = true;
    for (name, _, check) in chosen {
        let Report { faults, left_out } = check(&root).with_context(|| format!("check {name}"))?;
        for line in &left_out {
            println!("{name}: left out: {line}");
        }
        for line in &faults {
            println!("{name}: {line}");
        }
        println!(
            "{name}: {}",
            if faults.is_empty() { "fine" } else { "FAILED" }
        );
        is_well &= faults.is_empty();
    }
    Ok(is_well)
}

/// Returns the root of the workspace, where all checks run.
fn root() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(own
        .parent()
        .context("xtask lies below the root")?
        .to_owned())
}

/// Runs cargo, and returns what it printed.
fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        let problem = String::from_utf8_lossy(&output.stderr);
        bail!("cargo {}: {}", arguments.join(" "), problem.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
