//! Looks below a folder that a rename of ours is moving: asked for by its old path, and answered when the
//! rename was done, but not told; and a hint of what is in a folder that nobody listed yet. The engine is driven
//! by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{
    Act, Config, ConflictPolicy, Control, Effect, Input, Limits, OperationId, Output, Query,
    SideState,
};
use cloudsync_core::event::Event;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::listing::{Found, Listing};
use cloudsync_core::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag,
};
use cloudsync_core::policy::DefaultPolicy;
use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;

/// Two sides, and an engine that hears of them only what a test lets it hear.
struct Hand {
    engine: Engine,
    trees: BySide<BTreeMap<String, Observed>>,
    /// A look below `a` on the remote side that is answered later.
    holds: fn(&Query) -> bool,
    held: Vec<Query>,
    /// The rename that is done and not told.
    done: Option<(OperationId, Effect)>,
    acts: Vec<(Side, Act)>,
}

fn object(id: u8, kind: Kind) -> Observed {
    Observed {
        oid: Oid::new([id]),
        kind,
        tag: Tag::new([id]),
        size: u64::from(kind == Kind::File),
        attributes: Attributes::default(),
        hash: None,
        racy: false,
    }
}

fn rules() -> Rules {
    Rules {
        identity: Identity::Stable,
        id_lookup: false,
        ids_reused: false,
        folder_move: true,
        keeps_mode: false,
        keeps_mtime: false,
        names: NameRules::default(),
        feed: Feed::Volatile,
        native_hashes: vec![],
    }
}

impl Hand {
    /// Both sides have a folder `a` with a file `b` in it, and agree on that.
    fn new() -> Self {
        let rules = rules();
        let engine = Engine::new(Config {
            rules: BySide::new(rules.clone(), rules),
            policy: Arc::new(DefaultPolicy),
            aging: Duration::ZERO,
            on_conflict: ConflictPolicy::KeepBoth,
            guard: None,
            limits: Limits::default(),
            backoff: (Duration::from_millis(10), Duration::from_secs(1)),
            walk_every: BySide::new(None, None),
            dry_run: false,
        });
        let tree = BTreeMap::from([
            ("a".to_owned(), object(2, Kind::Folder)),
            ("a/b".to_owned(), object(3, Kind::File)),
        ]);
        let mut hand = Self {
            engine,
            trees: BySide::new(tree.clone(), tree),
            holds: |_| false,
            held: Vec::new(),
            done: None,
            acts: Vec::new(),
        };
        for side in Side::BOTH {
            let state = SideState::Ready {
                root: Oid::new([1]),
                identity: format!("{side} root"),
            };
            hand.tell(Input::SideState { side, state });
        }
        hand.work();
        assert!(hand.acts.is_empty(), "they are equal: {:?}", hand.acts);
        hand
    }

    fn tell(&mut self, input: Input) {
        self.engine.handle(Time::ZERO, input);
    }

    fn changed(&mut self, side: Side, path: &str) {
        let events = vec![Event::Changed {
            oid: None,
            path: Some(path.to_owned()),
        }];
        let cursor = None;
        self.tell(Input::Events {
            side,
            events,
            cursor,
        });
    }

    /// Answers whatever is asked, but for what is held.
    fn work(&mut self) {
        let (mut now, mut outputs) = (Time::ZERO, 0);
        loop {
            while let Some(output) = self.engine.poll(now) {
                outputs += 1;
                assert!(outputs < 1_000, "no rest: {output:?}");
                self.answer(output);
            }
            match self.engine.next_wake() {
                Some(at) if at > now => now = at,
                _ => return,
            }
        }
    }

    fn answer(&mut self, output: Output) {
        match output {
            Output::Persist(batch) => {
                let (batch, outcome) = (batch.id, Ok(()));
                self.tell(Input::Persisted { batch, outcome });
            }
            Output::Query(query) if (self.holds)(&query) => self.held.push(query),
            Output::Query(query) => self.look(query),
            Output::Operation(operation) => {
                let (id, side, act) = (operation.id, operation.side, operation.act);
                self.acts.push((side, act.clone()));
                let effect = self.perform(side, &act);
                if matches!(act, Act::Rename { .. }) && side == Side::Remote {
                    self.done = Some((id, effect));
                } else {
                    self.tell(Input::Done(vec![(id, Ok(effect))]));
                }
            }
            Output::Notice(_) | Output::Question(_) => {}
        }
    }

    fn look(&mut self, query: Query) {
        match query {
            Query::Walk { id, side, from } => {
                let listings = self.listings(side, &from);
                let query = id;
                self.tell(Input::Listed { query, listings });
                let outcome = Ok(());
                self.tell(Input::Walked { query, outcome });
            }
            Query::Info { id, side, at, .. } => {
                let found = self.trees[side].get(&at.path).map(|seen| Found {
                    observed: Some(seen.clone()),
                    folder: None,
                    name: name(&at.path).to_owned(),
                });
                let (query, outcome) = (id, Ok(found));
                self.tell(Input::Found { query, outcome });
            }
            Query::Hash { id, side, at, .. } => {
                let hash = ContentHash {
                    kind: HashKind::Blake3,
                    digest: [0; 32],
                };
                let is_there = self.trees[side].contains_key(&at.path);
                let missing = || Failure::new(ErrorKind::NotFound, "hash");
                let (query, outcome) = (id, is_there.then_some(hash).ok_or_else(missing));
                self.tell(Input::Hashed { query, outcome });
            }
        }
    }

