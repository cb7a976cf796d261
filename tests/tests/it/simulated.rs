//! The whole under fire: runs that failed once, for ever, and a share of random ones.

use std::fs;
use std::path::Path;

use cloudsync_tests::simulator::{Seeds, Tapes, simulate, simulate_twice};

/// Seeds of the random runs: more of them are made by `cargo xtask simulate --whole`.
const SHARE: std::ops::Range<u64> = 1..401;

#[test]
fn runs_that_failed_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tapes");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("stored tapes")
        .map(|file| file.expect("a file").path())
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).expect("a file");
        let tapes: Tapes = text.parse().expect("tapes");
        let ran = simulate_twice(tapes);
        assert_eq!(ran.violation, None, "{}", file.display());
    }
}

/// A share of random runs, each of them twice. Says of one that fails how to see it.
fn share(part: u64) {
    let mut seeds = Seeds::default();
    for seed in SHARE.filter(|seed| seed % 4 == part) {
        seeds.run(seed);
    }
    let failed: Vec<_> = seeds
        .failures
        .iter()
        .map(|(seed, ran)| (seed, &ran.violation))
        .collect();
    assert!(
        failed.is_empty(),
        "{failed:?}\n  again: cargo xtask simulate --whole --replay SEED"
    );
    assert!(seeds.operations > 0);
}

#[test]
fn random_runs_first_share() {
    share(0);
}

#[test]
fn random_runs_second_share() {
    share(1);
}

#[test]
fn random_runs_third_share() {
    share(2);
}

#[test]
fn random_runs_fourth_share() {
    share(3);
}

/// The simulation would be blind if it passed whatever happens.
#[test]
fn empty_tapes_are_a_run_without_faults_that_writes_a_file() {
    let ran = simulate(Tapes::default(), true);
    assert_eq!(ran.violation, None);
    assert_eq!(ran.operations, 1, "{:#?}", ran.trace);
}
