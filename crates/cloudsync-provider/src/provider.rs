//! The trait that a storage system implements to be one side of a pair.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use crate::{
    Attributes, Capabilities, Content, ContentHash, Cursor, End, Error, ErrorKind, Event, Expect,
    Found, HashKind, Hasher, Kind, Listing, ObjectRef, Observed, Oid, Result, Tag, Target,
};

/// One storage system, connected to one root.
///
/// Object safe. All paths are relative to the root that [`Provider::set_root`] chose, `/`-separated,
/// `""` being the root. An [`ObjectRef`] carries the id (on sides with ids) and the last known path;
/// a provider with stable ids goes by the id, one without by the path.
///
/// **Every change states what it expects to find** ([`Expect`]) and does nothing, with
/// [`ErrorKind::PreconditionFailed`] or [`ErrorKind::AlreadyExists`], where it is otherwise. A change
/// that fails leaves nothing visible. A call that is not supported answers
/// [`ErrorKind::Unsupported`] and changes nothing.
///
/// # Cancel safety
/// Dropping the future of any call may leave the call done or not done, never half done in view.
#[async_trait]
pub trait Provider: Debug + Send + Sync + 'static {
    /// Returns the provider's short name, such as `file` or `memory`.
    fn name(&self) -> &'static str;

    /// Returns what the provider promises.
    fn capabilities(&self) -> Capabilities;

    /// Connects with `credentials`, which are kept even if it fails. Connecting again is fine.
    ///
    /// # Errors
    /// [`ErrorKind::Token`] where the credentials are not valid, or belong to another account than
    /// the one connected to before; [`ErrorKind::Disconnected`] where nobody answers.
    async fn connect(&self, credentials: &Credentials) -> Result<Connection>;

    /// Connects again with the credentials that are kept.
    ///
    /// # Errors
    /// As [`Provider::connect`].
    async fn reconnect(&self) -> Result<Connection>;

    /// Disconnects. Other calls answer [`ErrorKind::Disconnected`] from then on.
    async fn disconnect(&self);

    /// Returns the connection, if there is one.
    fn connection(&self) -> Option<Connection>;

    /// Chooses the root: by `id` (preferred, must be a folder) or by `path`, in the provider's own
    /// terms. Choosing the same again is fine, another is [`ErrorKind::Invalid`].
    /// Where `create` is true and nothing is at the path, folders are made.
    ///
    /// # Errors
    /// [`ErrorKind::RootMissing`] where it is not there, is no folder, or cannot be made; passing
    /// troubles as they are.
    async fn set_root(&self, path: Option<&str>, id: Option<&Oid>, create: bool) -> Result<Root>;

    /// Looks at the root again: still there, and still the same?
    ///
    /// # Errors
    /// [`ErrorKind::RootMissing`] where it is gone.
    async fn root(&self) -> Result<Root>;

    /// Looks at one object. On sides with ids and `id_lookup`: by id, wherever it is now. Else what
    /// stands at the path now, whatever its id is. `None`: nothing there.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] where something is there that cannot be looked at.
    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>>;

    /// Lists a folder, or a page of it. Only the last page is [`crate::End::Complete`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such folder.
    async fn list(&self, folder: &ObjectRef, page: Option<Page>)
    -> Result<(Listing, Option<Page>)>;

    /// Reads a file. The content may be lazy; reading it ends with
    /// [`ErrorKind::SourceChanged`] if the file does not have the tag `expect` before and after.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::SourceChanged`], [`ErrorKind::Corrupt`]; of a lazy content, when that is taken.
    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content>;

    /// Writes a file, all or nothing. A success says that the file was in its folder, and the folder
    /// below the root where it was asked for: what is put into a folder that somebody takes away in that
    /// moment would count as deleted with it, so that is a failure, and is undone. The same holds for
    /// [`Provider::create_folder`] and [`Provider::rename`].
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where a name expected free is taken (also by a folder or a
    /// skipped object), [`ErrorKind::PreconditionFailed`] where the object changed,
    /// [`ErrorKind::NotFound`] where the folder is gone, [`ErrorKind::NameRejected`],
    /// [`ErrorKind::OutOfSpace`], [`ErrorKind::SourceChanged`] from reading the content.
    async fn write(&self, request: WriteRequest) -> Result<Written>;

    /// Makes a folder at a free name. Answers what it made.
    ///
    /// # Errors
    /// As [`Provider::write`].
    async fn create_folder(&self, target: &Target, attributes: Attributes) -> Result<Observed>;

    /// Renames or moves an object to a name that is free, or its own (another case). With `expect` it must be a
    /// file that has this tag. Answers the object as it is afterwards.
    ///
    /// # Errors
    /// As [`Provider::write`]; [`ErrorKind::Invalid`] for a folder into itself.
    async fn rename(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<Observed>;

    /// Deletes a file that has the tag `expect`, or an empty folder (`expect` `None`). An object that
    /// is gone already is fine.
    ///
    /// # Errors
    /// [`ErrorKind::PreconditionFailed`] where the file changed or is another one,
    /// [`ErrorKind::NotEmpty`] for a folder with anything in it.
    async fn delete(&self, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()>;

    /// Sets the attributes that are `Some` on an object; with `expect` it must be a file that has this tag.
    /// Answers the object as it is afterwards.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] by default; [`ErrorKind::PreconditionFailed`].
    async fn set_attributes(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        attributes: Attributes,
    ) -> Result<Observed> {
        let _ = (expect, attributes);
        Err(Error::new(ErrorKind::Unsupported, "set_attributes").with_object(at))
    }

    /// Writes many small files: one job for many, each with a result of its own, in order.
    async fn write_batch(&self, batch: Vec<WriteRequest>) -> Vec<Result<Written>> {
        let mut results = Vec::with_capacity(batch.len());
        for request in batch {
            results.push(self.write(request).await);
        }
        results
    }

    /// Lists everything below a folder (the folder included), in batches, each folder before what is
    /// in it. A folder that cannot be listed comes as a [`crate::End::Partial`] listing with itself
    /// unread, and does not end the walk; an error does.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the start is gone.
    fn walk(&self, from: ObjectRef) -> BoxStream<'_, Result<Vec<Listing>>> {
        let start = (vec![from], true, self);
        stream::try_unfold(start, |(mut folders, mut is_start, this)| async move {
            let mut listings = Vec::new();
            let mut count = 0;
            while count < 1_000 {
                let Some(folder) = folders.pop() else { break };
                // What was met and is gone by now is another's change; a start that is gone is an error.
                let may_be_gone = !std::mem::take(&mut is_start);
                match list_all(this, &folder).await {
                    Ok(listing) => {
                        count += 1 + listing.len();
                        for (name, observed) in listing.iter() {
                            if observed.kind == Kind::Folder {
                                let path = Target {
                                    folder: folder.clone(),
                                    name: name.into(),
                                }
                                .path();
                                folders.push(ObjectRef::new(observed.oid.clone(), path));
                            }
                        }
                        listings.push(listing);
                    }
                    Err(error)
                        if !folder.is_root()
                            && (error.kind() == ErrorKind::PermissionDenied
                                || error.kind() == ErrorKind::NotFound && may_be_gone) =>
                    {
                        listings.push(Listing::new(folder));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(if listings.is_empty() {
                None
            } else {
                Some((listings, (folders, is_start, this)))
            })
        })
        .boxed()
    }

    /// Returns the hash of a file that has the tag `expect`. By default the content is read.
    ///
    /// # Errors
    /// As [`Provider::read`].
    async fn hash(&self, at: &ObjectRef, expect: &Tag, kind: HashKind) -> Result<ContentHash> {
        let mut stream = self.read(at, expect).await?.into_stream();
        let mut hasher = Hasher::new(kind);
        while let Some(chunk) = stream.try_next().await? {
            hasher.update(&chunk);
        }
        Ok(hasher.finish())
    }

    /// Waits for events after `from` and returns them with the cursor after them; `None` starts now
    /// and returns at once with a cursor. May return with no event after a time.
    ///
    /// Where objects cannot be looked up by id, a folder that was moved is told of as [`Event::Lost`], too:
    /// what happened in it meanwhile was told by paths that it no longer has.
    ///
    /// # Errors
    /// [`ErrorKind::CursorExpired`] where `from` is too old; [`ErrorKind::Unsupported`] by default,
    /// always where there is no feed, and where there is one while nothing can be told (a limit of the system):
    /// whoever asks looks from time to time, and asks again then.
    async fn events(&self, from: Option<&Cursor>) -> Result<Events> {
        let _ = from;
        Err(Error::new(ErrorKind::Unsupported, "events"))
    }

    /// Makes everything durable that was answered before this call.
    ///
    /// # Errors
    /// Where it cannot be known to be durable.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Returns how much is used and allowed.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] by default.
    async fn quota(&self) -> Result<Quota> {
        Err(Error::new(ErrorKind::Unsupported, "quota"))
    }

    /// Signs in anew, asking a person where it must.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] by default.
    async fn authenticate(&self) -> Result<Credentials> {
        Err(Error::new(ErrorKind::Unsupported, "authenticate"))
    }

    /// Lists the namespaces; empty by default.
    ///
    /// # Errors
    /// As any query.
    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        Ok(Vec::new())
    }

    /// Chooses a namespace by id. Refused where it is not ours, if connected; else at connecting.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] by default; [`ErrorKind::Namespace`].
    async fn set_namespace(&self, id: &str) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "set_namespace").with_object(id))
    }
}

