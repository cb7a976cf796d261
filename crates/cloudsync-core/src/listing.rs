//! The answer to "what is in this folder?".

use crate::object::{ObjectRef, Observed};

/// Why an object is reported but not looked at any further.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// Another file system is mounted there.
    MountPoint,
    /// The name is not valid UTF-8; what is shown of it is not the name.
    NameNotUtf8,
    /// A pipe, socket or device.
    Special,
    /// A symbolic link. Links are not followed, and not carried over.
    Symlink,
    /// No permission, or an error while looking.
    Unreadable,
}

/// An object that was met and is left alone: neither read nor changed, and its place is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Its name, for showing; lossy where the name is not UTF-8.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Whether a listing has all of a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// All of it: whatever is not in it is not in the folder.
    Complete,
    /// A page, or what came before an error: says nothing of what is not in it.
    Partial,
}

/// One folder, or a page of it. The names lie in one buffer, the entries behind one another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// The folder.
    pub folder: ObjectRef,
    /// Whether it is all of the folder.
    pub end: End,
    /// Objects that were met and left alone.
    pub skipped: Vec<Skipped>,
    names: String,
    entries: Vec<(u32, Observed)>,
}

impl Listing {
    /// Starts a listing that has nothing in it and is not complete.
    pub fn new(folder: ObjectRef) -> Self {
        Self {
            folder,
            end: End::Partial,
            skipped: Vec::new(),
            names: String::new(),
            entries: Vec::new(),
        }
    }

    /// Adds an object of the folder.
    ///
    /// # Panics
    /// If the names of one folder take more than 4 GiB.
    pub fn push(&mut self, name: &str, observed: Observed) {
        self.names.push_str(name);
        let end = u32::try_from(self.names.len()).expect("names of one folder under 4 GiB");
        self.entries.push((end, observed));
    }

    /// Marks the listing as all of the folder.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.end = End::Complete;
        self
    }

    /// Returns how many objects it has, without the skipped ones.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if it has no object.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the objects, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Observed)> {
        let mut start = 0;
        self.entries.iter().map(move |(end, observed)| {
            let end = *end as usize;
            let name = &self.names[start..end];
            start = end;
            (name, observed)
        })
    }
}

/// The answer to a look at one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The object; `None` where something is there that is left alone (a link, a pipe).
    pub observed: Option<Observed>,
    /// The folder it is in, if it was found by id and the provider knows; `None`: the one asked for.
    pub folder: Option<crate::object::Oid>,
    /// Its name now, as the side writes it.
    pub name: String,
}
