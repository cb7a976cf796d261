//! `cargo xtask bench`: benchmarks, and by how much each changed since its baseline.
//!
//! Instructions are counted by valgrind: the same on a busy machine as on an idle one. Their baseline is a file of
//! the repository, so that a change that makes a path slower is seen where it is made. Times are compared with those
//! that were saved on the same machine.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{latency, root, whole};

const USAGE: &str = "cargo xtask bench: instructions, and times as compared with those that were saved
cargo xtask bench --quick: instructions only; fails if a path takes over 15 % more of them than its baseline
cargo xtask bench [--quick] --save: the same, and what it finds is the baseline from now on
cargo xtask bench --whole [--files N] [--times N] [--in FOLDER]: the program on two folders, beside rsync, cp and a bare copy
cargo xtask bench --latency [--files N] [--in FOLDER]: one change while it watches, also while so many files are on their way";

/// Where the baseline of instructions is, below the root of the repository.
const BASELINE: &str = "benches/instructions.tsv";
/// So many percent more are a regression.
const MOST: f64 = 15.0;
/// What runs the benchmarks for the library; of the same version as that.
const RUNNER: &str = "gungraun-runner";

/// Instructions of each path.
type Counts = BTreeMap<String, u64>;

/// Runs what is asked for. Returns whether nothing became much slower.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--quick"] => instructions(false),
        ["--quick", "--save"] => instructions(true),
        ["--save"] => {
            let is_well = instructions(true)?;
            Ok(times(&["--save-baseline", "saved"])? && is_well)
        }
        [] => {
            let is_well = instructions(false)?;
            Ok(times(&["--baseline-lenient", "saved"])? && is_well)
        }
        ["--whole", ..] => whole::run(&arguments[1..]),
        ["--latency", ..] => latency::run(&arguments[1..]),
        _ => bail!("{USAGE}"),
    }
}

/// Counts instructions, and tells by how much they changed. Returns whether no path takes many more.
fn instructions(saves: bool) -> Result<bool> {
    for program in ["valgrind", RUNNER] {
        let found = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if found.is_err() {
            println!("left out: instructions, for want of {program}");
            return Ok(true);
        }
    }
    let found = counts()?;
    let file = root()?.join(BASELINE);
    let baseline = read(&file)?;
    let mut is_well = true;
    println!("{:>15} {:>15} {:>8}", "before", "now", "change");
    for (name, &now) in &found {
        let Some(&before) = baseline.get(name) else {
            println!("{:>15} {now:>15} {:>8} {name}", "", "new");
            continue;
        };
        let change = change(before, now);
        let verdict = if change > MOST { ", a regression" } else { "" };
        println!("{before:>15} {now:>15} {change:>+7.1}% {name}{verdict}");
        is_well &= change <= MOST;
    }
    for name in baseline.keys().filter(|name| !found.contains_key(*name)) {
        println!("{:>15} {:>15} {:>8} {name}", "", "", "gone");
    }
    if saves {
        write(&file, &found)?;
        return Ok(true);
    }
    if !is_well {
        println!(
            "over {MOST} % more; if that is as it has to be: cargo xtask bench --quick --save"
        );
    }
    Ok(is_well)
}

/// Returns by how many percent something grew.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn change(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

/// Runs the benchmarks under valgrind.
fn counts() -> Result<Counts> {
    let arguments = ["--bench", "instructions", "--", "--output-format=json"];
    let Output { status, stdout, .. } = bench(&arguments).stdout(Stdio::piped()).output()?;
    if !status.success() {
        bail!("the benchmarks of instructions failed");
    }
    counts_in(&String::from_utf8_lossy(&stdout))
}

/// Reads what the library tells: one object a line.
fn counts_in(text: &str) -> Result<Counts> {
    let of_line = |line: &str| {
        let summary: Value = serde_json::from_str(line)?;
        let name = summary["function_name"].as_str().context("no name")?;
        let count = &summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"];
        let count = count
            .as_u64()
            .with_context(|| format!("no count of {name}"))?;
        Ok((name.to_owned(), count))
    };
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(of_line)
        .collect()
}

/// Measures times. Returns whether all was measured.
fn times(arguments: &[&str]) -> Result<bool> {
    let arguments = [&["--bench", "time", "--"], arguments].concat();
    Ok(bench(&arguments).status()?.success())
}

fn bench(arguments: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["bench", "--quiet", "--package", "cloudsync-benches"])
        .args(arguments);
    command
}

fn read(file: &Path) -> Result<Counts> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Counts::new()),
        Err(error) => return Err(error.into()),
    };
    let of_line = |line: &str| {
        let (name, count) = line.split_once('\t').context("a name and a count")?;
        Ok((name.to_owned(), count.parse()?))
    };
    text.lines().map(of_line).collect()
}

fn write(file: &Path, counts: &Counts) -> Result<()> {
    let line = |(name, count): (&String, &u64)| format!("{name}\t{count}\n");
    let text: String = counts.iter().map(line).collect();
    fs::write(file, text).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_compared() {
        let told = r#"
a line for people
{"function_name":"one","profiles":[{"data":{"total":{"metrics":{"Ir":{"values":{"new":115}}}}}}]}
{"function_name":"two","profiles":[{"data":{"total":{"metrics":{"Ir":{"values":{"new":116}}}}}}]}"#;
        let counts = counts_in(told).expect("as the library tells it");
        let changes: Vec<bool> = counts
            .values()
            .map(|&now| change(100, now) > MOST + 1e-9)
            .collect();
        assert_eq!(changes, [false, true]);
        assert!(counts_in(r#"{"function_name":"three"}"#).is_err());
    }
}
