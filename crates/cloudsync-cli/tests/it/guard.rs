//! Many deletions at once are held until somebody says that they are meant.

use std::os::unix::fs::symlink;

use crate::lab::Lab;

fn filled(files: usize) -> Lab {
    let lab = Lab::new();
    for number in 0..files {
        lab.write(&format!("l/f{number}"), &number.to_string());
    }
    lab.sync(&[]).is(0);
    lab
}

#[test]
fn only_the_deletions_are_held() {
    let lab = filled(40);
    for number in 0..30 {
        lab.remove(&format!("l/f{number}"));
    }
    lab.write("l/new", "goes on");
    for _ in 0..2 {
        let ran = lab.sync(&[]).is(6);
        assert!(ran.out.contains("✗ Deletions held: 30"), "{}", ran.out);
        assert!(ran.out.contains("--allow-deletes"), "{}", ran.out);
        assert_eq!(lab.tree("r").len(), 41);
    }
    let ran = lab.run(["plan", "l", "r"]).is(6);
    assert!(ran.out.contains("would be held"), "{}", ran.out);
    let ran = lab.sync(&["--allow-deletes"]).is(0);
    assert!(ran.out.contains("30 deleted"), "{}", ran.out);
    lab.assert_equal();
    assert_eq!(lab.tree("r").len(), 11);
}

#[test]
fn the_limit_is_as_it_was_asked_for() {
    let lab = filled(10);
    lab.remove("l/f0");
    lab.remove("l/f1");
    lab.sync(&["--max-delete", "0"]).is(6);
    lab.sync(&["--max-delete", "1"]).is(6);
    lab.sync(&["--max-delete", "0%"]).is(6);
    assert_eq!(lab.tree("r").len(), 10);
    lab.sync(&["--max-delete", "2"]).is(0);
    assert_eq!(lab.tree("r").len(), 8);
}

#[test]
fn an_emptied_folder_empties_no_other_one() {
    let lab = filled(30);
    lab.remove("l");
    std::fs::create_dir(lab.at("l")).unwrap();
    // Another folder than before: it is not even looked at what it lacks.
    let ran = lab.sync(&[]).is(6);
    assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
    assert_eq!(lab.tree("r").len(), 30);
    // Even where deletions are allowed.
    lab.sync(&["--allow-deletes"]).is(6);
    assert_eq!(lab.tree("r").len(), 30);
    lab.remove("state");
    lab.sync(&[]).is(0);
    assert_eq!(lab.tree("l").len(), 30);
}

#[test]
fn what_a_link_took_the_place_of_is_kept_on_the_other_side() {
    let lab = filled(3);
    lab.write("l/folder/file", "inside");
    lab.sync(&[]).is(0);
    let before = lab.tree("r");
    lab.remove("l/f0");
    lab.remove("l/folder");
    symlink("f1", lab.at("l/f0")).unwrap();
    symlink("..", lab.at("l/folder")).unwrap();
    for _ in 0..2 {
        let ran = lab.sync(&[]).is(3);
        assert!(ran.out.contains("f0"), "{}", ran.out);
        assert_eq!(lab.tree("r"), before);
    }
    // The user means it after all.
    lab.remove("l/f0");
    lab.remove("l/folder");
    lab.sync(&[]).is(0);
    lab.assert_equal();
    assert_eq!(lab.tree("r").len(), 2);
}