/// Lists a folder, all pages of it.
async fn list_all<P: Provider + ?Sized>(provider: &P, folder: &ObjectRef) -> Result<Listing> {
    let (mut all, mut next) = provider.list(folder, None).await?;
    while let Some(page) = next {
        let (more, after) = provider.list(folder, Some(page)).await?;
        for (name, observed) in more.iter() {
            all.push(name, observed.clone());
        }
        all.skipped.extend(more.skipped);
        all.end = more.end;
        next = after;
    }
    if all.end == End::Partial {
        // Without its end nothing says that the rest is not there: it is asked for again.
        let error = Error::new(ErrorKind::Unavailable, "list").with_object(folder);
        return Err(error.with_detail("it broke off"));
    }
    Ok(all)
}

/// Who is connected to what.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Connection {
    /// The account or device; the same id is the same account.
    pub id: String,
}

/// The root of a pair on one side.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Root {
    /// Its id, as in listings.
    pub oid: Oid,
    /// Where it is, for people.
    pub path: String,
    /// What makes it *this* root: volume and folder id, or account and folder id. Never a device
    /// number alone. Another identity stops the pair.
    pub identity: String,
}

/// What is needed to sign in. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials(pub std::collections::BTreeMap<String, String>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A page to continue a listing at, opaque.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Page(pub String);

