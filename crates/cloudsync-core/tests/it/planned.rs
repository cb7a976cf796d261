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

#[test]
fn whatever_two_users_made_of_much_is_planned_to_be_equal() {
    for seed in 0..5_000 {
        Planned::crowded(seed)
            .run()
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

/// A folder was parked, and the one that it stood in before was moved into it: the way to where it stood had no end, and
/// the memory that it took neither.
#[test]
fn what_is_parked_and_what_it_stood_in_may_have_changed_places() {
    let case = Planned::crowded(248_756);
    case.run().unwrap_or_else(|why| panic!("{why}"));
}
