//! Users on both sides: what they do is drawn from small pools on purpose, clashes are the point.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudsync::Side;
use cloudsync::provider::Result;
use cloudsync::provider::mock::User;
use tokio::time::sleep;

use super::sim::{Sim, Tree, is_within};

/// Who acts in a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Actors {
    /// The user of this side alone: both sides end as that one is.
    One(Side),
    /// Both.
    Both,
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "A"];

/// Objects on a side below which users rather make some.
const FEW: usize = 3;
/// Objects on a side from which on they rather delete.
const MANY: usize = 14;

/// Users who act.
pub(super) struct Users<'a> {
    sim: &'a Sim,
    actors: Actors,
    /// Number of the next content.
    tokens: u32,
}

impl<'a> Users<'a> {
    pub(super) fn new(sim: &'a Sim, actors: Actors, tokens: u32) -> Self {
        Self {
            sim,
            actors,
            tokens,
        }
    }

    /// Returns the number of the next content.
    pub(super) fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Does one thing.
    pub(super) async fn act(&mut self) {
        let side = match self.actors {
            Actors::One(side) => side,
            Actors::Both => Side::BOTH[self.draw(2)],
        };
        let tree = self.sim.tree(side);
        if self.sim.setup.crossed && tree.len() >= FEW && self.draw(8) > 0 {
            return self.cross(side, &tree);
        }
        let act = match tree.len() {
            0..FEW => [0, 23, 8, 0][self.draw(4)],
            FEW..MANY => self.draw(24),
            _ => 4 + self.draw(2),
        };
        match act {
            0..2 => {
                let (path, token) = (self.path(), self.token());
                self.write(side, &path, &token);
            }
            2 | 3 => {
                if let Some(path) = self.file(&tree) {
                    let token = self.token();
                    self.write(side, &path, &token);
                }
            }
            4 | 5 => {
                if let Some(path) = self.any(&tree) {
                    self.delete(side, &path);
                }
            }
            6 | 7 => {
                if let Some(from) = self.any(&tree) {
                    let to = self.path();
                    self.rename(side, &from, &to);
                }
            }
            8 => {
                let path = self.path();
                self.done(side, "mkdir", &[&path], |user| user.mkdir(&path));
            }
            9 | 10 => self.move_into_folder(side, &tree),
            11 => {
                if let Some(path) = self.file(&tree) {
                    self.done(side, "touch", &[&path], |user| user.touch(&path));
                }
            }
            12..15 => self.save(side, &tree).await,
            15 | 16 => self.swap(side, &tree).await,
            17 => self.replace(side, &tree),
            18 => self.rename_case(side, &tree),
            19 => self.remake_folder(side, &tree),
            20 => self.set_attributes(side, &tree),
            21 => {
                let path = self.path();
                self.write(side, &path, "");
            }
            22 => self.copy_or_write_both(side, &tree),
            _ => self.fill_folder(side, &tree),
        }
    }

    /// Draws from the tape of acts.
    fn draw(&self, limit: usize) -> usize {
        self.sim.lock().tapes.acts.below(limit)
    }

    async fn pause(&self) {
        let times = [0, 0, 5, 200, 3_000];
        let time = times[self.sim.draw_schedule(times.len())];
        if time > 0 {
            sleep(Duration::from_millis(time)).await;
        }
    }

    /// A content that is new in the run, of the same length as most others.
    fn token(&mut self) -> String {
        self.tokens += 1;
        let token = format!("token {:04}", self.tokens);
        match self.draw(4) {
            3 => format!("{token} and more"),
            _ => token,
        }
    }

