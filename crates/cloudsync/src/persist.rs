//! Makes a batch durable: what it claims first, then the batch itself.

use std::sync::Arc;

use cloudsync_core::engine::io::Input;
use cloudsync_core::failure::Failure;
use cloudsync_core::record::Batch;
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::Provider;
use cloudsync_store::Store;

use crate::alarm::Alarms;
use crate::guarded::guarded_call;

/// What making durable takes.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    pub(crate) providers: BySide<Arc<dyn Provider>>,
    pub(crate) alarms: Alarms,
    pub(crate) store: Keep,
}

/// What becomes of batches.
#[derive(Clone, Debug)]
pub(crate) enum Keep {
    /// A dry run: nothing, and it is said to be done.
    Nowhere,
    /// They are stored.
    Store(Arc<dyn Store>),
}

impl Keeper {
    /// Flushes the sides that the batch names, then applies it.
    pub(crate) async fn persist(self, batch: Batch) -> Input {
        let outcome = match &self.store {
            Keep::Nowhere => Ok(()),
            Keep::Store(store) => self.flush_and_apply(&**store, &batch).await,
        };
        Input::Persisted {
            batch: batch.id,
            outcome,
        }
    }

    async fn flush_and_apply(&self, store: &dyn Store, batch: &Batch) -> Result<(), Failure> {
        let (local, remote) = futures::join!(
            self.flush(Side::Local, batch.flush.local),
            self.flush(Side::Remote, batch.flush.remote)
        );
        local?;
        remote?;
        guarded_call("store apply", store.apply(batch)).await
    }

    async fn flush(&self, side: Side, is_named: bool) -> Result<(), Failure> {
        if !is_named {
            return Ok(());
        }
        let flushed = guarded_call("flush", self.providers[side].flush()).await;
        flushed.inspect_err(|failure| self.alarms[side].hear(failure))
    }
}
