//! Names: which ones are refused, and how a path is split.

use crate::{ErrorKind, Result};

use super::failure::refused;
use super::own;

/// Refuses names that no folder can hold, and those that are ours.
pub(super) fn check_name(operation: &'static str, name: &str) -> Result<()> {
    let detail = match name {
        "" => "empty",
        "." | ".." => "it means a folder",
        _ if name.contains(['/', '\0']) => "a slash or a NUL",
        _ if name.len() > MAX_BYTES => "too long",
        _ if own::is_own(name.as_bytes()) => "names like this are cloudsync's own",
        _ => return Ok(()),
    };
    Err(refused(ErrorKind::NameRejected, operation, name).with_detail(detail))
}

/// Longest name of any file system here, in bytes.
pub(super) const MAX_BYTES: usize = 255;

/// Refuses paths that could leave the root.
pub(super) fn check_path(operation: &'static str, path: &str) -> Result<()> {
    if path.is_empty() {
        Ok(())
    } else {
        path.split('/').try_for_each(|n| check_name(operation, n))
    }
}

/// Splits a path that is not the root into the folder's path and the name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns the path of `name` in the folder `folder`.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Returns true if `path` is `ancestor` or lies below it.
pub(super) fn is_within(path: &str, ancestor: &str) -> bool {
    ancestor.is_empty()
        || path
            .strip_prefix(ancestor)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns at most the first `bytes` bytes, not splitting a character.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_refused() {
        let long = "x".repeat(256);
        for name in ["", ".", "..", "a/b", "a\0b", &long, ".cloudsync-staged-c-1"] {
            let error = check_name("write", name).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::NameRejected);
        }
        for name in ["a", "...", ".cloudsync", &long[1..], "con.txt", "ö "] {
            check_name("write", name).expect(name);
        }
        assert!(check_path("write", "").is_ok());
        for path in ["/a", "a/", "a//b", "a/../b"] {
            assert!(check_path("write", path).is_err(), "{path}");
        }
    }

    #[test]
    fn within_goes_by_components() {
        assert!(is_within("a/b", "a") && is_within("a", "a") && is_within("a", ""));
        assert!(!is_within("photos-backup", "photos") && !is_within("a", "a/b"));
    }
}
