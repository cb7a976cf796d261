//! Power cuts: one of the two folders, and the state, lie on disks that forget what was not flushed.
//!
//! What a run writes is recorded, block by block. Then the power goes at any moment of it: what was
//! flushed is there, of the rest some blocks are and some are not, in any order. The state's disk loses
//! nothing, or as much as it may: so if the state is ever ahead of the folder, it is found out. After
//! each cut a run has to make both folders equal to the one that was never cut: a file that the cut
//! left empty, old or away is no wish of a user.

mod disk;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cloudsync_core::testing::Random;
use tempfile::TempDir;

use crate::killing::{DURABILITY, tree};
use crate::mount::{Image, Kind, Mounted, make, run};

use self::disk::{Disks, Entry};

/// How large the disks are.
const SIZE: u64 = 48 << 20;

/// Disks forget by the block.
const BLOCK: usize = 4_096;

/// So many blocks are much to forget.
const MUCH: usize = 8;

/// The folder's disk, and the state's.
const FOLDER: usize = 0;
const STATE: usize = 1;

/// Returns why no power can be cut here, if that is so.
pub fn obstacle() -> Option<String> {
    if !Path::new("/dev/fuse").exists() {
        return Some("there is no /dev/fuse".to_owned());
    }
    let image = Image::new(Kind::Ext4, SIZE);
    image.err().map(|error| error.to_string())
}

/// How the cuts of one world went.
#[derive(Debug, Default)]
pub struct Ran {
    /// Power cuts.
    pub cuts: u64,
    /// Cuts in which a disk forgot something.
    pub forgot: u64,
    /// Writes and flushes that were recorded.
    pub recorded: u64,
    /// What was wrong after a cut.
    pub violations: Vec<String>,
}

/// Records a run of `victim` on the world of a seed, which flushes as `durability` says, and cuts the
/// power `cuts` times.
///
/// # Errors
/// Those of the system, where the world could not be played.
pub fn play(seed: u64, victim: &Path, durability: &str, cuts: u64) -> io::Result<Ran> {
    let mut random = Random::new(seed);
    let place = Place::new(victim, durability)?;
    let mut ran = Ran::default();
    let (images, log) = place.record(&mut random)?;
    ran.recorded = log.len() as u64;
    let expected = tree(&place.at("a"))?;
    let late = late(&log);
    for number in 0..cuts {
        // Every other cut comes when the folder's disk has much to forget: few moments of a run are such.
        let until = if number % 2 == 0 && !late.is_empty() {
            late[random.below(late.len())]
        } else {
            random.below(log.len() + 1)
        };
        let keeps = [[50, 100], [0, 100], [50, 50], [0, 0], [90, 100]][random.below(5)];
        let mut forgot = false;
        for disk in [FOLDER, STATE] {
            let kept = cut(&images[disk], &log[..until], disk, keeps[disk], &mut random);
            forgot |= kept.1;
            fs::write(place.at(&format!("image-{disk}")), kept.0)?;
        }
        ran.cuts += 1;
        ran.forgot += u64::from(forgot);
        let mounted = place.mount(|disk| place.at(&format!("image-{disk}")))?;
        let ended = place.sync();
        let fault = match ended {
            Err(error) => Some(error.to_string()),
            Ok(()) => {
                let (a, b) = (tree(&place.at("a"))?, tree(&place.at("b/root"))?);
                difference("the folder that was never cut", &expected, &a)
                    .or_else(|| difference("the other folder", &expected, &b))
            }
        };
        for mounted in mounted {
            mounted.end()?;
        }
        if let Some(fault) = fault {
            let line = format!("seed {seed}, cut at {until} of {}: {fault}", log.len());
            ran.violations.push(line);
            // What it was compared with may be spoilt.
            break;
        }
    }
    Ok(ran)
}

/// Returns the moments just before the folder's disk is flushed, where blocks wait for that.
fn late(log: &[Entry]) -> Vec<usize> {
    let mut waiting = 0;
    let mut late = Vec::new();
    for (at, entry) in log.iter().enumerate() {
        match entry {
            Entry::Write { disk, bytes, .. } if *disk == FOLDER => {
                waiting += bytes.len().div_ceil(BLOCK);
            }
            Entry::Flush { disk } if *disk == FOLDER => {
                if waiting >= MUCH {
                    late.push(at);
                }
                waiting = 0;
            }
            _ => {}
        }
    }
    late
}

