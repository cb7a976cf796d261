//! All small worlds, run through the engine and judged by what is said in [`super::small`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::io::Act;
use crate::rules::{Feed, Identity};
use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::pair::ModelPair;
use crate::testing::scope::Scope;
use crate::testing::setup::SideSetup;
use crate::testing::situations::Situations;
use crate::testing::small::{self, State, Tree};
use crate::testing::storage::Storage;
use crate::testing::swarm::message;

/// Which small worlds.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Nodes of the base: exactly so many.
    pub nodes: usize,
    /// Acts on each side, at most.
    pub acts: BySide<usize>,
    /// What the sides are like.
    pub setup: BySide<SideSetup>,
    /// A name that a side does not want any more when users act, and wants again at the end.
    pub unwanted: BySide<Option<&'static str>>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Worlds that were run.
    pub worlds: u64,
    /// Of these, worlds whose end the naive merge tells.
    pub foretold: u64,
    /// Steps of the driver.
    pub steps: u64,
    /// Operations performed.
    pub operations: u64,
    /// What was reached.
    pub situations: Situations,
    /// Worlds in which something does not hold.
    pub failures: Vec<Failure>,
}

/// A world in which something does not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The world.
    pub world: String,
    /// What does not hold.
    pub why: String,
    /// What happened, line by line.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.world, self.why)
    }
}

/// When users act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timing {
    /// While the engine is not there.
    Away,
    /// Both at once, while it rests.
    AtRest,
    /// The remote one while it is busy with what the local one did.
    Busy,
    /// While it is not there; and then it is killed in the midst of its work.
    Crashing,
}

const TIMINGS: [Timing; 4] = [Timing::Away, Timing::AtRest, Timing::Busy, Timing::Crashing];

/// Runs all worlds within a bound whose number modulo `parts` is `part`; stops after ten failures.
pub fn run(bound: &Bound, part: usize, parts: usize) -> Tally {
    let mut tally = Tally::default();
    let mut number = 0;
    for tree in small::trees(bound.nodes) {
        let base = small::base(&tree, bound.setup);
        let states = BySide::from_fn(|side: Side| small::states(&base, side, bound.acts[side]));
        let mut ends: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        for (at, local) in states.local.iter().enumerate() {
            for (other, remote) in states.remote.iter().enumerate() {
                number += 1;
                // A world and its mirror image fall to the same part.
                if (at + other) % parts != part {
                    continue;
                }
                let world = World {
                    base: &base,
                    tree: &tree,
                    bound,
                    states: BySide::new(local, remote),
                    timing: TIMINGS[(at + 2 * other + number) % TIMINGS.len()],
                    seed: number as u64,
                    equal_acts: at == other,
                };
                let Some(end) = world.judge(&mut tally) else {
                    if tally.failures.len() > 10 {
                        return tally;
                    }
                    continue;
                };
                if !world.has_mirror() {
                    continue;
                }
                match ends.remove(&(other, at)) {
                    Some(mirror) if !world.may_end_as(&end, &mirror) => {
                        let why = format!("{end:?}, its mirror image: {mirror:?}");
                        let failure = world.failed(why);
                        tally.failures.push(failure);
                    }
                    Some(_) => {}
                    None => {
                        ends.insert((at, other), end);
                    }
                }
            }
        }
    }
    tally
}

/// What all files of a side hold.
fn contents(side: &Storage) -> Vec<String> {
    side.contents().map(str::to_owned).collect()
}

struct World<'a> {
    base: &'a ModelPair,
    tree: &'a Tree,
    bound: &'a Bound,
    states: BySide<&'a State>,
    timing: Timing,
    seed: u64,
    equal_acts: bool,
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "base {:?}, acts {:?} and {:?}, {:?}, seed {}, sides {:?}, unwanted {:?}",
            self.tree,
            self.states.local.acts,
            self.states.remote.acts,
            self.timing,
            self.seed,
            self.bound.setup,
            self.bound.unwanted
        )
    }
}

