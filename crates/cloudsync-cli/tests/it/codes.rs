//! What the shell is told, case by case.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::lab::{Lab, PROGRAM, Ran, make_pipe, only_file};

#[test]
fn two_folders_come_together_and_the_second_run_says_so() {
    let lab = Lab::new();
    lab.write("l/a/x.txt", "one");
    lab.write("r/b/y.txt", "two");
    lab.write("l/same", "equal");
    lab.write("r/same", "equal");
    let ran = lab.sync(&[]).is(0);
    assert!(ran.out.contains("✓ In sync in "), "{}", ran.out);
    assert!(ran.out.contains("2 copied (1 →, 1 ←, 6 B)"), "{}", ran.out);
    assert!(ran.err.contains("nothing will be deleted"), "{}", ran.err);
    lab.assert_equal();

    let ran = lab.sync(&[]).is(0);
    assert!(
        ran.out.starts_with("✓ In sync (checked 5 + 5 items in "),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.lines().count(), 1);
    assert_eq!(ran.err, "");
    assert!(only_file(&lab.at("state"), ".sqlite").exists());
}

#[test]
fn wrong_usage_is_told_as_such() {
    let lab = Lab::new();
    fs::create_dir(lab.at("l/in")).unwrap();
    lab.write("file", "");
    for args in [
        &["sync", "l"][..],
        &["sink", "l", "r"],
        &["sync", "l", "r", "--max-delete", "x"],
        &["sync", "l", "r", "--on-conflict", "x"],
        &["sync", "l", "r", "--exclude", "[a"],
        &["sync", "l", "l"],
        &["sync", "l", "l/in"],
        &["sync", "l/in/../../l/in", "l"],
        &["sync", "", "r"],
        &["sync", "file", "r"],
        &["sync", "gdrive:/x", "r"],
        &["sync", "https://me:secret@host/x", "r"],
        &["watch", "l", "r", "--state", "l/state.sqlite"],
        &["sync", "l", "r", "--state", "l/state.sqlite"],
        &["sync", "l", "r", "--state", "./r/new/state.sqlite"],
        &["sync", "l", "r", "-q", "-v"],
    ] {
        let ran = lab.run(args).is(2);
        assert!(
            !ran.err.is_empty() && !ran.err.contains("secret"),
            "{}",
            ran.err
        );
        assert_eq!(ran.out, "", "{args:?}");
    }
    let ran = lab.run(["sink"]);
    assert!(ran.err.contains("sync"), "{}", ran.err);
    assert!(!lab.at("state").exists() && lab.tree("r").is_empty());
}

#[test]
fn a_state_in_a_synced_folder_is_fine_where_it_is_left_out() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    let more = ["--state", "l/.sync/state.sqlite", "--exclude", "/.sync/"];
    lab.sync(&more).is(0);
    assert!(lab.at("l/.sync/state.sqlite").exists());
    assert!(lab.at("r/a").exists() && !lab.at("r/.sync").exists());
    lab.sync(&more).is(0);
}

#[test]
fn a_name_that_is_not_utf8_is_left_out_and_told() {
    let lab = Lab::new();
    lab.write("l/good", "one");
    fs::write(lab.at("l").join(OsStr::from_bytes(b"bad\xff")), "two").unwrap();
    for _ in 0..2 {
        let ran = lab.sync(&[]).is(3);
        assert!(ran.out.contains("its name is not UTF-8"), "{}", ran.out);
        assert!(ran.out.contains("✗ Not fully in sync"), "{}", ran.out);
        assert!(ran.out.contains("exit 3"), "{}", ran.out);
    }
    assert_eq!(lab.read("r/good").as_deref(), Some("one"));
    lab.sync(&["--exclude", "bad*"]).is(0);
}

