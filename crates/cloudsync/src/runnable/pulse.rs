//! What a service and its runner share: whether it runs, is to stop, was woken.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{RunError, Stop};

/// What a turn sees of its runner: sleeps that can be cut short, and whether it is to stop.
#[derive(Debug, Default)]
pub struct Pulse {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    /// Counts the runs, so that whoever waits for one is not held up by the next.
    run: u64,
    stop: Option<Stop>,
    woken: bool,
    /// [`Runnable::done`](super::Runnable::done) was called, or is about to be.
    done: bool,
    in_backoff: Duration,
}

impl Pulse {
    /// Sleeps, but not longer than until the next [`Runner::wake`](super::Runner::wake) or stop.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn interruptable_sleep(&self, time: Duration) {
        let mut state = self.state.subscribe();
        tokio::select! {
            biased;
            _ = state.wait_for(|state| state.woken || state.stop.is_some()) => {}
            () = tokio::time::sleep(time) => return,
        }
        self.state.send_if_modified(|state| {
            state.woken = false;
            false
        });
    }

    /// Returns true if the service is to stop: a long turn may end early.
    pub fn is_stopping(&self) -> bool {
        self.state.borrow().stop.is_some()
    }

    /// Waits until the service is to stop. A wake does not end it, and is kept.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn stopping(&self) {
        let mut state = self.state.subscribe();
        // It cannot fail: the sender is ours.
        let _ = state.wait_for(|state| state.stop.is_some()).await;
    }

    /// Ends the sleep that goes on, or the next one, while the service runs.
    pub(super) fn wake(&self) {
        self.state.send_if_modified(|state| {
            state.woken |= state.running;
            state.woken
        });
    }

    pub(super) fn in_backoff(&self) -> Duration {
        self.state.borrow().in_backoff
    }

    pub(super) fn set_backoff(&self, backoff: Duration) {
        self.state.send_if_modified(|state| {
            state.in_backoff = backoff;
            false
        });
    }

    pub(super) fn is_running(&self) -> bool {
        self.state.borrow().running
    }

    /// Returns the number of the run that goes on, or was the last.
    pub(super) fn run(&self) -> u64 {
        self.state.borrow().run
    }

    /// Marks the service as running.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Running, RunError> {
        let mut begun = Ok(());
        self.state.send_if_modified(|state| {
            if state.stop == Some(Stop::Forever) {
                begun = Err(RunError::StoppedForGood);
            } else if state.running {
                begun = Err(RunError::AlreadyRunning);
            } else {
                state.running = true;
                state.run += 1;
                state.stop = None;
                state.woken = false;
            }
            begun.is_ok()
        });
        begun.map(|()| Running(Some(Arc::clone(self))))
    }

    /// Marks the service as to be stopped. Returns the number of the run that it stops.
    pub(super) fn stop(&self, how: Stop) -> u64 {
        let mut run = 0;
        self.state.send_modify(|state| {
            if state.stop != Some(Stop::Forever) {
                state.stop = Some(how);
            }
            run = state.run;
        });
        run
    }

    /// Waits until this run has ended.
    pub(super) async fn ended(&self, run: u64) {
        let mut state = self.state.subscribe();
        // It cannot fail: the sender is ours.
        let _ = state
            .wait_for(|state| !state.running || state.run != run)
            .await;
    }

    /// Claims the cleaning up of a service that is not running: it counts as running meanwhile.
    pub(super) fn begin_done(self: &Arc<Self>) -> Option<Running> {
        let claimed = self.state.send_if_modified(|state| {
            let due = state.stop == Some(Stop::Forever) && !state.running && !state.done;
            state.running |= due;
            due
        });
        claimed.then(|| Running(Some(Arc::clone(self))))
    }
}

/// As long as it lives, the service counts as running.
pub(super) struct Running(Option<Arc<Pulse>>);

impl Running {
    /// Ends the run. Gives itself back if the service is to clean up first, which it is told once: it
    /// counts as running until that is dropped.
    pub(super) fn end(mut self) -> Option<Self> {
        let mut due = false;
        if let Some(pulse) = &self.0 {
            pulse.state.send_if_modified(|state| {
                due = state.stop == Some(Stop::Forever) && !state.done;
                state.done |= due;
                state.running = due;
                !due
            });
        }
        if !due {
            // Another run may have begun already: it is not ours to end.
            self.0 = None;
        }
        due.then_some(self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pulse) = &self.0 {
            pulse.state.send_modify(|state| state.running = false);
        }
    }
}
