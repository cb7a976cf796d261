//! [`Provider`] for a mocked client.

use async_trait::async_trait;

use super::calls::Call;
use super::client::MockProvider;
use super::faults::Fault;
use crate::{
    Attributes, Capabilities, Connection, Content, ContentHash, Credentials, Cursor, Error,
    ErrorKind, Events, Found, HashKind, Hasher, Kind, Listing, Namespace, ObjectRef, Observed, Oid,
    Page, Provider, Quota, Result, Root, Tag, Target, WriteRequest, Written,
};

#[async_trait]
impl Provider for MockProvider {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> Capabilities {
        self.service().lock().config.capabilities()
    }

    /// Takes `account` (`mock` where none is given).
    async fn connect(&self, credentials: &Credentials) -> Result<Connection> {
        self.session().credentials = credentials.clone();
        self.reconnect().await
    }

    async fn reconnect(&self) -> Result<Connection> {
        let ticket = self.enter_offline(Call::Connect, "").await?;
        let answer = self.sign_in();
        self.leave(ticket, answer).await
    }

    async fn disconnect(&self) {
        self.break_connection();
    }

    fn connection(&self) -> Option<Connection> {
        let session = self.session();
        session.open?;
        session.account.clone().map(|id| Connection { id })
    }

    async fn set_root(&self, path: Option<&str>, id: Option<&Oid>, create: bool) -> Result<Root> {
        let ticket = self.enter(Call::SetRoot, path.unwrap_or_default()).await?;
        let answer = self.choose_root(path, id, create);
        self.service().news();
        self.leave(ticket, answer).await
    }

    async fn root(&self) -> Result<Root> {
        self.query(Call::Root, "", |state| {
            let id = self.root_id(state, Call::Root)?;
            Ok(self.describe_root(state, id))
        })
        .await
    }

    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>> {
        self.query(Call::Info, &at.path, |state| {
            let root = self.root_id(state, Call::Info)?;
            Ok(Self::found(state, root, at))
        })
        .await
    }

    async fn list(
        &self,
        folder: &ObjectRef,
        page: Option<Page>,
    ) -> Result<(Listing, Option<Page>)> {
        let ticket = self.enter(Call::List, &folder.path).await?;
        let cut = ticket.fault == Some(Fault::CutListing);
        let answer = self.list_now(folder, page.as_ref(), cut);
        self.leave(ticket, answer).await
    }

    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content> {
        let ticket = self.enter(Call::Read, &at.path).await?;
        let fault = ticket.fault;
        let bytes = self.read_now(Call::Read, at, expect);
        let bytes = self.leave(ticket, bytes).await?;
        self.log_mut().read(bytes.len() as u64);
        Ok(self.serve(at.clone(), expect.clone(), bytes, fault))
    }

    async fn write(&self, request: WriteRequest) -> Result<Written> {
        let WriteRequest {
            target,
            expect,
            content,
            size,
            attributes,
            hash,
            ..
        } = request;
        let ticket = self.enter(Call::Write, &target.path()).await?;
        self.check_write(&self.service().lock(), &target, &expect, size)?;
        let content = content.into_bytes().await?;
        let size = content.len() as u64;
        self.log_mut().wrote(size);
        let hash = Hasher::hash(hash, &content);
        let atomic = self.is_atomic(&expect);
        let answer = self
            .change(
                Call::Write,
                atomic,
                |state| self.check_write(state, &target, &expect, size),
                |state, place| self.commit_write(state, place, content, attributes),
            )
            .await;
        let answer = answer.map(|observed| Written { observed, hash });
        self.leave(ticket, answer).await
    }

    async fn create_folder(&self, target: &Target, attributes: Attributes) -> Result<Observed> {
        let ticket = self.enter(Call::CreateFolder, &target.path()).await?;
        let atomic = self.service().lock().config.atomic_create;
        let answer = self
            .change(
                Call::CreateFolder,
                atomic,
                |state| self.check_create_folder(state, target),
                |state, place| self.commit_create_folder(state, place, attributes),
            )
            .await;
        self.leave(ticket, answer).await
    }

