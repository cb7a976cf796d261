//! Users who do what is possible, as far as they know.

use std::collections::BTreeMap;

use crate::side::Side;
use crate::testing::act::UserAct;
use crate::testing::random::Random;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A user, and what the tree is like that they have if nobody else does anything to it.
pub(super) struct User {
    pub(super) side: Side,
    /// Whether what stands at a path is a folder.
    tree: BTreeMap<String, bool>,
    /// What they did.
    pub(super) acts: Vec<UserAct>,
}

impl User {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            tree: BTreeMap::new(),
            acts: Vec::new(),
        }
    }

    /// Another user, with the same tree.
    pub(super) fn beside(&self, side: Side) -> Self {
        Self {
            side,
            tree: self.tree.clone(),
            acts: Vec::new(),
        }
    }

    /// Draws a path in a folder that is there, or in the root.
    fn place(&self, random: &mut Random) -> String {
        let folders: Vec<&String> = self
            .tree
            .iter()
            .filter_map(|(path, is_folder)| is_folder.then_some(path))
            .collect();
        let name = NAMES[random.below(NAMES.len())];
        match random.below(folders.len() + 1) {
            0 => name.to_owned(),
            at => format!("{}/{name}", folders[at - 1]),
        }
    }

    fn any(&self, random: &mut Random) -> Option<String> {
        let at = random.below(self.tree.len().max(1));
        self.tree.keys().nth(at).cloned()
    }

    pub(super) fn make(&mut self, random: &mut Random) {
        let path = self.place(random);
        match self.tree.get(&path) {
            None if random.chance(50) => {
                self.acts.push(UserAct::Mkdir(self.side, path.clone()));
                self.tree.insert(path, true);
            }
            None | Some(false) => {
                self.acts.push(UserAct::Write(self.side, path.clone()));
                self.tree.insert(path, false);
            }
            Some(true) => {}
        }
    }

    pub(super) fn rename(&mut self, random: &mut Random) {
        let (Some(from), to) = (self.any(random), self.place(random)) else {
            return;
        };
        let below = format!("{from}/");
        if to == from || to.starts_with(&below) {
            return;
        }
        if self.tree.contains_key(&to) {
            if from.starts_with(&format!("{to}/")) || random.chance(50) {
                return;
            }
            self.remove(&to);
        }
        for path in std::mem::take(&mut self.tree) {
            let moved = match path.0.strip_prefix(&below) {
                _ if path.0 == from => to.clone(),
                Some(rest) => format!("{to}/{rest}"),
                None => path.0,
            };
            self.tree.insert(moved, path.1);
        }
        self.acts.push(UserAct::Rename(self.side, from, to));
    }

    pub(super) fn touch(&mut self, random: &mut Random) {
        if let Some(path) = self.any(random) {
            let what = u8::try_from(random.below(256)).unwrap_or(0);
            self.acts.push(UserAct::Touch(self.side, path, what));
        }
    }

    pub(super) fn delete(&mut self, random: &mut Random) {
        if let Some(path) = self.any(random) {
            self.remove(&path);
        }
    }

    fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.tree
            .retain(|at, _| at != path && !at.starts_with(&below));
        self.acts.push(UserAct::Delete(self.side, path.to_owned()));
    }
}
