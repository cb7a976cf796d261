//! A storage system in memory: a tree of objects, and what users do to it.

use std::collections::BTreeMap;
use std::hash::Hash as _;

use crate::name::same;
use crate::object::{Attributes, HashKind, Oid};
use crate::rules::{NameRules, Rules};
use crate::testing::fingerprint::Fingerprint;
use crate::testing::setup::SideSetup;

/// A file or a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Item {
    pub(super) parent: u64,
    pub(super) name: String,
    /// What it holds; `None` for folders.
    pub content: Option<String>,
    pub(super) revision: u64,
    /// When it was last changed, in milliseconds.
    pub(super) changed: u64,
    /// If true, the last change was not a user's: its time is not that of a user's change.
    pub(super) ours: bool,
    /// Times and mode.
    pub attributes: Attributes,
    children: Vec<u64>,
}

/// Something that changed: by id and by path.
pub type Touched = (u64, String);

pub(super) const ROOT: u64 = 1;

/// A storage system.
#[derive(Clone, Debug)]
pub struct Storage {
    rules: Rules,
    pub(super) setup: SideSetup,
    /// By id. The root is there from the start, and is never told of.
    items: Vec<Option<Item>>,
    pub(super) now: u64,
    /// Tells this storage's times from those of the other.
    clock: i64,
}

impl Storage {
    /// Starts empty. `clock` tells its times from those of other storages.
    pub fn new(setup: SideSetup, clock: i64) -> Self {
        let rules = Rules {
            identity: setup.identity,
            id_lookup: setup.id_lookup,
            ids_reused: false,
            folder_move: setup.folder_move,
            keeps_mode: true,
            keeps_mtime: true,
            names: NameRules {
                case_sensitive: setup.case_sensitive,
                ..NameRules::default()
            },
            feed: setup.feed,
            native_hashes: if setup.native_hashes {
                vec![HashKind::Md5]
            } else {
                vec![]
            },
        };
        let root = Item {
            parent: 0,
            name: String::new(),
            content: None,
            revision: ROOT,
            changed: 0,
            ours: false,
            attributes: Attributes::default(),
            children: Vec::new(),
        };
        Self {
            rules,
            setup,
            items: vec![None, Some(root)],
            now: 0,
            clock,
        }
    }

    /// Writes down all but what it is like.
    pub(super) fn write_state(&self, to: &mut Fingerprint) {
        let Self {
            rules: _,
            setup: _,
            items,
            now,
            clock: _,
        } = self;
        (items, now).hash(to);
    }

    /// Returns what this side is like.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the root's id.
    pub fn root(&self) -> Oid {
        Oid::new(ROOT.to_le_bytes())
    }

