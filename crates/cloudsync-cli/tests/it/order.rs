//! A pair is the same pair, whichever of its folders is named first.

use crate::lab::{Lab, Ran, eventually};

#[test]
fn a_pair_goes_on_the_other_way_round() {
    let lab = Lab::new();
    lab.write("l/gone", "one");
    lab.write("l/stays", "two");
    lab.run(["sync", "l", "r"]).is(0);
    // A first meeting would bring it back.
    lab.remove("l/gone");
    lab.run(["plan", "r", "l"]).is(0);
    lab.run(["sync", "r", "l"]).is(0);
    assert_eq!(lab.read("r/gone"), None);
    lab.assert_equal();
    // So it is with a state of one's own.
    for order in [["l", "r"], ["r", "l"]] {
        lab.write("l/other", order[0]);
        lab.run(["sync", "--state", "own", order[0], order[1]])
            .is(0);
        assert_eq!(lab.read("r/other").as_deref(), Some(order[0]));
    }
    let set_aside = |name: &std::ffi::OsStr| name.to_string_lossy().contains("damaged");
    let found = std::fs::read_dir(lab.at("")).unwrap();
    assert!(
        !found
            .into_iter()
            .any(|at| set_aside(&at.unwrap().file_name()))
    );
}

#[test]
fn the_winner_is_the_folder_that_was_named() {
    for (winner, expected) in [("local", "of r"), ("remote", "of l")] {
        let lab = Lab::new();
        lab.write("l/f", "both");
        lab.run(["sync", "l", "r"]).is(0);
        lab.write("l/f", "of l");
        lab.write("r/f", "of r");
        lab.run(["sync", "--on-conflict", winner, "r", "l"]).is(0);
        assert_eq!(lab.read("l/f").as_deref(), Some(expected), "{winner}");
        lab.assert_equal();
    }
}

#[test]
fn one_run_at_a_time_has_the_two_folders() {
    let lab = Lab::new();
    lab.write("l/f", "one");
    let running = lab.spawn(&["watch", "l", "r"]);
    eventually("it began", || lab.read("r/f").is_some());
    let refused = |ran: Ran| assert!(ran.is(8).err.contains("another"), "says why");
    refused(lab.run(["sync", "r", "l"]));
    refused(lab.run(["sync", "l", "r"]));
    refused(lab.run(["sync", "--state", "own", "l", "r"]));
    refused(lab.run(["watch", "--state", "own", "r", "l"]));
    // Of another user: nothing of the first one's is known to it.
    let mut elsewhere = lab.command(["sync", "l", "r"]);
    refused(Ran::of(
        elsewhere.env("CLOUDSYNC_STATE_DIR", lab.at("elsewhere")),
    ));
    std::os::unix::fs::symlink("l", lab.at("link")).unwrap();
    refused(lab.run(["sync", "--state", "own", "r", "link"]));
    lab.run(["plan", "l", "r"]).is(8);
    std::fs::create_dir(lab.at("third")).unwrap();
    lab.run(["sync", "l", "third"]).is(0);
    running.signal("TERM");
    running.end().is(143);
    lab.run(["sync", "--state", "own", "r", "l"]).is(0);
    lab.assert_equal();
}
