//! Makes sure that the core stays a function of its inputs: no clock, file, socket, thread, process,
//! environment, output, future, randomness. Clippy refuses the calls that it is told of
//! (`crates/cloudsync-core/clippy.toml`); this refuses whole modules of the standard library.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::sources::{self, Source};
use crate::{Report, cargo};

const CORE: &str = "crates/cloudsync-core/src";
const TARGET: &str = "wasm32-unknown-unknown";

/// Words that have no place in the core, and why.
const WORDS: &[(&str, &str)] = &[
    (".await", "whoever drives the engine waits"),
    ("HashMap", "random order: BTreeMap, or `tree::index`"),
    ("HashSet", "random order: BTreeSet, or `tree::index`"),
    ("Instant::", "time is an input"),
    ("RandomState", "nothing is random"),
    ("SystemTime", "time is an input"),
    ("async fn", "whoever drives the engine waits"),
    ("eprint!", "nothing is printed"),
    ("eprintln!", "nothing is printed"),
    ("print!", "nothing is printed"),
    ("println!", "nothing is printed"),
    ("static mut", "no state outside of values"),
    ("std::env", "configuration is an input"),
    ("std::fs", "files are for providers"),
    ("std::io", "files are for providers"),
    ("std::net", "sockets are for providers"),
    ("std::os", "the same on every system"),
    (
        "std::process",
        "whoever drives the engine decides when to end",
    ),
    ("std::sync::Mutex", "one caller at a time"),
    ("std::sync::RwLock", "one caller at a time"),
    ("std::thread", "whoever drives the engine owns the threads"),
    (
        "std::{",
        "write each path in full, so that this check can read it",
    ),
    ("thread_local!", "no state outside of values"),
];

pub(crate) fn check(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    for source in sources::read(root, CORE)?
        .iter()
        .filter(|source| !source.is_test())
    {
        report.faults.extend(faults(source));
    }
    if is_installed(TARGET) {
        let build = [
            "build",
            "--quiet",
            "--package",
            "cloudsync-core",
            "--target",
            TARGET,
        ];
        if let Err(problem) = cargo(root, &build) {
            report.faults.push(format!(
                "cloudsync-core does not build for {TARGET}: {problem}"
            ));
        }
    } else {
        report.left_out.push(format!(
            "building cloudsync-core for {TARGET}, which is not installed"
        ));
    }
    Ok(report)
}

fn faults(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut faults = Vec::new();
    for (number, line) in source.own_lines() {
        for (word, reason) in WORDS {
            if has_word(sources::code(line), word) {
                faults.push(format!("{path}:{number}: `{word}`: {reason}"));
            }
        }
    }
    faults
}

/// Returns true if the word stands in the line, and not as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = &line[..at];
        let is_end = before.ends_with(|last: char| last.is_alphanumeric() || last == '_')
            && word.starts_with(char::is_alphabetic);
        !is_end
    })
}

/// Returns true if the standard library is there for a target.
fn is_installed(target: &str) -> bool {
    Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_outside_of_comments_and_longer_words() {
        assert!(has_word("use std::fs::File;", "std::fs"));
        assert!(has_word("    let now = Instant::now();", "Instant::"));
        assert!(!has_word("let first = MyInstant::new();", "Instant::"));
        assert!(has_word("foo().await", ".await"));
    }

    #[test]
    fn a_fault_names_its_place_and_its_reason() {
        let text = "//! Reads the clock: SystemTime.\nuse std::time::SystemTime;\n";
        let source = Source {
            path: "a.rs".into(),
            text: text.into(),
        };
        assert_eq!(faults(&source), ["a.rs:2: `SystemTime`: time is an input"]);
    }
}
