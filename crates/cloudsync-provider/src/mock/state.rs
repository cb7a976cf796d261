//! Everything a mocked service holds, and the changes to it, each with its event. Clients and users
//! change it through here alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use cloudsync_core::object::Attributes;
use cloudsync_core::rules::Identity;

use super::config::MockConfig;
use super::feed::{Feed, Happening};
use super::names;
use super::random::{Random, mix, unmix};
use super::store::{self, Body, Id, Node, Place, Store};
use crate::{Error, ErrorKind, Kind, Observed, Oid, Result, Tag};

/// What a new file's clock starts at: 2023-11-14, in nanoseconds.
const START_NS: i64 = 1_700_000_000_000_000_000;

#[derive(Debug)]
pub(super) struct State {
    pub(super) config: MockConfig,
    pub(super) store: Store,
    pub(super) feed: Feed,
    pub(super) roots: BTreeMap<String, Id>,
    pub(super) accounts: BTreeSet<String>,
    pub(super) tokens_good: bool,
    pub(super) online: bool,
    pub(super) clients: u64,
    pub(super) sessions: u64,
    origin: tokio::time::Instant,
    clock_ns: i64,
    random: Random,
}

impl State {
    pub(super) fn new(config: MockConfig) -> Self {
        let mut store = Store::new();
        let names = std::iter::once("").chain(config.namespaces.iter().map(|(id, _)| id.as_str()));
        let roots = names.map(|id| (id.to_owned(), store.add_root())).collect();
        Self {
            random: Random::new(config.seed),
            config,
            store,
            feed: Feed::default(),
            roots,
            accounts: BTreeSet::from(["mock".to_owned()]),
            tokens_good: true,
            online: true,
            clients: 0,
            sessions: 0,
            origin: tokio::time::Instant::now(),
            clock_ns: START_NS,
        }
    }

    // Time.

    pub(super) fn set_clock(&mut self, ns: i64) {
        self.clock_ns = ns;
    }

    pub(super) fn clock(&self) -> i64 {
        self.clock_ns
    }

    /// The time to write down for a change: a millisecond later each time.
    fn tick(&mut self) -> i64 {
        self.clock_ns += 1_000_000;
        self.clock_ns
    }

    fn round(&self, ns: i64) -> i64 {
        let step = i64::try_from(self.config.mtime_resolution.as_nanos())
            .unwrap_or(i64::MAX)
            .max(1);
        ns.saturating_sub(ns.rem_euclid(step))
    }

    // Looking.

    pub(super) fn oid(&self, id: Id) -> Oid {
        match self.config.identity {
            Identity::Stable => Oid::new(format!("{:016x}", mix(id ^ mix(self.config.seed)))),
            Identity::Path => {
                let place = self.store.place(id);
                Oid::new(format!("/{}", place.as_ref().map_or("", Place::path)))
            }
        }
    }

    /// The object with an id, wherever it is.
    pub(super) fn by_oid(&self, oid: &Oid) -> Option<Id> {
        let text = std::str::from_utf8(oid.as_bytes()).ok()?;
        match self.config.identity {
            Identity::Stable => {
                let id = unmix(u64::from_str_radix(text, 16).ok()?) ^ mix(self.config.seed);
                self.store.get(id).map(|_| id)
            }
            Identity::Path => self
                .store
                .at(*self.roots.get("")?, text, &self.config.names),
        }
    }

