//! Users on both sides, and what they know to be dead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cloudsync_core::testing::Random;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::trees::{is_copy, is_own, tree};

/// Few, so that both users want the same.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "B", "f.txt"];

/// Both users. Every content they write is unique.
pub(super) struct Users {
    base: PathBuf,
    random: Random,
    /// Written by them, and not known to be dead.
    alive: BTreeSet<Vec<u8>>,
    count: usize,
    /// What they did so far.
    pub(super) acts: u64,
}

impl Users {
    /// Gives them two folders to work in, and one for what they throw away.
    pub(super) fn new(base: &Path, seed: u64) -> io::Result<Self> {
        for name in ["a", "b", "trash"] {
            fs::create_dir(base.join(name))?;
        }
        Ok(Self {
            base: base.to_owned(),
            random: Random::new(seed),
            alive: BTreeSet::new(),
            count: 0,
            acts: 0,
        })
    }

    /// Does one thing on one side. What cannot be done, as things changed meanwhile, is left.
    pub(super) fn act(&mut self) -> io::Result<()> {
        let side = self.one_of(&["a", "b"]);
        let root = self.base.join(side);
        let found = tree(&root)?;
        let all: Vec<_> = found.keys().filter(|path| !is_hidden(path)).collect();
        let (folders, files): (Vec<_>, Vec<_>) =
            all.iter().partition(|path| found[**path].is_none());
        let mut places: Vec<PathBuf> = folders.iter().map(|path| root.join(path)).collect();
        places.push(root.clone());
        let place = places[self.random.below(places.len())].clone();
        let free = place.join(self.one_of(&NAMES));
        let any = |random: &mut Random, of: &[&&PathBuf]| {
            let path = of.get(random.below(of.len()))?;
            Some(root.join(path))
        };
        self.acts += 1;
        let done = match self.random.below(11) {
            0..=3 => self.write(&free),
            4 => fs::create_dir(&free),
            5 | 6 => match any(&mut self.random, &all.iter().collect::<Vec<_>>()) {
                Some(from) => rename(&from, &free),
                None => Ok(()),
            },
            7 => match any(&mut self.random, &files) {
                Some(path) => self.write(&path),
                None => Ok(()),
            },
            8 => match any(&mut self.random, &files) {
                Some(path) => self.throw_away(&path),
                None => Ok(()),
            },
            9 => match any(&mut self.random, &files) {
                Some(path) => self.touch(&path),
                None => Ok(()),
            },
            _ => match any(&mut self.random, &folders) {
                Some(path) => self.throw_away(&path),
                None => Ok(()),
            },
        };
        match done {
            // Somebody was quicker, or it makes no sense.
            Err(error) if is_usual(&error) => Ok(()),
            done => done,
        }
    }

    /// Writes a file: a new one at a free name, else in the place of what stands there.
    fn write(&mut self, path: &Path) -> io::Result<()> {
        self.count += 1;
        let size = [20, 300, 5_000, 200_000][self.random.below(4)];
        let mut content = format!("content {} ", self.count).into_bytes();
        content.resize(size.max(content.len()), b'.');
        let new = self.base.join("trash").join(format!("new-{}", self.count));
        fs::write(&new, &content)?;
        // Before it is in view: it can be carried over at once.
        self.alive.insert(content.clone());
        match rename(&new, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                self.alive.remove(&content);
                return Err(error);
            }
            Ok(()) => return Ok(()),
        }
        let exchanged = if path.is_dir() {
            Err(io::ErrorKind::IsADirectory.into())
        } else {
            renameat_with(CWD, &new, CWD, path, RenameFlags::EXCHANGE).map_err(io::Error::from)
        };
        if exchanged.is_err() {
            self.alive.remove(&content);
            return exchanged;
        }
        if new.is_dir() {
            return self.bury(&new);
        }
        let old = fs::read(&new)?;
        self.alive.remove(&old);
        Ok(())
    }

    /// Says that a file is of another time.
    fn touch(&mut self, path: &Path) -> io::Result<()> {
        let time = SystemTime::now() - Duration::from_secs(self.random.below(1_000_000) as u64);
        fs::File::open(path)?.set_modified(time)
    }

    fn throw_away(&mut self, path: &Path) -> io::Result<()> {
        self.count += 1;
        let trash = self.base.join("trash").join(format!("old-{}", self.count));
        rename(path, &trash)?;
        self.bury(&trash)
    }

    /// What lies in the trash is dead, but copies that we were making there.
    fn bury(&mut self, trash: &Path) -> io::Result<()> {
        if !trash.is_dir() {
            self.alive.remove(&fs::read(trash)?);
            return Ok(());
        }
        for (path, content) in tree(trash)? {
            if let Some(content) = content.filter(|_| !is_copy(&path)) {
                self.alive.remove(&content);
            }
        }
        Ok(())
    }

    fn one_of<'n>(&mut self, names: &[&'n str]) -> &'n str {
        names[self.random.below(names.len())]
    }

    /// Returns what is wrong with the two folders, if something is.
    pub(super) fn find_fault(&self) -> io::Result<Option<String>> {
        let a = tree(&self.base.join("a"))?;
        let b = tree(&self.base.join("b"))?;
        let here: BTreeSet<&Vec<u8>> = a.values().flatten().collect();
        if let Some(lost) = self.alive.iter().find(|content| !here.contains(content)) {
            let name = String::from_utf8_lossy(&lost[..lost.len().min(14)]).into_owned();
            return Ok(Some(format!("lost: {name}")));
        }
        if a != b {
            return Ok(Some(format!("not equal: {:?}", differences(&a, &b))));
        }
        Ok(a.keys()
            .find(|path| is_own(path))
            .map(|path| format!("left behind: {}", path.display())))
    }
}

type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn differences<'t>(a: &'t Tree, b: &'t Tree) -> Vec<&'t PathBuf> {
    let paths: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    paths
        .into_iter()
        .filter(|path| a.get(*path) != b.get(*path))
        .collect()
}

/// Returns whether a path leads through a name of ours: users do not see it.
fn is_hidden(path: &Path) -> bool {
    path.ancestors().any(is_own)
}

/// Renames to a name that is free.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

fn is_usual(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::AlreadyExists
            | Kind::InvalidInput
            | Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::NotFound
    )
}
