//! Conflicts, as each policy decides them.

use crate::lab::Lab;

/// Both sides edited, the local one earlier and longer.
fn edited() -> Lab {
    let lab = Lab::new();
    lab.write("l/a.txt", "base");
    lab.sync(&[]).is(0);
    lab.write("l/a.txt", "local edit, older, larger");
    lab.age("l/a.txt", 1_000);
    lab.write("r/a.txt", "remote edit");
    lab.age("r/a.txt", 500);
    lab
}

#[test]
fn both_are_kept_by_default() {
    let lab = edited();
    let ran = lab.sync(&[]).is(0);
    assert!(
        ran.out.contains("1 conflict kept both:  a.txt"),
        "{}",
        ran.out
    );
    lab.assert_equal();
    let contents: Vec<_> = lab.tree("l").into_values().flatten().collect();
    assert_eq!(contents.len(), 2);
    assert!(contents.contains(&b"remote edit".to_vec()));
    assert!(contents.contains(&b"local edit, older, larger".to_vec()));
    assert_eq!(lab.read("l/a.txt").as_deref(), Some("remote edit"));
    lab.sync(&[]).is(0);
}

#[test]
fn one_wins_where_it_was_asked_for() {
    for (policy, winner) in [
        ("newer", "remote edit"),
        ("older", "local edit, older, larger"),
        ("larger", "local edit, older, larger"),
        ("smaller", "remote edit"),
        ("local", "local edit, older, larger"),
        ("remote", "remote edit"),
    ] {
        let lab = edited();
        lab.sync(&["--on-conflict", policy]).is(0);
        lab.assert_equal();
        assert_eq!(lab.read("l/a.txt").as_deref(), Some(winner), "{policy}");
        lab.sync(&[]).is(0);
    }
}

#[test]
fn held_ones_wait_until_somebody_decides() {
    let lab = edited();
    lab.write("l/other", "goes on");
    for _ in 0..2 {
        let ran = lab.sync(&["--on-conflict", "hold"]).is(4);
        assert!(
            ran.out.contains("1 conflict waits for you:  a.txt"),
            "{}",
            ran.out
        );
    }
    assert_eq!(
        lab.read("l/a.txt").as_deref(),
        Some("local edit, older, larger")
    );
    assert_eq!(lab.read("r/a.txt").as_deref(), Some("remote edit"));
    assert_eq!(lab.read("r/other").as_deref(), Some("goes on"));
    lab.sync(&["--on-conflict", "newer"]).is(0);
    assert_eq!(lab.read("l/a.txt").as_deref(), Some("remote edit"));
}
