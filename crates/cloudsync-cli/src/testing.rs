//! What the program parses, for tests elsewhere that hand it anything (`fuzz/`).

use std::ffi::OsStr;

use cloudsync::{BySide, Kind, SkipReason};

use crate::exclude::Exclude;
use crate::location;

/// Patterns of what takes no part, as `--exclude` takes them.
#[derive(Clone, Debug)]
pub struct Patterns(Exclude);

impl Patterns {
    /// Reads patterns.
    ///
    /// # Errors
    /// What the program says of the first that makes no sense.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        Exclude::new(patterns).map(Self)
    }

    /// Names the patterns.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// Returns whether an object takes no part by itself.
    pub fn matches(&self, path: &str, kind: Kind) -> bool {
        self.0.matches(path, kind)
    }

    /// Returns whether something that was met and left alone takes no part, by itself or with its folder.
    pub fn covers(&self, path: &str, reason: SkipReason) -> bool {
        self.0.covers(path, reason)
    }
}

/// One side of a pair, as the program understands what was typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// What the facade is given.
    pub given: String,
    /// What people are shown, shortly.
    pub label: String,
}

/// Makes sense of both locations as they were typed.
///
/// # Errors
/// What the program says, with its hint.
pub fn places(local: &OsStr, remote: &OsStr) -> Result<BySide<Place>, String> {
    let sides = location::both(local, remote)
        .map_err(|problem| format!("{} {:?}", problem.message, problem.hint))?;
    Ok(sides.map(|side| Place {
        given: side.given(),
        label: side.label,
    }))
}
