//! Makes sure that every case of other sync programs (D1 to D60) is shown by a test: each has a row in the
//! table of `tests/tests/it/peers`, and the row names files with a test of that number, or a test elsewhere.

use std::path::Path;

use anyhow::{Context, Result};

use crate::Report;
use crate::sources::{self, Source};

/// Where the cases are.
const PEERS: &str = "tests/tests/it/peers";
/// The number of the last one.
const LAST: usize = 60;

pub(crate) fn check(root: &Path) -> Result<Report> {
    let peers = sources::read(root, PEERS)?;
    let mut others = sources::read(root, "crates")?;
    others.extend(sources::read(root, "tests")?);
    let table = format!("{PEERS}/mod.rs");
    let table = peers.iter().find(|source| source.path == table);
    let table = &table.context("the table of cases")?.text;
    let mut report = Report::default();
    for case in 1..=LAST {
        if let Err(why) = shown(case, table, &peers, &others) {
            report.faults.push(format!("{PEERS}: D{case}: {why}"));
        }
    }
    Ok(report)
}

/// Checks that a case is shown where its row says so.
fn shown(case: usize, table: &str, peers: &[Source], others: &[Source]) -> Result<(), String> {
    let start = format!("//! | D{case} |");
    let row = table.lines().find(|line| line.starts_with(&start));
    let place = row.and_then(|row| row.trim_end_matches([' ', '|']).rsplit('|').next());
    let place = place.ok_or("there is no row")?;
    let names: Vec<_> = place.split('`').skip(1).step_by(2).collect();
    if place.contains("`: `") {
        // Somewhere else: the last name is the test's.
        let name = names.last().copied().unwrap_or_default();
        let is_test = |source: &Source| source.text.contains(&format!("fn {name}("));
        return others
            .iter()
            .any(is_test)
            .then_some(())
            .ok_or_else(|| format!("there is no test `{name}`"));
    }
    if names.is_empty() {
        return Err("the row names nothing".to_owned());
    }
    for name in &names {
        let path = format!("{PEERS}/{name}.rs");
        let test = format!("fn d{case:02}_");
        let is_there = |source: &Source| source.path == path && source.text.contains(&test);
        if !peers.iter().any(is_there) {
            return Err(format!("`{path}` has no test of it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_where_its_row_says() {
        let source = |path: &str, text: &str| Source {
            path: path.into(),
            text: text.into(),
        };
        let peers = [source(&format!("{PEERS}/order.rs"), "fn d07_here() {}")];
        let others = [source("crates/x/src/lib.rs", "fn elsewhere() {}")];
        let is_shown = |row: &str| {
            shown(
                7,
                &format!("//! x\n//! | D7 | y | {row} |\n"),
                &peers,
                &others,
            )
        };
        assert_eq!(is_shown("`order`"), Ok(()));
        assert_eq!(is_shown("`x`, `lib`: `elsewhere`"), Ok(()));
        for row in ["`names`", "`order`, `names`", "`x`, `lib`: `nowhere`", ""] {
            assert!(is_shown(row).is_err(), "{row}");
        }
        assert!(shown(8, "//! | D7 | y | `order` |", &peers, &others).is_err());
    }
}
