//! A few acts of users, in all orders with what the engine does, and one mishap anywhere. The larger bounds
//! are run on demand, by `cargo xtask simulate --interleaved`.

use cloudsync_core::side::BySide;
use cloudsync_core::testing::SideSetup;
use cloudsync_core::testing::interleaved::{Bound, MISHAPS, Order, run};

fn check(remote: SideSetup) {
    let bounds = [
        (0, 1, Order::Any),
        (1, 1, Order::Any),
        (0, 2, Order::OldestFirst),
    ];
    for (nodes, acts, order) in bounds {
        for mishap in MISHAPS {
            let bound = Bound {
                nodes,
                acts,
                setup: BySide::new(SideSetup::default(), remote),
                mishap,
                order,
            };
            let tally = run(&bound, 0, 1);
            assert!(tally.ends >= tally.sequences, "{bound:?}: {tally:?}");
            if let Some(first) = tally.failures.first() {
                panic!("{}\n{bound:?}: {first}", first.trace.join("\n"));
            }
        }
    }
}

#[test]
fn two_disks() {
    check(SideSetup::default());
}

#[test]
fn a_disk_and_a_service() {
    check(SideSetup::service());
}

#[test]
fn a_disk_and_a_service_that_does_not_tell_of_us() {
    check(SideSetup::silent_service());
}

#[test]
fn a_disk_and_an_object_store() {
    check(SideSetup::without_ids());
}