    /// Sets the storage's clock, in milliseconds.
    pub(super) fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    pub(super) fn number(&mut self) -> u64 {
        self.items.push(None);
        self.items.len() as u64 - 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "an index")]
    pub(super) fn find_item(&self, id: u64) -> Option<&Item> {
        self.items.get(id as usize)?.as_ref()
    }

    pub(super) fn item(&self, id: u64) -> &Item {
        self.find_item(id).expect("an item that is there")
    }

    #[expect(clippy::cast_possible_truncation, reason = "an index")]
    pub(super) fn item_mut(&mut self, id: u64) -> &mut Item {
        self.items[id as usize]
            .as_mut()
            .expect("an item that is there")
    }

    /// Makes an item in a folder. Returns its id.
    pub(super) fn insert(
        &mut self,
        parent: u64,
        name: &str,
        content: Option<String>,
        attributes: Attributes,
    ) -> u64 {
        let id = self.number();
        let item = Item {
            parent,
            name: name.to_owned(),
            content,
            revision: id,
            changed: self.now,
            ours: false,
            attributes,
            children: Vec::new(),
        };
        *self.items.last_mut().expect("pushed above") = Some(item);
        self.item_mut(parent).children.push(id);
        id
    }

    #[expect(clippy::cast_possible_truncation, reason = "an index")]
    pub(super) fn remove(&mut self, id: u64) {
        let parent = self.item(id).parent;
        self.items[id as usize] = None;
        if let Some(Some(parent)) = self.items.get_mut(parent as usize) {
            parent.children.retain(|&child| child != id);
        }
    }

    pub(super) fn attach(&mut self, id: u64, parent: u64, name: &str) {
        let old = self.item(id).parent;
        self.item_mut(old).children.retain(|&child| child != id);
        self.item_mut(parent).children.push(id);
        let item = self.item_mut(id);
        item.parent = parent;
        name.clone_into(&mut item.name);
        if self.setup.renames_touch {
            self.touch(id);
        }
    }

    /// Gives a new revision.
    pub(super) fn touch(&mut self, id: u64) {
        let revision = self.number();
        let now = self.now;
        let item = self.item_mut(id);
        item.revision = revision;
        item.changed = now;
        item.ours = false;
    }

    pub(super) fn child(&self, parent: u64, name: &str) -> Option<u64> {
        let children = &self.item(parent).children;
        let is = |id: u64| same(&self.item(id).name, name, &self.rules.names);
        children.iter().copied().find(|&id| is(id))
    }

    pub(super) fn at(&self, path: &str) -> Option<u64> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(ROOT, |at, name| self.child(at, name))
    }

    pub(super) fn path(&self, id: u64) -> String {
        let mut parts = Vec::new();
        let mut at = id;
        while at != ROOT {
            let item = self.item(at);
            parts.push(item.name.as_str());
            at = item.parent;
        }
        parts.reverse();
        parts.join("/")
    }

    pub(super) fn children(&self, id: u64) -> &[u64] {
        &self.item(id).children
    }

    pub(super) fn is_folder(&self, id: u64) -> bool {
        self.item(id).content.is_none()
    }

    pub(super) fn is_within(&self, id: u64, folder: u64) -> bool {
        let mut at = id;
        loop {
            if at == folder {
                return true;
            }
            if at == ROOT {
                return false;
            }
            at = self.item(at).parent;
        }
    }

    /// Returns a folder's or a file's id and those of all that is in it, each before what is in it.
    fn below(&self, id: u64) -> Vec<u64> {
        let mut all = vec![id];
        let mut next = 0;
        while let Some(&at) = all.get(next) {
            next += 1;
            all.extend_from_slice(self.children(at));
        }
        all
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.below(ROOT).split_off(1)
    }

    /// Returns all paths with what is there: content, or `None` for folders.
    pub fn tree(&self) -> BTreeMap<String, Option<String>> {
        let all = self.ids().into_iter();
        all.map(|id| (self.path(id), self.item(id).content.clone()))
            .collect()
    }

    /// Returns all paths with the id and the item.
    pub fn objects(&self) -> BTreeMap<String, (u64, &Item)> {
        let all = self.ids().into_iter();
        all.map(|id| (self.path(id), (id, self.item(id)))).collect()
    }

    /// Returns the contents of all files.
    pub fn contents(&self) -> impl Iterator<Item = &str> {
        let items = self.items.iter().flatten();
        items.filter_map(|item| item.content.as_deref())
    }

    // ---- what a user does --------------------------------------------------------------------

    fn folder_and_name<'a>(&self, path: &'a str) -> Option<(u64, &'a str)> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.at(above).filter(|&id| self.is_folder(id))?;
        (!name.is_empty()).then_some((folder, name))
    }

    /// Writes a file, over an old one too. Returns what to tell of, empty if it cannot be done.
    pub fn user_write(&mut self, path: &str, content: &str) -> Vec<Touched> {
        let Some((parent, name)) = self.folder_and_name(path) else {
            return vec![];
        };
        let content = Some(content.to_owned());
        let id = match self.child(parent, name) {
            Some(id) if self.is_folder(id) => return vec![],
            Some(id) => {
                self.touch(id);
                self.item_mut(id).content = content;
                id
            }
            None => self.insert(parent, name, content, Attributes::default()),
        };
        let mtime = self.mtime(self.item(id).revision);
        let item = self.item_mut(id);
        item.attributes.mtime = Some(mtime);
        item.attributes.mode.get_or_insert(0o644);
        vec![(id, self.path(id))]
    }

    #[expect(clippy::cast_possible_wrap, reason = "small numbers")]
    fn mtime(&self, revision: u64) -> i64 {
        revision as i64 * 1_000 + self.clock
    }

    /// Makes a folder.
    pub fn user_mkdir(&mut self, path: &str) -> Vec<Touched> {
        let Some((parent, name)) = self.folder_and_name(path) else {
            return vec![];
        };
        if self.child(parent, name).is_some() {
            return vec![];
        }
        let attributes = Attributes {
            mtime: None,
            mode: Some(0o755),
        };
        let id = self.insert(parent, name, None, attributes);
        vec![(id, self.path(id))]
    }

    /// Renames or moves an object to a free place.
    pub fn user_rename(&mut self, from: &str, to: &str) -> Vec<Touched> {
        let (Some(id), Some((parent, name))) = (self.at(from), self.folder_and_name(to)) else {
            return vec![];
        };
        let taken = self.child(parent, name).is_some_and(|other| other != id);
        let fixed = !self.setup.folder_move && self.item(id).content.is_none();
        if id == ROOT || taken || fixed || self.is_within(parent, id) {
            return vec![];
        }
        let from = self.path(id);
        self.attach(id, parent, name);
        vec![(id, from), (id, self.path(id))]
    }

    /// Deletes an object with all that is in it. Returns what is gone.
    pub fn user_delete(&mut self, path: &str) -> Vec<Touched> {
        let Some(id) = self.at(path).filter(|&id| id != ROOT) else {
            return vec![];
        };
        let gone: Vec<_> = self
            .below(id)
            .into_iter()
            .map(|id| (id, self.path(id)))
            .collect();
        for (id, _) in gone.iter().rev() {
            self.remove(*id);
        }
        gone
    }

    /// Changes the time of a file, or its mode, or a folder's mode. `what`: to what.
    pub fn user_touch(&mut self, path: &str, what: u8) -> Vec<Touched> {
        let Some(id) = self.at(path).filter(|&id| id != ROOT) else {
            return vec![];
        };
        self.touch(id);
        let mtime = self.mtime(self.item(id).revision);
        let is_file = !self.is_folder(id);
        let attributes = &mut self.item_mut(id).attributes;
        if is_file && what.is_multiple_of(2) {
            attributes.mtime = Some(mtime);
        } else {
            attributes.mode = Some(0o700 + u32::from(what / 2 % 4));
        }
        vec![(id, self.path(id))]
    }

    /// Sets the time of a file, in nanoseconds.
    pub fn user_set_time(&mut self, path: &str, mtime: i64) -> Vec<Touched> {
        let Some(id) = self.at(path).filter(|&id| !self.is_folder(id)) else {
            return vec![];
        };
        self.touch(id);
        self.item_mut(id).attributes.mtime = Some(mtime);
        vec![(id, self.path(id))]
    }

    /// Returns the contents at and below a path.
    pub fn contents_below(&self, path: &str) -> Vec<String> {
        let Some(id) = self.at(path) else {
            return vec![];
        };
        let below = self.below(id).into_iter();
        below
            .filter_map(|id| self.item(id).content.clone())
            .collect()
    }
}
