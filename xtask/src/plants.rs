//! Bugs that are planted to see whether the tests find them: each takes one guarantee away. `cargo xtask
//! plants` plants them one after the other in a copy, and each has to turn red what is to find it: tests, or a layer of
//! random worlds within so many runs.

mod list;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use self::list::{Finder, PLANTS, Plant};
use crate::{Report, root};

/// Checks that all can be planted still.
pub(crate) fn check(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    for plant in &PLANTS {
        let text = fs::read_to_string(root.join(plant.file))?;
        let times = text.matches(plant.good).count();
        if times != 1 {
            let fault = format!("{}: stands {times} times: {}", plant.file, plant.good);
            report.faults.push(fault);
        }
    }
    Ok(report)
}

/// Plants all whose description or class has one of these words in it, one after the other. Returns whether each was
/// found.
pub(crate) fn run(words: &[String]) -> Result<bool> {
    let is_wanted = |plant: &&Plant| {
        let has = |word: &String| plant.what.contains(word.as_str()) || plant.class == word;
        words.is_empty() || words.iter().any(has)
    };
    let plants: Vec<_> = PLANTS.iter().filter(is_wanted).collect();
    let root = root()?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let copy = target.join("planted");
    // Of its own: what is built from the copy passes for what is built from here.
    let target = target.join("planted-target");
    let git = |arguments: &[&str]| -> Result<()> {
        let mut command = Command::new("git");
        let done = command.arg("-C").arg(&root).args(arguments).output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "git {}: {said}", arguments.join(" "));
        Ok(())
    };
    let place = copy.to_str().context("a path in UTF-8")?;
    // One may be left from a run that was broken off.
    let _ = git(&["worktree", "remove", "--force", place]);
    git(&["worktree", "add", "--force", "--detach", place, "HEAD"])?;
    let mut found = 0;
    for plant in &plants {
        let begun = Instant::now();
        let by = found_by(plant, &copy, &target)?;
        found += usize::from(by.is_some());
        println!(
            "{} {:4.0} s  {:5} {} ({})",
            if by.is_some() { "found" } else { "MISSED" },
            begun.elapsed().as_secs_f64(),
            plant.class,
            plant.what,
            by.unwrap_or_default(),
        );
    }
    git(&["worktree", "remove", "--force", place])?;
    println!("{found} of {} bugs were found", plants.len());
    Ok(found == plants.len())
}

/// Lets what is to find a bug look for it. Returns what found it, if it did.
fn found_by(plant: &Plant, copy: &Path, target: &Path) -> Result<Option<String>> {
    let file = copy.join(plant.file);
    let good = fs::read_to_string(&file)?;
    fs::write(&file, good.replace(plant.good, plant.bad))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(&cargo);
        command
            .args(arguments)
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", target)
            .output()
    };
    let (build, run): (Vec<&str>, Vec<&str>) = match plant.found_by {
        Finder::Tests(package) => {
            let test = ["test", "--quiet", "--all-features", "--package", package];
            (
                [&test[..], &["--no-run"]].concat(),
                [&test[..], &["--tests"]].concat(),
            )
        }
        Finder::Random(layer) => {
            let all = ["--quiet", "--release", "--package", "xtask", "--bins"];
            let run = [
                "run",
                "--quiet",
                "--release",
                "--package",
                "xtask",
                "--bin",
                "xtask",
                "--",
            ];
            ([&["build"], &all[..]].concat(), [&run[..], layer].concat())
        }
    };
    let built = cargo(&build)?;
    let ran = built.status.success().then(|| cargo(&run));
    fs::write(&file, good)?;
    let Some(ran) = ran else {
        let said = String::from_utf8_lossy(&built.stderr);
        anyhow::bail!("with a bug it does not build: {said}");
    };
    let ran = ran?;
    if ran.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    Ok(match plant.found_by {
        Finder::Tests(_) => {
            let mut rest = said.lines().skip_while(|line| *line != "failures:").skip(1);
            let first = rest.find_map(|line| line.trim().strip_prefix("---- ")?.split(' ').next());
            Some(first.unwrap_or("a test").to_owned())
        }
        // A layer is also red where it reached too little, or could not be built: that found nothing.
        Finder::Random(layer) => {
            let last = said.lines().rfind(|line| line.contains(" failed"));
            let last = last.filter(|line| how_many_failed(line) > Some(0));
            last.map(|line| format!("{}: {line}", layer.join(" ")))
        }
    })
}

/// Reads how many failed from the last line of a layer.
fn how_many_failed(line: &str) -> Option<u64> {
    let (before, _) = line.rsplit_once(" failed")?;
    before.split(' ').rev().find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::how_many_failed;

    #[test]
    fn what_failed_is_counted() {
        assert_eq!(how_many_failed("12 worlds failed"), Some(12));
        assert_eq!(
            how_many_failed("600 cuts in 15 worlds, 213.0 s; 0 failed"),
            Some(0)
        );
        assert_eq!(how_many_failed("the build failed"), None);
    }
}
