//! Cases for the planner alone, as many a second as can be: two trees that were equal, a few changes on each,
//! and what is planned until both are equal again. Nothing fails and nobody acts meanwhile, so whatever is
//! planned has to be possible, and never more than users wished for.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::io::{
    Act, Config, ConflictPolicy, Effect, Input, Limits, Operation, Output, Query, SideState, Source,
};
use crate::object::{Attributes, ContentHash, HashKind, ObjectRef, Oid, Target};
use crate::policy::DefaultPolicy;
use crate::record::{AgreedRecord, EntryId, NodeRecord, Record, Snapshot};
use crate::side::{BySide, Side};
use crate::testing::disk::{Disk, digest};
use crate::testing::random::Random;
use crate::testing::setup::SideSetup;
use crate::testing::storage::Storage;
use crate::testing::swarm::message;
use crate::time::Time;

const NAMES: [&str; 3] = ["a", "b", "c"];
/// No case needs as many outputs.
const OUTPUTS: usize = 1_000;

/// One case: what both sides had, and what users made of it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Each side as users left it.
    pub sides: BySide<Disk>,
    before: Disk,
    /// What users did.
    pub acts: BySide<Vec<Drawn>>,
}

/// What a user did, to an object by its number.
#[derive(Clone, Debug)]
pub enum Drawn {
    /// Made it. Files have a content.
    Make(u32, Option<u32>),
    /// Wrote a file.
    Write(u32, u32),
    /// Deleted it, with all that is in it.
    Delete(u32),
    /// Moved it into a folder, under a name.
    Rename(u32, u32, &'static str),
}

impl Planned {
    /// Draws the case of a seed.
    pub fn new(seed: u64) -> Self {
        Self::drawn(seed, 0..6, 0..4)
    }

    /// Draws the crowded case of a seed: more things, of which more is made.
    pub fn crowded(seed: u64) -> Self {
        Self::drawn(seed, 5..13, 1..9)
    }

    /// Draws a case with so many objects, and so many acts on each side.
    fn drawn(seed: u64, objects: Range<usize>, changes: Range<usize>) -> Self {
        let mut random = Random::new(seed ^ 0x70_1a27);
        let mut base = Disk::default();
        for token in 0..number_in(&objects, &mut random) {
            make(&mut base, &mut random, token);
        }
        let mut sides = BySide::new(base.clone(), base.clone());
        let mut acts = BySide::<Vec<Drawn>>::default();
        for side in Side::BOTH {
            for number in 0..number_in(&changes, &mut random) {
                let token = 100 + 10 * u32::from(side == Side::Remote) + number;
                acts[side].extend(act(&mut sides[side], &mut random, token));
            }
        }
        Self {
            sides,
            before: base,
            acts,
        }
    }

    /// Plans until nothing is left to do, and checks what must hold. Returns how many operations it took.
    ///
    /// # Errors
    /// What does not hold.
    pub fn run(self) -> Result<usize, String> {
        catch_unwind(AssertUnwindSafe(|| self.play())).map_err(|panic| message(&*panic))
    }

    fn play(mut self) -> usize {
        let users = self.sides.clone();
        let mut engine = self.engine();
        let hash = engine.hash_kind();
        let now = Time::default();
        for side in Side::BOTH {
            let state = SideState::Ready {
                root: Oid::new(Disk::ROOT.to_le_bytes()),
                identity: "the root".to_owned(),
            };
            engine.handle(now, Input::SideState { side, state });
        }
        let mut done = 0;
        for _ in 0..OUTPUTS {
            match engine.poll(now) {
                None => {
                    assert!(engine.status(now).at_rest, "nothing wakes it");
                    self.check(&users, done);
                    return done;
                }
                Some(Output::Notice(_) | Output::Question(_)) => {}
                Some(Output::Persist(batch)) => {
                    let (batch, outcome) = (batch.id, Ok(()));
                    engine.handle(now, Input::Persisted { batch, outcome });
                }
                Some(Output::Query(query)) => self.answer(&mut engine, now, hash, query),
                Some(Output::Operation(operation)) => {
                    done += 1;
                    let effect = self.perform(&users, hash, &operation);
                    engine.handle(now, Input::Done(vec![(operation.id, Ok(effect))]));
                }
            }
        }
        panic!("no rest after {OUTPUTS} outputs");
    }

