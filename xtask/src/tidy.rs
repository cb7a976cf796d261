//! Makes sure of what a reader relies on: each file says what it is for, is part of the program, is
//! not too long, and holds no stub.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::Report;
use crate::sources::{self, Source};

/// Where Rust files are.
const FOLDERS: &[&str] = &["crates", "examples", "fuzz", "tests", "xtask"];
/// Longest file, without the tests at its end. One idea fits into less.
const MAX_LINES: usize = 800;
/// What must not stay in the code. Written in two parts, as this file is read too.
const STUBS: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
    concat!("#[", "should_panic"),
];

pub(crate) fn check(root: &Path) -> Result<Report> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        all.extend(sources::read(root, folder)?);
    }
    let texts: BTreeMap<_, _> = all
        .iter()
        .map(|source| (source.path.as_str(), source.text.as_str()))
        .collect();
    let mut report = Report::default();
    for source in &all {
        report.faults.extend(faults(source));
        if !is_declared(&texts, &source.path) {
            let path = &source.path;
            report.faults.push(format!(
                "{path}: no file declares this module, so nobody compiles it"
            ));
        }
    }
    Ok(report)
}

/// Returns what is wrong inside one file.
fn faults(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(format!(
            "{path}: the first line has to say what the file is for (`//! ...`)"
        ));
    }
    let length = source.own_lines().count();
    if length > MAX_LINES {
        faults.push(format!(
            "{path}: {length} lines, more than {MAX_LINES}: one idea a file"
        ));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for stub in STUBS {
            if sources::code(line).contains(stub) {
                faults.push(format!(
                    "{path}:{number}: `{stub}` is not for code that is handed in"
                ));
            }
        }
    }
    faults
}

/// Returns true if the file is the root of a program or library, or a module of one.
fn is_declared(texts: &BTreeMap<&str, &str>, path: &str) -> bool {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let is_root = matches!(file, "lib.rs" | "main.rs" | "build.rs")
        || ["examples", "bin", "benches", "fuzz_targets"]
            .iter()
            .any(|kind| folder.ends_with(kind));
    if is_root {
        return true;
    }
    let (folder, name) = match file {
        "mod.rs" => folder.rsplit_once('/').unwrap_or(("", folder)),
        file => (folder, file.trim_end_matches(".rs")),
    };
    let declaration = format!("mod {name};");
    ["/lib.rs", "/main.rs", "/mod.rs", ".rs"].iter().any(|end| {
        texts
            .get(format!("{folder}{end}").as_str())
            .is_some_and(|text| {
                text.lines()
                    .any(|line| sources::code(line).trim_end().ends_with(&declaration))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str) -> usize {
        faults(&Source {
            path: "a.rs".into(),
            text: text.into(),
        })
        .len()
    }

    #[test]
    fn a_file_needs_a_head_and_no_stub() {
        assert_eq!(faults_of("//! Does it.\nfn a() {}\n"), 0);
        assert_eq!(faults_of("fn a() {}\n"), 1);
        assert_eq!(
            faults_of(&format!("//! Does it.\nfn a() {{ {}) }}\n", STUBS[0])),
            1
        );
        assert_eq!(
            faults_of(&format!("//! Does it.\n// no {})\n", STUBS[0])),
            0
        );
    }

    #[test]
    fn a_file_is_short_but_for_its_tests() {
        let head = "//! Does it.\n";
        assert_eq!(faults_of(&format!("{head}{}", "\n".repeat(MAX_LINES))), 1);
        let tests = format!(
            "{head}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "\n".repeat(MAX_LINES)
        );
        assert_eq!(faults_of(&tests), 0);
    }

    #[test]
    fn a_module_is_declared_by_its_parent() {
        let texts = BTreeMap::from([
            ("x/src/lib.rs", "mod a;\npub mod b;"),
            ("x/src/a.rs", "#[cfg(test)]\nmod tests;"),
            ("x/src/b/mod.rs", "mod c;"),
        ]);
        for path in [
            "x/src/lib.rs",
            "x/src/a.rs",
            "x/src/a/tests.rs",
            "x/src/b/mod.rs",
            "x/src/b/c.rs",
        ] {
            assert!(is_declared(&texts, path), "{path}");
        }
        for path in ["x/src/c.rs", "x/src/a/b.rs", "x/src/b/a.rs"] {
            assert!(!is_declared(&texts, path), "{path}");
        }
    }
}
