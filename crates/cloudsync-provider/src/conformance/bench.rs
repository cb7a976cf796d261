//! What the cases work with: a provider on an empty root, and short ways to say common things.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::case::Stop;
use super::fixture::Fixture;
use crate::{
    Attributes, Content, End, Error, ErrorKind, Expect, Found, Identity, Kind, Listing, ObjectRef,
    Observed, Page, Provider, Tag, Target, WriteRequest, Written,
};

/// As [`crate::Result`], or with a case's own end.
type Result<T, E = Error> = std::result::Result<T, E>;

/// A provider on an empty root, and the fixture it came from.
pub struct Bench<'f> {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// The fixture, for its hooks.
    pub fixture: &'f mut dyn Fixture,
}

/// An object that the case made.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) at: ObjectRef,
    pub(super) observed: Observed,
}

impl Thing {
    pub(super) fn tag(&self) -> &Tag {
        &self.observed.tag
    }

    /// What a write over it expects.
    pub(super) fn unchanged(&self) -> Expect {
        Expect::Unchanged {
            oid: self.at.oid.clone(),
            tag: self.tag().clone(),
        }
    }
}

impl<'f> Bench<'f> {
    /// Puts a provider on the bench.
    pub fn new(provider: Arc<dyn Provider>, fixture: &'f mut dyn Fixture) -> Self {
        Self { provider, fixture }
    }

    pub(super) fn patience(&self) -> Duration {
        self.fixture.patience()
    }

    pub(super) fn stable(&self) -> bool {
        self.provider.capabilities().rules.identity == Identity::Stable
    }

    pub(super) fn finds_by_id(&self) -> bool {
        self.stable() && self.provider.capabilities().rules.id_lookup
    }

    /// Another client on the same root; ends the case if there is none.
    pub(super) async fn second(&mut self) -> Result<Arc<dyn Provider>, Stop> {
        let second = self
            .fixture
            .second()
            .await
            .ok_or(Stop::LeftOut("a second client"))?;
        Ok(second.into())
    }

    /// A client without a root; ends the case if there is none.
    pub(super) async fn unrooted(&mut self) -> Result<Arc<dyn Provider>, Stop> {
        let client = self.fixture.unrooted().await;
        Ok(client
            .ok_or(Stop::LeftOut("a client without a root"))?
            .into())
    }

    /// A path in the provider's own terms; ends the case if there is none.
    pub(super) fn own_path(&self, relative: &str) -> Result<String, Stop> {
        self.fixture
            .own_path(relative)
            .ok_or(Stop::LeftOut("paths in the provider's terms"))
    }

    /// The reference to an object that was seen at a path, as an engine would make it.
    pub(super) fn refer(&self, observed: &Observed, path: &str) -> ObjectRef {
        let oid = self.stable().then(|| observed.oid.clone());
        ObjectRef {
            oid,
            path: path.to_owned(),
        }
    }

