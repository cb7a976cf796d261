//! What people see, and what they do not.

use std::time::{Duration, Instant};

use crate::lab::{Lab, only_file};

#[test]
fn each_level_says_as_much_as_it_should() {
    let changed = || {
        let lab = Lab::new();
        lab.write("l/a", "one");
        lab
    };
    let ran = changed().sync(&["-qq"]).is(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let ran = changed().sync(&["-q"]).is(0);
    assert_eq!((ran.out.lines().count(), ran.err.as_str()), (1, ""));
    let ran = changed().sync(&[]).is(0);
    assert!(ran.out.starts_with("→ a  3 B\n✓ In sync"), "{}", ran.out);
    let ran = changed().sync(&["-v"]).is(0);
    assert!(ran.out.contains("→ a  3 B  (new on l)"), "{}", ran.out);
    let ran = changed().sync(&["-vv"]).is(0);
    assert!(ran.out.contains("→ a"), "{}", ran.out);

    // Problems are told all the same, but at the last level.
    let lab = Lab::new();
    assert!(!lab.run(["sync", "-q", "none", "r"]).is(7).err.is_empty());
    let ran = lab.run(["sync", "-qq", "none", "r"]).is(7);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn names_cannot_harm_the_terminal() {
    let lab = Lab::new();
    lab.write("l/new\nline", "one");
    lab.write("l/\x1b[31mred\x07", "two");
    lab.write("l/cod\u{202e}gpj.exe", "three");
    let ran = lab.sync(&["-v"]).is(0);
    assert_eq!(ran.out.lines().count(), 4, "{}", ran.out);
    assert!(
        ran.out.contains("new\\nline") && !ran.out.contains('\x1b'),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains('\x07') && !ran.out.contains('\u{202e}'));
    lab.assert_equal();
    lab.write("l/new\nline", "edited");
    let ran = lab.run(["plan", "l", "r"]).is(0);
    assert!(ran.out.contains("new\\nline"), "{}", ran.out);
}

#[test]
fn a_summary_fits_eight_lines() {
    let lab = Lab::new();
    for number in 0..30 {
        lab.write(&format!("l/f{number}"), "base");
        std::os::unix::fs::symlink("x", lab.at(&format!("l/link{number}"))).unwrap();
    }
    lab.sync(&["-q"]).is(0);
    for number in 0..30 {
        lab.write(&format!("l/f{number}"), "local");
        lab.write(&format!("r/f{number}"), "remote");
    }
    let ran = lab.sync(&["--on-conflict", "hold"]).is(4);
    let changes = ran
        .out
        .lines()
        .filter(|line| line.contains("edited on both"));
    let summary = ran.out.lines().count() - changes.count();
    assert!(summary <= 8, "{}", ran.out);
}

#[test]
fn version_and_help_are_printed() {
    let lab = Lab::new();
    let begun = Instant::now();
    let ran = lab.run(["--version"]).is(0);
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(ran.out.starts_with("cloudsync 0."), "{}", ran.out);
    for args in [
        &["-h"][..],
        &["sync", "-h"],
        &["watch", "-h"],
        &["plan", "-h"],
    ] {
        let ran = lab.run(args).is(0);
        assert!(
            ran.out.starts_with("Examples:\n  cloudsync "),
            "{}",
            ran.out
        );
        assert!(ran.out.lines().count() <= 24, "{}", ran.out);
    }
    for args in [
        &["--help"][..],
        &["sync", "--help"],
        &["watch", "--help"],
        &["plan", "--help"],
    ] {
        let ran = lab.run(args).is(0);
        for part in ["Locations:", "Conflicts (", "Exit codes (", "Environment:"] {
            assert!(ran.out.contains(part), "{part} {}", ran.out);
        }
    }
}

#[test]
fn the_state_lies_where_the_environment_says() {
    let lab = Lab::new();
    for (name, value, expected) in [
        ("CLOUDSYNC_HOME", "own", "own/state"),
        ("XDG_STATE_HOME", "xdg", "xdg/cloudsync"),
        ("HOME", "me", "me/.local/state/cloudsync"),
    ] {
        let mut command = lab.command(["sync", "l", "r"]);
        command
            .env_remove("CLOUDSYNC_STATE_DIR")
            .env(name, lab.at(value));
        assert!(command.status().unwrap().success());
        only_file(&lab.at(expected), ".sqlite");
    }
}

#[test]
fn who_stops_listening_does_not_stop_the_run() {
    let lab = Lab::new();
    for number in 0..200 {
        lab.write(&format!("l/f{number}"), "x");
    }
    let mut child = lab.command(["sync", "l", "r"]).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    lab.assert_equal();
}

/// A link keeps a folder that the other side deleted, and the line says so.
#[test]
fn what_keeps_a_deleted_folder_is_told() {
    let lab = Lab::new();
    lab.write("l/d/g", "one");
    lab.write("l/keep", "two");
    std::os::unix::fs::symlink("g", lab.at("l/d/link")).unwrap();
    lab.sync(&[]).is(0);
    lab.remove("r/d");
    let ran = lab.sync(&[]).is(3);
    assert!(ran.out.contains("in it is never synced"), "{}", ran.out);
    assert!(lab.at("l/d/link").is_symlink() && !lab.at("l/d/g").exists());
}
