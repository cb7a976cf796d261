//! Finds and reads the Rust files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root of the workspace, `/`-separated.
    pub(crate) path: String,
    /// The content.
    pub(crate) text: String,
}

/// Reads all Rust files below the folder `below`, sorted by path.
pub(crate) fn read(root: &Path, below: &str) -> Result<Vec<Source>> {
    let mut folders = vec![root.join(below)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let listing = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in listing {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(Source {
                    path: relative(root, &path)?,
                    text: fs::read_to_string(&path)?,
                });
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let parts: PathBuf = path.strip_prefix(root)?.to_owned();
    Ok(parts
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/"))
}

impl Source {
    /// Returns true for files that hold nothing but tests.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| part == "tests" || part == "tests.rs")
    }

    /// Returns the lines with their numbers, counted from 1, up to the tests at the end.
    pub(crate) fn own_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("\n#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .zip(1..)
            .map(|(line, number)| (number, line))
    }
}

/// Returns a line without its comment. A `//` in a string ends it too: good enough for words that no
/// string here holds.
pub(crate) fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_at_the_end_are_not_own_lines() {
        let text = "//! Head.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let source = Source {
            path: "a.rs".into(),
            text: text.into(),
        };
        assert_eq!(source.own_lines().last(), Some((2, "fn a() {}")));
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(code("let a = 1; // std::fs"), "let a = 1; ");
        assert_eq!(code("/// std::fs"), "");
    }
}
