//! What a change expects to find. Every change states it, and does nothing if it is not so.

use serde::{Deserialize, Serialize};

use crate::object::{Oid, Tag};

/// What has to be at a place, or with an object, for a change to happen.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Expect {
    /// Nothing stands at the target's name.
    Free,
    /// This object stands there, with this tag: no change since we looked.
    Unchanged {
        /// Its id; `None` on sides whose identity is the path.
        oid: Option<Oid>,
        /// Its tag.
        tag: Tag,
    },
}
