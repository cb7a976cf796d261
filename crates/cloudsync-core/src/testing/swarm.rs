//! Random worlds by number: sides, faults and acts all follow from a seed, each kind absent in many
//! of them, so that what hides behind another kind comes to light.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::io::{ConflictPolicy, Guard};
use crate::policy::Policy;
use crate::rules::{Feed, Identity};
use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::crossed;
use crate::testing::one_sided;
use crate::testing::pair::ModelPair;
use crate::testing::random::Random;
use crate::testing::scope::Scope;
use crate::testing::setup::{Faults, SideSetup};
use crate::testing::translation::Translation;

/// One random world.
#[derive(Clone, PartialEq, Debug)]
pub struct Swarm {
    /// Where the rest comes from; also the order of answers.
    pub seed: u64,
    /// The sides.
    pub setup: BySide<SideSetup>,
    /// What goes wrong.
    pub faults: Faults,
    /// When deletions are held.
    pub guard: Option<Guard>,
    /// What is done about conflicts.
    pub on_conflict: ConflictPolicy,
    /// How paths are translated.
    pub translation: Option<Translation>,
    /// The side on which alone users are at work, if so: nothing is ever changed there by us.
    pub one_sided: Option<Side>,
    /// What happens.
    pub acts: Vec<UserAct>,
}

