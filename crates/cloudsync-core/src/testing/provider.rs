//! The calls of a provider on a storage in memory: looks that change nothing, and conditional changes.

use crate::engine::io::{Act, Effect};
use crate::failure::{ErrorKind, Failure};
use crate::listing::{Found, Listing};
use crate::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag, Target,
};
use crate::precondition::Expect;
use crate::rules::Identity;
use crate::testing::storage::{ROOT, Storage};

impl Storage {
    fn has_ids(&self) -> bool {
        self.setup.identity == Identity::Stable
    }

    /// Returns the id by which a provider names an object.
    pub fn oid(&self, id: u64) -> Oid {
        Oid::new(id.to_le_bytes())
    }

    fn observed(&self, id: u64) -> Observed {
        let item = self.item(id);
        let oid = if self.has_ids() {
            self.oid(id)
        } else {
            Oid::new(self.path(id))
        };
        let content = item.content.as_deref();
        let step = self.setup.clock_step;
        // What we write has the time of what it was copied from, and differs from any edit after it.
        let coarse = step > 0 && !item.ours;
        let tag = if coarse {
            (item.changed / step) << 32 | content.map_or(0, str::len) as u64
        } else {
            item.revision | 1 << 63
        };
        let native = content.filter(|_| self.setup.native_hashes);
        Observed {
            oid,
            kind: if content.is_some() {
                Kind::File
            } else {
                Kind::Folder
            },
            tag: Tag::new(tag.to_le_bytes()),
            size: content.map_or(0, str::len) as u64,
            attributes: item.attributes,
            hash: native.map(|content| hash(content, HashKind::Md5)),
            racy: coarse && content.is_some() && item.changed / step == self.now / step,
        }
    }

    fn find(&self, at: &ObjectRef) -> Result<u64, Failure> {
        let missing = || Failure::new(ErrorKind::NotFound, "find").with_object(at);
        if self.setup.id_lookup
            && let Some(oid) = &at.oid
        {
            return self.by_oid(oid).ok_or_else(missing);
        }
        let id = self.at(&at.path).ok_or_else(missing)?;
        let other = at.oid.as_ref().is_some_and(|oid| *oid != self.oid(id));
        if self.has_ids() && id != ROOT && other {
            return Err(Failure::new(ErrorKind::PreconditionFailed, "find").with_object(at));
        }
        Ok(id)
    }

    fn by_oid(&self, oid: &Oid) -> Option<u64> {
        let id = u64::from_le_bytes(oid.as_bytes().try_into().ok()?);
        self.find_item(id).map(|_| id)
    }

    /// Lists one folder, and says which folders are in it.
    pub fn list(&self, folder: &ObjectRef) -> Result<(Listing, Vec<ObjectRef>), Failure> {
        let id = self.find(folder)?;
        if !self.is_folder(id) {
            return Err(Failure::new(ErrorKind::NotFound, "list").with_object(folder));
        }
        let at = if id == ROOT {
            ObjectRef::root()
        } else {
            ObjectRef::new(self.observed(id).oid, self.path(id))
        };
        let mut listing = Listing::new(at);
        let mut folders = Vec::new();
        for &child in self.children(id) {
            let seen = self.observed(child);
            if seen.kind == Kind::Folder {
                folders.push(ObjectRef::new(seen.oid.clone(), self.path(child)));
            }
            listing.push(&self.item(child).name, seen);
        }
        Ok((listing.complete(), folders))
    }

    /// Lists everything below a folder, each folder before what is in it.
    pub fn walk(&self, from: &ObjectRef) -> Result<Vec<Listing>, Failure> {
        let (first, mut folders) = self.list(from)?;
        let mut all = vec![first];
        while let Some(folder) = folders.pop() {
            let (listing, below) = self.list(&folder)?;
            all.push(listing);
            folders.extend(below);
        }
        Ok(all)
    }

    /// Looks at an object, by id where that can be done, else at a place.
    pub fn info(&self, at: &ObjectRef) -> Option<Found> {
        let by_id = at.oid.as_ref().filter(|_| self.setup.id_lookup);
        let id = match by_id {
            Some(oid) => self.by_oid(oid),
            None => self.at(&at.path),
        };
        let id = id.filter(|&id| id != ROOT)?;
        let item = self.item(id);
        Some(Found {
            observed: Some(self.observed(id)),
            folder: by_id.map(|_| self.oid(item.parent)),
            name: item.name.clone(),
        })
    }

    /// Hashes a file.
    pub fn hash(
        &self,
        at: &ObjectRef,
        expect: &Tag,
        kind: HashKind,
    ) -> Result<ContentHash, Failure> {
        Ok(hash(&self.read(at, expect)?, kind))
    }

    /// Reads a file.
    pub fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<String, Failure> {
        let id = self.find(at)?;
        match &self.item(id).content {
            Some(content) if self.observed(id).tag == *expect => Ok(content.clone()),
            _ => Err(Failure::new(ErrorKind::SourceChanged, "read").with_object(at)),
        }
    }

    /// Reads a version of a file that may be in a folder that moved since: what the engine still takes for that version.
    pub(super) fn read_wherever(&self, at: &ObjectRef, expect: &Tag) -> Option<String> {
        if let Ok(content) = self.read(at, expect) {
            return Some(content);
        }
        let name = at.path.rsplit('/').next();
        let is_it = |id: &u64| {
            let item = self.item(*id);
            let has_id = !self.has_ids() || at.oid.as_ref() == Some(&self.oid(*id));
            has_id && Some(item.name.as_str()) == name && self.observed(*id).tag == *expect
        };
        let mut all = self.ids().into_iter().filter(is_it);
        let content = self.item(all.next()?).content.clone();
        content.filter(|_| all.next().is_none())
    }

