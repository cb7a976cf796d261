//! Tables of the reference (P001, P037), and laws.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const UNIX: PathRules = PathRules {
    sep: '/',
    alt_sep: Some('\\'),
    case_sensitive: true,
    windows: false,
};
const FOLDING: PathRules = PathRules {
    case_sensitive: false,
    ..UNIX
};
const WINDOWS: PathRules = PathRules {
    sep: '\\',
    alt_sep: Some('/'),
    case_sensitive: false,
    windows: true,
};
const DRIVES: PathRules = PathRules {
    windows: true,
    ..UNIX
};
const PLAIN: PathRules = PathRules {
    alt_sep: None,
    ..UNIX
};

#[test]
fn p001_join() {
    let table: &[(PathRules, &[&str], &str)] = &[
        (UNIX, &[], "/"),
        (UNIX, &[""], "/"),
        (UNIX, &["/"], "/"),
        (UNIX, &["/", "", "//", "\\"], "/"),
        (UNIX, &["a"], "/a"),
        (UNIX, &["/a"], "/a"),
        (UNIX, &["a", "b"], "/a/b"),
        (UNIX, &["/a/", "/b/"], "/a/b"),
        (UNIX, &["a", "", "/", "b"], "/a/b"),
        (UNIX, &["", "/a"], "/a"),
        (UNIX, &["\\a\\b", "c\\"], "/a/b/c"),
        (UNIX, &["a", "\\b\\", "/c"], "/a/b/c"),
        (UNIX, &["//server/share", "a"], "//server/share/a"),
        (UNIX, &["\\\\server", "a"], "//server/a"),
        (UNIX, &["a", "//b"], "/a/b"),
        (UNIX, &["a//b", "c"], "/a//b/c"),
        (UNIX, &["c:", "a"], "/c:/a"),
        (DRIVES, &["c:", "a"], "c:/a"),
        (DRIVES, &["c:/", "/a"], "c:/a"),
        (DRIVES, &["c:\\a", "b"], "c:/a/b"),
        (DRIVES, &["c"], "/c"),
        (DRIVES, &["a", "c:"], "/a/c:"),
        (DRIVES, &["//server", "a"], "//server/a"),
        (WINDOWS, &["c:/", "a/b"], "c:\\a\\b"),
        (WINDOWS, &["/", "a"], "\\a"),
        (PLAIN, &["a\\b", "c"], "/a\\b/c"),
        (UNIX, &["ü:", "a"], "/ü:/a"),
    ];
    for (rules, parts, joined) in table {
        assert_eq!(rules.join(*parts), *joined, "{parts:?}");
    }
}

#[test]
fn p037_split() {
    for (rules, path, folder, name) in [
        (UNIX, "/a/b", "/a", "b"),
        (UNIX, "/a/b/", "/a", "b"),
        (UNIX, "\\a\\b", "/a", "b"),
        (UNIX, "/a", "/", "a"),
        (UNIX, "a", "", "a"),
        (UNIX, "a/b", "a", "b"),
        (UNIX, "", "", ""),
        (UNIX, "/", "/", ""),
        (UNIX, "//", "/", ""),
        (UNIX, "//server", "/", "server"),
        (UNIX, "/a//b", "/a/", "b"),
        (DRIVES, "c:/a", "c:", "a"),
        (WINDOWS, "c:/a/B", "c:\\a", "B"),
        (PLAIN, "/a\\b", "/", "a\\b"),
    ] {
        assert_eq!(
            rules.split(path),
            (folder.to_owned(), name.to_owned()),
            "{path:?}"
        );
        assert_eq!(rules.dirname(path), folder, "{path:?}");
        assert_eq!(rules.basename(path), name, "{path:?}");
    }
}

#[test]
fn p037_normalize_separators() {
    for (rules, path, normal) in [
        (UNIX, "", ""),
        (UNIX, "/", "/"),
        (UNIX, "\\", "/"),
        (UNIX, "///", "/"),
        (UNIX, "a", "a"),
        (UNIX, "a/", "a"),
        (UNIX, "/a//", "/a"),
        (UNIX, "/a//b", "/a//b"),
        (UNIX, "\\a/b\\", "/a/b"),
        (PLAIN, "\\a/b\\", "\\a/b\\"),
        (WINDOWS, "/a/b/", "\\a\\b"),
    ] {
        assert_eq!(rules.normalize_separators(path), normal, "{path:?}");
    }
}

#[test]
fn p037_normalize() {
    for (rules, path, compared, displayed) in [
        (UNIX, "", "/", "/"),
        (UNIX, "/", "/", "/"),
        (UNIX, "A//b\\\\C/", "/A/b/C", "/A/b/C"),
        (UNIX, "//Server/a", "/Server/a", "/Server/a"),
        (FOLDING, "", "/", "/"),
        (FOLDING, "/A/B/C", "/a/b/c", "/a/b/C"),
        (FOLDING, "\\A\\B\\", "/a/b", "/a/B"),
        (FOLDING, "ÄÖ/Ü", "/äö/ü", "/äö/Ü"),
        (WINDOWS, "C:/A//B", "c:\\a\\b", "c:\\a\\B"),
    ] {
        assert_eq!(
            rules.normalize(path, Purpose::Compare),
            compared,
            "{path:?}"
        );
        assert_eq!(
            rules.normalize(path, Purpose::Display),
            displayed,
            "{path:?}"
        );
    }
}

