//! An engine that is driven by hand: two trees, and looks that are answered when a test says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{
    Act, Config, ConflictPolicy, Control, Effect, Input, Limits, OperationId, Output, Query,
    Question, SideState, Source,
};
use cloudsync_core::event::Event;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::listing::{Found, Listing, SkipReason, Skipped};
use cloudsync_core::notice::Notice;
use cloudsync_core::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag,
};
use cloudsync_core::policy::DefaultPolicy;
use cloudsync_core::record::{BatchId, EntryId, Record, Snapshot};
use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;

/// Two sides, and an engine that hears of them only what a test lets it hear.
pub(crate) struct Hand {
    config: Config,
    pub(crate) engine: Engine,
    pub(crate) trees: BySide<BTreeMap<String, Observed>>,
    /// What is met and left alone, by path.
    pub(crate) left_alone: BySide<BTreeMap<String, SkipReason>>,
    now: Time,
    /// Sides on which ids can be looked up.
    by_id: BySide<bool>,
    /// Looks that are answered later.
    pub(crate) holds: fn(&Query) -> bool,
    pub(crate) held: Vec<Query>,
    /// If true, no folder but the root can be listed.
    pub(crate) is_partial: bool,
    /// If true, operations go on and on.
    pub(crate) is_slow: bool,
    slow: Vec<(OperationId, Side, Act)>,
    /// How many files were hashed.
    pub(crate) hashed: usize,
    /// What is recorded, and how often something was.
    pub(crate) records: BTreeMap<EntryId, Record>,
    values: BTreeMap<String, Vec<u8>>,
    pub(crate) batches: usize,
    /// If true, it takes until a test says so.
    pub(crate) records_late: bool,
    recording: Vec<BatchId>,
    /// What was told.
    pub(crate) notices: Vec<Notice>,
    /// What the application was asked.
    pub(crate) questions: Vec<Question>,
    /// Operations that fail, and how.
    pub(crate) fails: fn(&Act) -> Option<ErrorKind>,
    /// If true, it is known of those that they did nothing.
    pub(crate) did_nothing: bool,
    /// Paths of the remote side that no look can be had at for now.
    pub(crate) unseen: fn(&str) -> bool,
    /// A rename on the remote side that is done and not told.
    pub(crate) done: Option<(OperationId, Effect)>,
    pub(crate) acts: Vec<(Side, Act)>,
}