    fn engine(&self) -> Engine {
        let rules = Storage::new(SideSetup::default(), 0).rules().clone();
        let engine = Engine::new(Config {
            rules: BySide::new(rules.clone(), rules),
            policy: Arc::new(DefaultPolicy),
            aging: Duration::ZERO,
            on_conflict: ConflictPolicy::KeepBoth,
            guard: None,
            limits: Limits::default(),
            backoff: (Duration::from_secs(1), Duration::from_secs(1)),
            walk_every: BySide::new(None, None),
            dry_run: false,
        });
        engine.restored(Snapshot {
            entries: self.records(),
            values: vec![],
        })
    }

    /// What a store has of two sides that are equal.
    fn records(&self) -> Vec<(EntryId, Record)> {
        let entry = |number: u32| EntryId(number - Disk::ROOT);
        let mut all = Vec::new();
        for (number, item) in self.before.items() {
            let node = |name| NodeRecord {
                parent: entry(item.parent),
                name,
                oid: Some(Disk::oid(number)),
                tag: item.tag(),
                size: item.size(),
                attributes: Attributes::default(),
                digest: None,
                gone: false,
                agreed_content: item.content.is_some(),
                unlisted: false,
            };
            let record = Record {
                kind: item.kind(),
                nodes: BySide::new(Some(node(Some((*item.name).to_owned()))), Some(node(None))),
                agreed: Some(AgreedRecord {
                    size: item.size(),
                    digest: item.content.map(digest),
                    sides: BySide::new(None, None),
                }),
                intent: None,
            };
            all.push((entry(number), record));
        }
        all
    }

    fn answer(&self, engine: &mut Engine, now: Time, hash: HashKind, query: Query) {
        match query {
            Query::Walk { id, side, from } => {
                let listings = self.sides[side].walk(&from);
                let listed = Input::Listed {
                    query: id,
                    listings,
                };
                engine.handle(now, listed);
                let (query, outcome) = (id, Ok(()));
                engine.handle(now, Input::Walked { query, outcome });
            }
            Query::Info { id, side, at, .. } => {
                let (query, outcome) = (id, Ok(self.sides[side].look(&at)));
                engine.handle(now, Input::Found { query, outcome });
            }
            Query::Hash { id, side, at, .. } => {
                let number = self.sides[side].find(&at).expect("a file to hash");
                let content = self.sides[side].item(number).content.expect("a file");
                let outcome = Ok(ContentHash::new(hash, &digest(content)));
                engine.handle(now, Input::Hashed { query: id, outcome });
            }
        }
    }

    /// Does what was planned.
    ///
    /// # Panics
    /// If it cannot be done, or nobody wished for it.
    fn perform(&mut self, users: &BySide<Disk>, hash: HashKind, operation: &Operation) -> Effect {
        let side = operation.side;
        let find = |disk: &Disk, at: &ObjectRef| {
            let found = disk.find(at);
            found.unwrap_or_else(|| panic!("{at:?} is not there: {operation:?}"))
        };
        let free = |disk: &Disk, target: &Target| {
            let folder = find(disk, &target.folder);
            let there = disk.child(folder, &target.name);
            assert!(there.is_none(), "something stands there: {operation:?}");
            folder
        };
        match &operation.act {
            Act::CreateFolder { target, .. } => {
                let disk = &mut self.sides[side];
                let folder = free(disk, target);
                let number = disk.insert(folder, &target.name, None);
                Effect::Changed(disk.observe(number))
            }
            Act::Delete { at, .. } => {
                let number = find(&self.sides[side], at);
                assert!(
                    self.sides[side].children(number).next().is_none(),
                    "it is not empty: {operation:?}"
                );
                // The numbers of what both had at the start are the same on both sides.
                let was_there = self.before.is_there(number);
                assert!(
                    was_there && !users[side.other()].is_there(number),
                    "nobody deleted it: {operation:?}"
                );
                self.sides[side].remove(number);
                Effect::Deleted
            }
            Act::Rename { at, target, .. } => {
                let disk = &mut self.sides[side];
                let (number, folder) = (find(disk, at), find(disk, &target.folder));
                let there = disk.child(folder, &target.name);
                assert!(
                    there.is_none_or(|there| there == number) && !disk.is_within(folder, number),
                    "it cannot be moved there: {operation:?}"
                );
                disk.move_to(number, folder, &target.name);
                Effect::Changed(disk.observe(number))
            }
            Act::SetAttributes { .. } => panic!("nobody changed any: {operation:?}"),
            Act::Write { source, target, .. } => {
                let Source::Object { at, .. } = source else {
                    panic!("nobody merged: {operation:?}");
                };
                let from = &self.sides[side.other()];
                let content = from.item(find(from, at)).content;
                let content = content.unwrap_or_else(|| panic!("it is no file: {operation:?}"));
                let disk = &mut self.sides[side];
                let folder = find(disk, &target.folder);
                let number = match disk.child(folder, &target.name) {
                    Some(number) => {
                        disk.write(number, content);
                        number
                    }
                    None => disk.insert(folder, &target.name, Some(content)),
                };
                Effect::Written {
                    observed: disk.observe(number),
                    hash: ContentHash::new(hash, &digest(content)),
                }
            }
        }
    }

