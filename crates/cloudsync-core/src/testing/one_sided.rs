//! Worlds in which users are at work on one side alone, and do nothing that is not possible: what they make
//! of it stays as they left it, whatever is held, fails or comes late.

use std::collections::BTreeMap;

use crate::engine::io::Guard;
use crate::rules::Identity;
use crate::side::Side;
use crate::testing::act::UserAct;
use crate::testing::random::Random;
use crate::testing::swarm::Swarm;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Draws the world of a seed: two disks with ids. Deletions are held in half of these worlds.
pub(super) fn world(seed: u64) -> Swarm {
    let mut world = Swarm::new(seed);
    let mut random = Random::new(seed ^ 0x0001_51de);
    for side in Side::BOTH {
        world.setup[side].identity = Identity::Stable;
        world.setup[side].case_sensitive = true;
    }
    world.guard = random.chance(50).then_some(Guard {
        max_count: 1,
        max_share: 0.1,
        min_count: 0,
        min_emptied: usize::MAX,
    });
    world.faults.late_answer = u32::from(random.chance(50)) * 50;
    world.faults.late_look = u32::from(random.chance(50)) * 50;
    // What is deleted right after its copy was made, whose end nobody saw, comes back.
    world.faults.lost_reply = 0;
    let mut user = User {
        side: Side::BOTH[random.below(2)],
        tree: BTreeMap::new(),
        acts: Vec::new(),
    };
    for _ in 0..4 + random.below(8) {
        user.make(&mut random);
    }
    user.acts.push(UserAct::Work(u8::MAX));
    for _ in 0..2 + random.below(30) {
        match random.below(10) {
            0..2 => user.make(&mut random),
            2..6 => user.rename(&mut random),
            6 => user.touch(&mut random),
            7 => user.delete(&mut random),
            _ => {
                let steps = u8::try_from(random.below(30)).unwrap_or(0);
                user.acts.push(UserAct::Work(steps));
            }
        }
    }
    world.one_sided = Some(user.side);
    world.acts = user.acts;
    world
}

struct User {
    side: Side,
    /// Whether what stands at a path is a folder.
    tree: BTreeMap<String, bool>,
    acts: Vec<UserAct>,
}

impl User {
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

    fn make(&mut self, random: &mut Random) {
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

    fn rename(&mut self, random: &mut Random) {
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

    fn touch(&mut self, random: &mut Random) {
        if let Some(path) = self.any(random) {
            let what = u8::try_from(random.below(256)).unwrap_or(0);
            self.acts.push(UserAct::Touch(self.side, path, what));
        }
    }

    fn delete(&mut self, random: &mut Random) {
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
