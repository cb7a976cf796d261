//! Plans: what would be done, and that nothing is.

use crate::lab::Lab;

fn changed() -> Lab {
    let lab = Lab::new();
    for name in ["edited", "gone", "named", "both"] {
        lab.write(&format!("l/{name}"), name);
    }
    lab.sync(&[]).is(0);
    lab.write("l/edited", "edited again");
    lab.write("r/new/file", "new");
    lab.remove("r/gone");
    std::fs::rename(lab.at("l/named"), lab.at("l/renamed")).unwrap();
    lab.write("l/both", "local");
    lab.write("r/both", "remote!");
    lab
}

#[test]
fn a_dry_run_changes_nothing() {
    let lab = changed();
    for args in [
        &["sync", "-n", "l", "r"][..],
        &["plan", "l", "r"],
        &["plan", "--json", "l", "r"],
    ] {
        let before = (lab.tree("l"), lab.tree("r"), lab.tree("state"));
        let ran = lab.run(args).is(0);
        for name in ["edited", "new", "gone", "renamed", "both"] {
            assert!(ran.out.contains(name), "{name}: {}", ran.out);
        }
        assert_eq!((lab.tree("l"), lab.tree("r"), lab.tree("state")), before);
    }
    lab.sync(&[]).is(0);
    lab.assert_equal();
}

#[test]
fn the_first_meeting_can_be_planned_too() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.write("l/b", "equal");
    lab.write("r/b", "equal");
    let ran = lab.run(["plan", "l", "r"]).is(0);
    assert!(ran.out.contains("→ + a"), "{}", ran.out);
    assert!(!ran.out.contains("+ b"), "{}", ran.out);
    assert!(!lab.at("state").exists());

    // A folder that would be made is not made.
    let ran = lab.run(["plan", "l", "none"]).is(0);
    assert!(
        ran.out.contains("→ + a") && ran.out.contains("→ + b"),
        "{}",
        ran.out
    );
    assert!(!lab.at("none").exists() && !lab.at("state").exists());
}

#[test]
fn a_plan_is_told_to_programs() {
    let lab = changed();
    let ran = lab.run(["plan", "--json", "l", "r"]).is(0);
    let actions = ran.of_type("action");
    assert!(actions.iter().all(|line| line["outcome"] == "planned"));
    let reason_of = |path: &str| {
        let action = actions.iter().find(|line| line["path"] == path);
        action.map(|line| line["reason"].as_str().unwrap().to_owned())
    };
    for (path, reason) in [
        ("edited", "edited_on_local"),
        ("gone", "deleted_on_remote"),
        ("new", "new_on_remote"),
        ("new/file", "new_on_remote"),
    ] {
        assert_eq!(reason_of(path).as_deref(), Some(reason), "{path}");
    }
    let shown = lab.run(["plan", "l", "r"]).is(0);
    assert!(shown.out.contains("→ ~ edited"), "{}", shown.out);
    let rename = |reason: &str| {
        let is = |line: &&serde_json::Value| line["op"] == "rename" && line["reason"] == reason;
        actions.iter().find(is).unwrap()
    };
    assert_eq!(rename("conflict")["old_path"], "both");
    let rename = rename("renamed_on_local");
    assert_eq!(
        (&rename["old_path"], &rename["path"]),
        (&"named".into(), &"renamed".into())
    );
    let end = &ran.of_type("plan_end")[0];
    assert!(end["totals"].as_array().unwrap().len() >= 3, "{end}");

    for (policy, kept_as) in [
        ("keep-both", Some("both.conflicted")),
        ("larger", None),
        ("hold", None),
    ] {
        let args = ["plan", "--json", "--on-conflict", policy, "l", "r"];
        let conflicts = lab.run(args).of_type("conflict");
        assert_eq!(conflicts.len(), 1, "{policy}: {conflicts:?}");
        let conflict = &conflicts[0];
        assert_eq!(
            (&conflict["path"], &conflict["kind"]),
            (&"both".into(), &"edit-edit".into())
        );
        assert_eq!(conflict["decision"], policy);
        assert_eq!(conflict["kept_as"].as_str(), kept_as, "{policy}");
    }
    let ran = lab.run(["plan", "--on-conflict", "larger", "l", "r"]).is(0);
    let line = "! both   edited on both: the larger one wins";
    assert!(ran.out.contains(line), "{}", ran.out);
}

#[test]
fn nothing_to_do_is_said_so() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.sync(&[]).is(0);
    let ran = lab.run(["plan", "l", "r"]).is(0);
    assert!(ran.out.starts_with("✓ Nothing to do"), "{}", ran.out);
    assert_eq!(ran.out.lines().count(), 1);
}
