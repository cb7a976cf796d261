//! A provider's hint that something changed. Never a fact: the engine asks before it believes.

use serde::{Deserialize, Serialize};

use crate::object::Oid;
use crate::small::SmallBytes;

/// Where we are in a side's stream of events, opaque.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Cursor(SmallBytes);

impl Cursor {
    /// Makes a cursor from the provider's bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(SmallBytes::new(bytes.as_ref()))
    }

    /// Returns the provider's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// A hint. It may come late, twice, in any order, or for objects that nobody knows.
///
/// A feed that names objects by their paths alone tells of a folder that was moved as `Changed` at both
/// places, and as `Lost` where it stands now: what happened in it meanwhile was told by paths that it no
/// longer has, and where it is back at its old place, nothing else says that it was away.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Event {
    /// This object changed, came, or went. At least one of the two is given.
    Changed {
        /// Its id, if the feed tells it.
        oid: Option<Oid>,
        /// Its path relative to the root, as far as the feed knows it.
        path: Option<String>,
    },
    /// Something below this folder changed (path relative to the root, `""` for all): events were
    /// lost there, or told by other paths. The folder is walked.
    Lost {
        /// The folder.
        path: String,
    },
}
