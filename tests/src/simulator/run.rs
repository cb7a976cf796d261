//! A run: rounds, and then a look at whether anything moves that should rest.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Once;

use cloudsync::{BySide, Side};

use super::round::World;
use super::sim::Sim;
use super::store::Disk;
use super::tally::Tally;
use super::tape::Tapes;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What was drawn.
    pub tapes: Tapes,
    /// What does not hold, if anything: the property, and how.
    pub violation: Option<(&'static str, String)>,
    /// What was reached.
    pub tally: Tally,
    /// Calls of providers and stores.
    pub steps: u64,
    /// Calls that changed a side, or tried to.
    pub operations: u64,
    /// What happened, if it was to be told.
    pub trace: Vec<String>,
    /// A hash of what happened.
    pub hash: u64,
}

thread_local! {
    /// What panicked on this thread, wherever it was caught.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes panics instead of printing them, for the whole process.
fn listen_to_panics() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_simulated = PANICS.try_with(|panics| {
                let mut panics = panics.borrow_mut();
                let is_ours = IS_RUNNING.get();
                if is_ours {
                    panics.push(panic.to_string());
                }
                is_ours
            });
            if !is_simulated.unwrap_or(false) {
                before(panic);
            }
        }));
    });
}

thread_local! {
    static IS_RUNNING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Makes a run of these tapes.
///
/// # Panics
/// If there can be no runtime.
pub fn simulate(tapes: Tapes, is_traced: bool) -> Ran {
    listen_to_panics();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    PANICS.with(|panics| panics.borrow_mut().clear());
    IS_RUNNING.set(true);
    let guard = runtime.enter();
    let sim = Arc::new(Sim::new(tapes, is_traced));
    drop(guard);
    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(&sim))));
    drop(runtime);
    IS_RUNNING.set(false);
    let panics = PANICS.take();
    if let Some(panic) = panics.first() {
        sim.violate("no panics", panic.clone());
    } else if played.is_err() {
        sim.violate("no panics", "one that nobody told of");
    }
    let (hash, trace) = sim.trace();
    let mut state = sim.lock();
    Ran {
        tapes: state.tapes.clone(),
        violation: state
            .violation
            .take()
            .map(|violation| (violation.property, violation.how)),
        tally: std::mem::take(&mut state.tally),
        steps: state.steps,
        operations: state.operations.local + state.operations.remote,
        trace,
        hash,
    }
}

/// Makes a run of these tapes, and the same one again from what was drawn: it must be the same.
///
/// # Panics
/// As [`simulate`].
pub fn simulate_twice(tapes: Tapes) -> Ran {
    let mut first = simulate(tapes, false);
    let again = simulate(Tapes::recorded(first.tapes.rows()), false);
    if first.hash != again.hash {
        first.violation.get_or_insert((
            "I30 determinism",
            "the same tapes gave another trace".to_owned(),
        ));
    }
    first
}

async fn play(sim: &Arc<Sim>) {
    let disk = match Disk::new(sim.setup.in_file) {
        Ok(disk) => disk,
        Err(error) => return sim.violate("a disk", error.to_string()),
    };
    if sim.setup.in_file {
        sim.count("state in a file");
    }
    for side in Side::BOTH {
        let made = sim.services[side].user().mkdir(super::facade::root(side));
        made.expect("a root");
    }
    let mut world = World::new(sim.clone(), disk);
    for _ in 0..sim.setup.rounds {
        world.round().await;
        if sim.is_violated() {
            return;
        }
    }
    check_rest(&mut world).await;
    world.end().await;
}

/// At rest nothing moves: not in another run, not after a restart with a walk of everything.
async fn check_rest(world: &mut World) {
    // Attributes that a side refused are tried again by the next start.
    if world.sim.lock().tally.of("fault: object forbidden") > 0 {
        world.restart().await;
        world.rest(false).await;
    }
    for walks in [false, true] {
        let sim = world.sim.clone();
        let before = (operations(&sim), snapshot(world).await);
        sim.note(format_args!("REST, walks: {walks}"));
        world.restart().await;
        world.rest(walks).await;
        if sim.is_violated() {
            return;
        }
        if operations(&sim) != before.0 {
            let (was, is) = (before.0, operations(&sim));
            sim.violate(
                "I13 a fixed point",
                format!("{was:?} operations, then {is:?}"),
            );
        }
        let after = snapshot(world).await;
        if after != before.1 {
            sim.violate("I13 a fixed point", "records changed");
            sim.note(format_args!("{:?}\n{after:?}", before.1));
        }
    }
}

fn operations(sim: &Sim) -> BySide<u64> {
    sim.lock().operations
}

/// The records that are kept.
async fn snapshot(
    world: &World,
) -> Vec<(
    cloudsync_core::record::EntryId,
    cloudsync_core::record::Record,
)> {
    let Some(facade) = &world.facade else {
        return Vec::new();
    };
    match facade.store().snapshot().await {
        Ok(snapshot) => snapshot.entries,
        Err(failure) => {
            world
                .sim
                .violate("the state can be read", failure.to_string());
            Vec::new()
        }
    }
}
