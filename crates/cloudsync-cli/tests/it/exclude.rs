//! What takes no part is never touched, whatever patterns come and go.

use crate::lab::Lab;

#[test]
fn what_is_left_out_stays_where_it_is() {
    let lab = Lab::new();
    for side in ["l", "r"] {
        lab.write(&format!("{side}/{side}.tmp"), side);
        lab.write(&format!("{side}/.git/{side}"), side);
        lab.write(&format!("{side}/deep/build/{side}"), side);
        lab.write(&format!("{side}/top/{side}"), side);
        lab.write(&format!("{side}/{side}.txt"), side);
    }
    let more = [
        "--exclude",
        "*.tmp",
        "--exclude",
        ".git/",
        "--exclude",
        "deep/build",
        "--exclude",
        "/top/",
    ];
    lab.sync(&more).is(0);
    for (side, other) in [("l", "r"), ("r", "l")] {
        assert!(lab.at(&format!("{other}/{side}.txt")).exists());
        for path in [
            format!("{side}.tmp"),
            format!(".git/{side}"),
            format!("deep/build/{side}"),
            format!("top/{side}"),
        ] {
            assert!(lab.at(&format!("{side}/{path}")).exists(), "{path}");
            assert!(!lab.at(&format!("{other}/{path}")).exists(), "{path}");
        }
    }
    lab.sync(&[]).is(0);
    lab.assert_equal();
}

#[test]
fn a_pattern_that_comes_later_deletes_nothing() {
    let lab = Lab::new();
    lab.write("l/node/x/f", "one");
    lab.write("r/keep", "two");
    lab.sync(&[]).is(0);
    lab.sync(&["--exclude", "node"]).is(0);
    lab.sync(&["--exclude", "node"]).is(0);
    for side in ["l", "r"] {
        assert!(lab.at(&format!("{side}/node/x/f")).exists(), "{side}");
    }
    lab.sync(&[]).is(0);
    lab.assert_equal();
}
