//! The name of an object that is parked: out of the way for a moment, so that others can pass.
//!
//! Parking says nothing about where the object belongs: it counts as standing where it was agreed to
//! stand, and goes where the other side has it, or back.

use crate::record::EntryId;

const PREFIX: &str = ".cloudsync-parked-";

/// Returns the name under which an entry's object is parked.
pub(crate) fn parked_name(id: EntryId) -> String {
    format!("{PREFIX}{}", id.0)
}

/// Returns true for the name of a parked object.
pub(crate) fn is_parked(name: &str) -> bool {
    name.starts_with(PREFIX)
}
