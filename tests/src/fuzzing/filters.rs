//! Patterns of what takes no part, and paths that they are to judge.

use cloudsync::{Kind, SkipReason};
use cloudsync_cli::testing::Patterns;

use super::bytes::Bytes;

/// A few patterns and a path. A pattern makes sense by itself or not at all; the last one that matches
/// decides; what is in a folder that takes no part takes no part; and patterns of plain letters and stars
/// mean what a matcher of a few lines says.
pub fn filters(bytes: &[u8]) {
    let mut draw = Bytes::new(bytes);
    let patterns: Vec<String> = (0..draw.below(4)).map(|_| draw.text()).collect();
    let names: Vec<String> = (0..=draw.below(3)).map(|_| draw.text()).collect();
    let path = names.join("/");
    let path = &path
        .split('/')
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>()
        .join("/");
    if path.is_empty() {
        return;
    }
    let alone: Vec<_> = patterns
        .iter()
        .map(|pattern| Patterns::new(std::slice::from_ref(pattern)))
        .collect();
    let Ok(all) = Patterns::new(&patterns) else {
        assert!(alone.iter().any(Result::is_err), "{patterns:?}");
        return;
    };
    for kind in [Kind::File, Kind::Folder] {
        let mut last = false;
        for pattern in &patterns {
            let (takes_back, rest) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, pattern.as_str()),
            };
            let plain = Patterns::new(&[rest.to_owned()]);
            // With a second `!` it is one that takes back, for itself.
            if rest.starts_with('!') {
                return;
            }
            if plain.expect("it made sense").matches(path, kind) {
                last = !takes_back;
            }
        }
        assert_eq!(all.matches(path, kind), last, "{patterns:?} {path:?}");
    }
    let below = format!("{path}/x");
    for reason in [SkipReason::Special, SkipReason::Unreadable] {
        if all.matches(path, Kind::Folder) {
            assert!(all.covers(&below, reason), "{patterns:?} {below:?}");
        }
        if all.matches(path, Kind::File) || all.covers(path, SkipReason::Special) {
            assert!(all.covers(path, reason), "{patterns:?} {path:?}");
        }
    }
    for pattern in &patterns {
        naive(pattern, path);
    }
}

/// Compares one pattern with a matcher of a few lines, where it has nothing but letters, `?` and stars.
fn naive(pattern: &str, path: &str) {
    let is_plain =
        |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '?' | '*' | '/');
    let is_one = pattern.chars().all(is_plain)
        && !pattern.contains("//")
        && pattern
            .split('/')
            .all(|name| name == "**" || !name.contains("**"));
    if !is_one {
        return;
    }
    let given = Patterns::new(&[pattern.to_owned()]).expect("it made sense");
    let (only_folders, rest) = match pattern.strip_suffix('/') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let anchored = rest.contains('/');
    let mut names: Vec<&str> = rest.trim_start_matches('/').split('/').collect();
    if !anchored {
        names.insert(0, "**");
    }
    let path_names: Vec<&str> = path.split('/').collect();
    let expected = names_match(&names, &path_names);
    assert_eq!(
        given.matches(path, Kind::Folder),
        expected,
        "{pattern:?} {path:?}"
    );
    assert_eq!(given.matches(path, Kind::File), expected && !only_folders);
}

fn names_match(pattern: &[&str], path: &[&str]) -> bool {
    match pattern {
        [] => path.is_empty(),
        // At its end it stands for what is inside, not for the folder itself.
        ["**"] => !path.is_empty(),
        ["**", rest @ ..] => (0..=path.len()).any(|at| names_match(rest, &path[at..])),
        [name, rest @ ..] => path.split_first().is_some_and(|(first, below)| {
            name_matches(name.as_bytes(), first.as_bytes()) && names_match(rest, below)
        }),
    }
}

/// As git does: a `?` stands for a byte.
fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|at| name_matches(rest, &name[at..])),
        [b'?', rest @ ..] => !name.is_empty() && name_matches(rest, &name[1..]),
        [byte, rest @ ..] => name.first() == Some(byte) && name_matches(rest, &name[1..]),
    }
}
