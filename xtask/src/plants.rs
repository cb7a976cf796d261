//! Bugs that are planted to see whether the tests find them: each takes one guarantee away. `cargo xtask
//! plants` plants them one after the other in a copy, and each has to turn the tests red.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::{Report, root};

/// A bug.
struct Plant {
    /// What it does.
    what: &'static str,
    file: &'static str,
    /// What it takes the place of, which stands there once.
    good: &'static str,
    bad: &'static str,
    /// Whose tests are to find it.
    package: &'static str,
}

const PLANTS: [Plant; 8] = [
    Plant {
        what: "a file is deleted or moved without a look at its version",
        file: "crates/cloudsync-provider/src/filesystem/change.rs",
        good: "expect.is_some_and(|tag| found.what != What::File || found.tag() != *tag)",
        bad: "expect.is_some_and(|tag| found.what != What::File && found.tag() != *tag)",
        package: "cloudsync-provider",
    },
    Plant {
        what: "what came out of an exchange is not looked at",
        file: "crates/cloudsync-provider/src/filesystem/replace.rs",
        good: "Ok(out) if old.same_version(&out) =>",
        bad: "Ok(out) if old.what == out.what =>",
        package: "cloudsync-provider",
    },
    Plant {
        what: "what is synced is recorded before it is flushed",
        file: "crates/cloudsync/src/persist.rs",
        good: "let (local, remote) = futures::join!(",
        bad: "guarded_call(\"store apply\", store.apply(batch)).await?;\n        let (local, remote) = futures::join!(",
        package: "cloudsync",
    },
    Plant {
        what: "a listing that was cut counts as complete",
        file: "crates/cloudsync-core/src/engine/observing.rs",
        good: "match listing.end {",
        bad: "match End::Complete {",
        package: "cloudsync-tests",
    },
    Plant {
        what: "the other version of a conflict keeps the name",
        file: "crates/cloudsync-core/src/engine/deciding.rs",
        good: "Resolution::KeepBoth => self.set_aside(entries, Side::Local),",
        bad: "Resolution::KeepBoth => self.set_aside(entries, Side::Remote),",
        package: "cloudsync-tests",
    },
    Plant {
        what: "of two moves the other one wins, on whichever side it is",
        file: "crates/cloudsync-core/src/plan/agreed.rs",
        good: "let is_local = path(Side::Local)? <= path(Side::Remote)?;",
        bad: "let is_local = path(Side::Local)? > path(Side::Remote)?;",
        package: "cloudsync-core",
    },
    Plant {
        what: "what is put into a folder that is taken away stays there",
        file: "crates/cloudsync-provider/src/filesystem/write.rs",
        good: "if !is_there {",
        bad: "if !is_there && request.size == u64::MAX {",
        package: "cloudsync-provider",
    },
    Plant {
        what: "the pair named the other way round has a state of its own",
        file: "crates/cloudsync-cli/src/state.rs",
        good: "    sides.sort();\n",
        bad: "",
        package: "cloudsync-cli",
    },
];

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

/// Plants all whose description has one of these words in it, one after the other. Returns whether the tests
/// found each.
pub(crate) fn run(words: &[String]) -> Result<bool> {
    let is_wanted = |plant: &&Plant| {
        words.is_empty() || words.iter().any(|word| plant.what.contains(word.as_str()))
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
        let by = test_with(plant, &copy, &target)?;
        found += usize::from(by.is_some());
        println!(
            "{} {:4.0} s  {} ({})",
            if by.is_some() { "found" } else { "MISSED" },
            begun.elapsed().as_secs_f64(),
            plant.what,
            by.unwrap_or_default(),
        );
    }
    git(&["worktree", "remove", "--force", place])?;
    println!("{found} of {} bugs were found", plants.len());
    Ok(found == plants.len())
}

/// Runs the tests with a bug. Returns the first that failed, if one did.
fn test_with(plant: &Plant, copy: &Path, target: &Path) -> Result<Option<String>> {
    let file = copy.join(plant.file);
    let good = fs::read_to_string(&file)?;
    fs::write(&file, good.replace(plant.good, plant.bad))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(&cargo);
        command
            .args([
                "test",
                "--quiet",
                "--all-features",
                "--package",
                plant.package,
            ])
            .args(arguments)
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", target)
            .output()
    };
    let built = cargo(&["--no-run"])?;
    ensure!(
        built.status.success(),
        "with a bug it does not build: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    let ran = cargo(&["--tests"])?;
    fs::write(&file, good)?;
    if ran.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    let mut rest = said.lines().skip_while(|line| *line != "failures:").skip(1);
    let first = rest.find_map(|line| line.trim().strip_prefix("---- ")?.split(' ').next());
    Ok(Some(first.unwrap_or("a test").to_owned()))
}