impl Swarm {
    /// Draws the world of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5eed);
        let setup = BySide::from_fn(|_| side(&mut random));
        // Not drawn: what else follows from a seed stays as it was.
        let own_changes = !seed.is_multiple_of(4);
        let setup = setup.map(|side| SideSetup {
            own_changes,
            ..side
        });
        let faults = faults(&mut random);
        let guard = random.chance(20).then_some(Guard {
            max_count: 3,
            max_share: 0.5,
            min_count: 1,
            min_emptied: usize::MAX,
        });
        let length = 4 + random.below(36);
        let acts = (0..length).map(|_| act(&mut random)).collect();
        Self {
            seed,
            setup,
            faults,
            guard,
            on_conflict: ConflictPolicy::KeepBoth,
            translation: None,
            one_sided: None,
            acts,
        }
    }

    /// The same world, in which one side at least cannot move folders as a whole.
    #[must_use]
    pub fn by_parts(mut self) -> Self {
        let mut random = Random::new(self.seed ^ 0xb7_9a47);
        let which = random.below(3);
        self.setup.local.folder_move = which == 0;
        self.setup.remote.folder_move = which == 1;
        self
    }

    /// The same world, in which the policy changes now and then: a side does not want a name, or wants it
    /// again.
    #[must_use]
    pub fn choosing(mut self) -> Self {
        choose(&mut Random::new(self.seed ^ 0x0005_c09e), &mut self.acts);
        self
    }

    /// The same world, in which no policy wants names that begin with a dot: objects that are parked have such.
    /// What is chosen by another twist after this one is not hidden.
    #[must_use]
    pub fn hiding(mut self) -> Self {
        self.acts.insert(0, UserAct::Choose(Scope::default()));
        for act in &mut self.acts {
            if let UserAct::Choose(scope) = act {
                scope.hides = true;
            }
        }
        self
    }

    /// The same world, in which a policy never wants what is in a folder of the root, on a side or on both. What is chosen by
    /// another twist after this one leaves out nothing by its path.
    #[must_use]
    pub fn emptying(self) -> Self {
        self.leaving_out_by_path(|random| format!("{}/*", name(random)))
    }

    /// The same, but for one object there, whatever it is.
    #[must_use]
    pub fn barring(self) -> Self {
        self.leaving_out_by_path(|random| format!("{}/{}", name(random), name(random)))
    }

    fn leaving_out_by_path(mut self, path: impl Fn(&mut Random) -> String) -> Self {
        let mut random = Random::new(self.seed ^ 0x000e_3971);
        self.acts.insert(0, UserAct::Choose(Scope::default()));
        let path = path(&mut random);
        let which = random.below(4);
        for act in &mut self.acts {
            if let UserAct::Choose(scope) = act {
                scope.paths.local = (which != 0).then(|| path.clone());
                scope.paths.remote = (which != 1).then(|| path.clone());
            }
        }
        self
    }

    /// The same world, in which operations are often done for some time before that is told: what is looked
    /// at meanwhile is as they left it. So are looks.
    #[must_use]
    pub fn late(mut self) -> Self {
        self.faults.late_answer = 50;
        self.faults.late_look = 50;
        self
    }

    /// The same world, with more kills, in which a service often carries out what we asked for only after we were killed
    /// and started again.
    #[must_use]
    pub fn outliving(mut self) -> Self {
        let mut random = Random::new(self.seed ^ 0x0007_11fe);
        self.faults.outlives = 50;
        for _ in 0..=random.below(3) {
            let at = random.below(self.acts.len() + 1);
            let steps = u8::try_from(random.below(12)).unwrap_or(0);
            let acts = [UserAct::Work(steps), UserAct::Crash];
            self.acts.splice(at..at, acts);
        }
        self
    }

    /// A world in which one user moves folders about, into each other and inside out, while they are carried
    /// over. Nothing fails.
    pub fn inside_out(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x1_50d7);
        let mut tree = vec!["a".to_owned()];
        for name in ["b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .take(2 + random.below(6))
        {
            let above = tree[random.below(tree.len())].clone();
            let below = random.chance(60).then(|| format!("{above}/{name}"));
            tree.push(below.unwrap_or_else(|| (*name).to_owned()));
        }
        let side = Side::BOTH[random.below(2)];
        let mut acts: Vec<UserAct> = tree
            .iter()
            .map(|path| UserAct::Mkdir(side, path.clone()))
            .collect();
        acts.push(UserAct::Work(u8::MAX));
        for _ in 0..2 + random.below(30) {
            let from = tree[random.below(tree.len())].clone();
            let above = tree[random.below(tree.len())].clone();
            let names = ["a", "b", "c", "d", "e", "f"];
            let old = from.rsplit('/').next().unwrap_or_default();
            let name = if random.chance(50) {
                old
            } else {
                names[random.below(names.len())]
            };
            let to = if random.chance(30) {
                name.to_owned()
            } else {
                format!("{above}/{name}")
            };
            let below = format!("{from}/");
            if to.starts_with(&below) || tree.contains(&to) {
                continue;
            }
            for path in &mut tree {
                if *path == from {
                    path.clone_from(&to);
                } else if let Some(rest) = path.strip_prefix(&below) {
                    *path = format!("{to}/{rest}");
                }
            }
            acts.push(UserAct::Rename(side, from, to));
            if random.chance(50) {
                acts.push(UserAct::Work(u8::try_from(random.below(12)).unwrap_or(0)));
            }
        }
        Self {
            seed,
            setup: BySide::default(),
            faults: Faults::default(),
            guard: None,
            on_conflict: ConflictPolicy::KeepBoth,
            translation: None,
            one_sided: None,
            acts,
        }
    }

    /// A world of two disks, of which users are at work on one only: as they left it, it stays.
    pub fn one_sided(seed: u64) -> Self {
        one_sided::world(seed)
    }

    /// A world in which both users move the same things about, each their own way.
    pub fn crossed(seed: u64) -> Self {
        crossed::world(seed)
    }

    /// The same world, with an application that is asked about conflicts.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.on_conflict = ConflictPolicy::Ask;
        self
    }

    /// The same world, with paths that are translated: most of what users do on the remote side is done
    /// where their paths belong there.
    #[must_use]
    pub fn translating(mut self) -> Self {
        let mut random = Random::new(self.seed ^ 0x7a);
        let translation = [Translation::Flat, Translation::Sorted][random.below(2)];
        self.translation = Some(translation);
        for side in Side::BOTH {
            self.setup[side].identity = Identity::Stable;
            self.setup[side].case_sensitive = true;
        }
        let mut there = |path: &mut String| {
            if random.chance(75)
                && let Some(translated) = translation.translate(Side::Remote, path)
            {
                *path = translated;
            }
        };
        for act in &mut self.acts {
            match act {
                UserAct::Write(Side::Remote, path)
                | UserAct::Mkdir(Side::Remote, path)
                | UserAct::Delete(Side::Remote, path)
                | UserAct::Touch(Side::Remote, path, _) => there(path),
                UserAct::Rename(Side::Remote, from, to) => {
                    there(from);
                    there(to);
                }
                _ => {}
            }
        }
        self
    }

    /// Runs it to rest and checks it.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn run(&self) -> ModelPair {
        let mut pair = self.start();
        self.play(&mut pair);
        pair
    }

    fn start(&self) -> ModelPair {
        let mut pair = ModelPair::with(self.setup, self.seed);
        let is_plain = self.on_conflict == ConflictPolicy::default() && self.translation.is_none();
        if self.guard.is_some() || !is_plain {
            pair.set_guard(self.guard);
            pair.set_on_conflict(self.on_conflict);
            pair.set_translation(self.translation);
            pair.crash();
        }
        pair.faults(self.faults)
    }

    fn play(&self, pair: &mut ModelPair) {
        pair.act_all(&self.acts);
        pair.check();
        if let Some(side) = self.one_sided {
            let done: Vec<_> = pair.performed.iter().filter(|at| at.side == side).collect();
            assert!(done.is_empty(), "we changed the user's side: {done:?}");
        }
    }

    /// Runs it; returns what does not hold.
    ///
    /// # Errors
    /// The message of the panic.
    pub fn try_run(&self) -> Result<ModelPair, String> {
        catch_unwind(AssertUnwindSafe(|| self.run())).map_err(|panic| message(&*panic))
    }

    /// Runs it; returns what happened, line by line, and what does not hold.
    pub fn trace(&self) -> (Vec<String>, Option<String>) {
        let mut pair = self.start();
        pair.trace = Some(Vec::new());
        let played = catch_unwind(AssertUnwindSafe(|| self.play(&mut pair)));
        let lines = pair.trace.take().unwrap_or_default();
        (lines, played.err().map(|panic| message(&*panic)))
    }

    /// Leaves out whatever it fails without.
    #[must_use]
    pub fn shrink(mut self) -> Self {
        let fails = |world: &Self| world.try_run().is_err();
        loop {
            let before = self.clone();
            let mut size = self.acts.len();
            while size > 0 {
                let mut at = 0;
                while at + size <= self.acts.len() {
                    let mut smaller = self.clone();
                    smaller.acts.drain(at..at + size);
                    if fails(&smaller) {
                        self = smaller;
                    } else {
                        at += 1;
                    }
                }
                size /= 2;
            }
            for simpler in self.simpler() {
                if fails(&simpler) {
                    self = simpler;
                }
            }
            for at in 0..self.acts.len() {
                if let UserAct::Work(steps) = self.acts[at] {
                    let fewer = (0..steps).find_map(|steps| {
                        let mut smaller = self.clone();
                        smaller.acts[at] = UserAct::Work(steps);
                        fails(&smaller).then_some(smaller)
                    });
                    self = fewer.unwrap_or(self);
                }
            }
            if self == before {
                return self;
            }
        }
    }

    /// The same world with one kind of trouble less.
    fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut faults = |change: fn(&mut Faults)| {
            let mut world = self.clone();
            change(&mut world.faults);
            all.push(world);
        };
        faults(|faults| *faults = Faults::default());
        faults(|faults| faults.fail = 0);
        faults(|faults| faults.lost_reply = 0);
        faults(|faults| faults.lost_hint = 0);
        faults(|faults| faults.late_hint = 0);
        faults(|faults| faults.doubled_hint = 0);
        faults(|faults| faults.store = 0);
        faults(|faults| faults.look = 0);
        faults(|faults| faults.walk = 0);
        faults(|faults| faults.cut = 0);
        faults(|faults| faults.expired = 0);
        faults(|faults| faults.outlives = 0);
        for side in Side::BOTH {
            let mut setup = |change: fn(&mut SideSetup)| {
                let mut world = self.clone();
                change(&mut world.setup[side]);
                all.push(world);
            };
            setup(|side| *side = SideSetup::default());
            setup(|side| side.case_sensitive = true);
            setup(|side| side.identity = Identity::Stable);
            setup(|side| side.id_lookup = false);
            setup(|side| side.feed = Feed::Volatile);
            setup(|side| side.native_hashes = false);
            setup(|side| side.clock_step = 0);
            setup(|side| side.renames_touch = false);
            setup(|side| side.slow_walks = false);
            setup(|side| side.hints_by_id = false);
            setup(|side| side.folder_move = true);
        }
        let mut world = self.clone();
        world.guard = None;
        all.push(world);
        all.retain(|world| world != self);
        all
    }
}

