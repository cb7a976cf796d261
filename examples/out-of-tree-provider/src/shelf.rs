//! The storage: paths and what stands there. Every method holds the lock from its check to its change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use cloudsync_provider::{Attributes, ErrorKind, Kind, Observed, Oid, Tag};

/// A storage that clients share. Clones are the same shelf.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Arc<Mutex<Items>>);

/// What stands at which path, without a slash at the ends. The top folder, `""`, is always there.
#[derive(Debug, Default)]
pub(crate) struct Items {
    items: BTreeMap<String, Item>,
    /// Counts up with each change of a file, so that no two states have the same tag.
    revision: u64,
}

#[derive(Debug)]
enum Item {
    Folder,
    File { content: Bytes, revision: u64 },
}

impl Shelf {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items {
    pub(crate) fn kind(&self, path: &str) -> Option<Kind> {
        match self.items.get(path) {
            _ if path.is_empty() => Some(Kind::Folder),
            None => None,
            Some(Item::Folder) => Some(Kind::Folder),
            Some(Item::File { .. }) => Some(Kind::File),
        }
    }

    pub(crate) fn observe(&self, path: &str) -> Option<Observed> {
        let kind = self.kind(path)?;
        let (size, tag) = match self.items.get(path) {
            Some(Item::File { content, revision }) => (content.len() as u64, revision.to_string()),
            _ => (0, String::new()),
        };
        Some(Observed {
            oid: Oid::new(path),
            kind,
            tag: Tag::new(tag),
            size,
            attributes: Attributes::default(),
            hash: None,
            racy: false,
        })
    }

    /// What is in a folder: names and paths.
    pub(crate) fn children(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        let start = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let below = self
            .items
            .range(start.clone()..)
            .map(|(path, _)| path.as_str());
        let below = below.map_while(move |path| Some((path.strip_prefix(&start)?, path)));
        below.filter(|(name, _)| !name.contains('/'))
    }

    pub(crate) fn content(&self, path: &str) -> Option<&Bytes> {
        match self.items.get(path)? {
            Item::File { content, .. } => Some(content),
            Item::Folder => None,
        }
    }

    pub(crate) fn put_file(&mut self, path: &str, content: Bytes) {
        self.revision += 1;
        let revision = self.revision;
        self.items
            .insert(path.to_owned(), Item::File { content, revision });
    }

    pub(crate) fn put_folder(&mut self, path: &str) {
        self.items.insert(path.to_owned(), Item::Folder);
    }

    /// Makes a folder with those above it.
    pub(crate) fn put_folders(&mut self, path: &str) -> Result<(), ErrorKind> {
        let mut ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        ends.push(path.len());
        for part in ends.into_iter().map(|end| &path[..end]) {
            match self.kind(part) {
                None => self.put_folder(part),
                Some(Kind::Folder) => {}
                Some(Kind::File) => return Err(ErrorKind::RootMissing),
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.items.remove(path);
    }

    /// Moves a file.
    pub(crate) fn relocate(&mut self, from: &str, to: &str) {
        if let Some(item) = self.items.remove(from) {
            self.items.insert(to.to_owned(), item);
        }
    }
}