impl World<'_> {
    /// Runs the world. Returns what all files hold at the end, or `None` if something does not hold.
    fn judge(&self, tally: &mut Tally) -> Option<Vec<String>> {
        tally.worlds += 1;
        let by_id =
            BySide::from_fn(|side: Side| self.bound.setup[side].identity == Identity::Stable);
        let now: BySide<Storage> = self.states.map(|state| state.storage.clone());
        // What is told of after a folder began to move by parts stays where it was.
        let can_move = Side::BOTH
            .iter()
            .all(|&side| self.bound.setup[side].folder_move);
        let is_told_first = self.timing == Timing::Away
            && Side::BOTH
                .iter()
                .all(|&side| self.bound.setup[side].feed == Feed::Volatile);
        let foretold = small::naive_merge(&self.base.sides, &now, by_id)
            .filter(|_| self.timing != Timing::Busy && (can_move || is_told_first))
            .filter(|_| self.scope().is_all());
        tally.foretold += u64::from(foretold.is_some());
        let mut pair = self.base.fork(self.scope(), self.seed);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            self.play(&mut pair);
            self.compare(&pair, &now, foretold.as_ref());
        }));
        if let Err(panic) = ended {
            tally.failures.push(self.failed(message(&*panic)));
            return None;
        }
        tally.steps += pair.steps;
        tally.operations += pair.performed.len() as u64;
        tally.situations += &pair.situations;
        Some(contents(&pair.sides.local))
    }

    /// Runs it once more, to tell what happened.
    fn failed(&self, why: String) -> Failure {
        let mut pair = self.base.fork(self.scope(), self.seed);
        pair.trace = Some(Vec::new());
        let _ = catch_unwind(AssertUnwindSafe(|| self.play(&mut pair)));
        Failure {
            world: format!("{self:?}"),
            why,
            trace: pair.trace.unwrap_or_default(),
        }
    }

    /// What users wrote is there in the end whichever side is which, where ids tell moves, and so is what nobody
    /// deleted. What one user deleted may live on as the other one moved it, or moved or kept its folder: what is
    /// told first, or a kill, may decide about that.
    fn may_end_as(&self, end: &[String], mirror: &[String]) -> bool {
        let deleted = self.deleted_by_one();
        let count =
            |all: &[String], content: &String| all.iter().filter(|&at| at == content).count();
        let mut all = end.iter().chain(mirror);
        all.all(|content| {
            count(end, content).abs_diff(count(mirror, content)) <= count(&deleted, content)
        })
    }

    /// What was in the files of the base that one user deleted, and the other one did not.
    fn deleted_by_one(&self) -> Vec<String> {
        let base = &self.base.sides;
        let gone = BySide::from_fn(|side: Side| {
            let now = &self.states[side].storage;
            let all = base[side].objects().into_iter();
            let gone = all.filter(|(_, (id, _))| now.find_item(*id).is_none());
            gone.map(|(path, _)| path).collect::<BTreeSet<_>>()
        });
        let by_one = gone.local.symmetric_difference(&gone.remote);
        let tree = base.local.tree();
        by_one.filter_map(|path| tree[path].clone()).collect()
    }

    /// Returns whether the end of its mirror image is to be compared with its own.
    fn has_mirror(&self) -> bool {
        let setup = &self.bound.setup;
        self.timing != Timing::Busy
            && self.scope().is_all()
            && setup.local == setup.remote
            && setup.local.identity == Identity::Stable
    }

    fn scope(&self) -> Scope {
        let unwanted = self.bound.unwanted.map(|name| name.map(str::to_owned));
        Scope {
            unwanted,
            ..Scope::default()
        }
    }

    fn act(&self, pair: &mut ModelPair, side: Side) {
        for act in &self.states[side].acts {
            pair.act(act);
        }
    }

    fn play(&self, pair: &mut ModelPair) {
        if matches!(self.timing, Timing::AtRest | Timing::Busy) {
            pair.run();
        }
        self.act(pair, Side::Local);
        if self.timing == Timing::Busy {
            for _ in 0..self.seed % 7 {
                pair.step();
            }
        }
        self.act(pair, Side::Remote);
        if self.timing == Timing::Crashing {
            pair.connect();
            for _ in 0..self.seed % 13 {
                pair.step();
            }
            pair.crash();
        }
        pair.run();
        pair.check_rest();
        if !self.scope().is_all() {
            pair.act(&UserAct::Choose(Scope::default()));
            pair.run();
            pair.check_rest();
        }
    }

    fn compare(&self, pair: &ModelPair, now: &BySide<Storage>, foretold: Option<&Tree>) {
        let end = pair.sides.local.tree();
        if let Some(foretold) = foretold {
            assert_eq!(&end, foretold, "the end, and what was foretold");
        }
        if self.timing == Timing::Busy || !self.scope().is_all() {
            return;
        }
        // A crash in the midst of a move by parts leaves a folder that may be anybody's.
        let is_sure = self.timing != Timing::Crashing
            || Side::BOTH
                .iter()
                .all(|&side| self.bound.setup[side].folder_move);
        for side in Side::BOTH {
            if is_sure && self.states[side.other()].acts.is_empty() {
                let touched = pair.count(side, |_| true);
                assert_eq!(touched, 0, "the {side} side alone acted, and is left alone");
            }
        }
        // Whoever moves something brings another object to its place than whoever makes one there.
        let moves = |state: &State| {
            let is_move = |act: &UserAct| matches!(act, UserAct::Rename(..));
            state.acts.iter().any(is_move)
        };
        let same = now.local.tree() == now.remote.tree();
        if same && !Side::BOTH.iter().any(|&side| moves(self.states[side])) {
            let conflict = end.keys().any(|path| path.contains("conflicted"));
            assert!(!conflict, "both did the same: {end:?}");
        }
        // Both are known before anything is planned.
        let setup = &self.bound.setup;
        let alike = setup.local.identity == setup.remote.identity
            && setup.local.folder_move == setup.remote.folder_move;
        let known = self.timing == Timing::Away && alike;
        if known && self.equal_acts && self.bound.acts.local == self.bound.acts.remote {
            let changes = |act: &Act| !matches!(act, Act::SetAttributes { .. });
            let done: usize = Side::BOTH
                .iter()
                .map(|&side| pair.count(side, changes))
                .sum();
            assert_eq!(done, 0, "both did the same: {:?}", pair.performed);
        }
    }
}