#[test]
fn links_and_pipes_are_never_synced_which_is_no_failure() {
    let lab = Lab::new();
    lab.write("l/good", "one");
    std::os::unix::fs::symlink("good", lab.at("l/link")).unwrap();
    make_pipe(&lab.at("l/pipe"));
    let ran = lab.sync(&[]).is(0);
    assert!(
        ran.out.contains("2 never synced (links, pipes"),
        "{}",
        ran.out
    );
    assert!(!lab.at("r/link").exists() && !lab.at("r/pipe").exists());
    let ran = lab.sync(&["-v"]).is(0);
    assert!(
        ran.err.contains("link") && ran.err.contains("pipe"),
        "{}",
        ran.err
    );
}

#[test]
fn a_second_run_of_the_pair_is_refused() {
    let lab = Lab::new();
    let mut watch = lab.spawn(&["watch", "l", "r"]);
    lab.write("l/a", "one");
    crate::lab::eventually("it runs", || lab.at("r/a").exists());
    for command in ["sync", "watch", "plan"] {
        let ran = lab.run([command, "l", "r"]).is(8);
        assert!(ran.out.is_empty() && ran.err.contains("exit 8"), "{ran:?}");
    }
    assert!(!watch.has_ended());
    watch.signal("TERM");
    watch.end().is(143);
    lab.sync(&[]).is(0);
}

#[test]
fn a_state_that_cannot_be_used_is_told() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.sync(&["--state", "l"]).is(2);
    fs::create_dir(lab.at("folder")).unwrap();
    lab.sync(&["--state", "folder"]).is(10);
    lab.write("file", "");
    let ran = lab.sync(&["--state", "file/state.sqlite"]);
    assert!([2, 10].contains(&ran.code.unwrap()), "{ran:?}");

    lab.sync(&["--state", "s"]).is(0);
    // The version, as SQLite has it in its header; a much newer one.
    let mut bytes = fs::read(lab.at("s")).unwrap();
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(lab.at("s"), &bytes).unwrap();
    lab.remove("r/a");
    let ran = lab.sync(&["--state", "s"]).is(10);
    assert!(ran.err.contains("newer"), "{}", ran.err);
    assert_eq!(fs::read(lab.at("s")).unwrap(), bytes);
    assert!(lab.at("l/a").exists());
}

#[test]
fn a_damaged_state_is_put_aside_and_nothing_is_deleted() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.sync(&["--state", "s"]).is(0);
    fs::write(lab.at("s"), "noise").unwrap();
    lab.remove("r/a");
    let ran = lab.sync(&["--state", "s"]).is(0);
    assert!(ran.err.contains("s.damaged-1"), "{}", ran.err);
    assert_eq!(lab.read("r/a").as_deref(), Some("one"));
    assert_eq!(lab.read("s.damaged-1").as_deref(), Some("noise"));
}

#[test]
fn a_lost_state_makes_a_first_meeting() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.write("l/b", "two");
    lab.sync(&[]).is(0);
    lab.remove("state");
    lab.remove("r/b");
    let ran = lab.sync(&[]).is(0);
    assert!(ran.err.contains("First time"), "{}", ran.err);
    assert!(ran.out.contains("1 copied"), "{}", ran.out);
    lab.assert_equal();
    assert_eq!(lab.tree("l").len(), 2);
}

#[test]
fn storages_in_memory_are_empty_and_in_sync() {
    let lab = Lab::new();
    lab.run(["sync", "memory:a", "memory:b"]).is(0);
    lab.write("l/a", "one");
    let ran = lab.run(["sync", "l", "memory:b"]).is(0);
    assert!(ran.out.contains("1 copied"), "{}", ran.out);
    assert!(!lab.at("state").exists());
}

#[test]
fn what_nobody_foresaw_is_an_internal_error() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    // Too few files for it to run at all.
    let script = "exec 3>&- 4>&- && ulimit -n 4 && exec \"$0\" sync l r";
    let ran = Ran::of(&mut lab.program("sh", ["-c", script, PROGRAM])).is(1);
    assert!(ran.err.contains("exit 1"), "{}", ran.err);
    assert!(!lab.at("r/a").exists());
    lab.sync(&[]).is(0);
}
