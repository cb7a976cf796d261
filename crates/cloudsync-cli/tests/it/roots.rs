//! Folders that are missing, or other ones than before.

use std::fs;
use std::os::unix::fs::symlink;

use crate::lab::Lab;

#[test]
fn only_the_second_folder_is_made_and_only_at_the_first_meeting() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    let ran = lab.run(["sync", "none", "r"]).is(7);
    assert!(ran.err.contains("mkdir"), "{}", ran.err);
    lab.run(["sync", "none", "none-either"]).is(7);
    lab.run(["sync", "l", "none/below"]).is(7);
    assert!(!lab.at("none").exists() && !lab.at("none-either").exists());
    assert!(!lab.at("state").exists());

    lab.run(["sync", "l", "made"]).is(0);
    assert_eq!(lab.read("made/a").as_deref(), Some("one"));

    fs::rename(lab.at("made"), lab.at("unmounted")).unwrap();
    let ran = lab.run(["sync", "l", "made"]).is(7);
    assert!(ran.err.contains("nothing was deleted"), "{}", ran.err);
    let why = format!(
        "made ({}): the folder is missing: No such",
        lab.at("made").display()
    );
    assert!(ran.err.contains(&why), "{}", ran.err);
    assert!(!lab.at("made").exists() && lab.at("l/a").exists());
    fs::rename(lab.at("unmounted"), lab.at("made")).unwrap();
    lab.run(["sync", "l", "made"]).is(0);

    fs::rename(lab.at("l"), lab.at("away")).unwrap();
    lab.run(["sync", "l", "made"]).is(7);
    assert!(!lab.at("l").exists() && lab.at("made/a").exists());
}

#[test]
fn a_link_to_nowhere_is_no_free_place() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    symlink(lab.at("disk/r"), lab.at("link")).unwrap();
    lab.run(["sync", "l", "link"]).is(7);
    fs::create_dir(lab.at("disk")).unwrap();
    lab.run(["sync", "l", "link"]).is(7);
    fs::create_dir(lab.at("disk/r")).unwrap();
    lab.run(["sync", "l", "link"]).is(0);
    assert!(lab.at("disk/r/a").exists());
    // The same pair under another name.
    let ran = lab.run(["sync", "l", "file:disk/r"]).is(0);
    assert!(
        ran.out.starts_with("✓ In sync (checked 1 + 1"),
        "{}",
        ran.out
    );
}

#[test]
fn locations_may_be_written_in_many_ways() {
    let lab = Lab::new();
    lab.write("l/a", "one");
    fs::create_dir(lab.at("odd:name")).unwrap();
    lab.run(["sync", "l", "./odd:name"]).is(0);
    assert!(lab.at("odd:name/a").exists());
    let local = format!("file://{}", lab.at("l").display());
    let remote = format!("file:{}/", lab.at("r").display());
    lab.run(["sync", &local, &remote]).is(0);
    let ran = lab.sync(&[]).is(0);
    assert!(ran.out.starts_with("✓ In sync (checked"), "{}", ran.out);
    fs::create_dir_all(lab.at("home/x")).unwrap();
    lab.run(["sync", "l", "~/x"]).is(0);
    assert!(lab.at("home/x/a").exists());
}
