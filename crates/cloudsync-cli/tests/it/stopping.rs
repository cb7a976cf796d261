//! Being asked to stop in the middle.

use crate::lab::{Lab, eventually};

fn busy() -> Lab {
    let lab = Lab::new();
    for number in 0..3_000 {
        lab.write(&format!("l/{}/f{number}", number % 50), &"x".repeat(500));
    }
    lab
}

#[test]
fn a_run_ends_in_order_and_the_next_one_goes_on() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let lab = busy();
        let mut running = lab.spawn(&["sync", "-q", "l", "r"]);
        eventually("it began", || {
            lab.tree("r").len() > 60 || running.has_ended()
        });
        assert!(!running.has_ended(), "too quick to be stopped");
        running.signal(signal);
        let ran = running.end().is(code);
        assert!(ran.out.contains("! Stopped after"), "{}", ran.out);
        lab.sync(&[]).is(0);
        lab.assert_equal();
    }
}

#[test]
fn a_run_that_is_killed_goes_on_the_next_time() {
    let lab = busy();
    let mut running = lab.spawn(&["sync", "-q", "l", "r"]);
    eventually("it began", || {
        lab.tree("r").len() > 60 || running.has_ended()
    });
    drop(running);
    lab.sync(&[]).is(0);
    lab.assert_equal();
}

#[test]
fn the_second_time_it_ends_at_once() {
    let lab = busy();
    let mut running = lab.spawn(&["sync", "-q", "l", "r"]);
    eventually("it began", || {
        lab.tree("r").len() > 60 || running.has_ended()
    });
    assert!(!running.has_ended(), "too quick to be stopped");
    // While it sleeps, two equal signals would become one.
    running.signal("STOP");
    running.signal("INT");
    running.signal("TERM");
    running.signal("CONT");
    let ran = running.end();
    assert!([Some(130), Some(143)].contains(&ran.code), "{ran:?}");
    assert!(!ran.out.contains("Stopped after"), "{}", ran.out);
    lab.sync(&[]).is(0);
    lab.assert_equal();
}

#[test]
fn the_second_time_watching_ends_at_once() {
    let lab = busy();
    let mut watch = lab.spawn_into("out", &["watch", "--json", "l", "r"]);
    eventually("it began", || lab.tree("r").len() > 60 || watch.has_ended());
    // While it sleeps, two equal signals would become one.
    watch.signal("STOP");
    watch.signal("INT");
    watch.signal("TERM");
    watch.signal("CONT");
    let ran = watch.end();
    assert!([Some(130), Some(143)].contains(&ran.code), "{ran:?}");
    let out = lab.read("out").unwrap();
    assert!(out.contains("\"type\":\"stopping\""), "{out}");
    assert!(!out.contains("\"type\":\"run_end\""), "it did not wait");
    lab.sync(&[]).is(0);
    lab.assert_equal();
}
