//! Small worlds, all of them: every base tree up to a size, and everything that a user can do to it
//! with a few acts on each side.

use std::collections::{BTreeMap, BTreeSet};

use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::pair::ModelPair;
use crate::testing::setup::SideSetup;
use crate::testing::storage::Storage;

/// A tree by path: content, or `None` for folders.
pub type Tree = BTreeMap<String, Option<String>>;

const NAMES: [&str; 2] = ["a", "b"];
/// What files hold at the start.
const OLD: [&str; 2] = ["x", "y"];
/// What users write: something that was there before, and something new.
const NEW: [&str; 2] = ["y", "z"];

/// Returns all trees of exactly so many nodes, up to renaming the contents.
pub fn trees(nodes: usize) -> Vec<Tree> {
    let mut all = BTreeSet::from([Tree::new()]);
    for _ in 0..nodes {
        let larger = all.iter().flat_map(|tree: &Tree| {
            free_places(tree).into_iter().flat_map(move |path| {
                let kinds = [None, Some(OLD[0]), Some(OLD[1])];
                kinds.map(|kind| {
                    let mut tree = tree.clone();
                    tree.insert(path.clone(), kind.map(str::to_owned));
                    tree
                })
            })
        });
        all = larger.collect();
    }
    let first = |tree: &Tree| tree.values().flatten().next().cloned();
    all.into_iter()
        .filter(|tree| first(tree).is_none_or(|content| content == OLD[0]))
        .collect()
}

/// Places in the root and in every folder where nothing stands.
fn free_places(tree: &Tree) -> Vec<String> {
    let below = tree
        .iter()
        .filter(|(_, content)| content.is_none())
        .flat_map(|(folder, _)| NAMES.map(|name| format!("{folder}/{name}")));
    let all = NAMES.iter().map(|&name| name.to_owned()).chain(below);
    all.filter(|path| !tree.contains_key(path)).collect()
}

/// Returns a pair at rest that has this tree on both sides.
pub fn base(tree: &Tree, setup: BySide<SideSetup>) -> ModelPair {
    let mut pair = ModelPair::with(setup, 1);
    for (path, content) in tree {
        let act = match content {
            None => UserAct::Mkdir(Side::Local, path.clone()),
            Some(content) => UserAct::WriteThis(Side::Local, path.clone(), content.clone()),
        };
        pair.act(&act);
    }
    pair.check();
    pair
}

/// What a user did on one side, and what it looks like afterwards.
#[derive(Clone, Debug)]
pub struct State {
    /// The acts.
    pub acts: Vec<UserAct>,
    /// The storage afterwards.
    pub storage: Storage,
}

/// Returns everything that at most so many acts can make of a side, one way to each end.
pub fn states(base: &ModelPair, side: Side, most: usize) -> Vec<State> {
    let start = State {
        acts: vec![],
        storage: base.sides[side].clone(),
    };
    let known = identities(&start.storage);
    let mut seen = BTreeSet::from([key(&start.storage, &known)]);
    let mut all = vec![start];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for at in from..to {
            for act in acts(&all[at].storage.tree(), side) {
                let mut state = all[at].clone();
                apply(&mut state.storage, &act);
                state.acts.push(act);
                if seen.insert(key(&state.storage, &known)) {
                    all.push(state);
                }
            }
        }
        from = to;
    }
    all
}

pub(super) fn apply(storage: &mut Storage, act: &UserAct) {
    match act {
        UserAct::WriteThis(_, path, content) => storage.user_write(path, content),
        UserAct::Mkdir(_, path) => storage.user_mkdir(path),
        UserAct::Rename(_, from, to) => storage.user_rename(from, to),
        UserAct::Delete(_, path) => storage.user_delete(path),
        _ => vec![],
    };
}

/// Everything that a user can do to a tree with one act.
pub(super) fn acts(tree: &Tree, side: Side) -> Vec<UserAct> {
    let free = free_places(tree);
    let mut all = Vec::new();
    for (path, content) in tree {
        all.push(UserAct::Delete(side, path.clone()));
        for to in &free {
            all.push(UserAct::Rename(side, path.clone(), to.clone()));
        }
        if content.is_some() {
            let write = |new: &str| UserAct::WriteThis(side, path.clone(), new.to_owned());
            all.extend(NEW.map(write));
        }
    }
    for path in free {
        let write = |new: &str| UserAct::WriteThis(side, path.clone(), new.to_owned());
        all.extend(NEW.map(write));
        all.push(UserAct::Mkdir(side, path.clone()));
    }
    all
}

/// The path that each object of the base had, and its revision, by its id.
type Identities = BTreeMap<u64, (String, u64)>;

fn identities(storage: &Storage) -> Identities {
    let objects = storage.objects().into_iter();
    objects
        .map(|(path, (id, item))| (id, (path, item.revision)))
        .collect()
}

/// What of an object tells two states apart: which one of the base it is, and whether it was written.
type Trait = (String, Option<String>, bool, Option<String>);

