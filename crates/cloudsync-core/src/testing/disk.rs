//! A disk with nothing but trees, small and quick: for cases that are many.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::listing::{Found, Listing};
use crate::object::{Attributes, Kind, ObjectRef, Observed, Oid, Tag};

/// Objects by number, which is also their id. What is gone is `None`.
#[derive(Clone, Debug)]
pub struct Disk {
    items: Vec<Option<Item>>,
}

/// A file or a folder.
#[derive(Clone, Debug)]
pub struct Item {
    /// The number of its folder.
    pub parent: u32,
    /// Its name.
    pub name: Arc<str>,
    /// What it holds; `None` for folders.
    pub content: Option<u32>,
}

impl Item {
    pub(super) fn kind(&self) -> Kind {
        if self.content.is_some() {
            Kind::File
        } else {
            Kind::Folder
        }
    }

    pub(super) fn size(&self) -> u64 {
        u64::from(self.content.is_some())
    }

    pub(super) fn tag(&self) -> Tag {
        Tag::new(self.content.unwrap_or(u32::MAX).to_le_bytes())
    }
}

/// Returns the digest of a content.
pub(super) fn digest(content: u32) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&content.to_le_bytes());
    digest
}

impl Default for Disk {
    /// The root alone.
    fn default() -> Self {
        let root = Item {
            parent: 0,
            name: Arc::default(),
            content: None,
        };
        Self {
            items: vec![None, Some(root)],
        }
    }
}

impl Disk {
    pub(super) const ROOT: u32 = 1;

    pub(super) fn oid(number: u32) -> Oid {
        Oid::new(number.to_le_bytes())
    }

    /// Returns all objects but the root, by number.
    pub fn items(&self) -> impl Iterator<Item = (u32, &Item)> {
        (0..)
            .zip(&self.items)
            .skip(2)
            .filter_map(|(number, item)| Some((number, item.as_ref()?)))
    }

    /// Returns how many objects there are, without the root.
    pub fn len(&self) -> usize {
        self.items().count()
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.items().next().is_none()
    }

    fn get(&self, number: u32) -> Option<&Item> {
        self.items.get(number as usize)?.as_ref()
    }

    pub(super) fn is_there(&self, number: u32) -> bool {
        self.get(number).is_some()
    }

    pub(super) fn item(&self, number: u32) -> &Item {
        self.get(number).expect("an object that is there")
    }

    fn item_mut(&mut self, number: u32) -> &mut Item {
        let item = self.items[number as usize].as_mut();
        item.expect("an object that is there")
    }

    pub(super) fn children(&self, folder: u32) -> impl Iterator<Item = (u32, &Item)> {
        self.items().filter(move |(_, item)| item.parent == folder)
    }

    pub(super) fn child(&self, folder: u32, name: &str) -> Option<u32> {
        let mut all = self.children(folder);
        all.find(|(_, item)| *item.name == *name)
            .map(|(number, _)| number)
    }

    /// Finds an object by its id, or by its path where none is given.
    pub(super) fn find(&self, at: &ObjectRef) -> Option<u32> {
        if let Some(oid) = &at.oid {
            let number = u32::from_le_bytes(oid.as_bytes().try_into().ok()?);
            return self.is_there(number).then_some(number);
        }
        let mut names = at.path.split('/').filter(|name| !name.is_empty());
        names.try_fold(Self::ROOT, |folder, name| self.child(folder, name))
    }

    pub(super) fn path(&self, number: u32) -> String {
        let mut names = Vec::new();
        let mut at = number;
        while at != Self::ROOT {
            let item = self.item(at);
            names.push(&*item.name);
            at = item.parent;
        }
        names.reverse();
        names.join("/")
    }

    pub(super) fn is_within(&self, number: u32, folder: u32) -> bool {
        let mut at = number;
        while at != Self::ROOT && at != folder {
            at = self.item(at).parent;
        }
        at == folder
    }

    pub(super) fn insert(&mut self, folder: u32, name: &str, content: Option<u32>) -> u32 {
        self.items.push(Some(Item {
            parent: folder,
            name: name.into(),
            content,
        }));
        u32::try_from(self.items.len() - 1).expect("few objects")
    }

    pub(super) fn write(&mut self, number: u32, content: u32) {
        self.item_mut(number).content = Some(content);
    }

    pub(super) fn move_to(&mut self, number: u32, folder: u32, name: &str) {
        let item = self.item_mut(number);
        item.parent = folder;
        item.name = name.into();
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.items[number as usize] = None;
    }

    /// Removes a folder with all that is in it.
    pub(super) fn remove_all(&mut self, number: u32) {
        let children: Vec<u32> = self.children(number).map(|(number, _)| number).collect();
        for child in children {
            self.remove_all(child);
        }
        self.remove(number);
    }

    /// Returns what stands where, by path: content, or `None` for folders.
    pub fn tree(&self) -> BTreeMap<String, Option<u32>> {
        self.items()
            .map(|(number, item)| (self.path(number), item.content))
            .collect()
    }

    /// Returns whether the same stands at the same paths.
    pub fn is_equal(&self, other: &Self) -> bool {
        self.len() == other.len() && self.is_equal_below(Self::ROOT, other, Self::ROOT)
    }

    /// Returns whether all that is in a folder is in one of another disk too.
    fn is_equal_below(&self, folder: u32, other: &Self, there: u32) -> bool {
        self.children(folder).all(|(number, item)| {
            let same = other.child(there, &item.name);
            same.is_some_and(|same| {
                item.content == other.item(same).content && self.is_equal_below(number, other, same)
            })
        })
    }

    pub(super) fn observe(&self, number: u32) -> Observed {
        let item = self.item(number);
        Observed {
            oid: Self::oid(number),
            kind: item.kind(),
            tag: item.tag(),
            size: item.size(),
            attributes: Attributes::default(),
            hash: None,
            racy: false,
        }
    }

    pub(super) fn look(&self, at: &ObjectRef) -> Option<Found> {
        let number = self.find(&ObjectRef::at(at.path.clone()))?;
        Some(Found {
            observed: Some(self.observe(number)),
            folder: None,
            name: (*self.item(number).name).to_owned(),
        })
    }

    /// Lists a folder and all below it.
    pub(super) fn walk(&self, from: &ObjectRef) -> Vec<Listing> {
        let mut listings = Vec::new();
        let mut folders: Vec<u32> = self.find(from).into_iter().collect();
        while let Some(folder) = folders.pop() {
            let at = ObjectRef::new(Self::oid(folder), self.path(folder));
            let mut listing = Listing::new(at);
            for (number, item) in self.children(folder) {
                listing.push(&item.name, self.observe(number));
                if item.content.is_none() {
                    folders.push(number);
                }
            }
            listings.push(listing.complete());
        }
        listings
    }
}