    /// Both are equal; what users wrote is there; and nothing was done for nothing.
    fn check(&self, users: &BySide<Disk>, done: usize) {
        let BySide { local, remote } = &self.sides;
        let trees = || self.sides.as_ref().map(Disk::tree);
        assert!(
            local.is_equal(remote),
            "both sides are equal: {:?}",
            trees()
        );
        let is_there = |token: u32| local.items().any(|(_, item)| item.content == Some(token));
        for side in Side::BOTH {
            for (number, item) in users[side].items() {
                let Some(token) = item.content else { continue };
                let known = self.before.is_there(number);
                let same = known && self.before.item(number).content == Some(token);
                let other = &users[side.other()];
                let replaced =
                    same && (!other.is_there(number) || other.item(number).content != Some(token));
                assert!(replaced || is_there(token), "token {token} is there");
            }
        }
        let mut names = local.items().map(|(_, item)| &item.name);
        let ours = names.find(|name| name.contains(".cloudsync"));
        assert_eq!(ours, None, "a name of ours is left");
        if self.acts.local.is_empty() && self.acts.remote.is_empty() {
            assert_eq!(done, 0, "nobody did anything");
        }
        for side in Side::BOTH {
            if self.acts[side.other()].is_empty() {
                let as_left = self.sides[side].is_equal(&users[side]);
                assert!(as_left, "the {side} side alone acted: {:?}", trees());
            }
        }
    }
}

fn number_in(range: &Range<usize>, random: &mut Random) -> u32 {
    let number = range.start + random.below(range.len());
    u32::try_from(number).expect("a small number")
}

/// Draws a folder: the root, or another one.
fn folder(disk: &Disk, random: &mut Random) -> u32 {
    let at = random.below(disk.len() + 1);
    let all = disk.items().nth(at);
    all.filter(|(_, item)| item.content.is_none())
        .map_or(Disk::ROOT, |(number, _)| number)
}

fn make(disk: &mut Disk, random: &mut Random, token: u32) -> Option<Drawn> {
    let (folder, name) = (folder(disk, random), NAMES[random.below(NAMES.len())]);
    let content = random.chance(50).then_some(token);
    if disk.child(folder, name).is_some() {
        return None;
    }
    Some(Drawn::Make(disk.insert(folder, name, content), content))
}

fn act(disk: &mut Disk, random: &mut Random, token: u32) -> Option<Drawn> {
    let at = random.below(disk.len().max(1));
    let Some((number, item)) = disk.items().nth(at) else {
        return make(disk, random, token);
    };
    let is_file = item.content.is_some();
    match random.below(8) {
        0 | 1 => make(disk, random, token),
        2 if is_file => {
            disk.write(number, token);
            Some(Drawn::Write(number, token))
        }
        2 | 3 => {
            disk.remove_all(number);
            Some(Drawn::Delete(number))
        }
        _ => {
            let (folder, name) = (folder(disk, random), NAMES[random.below(NAMES.len())]);
            if disk.child(folder, name).is_some() || disk.is_within(folder, number) {
                return None;
            }
            disk.move_to(number, folder, name);
            Some(Drawn::Rename(number, folder, name))
        }
    }
}
