//! No space left: on a small disk for real, in a mount namespace of its own, so that the disk goes with
//! it.

use crate::lab::{Lab, PROGRAM, Ran};

/// Syncs to a disk of 1 MiB, makes room, syncs again.
const SMALL_SIDE: &str = "
mount -t tmpfs -o size=1m none r || exit 77
\"$0\" sync --json l r > first; echo $? >> codes
ls -A r > names
mount -o remount,size=64m r || exit 77
\"$0\" sync -q l r > second; echo $? >> codes
cp -a r/. copy
";

/// Keeps the state on small disks, which run out of space at the opening, before the first change
/// and in the middle; then makes room.
const SMALL_STATE: &str = "
for size in 4 32 128; do
    rm -rf r state; mkdir r state
    mount -t tmpfs -o size=${size}k none state || exit 77
    \"$0\" sync -q l r; echo $? >> codes
    mount -o remount,size=64m state || exit 77
    \"$0\" sync -q l r; echo $? >> codes
    diff -r l r >> codes
    umount state
done
";

/// Runs a script; `None`, and a line that says so, where no disk can be mounted.
fn run(lab: &Lab, script: &str) -> Option<Ran> {
    let mut command = lab.program("unshare", ["--mount", "sh", "-c", script, PROGRAM]);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let done = command.output().ok().map(Ran::from);
    let ran = done.filter(|ran| lab.at("codes").exists() && ran.code != Some(77));
    if ran.is_none() {
        eprintln!("left out: no small disk can be mounted here");
    }
    ran
}

#[test]
fn a_file_for_which_there_is_no_space_holds_up_no_other() {
    let lab = Lab::new();
    lab.write("l/a", "small");
    lab.write("l/big", &"x".repeat(3 << 20));
    for number in 0..20 {
        lab.write(&format!("l/f/{number}"), "small");
    }
    std::fs::create_dir(lab.at("copy")).unwrap();
    let Some(ran) = run(&lab, SMALL_SIDE) else {
        return;
    };
    assert_eq!(lab.read("codes").as_deref(), Some("3\n0\n"), "{ran:?}");
    let names = lab.read("names");
    assert_eq!(names.as_deref(), Some("a\nf\n"), "nothing half-written");
    let first = Ran {
        out: lab.read("first").unwrap(),
        ..ran
    };
    let errors = first.of_type("error");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        (&errors[0]["path"], &errors[0]["class"]),
        (&"big".into(), &"out_of_space".into())
    );
    assert_eq!(lab.tree("copy"), lab.tree("l"));
}

#[test]
fn a_state_for_which_there_is_no_space_is_told_as_such() {
    let lab = Lab::new();
    for number in 0..300 {
        lab.write(&format!("l/file-with-a-longer-name-{number}"), "small");
    }
    if let Some(ran) = run(&lab, SMALL_STATE) {
        let codes = lab.read("codes");
        assert_eq!(codes.as_deref(), Some("10\n0\n10\n0\n10\n0\n"), "{ran:?}");
    }
}
