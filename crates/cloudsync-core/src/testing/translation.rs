//! Translations under which what is in a folder does not simply go where the folder goes.

use crate::path::components;
use crate::policy::{Locality, Policy};
use crate::side::Side;

/// How the two sides of a model world name the same objects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Translation {
    /// All is in one folder on the remote side: `a/b/c` is `a+b+c` there.
    Flat,
    /// On the remote side, what is in the root is sorted by its first letter: `b/c` is `by-b/b/c`.
    Sorted,
}

impl Policy for Translation {
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        match (self, to) {
            (Self::Flat, Side::Remote) => (!path.contains('+')).then(|| path.replace('/', "+")),
            (Self::Flat, Side::Local) => {
                let is_flat = !path.contains('/') && path.split('+').all(|name| !name.is_empty());
                is_flat.then(|| path.replace('+', "/"))
            }
            (Self::Sorted, Side::Remote) => Some(format!("{}/{path}", letter(path)?)),
            (Self::Sorted, Side::Local) => {
                let (by, below) = path.split_once('/')?;
                (letter(below)? == by).then(|| below.to_owned())
            }
        }
    }

    fn locality(&self) -> Locality {
        Locality::Arbitrary
    }

    fn id(&self) -> String {
        format!("{self:?}")
    }
}

fn letter(path: &str) -> Option<String> {
    let first = components(path).next()?.chars().next()?;
    Some(format!("by-{}", first.to_lowercase()))
}
