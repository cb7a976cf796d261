//! `cargo xtask bench --latency`: how long one change takes until it is on the other side, while the program watches
//! two folders: at rest, and while many other files are on their way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::whole::{Trees, built, options};

/// Changes while nothing else is going on.
const AT_REST: usize = 20;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(100);
/// After that, a change does not come any more.
const LOST: Duration = Duration::from_mins(1);
/// How often it is looked whether all of the many are there.
const COUNT: Duration = Duration::from_secs(1);

/// Measures. Returns whether all went well.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let options = options(arguments)?;
    let many = Trees::make(&options)?;
    let pair = Pair {
        base: many.base().join("pair"),
    };
    fs::create_dir_all(pair.base.join("a/single"))?;
    fs::create_dir_all(pair.base.join("b"))?;
    let watch = Watch::start(&built()?, &pair.base)?;
    pair.change("first")?;
    sleep(COUNT);

    let mut at_rest = Vec::new();
    for number in 0..AT_REST {
        at_rest.push(pair.change(&format!("rest {number}"))?);
        sleep(PAUSE);
    }
    show("at rest", &mut at_rest);

    let _ = Command::new("sync").status();
    let start = Instant::now();
    fs::rename(many.base().join("a"), pair.base.join("a/many"))?;
    let mut meanwhile = Vec::new();
    let mut counted = start;
    loop {
        meanwhile.push(pair.change(&format!("meanwhile {}", meanwhile.len()))?);
        sleep(PAUSE / 4);
        if counted.elapsed() >= COUNT {
            if files_in(&pair.base.join("b/many")) >= options.files() {
                break;
            }
            counted = Instant::now();
        }
    }
    show("meanwhile", &mut meanwhile);
    println!(
        "{} other files were there after at most {:.1} s",
        options.files(),
        start.elapsed().as_secs_f64()
    );
    drop(watch);
    fs::remove_dir_all(many.base())?;
    Ok(true)
}

/// The two folders that are watched.
struct Pair {
    base: PathBuf,
}

impl Pair {
    /// Writes a small file on one side; returns how long it takes until it is on the other one.
    fn change(&self, content: &str) -> Result<Duration> {
        let name = Path::new("single").join(content);
        let start = Instant::now();
        fs::write(self.base.join("a").join(&name), content)?;
        let there = self.base.join("b").join(&name);
        while fs::read_to_string(&there).ok().as_deref() != Some(content) {
            ensure!(start.elapsed() < LOST, "{} did not come", name.display());
            sleep(Duration::from_millis(1));
        }
        Ok(start.elapsed())
    }
}

/// A program that watches, until this is dropped.
struct Watch(Child);

impl Watch {
    fn start(program: &Path, base: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["watch", "a", "b", "--state", "state/state.db", "-qq"]);
        let child = command
            .current_dir(base)
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| program.display().to_string())?;
        Ok(Self(child))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn files_in(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files_in(&entry.path()),
        Ok(kind) => usize::from(kind.is_file()),
        Err(_) => 0,
    });
    count.sum()
}

fn show(when: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len() - 1);
        times[index].as_millis()
    };
    println!(
        "one change, {when}: p50 {} ms, p95 {} ms, at most {} ms ({})",
        at(50),
        at(95),
        at(100),
        times.len()
    );
}