    pub(super) fn node(&self, id: Id, operation: &'static str) -> Result<&Node> {
        self.store
            .get(id)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, operation))
    }

    /// What is to be seen of a file or folder; `None` for what is left alone.
    pub(super) fn observe(&self, id: Id) -> Option<Observed> {
        let node = self.store.get(id)?;
        Some(Observed {
            oid: self.oid(id),
            kind: node.kind()?,
            tag: Self::tag(node),
            size: node.content().map_or(0, |content| content.len() as u64),
            attributes: node.attributes,
            hash: match node.body {
                Body::File { hash, .. } => hash,
                _ => None,
            },
            racy: false,
        })
    }

    pub(super) fn tag(node: &Node) -> Tag {
        Tag::new(format!("r{}", node.revision))
    }

    // Checks.

    /// The name as the service stores it, if it takes it.
    pub(super) fn accept_name(&self, name: &str, operation: &'static str) -> Result<String> {
        let name = self
            .config
            .rewrite_name
            .map_or_else(|| name.to_owned(), |rewrite| rewrite(name));
        match names::refusal(&name, &self.config.names) {
            Some(why) => Err(Error::new(ErrorKind::NameRejected, operation)
                .with_object(name)
                .with_detail(why)),
            None => Ok(name),
        }
    }

    pub(super) fn check_space(&self, more: u64, less: u64, operation: &'static str) -> Result<()> {
        if self.config.max_file_bytes.is_some_and(|limit| more > limit) {
            return Err(
                Error::new(ErrorKind::Invalid, operation).with_detail("the file is too large")
            );
        }
        let used = self.store.used_bytes() - less + more;
        if more > less && self.config.quota_bytes.is_some_and(|limit| used > limit) {
            return Err(Error::new(ErrorKind::OutOfSpace, operation));
        }
        Ok(())
    }

    // Changes. All checks are done; each makes its event.

    pub(super) fn add_file(
        &mut self,
        by: Option<u64>,
        folder: Id,
        name: String,
        content: Bytes,
        attributes: Attributes,
    ) -> Id {
        let attributes = self.kept(attributes);
        let body = store::file(content, self.config.native_hash);
        self.add(by, folder, name, body, attributes)
    }

    pub(super) fn add_folder(
        &mut self,
        by: Option<u64>,
        folder: Id,
        name: String,
        attributes: Attributes,
    ) -> Id {
        let mode = self
            .config
            .keeps_mode
            .then(|| attributes.mode.unwrap_or(0o755));
        let attributes = Attributes { mtime: None, mode };
        self.add(by, folder, name, Body::Folder(BTreeSet::new()), attributes)
    }

    pub(super) fn add(
        &mut self,
        by: Option<u64>,
        folder: Id,
        name: String,
        body: Body,
        attributes: Attributes,
    ) -> Id {
        let parent = Some((folder, &self.config.names));
        let id = self.store.add(parent, name, body, attributes);
        self.happened(by, id, None, self.store.place(id));
        id
    }

    pub(super) fn set_content(
        &mut self,
        by: Option<u64>,
        id: Id,
        content: Bytes,
        attributes: Attributes,
    ) {
        let old_mode = self.store.get(id).and_then(|node| node.attributes.mode);
        let mode = attributes.mode.or(old_mode);
        let attributes = self.kept(Attributes { mode, ..attributes });
        self.store.set_content(id, content, self.config.native_hash);
        self.store.set_attributes(id, attributes);
        let place = self.store.place(id);
        self.happened(by, id, place.clone(), place);
    }

    /// Puts a new file in the place of one, with its name and mode.
    pub(super) fn replace(
        &mut self,
        by: Option<u64>,
        id: Id,
        content: Bytes,
        attributes: Attributes,
    ) -> Id {
        let Some(node) = self.store.get(id) else {
            return id;
        };
        let (Some(folder), name) = (node.parent, node.name.clone()) else {
            return id;
        };
        let mode = attributes.mode.or(node.attributes.mode);
        self.remove(by, id);
        self.add_file(by, folder, name, content, Attributes { mode, ..attributes })
    }

    /// Sets the attributes that are `Some` and kept.
    pub(super) fn set_attributes(&mut self, by: Option<u64>, id: Id, attributes: Attributes) {
        let Some(node) = self.store.get(id) else {
            return;
        };
        let mut now = node.attributes;
        if self.config.keeps_mode {
            now.mode = attributes.mode.or(now.mode);
        }
        if self.config.keeps_mtime && node.content().is_some() {
            now.mtime = attributes
                .mtime
                .map(|mtime| self.round(mtime))
                .or(now.mtime);
        }
        self.store.set_attributes(id, now);
        let place = self.store.place(id);
        self.happened(by, id, place.clone(), place);
    }

    /// Gives a file a new time and tag, without other content.
    pub(super) fn touch(&mut self, by: Option<u64>, id: Id) {
        let now = self.tick();
        let mtime = Some(self.round(now));
        if let Some(node) = self.store.get(id) {
            let attributes = Attributes {
                mtime,
                ..node.attributes
            };
            self.store.set_attributes(id, attributes);
            self.store.touch(id);
        }
        let place = self.store.place(id);
        self.happened(by, id, place.clone(), place);
    }

    pub(super) fn relocate(&mut self, by: Option<u64>, id: Id, folder: Id, name: String) {
        let before = self.store.place(id);
        self.store.relocate(id, folder, name, &self.config.names);
        if self.config.rename_changes_tag {
            self.store.touch(id);
        }
        self.happened(by, id, before, self.store.place(id));
    }

    /// Removes an object with all that is in it.
    pub(super) fn remove(&mut self, by: Option<u64>, id: Id) {
        self.remove_all(by, id, true);
    }

    fn remove_all(&mut self, by: Option<u64>, id: Id, tell: bool) {
        let children: Vec<Id> = self
            .store
            .get(id)
            .and_then(Node::children)
            .map(|children| children.iter().map(|(_, id)| *id).collect())
            .unwrap_or_default();
        let tell_children = tell && self.config.events.children_of_deleted;
        for child in children {
            self.remove_all(by, child, tell_children);
        }
        let place = self.store.place(id);
        let oid = self.oid(id);
        self.store.remove(id, &self.config.names);
        if tell {
            self.tell(&Happening {
                by,
                oid: Some(oid),
                before: place,
                after: None,
                is_folder: false,
                lost: false,
            });
        }
    }

    pub(super) fn lose_events(&mut self, id: Id) {
        let after = self.store.place(id);
        self.tell(&Happening {
            by: None,
            oid: None,
            before: None,
            after,
            is_folder: true,
            lost: true,
        });
    }

    /// The attributes that a file gets which is written with these.
    fn kept(&mut self, attributes: Attributes) -> Attributes {
        let now = self.tick();
        let mtime = attributes
            .mtime
            .filter(|_| self.config.keeps_mtime)
            .unwrap_or(now);
        Attributes {
            mtime: Some(self.round(mtime)),
            mode: self
                .config
                .keeps_mode
                .then(|| attributes.mode.unwrap_or(0o644)),
        }
    }

    fn happened(&mut self, by: Option<u64>, id: Id, before: Option<Place>, after: Option<Place>) {
        let oid = Some(self.oid(id));
        let is_folder = self
            .store
            .get(id)
            .is_some_and(|node| node.kind() == Some(Kind::Folder));
        self.tell(&Happening {
            by,
            oid,
            before,
            after,
            is_folder,
            lost: false,
        });
    }

    fn tell(&mut self, happening: &Happening) {
        let now = self.now();
        self.feed
            .push(happening, now, &self.config, &mut self.random);
    }

    /// The time that events go by, since the service was made: tokio's, which tests may pause.
    pub(super) fn now(&self) -> Duration {
        tokio::time::Instant::now().saturating_duration_since(self.origin)
    }
}