    /// The place that a path means; its folder is looked up.
    pub(super) async fn target(&self, path: &str) -> Result<Target, Stop> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = if above.is_empty() {
            ObjectRef::root()
        } else {
            self.look(above).await?.at
        };
        Ok(Target {
            folder,
            name: name.to_owned(),
        })
    }

    /// Makes a file.
    pub(super) async fn file(&self, path: &str, content: &[u8]) -> Result<Thing, Stop> {
        let target = self.target(path).await?;
        let written = self
            .provider
            .write(request(target, Expect::Free, content))
            .await?;
        Ok(Thing {
            at: self.refer(&written.observed, path),
            observed: written.observed,
        })
    }

    /// Makes a folder.
    pub(super) async fn folder(&self, path: &str) -> Result<Thing, Stop> {
        let target = self.target(path).await?;
        let observed = self
            .provider
            .create_folder(&target, Attributes::default())
            .await?;
        Ok(Thing {
            at: self.refer(&observed, path),
            observed,
        })
    }

    /// Makes a file or a folder.
    pub(super) async fn make(&self, kind: Kind, path: &str) -> Result<Thing, Stop> {
        match kind {
            Kind::File => self.file(path, path.as_bytes()).await,
            Kind::Folder => self.folder(path).await,
        }
    }

    /// Writes over a file that is as it was.
    pub(super) async fn overwrite(&self, thing: &Thing, content: &[u8]) -> Result<Thing, Stop> {
        let target = self.target(&thing.at.path).await?;
        let write = request(target, thing.unchanged(), content);
        let Written { observed, .. } = self.provider.write(write).await?;
        Ok(Thing {
            at: self.refer(&observed, &thing.at.path),
            observed,
        })
    }

    /// Renames or moves an object that is as it was.
    pub(super) async fn rename(&self, thing: &Thing, to: &str) -> Result<Thing, Stop> {
        let target = self.target(to).await?;
        let tag = Some(thing.tag()).filter(|_| thing.observed.kind == Kind::File);
        let observed = self.provider.rename(&thing.at, tag, &target).await?;
        Ok(Thing {
            at: self.refer(&observed, to),
            observed,
        })
    }

    /// Deletes an object that is as it was.
    pub(super) async fn delete(&self, thing: &Thing) -> Result<()> {
        let tag = Some(thing.tag()).filter(|_| thing.observed.kind == Kind::File);
        self.provider
            .delete(&thing.at, thing.observed.kind, tag)
            .await
    }

    /// What stands at a path.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Found>> {
        self.provider.info(&ObjectRef::at(path)).await
    }

    /// The object at a path, which must be there.
    pub(super) async fn look(&self, path: &str) -> Result<Thing, Stop> {
        let found = self.find(path).await?;
        let observed = found.and_then(|found| found.observed);
        let observed = observed.ok_or_else(|| Stop::Failed(format!("nothing at {path}")))?;
        Ok(Thing {
            at: self.refer(&observed, path),
            observed,
        })
    }

    /// The object at a path, once a later change cannot leave its tag as it is.
    pub(super) async fn settled(&self, path: &str) -> Result<Thing, Stop> {
        let looking = async {
            loop {
                let thing = self.look(path).await?;
                if !thing.observed.racy {
                    return Ok(thing);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let settled = tokio::time::timeout(self.patience(), looking).await;
        settled.unwrap_or_else(|_| Err(Stop::Failed(format!("{path} stays racy"))))
    }

    /// The content of an object.
    pub(super) async fn read(&self, thing: &Thing) -> Result<Bytes> {
        self.provider
            .read(&thing.at, thing.tag())
            .await?
            .into_bytes()
            .await
    }

    /// The content of the file at a path.
    pub(super) async fn content(&self, path: &str) -> Result<Bytes, Stop> {
        let thing = self.look(path).await?;
        Ok(self.read(&thing).await?)
    }

    /// All pages of a folder. Ends the case where pages are marked wrongly.
    pub(super) async fn list(&self, folder: &ObjectRef) -> Result<Vec<Listing>, Stop> {
        list_pages(&*self.provider, folder).await
    }

    /// The names in the root.
    pub(super) async fn names(&self) -> Result<Vec<String>, Stop> {
        let pages = self.list(&ObjectRef::root()).await?;
        let names = pages
            .iter()
            .flat_map(|page| page.iter().map(|(name, _)| name.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    /// Everything there is: what it is, its content, and its tag if it is a file.
    pub(super) async fn tree(&self) -> Result<BTreeMap<String, (Bytes, Tag)>, Stop> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![ObjectRef::root()];
        while let Some(folder) = folders.pop() {
            for page in self.list(&folder).await? {
                for (name, observed) in page.iter() {
                    let path = Target {
                        folder: folder.clone(),
                        name: name.into(),
                    }
                    .path();
                    let at = self.refer(observed, &path);
                    if observed.kind == Kind::Folder {
                        folders.push(at);
                        tree.insert(path, Default::default());
                    } else {
                        let thing = Thing {
                            at,
                            observed: observed.clone(),
                        };
                        let content = self.read(&thing).await?;
                        tree.insert(path, (content, observed.tag.clone()));
                    }
                }
            }
        }
        Ok(tree)
    }
}

impl fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bench({:?})", self.provider)
    }
}

/// All pages of a folder. Ends the case where pages are marked wrongly.
pub(super) async fn list_pages(
    provider: &dyn Provider,
    folder: &ObjectRef,
) -> Result<Vec<Listing>, Stop> {
    let mut pages = Vec::new();
    let mut next: Option<Page> = None;
    loop {
        let (page, after) = provider.list(folder, next.take()).await?;
        let last = after.is_none();
        if (page.end == End::Complete) != last {
            let text = format!(
                "page {} of {folder} is {:?}, last: {last}",
                pages.len(),
                page.end
            );
            return Err(Stop::Failed(text));
        }
        pages.push(page);
        next = after;
        if last {
            return Ok(pages);
        }
    }
}

/// A write of bytes that are all there.
pub(super) fn request(target: Target, expect: Expect, content: &[u8]) -> WriteRequest {
    let size = content.len() as u64;
    WriteRequest::new(
        target,
        expect,
        Content::Bytes(Bytes::copy_from_slice(content)),
        size,
    )
}

/// Content that comes in pieces, and maybe ends with an error.
pub(super) fn pieces(pieces: Vec<&[u8]>, end: Option<Error>) -> Content {
    let pieces = pieces
        .into_iter()
        .map(|piece| Ok(Bytes::copy_from_slice(piece)));
    let all: Vec<Result<Bytes>> = pieces.chain(end.map(Err)).collect();
    Content::Stream(stream::iter(all).boxed())
}

/// Ends the case unless the call failed in one of these ways.
pub(super) fn refused<T: fmt::Debug>(
    answer: Result<T>,
    kinds: &[ErrorKind],
    what: &str,
) -> Result<(), Stop> {
    match answer {
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => Err(Stop::Failed(format!(
            "{what}: {error:?} is not one of {kinds:?}"
        ))),
        Ok(answer) => Err(Stop::Failed(format!(
            "{what}: was done: {answer:?}, not {kinds:?}"
        ))),
    }
}
