//! A storage system in memory: a tree of objects with ids or without, and the provider's calls on it.

use std::collections::BTreeMap;

use crate::engine::io::{Act, Effect};
use crate::failure::{ErrorKind, Failure};
use crate::listing::{Found, Listing};
use crate::name::fold;
use crate::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag, Target,
};
use crate::precondition::Expect;
use crate::rules::{Feed, Identity, NameRules, Rules};

/// A file or a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Item {
    parent: u64,
    name: String,
    /// What it holds; `None` for folders.
    pub content: Option<String>,
    revision: u64,
    /// Times and mode.
    pub attributes: Attributes,
}

const ROOT: u64 = 1;

/// A storage system.
#[derive(Clone, Debug)]
pub struct Storage {
    rules: Rules,
    items: BTreeMap<u64, Item>,
    next: u64,
    /// Tells this storage's times from those of the other.
    clock: i64,
}

impl Storage {
    /// Starts empty, with ids or without.
    /// `clock` tells its times from those of other storages.
    pub fn new(identity: Identity, case_sensitive: bool, clock: i64) -> Self {
        let rules = Rules {
            identity,
            id_lookup: false,
            ids_reused: false,
            folder_move: true,
            keeps_mode: true,
            keeps_mtime: true,
            names: NameRules {
                case_sensitive,
                ..NameRules::default()
            },
            feed: Feed::Volatile,
            native_hashes: Vec::new(),
        };
        Self {
            rules,
            items: BTreeMap::new(),
            next: ROOT + 1,
            clock,
        }
    }

    /// Returns what this side is like.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the root's id.
    pub fn root(&self) -> Oid {
        Oid::new(ROOT.to_le_bytes())
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn child(&self, parent: u64, name: &str) -> Option<u64> {
        let folded = fold(name, &self.rules.names);
        let mut found = self.items.iter().filter(|(_, item)| item.parent == parent);
        found
            .find(|(_, item)| fold(&item.name, &self.rules.names) == folded)
            .map(|(&id, _)| id)
    }

    fn at(&self, path: &str) -> Option<u64> {
        let names = path.split('/').filter(|name| !name.is_empty());
        names
            .into_iter()
            .try_fold(ROOT, |at, name| self.child(at, name))
    }

    fn path(&self, id: u64) -> String {
        let mut parts = Vec::new();
        let mut at = id;
        while at != ROOT {
            let item = &self.items[&at];
            parts.push(item.name.as_str());
            at = item.parent;
        }
        parts.reverse();
        parts.join("/")
    }

    fn children(&self, id: u64) -> Vec<u64> {
        self.items
            .iter()
            .filter(|(_, item)| item.parent == id)
            .map(|(&id, _)| id)
            .collect()
    }

    fn is_folder(&self, id: u64) -> bool {
        id == ROOT || self.items[&id].content.is_none()
    }

    fn is_within(&self, id: u64, folder: u64) -> bool {
        let mut at = id;
        loop {
            if at == folder {
                return true;
            }
            if at == ROOT {
                return false;
            }
            at = self.items[&at].parent;
        }
    }

    /// Returns all paths with what is there: content, or `None` for folders.
    pub fn tree(&self) -> BTreeMap<String, Option<String>> {
        self.items
            .iter()
            .map(|(&id, item)| (self.path(id), item.content.clone()))
            .collect()
    }

    // ---- what a user does --------------------------------------------------------------------

    /// Writes a file, over an old one too. Returns the paths to tell of, empty if it cannot be done.
    pub fn user_write(&mut self, path: &str, content: &str) -> Vec<String> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(parent) = self.at(above).filter(|&id| self.is_folder(id)) else {
            return vec![];
        };
        let revision = self.number();
        let attributes = self.attributes(revision);
        match self.child(parent, name) {
            Some(id) if self.is_folder(id) => return vec![],
            Some(id) => {
                let item = self.items.get_mut(&id).expect("a child exists");
                item.content = Some(content.to_owned());
                item.revision = revision;
                item.attributes = attributes;
            }
            None => {
                let content = Some(content.to_owned());
                let name = name.to_owned();
                self.items.insert(
                    revision,
                    Item {
                        parent,
                        name,
                        content,
                        revision,
                        attributes,
                    },
                );
            }
        }
        vec![path.to_owned()]
    }

    #[expect(clippy::cast_possible_wrap, reason = "small numbers")]
    fn attributes(&self, revision: u64) -> Attributes {
        Attributes {
            mtime: Some(revision as i64 * 1_000 + self.clock),
            mode: Some(0o644),
        }
    }

