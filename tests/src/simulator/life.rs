//! One life of the program, and its end at any point.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll};

use tokio::sync::Notify;

use super::sim::Sim;

/// How often the facade may be polled in one life before it counts as spinning.
const MOST_POLLS: u64 = 400_000;

/// One life of the program: from a start to a crash, or to the end.
pub(super) struct Life {
    pub(super) sim: Arc<Sim>,
    state: Mutex<State>,
    died: Notify,
}

#[derive(Default)]
struct State {
    /// Points to pass until it dies; `None`: it does not.
    left: Option<usize>,
    is_dead: bool,
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Life")
    }
}

impl Life {
    /// Begins a life that ends after so many points.
    pub(super) fn new(sim: Arc<Sim>, left: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            sim,
            state: Mutex::new(State {
                left,
                is_dead: false,
            }),
            died: Notify::new(),
        })
    }

    /// Passes a point at which it may die. Whoever is dead does not come back from here.
    pub(super) async fn point(&self, what: &'static str) {
        if self.passes(what) {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Returns false if it is dead, or dies here.
    fn passes(&self, what: &'static str) -> bool {
        let mut state = self.lock();
        if state.is_dead {
            return false;
        }
        // Nothing goes wrong any more: it lives.
        if !self.sim.lock().is_hostile {
            state.left = None;
        }
        state.left = match state.left {
            Some(0) => {
                state.is_dead = true;
                drop(state);
                self.sim.count(what);
                self.sim.count(super::faults::Kind::Crash.name());
                self.sim.note(format_args!("{what}"));
                self.died.notify_one();
                return false;
            }
            left => left.map(|left| left - 1),
        };
        true
    }

    /// Ends the life: nothing of it reaches the world any more.
    pub(super) fn end(&self) {
        self.lock().is_dead = true;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Awaits what the facade does, as long as this life lasts. `None`: it died.
    pub(super) async fn live<F: Future>(self: &Arc<Self>, work: F) -> Option<F::Output> {
        let died = self.died.notified();
        let watched = Watched {
            life: self,
            work: pin!(work),
            polls: 0,
        };
        match futures::future::select(pin!(watched), pin!(died)).await {
            futures::future::Either::Left((done, _)) => done,
            futures::future::Either::Right(_) => None,
        }
    }
}

/// A future each poll of which is a point.
struct Watched<'a, F> {
    life: &'a Life,
    work: Pin<&'a mut F>,
    polls: u64,
}

impl<F: Future> Future for Watched<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls += 1;
        if self.polls == MOST_POLLS {
            let sim = &self.life.sim;
            sim.violate("I33 progress", format!("{MOST_POLLS} polls"));
        }
        if self.polls >= MOST_POLLS || !self.life.passes("crash at a poll") {
            return Poll::Ready(None);
        }
        self.work.as_mut().poll(context).map(Some)
    }
}
