//! A pair that keeps running: what the runner runs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudsync_core::backoff::Delays;
use cloudsync_core::failure::Failure;
use cloudsync_core::notice::Notice as EngineNotice;

use crate::notices::Notice;
use crate::pair::Pair;
use crate::runnable::{Pulse, Runnable, Turn};
use crate::session::{Purpose, Session};

/// One long turn, from a start to its stop.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) pair: Arc<Pair>,
}

#[async_trait]
impl Runnable for Service {
    async fn turn(&mut self, pulse: &Pulse) -> Result<Turn, Failure> {
        let mut held = self.pair.session.lock().await;
        // What single turns had begun is begun anew.
        *held = None;
        let opened = tokio::select! {
            biased;
            () = pulse.stopping() => return Ok(Turn::NothingHappened),
            opened = Session::open(&self.pair, Purpose::Sync) => opened,
        };
        let mut session = opened.map_err(|error| {
            self.pair.set_store_failed(&error);
            error.failure().clone()
        })?;
        let drive = async {
            while !session.driver.ledger.outdated {
                session.driver.turn().await;
            }
        };
        tokio::select! {
            biased;
            () = pulse.stopping() => {}
            () = drive => {}
        }
        session.close().await;
        Ok(Turn::Worked)
    }

    async fn done(&mut self) {
        if let Some(session) = self.pair.session.lock().await.take() {
            session.close().await;
        }
        self.pair.hooks.done().await;
        if let Err(failure) = self.pair.store.close().await {
            tracing::warn!(%failure, "the store was not closed in order");
        }
        self.pair.set_over();
    }

    fn failed(&mut self, failure: &Failure) {
        tracing::warn!(%failure, "a run failed");
        let failure = failure.clone();
        self.pair
            .board
            .tell(Notice::Engine(EngineNotice::StoreFailed { failure }));
    }

    fn service_name(&self) -> &'static str {
        "cloudsync"
    }

    fn delays(&self) -> Delays {
        let sleep = self.pair.sleep();
        Delays::around(
            sleep
                .local
                .max(sleep.remote)
                .max(Duration::from_millis(100)),
        )
    }
}