    fn name(&self) -> &'static str {
        let count = NAMES.len() - usize::from(!self.sim.setup.cases);
        NAMES[self.draw(count)]
    }

    fn path(&self) -> String {
        let depth = [1, 1, 2, 3][self.draw(4)];
        let names: Vec<&str> = (0..depth).map(|_| self.name()).collect();
        names.join("/")
    }

    fn choose(&self, tree: &Tree, fits: impl Fn(&Option<String>) -> bool) -> Option<String> {
        let fitting: Vec<&String> = tree
            .iter()
            .filter(|(_, content)| fits(content))
            .map(|(path, _)| path)
            .collect();
        if fitting.is_empty() {
            return None;
        }
        Some(fitting[self.draw(fitting.len())].clone())
    }

    fn any(&self, tree: &Tree) -> Option<String> {
        self.choose(tree, |_| true)
    }

    fn file(&self, tree: &Tree) -> Option<String> {
        self.choose(tree, Option::is_some)
    }

    fn folder(&self, tree: &Tree) -> Option<String> {
        self.choose(tree, Option::is_none)
    }

    /// Does something to what is at these paths, and notes what is dead and what is alive by it. Returns
    /// whether it could be done.
    fn done(
        &self,
        side: Side,
        what: &str,
        paths: &[&str],
        act: impl FnOnce(&User) -> Result<()>,
    ) -> bool {
        let was = self.sim.tree(side);
        let user = self.sim.services[side].user_at(super::facade::root(side));
        let is_done = act(&user).is_ok();
        let is = self.sim.tree(side);
        let (before, after) = (contents(&was), contents(&is));
        let what = format!("{what} {}", paths.join(" "));
        if what.contains("conflicted") {
            self.sim.count("user edits a conflict copy");
        }
        if what.contains(".cloudsync-parked") {
            self.sim.count("user meets a parked object");
        }
        self.sim.note(format_args!(
            "USER {side} {what}{}",
            if is_done { "" } else { ": cannot" }
        ));
        let mut state = self.sim.lock();
        let named = paths.iter().map(|&path| path.to_owned());
        state.touched.extend(named);
        for (tree, other) in [(&was, &is), (&is, &was)] {
            let changed = tree
                .iter()
                .filter(|(path, item)| other.get(*path) != Some(*item));
            state.touched.extend(changed.map(|(path, _)| path.clone()));
        }
        // What stood twice, as what is on its way does for a while, is dead with the first of the two:
        // the user saw it there, and the other one may be where it was before.
        state
            .alive
            .retain(|token| after.get(token) >= before.get(token));
        let new = after.keys().filter(|token| !before.contains_key(*token));
        state.alive.extend(new.map(|&token| token.clone()));
        is_done
    }

    fn write(&self, side: Side, path: &str, content: &str) {
        let what = format!("write {content:?} to");
        self.done(side, &what, &[path], |user| {
            user.write(path, content.to_owned())
        });
    }

    fn delete(&self, side: Side, path: &str) {
        self.done(side, "delete", &[path], |user| user.delete(path));
    }

    fn rename(&self, side: Side, from: &str, to: &str) -> bool {
        self.done(side, "rename", &[from, to], |user| user.rename(from, to))
    }

    /// Moves something to a place that the other user may want as well: into any folder, over what stands there.
    fn cross(&self, side: Side, tree: &Tree) {
        let Some(from) = self.any(tree) else { return };
        let name = self.name();
        let to = match self.folder(tree) {
            Some(folder) if self.draw(4) > 0 => format!("{folder}/{name}"),
            _ => name.to_owned(),
        };
        if is_within(&to, &from) || is_within(&from, &to) {
            return;
        }
        if tree.contains_key(&to) && self.draw(2) > 0 {
            self.delete(side, &to);
        }
        if self.rename(side, &from, &to) {
            self.sim.count("user crosses");
        }
    }

    fn move_into_folder(&self, side: Side, tree: &Tree) {
        let (Some(from), Some(folder)) = (self.any(tree), self.folder(tree)) else {
            return;
        };
        let name = from.rsplit('/').next().unwrap_or(&from);
        self.rename(side, &from, &format!("{folder}/{name}"));
    }

    /// Saves a file as editors do.
    async fn save(&mut self, side: Side, tree: &Tree) {
        let Some(path) = self.file(tree) else { return };
        let (token, way) = (self.token(), self.draw(4));
        self.sim.count("user saves by another file");
        let beside = format!("{path}~");
        match way {
            0 => {
                self.write(side, &beside, &token);
                self.pause().await;
                self.done(side, "replace", &[&beside, &path], |user| {
                    user.replace(&beside, &path)
                });
            }
            1 => {
                self.rename(side, &path, &beside);
                self.pause().await;
                self.write(side, &path, &token);
                self.pause().await;
                self.delete(side, &beside);
            }
            2 => {
                self.delete(side, &path);
                self.pause().await;
                self.write(side, &path, &token);
            }
            _ => {
                self.write(side, &path, "");
                self.pause().await;
                self.write(side, &path, &token);
            }
        }
    }

    /// Lets two objects change places, or three.
    async fn swap(&self, side: Side, tree: &Tree) {
        let (Some(first), Some(second)) = (self.any(tree), self.any(tree)) else {
            return;
        };
        if is_within(&first, &second) || is_within(&second, &first) {
            return;
        }
        let away = format!("{first}.swap");
        if self.rename(side, &first, &away) {
            self.pause().await;
            self.rename(side, &second, &first);
            self.pause().await;
            self.rename(side, &away, &second);
            self.sim.count("user swaps");
        }
    }

    fn replace(&self, side: Side, tree: &Tree) {
        let (Some(from), Some(to)) = (self.file(tree), self.file(tree)) else {
            return;
        };
        self.done(side, "replace", &[&from, &to], |user| {
            user.replace(&from, &to)
        });
    }

    fn rename_case(&self, side: Side, tree: &Tree) {
        if !self.sim.setup.cases {
            return;
        }
        let Some(path) = self.any(tree) else { return };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let lower = name.to_lowercase();
        let name = if lower == name {
            name.to_uppercase()
        } else {
            lower
        };
        let to = format!("{folder}/{name}");
        self.rename(side, &path, to.trim_start_matches('/'));
    }

    /// Deletes a folder, and makes one of its name with something in it.
    fn remake_folder(&mut self, side: Side, tree: &Tree) {
        let Some(folder) = self.folder(tree) else {
            return;
        };
        self.delete(side, &folder);
        let (name, token) = (self.name(), self.token());
        self.write(side, &format!("{folder}/{name}"), &token);
    }

    fn set_attributes(&self, side: Side, tree: &Tree) {
        let Some(path) = self.file(tree) else { return };
        let mode = [0o644, 0o600, 0o755][self.draw(3)];
        let attributes = cloudsync::Attributes {
            mode: Some(mode),
            mtime: None,
        };
        let what = format!("chmod {mode:o}");
        self.done(side, &what, &[&path], |user| {
            user.set_attributes(&path, attributes)
        });
    }

    /// Copies a file, where contents may stand twice; else writes the same on both sides.
    fn copy_or_write_both(&mut self, side: Side, tree: &Tree) {
        if self.actors == Actors::Both {
            let (path, token) = (self.path(), self.token());
            for side in Side::BOTH {
                self.write(side, &path, &token);
            }
        } else if let Some(from) = self.file(tree) {
            let to = self.path();
            let content = tree.get(&from).cloned().flatten().unwrap_or_default();
            self.write(side, &to, &content);
        }
    }

    fn fill_folder(&mut self, side: Side, tree: &Tree) {
        let folder = self.folder(tree).unwrap_or_else(|| self.path());
        for name in ["x", "y"] {
            let token = self.token();
            self.write(side, &format!("{folder}/{name}"), &token);
        }
    }
}

/// Counts how often each content stands in a tree.
fn contents(tree: &Tree) -> BTreeMap<&String, usize> {
    let mut counts = BTreeMap::new();
    for content in tree
        .values()
        .flatten()
        .filter(|content| !content.is_empty())
    {
        *counts.entry(content).or_default() += 1;
    }
    counts
}
