//! Users who never fail, and what was done on a side.

use std::collections::BTreeMap;

use cloudsync::provider::mock::{Node, User};

/// A user on one side, who never fails: what goes wrong ends the test.
#[derive(Debug)]
pub struct Hand(pub User);

impl Hand {
    /// Writes a file, with the folders above it.
    #[track_caller]
    pub fn write(&self, path: &str, content: &str) {
        self.0.write(path, content.to_owned()).expect(path);
    }

    /// Makes a folder, with those above it.
    #[track_caller]
    pub fn mkdir(&self, path: &str) {
        self.0.mkdir(path).expect(path);
    }

    /// Renames or moves.
    #[track_caller]
    pub fn rename(&self, from: &str, to: &str) {
        self.0.rename(from, to).expect(from);
    }

    /// Renames over another file.
    #[track_caller]
    pub fn replace(&self, from: &str, to: &str) {
        self.0.replace(from, to).expect(from);
    }

    /// Deletes, with all that is in it.
    #[track_caller]
    pub fn delete(&self, path: &str) {
        self.0.delete(path).expect(path);
    }

    /// Gives a file another time.
    #[track_caller]
    pub fn touch(&self, path: &str) {
        self.0.touch(path).expect(path);
    }

    /// Returns the content of a file.
    pub fn read(&self, path: &str) -> Option<String> {
        let bytes = self.0.read(path)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns whether anything is there.
    pub fn exists(&self, path: &str) -> bool {
        self.0.exists(path)
    }

    /// Returns all paths, with the content of files; folders are `/`.
    pub fn tree(&self) -> BTreeMap<String, String> {
        let show = |node| match node {
            Node::File(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Node::Folder => "/".to_owned(),
            Node::Skipped(reason) => format!("{reason:?}"),
        };
        self.0
            .tree()
            .into_iter()
            .map(|(path, node)| (path, show(node)))
            .collect()
    }
}

/// How often something was done on one side. Attributes are not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Did {
    /// Files written.
    pub copied: usize,
    /// Folders made.
    pub folders: usize,
    /// Objects renamed or moved.
    pub renamed: usize,
    /// Objects deleted.
    pub deleted: usize,
}

impl Did {
    /// Nothing.
    pub const NOTHING: Did = Did {
        copied: 0,
        folders: 0,
        renamed: 0,
        deleted: 0,
    };

    /// Only so many files written.
    pub fn copies(copied: usize) -> Self {
        Did {
            copied,
            ..Did::NOTHING
        }
    }

    /// Only so many folders made.
    pub fn folders(folders: usize) -> Self {
        Did {
            folders,
            ..Did::NOTHING
        }
    }

    /// Only so many renames.
    pub fn renames(renamed: usize) -> Self {
        Did {
            renamed,
            ..Did::NOTHING
        }
    }

    /// Only so many deletions.
    pub fn deletions(deleted: usize) -> Self {
        Did {
            deleted,
            ..Did::NOTHING
        }
    }
}
