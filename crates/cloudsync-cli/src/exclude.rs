//! What takes no part, by patterns as in a `.gitignore` file.
//!
//! A pattern without a slash is for a name at any depth; with one at its start or within, it is for a
//! path from the root. A slash at its end: folders only. `*`, `?` and `[…]` stay within a name, `**`
//! does not. With `!` in front a pattern takes back what an earlier one left out. The last one that
//! matches decides. What is in a folder that takes no part takes no part.

use cloudsync::{Kind, SkipReason};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns of what takes no part.
#[derive(Clone, Debug)]
pub(crate) struct Exclude {
    given: Vec<String>,
    globs: GlobSet,
    rules: Vec<Rule>,
}

/// What a pattern says, besides its glob.
#[derive(Clone, Copy, Debug)]
struct Rule {
    takes_back: bool,
    only_folders: bool,
}

impl Exclude {
    /// Reads patterns.
    ///
    /// # Errors
    /// A line for people, for one that makes no sense.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, String> {
        let mut globs = GlobSetBuilder::new();
        let mut rules = Vec::new();
        for pattern in patterns {
            let (takes_back, rest) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, pattern.as_str()),
            };
            let (only_folders, rest) = match rest.strip_suffix('/') {
                Some(rest) => (true, rest),
                None => (false, rest),
            };
            let is_anchored = rest.contains('/');
            let rest = rest.strip_prefix('/').unwrap_or(rest);
            if rest.is_empty() {
                return Err(format!("the pattern `{pattern}` names nothing"));
            }
            let whole = if is_anchored {
                rest.to_owned()
            } else {
                format!("**/{rest}")
            };
            let glob = GlobBuilder::new(&whole)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| format!("the pattern `{pattern}`: {}", error.kind()))?;
            globs.add(glob);
            rules.push(Rule {
                takes_back,
                only_folders,
            });
        }
        let globs = globs.build().map_err(|error| error.to_string())?;
        Ok(Self {
            given: patterns.to_vec(),
            globs,
            rules,
        })
    }

    /// Returns true without any pattern.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Names the patterns: other ones, another name.
    pub(crate) fn id(&self) -> String {
        // Version of what a pattern means, then the patterns, which have no line breaks unescaped.
        format!("exclude-1 {:?}", self.given)
    }

    /// Returns whether an object takes no part, by itself: its folder does.
    pub(crate) fn matches(&self, path: &str, kind: Kind) -> bool {
        if self.is_empty() {
            return false;
        }
        let matching = self.globs.matches(path);
        let last = matching
            .into_iter()
            .filter(|&at| kind == Kind::Folder || !self.rules[at].only_folders)
            .max();
        last.is_some_and(|at| !self.rules[at].takes_back)
    }

    /// Returns whether something that was met and left alone takes no part anyway.
    pub(crate) fn covers(&self, path: &str, reason: SkipReason) -> bool {
        if self.is_empty() {
            return false;
        }
        let in_excluded = path
            .match_indices('/')
            .any(|(at, _)| self.matches(&path[..at], Kind::Folder));
        let may_be_folder = matches!(
            reason,
            SkipReason::MountPoint | SkipReason::NameNotUtf8 | SkipReason::Unreadable
        );
        in_excluded
            || self.matches(path, Kind::File)
            || (may_be_folder && self.matches(path, Kind::Folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclude(patterns: &[&str]) -> Exclude {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        Exclude::new(&patterns).unwrap()
    }

    #[test]
    fn patterns_mean_what_they_mean_in_gitignore() {
        let (file, folder) = (Kind::File, Kind::Folder);
        for (pattern, path, kind, expected) in [
            ("*.tmp", "a.tmp", file, true),
            ("*.tmp", "x/y/a.tmp", file, true),
            ("*.tmp", "x/a.tmp/b", file, false),
            ("*.tmp", "a.tmpx", file, false),
            ("/a", "a", file, true),
            ("/a", "x/a", file, false),
            ("x/a", "x/a", file, true),
            ("x/a", "y/x/a", file, false),
            ("x/*", "x/a", file, true),
            ("x/*", "x/a/b", file, false),
            ("x/**", "x/a/b", file, true),
            ("x/**", "x", folder, false),
            ("**/a/b", "x/y/a/b", file, true),
            ("a/**/b", "a/b", file, true),
            ("a/**/b", "a/x/y/b", file, true),
            (".git/", "x/.git", folder, true),
            (".git/", "x/.git", file, false),
            ("/build/", "build", folder, true),
            ("/build/", "x/build", folder, false),
            ("[ab]?", "a1", file, true),
            ("\\*", "*", file, true),
            ("\\*", "a", file, false),
            ("\\!a", "!a", file, true),
            ("a*b", "a\nb", file, true),
            ("ä", "x/ä", file, true),
        ] {
            let is = exclude(&[pattern]).matches(path, kind);
            assert_eq!(is, expected, "{pattern} {path} {kind:?}");
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let patterns = exclude(&["*.log", "!keep.log", "keep.log/"]);
        assert!(patterns.matches("a.log", Kind::File));
        assert!(!patterns.matches("x/keep.log", Kind::File));
        assert!(patterns.matches("x/keep.log", Kind::Folder));
        assert!(!exclude(&[]).matches("a", Kind::File));
    }

    #[test]
    fn other_patterns_have_another_name() {
        let ids = [
            exclude(&["a", "b"]).id(),
            exclude(&["b", "a"]).id(),
            exclude(&["a\", \"b"]).id(),
            exclude(&["a"]).id(),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(exclude(&["a"]).id(), ids[3]);
    }

    #[test]
    fn patterns_without_sense_are_refused() {
        for wrong in ["", "/", "!", "!/", "[a", "a[z-a]"] {
            assert!(Exclude::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_left_alone_in_an_excluded_folder_is_excluded() {
        let patterns = exclude(&["cache/", "*.sock"]);
        assert!(patterns.covers("x/cache/pipe", SkipReason::Special));
        assert!(patterns.covers("a.sock", SkipReason::Special));
        assert!(patterns.covers("cache", SkipReason::Unreadable));
        assert!(!patterns.covers("cache", SkipReason::Special));
        assert!(!patterns.covers("x/pipe", SkipReason::Special));
    }
}