    async fn rename(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<Observed> {
        let ticket = self.enter(Call::Rename, &at.path).await?;
        let atomic = self.service().lock().config.conditional_change;
        let answer = self
            .change(
                Call::Rename,
                atomic,
                |state| self.check_rename(state, at, expect, target),
                |state, places| self.commit_rename(state, places),
            )
            .await;
        self.leave(ticket, answer).await
    }

    async fn delete(&self, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()> {
        let ticket = self.enter(Call::Delete, &at.path).await?;
        let atomic = self.service().lock().config.conditional_change;
        let answer = self
            .change(
                Call::Delete,
                atomic,
                |state| self.check_delete(state, at, kind, expect),
                |state, id| self.commit_delete(state, id, at),
            )
            .await;
        self.leave(ticket, answer).await
    }

    async fn set_attributes(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        attributes: Attributes,
    ) -> Result<Observed> {
        let ticket = self.enter(Call::SetAttributes, &at.path).await?;
        let atomic = self.service().lock().config.conditional_change;
        let answer = self
            .change(
                Call::SetAttributes,
                atomic,
                |state| self.check_set_attributes(state, at, expect, attributes),
                |state, id| self.commit_set_attributes(state, id, attributes),
            )
            .await;
        self.leave(ticket, answer).await
    }

    /// A hash of the service's own is told without reading; for others the content is read.
    async fn hash(&self, at: &ObjectRef, expect: &Tag, kind: HashKind) -> Result<ContentHash> {
        let ticket = self.enter(Call::Hash, &at.path).await?;
        let native = self.service().lock().config.native_hash == Some(kind);
        let bytes = self.read_now(Call::Hash, at, expect);
        let bytes = self.leave(ticket, bytes).await?;
        if !native {
            self.log_mut().read(bytes.len() as u64);
        }
        Ok(Hasher::hash(kind, &bytes))
    }

    async fn events(&self, from: Option<&Cursor>) -> Result<Events> {
        let ticket = self.enter(Call::Events, "").await?;
        let answer = self.next_events(from).await;
        self.leave(ticket, answer).await
    }

    async fn flush(&self) -> Result<()> {
        self.query(Call::Flush, "", |_| Ok(())).await
    }

    async fn quota(&self) -> Result<Quota> {
        self.query(Call::Quota, "", |state| {
            let limit = state.config.quota_bytes;
            let limit_bytes = limit.ok_or_else(|| Error::new(ErrorKind::Unsupported, "quota"))?;
            Ok(Quota {
                used_bytes: state.store.used_bytes(),
                limit_bytes,
            })
        })
        .await
    }

    /// Makes bad tokens good again: whoever was asked has signed in.
    async fn authenticate(&self) -> Result<Credentials> {
        let ticket = self.enter_offline(Call::Authenticate, "").await?;
        self.service().set_tokens_good(true);
        let credentials = self.session().credentials.clone();
        self.leave(ticket, Ok(credentials)).await
    }

    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        self.query(Call::Namespaces, "", |state| {
            let all = state.config.namespaces.iter();
            Ok(all
                .map(|(id, name)| Namespace {
                    id: id.clone(),
                    name: name.clone(),
                })
                .collect())
        })
        .await
    }

    async fn set_namespace(&self, id: &str) -> Result<()> {
        let ticket = self.enter_offline(Call::SetNamespace, id).await?;
        let answer = self.choose_namespace(id);
        self.leave(ticket, answer).await
    }
}

impl MockProvider {
    fn is_atomic(&self, expect: &crate::Expect) -> bool {
        let config = &self.service().lock().config;
        match expect {
            crate::Expect::Free => config.atomic_create,
            crate::Expect::Unchanged { .. } => config.conditional_change,
        }
    }
}
