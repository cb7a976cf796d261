//! Cases for the planner alone: see [`cloudsync_core::testing::Planned`].

use cloudsync_core::testing::Planned;

/// For more of them see `cargo xtask simulate --planner`.
#[test]
fn whatever_two_users_did_is_planned_to_be_equal() {
    let mut operations = 0;
    for seed in 0..10_000 {
        operations += Planned::new(seed)
            .run()
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
    assert!(operations > 10_000, "most of them have something to plan");
}

/// Three folders that each user moved into each other the other way round waited for each other for ever.
#[test]
fn three_folders_that_both_moved_into_each_other_end_somewhere() {
    for seed in [9_474_694, 30_009_196, 30_141_586] {
        Planned::new(seed)
            .run()
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}
