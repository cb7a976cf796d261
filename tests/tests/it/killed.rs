//! Real processes that are killed, and what they leave. Thousands of them: `cargo xtask kill`.

use std::path::Path;

use cloudsync_tests::killing::play;

#[test]
fn nothing_is_lost_however_often_the_process_is_killed() {
    let mut kills = 0;
    for seed in 1..=12 {
        let (ran, _base) = play(seed, Path::new(env!("CARGO_BIN_EXE_victim"))).unwrap();
        assert_eq!(ran.violation, None, "seed {seed}");
        kills += ran.kills.values().sum::<u64>();
    }
    assert!(kills >= 20, "{kills} kills");
}