    fn place(&self, target: &Target) -> Result<u64, Failure> {
        let folder = self.find(&target.folder)?;
        if !self.is_folder(folder) {
            return Err(Failure::new(ErrorKind::NotFound, "find").with_object(target.path()));
        }
        Ok(folder)
    }

    fn expect(&self, id: u64, tag: Option<&Tag>) -> Result<(), Failure> {
        if tag.is_some_and(|tag| *tag != self.observed(id).tag) {
            return Err(Failure::new(ErrorKind::PreconditionFailed, "perform"));
        }
        Ok(())
    }

    /// Performs an operation. `content`: what a write writes, already read from the other side.
    ///
    /// # Panics
    /// If a write comes without content.
    pub fn perform(&mut self, act: &Act, content: Option<String>) -> Result<Effect, Failure> {
        match act {
            Act::CreateFolder { target, attributes } => {
                let parent = self.place(target)?;
                if self.child(parent, &target.name).is_some() {
                    return Err(Failure::new(ErrorKind::AlreadyExists, "perform"));
                }
                let id = self.insert(parent, &target.name, None, *attributes);
                self.item_mut(id).ours = true;
                Ok(Effect::Changed(self.observed(id)))
            }
            Act::Delete { at, kind, expect } => self.delete(at, *kind, expect.as_ref()),
            Act::Rename { at, expect, target } => {
                let id = self.find(at)?;
                if !self.setup.folder_move && self.observed(id).kind == Kind::Folder {
                    return Err(Failure::new(ErrorKind::Unsupported, "rename").with_object(at));
                }
                let parent = self.place(target)?;
                self.expect(id, expect.as_ref())?;
                if self.is_within(parent, id) {
                    return Err(Failure::new(ErrorKind::Invalid, "rename").with_object(at));
                }
                let here = self.child(parent, &target.name);
                if here.is_some_and(|other| other != id) {
                    return Err(Failure::new(ErrorKind::AlreadyExists, "perform"));
                }
                let ours = self.item(id).ours || self.setup.renames_touch;
                self.attach(id, parent, &target.name);
                self.item_mut(id).ours = ours;
                Ok(Effect::Changed(self.observed(id)))
            }
            Act::SetAttributes {
                at,
                expect,
                attributes,
            } => {
                let id = self.find(at)?;
                self.expect(id, expect.as_ref())?;
                self.touch(id);
                self.item_mut(id).ours = true;
                let own = &mut self.item_mut(id).attributes;
                own.mtime = attributes.mtime.or(own.mtime);
                own.mode = attributes.mode.or(own.mode);
                Ok(Effect::Changed(self.observed(id)))
            }
            Act::Write {
                target,
                expect,
                attributes,
                hash: kind,
                ..
            } => {
                let content = content.expect("a write has content");
                self.write(target, expect, *attributes, *kind, content)
            }
        }
    }

    /// Returns the object that an operation is about to change, if it is there already.
    pub(super) fn touched(&self, act: &Act) -> Option<u64> {
        match act {
            Act::CreateFolder { .. } | Act::Write { .. } => None,
            Act::Delete { at, .. } | Act::Rename { at, .. } | Act::SetAttributes { at, .. } => {
                self.find(at).ok()
            }
        }
    }

    fn delete(
        &mut self,
        at: &ObjectRef,
        kind: Kind,
        expect: Option<&Tag>,
    ) -> Result<Effect, Failure> {
        let id = match self.find(at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Effect::Deleted),
            found => found?,
        };
        self.expect(id, expect)?;
        if self.observed(id).kind != kind {
            return Err(Failure::new(ErrorKind::PreconditionFailed, "delete").with_object(at));
        }
        if !self.children(id).is_empty() {
            return Err(Failure::new(ErrorKind::NotEmpty, "delete").with_object(at));
        }
        self.remove(id);
        Ok(Effect::Deleted)
    }

    fn write(
        &mut self,
        target: &Target,
        expect: &Expect,
        attributes: Attributes,
        kind: HashKind,
        content: String,
    ) -> Result<Effect, Failure> {
        let precondition = || Failure::new(ErrorKind::PreconditionFailed, "perform");
        let parent = self.place(target)?;
        let hash = hash(&content, kind);
        let id = match (expect, self.child(parent, &target.name)) {
            (Expect::Free, Some(_)) => {
                return Err(Failure::new(ErrorKind::AlreadyExists, "perform"));
            }
            (Expect::Free, None) => self.insert(parent, &target.name, Some(content), attributes),
            (Expect::Unchanged { oid, tag }, Some(id)) => {
                let now = self.observed(id);
                let other = oid.as_ref().is_some_and(|oid| *oid != now.oid);
                if other || now.tag != *tag || now.kind == Kind::Folder {
                    return Err(precondition());
                }
                self.touch(id);
                let item = self.item_mut(id);
                item.content = Some(content);
                item.attributes = attributes;
                id
            }
            (Expect::Unchanged { .. }, None) => return Err(precondition()),
        };
        self.item_mut(id).ours = true;
        Ok(Effect::Written {
            observed: self.observed(id),
            hash,
        })
    }
}

/// Contents are short and unique: padded, they are their own hash.
pub(super) fn hash(content: &str, kind: HashKind) -> ContentHash {
    let bytes = content.as_bytes();
    ContentHash::new(kind, &bytes[..bytes.len().min(32)])
}
