//! How a provider writes its paths: its separators, its case, drive letters; and sums with such paths.
//!
//! These are absolute paths as people and providers write them (`/a/b`, `C:\a`, `//server/share`).
//! Inside a pair only relative paths are used, see [`super`].

use std::borrow::Cow;

use thiserror::Error;

/// How a provider writes its paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathRules {
    /// Stands between two names.
    pub sep: char,
    /// Is read as `sep` too.
    pub alt_sep: Option<char>,
    /// If true, `/a` and `/A` are two paths. If false, they are one.
    pub case_sensitive: bool,
    /// If true, a path may start with a drive (`c:`), which takes no separator in front of it.
    pub windows: bool,
}

impl Default for PathRules {
    /// A slash, a backslash read as one, and case matters.
    fn default() -> Self {
        Self {
            sep: '/',
            alt_sep: Some('\\'),
            case_sensitive: true,
            windows: false,
        }
    }
}

/// Whether a folder counts as inside itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Itself {
    /// It does.
    Counts,
    /// It does not: only what is really below does.
    DoesNot,
}

/// What a normalized path is for. Where case matters, there is no difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To compare: all in lower case.
    Compare,
    /// To show: the last name keeps its case.
    Display,
}

/// A path was to be moved along with a folder that it is not in.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{path} is not in {folder}")]
pub struct NotInside {
    /// The path.
    pub path: String,
    /// The folder.
    pub folder: String,
}

impl PathRules {
    /// Joins the parts to one absolute path. Empty parts and lone separators are skipped; separators
    /// at the end of a part are dropped, and so are those at its start, except for the first part's
    /// (`//server`). Nothing left: the root.
    pub fn join<P: AsRef<str>>(&self, parts: impl IntoIterator<Item = P>) -> String {
        let mut joined = String::new();
        for part in parts {
            let part = self.normalize_separators(part.as_ref());
            let name = part.trim_start_matches(self.sep);
            if name.is_empty() {
                continue;
            }
            if !joined.is_empty() {
                joined.push(self.sep);
                joined.push_str(name);
            } else if part.starts_with(self.sep) || self.has_drive(&part) {
                joined.push_str(&part);
            } else {
                joined.push(self.sep);
                joined.push_str(&part);
            }
        }
        if joined.is_empty() {
            joined.push(self.sep);
        }
        joined
    }

    /// Splits a path into its folder and its last name: `/a/b` into `/a` and `b`, `/a` into `/` and
    /// `a`, `a` into nothing and `a`.
    pub fn split(&self, path: &str) -> (String, String) {
        let path = self.normalize_separators(path);
        match path.rfind(self.sep) {
            None => (String::new(), path.into_owned()),
            Some(at) => {
                let name = path[at + self.sep.len_utf8()..].to_owned();
                let folder = if at == 0 {
                    self.root()
                } else {
                    path[..at].to_owned()
                };
                (folder, name)
            }
        }
    }

    /// Returns the folder of a path, as [`Self::split`] does.
    pub fn dirname(&self, path: &str) -> String {
        self.split(path).0
    }

    /// Returns the last name of a path, as [`Self::split`] does.
    pub fn basename(&self, path: &str) -> String {
        self.split(path).1
    }

    /// Writes `sep` for `alt_sep` and drops separators at the end, but not the root's. Doubled
    /// separators inside are kept.
    pub fn normalize_separators<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let path = match self.alt_sep {
            Some(alt_sep) if path.contains(alt_sep) => {
                Cow::Owned(path.replace(alt_sep, self.sep.encode_utf8(&mut [0; 4])))
            }
            _ => Cow::Borrowed(path),
        };
        let mut end = path.trim_end_matches(self.sep).len();
        if end == 0 && !path.is_empty() {
            end = self.sep.len_utf8();
        }
        match path {
            Cow::Borrowed(path) => Cow::Borrowed(&path[..end]),
            Cow::Owned(mut path) => {
                path.truncate(end);
                Cow::Owned(path)
            }
        }
    }

    /// Returns the one way to write a path: absolute, no doubled separators, and in lower case where
    /// case does not matter.
    pub fn normalize(&self, path: &str, purpose: Purpose) -> String {
        let path = self.normalize_separators(path);
        let joined = self.join(path.split(self.sep));
        match purpose {
            _ if self.case_sensitive => joined,
            Purpose::Compare => joined.to_lowercase(),
            Purpose::Display => {
                let (folder, name) = self.split(&joined);
                self.join([folder.to_lowercase(), name])
            }
        }
    }

    /// Returns what is left of `target` as seen from `folder`: it starts with a separator, and its
    /// case is kept. The folder itself gives a lone separator, the root the whole of `target`.
    /// `None`: it is not inside, or one of the two is empty.
    pub fn subpath(&self, folder: &str, target: &str, itself: Itself) -> Option<String> {
        if folder.is_empty() || target.is_empty() {
            return None;
        }
        let folder = self.normalize_separators(folder);
        let target = self.normalize_separators(target);
        if self.same(&folder, &target) {
            return (itself == Itself::Counts).then(|| self.root());
        }
        if folder == self.root() {
            return target.starts_with(self.sep).then(|| target.into_owned());
        }
        // Name by name: a prefix of the string could end within a name, and lower case may be longer.
        let names = folder.split(self.sep).count();
        let (end, _) = target.match_indices(self.sep).nth(names - 1)?;
        self.same(&folder, &target[..end])
            .then(|| target[end..].to_owned())
    }

    /// Returns true if `target` is inside `folder`.
    pub fn is_subpath(&self, folder: &str, target: &str, itself: Itself) -> bool {
        self.subpath(folder, target, itself).is_some()
    }

    /// Returns where `path` is after the folder `from` was moved to `to`.
    ///
    /// # Errors
    /// [`NotInside`] if `path` is not `from`, nor inside it.
    pub fn replace_path(&self, path: &str, from: &str, to: &str) -> Result<String, NotInside> {
        let rest = self
            .subpath(from, path, Itself::Counts)
            .ok_or_else(|| NotInside {
                path: path.to_owned(),
                folder: from.to_owned(),
            })?;
        let to = self.normalize_separators(to);
        Ok(match (rest == self.root(), to == self.root()) {
            (true, _) => to.into_owned(),
            (false, true) => rest,
            (false, false) => format!("{to}{rest}"),
        })
    }

    /// Returns true if both write the same path, or neither is known.
    pub fn paths_match(&self, a: Option<&str>, b: Option<&str>, purpose: Purpose) -> bool {
        match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => self.normalize(a, purpose) == self.normalize(b, purpose),
            _ => false,
        }
    }

    fn root(&self) -> String {
        self.sep.to_string()
    }

    fn same(&self, a: &str, b: &str) -> bool {
        a == b || (!self.case_sensitive && a.to_lowercase() == b.to_lowercase())
    }

    fn has_drive(&self, part: &str) -> bool {
        let mut bytes = part.bytes();
        self.windows
            && bytes
                .next()
                .is_some_and(|letter| letter.is_ascii_alphabetic())
            && bytes.next() == Some(b':')
    }
}

#[cfg(test)]
mod tests;
