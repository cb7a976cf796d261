//! A provider that tells other capabilities than it has.

use async_trait::async_trait;
use futures::stream::BoxStream;

use cloudsync_provider::mock::MockProvider;
use cloudsync_provider::{
    Attributes, Capabilities, Connection, Content, ContentHash, Credentials, Cursor, Events, Found,
    HashKind, Kind, Listing, Namespace, ObjectRef, Observed, Oid, Page, Provider, Quota, Result,
    Root, Tag, Target, WriteRequest, Written,
};

#[derive(Debug)]
pub(crate) struct Lying {
    pub(crate) inner: MockProvider,
    pub(crate) promise: Capabilities,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Lying {
    fn name(&self) -> &'static str {
        "lying"
    }
    fn capabilities(&self) -> Capabilities {
        self.promise.clone()
    }
    async fn connect(&self, credentials: &Credentials) -> Result<Connection> {
        self.inner.connect(credentials).await
    }
    async fn reconnect(&self) -> Result<Connection> {
        self.inner.reconnect().await
    }
    async fn disconnect(&self) {
        self.inner.disconnect().await;
    }
    fn connection(&self) -> Option<Connection> {
        self.inner.connection()
    }
    async fn set_root(&self, path: Option<&str>, id: Option<&Oid>, make: bool) -> Result<Root> {
        self.inner.set_root(path, id, make).await
    }
    async fn root(&self) -> Result<Root> {
        self.inner.root().await
    }
    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>> {
        self.inner.info(at).await
    }
    async fn list(&self, at: &ObjectRef, page: Option<Page>) -> Result<(Listing, Option<Page>)> {
        self.inner.list(at, page).await
    }
    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content> {
        self.inner.read(at, expect).await
    }
    async fn write(&self, request: WriteRequest) -> Result<Written> {
        self.inner.write(request).await
    }
    async fn create_folder(&self, target: &Target, with: Attributes) -> Result<Observed> {
        self.inner.create_folder(target, with).await
    }
    async fn rename(&self, at: &ObjectRef, expect: Option<&Tag>, to: &Target) -> Result<Observed> {
        self.inner.rename(at, expect, to).await
    }
    async fn delete(&self, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()> {
        self.inner.delete(at, kind, expect).await
    }
    async fn set_attributes(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        attributes: Attributes,
    ) -> Result<Observed> {
        self.inner.set_attributes(at, expect, attributes).await
    }
    async fn write_batch(&self, batch: Vec<WriteRequest>) -> Vec<Result<Written>> {
        self.inner.write_batch(batch).await
    }
    fn walk(&self, from: ObjectRef) -> BoxStream<'_, Result<Vec<Listing>>> {
        self.inner.walk(from)
    }
    async fn hash(&self, at: &ObjectRef, expect: &Tag, kind: HashKind) -> Result<ContentHash> {
        self.inner.hash(at, expect, kind).await
    }
    async fn events(&self, from: Option<&Cursor>) -> Result<Events> {
        self.inner.events(from).await
    }
    async fn flush(&self) -> Result<()> {
        self.inner.flush().await
    }
    async fn quota(&self) -> Result<Quota> {
        self.inner.quota().await
    }
    async fn authenticate(&self) -> Result<Credentials> {
        self.inner.authenticate().await
    }
    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        self.inner.namespaces().await
    }
    async fn set_namespace(&self, id: &str) -> Result<()> {
        self.inner.set_namespace(id).await
    }
}
