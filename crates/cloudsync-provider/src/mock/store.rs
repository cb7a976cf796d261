//! The objects of a mocked service: a forest of nodes that are linked both ways, with a root for each
//! namespace. Knows nothing of clients, events or faults.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use cloudsync_core::object::{Attributes, ContentHash, HashKind, Kind};
use cloudsync_core::rules::NameRules;

use super::names;
use crate::{Hasher, SkipReason};

/// A node's number: never given twice.
pub(super) type Id = u64;

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// `None` for the root of a namespace.
    pub(super) parent: Option<Id>,
    pub(super) name: String,
    /// Given anew from one counter of the whole service at each change of content or attributes.
    pub(super) revision: u64,
    pub(super) attributes: Attributes,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File {
        content: Bytes,
        hash: Option<ContentHash>,
    },
    /// Children by the key of their name; two may have the same.
    Folder(BTreeSet<(String, Id)>),
    Skipped(SkipReason),
}

impl Node {
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.body {
            Body::File { .. } => Some(Kind::File),
            Body::Folder(_) => Some(Kind::Folder),
            Body::Skipped(_) => None,
        }
    }

    pub(super) fn children(&self) -> Option<&BTreeSet<(String, Id)>> {
        match &self.body {
            Body::Folder(children) => Some(children),
            _ => None,
        }
    }

    pub(super) fn content(&self) -> Option<&Bytes> {
        match &self.body {
            Body::File { content, .. } => Some(content),
            _ => None,
        }
    }
}

/// Where an object stands or stood: its path, and at which byte the part below each ancestor begins.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: String,
    /// From the root of the namespace down to the object itself.
    chain: Vec<(Id, usize)>,
}

impl Place {
    /// The path from the root of the namespace.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path below `folder`, or `None` where it is not below it. The folder itself is `""`.
    pub(super) fn below(&self, folder: Id) -> Option<&str> {
        let (_, start) = self.chain.iter().find(|(id, _)| *id == folder)?;
        Some(&self.path[*start..])
    }
}

#[derive(Debug)]
pub(super) struct Store {
    nodes: HashMap<Id, Node>,
    next_id: Id,
    next_revision: u64,
    used_bytes: u64,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            nodes: HashMap::new(),
            next_id: 1,
            next_revision: 1,
            used_bytes: 0,
        }
    }

    /// Adds the root of a namespace.
    pub(super) fn add_root(&mut self) -> Id {
        self.add(
            None,
            String::new(),
            Body::Folder(BTreeSet::new()),
            Attributes::default(),
        )
    }

    pub(super) fn get(&self, id: Id) -> Option<&Node> {
        self.nodes.get(&id)
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// The first child of that name.
    pub(super) fn child(&self, folder: Id, name: &str, rules: &NameRules) -> Option<Id> {
        let key = names::key(name, rules);
        let children = self.get(folder)?.children()?;
        let (found, id) = children.range((key.clone(), 0)..).next()?;
        (*found == key).then_some(*id)
    }

    /// What stands at a path below `from`.
    pub(super) fn at(&self, from: Id, path: &str, rules: &NameRules) -> Option<Id> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts
            .into_iter()
            .try_fold(from, |folder, name| self.child(folder, name, rules))
    }

    /// Where an object stands; `None` where it does not exist.
    pub(super) fn place(&self, id: Id) -> Option<Place> {
        let mut line = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let node = self.get(id)?;
            line.push((id, node));
            next = node.parent;
        }
        let mut place = Place {
            path: String::new(),
            chain: Vec::with_capacity(line.len()),
        };
        for (id, node) in line.iter().rev() {
            if !place.path.is_empty() {
                place.path.push('/');
            }
            place.path.push_str(&node.name);
            place.chain.push((*id, place.path.len()));
        }
        // The part below an ancestor begins after the slash that follows it.
        let end = place.path.len();
        for (_, start) in &mut place.chain {
            *start = if *start == 0 {
                0
            } else {
                (*start + 1).min(end)
            };
        }
        Some(place)
    }

    pub(super) fn is_inside(&self, id: Id, folder: Id) -> bool {
        let mut next = Some(id);
        while let Some(id) = next {
            if id == folder {
                return true;
            }
            next = self.get(id).and_then(|node| node.parent);
        }
        false
    }

    /// Adds an object; the caller has checked the name.
    pub(super) fn add(
        &mut self,
        parent: Option<(Id, &NameRules)>,
        name: String,
        body: Body,
        attributes: Attributes,
    ) -> Id {
        let id = self.next_id;
        self.next_id += 1;
        if let Body::File { content, .. } = &body {
            self.used_bytes += content.len() as u64;
        }
        let revision = self.revise();
        let parent = parent.map(|(parent, rules)| {
            self.link(parent, id, names::key(&name, rules));
            parent
        });
        self.nodes.insert(
            id,
            Node {
                parent,
                name,
                revision,
                attributes,
                body,
            },
        );
        id
    }

    /// Gives a file other content, and a new revision.
    pub(super) fn set_content(&mut self, id: Id, content: Bytes, hash: Option<HashKind>) {
        let revision = self.revise();
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        if let Body::File { content: old, .. } = &node.body {
            self.used_bytes += content.len() as u64;
            self.used_bytes -= old.len() as u64;
            node.revision = revision;
            node.body = file(content, hash);
        }
    }

    /// Gives a file other content, with its revision and hash as they were.
    pub(super) fn corrupt(&mut self, id: Id, damaged: Bytes) {
        if let Some(Body::File { content, .. }) = self.nodes.get_mut(&id).map(|node| &mut node.body)
        {
            self.used_bytes += damaged.len() as u64;
            self.used_bytes -= content.len() as u64;
            *content = damaged;
        }
    }

    /// Gives an object other attributes, and a new revision if they are other ones.
    pub(super) fn set_attributes(&mut self, id: Id, attributes: Attributes) {
        if self
            .get(id)
            .is_some_and(|node| node.attributes != attributes)
        {
            self.touch(id);
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.attributes = attributes;
        }
    }

    /// Gives an object a new revision.
    pub(super) fn touch(&mut self, id: Id) {
        let revision = self.revise();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.revision = revision;
        }
    }

    /// Moves an object; the caller has checked name and place.
    pub(super) fn relocate(&mut self, id: Id, folder: Id, name: String, rules: &NameRules) {
        self.unlink(id, rules);
        self.link(folder, id, names::key(&name, rules));
        if let Some(node) = self.nodes.get_mut(&id) {
            node.parent = Some(folder);
            node.name = name;
        }
    }

    /// Removes an object that has no children.
    pub(super) fn remove(&mut self, id: Id, rules: &NameRules) {
        self.unlink(id, rules);
        if let Some(Body::File { content, .. }) = self.nodes.remove(&id).map(|node| node.body) {
            self.used_bytes -= content.len() as u64;
        }
    }

    fn revise(&mut self) -> u64 {
        self.next_revision += 1;
        self.next_revision
    }

    fn link(&mut self, parent: Id, child: Id, key: String) {
        if let Some(Body::Folder(children)) = self.nodes.get_mut(&parent).map(|node| &mut node.body)
        {
            children.insert((key, child));
        }
    }

    fn unlink(&mut self, id: Id, rules: &NameRules) {
        let Some((parent, key)) = self
            .get(id)
            .and_then(|node| Some((node.parent?, names::key(&node.name, rules))))
        else {
            return;
        };
        if let Some(Body::Folder(children)) = self.nodes.get_mut(&parent).map(|node| &mut node.body)
        {
            children.remove(&(key, id));
        }
    }
}

