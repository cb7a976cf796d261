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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use cloudsync_core::failure::ErrorKind;
    use cloudsync_core::record::BatchId;
    use cloudsync_provider::Credentials;
    use cloudsync_provider::mock::{Call, MockProvider, MockService};
    use cloudsync_store::{Intake, Opened};

    use super::*;
    use crate::alarm::Alarm;

    mockall::mock! {
        #[derive(Debug)]
        Store {
            fn write(&self, batch: &Batch) -> cloudsync_store::Result<()>;
        }
    }

    #[async_trait]
    impl Store for MockStore {
        async fn load(&self, _: &mut dyn Intake) -> cloudsync_store::Result<Opened> {
            unreachable!("a keeper only writes")
        }

        async fn apply(&self, batch: &Batch) -> cloudsync_store::Result<()> {
            self.write(batch)
        }

        async fn set_aside(&self, _: &str) -> cloudsync_store::Result<Opened> {
            unreachable!("a keeper only writes")
        }

        async fn close(&self) -> cloudsync_store::Result<()> {
            unreachable!("a keeper only writes")
        }
    }

    fn batch(flush: BySide<bool>) -> Batch {
        Batch {
            id: BatchId(3),
            flush,
            clear: false,
            puts: Vec::new(),
            deletes: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Persists a batch that claims what lies on the remote side. `fails`: its flush does.
    async fn persist(
        make: impl FnOnce(MockProvider) -> MockStore,
        fails: bool,
    ) -> (Result<(), Failure>, usize) {
        let services = [MockService::default(), MockService::default()];
        let clients = services.each_ref().map(MockService::client);
        for client in &clients {
            client.connect(&Credentials::default()).await.unwrap();
            client.set_root(Some("/"), None, false).await.unwrap();
        }
        if fails {
            clients[1]
                .faults()
                .fail_next(Call::Flush, ErrorKind::Unavailable);
        }
        let [local, remote] = clients.clone().map(|c| Arc::new(c) as Arc<dyn Provider>);
        let keeper = Keeper {
            providers: BySide::new(local, remote),
            alarms: BySide::from_fn(|_| Alarm::new().0),
            store: Keep::Store(Arc::new(make(clients[1].clone()))),
        };
        let Input::Persisted {
            batch: BatchId(3),
            outcome,
        } = keeper.persist(batch(BySide::new(false, true))).await
        else {
            panic!("another answer")
        };
        assert_eq!(
            clients[0].log().count(Call::Flush),
            0,
            "only what is named is flushed"
        );
        (outcome, clients[1].log().count(Call::Flush))
    }

    #[tokio::test]
    async fn the_named_side_is_flushed_before_the_batch_is_applied() {
        let make = |remote: MockProvider| {
            let mut store = MockStore::new();
            store.expect_write().times(1).returning(move |_| {
                assert_eq!(remote.log().count(Call::Flush), 1);
                Ok(())
            });
            store
        };
        let (outcome, flushes) = persist(make, false).await;
        assert!(outcome.is_ok());
        assert_eq!(flushes, 1);
    }

    #[tokio::test]
    async fn what_could_not_be_flushed_is_not_recorded() {
        let make = |_| {
            let mut store = MockStore::new();
            store.expect_write().never();
            store
        };
        let (outcome, _) = persist(make, true).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn a_store_that_panics_has_failed() {
        let make = |_| {
            let mut store = MockStore::new();
            store.expect_write().returning(|_| panic!("out of order"));
            store
        };
        let (outcome, _) = persist(make, false).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unexpected);
    }
}