/// Returns what a panic says.
pub(super) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic")
        .to_owned()
}

fn side(random: &mut Random) -> SideSetup {
    if random.chance(30) {
        return SideSetup::default();
    }
    let ids = random.chance(75);
    SideSetup {
        identity: if ids {
            Identity::Stable
        } else {
            Identity::Path
        },
        case_sensitive: random.chance(75),
        id_lookup: ids && random.chance(30),
        feed: if random.chance(40) {
            Feed::Resumable
        } else {
            Feed::Volatile
        },
        native_hashes: random.chance(30),
        clock_step: [0, 0, 7, 20][random.below(4)],
        renames_touch: random.chance(30),
        slow_walks: random.chance(40),
        hints_by_id: ids && random.chance(20),
        folder_move: true,
        own_changes: true,
    }
}

fn faults(random: &mut Random) -> Faults {
    let mut upto = |most: usize| {
        let present = random.chance(50);
        let percent = random.below(most);
        u32::try_from(percent).unwrap_or(0) * u32::from(present)
    };
    Faults {
        fail: upto(20),
        lost_reply: upto(20),
        late_answer: 0,
        late_look: 0,
        lost_hint: upto(50),
        late_hint: upto(30),
        doubled_hint: upto(30),
        store: upto(20),
        look: upto(20),
        walk: upto(20),
        cut: upto(10),
        expired: upto(50),
        outlives: 0,
    }
}

