//! `cargo xtask bench --whole`: the program itself on two folders of many files, with `rsync -a` and `cp -a` beside
//! it: what counts is the ratio, as machines differ.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::simulate::in_release;
use crate::{floor, root};

/// Files in a folder.
const A_FOLDER: usize = 60;

pub(crate) struct Options {
    files: usize,
    times: usize,
    folder: PathBuf,
}

impl Options {
    /// Returns how many files there are to be.
    pub(crate) fn files(&self) -> usize {
        self.files
    }
}

/// What happens before a measurement.
type Before = fn(&Trees) -> Result<()>;

/// What is measured, in this order: a name, and what happens before it.
const WORK: [(&str, Before); 4] = [
    ("first sync", |_| Ok(())),
    ("nothing to do", |_| Ok(())),
    ("churn", Trees::churn),
    ("folder renamed", Trees::rename),
];

/// Who does it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Ours,
    Rsync,
    Copy,
    /// A copy without state, checks or hashes that is flushed as ours is: [`crate::floor`].
    Floor,
}

const WHO: [Who; 4] = [Who::Ours, Who::Rsync, Who::Copy, Who::Floor];

/// So many files are flushed at once by the floor, as they are by a local folder of ours.
const FLUSHED_AT_ONCE: usize = 512;

/// Measures. Returns whether all went well.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let options = options(arguments)?;
    let program = built()?;
    println!("{} files, medians of {}", options.files, options.times);
    println!(
        "{:16} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "", "ours", "rsync -a", "cp -a", "floor", "ratio"
    );
    let mut all = vec![vec![Vec::new(); WHO.len()]; WORK.len()];
    let mut made = Vec::new();
    for _ in 0..options.times {
        for (column, who) in WHO.into_iter().enumerate() {
            let trees = Trees::make(&options)?;
            for (row, (_, before)) in WORK.iter().enumerate() {
                if matches!(who, Who::Copy | Who::Floor) && row > 0 {
                    break;
                }
                before(&trees)?;
                // What was written before is not to be waited for.
                let _ = Command::new("sync").status();
                let start = Instant::now();
                trees.go(who, &program)?;
                all[row][column].push(start.elapsed());
            }
            made.push(trees);
        }
    }
    for (row, (name, _)) in WORK.iter().enumerate() {
        let [ours, rsync, copy, floor] = [0, 1, 2, 3].map(|column| median(&mut all[row][column]));
        let show = |time: Option<Duration>| {
            time.map_or_else(String::new, |time| format!("{:.3} s", time.as_secs_f64()))
        };
        let ratio = ours.zip(rsync).map_or(0.0, |(ours, rsync)| {
            ours.as_secs_f64() / rsync.as_secs_f64()
        });
        println!(
            "{name:16} {:>10} {:>10} {:>10} {:>10} {ratio:>8.2}",
            show(ours),
            show(rsync),
            show(copy),
            show(floor)
        );
    }
    for trees in made {
        fs::remove_dir_all(trees.base)?;
    }
    Ok(true)
}

/// Builds the program, and returns where it is.
pub(crate) fn built() -> Result<PathBuf> {
    let build = ["--package", "cloudsync-cli"];
    ensure!(in_release("build", &build, &[])?, "it does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.map_or_else(|| Ok(root()?.join("target")), anyhow::Ok)?;
    Ok(target.join("release/cloudsync"))
}

pub(crate) fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        files: 2_000,
        times: 3,
        folder: std::env::temp_dir(),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words
            .next()
            .with_context(|| format!("{word} takes a value"))?;
        match word.as_str() {
            "--files" => options.files = value.parse()?,
            "--times" => options.times = value.parse()?,
            "--in" => options.folder = PathBuf::from(value),
            _ => bail!("unknown: {word}"),
        }
    }
    Ok(options)
}

/// Two folders. They are there until the end of the program: whoever deletes much just
/// before a measurement measures that.
pub(crate) struct Trees {
    base: PathBuf,
    files: usize,
}

impl Trees {
    /// Makes a folder of files, and an empty one.
    pub(crate) fn make(options: &Options) -> Result<Self> {
        let base = (0..u32::MAX)
            .map(|number| format!("cloudsync-bench-{}-{number}", std::process::id()))
            .map(|name| options.folder.join(name))
            .find(|path| !path.exists())
            .context("a free name")?;
        let trees = Self {
            base,
            files: options.files,
        };
        fs::create_dir_all(trees.base.join("b"))?;
        for number in 0..trees.files {
            trees.write(number, 0)?;
        }
        Ok(trees)
    }

    /// Returns the folder that both are in, `a` and `b`.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// Writes a file: its size, half a KiB to 64, and its bytes follow from its number.
    fn write(&self, number: usize, version: u64) -> Result<()> {
        let path = self.path(number);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ version;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let length = 64 << (next() % 8);
        let content: Vec<u8> = (0..length).flat_map(|_| next().to_le_bytes()).collect();
        fs::write(&path, content).with_context(|| path.display().to_string())
    }

    /// Four files in ten lie in one folder, which is renamed at last.
    fn path(&self, number: usize) -> PathBuf {
        let top = if number % 10 < 4 { "one" } else { "two" };
        let folder = format!("folder {}", number / 10 / A_FOLDER);
        let name = format!("file {number:07}.txt");
        self.base.join("a").join(top).join(folder).join(name)
    }

    /// Of a hundred files each, one is edited, one deleted, and one new.
    fn churn(&self) -> Result<()> {
        for number in (0..self.files).step_by(100) {
            self.write(number, 1)?;
            if number + 1 < self.files {
                fs::remove_file(self.path(number + 1))?;
            }
            self.write(self.files + number, 0)?;
        }
        Ok(())
    }

    fn rename(&self) -> Result<()> {
        let a = self.base.join("a");
        Ok(fs::rename(a.join("one"), a.join("three"))?)
    }

    /// Makes both folders equal.
    fn go(&self, who: Who, program: &Path) -> Result<()> {
        let mut command = match who {
            Who::Floor => {
                let (a, b) = (self.base.join("a"), self.base.join("b"));
                return floor::copy(&a, &b, FLUSHED_AT_ONCE);
            }
            Who::Ours => {
                let mut command = Command::new(program);
                command.args(["sync", "a", "b", "--state", "state/state.db", "-q"]);
                command
            }
            Who::Rsync => {
                let mut command = Command::new("rsync");
                command.args(["-a", "--delete", "a/", "b/"]);
                command
            }
            Who::Copy => {
                let mut command = Command::new("cp");
                command.args(["-a", "a/.", "b"]);
                command
            }
        };
        let status = command
            .current_dir(&self.base)
            .stdout(Stdio::null())
            .status()
            .with_context(|| command.get_program().display().to_string())?;
        let program = command.get_program().display();
        ensure!(status.success(), "{program}: {status}");
        Ok(())
    }
}

fn median(times: &mut [Duration]) -> Option<Duration> {
    times.sort();
    times.get(times.len() / 2).copied()
}
