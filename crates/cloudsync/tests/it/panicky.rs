//! A provider that panics where it is told to.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use cloudsync::provider::mock::MockProvider;
use cloudsync::provider::{
    Attributes, Capabilities, Connection, Content, Cursor, Events, Found, Kind, Listing, ObjectRef,
    Observed, Oid, Page, Result, Root, Tag, Target, WriteRequest, Written,
};
use cloudsync::{Credentials, Provider};

/// Panics some times in reads, writes and deletes of paths that have `boom` in them.
#[derive(Debug)]
pub(crate) struct Panicky(MockProvider, AtomicU32);

impl Panicky {
    pub(crate) fn new(inner: MockProvider, times: u32) -> Self {
        Self(inner, AtomicU32::new(times))
    }

    fn check(&self, path: &str) {
        let left = |left: u32| left.checked_sub(1);
        let panics = path.contains("boom")
            && self
                .1
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
                .is_ok();
        assert!(!panics, "a bug of the provider");
    }

    pub(crate) fn left(&self) -> u32 {
        self.1.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Provider for Panicky {
    fn name(&self) -> &'static str {
        "panicky"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn connect(&self, credentials: &Credentials) -> Result<Connection> {
        self.0.connect(credentials).await
    }

    async fn reconnect(&self) -> Result<Connection> {
        self.0.reconnect().await
    }

    async fn disconnect(&self) {
        self.0.disconnect().await;
    }

    fn connection(&self) -> Option<Connection> {
        self.0.connection()
    }

    async fn set_root(&self, path: Option<&str>, id: Option<&Oid>, create: bool) -> Result<Root> {
        self.0.set_root(path, id, create).await
    }

    async fn root(&self) -> Result<Root> {
        self.0.root().await
    }

    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>> {
        self.0.info(at).await
    }

    async fn list(
        &self,
        folder: &ObjectRef,
        page: Option<Page>,
    ) -> Result<(Listing, Option<Page>)> {
        self.0.list(folder, page).await
    }

    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content> {
        self.check(&at.path);
        self.0.read(at, expect).await
    }

    async fn write(&self, request: WriteRequest) -> Result<Written> {
        self.check(&request.target.path());
        self.0.write(request).await
    }

    async fn create_folder(&self, target: &Target, attributes: Attributes) -> Result<Observed> {
        self.0.create_folder(target, attributes).await
    }

    async fn rename(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<Observed> {
        self.0.rename(at, expect, target).await
    }

    async fn delete(&self, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()> {
        self.check(&at.path);
        self.0.delete(at, kind, expect).await
    }

    async fn events(&self, from: Option<&Cursor>) -> Result<Events> {
        self.0.events(from).await
    }

    async fn flush(&self) -> Result<()> {
        self.0.flush().await
    }
}
