//! The name of an object that is parked: out of the way for a moment, so that others can pass.
//!
//! Parking says nothing about where the object belongs: it counts as standing where it was agreed to
//! stand, and goes where the other side has it, or back.

use crate::record::EntryId;

const PREFIX: &str = ".cloudsync-parked-";

/// Returns the name under which an entry's object is parked: it tells the one that it had, or as much of that
/// as there is room for, so that it can have that again when nobody remembers whose it was.
pub(crate) fn parked_name(id: EntryId, name: &str, max_bytes: usize) -> String {
    let mark = format!("{PREFIX}{}-", id.0);
    let room = max_bytes.saturating_sub(mark.len());
    let name = &name[..name.floor_char_boundary(room)];
    format!("{mark}{name}")
}

/// Returns the name that a parked object had; of any other object its name.
pub(crate) fn name_before(parked: &str) -> &str {
    let Some(rest) = parked.strip_prefix(PREFIX) else {
        return parked;
    };
    match rest.split_once('-') {
        Some((_, name)) if !name.is_empty() => name,
        _ => rest,
    }
}

/// Returns true for the name of a parked object.
pub(crate) fn is_parked(name: &str) -> bool {
    name.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_name_tells_the_one_before() {
        for name in ["a", "a-b.txt", "-", ".cloudsync-staged", "\u{fc}"] {
            let parked = parked_name(EntryId(7), name, 255);
            assert!(is_parked(&parked));
            assert_eq!(name_before(&parked), name);
        }
        let long = "\u{fc}".repeat(127);
        let parked = parked_name(EntryId(u32::MAX), &long, 255);
        assert!(parked.len() <= 255 && long.starts_with(name_before(&parked)));
        assert!(!name_before(&parked).is_empty());
    }

    #[test]
    fn what_only_looks_parked_has_a_name_too() {
        for (name, before) in [
            (PREFIX, ""),
            (".cloudsync-parked-7", "7"),
            (".cloudsync-parked-7-", "7-"),
        ] {
            assert_eq!(name_before(name), before);
        }
    }
}
