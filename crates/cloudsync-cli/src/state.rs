//! Where the state of a pair lies, and what it is before it is opened.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use cloudsync::store::Lock;
use cloudsync::{ErrorKind, Kind, Side};

use crate::display::text::shown;
use crate::exclude::Exclude;
use crate::exit::Exit;
use crate::location::{Locations, Place, resolve};
use crate::problem::Problem;

/// Where the state of a pair is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// In a file.
    File(PathBuf),
    /// Nowhere: a side that is in memory is gone with the program.
    Memory,
}

impl State {
    /// Finds where the state of a pair is: as it was asked for, else as the environment says.
    ///
    /// # Errors
    /// [`Exit::Usage`] where there is no place for it, or the place is in a synced folder.
    pub(crate) fn find(
        asked: Option<&Path>,
        locations: &Locations,
        exclude: &Exclude,
    ) -> Result<Self, Problem> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None if is_in_memory(locations) => return Ok(Self::Memory),
            None => usual(locations).ok_or_else(|| {
                Problem::new(Exit::Usage, "there is no home to keep the state in")
                    .with_hint("--state FILE, or set CLOUDSYNC_STATE_DIR")
            })?,
        };
        let path = std::path::absolute(&path)
            .map_err(|error| Problem::new(Exit::Usage, format!("--state: {error}")))?;
        let path = resolve(&path)?;
        check_outside(&path, locations, exclude)?;
        Ok(Self::File(path))
    }

    /// Holds the pair as well where its state is kept elsewhere than usual: its own lock does not tell
    /// of a run with another state. Where there is no usual place, or nothing can be written to it,
    /// there is nothing to hold.
    ///
    /// # Errors
    /// [`Exit::Busy`] where another run has the pair.
    pub(crate) fn hold_pair(&self, locations: &Locations) -> Result<Option<Lock>, Problem> {
        let (State::File(path), Some(usual)) = (self, usual(locations)) else {
            return Ok(None);
        };
        let usual = resolve(&usual).unwrap_or(usual);
        if *path == usual
            || usual
                .parent()
                .is_none_or(|at| fs::create_dir_all(at).is_err())
        {
            return Ok(None);
        }
        match Lock::take(&with_suffix(&usual, ".lock")) {
            Err(failure) if failure.kind() == ErrorKind::Locked => {
                let message = format!("{} and {}: {failure}", locations.local, locations.remote);
                Err(Problem::new(Exit::Busy, message)
                    .with_hint("wait for the other run, or stop it"))
            }
            lock => Ok(lock.ok()),
        }
    }

    /// Returns whether there is some from an earlier run.
    pub(crate) fn exists(&self) -> bool {
        match self {
            State::File(path) => fs::metadata(path).is_ok_and(|found| found.len() > 0),
            State::Memory => false,
        }
    }

    /// Returns it as it is shown to people.
    pub(crate) fn shown(&self) -> String {
        match self {
            State::File(path) => shown(&path.to_string_lossy()).into_owned(),
            State::Memory => "in memory".to_owned(),
        }
    }

    /// Makes a copy for a look at it, so that looking changes nothing.
    ///
    /// # Errors
    /// [`Exit::Busy`] where another run has it, [`Exit::State`] where it cannot be copied.
    pub(crate) fn copy_into(&self, folder: &Path) -> Result<Self, Problem> {
        let State::File(path) = self else {
            return Ok(State::Memory);
        };
        if !self.exists() {
            return Ok(State::Memory);
        }
        // The lock of the store is this file's; where there is none, nobody has it.
        let lock = File::open(with_suffix(path, ".lock")).ok();
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock_shared) {
            let message = format!("another run holds {}", self.shown());
            return Err(
                Problem::new(Exit::Busy, message).with_hint("wait for the other run, or stop it")
            );
        }
        let copy = folder.join("state.sqlite");
        for suffix in ["", "-wal"] {
            match fs::copy(with_suffix(path, suffix), with_suffix(&copy, suffix)) {
                Err(error) if suffix.is_empty() || error.kind() != std::io::ErrorKind::NotFound => {
                    let message = format!("{} cannot be copied: {error}", self.shown());
                    return Err(Problem::new(Exit::State, message));
                }
                _ => {}
            }
        }
        Ok(State::File(copy))
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn is_in_memory(locations: &Locations) -> bool {
    Side::BOTH.iter().any(|&side| {
        matches!(
            &locations[side].place,
            Place::Elsewhere { provider, .. } if provider == "memory"
        )
    })
}

