//! Power cuts: what a disk forgets is no wish of a user. Hundreds of them: `cargo xtask power`.

use std::path::Path;

use cloudsync_tests::power::{obstacle, play};

const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

#[test]
fn a_power_cut_takes_nothing_from_the_other_side() {
    if let Some(obstacle) = obstacle() {
        eprintln!("left out: {obstacle}");
        return;
    }
    for (seed, durability) in [(1, "batch"), (2, "full")] {
        let ran = play(seed, Path::new(VICTIM), durability, 12).unwrap();
        assert_eq!(ran.violations, [""; 0]);
        assert!(ran.cuts == 12 && ran.forgot > 3, "{ran:?}");
    }
}

#[test]
fn where_nothing_is_flushed_a_power_cut_is_found_out() {
    if let Some(obstacle) = obstacle() {
        eprintln!("left out: {obstacle}");
        return;
    }
    let any = (1..=5).any(|seed| {
        let ran = play(seed, Path::new(VICTIM), "none", 12).unwrap();
        !ran.violations.is_empty()
    });
    assert!(any, "the disks forget too little");
}