#[test]
fn p037_is_subpath() {
    for (rules, folder, target, rest) in [
        (UNIX, "/a", "/a/b", Some("/b")),
        (UNIX, "/a/", "/a/b/", Some("/b")),
        (UNIX, "\\a", "/a\\b/c", Some("/b/c")),
        (UNIX, "/a", "/a//b", Some("//b")),
        (UNIX, "/photos", "/photos-backup", None),
        (UNIX, "/photos", "/photos-backup/a", None),
        (UNIX, "/a", "/A/b", None),
        (UNIX, "/a/b", "/a", None),
        (UNIX, "/a", "/b/a", None),
        (UNIX, "/", "/a/B", Some("/a/B")),
        (UNIX, "/", "a", None),
        (UNIX, "a", "a/b", Some("/b")),
        (UNIX, "", "/a", None),
        (UNIX, "/a", "", None),
        (FOLDING, "/A", "/a/B", Some("/B")),
        (FOLDING, "/a/ẞ", "/A/ß/X", Some("/X")),
        // Lower case is longer than what was written.
        (FOLDING, "/İ", "/i̇/X", Some("/X")),
        (FOLDING, "/a", "/ab/c", None),
        (WINDOWS, "C:/", "c:\\A/b", Some("\\A\\b")),
    ] {
        for itself in [Itself::Counts, Itself::DoesNot] {
            let found = rules.subpath(folder, target, itself);
            assert_eq!(found.as_deref(), rest, "{folder:?} {target:?}");
            assert_eq!(rules.is_subpath(folder, target, itself), rest.is_some());
        }
    }
}

#[test]
fn p037_a_folder_counts_as_inside_itself_unless_asked_otherwise() {
    for (rules, folder, target) in [
        (UNIX, "/", "/"),
        (UNIX, "/a", "/a"),
        (UNIX, "/a", "/a/"),
        (UNIX, "/a/b", "\\a\\b"),
        (FOLDING, "/A", "/a"),
    ] {
        assert_eq!(
            rules.subpath(folder, target, Itself::Counts).as_deref(),
            Some("/")
        );
        assert_eq!(rules.subpath(folder, target, Itself::DoesNot), None);
    }
}

#[test]
fn p037_replace_path() {
    for (rules, path, from, to, moved) in [
        (UNIX, "/a/b", "/a", "/c", Some("/c/b")),
        (UNIX, "/a", "/a", "/c", Some("/c")),
        (UNIX, "/a/", "/a", "/c/", Some("/c")),
        (UNIX, "/a/b", "/a", "/", Some("/b")),
        (UNIX, "/a/b", "/", "/c", Some("/c/a/b")),
        (UNIX, "/", "/", "/c", Some("/c")),
        (FOLDING, "/A/B", "/a", "/c", Some("/c/B")),
        (UNIX, "/A/B", "/a", "/c", None),
        (UNIX, "/ab", "/a", "/c", None),
        (UNIX, "/a", "/a/b", "/c", None),
    ] {
        let found = rules.replace_path(path, from, to);
        assert_eq!(found.ok().as_deref(), moved, "{path:?}: {from:?} to {to:?}");
    }
    let error = UNIX.replace_path("/x", "/a", "/b").expect_err("not inside");
    assert_eq!(error.to_string(), "/x is not in /a");
}

#[test]
fn p037_paths_match() {
    for (rules, a, b, compared, displayed) in [
        (UNIX, None, None, true, true),
        (UNIX, None, Some("/"), false, false),
        (UNIX, Some(""), None, false, false),
        (UNIX, Some("/a"), Some("a/"), true, true),
        (UNIX, Some("/a/b"), Some("\\a\\\\b"), true, true),
        (UNIX, Some("/a"), Some("/A"), false, false),
        (FOLDING, Some("/a/b"), Some("/A/b"), true, true),
        (FOLDING, Some("/a/b"), Some("/a/B"), true, false),
        (FOLDING, Some("/a"), Some("/b"), false, false),
    ] {
        assert_eq!(
            rules.paths_match(a, b, Purpose::Compare),
            compared,
            "{a:?} {b:?}"
        );
        assert_eq!(
            rules.paths_match(b, a, Purpose::Display),
            displayed,
            "{a:?} {b:?}"
        );
    }
}

fn rules() -> impl Strategy<Value = PathRules> {
    prop::sample::select(vec![UNIX, FOLDING, WINDOWS, DRIVES, PLAIN])
}

proptest! {
    #[test]
    fn nothing_panics(rules in rules(), a in "[/\\\\aAİß:]{0,6}", b in "[/\\\\aAİß:]{0,6}") {
        rules.split(&a);
        let once = rules.normalize(&a, Purpose::Compare);
        prop_assert_eq!(&rules.normalize(&once, Purpose::Compare), &once);
        rules.subpath(&a, &b, Itself::Counts);
        let _ = rules.replace_path(&a, &b, &a);
    }

    #[test]
    fn split_undoes_join(rules in rules(), names in vec("[a-cA-C]{1,3}", 1..4)) {
        let joined = rules.join(&names);
        let (folder, name) = rules.split(&joined);
        prop_assert_eq!(&name, &names[names.len() - 1]);
        prop_assert_eq!(&folder, &rules.join(&names[..names.len() - 1]));
        prop_assert_eq!(rules.join([folder, name]), joined);
    }

    #[test]
    fn joined_is_inside_and_moves_back(
        rules in rules(),
        from in vec("[a-b]{1,2}", 0..3),
        to in vec("[a-b]{1,2}", 0..3),
        rest in vec("[a-b]{1,2}", 1..3),
    ) {
        let path = rules.join([rules.join(&from), rules.join(&rest)]);
        let (from, to) = (rules.join(&from), rules.join(&to));
        prop_assert_eq!(rules.subpath(&from, &path, Itself::DoesNot), Some(rules.join(&rest)));
        let moved = rules.replace_path(&path, &from, &to).expect("inside");
        prop_assert_eq!(rules.replace_path(&moved, &to, &from), Ok(path));
    }
}
