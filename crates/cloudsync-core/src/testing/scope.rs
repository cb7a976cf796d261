//! A policy of a model world: which names a side does not want, and what the two sides have in common
//! under it.

use std::collections::BTreeMap;

use crate::object::Kind;
use crate::policy::Policy;
use crate::side::{BySide, Side};
use crate::testing::storage::{Item, Storage};

/// What takes part where. Nothing is translated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Scope {
    /// A name that a side does not want, whatever has it.
    pub unwanted: BySide<Option<String>>,
    /// Neither side wants what has a name that begins with a dot, as ours do.
    pub hides: bool,
    /// A path that a side does not want, whatever stands there; with `/*` at its end, what is in a folder there.
    pub paths: BySide<Option<String>>,
}

impl Scope {
    /// Leaves a name out on one side.
    pub fn without(side: Side, name: &str) -> Self {
        let mut scope = Self::default();
        scope.unwanted[side] = Some(name.to_owned());
        scope
    }

    /// Returns whether nothing is left out.
    pub(super) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether an object takes part on a side, with all folders that it lies in.
    fn has(&self, side: Side, path: &str) -> bool {
        path.split('/').all(|name| self.wants_name(side, name)) && !self.is_at_path(side, path)
    }

    fn wants_name(&self, side: Side, name: &str) -> bool {
        let is_hidden = self.hides && name.starts_with('.');
        !is_hidden && self.unwanted[side].as_deref() != Some(name)
    }

    /// Whether an object stands at the path that is left out, or below. Names of both cases may be one.
    fn is_at_path(&self, side: Side, path: &str) -> bool {
        let Some(left_out) = self.paths[side].as_deref() else {
            return false;
        };
        let is_below = |folder: &str| {
            let below = path.as_bytes().get(folder.len()) == Some(&b'/');
            below
                && path.is_char_boundary(folder.len())
                && path[..folder.len()].eq_ignore_ascii_case(folder)
        };
        match left_out.strip_suffix("/*") {
            Some(folder) => is_below(folder),
            None => path.eq_ignore_ascii_case(left_out) || is_below(left_out),
        }
    }

    /// Returns what of a side the other one is to have too, by path.
    pub(super) fn shared<'a>(
        &self,
        sides: &'a BySide<Storage>,
        side: Side,
    ) -> BTreeMap<String, &'a Item> {
        let all = sides[side].objects().into_iter();
        all.filter(|(path, _)| Side::BOTH.iter().all(|&side| self.has(side, path)))
            .map(|(path, (_, item))| (path, item))
            .collect()
    }

    /// Returns whether something in a folder of a side is not to be on the other one, or is left alone: then
    /// the folder may be there alone, as what is left of one that the other side deleted.
    pub(super) fn keeps(&self, sides: &BySide<Storage>, side: Side, folder: &str) -> bool {
        let below = format!("{folder}/");
        let alone = |path: &String| Side::BOTH.iter().any(|&side| !self.has(side, path));
        let paths = sides[side].objects().into_keys();
        paths
            .filter(|path| path.starts_with(&below))
            .any(|path| alone(&path))
    }
}

impl Policy for Scope {
    fn wanted(&self, side: Side, path: &str, _: Kind) -> bool {
        assert!(!path.is_empty(), "nobody asks about the root");
        let name = path.rsplit('/').next();
        name.is_some_and(|name| self.wants_name(side, name)) && !self.is_at_path(side, path)
    }

    fn is_trivial(&self) -> bool {
        self.is_all()
    }

    fn has_priorities(&self) -> bool {
        false
    }

    fn id(&self) -> String {
        format!("{:?}", (&self.unwanted, self.hides, &self.paths))
    }
}