/// A file's body, with its hash if the service has one.
pub(super) fn file(content: Bytes, hash: Option<HashKind>) -> Body {
    let hash = hash.map(|kind| Hasher::hash(kind, &content));
    Body::File { content, hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> Body {
        Body::Folder(BTreeSet::new())
    }

    #[test]
    fn places_are_told_from_each_ancestor() {
        let rules = NameRules::default();
        let mut store = Store::new();
        let root = store.add_root();
        let a = store.add(
            Some((root, &rules)),
            "a".into(),
            folder(),
            Attributes::default(),
        );
        let b = store.add(
            Some((a, &rules)),
            "bb".into(),
            folder(),
            Attributes::default(),
        );
        let c = store.add(
            Some((b, &rules)),
            "c".into(),
            folder(),
            Attributes::default(),
        );
        let place = store.place(c).expect("c is there");
        assert_eq!(place.path(), "a/bb/c");
        assert_eq!(place.below(root), Some("a/bb/c"));
        assert_eq!(place.below(a), Some("bb/c"));
        assert_eq!(place.below(b), Some("c"));
        assert_eq!(place.below(c), Some(""));
        assert_eq!(place.below(99), None);
        assert_eq!(
            store.place(root).expect("the root is there").below(root),
            Some("")
        );
        assert_eq!(store.at(root, "a/bb/c", &rules), Some(c));
        assert_eq!(store.at(a, "bb/x", &rules), None);
    }

    #[test]
    fn used_bytes_follow_contents() {
        let rules = NameRules::default();
        let mut store = Store::new();
        let root = store.add_root();
        let body = file(Bytes::from_static(b"12345"), None);
        let id = store.add(
            Some((root, &rules)),
            "f".into(),
            body,
            Attributes::default(),
        );
        assert_eq!(store.used_bytes(), 5);
        store.set_content(id, Bytes::from_static(b"12"), None);
        assert_eq!(store.used_bytes(), 2);
        store.remove(id, &rules);
        assert_eq!(store.used_bytes(), 0);
        assert_eq!(store.at(root, "f", &rules), None);
    }
}
