//! What is told of is looked at, whatever comes in between: found by the simulation.

use std::time::Duration;

use cloudsync::provider::mock::{Call, EventShape};
use cloudsync::{ErrorKind, Side};
use cloudsync_tests::{Drive, Setup, Way, in_ways, with_ways};
use tokio::time::sleep;

/// Ways in which what happened is told, and nothing is walked of its own accord for hours.
fn told() -> impl Iterator<Item = Way> {
    let is_told = |way: &Way| way.drive != Drive::Walks;
    Way::all().into_iter().filter(is_told)
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_answered_with_garbage_is_made_again() {
    in_ways(told(), async |mut pair| {
        pair.a().write("a", "one");
        pair.settle().await;
        pair.a().write("a", "two");
        let faults = pair.clients[Side::Local].faults();
        faults.fail_next(Call::Info, ErrorKind::Unexpected);
        pair.settle().await;
        pair.assert_both(&[("a", "two")]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_is_refused_is_made_again_after_a_restart_too() {
    in_ways(Way::driven(Drive::Once), async |mut pair| {
        pair.settle().await;
        pair.a().write("folder/a", "one");
        // Told of in a folder that nobody knows: all is walked.
        let faults = pair.clients[Side::Local].faults();
        faults.fail_next(Call::List, ErrorKind::Token);
        // Gives up before it is tried again.
        pair.rest().await;
        let mut pair = pair.reopen().await;
        pair.settle().await;
        pair.assert_both(&[("folder", "/"), ("folder/a", "one")]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_moves_on_while_it_is_looked_up_is_looked_up_again() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let setup = Setup::new(way).config(Side::Remote, |config| {
            config.events.shape = EventShape::OidOnly;
        });
        let mut pair = setup.pair().await;
        pair.settle().await;
        pair.services[Side::Remote].configure(|config| {
            config.latency = Duration::from_millis(100);
        });
        pair.b().write("a", "one");
        // It is looked at, and the answer is on its way.
        sleep(Duration::from_millis(75)).await;
        pair.b().rename("a", "b");
        pair.settle().await;
        pair.assert_both(&[("b", "one")]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_known_id_told_of_elsewhere_is_missed_where_it_was() {
    with_ways(Way::driven(Drive::Once), async |way| {
        let setup = Setup::new(way).config(Side::Remote, |config| config.id_lookup = false);
        let mut pair = setup.pair().await;
        pair.b().write("a", "one");
        pair.settle().await;
        pair.b().rename("a", "b");
        pair.b().delete("b");
        pair.settle().await;
        pair.assert_both(&[]);
    })
    .await;
}