pub(crate) fn object(id: u8, kind: Kind) -> Observed {
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

/// The number of what an application makes of two versions.
pub(crate) const MERGED: u8 = 77;

/// The hash of a file: files with one tag have one content.
pub(crate) fn hash_of(file: &Observed) -> ContentHash {
    ContentHash {
        kind: HashKind::Blake3,
        digest: [file.tag.as_bytes()[0]; 32],
    }
}

pub(crate) fn rules() -> Rules {
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
    pub(crate) fn new() -> Self {
        Self::with(BySide::from_fn(|_| rules()))
    }

    pub(crate) fn with(rules: BySide<Rules>) -> Self {
        Self::deciding(rules, ConflictPolicy::KeepBoth)
    }

    /// The same, with what is done about conflicts.
    pub(crate) fn deciding(rules: BySide<Rules>, on_conflict: ConflictPolicy) -> Self {
        Self::made(|config| {
            config.rules = rules;
            config.on_conflict = on_conflict;
        })
    }

    /// The same, with how much goes on at once.
    pub(crate) fn limited(limits: Limits) -> Self {
        Self::made(|config| config.limits = limits)
    }

    /// The same, with how long a change rests.
    pub(crate) fn aging(aging: Duration) -> Self {
        Self::made(|config| config.aging = aging)
    }

    /// The same, with anything else than usual.
    pub(crate) fn made(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            rules: BySide::from_fn(|_| rules()),
            policy: Arc::new(DefaultPolicy),
            aging: Duration::ZERO,
            on_conflict: ConflictPolicy::KeepBoth,
            guard: None,
            limits: Limits::default(),
            backoff: (Duration::from_millis(10), Duration::from_secs(1)),
            walk_every: BySide::new(None, None),
            dry_run: false,
        };
        configure(&mut config);
        let by_id = config.rules.as_ref().map(|rules| rules.id_lookup);
        let engine = Engine::new(config.clone());
        let tree = BTreeMap::from([
            ("a".to_owned(), object(2, Kind::Folder)),
            ("a/b".to_owned(), object(3, Kind::File)),
        ]);
        let mut hand = Self {
            config,
            engine,
            trees: BySide::new(tree.clone(), tree),
            left_alone: BySide::default(),
            now: Time::ZERO,
            by_id,
            holds: |_| false,
            held: Vec::new(),
            is_partial: false,
            is_slow: false,
            slow: Vec::new(),
            hashed: 0,
            records: BTreeMap::new(),
            values: BTreeMap::new(),
            batches: 0,
            records_late: false,
            recording: Vec::new(),
            notices: Vec::new(),
            questions: Vec::new(),
            fails: |_| None,
            did_nothing: false,
            unseen: |_| false,
            done: None,
            acts: Vec::new(),
        };
        hand.up(Side::Local);
        hand.up(Side::Remote);
        hand.work();
        assert!(hand.acts.is_empty(), "they are equal: {:?}", hand.acts);
        hand
    }

    /// The engine is killed, and another one started from what was recorded.
    pub(crate) fn restart(&mut self) {
        let entries = self.records.clone().into_iter().collect();
        let values = self.values.clone().into_iter().collect();
        let engine = Engine::new(self.config.clone());
        self.engine = engine.restored(Snapshot { entries, values });
        for side in Side::BOTH {
            self.up(side);
        }
        self.work_at(self.now);
    }

    /// A side is there, or there again.
    pub(crate) fn up(&mut self, side: Side) {
        let state = SideState::Ready {
            root: Oid::new([1]),
            identity: format!("{side} root"),
        };
        self.tell(Input::SideState { side, state });
    }

    /// Has a side walked.
    pub(crate) fn walk(&mut self, side: Side) {
        let path = String::new();
        self.tell(Input::Control(Control::Walk { side, path }));
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.engine.handle(self.now, input);
    }

    pub(crate) fn changed(&mut self, side: Side, path: &str) {
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

    /// Answers whatever is asked, but for what is held, until nothing is left to be done at any time.
    pub(crate) fn work(&mut self) {
        self.work_from(Time::ZERO);
    }

    /// The same, from now on.
    pub(crate) fn work_on(&mut self) {
        self.work_from(self.now);
    }

    /// Renames on the remote side are told, and all goes on.
    pub(crate) fn work_on_as_told(&mut self) {
        self.work_on();
        while let Some((id, effect)) = self.done.take() {
            self.tell(Input::Done(vec![(id, Ok(effect))]));
            self.work_on();
        }
    }

    /// What went on and on is done, or fails.
    pub(crate) fn end_slow(&mut self) {
        self.is_slow = false;
        for (id, side, act) in std::mem::take(&mut self.slow) {
            let outcome = match self.failure(&act) {
                Some(failure) => Err(failure),
                None => Ok(self.perform(side, &act)),
            };
            self.tell(Input::Done(vec![(id, outcome)]));
        }
    }

    /// What was to be recorded is.
    pub(crate) fn recorded(&mut self) {
        for batch in std::mem::take(&mut self.recording) {
            let outcome = Ok(());
            self.tell(Input::Persisted { batch, outcome });
        }
    }

    /// The same, from a time on.
    pub(crate) fn work_from(&mut self, mut now: Time) {
        loop {
            self.work_at(now);
            match self.engine.next_wake() {
                Some(at) if at > now => now = at,
                _ => return,
            }
        }
    }

    /// Answers whatever is asked now, but for what is held.
    pub(crate) fn work_at(&mut self, now: Time) {
        self.now = now;
        let mut outputs = 0;
        while let Some(output) = self.engine.poll(now) {
            outputs += 1;
            assert!(outputs < 1_000, "no rest: {output:?}");
            self.answer(output);
        }
    }

    fn answer(&mut self, output: Output) {
        match output {
            Output::Persist(batch) => {
                self.batches += 1;
                self.records.extend(batch.puts);
                for id in &batch.deletes {
                    self.records.remove(id);
                }
                for (key, value) in batch.values {
                    match value {
                        Some(value) => self.values.insert(key, value),
                        None => self.values.remove(&key),
                    };
                }
                self.recording.push(batch.id);
                if !self.records_late {
                    self.recorded();
                }
            }
            Output::Query(query) if (self.holds)(&query) => self.held.push(query),
            Output::Query(query) => self.look(query),
            Output::Operation(operation) => {
                let (id, side, act) = (operation.id, operation.side, operation.act);
                self.acts.push((side, act.clone()));
                if self.is_slow {
                    return self.slow.push((id, side, act));
                }
                if let Some(failure) = self.failure(&act) {
                    return self.tell(Input::Done(vec![(id, Err(failure))]));
                }
                let effect = self.perform(side, &act);
                if matches!(act, Act::Rename { .. }) && side == Side::Remote {
                    self.done = Some((id, effect));
                } else {
                    self.tell(Input::Done(vec![(id, Ok(effect))]));
                }
            }
            Output::Question(question) => self.questions.push(question),
            Output::Notice(notice) => self.notices.push(notice),
        }
    }

    pub(crate) fn look(&mut self, query: Query) {
        match query {
            Query::Walk { id, side, from } => {
                let listings = self.listings(side, &from);
                let query = id;
                self.tell(Input::Listed { query, listings });
                let outcome = Ok(());
                self.tell(Input::Walked { query, outcome });
            }
            Query::Info { id, side, at, .. } if side == Side::Remote && (self.unseen)(&at.path) => {
                let outcome = Err(Failure::new(ErrorKind::Unavailable, "info"));
                self.tell(Input::Found { query: id, outcome });
            }
            Query::Info { id, side, at, .. } => {
                let tree = &self.trees[side];
                let path = match &at.oid {
                    Some(oid) if self.by_id[side] => {
                        let has_id = |(_, seen): &(&String, &Observed)| seen.oid == *oid;
                        tree.iter().find(has_id).map(|(path, _)| path.clone())
                    }
                    _ => Some(at.path),
                };
                let found = path.and_then(|path| {
                    let above = path.rsplit_once('/').map(|(above, _)| above);
                    Some(Found {
                        observed: Some(tree.get(&path)?.clone()),
                        folder: above.map(|above| tree[above].oid.clone()),
                        name: name(&path).to_owned(),
                    })
                });
                let (query, outcome) = (id, Ok(found));
                self.tell(Input::Found { query, outcome });
            }
            Query::Hash { id, side, at, .. } => {
                self.hashed += 1;
                let hash = self.trees[side].get(&at.path).map(hash_of);
                let missing = || Failure::new(ErrorKind::NotFound, "hash");
                let (query, outcome) = (id, hash.ok_or_else(missing));
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
            let left_alone = self.left_alone[side].iter();
            listing.skipped = left_alone
                .filter(|(path, _)| inside(path))
                .map(|(path, &reason)| Skipped {
                    name: name(path).to_owned(),
                    reason,
                })
                .collect();
            if self.is_partial && !folder.path.is_empty() {
                return listing;
            }
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

    fn failure(&self, act: &Act) -> Option<Failure> {
        let kind = (self.fails)(act)?;
        Some(Failure::new(kind, "operation").with_did_nothing(self.did_nothing))
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
            Act::SetAttributes { at, attributes, .. } => {
                let object = self.trees[side].get_mut(&at.path).expect("it is there");
                object.attributes = *attributes;
                Effect::Changed(object.clone())
            }
            Act::Write { source, target, .. } => {
                let path = target.path();
                let mut observed = match source {
                    Source::Object { at, .. } => self.trees[side.other()][&at.path].clone(),
                    Source::Answer(_) => object(MERGED, Kind::File),
                };
                observed.oid = match self.trees[side].get(&path) {
                    Some(old) => old.oid.clone(),
                    None => observed.oid,
                };
                self.trees[side].insert(path, observed.clone());
                let hash = hash_of(&observed);
                Effect::Written { observed, hash }
            }
            Act::CreateFolder { target, .. } => {
                let ids = self.trees[side].values();
                let last = ids.map(|seen| seen.oid.as_bytes()[0]).max();
                let folder = object(last.map_or(2, |last| last + 1), Kind::Folder);
                self.trees[side].insert(target.path(), folder.clone());
                Effect::Changed(folder)
            }
        }
    }

    pub(crate) fn rename(&mut self, side: Side, from: &str, to: &str) {
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
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
