//! All small worlds: every base tree, everything two users can do to it with a few acts. The larger
//! bound is run on demand, by `cargo xtask simulate --exhaustive`.
#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may say how much it saw, and how long it took"
)]

use std::time::Instant;

use cloudsync_core::side::BySide;
use cloudsync_core::testing::SideSetup;
use cloudsync_core::testing::exhaustive::{Bound, run};

fn check(name: &str, bounds: &[(usize, usize, usize)], setup: BySide<SideSetup>) {
    check_without(name, bounds, setup, BySide::default());
}

fn check_without(
    name: &str,
    bounds: &[(usize, usize, usize)],
    setup: BySide<SideSetup>,
    unwanted: BySide<Option<&'static str>>,
) {
    let start = Instant::now();
    let (mut worlds, mut foretold) = (0, 0);
    for &(nodes, local, remote) in bounds {
        let bound = Bound {
            nodes,
            acts: BySide::new(local, remote),
            setup,
            unwanted,
        };
        let tally = run(&bound, 0, 1);
        if let Some(first) = tally.failures.first() {
            let all: Vec<String> = tally.failures.iter().map(ToString::to_string).collect();
            let (trace, count) = (first.trace.join("\n"), tally.worlds);
            panic!(
                "{trace}\n{} of {count} worlds:\n{}",
                all.len(),
                all.join("\n")
            );
        }
        worlds += tally.worlds;
        foretold += tally.foretold;
    }
    let took = start.elapsed();
    println!("{name}: {worlds} worlds, the end of {foretold} foretold, {took:.1?}");
}

#[test]
fn two_disks() {
    let bounds = [
        (0, 2, 2),
        (1, 2, 2),
        (2, 1, 1),
        (2, 2, 1),
        (3, 2, 0),
        (3, 0, 2),
    ];
    check("two disks", &bounds, BySide::default());
}

#[test]
fn without_ids() {
    let setup = BySide::new(SideSetup::without_ids(), SideSetup::without_ids());
    let bounds = [(0, 2, 2), (1, 2, 2), (2, 2, 1), (2, 1, 2)];
    check("without ids", &bounds, setup);
}

#[test]
fn a_disk_and_a_service() {
    let setup = BySide::new(SideSetup::default(), SideSetup::service());
    let bounds = [(0, 2, 2), (1, 2, 2), (2, 1, 2), (2, 2, 0)];
    check("disk and service", &bounds, setup);
}

#[test]
fn a_disk_and_an_object_store() {
    let setup = BySide::new(SideSetup::default(), SideSetup::without_ids());
    let bounds = [(0, 2, 2), (1, 2, 2), (2, 2, 1), (2, 1, 2)];
    check("disk and object store", &bounds, setup);
}

#[test]
fn without_moves_of_folders() {
    let setup = SideSetup {
        folder_move: false,
        ..SideSetup::service()
    };
    let setup = BySide::new(SideSetup::default(), setup);
    check(
        "disk, and service without moves of folders",
        &[(1, 2, 2), (2, 1, 1)],
        setup,
    );
    let setup = SideSetup {
        folder_move: false,
        ..SideSetup::default()
    };
    let setup = BySide::new(setup, setup);
    check("neither moves folders", &[(2, 1, 1)], setup);
}

#[test]
fn where_one_side_does_not_want_a_name() {
    let unwanted = BySide::new(None, Some("b"));
    let bounds = [(0, 2, 2), (1, 2, 2), (2, 1, 1)];
    check_without("two disks, one name", &bounds, BySide::default(), unwanted);
    let setup = BySide::new(SideSetup::service(), SideSetup::without_ids());
    let bounds = [(1, 1, 1), (2, 1, 1)];
    check_without(
        "service and object store, one name",
        &bounds,
        setup,
        unwanted,
    );
    let unwanted = BySide::new(Some("a"), Some("b"));
    check_without("two disks, two names", &bounds, BySide::default(), unwanted);
}
