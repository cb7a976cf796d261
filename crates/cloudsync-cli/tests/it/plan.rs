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

/// A link took the place of a file: a run could not go on there, so a plan says so. (It said that there was nothing to do.)
#[test]
fn what_a_run_could_not_do_is_planned_as_such() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.sync(&[]).is(0);
    lab.remove("l/a");
    std::os::unix::fs::symlink("b", lab.at("l/a")).unwrap();
    let ran = lab.run(["plan", "l", "r"]).is(3);
    assert!(ran.out.contains("✗ a"), "{}", ran.out);
    assert!(!ran.out.contains("Nothing to do"), "{}", ran.out);
    let ran = lab.run(["plan", "--json", "l", "r"]).is(3);
    assert_eq!(ran.of_type("error")[0]["path"], "a");
    lab.sync(&[]).is(3);
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

/// Operations of a run or a plan: what, where and on which side.
fn operations(ran: &crate::lab::Ran) -> Vec<String> {
    let actions = ran.of_type("action");
    let tell = |action: &serde_json::Value| {
        format!("{} {} {}", action["op"], action["side"], action["path"])
    };
    let mut all: Vec<String> = actions.iter().map(tell).collect();
    all.sort();
    all
}

/// What is renamed on one side and changed on the other one is looked at where it still is. (It was planned to be deleted.)
#[test]
fn what_is_to_be_moved_and_was_changed_there_is_planned_as_it_will_be_done() {
    type Act = fn(&Lab);
    let acts: [(&str, Act); 4] = [
        ("touched", |lab| {
            let file = std::fs::File::open(lab.at("r/d/f")).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH)
                .unwrap();
        }),
        ("of the same size", |lab| lab.write("r/d/f", "two")),
        ("renamed", |lab| {
            std::fs::rename(lab.at("r/d/f"), lab.at("r/d/z")).unwrap();
        }),
        ("grown", |lab| lab.write("r/d/f", "one and more")),
    ];
    for (what, act) in acts {
        for moves_folder in [false, true] {
            let lab = Lab::new();
            lab.write("l/d/f", "one");
            lab.write("l/keep", "one");
            lab.sync(&[]).is(0);
            let (from, to) = if moves_folder {
                ("d", "e")
            } else {
                ("d/f", "d/g")
            };
            std::fs::rename(lab.at(&format!("l/{from}")), lab.at(&format!("l/{to}"))).unwrap();
            act(&lab);
            let planned = operations(&lab.run(["plan", "--json", "l", "r"]).is(0));
            let done = operations(&lab.run(["sync", "--json", "l", "r"]).is(0));
            assert_eq!(planned, done, "{what}, folder: {moves_folder}");
            lab.assert_equal();
        }
    }
}

/// What something else gives way to is planned as well. (The plan ended with what gave way.)
#[test]
fn what_waits_for_something_that_gives_way_is_planned() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    lab.write("l/c", "twoo");
    lab.sync(&[]).is(0);
    std::fs::rename(lab.at("r/a"), lab.at("r/b")).unwrap();
    lab.write("l/b", "two");
    let planned = operations(&lab.run(["plan", "--json", "l", "r"]).is(0));
    assert!(
        planned.contains(&r#""rename" "local" "b""#.to_owned()),
        "{planned:?}"
    );
    let done = operations(&lab.run(["sync", "--json", "l", "r"]).is(0));
    assert_eq!(planned, done);
    lab.assert_equal();
}