    fn listings(&self, side: Side, from: &ObjectRef) -> Vec<Listing> {
        let tree = &self.trees[side];
        let list = |folder: ObjectRef| {
            let inside = |path: &str| match path.rsplit_once('/') {
                Some((above, _)) => above == folder.path,
                None => folder.path.is_empty(),
            };
            let mut listing = Listing::new(folder.clone());
            for (path, seen) in tree.iter().filter(|(path, _)| inside(path)) {
                listing.push(name(path), seen.clone());
            }
            listing.complete()
        };
        let below = format!("{}/", from.path);
        let is_below = |path: &str| from.path.is_empty() || path.starts_with(&below);
        let folders = tree
            .iter()
            .filter(|(path, seen)| seen.kind == Kind::Folder && is_below(path))
            .map(|(path, seen)| ObjectRef::new(seen.oid.clone(), path.clone()));
        std::iter::once(from.clone())
            .chain(folders)
            .map(list)
            .collect()
    }

    fn perform(&mut self, side: Side, act: &Act) -> Effect {
        match act {
            Act::Rename { at, target, .. } => {
                self.rename(side, &at.path, &target.path());
                Effect::Changed(self.trees[side][&target.path()].clone())
            }
            Act::Delete { at, .. } => {
                self.trees[side].remove(&at.path);
                Effect::Deleted
            }
            other => panic!("nothing else is to be done: {other:?}"),
        }
    }

    fn rename(&mut self, side: Side, from: &str, to: &str) {
        let old = std::mem::take(&mut self.trees[side]);
        let moved = old
            .into_iter()
            .map(|(path, seen)| match path.strip_prefix(from) {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                    (format!("{to}{rest}"), seen)
                }
                _ => (path, seen),
            });
        self.trees[side] = moved.collect();
    }

    /// A user renames the folder on the local side; we do so on the remote one, and it is not told yet.
    fn rename_is_done(&mut self) {
        self.rename(Side::Local, "a", "c");
        self.changed(Side::Local, "a");
        self.changed(Side::Local, "c");
        self.work();
        assert!(self.done.is_some(), "it is renamed: {:?}", self.acts);
        assert!(self.trees.remote.contains_key("c/b"), "with what is in it");
    }

    /// What was held is answered as it is now, then the rename is told. All is there, under its new path.
    fn ends_well(mut self) {
        self.holds = |_| false;
        let held = std::mem::take(&mut self.held);
        assert_eq!(held.len(), 1, "{held:?}");
        for query in held {
            self.look(query);
        }
        self.work();
        let (id, effect) = self.done.take().expect("it is renamed");
        self.tell(Input::Done(vec![(id, Ok(effect))]));
        self.work();
        for side in Side::BOTH {
            let paths: Vec<&str> = self.trees[side].keys().map(String::as_str).collect();
            assert_eq!(paths, ["c", "c/b"], "{side}: {:?}", self.acts);
        }
        assert_eq!(self.acts.len(), 1, "only the rename: {:?}", self.acts);
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// It was told of, and looked at: nothing is at its old path any more.
#[test]
fn what_is_not_found_in_a_folder_that_we_are_moving_is_not_gone() {
    let mut hand = Hand::new();
    hand.holds =
        |query| matches!(query, Query::Info { side: Side::Remote, at, .. } if at.path == "a/b");
    hand.changed(Side::Remote, "a/b");
    hand.work();
    hand.rename_is_done();
    hand.ends_well();
}

/// Touched by a user, it was to be hashed.
#[test]
fn what_cannot_be_hashed_in_a_folder_that_we_are_moving_is_not_gone() {
    let mut hand = Hand::new();
    hand.holds =
        |query| matches!(query, Query::Hash { side: Side::Remote, at, .. } if at.path == "a/b");
    hand.trees.remote.get_mut("a/b").expect("a file").tag = Tag::new([9]);
    hand.changed(Side::Remote, "a/b");
    hand.work();
    hand.rename_is_done();
    hand.ends_well();
}

/// It was away for a moment, and is looked at once more before it is deleted on the other side.
#[test]
fn what_is_missed_again_in_a_folder_that_we_are_moving_is_not_deleted() {
    let mut hand = Hand::new();
    hand.holds = |query| {
        matches!(
            query,
            Query::Info {
                check_root: true,
                ..
            }
        )
    };
    let away = hand.trees.remote.remove("a/b").expect("a file");
    hand.changed(Side::Remote, "a/b");
    hand.work();
    hand.trees.remote.insert("a/b".to_owned(), away);
    hand.rename_is_done();
    hand.ends_well();
}

/// By its path, the hint is of the folder that stood there before, as far as is known then.
#[test]
fn a_hint_for_a_folder_that_took_the_place_of_another_is_looked_at_there() {
    let mut hand = Hand::new();
    let here = Side::Local;
    hand.trees[here].remove("a/b");
    hand.trees[here].insert("a".to_owned(), object(9, Kind::Folder));
    hand.holds = |query| matches!(query, Query::Walk { .. });
    hand.tell(Input::Control(Control::Walk {
        side: here,
        path: String::new(),
    }));
    hand.work();
    // While it is walked, and after the folder was listed.
    hand.changed(here, "a/x");
    let walk = hand.held.pop().expect("it is walked");
    hand.look(walk);
    let mut asks = Vec::new();
    while let Some(output) = hand.engine.poll(Time::ZERO) {
        match output {
            Output::Query(Query::Walk { from, .. }) => asks.push(from.path),
            Output::Query(Query::Info { at, .. }) => asks.push(at.path),
            _ => {}
        }
    }
    assert!(
        asks.iter().any(|path| path == "a" || path == "a/x"),
        "nobody looks at it: {asks:?}"
    );
}
