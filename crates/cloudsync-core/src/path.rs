//! Paths inside a pair: `/`-separated, relative to the root, no slash at either end; the root is `""`.
//!
//! What is below what is told by whole components, never by a string's prefix: `photos-backup` is not
//! below `photos`. The paths that a provider speaks, with a separator and a case of their own, are in
//! [`rules`].

pub mod rules;

/// The separator of paths inside a pair.
pub const SEPARATOR: char = '/';

/// Returns the names on the way from the root to `path`, outermost first; none for the root.
pub fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(SEPARATOR).filter(|name| !name.is_empty())
}

/// Returns the path of the folder that holds `path`; `None` for the root.
pub fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rsplit_once(SEPARATOR).map_or("", |(parent, _)| parent))
}

/// Returns the last name of `path`; `""` for the root.
pub fn leaf(path: &str) -> &str {
    path.rsplit_once(SEPARATOR).map_or(path, |(_, leaf)| leaf)
}

/// Returns the path of `below` (a name or a relative path) inside `folder`. Either may be `""`.
pub fn join_relative(folder: &str, below: &str) -> String {
    match (folder.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}{SEPARATOR}{below}"),
    }
}

/// Returns `path` as seen from `folder`: `""` if it is `folder` itself, `None` if it is not in it.
pub fn relative_to<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix(SEPARATOR)
    }
}

/// Returns true if `path` is inside `folder`, at any depth, and not `folder` itself.
pub fn is_below(path: &str, folder: &str) -> bool {
    relative_to(path, folder).is_some_and(|rest| !rest.is_empty())
}

/// Returns true if `path` is `folder` or inside it.
pub fn is_at_or_below(path: &str, folder: &str) -> bool {
    relative_to(path, folder).is_some()
}

/// Returns where `path` is after `from` was moved to `to`; `None` if `path` is not in `from`.
pub fn moved_with(path: &str, from: &str, to: &str) -> Option<String> {
    relative_to(path, from).map(|rest| join_relative(to, rest))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_comes_apart() {
        for (path, names, above, last) in [
            ("", vec![], None, ""),
            ("a", vec!["a"], Some(""), "a"),
            ("a/b", vec!["a", "b"], Some("a"), "b"),
            ("a/b.c/ü d", vec!["a", "b.c", "ü d"], Some("a/b.c"), "ü d"),
        ] {
            assert_eq!(
                components(path).collect::<Vec<_>>(),
                names,
                "components of {path:?}"
            );
            assert_eq!(parent(path), above, "parent of {path:?}");
            assert_eq!(leaf(path), last, "leaf of {path:?}");
        }
    }

    #[test]
    fn joining_with_nothing_changes_nothing() {
        assert_eq!(join_relative("", ""), "");
        assert_eq!(join_relative("", "a/b"), "a/b");
        assert_eq!(join_relative("a/b", ""), "a/b");
        assert_eq!(join_relative("a", "b/c"), "a/b/c");
    }

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_below() {
        for (path, folder, rest) in [
            ("photos", "photos", Some("")),
            ("photos/a", "photos", Some("a")),
            ("photos/a/b", "photos", Some("a/b")),
            ("photos-backup", "photos", None),
            ("photos-backup/a", "photos", None),
            ("photos", "photos-backup", None),
            ("photos", "photos/a", None),
            ("a/photos", "photos", None),
            ("Photos/a", "photos", None),
            ("", "photos", None),
            ("photos", "", Some("photos")),
            ("", "", Some("")),
        ] {
            assert_eq!(relative_to(path, folder), rest, "{path:?} from {folder:?}");
            assert_eq!(is_at_or_below(path, folder), rest.is_some());
            assert_eq!(
                is_below(path, folder),
                rest.is_some_and(|rest| !rest.is_empty())
            );
        }
    }

    #[test]
    fn what_is_inside_moves_along() {
        for (path, from, to, moved) in [
            ("a", "a", "b", Some("b")),
            ("a/x", "a", "b/c", Some("b/c/x")),
            ("a/x", "a", "", Some("x")),
            ("x", "", "a", Some("a/x")),
            ("ab/x", "a", "b", None),
        ] {
            assert_eq!(
                moved_with(path, from, to).as_deref(),
                moved,
                "{path:?}: {from:?} to {to:?}"
            );
        }
    }

    fn names(min: usize) -> impl Strategy<Value = Vec<String>> {
        vec("[ab]{1,2}", min..4)
    }

    proptest! {
        #[test]
        fn components_make_the_path_again(names in names(0)) {
            let path = names.join("/");
            prop_assert_eq!(components(&path).collect::<Vec<_>>(), names);
            if let Some(above) = parent(&path) {
                prop_assert_eq!(join_relative(above, leaf(&path)), path);
            }
        }

        #[test]
        fn below_is_a_matter_of_components(path in names(0), folder in names(0)) {
            let below = path.len() > folder.len() && path[..folder.len()] == folder[..];
            prop_assert_eq!(is_below(&path.join("/"), &folder.join("/")), below);
        }

        #[test]
        fn moving_there_and_back_is_nothing(from in names(0), to in names(0), rest in names(0)) {
            let (from, to) = (from.join("/"), to.join("/"));
            let path = join_relative(&from, &rest.join("/"));
            let moved = moved_with(&path, &from, &to).expect("it is inside");
            prop_assert!(is_at_or_below(&moved, &to));
            prop_assert_eq!(moved_with(&moved, &to, &from), Some(path));
        }
    }
}
