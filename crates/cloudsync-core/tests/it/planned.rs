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