    /// Makes a folder.
    pub fn user_mkdir(&mut self, path: &str) -> Vec<String> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(parent) = self.at(above).filter(|&id| self.is_folder(id)) else {
            return vec![];
        };
        if self.child(parent, name).is_some() {
            return vec![];
        }
        let revision = self.number();
        let attributes = Attributes {
            mtime: None,
            mode: Some(0o755),
        };
        let name = name.to_owned();
        self.items.insert(
            revision,
            Item {
                parent,
                name,
                content: None,
                revision,
                attributes,
            },
        );
        vec![path.to_owned()]
    }

    /// Renames or moves an object to a free place.
    pub fn user_rename(&mut self, from: &str, to: &str) -> Vec<String> {
        let (above, name) = to.rsplit_once('/').unwrap_or(("", to));
        let (Some(id), Some(parent)) = (self.at(from), self.at(above)) else {
            return vec![];
        };
        if id == ROOT || !self.is_folder(parent) || self.is_within(parent, id) {
            return vec![];
        }
        if self.child(parent, name).is_some_and(|other| other != id) {
            return vec![];
        }
        let item = self.items.get_mut(&id).expect("found above");
        item.parent = parent;
        name.clone_into(&mut item.name);
        vec![from.to_owned(), to.to_owned()]
    }

    /// Deletes an object with all that is in it. Returns the paths that are gone.
    pub fn user_delete(&mut self, path: &str) -> Vec<String> {
        let Some(id) = self.at(path).filter(|&id| id != ROOT) else {
            return vec![];
        };
        let gone: Vec<u64> = self
            .items
            .keys()
            .copied()
            .filter(|&other| self.is_within(other, id))
            .collect();
        let paths = gone.iter().map(|&id| self.path(id)).collect();
        for id in gone {
            self.items.remove(&id);
        }
        paths
    }

    /// Returns the contents at and below a path.
    pub fn contents_below(&self, path: &str) -> Vec<String> {
        let Some(id) = self.at(path) else {
            return vec![];
        };
        let below = self
            .items
            .iter()
            .filter(|&(&other, _)| self.is_within(other, id));
        below.filter_map(|(_, item)| item.content.clone()).collect()
    }

    // ---- what a provider answers -------------------------------------------------------------

    fn observed(&self, id: u64) -> Observed {
        let item = &self.items[&id];
        let oid = match self.rules.identity {
            Identity::Stable => Oid::new(id.to_le_bytes()),
            Identity::Path => Oid::new(self.path(id)),
        };
        Observed {
            oid,
            kind: if item.content.is_some() {
                Kind::File
            } else {
                Kind::Folder
            },
            tag: Tag::new(item.revision.to_le_bytes()),
            size: item
                .content
                .as_ref()
                .map_or(0, |content| content.len() as u64),
            attributes: item.attributes,
            hash: None,
            racy: false,
        }
    }

    fn find(&self, at: &ObjectRef) -> Result<u64, Failure> {
        let missing = || Failure::new(ErrorKind::NotFound, "find").with_object(at);
        let id = self.at(&at.path).ok_or_else(missing)?;
        if self.rules.identity == Identity::Stable
            && id != ROOT
            && at
                .oid
                .as_ref()
                .is_some_and(|oid| oid.as_bytes() != id.to_le_bytes())
        {
            return Err(Failure::new(ErrorKind::PreconditionFailed, "find").with_object(at));
        }
        Ok(id)
    }

    /// Lists everything below a folder, each folder before what is in it.
    pub fn walk(&self, from: &ObjectRef) -> Result<Vec<Listing>, Failure> {
        let mut folders = vec![self.find(from)?];
        let mut all = Vec::new();
        while let Some(folder) = folders.pop() {
            let at = if folder == ROOT {
                ObjectRef::root()
            } else {
                ObjectRef::new(self.observed(folder).oid, self.path(folder))
            };
            let mut listing = Listing::new(at);
            for child in self.children(folder) {
                listing.push(&self.items[&child].name, self.observed(child));
                if self.is_folder(child) {
                    folders.push(child);
                }
            }
            all.push(listing.complete());
        }
        Ok(all)
    }

    /// Looks at a place.
    pub fn info(&self, at: &ObjectRef) -> Option<Found> {
        let id = self.at(&at.path).filter(|&id| id != ROOT)?;
        let name = self.items[&id].name.clone();
        Some(Found {
            observed: Some(self.observed(id)),
            folder: None,
            name,
        })
    }

    /// Hashes a file.
    pub fn hash(&self, at: &ObjectRef, expect: &Tag) -> Result<ContentHash, Failure> {
        Ok(hash(&self.read(at, expect)?))
    }

    /// Reads a file.
    pub fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<String, Failure> {
        let id = self.find(at)?;
        let item = self.items.get(&id);
        match item.and_then(|item| item.content.clone()) {
            Some(content) if self.observed(id).tag == *expect => Ok(content),
            _ => Err(Failure::new(ErrorKind::SourceChanged, "read").with_object(at)),
        }
    }

    fn place(&self, target: &Target) -> Result<u64, Failure> {
        let folder = self.find(&target.folder)?;
        if !self.is_folder(folder) {
            return Err(Failure::new(ErrorKind::NotFound, "find").with_object(target.path()));
        }
        Ok(folder)
    }

    /// Performs an operation. `content`: what a write writes, already read from the other side.
    pub fn perform(&mut self, act: &Act, content: Option<String>) -> Result<Effect, Failure> {
        let precondition = || Failure::new(ErrorKind::PreconditionFailed, "perform");
        let taken = || Failure::new(ErrorKind::AlreadyExists, "perform");
        match act {
            Act::CreateFolder { target, attributes } => {
                let parent = self.place(target)?;
                if self.child(parent, &target.name).is_some() {
                    return Err(taken());
                }
                let revision = self.number();
                let name = target.name.clone();
                let attributes = *attributes;
                self.items.insert(
                    revision,
                    Item {
                        parent,
                        name,
                        content: None,
                        revision,
                        attributes,
                    },
                );
                Ok(Effect::Changed(self.observed(revision)))
            }
            Act::Delete { at, expect, .. } => {
                let id = match self.find(at) {
                    Ok(id) => id,
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Ok(Effect::Deleted);
                    }
                    Err(error) => return Err(error),
                };
                if expect
                    .as_ref()
                    .is_some_and(|tag| *tag != self.observed(id).tag)
                {
                    return Err(precondition());
                }
                if !self.children(id).is_empty() {
                    return Err(Failure::new(ErrorKind::NotEmpty, "delete").with_object(at));
                }
                self.items.remove(&id);
                Ok(Effect::Deleted)
            }
            Act::Rename { at, expect, target } => {
                let id = self.find(at)?;
                let parent = self.place(target)?;
                if expect
                    .as_ref()
                    .is_some_and(|tag| *tag != self.observed(id).tag)
                {
                    return Err(precondition());
                }
                if self.is_within(parent, id) {
                    return Err(Failure::new(ErrorKind::Invalid, "rename").with_object(at));
                }
                if self
                    .child(parent, &target.name)
                    .is_some_and(|other| other != id)
                {
                    return Err(taken());
                }
                let item = self.items.get_mut(&id).expect("found above");
                item.parent = parent;
                item.name.clone_from(&target.name);
                Ok(Effect::Changed(self.observed(id)))
            }
            Act::SetAttributes {
                at,
                expect,
                attributes,
            } => {
                let id = self.find(at)?;
                if expect
                    .as_ref()
                    .is_some_and(|tag| *tag != self.observed(id).tag)
                {
                    return Err(precondition());
                }
                let revision = self.number();
                let item = self.items.get_mut(&id).expect("found above");
                item.attributes.mtime = attributes.mtime.or(item.attributes.mtime);
                item.attributes.mode = attributes.mode.or(item.attributes.mode);
                item.revision = revision;
                Ok(Effect::Changed(self.observed(id)))
            }
            Act::Write {
                target,
                expect,
                attributes,
                ..
            } => {
                let parent = self.place(target)?;
                let here = self.child(parent, &target.name);
                let id = match (expect, here) {
                    (Expect::Free, Some(_)) => return Err(taken()),
                    (Expect::Free, None) => self.number(),
                    (Expect::Unchanged { oid, tag }, Some(id)) => {
                        let now = self.observed(id);
                        let other = oid.as_ref().is_some_and(|oid| *oid != now.oid);
                        if other || now.tag != *tag {
                            return Err(precondition());
                        }
                        id
                    }
                    (Expect::Unchanged { .. }, None) => return Err(precondition()),
                };
                let content = content.expect("a write has content");
                let written = hash(&content);
                let revision = self.number();
                let name = match self.items.get(&id) {
                    Some(old) => old.name.clone(),
                    None => target.name.clone(),
                };
                let attributes = *attributes;
                let content = Some(content);
                self.items.insert(
                    id,
                    Item {
                        parent,
                        name,
                        content,
                        revision,
                        attributes,
                    },
                );
                Ok(Effect::Written {
                    observed: self.observed(id),
                    hash: written,
                })
            }
        }
    }
}

/// Contents are short and unique: padded, they are their own hash.
fn hash(content: &str) -> ContentHash {
    let mut digest = [0; 32];
    let bytes = content.as_bytes();
    let len = bytes.len().min(32);
    digest[..len].copy_from_slice(&bytes[..len]);
    ContentHash {
        kind: HashKind::Blake3,
        digest,
    }
}
