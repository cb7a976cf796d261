//! Performs operations: small writes in batches, large ones apart, other calls in small bundles.
//!
//! How much is handed out at once is the engine's to decide ([`Limits`]); here is only decided what
//! shares a call or a task. Whoever has a free slot takes what is there; but beside two batches of small writes under
//! way, only a full one begins.
//!
//! [`Limits`]: cloudsync_core::engine::io::Limits

mod calls;
mod lanes;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloudsync_core::engine::io::{Effect, Input, Operation, OperationId};
use cloudsync_core::failure::Failure;
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::Provider;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::alarm::{Alarm, Alarms};
use crate::transfer::Answers;
use lanes::{Job, Lane, Lanes};

/// How an operation ended.
pub type Outcome = (OperationId, Result<Effect, Failure>);

/// Performs operations.
pub trait Perform: fmt::Debug + Send + Sync + 'static {
    /// Takes operations on, in the order in which they should start, and returns at once. Each is
    /// answered once, in any order, through the [`Outcomes`] that this was made with; a call that
    /// panics is answered too. Dropping this breaks off what runs.
    ///
    /// Holds no more than the engine hands out, so nothing has to be turned away.
    fn perform(&self, operations: Vec<Operation>);

    /// Drops the operations that have not begun, unanswered, as everything is about to end. Returns
    /// how many; by default none. Their intents are durable: the next start looks at them first.
    fn forget_waiting(&self) -> usize {
        0
    }
}

/// Where outcomes of operations go.
#[derive(Clone, Debug)]
pub struct Outcomes(To);

#[derive(Clone, Debug)]
enum To {
    Driver(mpsc::Sender<Input>),
    Wrapper(mpsc::Sender<Vec<Outcome>>),
}

impl Outcomes {
    /// Outcomes that go to a driver.
    pub(crate) fn to_driver(inputs: mpsc::Sender<Input>) -> Self {
        Self(To::Driver(inputs))
    }

    /// Makes outcomes that can be looked at on their way, by whoever wraps a [`Perform`].
    pub fn channel() -> (Outcomes, mpsc::Receiver<Vec<Outcome>>) {
        let (sender, receiver) = mpsc::channel(64);
        (Outcomes(To::Wrapper(sender)), receiver)
    }

    /// Hands outcomes over, best many at once. Waits where the receiver has not taken earlier ones.
    /// Returns false where nobody waits for them any more.
    pub async fn send(&self, outcomes: Vec<Outcome>) -> bool {
        match &self.0 {
            To::Driver(inputs) => inputs.send(Input::Done(outcomes)).await.is_ok(),
            To::Wrapper(sender) => sender.send(outcomes).await.is_ok(),
        }
    }
}

/// What a performer needs of the pair.
#[derive(Clone, Debug)]
pub struct PerformContext {
    pub(crate) providers: BySide<Arc<dyn Provider>>,
    pub(crate) answers: Answers,
    pub(crate) alarms: Alarms,
}

impl PerformContext {
    /// Returns the provider of a side.
    pub fn provider(&self, side: Side) -> &Arc<dyn Provider> {
        &self.providers[side]
    }

    /// Returns what is to be told of the failures of a side's calls.
    pub fn alarm(&self, side: Side) -> &Alarm {
        &self.alarms[side]
    }
}

/// The default [`Perform`].
#[derive(Debug)]
pub struct Performer {
    shared: Arc<Shared>,
    /// Apart from what the workers hold: dropping the performer ends them.
    workers: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared {
    context: PerformContext,
    lanes: BySide<Mutex<Lanes>>,
    outcomes: Outcomes,
}

impl Performer {
    /// Makes a performer. Needs a tokio runtime once it is used.
    pub fn new(context: PerformContext, outcomes: Outcomes) -> Self {
        let lanes = BySide::from_fn(|side| {
            let capabilities = context.providers[side].capabilities();
            Mutex::new(Lanes::new(capabilities.batch, capabilities.concurrency))
        });
        let shared = Arc::new(Shared {
            context,
            lanes,
            outcomes,
        });
        Self {
            shared,
            workers: Mutex::default(),
        }
    }
}

impl Perform for Performer {
    fn forget_waiting(&self) -> usize {
        let forget = |side| lock(&self.shared.lanes[side]).clear();
        Side::BOTH.into_iter().map(forget).sum()
    }

    fn perform(&self, operations: Vec<Operation>) {
        for operation in operations {
            lock(&self.shared.lanes[operation.side]).push(operation);
        }
        let mut workers = lock(&self.workers);
        while workers.try_join_next().is_some() {}
        for side in Side::BOTH {
            while let Some(lane) = lock(&self.shared.lanes[side]).hire() {
                workers.spawn(work(self.shared.clone(), side, lane));
            }
        }
    }
}

/// Takes what waits in a lane until nothing is left, or nobody wants to know.
async fn work(shared: Arc<Shared>, side: Side, lane: Lane) {
    let mut was_writing = false;
    loop {
        let Some(job) = lock(&shared.lanes[side]).next(lane, was_writing) else {
            return;
        };
        was_writing = matches!(job, Job::Writes(_));
        if !calls::run(&shared.context, side, job, &shared.outcomes).await {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
