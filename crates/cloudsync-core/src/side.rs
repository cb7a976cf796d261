//! The two sides of a pair, and a pair of values indexed by side.

use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// One of the two storage systems of a pair. Only a label: nothing is decided by it but ties.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Side 0.
    Local,
    /// Side 1. Its version keeps the name when a conflict is not decided.
    Remote,
}

impl Side {
    /// Both sides, local first.
    pub const BOTH: [Side; 2] = [Side::Local, Side::Remote];

    /// Returns the opposite side.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::Local => Side::Remote,
            Side::Remote => Side::Local,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Local => "local",
            Side::Remote => "remote",
        })
    }
}

/// A value for each side.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct BySide<T> {
    /// The value of [`Side::Local`].
    pub local: T,
    /// The value of [`Side::Remote`].
    pub remote: T,
}

impl<T> BySide<T> {
    /// Pairs two values.
    pub const fn new(local: T, remote: T) -> Self {
        Self { local, remote }
    }

    /// Calls `make` for each side, local first.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        let local = make(Side::Local);
        let remote = make(Side::Remote);
        Self { local, remote }
    }

    /// Borrows both values.
    pub const fn as_ref(&self) -> BySide<&T> {
        BySide {
            local: &self.local,
            remote: &self.remote,
        }
    }

    /// Converts both values.
    pub fn map<U>(self, mut convert: impl FnMut(T) -> U) -> BySide<U> {
        let local = convert(self.local);
        let remote = convert(self.remote);
        BySide { local, remote }
    }
}

impl<T> Index<Side> for BySide<T> {
    type Output = T;
    fn index(&self, side: Side) -> &T {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }
}

impl<T> IndexMut<Side> for BySide<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        }
    }
}