/// What the feed told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Events {
    /// Hints, in the order they came.
    pub events: Vec<Event>,
    /// Where to go on; `None` where there is nothing to go on from.
    pub cursor: Option<Cursor>,
}

/// Space, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Quota {
    /// In use.
    pub used_bytes: u64,
    /// Allowed.
    pub limit_bytes: u64,
}

/// A part of an account with a root of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Namespace {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
}

/// A file to write.
#[derive(Debug)]
#[non_exhaustive]
pub struct WriteRequest {
    /// Where.
    pub target: Target,
    /// What is there now.
    pub expect: Expect,
    /// What to write.
    pub content: Content,
    /// Bytes to come, as far as is known.
    pub size: u64,
    /// Times and mode to give it.
    pub attributes: Attributes,
    /// The hash to compute on the way.
    pub hash: HashKind,
}

impl WriteRequest {
    /// Makes a request.
    pub fn new(target: Target, expect: Expect, content: Content, size: u64) -> Self {
        Self {
            target,
            expect,
            content,
            size,
            attributes: Attributes::default(),
            hash: HashKind::Blake3,
        }
    }

    /// Sets times and mode.
    #[must_use]
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Sets the hash to compute.
    #[must_use]
    pub fn hash(mut self, kind: HashKind) -> Self {
        self.hash = kind;
        self
    }
}

/// What was written: the object as *we* left it, not as it is found afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The object.
    pub observed: Observed,
    /// The hash of what was written, of the kind asked for.
    pub hash: ContentHash,
}