/// Returns what a disk holds after a cut, and whether it forgot something. Of each block that was not
/// flushed, so many in a hundred are there.
fn cut(
    image: &[u8],
    log: &[Entry],
    disk: usize,
    percent: u32,
    random: &mut Random,
) -> (Vec<u8>, bool) {
    let is_flush = |entry: &Entry| matches!(entry, Entry::Flush { disk: of } if *of == disk);
    let flushed = log.iter().rposition(is_flush);
    let mut image = image.to_vec();
    let mut forgot = false;
    for (index, entry) in log.iter().enumerate() {
        let Entry::Write {
            disk: of,
            at,
            bytes,
        } = entry
        else {
            continue;
        };
        if *of != disk {
            continue;
        }
        for (number, block) in bytes.chunks(BLOCK).enumerate() {
            if Some(index) > flushed && !random.chance(percent) {
                forgot = true;
                continue;
            }
            let at = at + number * BLOCK;
            image[at..at + block.len()].copy_from_slice(block);
        }
    }
    (image, forgot)
}

/// Folders `a` and, on disks, `b` and `s` for the state.
struct Place {
    base: TempDir,
    victim: PathBuf,
    durability: String,
}

impl Place {
    fn new(victim: &Path, durability: &str) -> io::Result<Self> {
        let base = tempfile::Builder::new().prefix("power-").tempdir()?;
        for name in ["a", "b", "s", "disks"] {
            fs::create_dir(base.path().join(name))?;
        }
        Ok(Self {
            base,
            victim: victim.to_owned(),
            durability: durability.to_owned(),
        })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.base.path().join(path)
    }

    /// Syncs once, changes much on `a`, and syncs again, which is recorded. Returns what the disks held
    /// before that, and what was done to them.
    fn record(&self, random: &mut Random) -> io::Result<(Vec<Vec<u8>>, Vec<Entry>)> {
        let mut images = Vec::new();
        for _ in [FOLDER, STATE] {
            let file = self.at("new-image");
            make(Kind::Ext4, &file, SIZE)?;
            images.push(fs::read(&file)?);
        }
        let disks = Disks::start(&self.at("disks"), images)?;
        let mounted = self.mount(|disk| disks.file(disk))?;
        let root = self.at("b/root");
        fs::create_dir(&root)?;
        change(&self.at("a"), random, 150)?;
        self.sync()?;
        run(&mut Command::new("sync"))?;
        change(&self.at("a"), random, 250)?;
        let images = disks.record();
        self.sync()?;
        let log = disks.recorded();
        for mounted in mounted {
            mounted.end()?;
        }
        Ok((images, log))
    }

    fn mount(&self, file: impl Fn(usize) -> PathBuf) -> io::Result<[Mounted; 2]> {
        Ok([
            Mounted::new(&file(FOLDER), &self.at("b"), "")?,
            Mounted::new(&file(STATE), &self.at("s"), "")?,
        ])
    }

    /// Runs the victim to its end.
    fn sync(&self) -> io::Result<()> {
        let status = Command::new(&self.victim)
            .arg("once")
            .args([self.at("a"), self.at("b/root"), self.at("s/state")])
            .env(DURABILITY, &self.durability)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("a run ended with {status}")))
        }
    }
}

/// A user makes, edits, moves and deletes files.
fn change(root: &Path, random: &mut Random, acts: usize) -> io::Result<()> {
    for _ in 0..acts {
        let folder = root.join(format!("{}/{}", random.below(12), random.below(12)));
        let path = folder.join(random.below(4).to_string());
        match random.below(10) {
            0 => {
                let to = root.join(format!("moved-{}", random.word() % 1_000));
                if path.exists() && !to.exists() {
                    fs::rename(path, to)?;
                }
            }
            1 => {
                if path.exists() {
                    fs::remove_file(path)?;
                }
            }
            2 => {
                let to = root.join(format!("folder-{}", random.word() % 1_000));
                if folder.exists() && !to.exists() {
                    fs::rename(folder, to)?;
                }
            }
            _ => {
                fs::create_dir_all(&folder)?;
                let size = [10, 3_000, 9_000, 100_000][random.below(4)];
                let mut content = format!("{:x} ", random.word()).into_bytes();
                content.resize(size, b'x');
                fs::write(path, content)?;
            }
        }
    }
    Ok(())
}

type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn difference(what: &str, expected: &Tree, found: &Tree) -> Option<String> {
    let paths = expected.keys().chain(found.keys());
    let size = |tree: &Tree, path: &Path| match tree.get(path) {
        None => "nothing".to_owned(),
        Some(None) => "a folder".to_owned(),
        Some(Some(content)) => format!("{} bytes", content.len()),
    };
    let mut paths = paths.filter(|path| expected.get(*path) != found.get(*path));
    let path = paths.next()?;
    Some(format!(
        "{what}: {} has {} instead of {}, and {} more",
        path.display(),
        size(found, path),
        size(expected, path),
        paths.count()
    ))
}
