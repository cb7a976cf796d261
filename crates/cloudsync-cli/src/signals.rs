//! Being asked to stop: by Ctrl-C, or by whoever manages services.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;
use crate::problem::Problem;

/// Hears of signals from when it is made.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes over the signals.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn new() -> Result<Self, Problem> {
        let take = |kind| {
            signal(kind).map_err(|error| Problem::new(Exit::Bug, format!("signals: {error}")))
        };
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one; returns what the shell is to be told.
    ///
    /// # Cancel safety
    /// No signal is lost.
    pub(crate) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}
