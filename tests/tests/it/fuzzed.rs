//! What parses and what decides, over bytes: those that `cargo fuzz` kept, and random ones.

use std::fs;
use std::path::{Path, PathBuf};

use cloudsync_core::testing::Random;
use cloudsync_tests::fuzzing::TARGETS;

/// The longest of random bytes.
const LONGEST: usize = 400;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// Hands a target what was kept, then so many random bytes.
fn fuzz(name: &str, runs: u64) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let mut kept: Vec<_> = fs::read_dir(corpus().join(name))
        .expect("kept bytes")
        .map(|file| file.expect("a file").path())
        .collect();
    kept.sort();
    assert!(!kept.is_empty());
    for file in kept {
        eprintln!("{}", file.display());
        target(&fs::read(&file).expect("a file"));
    }
    target(&[]);
    for seed in 0..runs {
        eprintln!("random bytes of seed {seed}");
        let mut random = Random::new(seed);
        let length = random.below(LONGEST);
        let bytes: Vec<u8> = (0..length)
            .map(|_| random.word().to_le_bytes()[0])
            .collect();
        target(&bytes);
    }
}

#[test]
fn any_bytes_as_events() {
    fuzz("events", 300);
}

#[test]
fn any_bytes_as_filters() {
    fuzz("filters", 3000);
}

#[test]
fn any_bytes_as_locations() {
    fuzz("locations", 3000);
}

#[test]
fn any_bytes_as_paths() {
    fuzz("paths", 5000);
}

#[test]
fn any_bytes_as_records() {
    fuzz("records", 5000);
}

#[test]
fn any_bytes_as_state() {
    fuzz("state", 2000);
}

#[test]
fn any_bytes_as_world() {
    fuzz("world", 200);
}

#[test]
fn each_folder_of_kept_bytes_is_that_of_a_target() {
    let folders = fs::read_dir(corpus()).expect("kept bytes");
    let mut names: Vec<_> = folders
        .map(|folder| folder.expect("a folder").file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}