/// Returns where the state of a pair is if nothing else is asked for.
fn usual(locations: &Locations) -> Option<PathBuf> {
    let folder = default_folder(|name| env::var_os(name))?;
    Some(folder.join(format!("{}.sqlite", pair_id(locations))))
}

/// Returns the folder of all states. Variables that are empty are as good as none.
fn default_folder(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let folder = |name| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    };
    if let Some(folder) = folder("CLOUDSYNC_STATE_DIR") {
        return Some(folder);
    }
    if let Some(home) = folder("CLOUDSYNC_HOME") {
        return Some(home.join("state"));
    }
    // The specification has relative ones ignored.
    if let Some(folder) = folder("XDG_STATE_HOME").filter(|folder| folder.is_absolute()) {
        return Some(folder.join("cloudsync"));
    }
    Some(folder("HOME")?.join(".local/state/cloudsync"))
}

/// Names a pair by its sides, whichever is named first.
fn pair_id(locations: &Locations) -> String {
    let mut sides = Side::BOTH.map(|side| locations[side].given());
    sides.sort();
    let mut hasher = blake3::Hasher::new();
    for given in sides {
        hasher.update(&given.len().to_le_bytes());
        hasher.update(given.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Refuses a state that would be synced itself: each run would change it, and so need another.
fn check_outside(path: &Path, locations: &Locations, exclude: &Exclude) -> Result<(), Problem> {
    for side in Side::BOTH {
        let Some(root) = locations[side].folder() else {
            continue;
        };
        let Ok(inside) = path.strip_prefix(root) else {
            continue;
        };
        let inside = inside.to_string_lossy();
        let folders = inside.match_indices('/').map(|(at, _)| &inside[..at]);
        if folders
            .into_iter()
            .any(|at| exclude.matches(at, Kind::Folder))
        {
            continue;
        }
        let message = format!(
            "the state {} is inside of {}, which is to be synced",
            shown(&path.to_string_lossy()),
            locations[side]
        );
        let folder = path.parent().and_then(|at| at.strip_prefix(root).ok());
        let hint = match folder
            .and_then(Path::to_str)
            .filter(|name| !name.is_empty())
        {
            Some(name) => format!("--state FILE elsewhere, or --exclude '/{}/'", shown(name)),
            None => "--state FILE elsewhere".to_owned(),
        };
        return Err(Problem::new(Exit::Usage, message).with_hint(hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_where_states_are() {
        let of = |variables: &[(&str, &str)]| {
            let found = default_folder(|name| {
                let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
                Some((*value).into())
            });
            found.map(|path| path.to_str().unwrap().to_owned())
        };
        let home = ("HOME", "/home/ann");
        let xdg = ("XDG_STATE_HOME", "/xdg");
        let own = ("CLOUDSYNC_HOME", "/own");
        let folder = ("CLOUDSYNC_STATE_DIR", "/states");
        assert_eq!(of(&[folder, own, xdg, home]).unwrap(), "/states");
        assert_eq!(of(&[own, xdg, home]).unwrap(), "/own/state");
        assert_eq!(of(&[xdg, home]).unwrap(), "/xdg/cloudsync");
        let default = "/home/ann/.local/state/cloudsync";
        assert_eq!(of(&[home]).unwrap(), default);
        assert_eq!(of(&[("XDG_STATE_HOME", "xdg"), home]).unwrap(), default);
        assert_eq!(of(&[("CLOUDSYNC_STATE_DIR", ""), home]).unwrap(), default);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn pairs_are_told_apart() {
        let id = |local: &str, remote: &str| {
            pair_id(&crate::location::both(local.as_ref(), remote.as_ref()).unwrap())
        };
        assert_eq!(id("/none/a", "/none/b"), id("/none/a/", "file:/none/b"));
        assert_eq!(id("/none/a", "/none/b"), id("/none/b", "/none/a"));
        assert_ne!(id("/none/a", "/none/b"), id("/none/a", "/none/c"));
        assert_eq!(id("/none/a", "/none/b").len(), 32);
    }
}
