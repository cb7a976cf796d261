//! No space left: on a small disk for real.

use crate::lab::{Lab, PROGRAM, Ran};

/// Syncs to a disk of 1 MiB, makes room, syncs again. In a mount namespace of its own, so that the
/// disk goes with it.
const SCRIPT: &str = "
mount -t tmpfs -o size=1m none r || exit 77
\"$0\" sync --json l r > first; echo $? >> codes
ls -A r > names
mount -o remount,size=64m r || exit 77
\"$0\" sync -q l r > second; echo $? >> codes
cp -a r/. copy
";

#[test]
fn a_file_for_which_there_is_no_space_holds_up_no_other() {
    let lab = Lab::new();
    lab.write("l/a", "small");
    lab.write("l/big", &"x".repeat(3 << 20));
    for number in 0..20 {
        lab.write(&format!("l/f/{number}"), "small");
    }
    std::fs::create_dir(lab.at("copy")).unwrap();
    let mut command = lab.program("unshare", ["--mount", "sh", "-c", SCRIPT, PROGRAM]);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let ran = match command.output() {
        Ok(ran) if lab.at("codes").exists() && ran.status.code() != Some(77) => ran,
        _ => {
            eprintln!("left out: no small disk can be mounted here");
            return;
        }
    };
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(lab.read("codes").as_deref(), Some("3\n0\n"), "{told}");
    assert_eq!(
        lab.read("names").as_deref(),
        Some("a\nf\n"),
        "nothing half-written"
    );
    let first = Ran {
        code: Some(3),
        out: lab.read("first").unwrap(),
        err: told,
    };
    let errors = first.of_type("error");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        (&errors[0]["path"], &errors[0]["class"]),
        (&"big".into(), &"out_of_space".into())
    );
    assert_eq!(lab.tree("copy"), lab.tree("l"));
}