fn name(random: &mut Random) -> &'static str {
    ["a", "b", "c", "d"][random.below(4)]
}

fn choose(random: &mut Random, acts: &mut Vec<UserAct>) {
    for _ in 0..=random.below(4) {
        let mut name = |percent: u32| {
            let is_left_out = random.chance(percent);
            let name = ["b", "c"][random.below(2)];
            is_left_out.then(|| name.to_owned())
        };
        let mut unwanted = BySide::new(name(70), name(20));
        if random.chance(50) {
            std::mem::swap(&mut unwanted.local, &mut unwanted.remote);
        }
        let at = random.below(acts.len() + 1);
        acts.insert(
            at,
            UserAct::Choose(Scope {
                unwanted,
                ..Scope::default()
            }),
        );
    }
    if random.chance(50) {
        acts.push(UserAct::Work(40));
        acts.push(UserAct::Choose(Scope::default()));
    }
}

fn path(random: &mut Random) -> String {
    let names = ["a", "b", "c", "A"];
    let depth = 1 + random.below(3);
    let path: Vec<&str> = (0..depth)
        .map(|_| names[random.below(names.len())])
        .collect();
    path.join("/")
}

fn act(random: &mut Random) -> UserAct {
    let side = Side::BOTH[random.below(2)];
    match random.below(27) {
        0..4 => UserAct::Write(side, path(random)),
        4..7 => UserAct::Mkdir(side, path(random)),
        7..12 => UserAct::Rename(side, path(random), path(random)),
        12..14 => UserAct::Delete(side, path(random)),
        14 => UserAct::WriteBoth(path(random)),
        15..17 => {
            let what = u8::try_from(random.below(256)).unwrap_or(0);
            UserAct::Touch(side, path(random), what)
        }
        17..22 => UserAct::Work(u8::try_from(random.below(40)).unwrap_or(0)),
        22 => UserAct::Crash,
        23 => UserAct::Down(side),
        24 => UserAct::Up(side),
        _ => {
            let from = path(random);
            let to = from.replace('A', "_").replace('a', "A").replace('_', "a");
            UserAct::Rename(side, from, to)
        }
    }
}
