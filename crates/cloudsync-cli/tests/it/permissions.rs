//! What may not be read or written. Root may do everything: there, the program runs as somebody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::lab::{Lab, PROGRAM, Ran};

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

/// A lab in which the program runs as a user whom permissions stop.
struct Guarded {
    lab: Lab,
    is_root: bool,
}

impl Guarded {
    /// `None`, and a line that says so, where that is not possible.
    fn new() -> Option<Self> {
        let lab = Lab::new();
        fs::create_dir(lab.at("state")).unwrap();
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if is_root {
            // Where it was built, others may not have a way to it.
            fs::copy(PROGRAM, lab.at("cloudsync")).unwrap();
            lab.allow("", 0o755);
        }
        let guarded = Self { lab, is_root };
        let runs = guarded.command(&["--version"]).output();
        if !runs.is_ok_and(|ran| ran.status.success()) {
            eprintln!("left out: nothing here runs a program as another user");
            return None;
        }
        Some(guarded)
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        if !self.is_root {
            return self.lab.command(args);
        }
        let user = format!("--reuid={NOBODY}");
        let group = format!("--regid={NOBODY}");
        let program = self.lab.at("cloudsync");
        let before = [&user, &group, "--clear-groups", program.to_str().unwrap()];
        self.lab.program("setpriv", [&before, args].concat())
    }

    /// Gives all to whom the program runs as, and syncs.
    fn sync(&self, more: &[&str]) -> Ran {
        if self.is_root {
            for folder in ["l", "r", "state"] {
                give(&self.lab.at(folder));
            }
        }
        Ran::of(&mut self.command(&[&["sync", "l", "r"], more].concat()))
    }
}

impl Lab {
    fn allow(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), Permissions::from_mode(mode)).unwrap();
    }
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

#[test]
fn an_unreadable_file_is_told_and_the_rest_is_synced() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let lab = &guarded.lab;
    for path in ["l/good", "l/secret", "l/locked/in", "l/was"] {
        lab.write(path, "one");
    }
    lab.allow("l/secret", 0o000);
    let ran = guarded.sync(&[]).is(3);
    assert!(ran.out.contains("✗ secret"), "{}", ran.out);
    assert_eq!(lab.read("r/good").as_deref(), Some("one"));
    assert!(lab.at("r/locked/in").exists() && !lab.at("r/secret").exists());

    // What was synced once and can no longer be read is not taken for deleted.
    lab.write("l/good", "two, edited");
    lab.write("r/back", "back");
    lab.allow("l/locked", 0o000);
    for _ in 0..2 {
        let ran = guarded.sync(&[]).is(3);
        assert!(ran.out.contains("locked"), "{}", ran.out);
        assert!(lab.at("l/secret").exists() && lab.at("r/was").exists());
        lab.allow("r/locked", 0o755);
        assert_eq!(lab.read("r/locked/in").as_deref(), Some("one"));
        assert_eq!(lab.read("r/good").as_deref(), Some("two, edited"));
        assert_eq!(lab.read("l/back").as_deref(), Some("back"));
    }

    lab.allow("l/secret", 0o644);
    lab.allow("l/locked", 0o755);
    guarded.sync(&[]).is(0);
    assert_eq!(lab.read("r/secret").as_deref(), Some("one"));
    lab.assert_equal();
}

#[test]
fn a_folder_that_takes_nothing_holds_up_no_other() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    if !guarded.is_root {
        eprintln!("left out: only root can make a folder that is somebody else's");
        return;
    }
    let lab = &guarded.lab;
    lab.write("l/closed/old", "one");
    lab.write("l/open/old", "one");
    guarded.sync(&[]).is(0);
    lab.write("l/closed/new", "two");
    lab.write("l/open/new", "two");
    give(&lab.at("l"));
    chown(lab.at("r/closed"), Some(0), Some(0)).unwrap();
    let ran = Ran::of(&mut guarded.command(&["sync", "l", "r", "--json"])).is(3);
    let errors = ran.of_type("error");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["path"], "closed/new");
    assert_eq!(errors[0]["class"], "permission_denied");
    assert_eq!(lab.read("r/open/new").as_deref(), Some("two"));
    assert!(lab.at("l/closed/new").exists() && !lab.at("r/closed/new").exists());

    guarded.sync(&[]).is(0);
    lab.assert_equal();
}

#[test]
fn read_only_folders_travel_with_what_is_in_them() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let lab = &guarded.lab;
    let mode = |path: &str| fs::metadata(lab.at(path)).unwrap().mode() & 0o777;
    for number in 0..100 {
        lab.write(&format!("l/cache/p{}/sub/f{number}", number % 7), "one");
    }
    let folders: Vec<_> = (0..7)
        .flat_map(|number| [format!("cache/p{number}/sub"), format!("cache/p{number}")])
        .chain(["cache".to_owned()])
        .collect();
    for folder in &folders {
        lab.allow(&format!("l/{folder}"), 0o555);
    }
    guarded.sync(&[]).is(0);
    lab.assert_equal();
    lab.allow("l/cache/p1/sub", 0o755);
    lab.remove("l/cache/p1/sub");
    lab.write("l/cache/p2/sub/f2", "two");
    lab.allow("l/cache", 0o755);
    fs::rename(lab.at("l/cache/p3"), lab.at("l/moved")).unwrap();
    lab.allow("l/cache", 0o555);
    let ran = guarded.sync(&["-v"]).is(0);
    assert!(!ran.out.contains("mode"), "nobody set one: {}", ran.out);
    lab.assert_equal();
    assert_eq!(mode("r/moved/sub"), 0o555);
    for folder in folders.iter().filter(|folder| !folder.contains("p3")) {
        if folder != "cache/p1/sub" {
            assert_eq!(mode(&format!("r/{folder}")), 0o555, "{folder}");
        }
    }
    guarded.sync(&[]).is(0);
}

#[test]
fn a_root_that_may_not_be_written_to_stays_as_it_is() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let lab = &guarded.lab;
    lab.write("l/a", "one");
    lab.allow("r", 0o555);
    let ran = guarded.sync(&[]).is(3);
    assert!(ran.out.contains("permission denied"), "{}", ran.out);
    assert!(!lab.at("r/a").exists());
    lab.allow("r", 0o755);
    guarded.sync(&[]).is(0);
    lab.assert_equal();
}

#[test]
fn a_side_that_may_not_be_read_at_all_is_told_and_nothing_is_deleted() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let lab = &guarded.lab;
    lab.write("l/a", "one");
    guarded.sync(&[]).is(0);
    for side in ["l", "r"] {
        let other = if side == "l" { "r" } else { "l" };
        lab.write(&format!("{other}/more-{other}"), "two");
        lab.allow(side, 0o000);
        for command in ["sync", "plan"] {
            let ran = Ran::of(&mut guarded.command(&[command, "l", "r"])).is(5);
            assert!(ran.err.contains("exit 5"), "{}", ran.err);
        }
        lab.allow(side, 0o755);
        assert_eq!(lab.read("l/a"), lab.read("r/a"));
    }
    guarded.sync(&[]).is(0);
    lab.assert_equal();
    assert_eq!(lab.tree("l").len(), 3);
}