fn key(storage: &Storage, known: &Identities) -> Vec<Trait> {
    let objects = storage.objects().into_iter();
    objects
        .map(|(path, (id, item))| {
            let old = known.get(&id);
            let same = old.is_some_and(|(_, revision)| *revision == item.revision);
            let old = old.map(|(path, _)| path.clone());
            (path, old, same, item.content.clone())
        })
        .collect()
}

/// An object of the base by the path it had, or one that a side made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Object {
    Root,
    Old(String),
    New(Side, u64),
}

/// Where it is, and what it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Fact {
    parent: Object,
    name: String,
    content: Option<String>,
}

type Facts = BTreeMap<Object, Fact>;

/// What a side says, told by ids, or by paths where there are none.
fn facts(storage: &Storage, base: &Storage, side: Side, by_id: bool) -> Facts {
    let known = identities(base);
    let old_tree = base.objects();
    let objects = storage.objects();
    let object = |path: &str| {
        let (id, item) = objects[path];
        let old = if by_id {
            known.get(&id).map(|(path, _)| path.clone())
        } else {
            let kind = |old: Option<&String>| old.is_some();
            let old = old_tree.get(path);
            old.filter(|(_, old)| kind(old.content.as_ref()) == kind(item.content.as_ref()))
                .map(|_| path.to_owned())
        };
        old.map_or(Object::New(side, id), Object::Old)
    };
    objects
        .iter()
        .map(|(path, (_, item))| {
            let parent = match path.rsplit_once('/') {
                Some((above, _)) => object(above),
                None => Object::Root,
            };
            let name = item.name.clone();
            let content = item.content.clone();
            let fact = Fact {
                parent,
                name,
                content,
            };
            (object(path), fact)
        })
        .collect()
}

/// A naive merge, told apart from the engine's: each object by itself, each facet taken from the side
/// that changed it. `None` where the two sides touch each other: an object deleted on one side and
/// changed on the other, two values for one facet, two objects for one place, a folder that is gone.
///
/// A side is told by ids, where it has them (`by_id`), or else by paths.
pub fn naive_merge(
    base: &BySide<Storage>,
    now: &BySide<Storage>,
    by_id: BySide<bool>,
) -> Option<Tree> {
    let before = facts(&base.local, &base.local, Side::Local, by_id.local);
    let sides = BySide::from_fn(|side| facts(&now[side], &base[side], side, by_id[side]));
    let mut merged = Facts::new();
    for (object, old) in &before {
        match (sides.local.get(object), sides.remote.get(object)) {
            // One side replaced it under its name, the other one may have moved it: told by content.
            (None, None) if by_id.local != by_id.remote => {
                let is_replaced = |side: Side| {
                    let at = |fact: &Fact| fact.parent == old.parent && fact.name == old.name;
                    sides[side].values().any(at)
                };
                if Side::BOTH.into_iter().any(is_replaced) {
                    return None;
                }
            }
            // Both may have moved it: told by content.
            (None, None) if !by_id.local && !by_id.remote => {
                let is_new = |(object, fact): (&Object, &Fact)| {
                    matches!(object, Object::New(..)) && fact.content == old.content
                };
                let is_elsewhere = |side: Side| sides[side].iter().any(is_new);
                if old.content.is_some() && Side::BOTH.into_iter().all(is_elsewhere) {
                    return None;
                }
            }
            (None, None) => {}
            (None, Some(fact)) | (Some(fact), None) => {
                if fact != old {
                    return None;
                }
            }
            (Some(local), Some(remote)) => {
                let place = |fact: &Fact| (fact.parent.clone(), fact.name.clone());
                let (parent, name) = facet(&place(old), place(local), place(remote))?;
                let contents = (&local.content, &remote.content);
                let content = facet(&&old.content, contents.0, contents.1)?.clone();
                let fact = Fact {
                    parent,
                    name,
                    content,
                };
                merged.insert(object.clone(), fact);
            }
        }
    }
    for side in Side::BOTH {
        for (object, fact) in &sides[side] {
            if matches!(object, Object::New(..)) {
                merged.insert(object.clone(), fact.clone());
            }
        }
    }
    tree_of(&merged)
}

fn facet<T: PartialEq>(old: &T, local: T, remote: T) -> Option<T> {
    if local == *old || local == remote {
        Some(remote)
    } else if remote == *old {
        Some(local)
    } else {
        None
    }
}

/// `None` if it is no tree: a parent that is gone or a file, a circle, two objects at one place.
fn tree_of(facts: &Facts) -> Option<Tree> {
    let mut tree = Tree::new();
    for fact in facts.values() {
        let mut path = fact.name.clone();
        let mut at = &fact.parent;
        for _ in 0..=facts.len() {
            if *at == Object::Root {
                break;
            }
            let parent = facts.get(at).filter(|parent| parent.content.is_none())?;
            path = format!("{}/{path}", parent.name);
            at = &parent.parent;
        }
        if *at != Object::Root || tree.insert(path, fact.content.clone()).is_some() {
            return None;
        }
    }
    Some(tree)
}
