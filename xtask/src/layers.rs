//! Makes sure that arrows between our crates go down only, and that the lower ones bring nothing
//! along that does I/O.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{Report, cargo};

/// Our crates and how high they stand. A crate uses lower ones only.
const FLOORS: &[(&str, u32)] = &[
    ("cloudsync-core", 0),
    ("cloudsync-provider", 10),
    ("cloudsync-store", 10),
    ("cloudsync", 30),
    ("cloudsync-benches", 40),
    ("cloudsync-cli", 40),
    ("cloudsync-tests", 50),
    ("xtask", 50),
];
/// More providers stand beside each other, above their trait.
const PROVIDER: (&str, u32) = ("cloudsync-provider-", 20);

/// What does not belong below a crate built in a certain way: arguments for cargo, then names, or
/// their beginnings with a `*`.
const BANNED: &[(&[&str], &[&str])] = &[
    (
        &["--package", "cloudsync-core"],
        &[
            "async*",
            "chrono",
            "futures*",
            "getrandom",
            "libc",
            "mio",
            "notify",
            "rand*",
            "rustix",
            "socket2",
            "sqlx*",
            "tokio*",
            "tracing*",
            "windows*",
        ],
    ),
    (
        &["--package", "cloudsync-core", "--all-features"],
        &[
            "async*", "futures*", "mio", "notify", "rustix", "socket2", "sqlx*", "tokio*",
        ],
    ),
    (
        &["--package", "cloudsync-provider", "--no-default-features"],
        &["mio", "notify", "rustix", "socket2", "sqlx*", "tokio*"],
    ),
    (
        &["--package", "cloudsync-store"],
        &["notify", "openssl*", "rusqlite", "rustls*"],
    ),
];

pub(crate) fn check(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    let members = names(&cargo(
        root,
        &["tree", "--workspace", "--depth", "0", "--prefix", "none"],
    )?);
    for member in &members {
        let uses = below(
            root,
            &["--package", member, "--all-features", "--depth", "1"],
        )?;
        report.faults.extend(upward(member, &uses, &members));
    }
    for (build, banned) in BANNED {
        let found = below(root, build).with_context(|| build.join(" "))?;
        for name in found
            .iter()
            .filter(|name| banned.iter().any(|banned| matches(banned, name)))
        {
            report
                .faults
                .push(format!("{}: brings along {name}", build[1..].join(" ")));
        }
    }
    Ok(report)
}

/// Returns what a crate uses that does not stand below it.
fn upward(member: &str, uses: &BTreeSet<String>, members: &BTreeSet<String>) -> Vec<String> {
    let Some(own) = floor(member) else {
        return vec![format!(
            "{member}: say in xtask/src/layers.rs how high it stands"
        )];
    };
    uses.iter()
        .filter(|used| *used != member && members.contains(*used))
        .filter(|used| floor(used).is_none_or(|floor| floor >= own))
        .map(|used| format!("{member}: uses {used}, which does not stand below it"))
        .collect()
}

fn floor(name: &str) -> Option<u32> {
    let known = FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor);
    known.or_else(|| name.starts_with(PROVIDER.0).then_some(PROVIDER.1))
}

/// Returns the names of what a build uses in a program: not in its tests, nor to be built.
fn below(root: &Path, build: &[&str]) -> Result<BTreeSet<String>> {
    let tree = ["tree", "--edges", "normal", "--prefix", "none"];
    Ok(names(&cargo(root, &[&tree, build].concat())?))
}

/// Reads `name version ...` lines.
fn names(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn matches(banned: &str, name: &str) -> bool {
    banned
        .strip_suffix('*')
        .map_or(banned == name, |beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_down() {
        let set = |names: &[&str]| -> BTreeSet<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let members = set(&[
            "cloudsync-core",
            "cloudsync-store",
            "cloudsync-provider",
            "cloudsync",
            "new",
        ]);
        let upward = |member, uses: &[&str]| upward(member, &set(uses), &members).len();
        assert_eq!(
            upward(
                "cloudsync",
                &["cloudsync", "cloudsync-core", "cloudsync-store", "tokio"]
            ),
            0
        );
        assert_eq!(upward("cloudsync-store", &["cloudsync-provider"]), 1);
        assert_eq!(upward("cloudsync-core", &["cloudsync"]), 1);
        assert_eq!(upward("new", &[]), 1);
    }

    #[test]
    fn a_star_stands_for_any_end() {
        assert!(matches("tokio*", "tokio-util"));
        assert!(!matches("mio", "miow"));
    }

    #[test]
    fn names_are_read_from_a_tree() {
        assert_eq!(
            names("a v1\n\nb v2 (*)\na v1\n"),
            BTreeSet::from(["a".into(), "b".into()])
        );
    }
}
