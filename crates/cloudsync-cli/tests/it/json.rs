//! Lines for programs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::lab::{Lab, Ran};

#[test]
fn a_run_is_told_line_by_line() {
    let lab = Lab::new();
    lab.write("l/a.md", "one");
    lab.write("r/new/b\n\"quoted\".md", "three");
    let ran = lab.sync(&["--json"]).is(0);
    assert_eq!(ran.err, "");
    let lines = ran.lines();
    assert_eq!(lines[0]["type"], "run_start");
    assert_eq!(lines[0]["first_meeting"], true);
    assert_eq!(lines[0]["local"]["label"], "l");
    let copied = ran.of_type("action");
    let copy = copied.iter().find(|line| line["path"] == "a.md").unwrap();
    assert_eq!((&copy["op"], &copy["size"]), (&"copy".into(), &3.into()));
    assert_eq!((&copy["from"], &copy["to"]), (&"l".into(), &"r".into()));
    assert_eq!(
        (&copy["outcome"], &copy["side"]),
        (&"ok".into(), &"remote".into())
    );
    assert_eq!(copy["reason"], "new_on_local");
    assert!(
        copied
            .iter()
            .any(|line| line["path"] == "new/b\n\"quoted\".md")
    );
    let end = lines.last().unwrap();
    assert_eq!((&end["type"], &end["exit"]), (&"run_end".into(), &0.into()));
    assert_eq!(end["in_sync"], true);
    assert_eq!(end["copied"]["local_to_remote"], 1);
    assert_eq!(end["copied"]["remote_to_local"], 1);
    assert_eq!((&end["folders"], &end["bytes"]), (&1.into(), &8.into()));
    assert!(end["elapsed_s"].is_number());
}

#[test]
fn the_reason_tells_new_from_edited() {
    let lab = Lab::new();
    for name in ["l/a", "l/b", "r/c"] {
        lab.write(name, "one");
    }
    lab.sync(&[]).is(0);
    lab.write("l/a", "longer");
    lab.write("r/c", "longer");
    lab.write("r/new", "new");
    lab.remove("l/b");
    let ran = lab.sync(&["--json"]).is(0);
    let reasons: std::collections::BTreeMap<_, _> = ran
        .of_type("action")
        .iter()
        .map(|line| (line["path"].to_string(), line["reason"].to_string()))
        .collect();
    let expected = [
        ("a", "edited_on_local"),
        ("b", "deleted_on_local"),
        ("c", "edited_on_remote"),
        ("new", "new_on_remote"),
    ];
    let expected = expected.map(|(path, why)| (format!("\"{path}\""), format!("\"{why}\"")));
    assert_eq!(reasons, expected.into());
    lab.write("l/a", "and longer");
    let ran = lab.sync(&["-v"]).is(0);
    assert!(ran.out.contains("(edited on l)"), "{}", ran.out);
}

#[test]
fn a_conflict_tells_both_versions() {
    for policy in ["keep-both", "hold", "newer", "remote"] {
        let lab = Lab::new();
        lab.write("l/sub/a", "base");
        lab.sync(&[]).is(0);
        lab.write("l/sub/a", "local!");
        lab.age("l/sub/a", 100_000);
        lab.write("r/sub/a", "the remote one");
        for command in ["plan", "sync"] {
            let ran = lab.run([command, "l", "r", "--json", "--on-conflict", policy]);
            let [conflict] = &ran.of_type("conflict")[..] else {
                panic!("{policy}: {}", ran.out);
            };
            let told = format!("{command} {policy}: {conflict}");
            assert_eq!(conflict["local"]["size"], 6, "{told}");
            assert_eq!(conflict["remote"]["size"], 14, "{told}");
            let time = |side: &str| conflict[side]["mtime"].as_str().unwrap().to_owned();
            assert!(time("local") < time("remote"), "{told}");
            assert!(time("local").ends_with('Z'), "{told}");
        }
    }
}

#[test]
fn a_conflict_of_equal_sizes_tells_both_hashes() {
    for command in ["plan", "sync"] {
        let lab = Lab::new();
        lab.write("l/a", "local!");
        lab.write("r/a", "remote");
        let ran = lab.run([command, "l", "r", "--json"]);
        let conflict = &ran.of_type("conflict")[0];
        let hash = |side: &str| conflict[side]["hash"].as_str().unwrap().to_owned();
        let (local, remote) = (hash("local"), hash("remote"));
        assert!(local != remote, "{conflict}");
        for hash in [local, remote] {
            let digits = hash.strip_prefix("blake3:").unwrap();
            assert_eq!(digits.len(), 64, "{conflict}");
        }
    }
}

#[test]
fn what_is_left_is_told_at_the_end() {
    let lab = Lab::new();
    lab.write("l/a", "base");
    lab.sync(&[]).is(0);
    lab.write("l/a", "local");
    lab.write("r/a", "remote");
    fs::write(lab.at("l").join(OsStr::from_bytes(b"bad\xff")), "two").unwrap();
    let ran = lab.sync(&["--json", "--on-conflict", "hold"]).is(3);
    let conflict = &ran.of_type("conflict")[0];
    assert_eq!(
        (&conflict["path"], &conflict["decision"]),
        (&"a".into(), &"hold".into())
    );
    assert_eq!(ran.of_type("skipped")[0]["class"], "name_not_utf8");
    let end = &ran.of_type("run_end")[0];
    assert_eq!(
        (&end["exit"], &end["conflicts_waiting"]),
        (&3.into(), &1.into())
    );
    assert_eq!(
        (&end["in_sync"], &end["skipped"]),
        (&false.into(), &1.into())
    );

    let ran = lab.sync(&["--json"]).is(3);
    let conflict = &ran.of_type("conflict")[0];
    assert_eq!(conflict["decision"], "keep-both");
    assert!(
        lab.read(&format!("r/{}", conflict["kept_as"].as_str().unwrap()))
            .is_some()
    );
}

#[test]
fn what_ends_the_program_is_told_on_stderr() {
    let lab = Lab::new();
    let fatal = |ran: Ran, exit: i32| {
        let ran = ran.is(exit);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        let line: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(
            (&line["type"], &line["exit"]),
            (&"fatal".into(), &exit.into())
        );
        assert!(line["message"].is_string());
        ran.lines();
    };
    fatal(lab.run(["sync", "--json", "l", "l"]), 2);
    fatal(lab.run(["sync", "--json", "none", "r"]), 7);
    fatal(lab.run(["watch", "--json", "none", "r"]), 7);
    lab.write("l/a", "one");
    lab.sync(&[]).is(0);
    lab.remove("r");
    fatal(lab.sync(&["--json"]), 7);
    fatal(lab.sync(&["--json", "-n"]), 7);
    fs::create_dir(lab.at("r")).unwrap();
    fatal(lab.sync(&["--json"]), 6);
}

#[test]
fn held_deletions_are_told() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.write("l/b", "two");
    lab.sync(&[]).is(0);
    lab.remove("l/a");
    let ran = lab.sync(&["--json", "--max-delete", "0"]).is(6);
    let held = &ran.of_type("held")[0];
    assert_eq!(
        (&held["count"], &held["side"]),
        (&1.into(), &"remote".into())
    );
    assert_eq!(held["vanished_from"], "l");
    assert_eq!(ran.of_type("run_end")[0]["held"], 1);
}
