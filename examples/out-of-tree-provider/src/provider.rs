//! The client of a shelf: the required part of [`Provider`], each change with its precondition.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use cloudsync_provider::{
    Attributes, Capabilities, Connection, Content, Credentials, Error, ErrorKind, Expect, Feed,
    Found, Hasher, Identity, Kind, Listing, NameRules, ObjectRef, Observed, Oid, Page, Provider,
    Result, Root, Rules, Tag, Target, WriteRequest, Written,
};

use crate::shelf::{Items, Shelf};

/// A client of a [`Shelf`].
pub struct ShelfClient {
    shelf: Shelf,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    connected: bool,
    root: Option<String>,
}

const LONGEST_NAME: usize = 255;

impl ShelfClient {
    /// Makes a client that has yet to connect.
    pub fn new(shelf: &Shelf) -> Self {
        Self {
            shelf: shelf.clone(),
            session: Mutex::default(),
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connected(&self, operation: &'static str) -> Result<()> {
        match self.session().connected {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Disconnected, operation)),
        }
    }

    /// The shelf, and the path of the root on it.
    fn open(&self, operation: &'static str) -> Result<(MutexGuard<'_, Items>, String)> {
        self.connected(operation)?;
        let root = self.session().root.clone();
        let root = root.ok_or_else(|| Error::new(ErrorKind::Invalid, operation))?;
        let items = self.shelf.lock();
        match items.kind(&root) {
            Some(Kind::Folder) => Ok((items, root)),
            _ => Err(Error::new(ErrorKind::RootMissing, operation)),
        }
    }
}

/// The path on the shelf of a path below the root.
fn join(root: &str, path: &str) -> String {
    match (root, path) {
        ("", path) => path.to_owned(),
        (root, "") => root.to_owned(),
        (root, path) => format!("{root}/{path}"),
    }
}

fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn describe(path: String) -> Root {
    let identity = format!("shelf:{path}");
    Root {
        oid: Oid::new(&path),
        path,
        identity,
    }
}

/// The path of a place where something may be put: a good name in a folder that is there.
fn place(items: &Items, root: &str, target: &Target, operation: &'static str) -> Result<String> {
    let fail = |kind| Err(Error::new(kind, operation).with_object(target.path()));
    let name = target.name.as_str();
    let odd = name.contains(['/', '\0']) || ["", ".", ".."].contains(&name);
    if odd || name.len() > LONGEST_NAME {
        return fail(ErrorKind::NameRejected);
    }
    let folder = join(root, &target.folder.path);
    match items.kind(&folder) {
        Some(Kind::Folder) => Ok(join(&folder, name)),
        _ => fail(ErrorKind::NotFound),
    }
}

/// Whether a file that has this tag stands there.
fn is_unchanged(items: &Items, path: &str, tag: &Tag) -> bool {
    items
        .observe(path)
        .is_some_and(|it| it.kind == Kind::File && it.tag == *tag)
}

#[async_trait]
impl Provider for ShelfClient {
    fn name(&self) -> &'static str {
        "shelf"
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new(Rules {
            identity: Identity::Path,
            id_lookup: false,
            ids_reused: true,
            folder_move: false,
            keeps_mode: false,
            keeps_mtime: false,
            names: NameRules {
                max_name_bytes: LONGEST_NAME,
                ..NameRules::default()
            },
            feed: Feed::None,
            native_hashes: Vec::new(),
        });
        // One lock holds from check to change.
        capabilities.atomic_create = true;
        capabilities.conditional_change = true;
        capabilities
    }

    async fn connect(&self, _: &Credentials) -> Result<Connection> {
        self.reconnect().await
    }

    async fn reconnect(&self) -> Result<Connection> {
        self.session().connected = true;
        Ok(Connection { id: "shelf".into() })
    }

    async fn disconnect(&self) {
        self.session().connected = false;
    }

    fn connection(&self) -> Option<Connection> {
        self.session()
            .connected
            .then(|| Connection { id: "shelf".into() })
    }

    async fn set_root(&self, path: Option<&str>, id: Option<&Oid>, create: bool) -> Result<Root> {
        let fail = |kind| Error::new(kind, "set_root").with_object(path.unwrap_or_default());
        self.connected("set_root")?;
        let wanted = match (id, path) {
            (Some(id), _) => String::from_utf8_lossy(id.as_bytes()).into_owned(),
            (None, path) => path.unwrap_or_default().trim_matches('/').to_owned(),
        };
        let mut session = self.session();
        if session
            .root
            .as_ref()
            .is_some_and(|before| *before != wanted)
        {
            return Err(fail(ErrorKind::Invalid));
        }
        let mut items = self.shelf.lock();
        match items.kind(&wanted) {
            Some(Kind::Folder) => {}
            None if create => items.put_folders(&wanted).map_err(fail)?,
            _ => return Err(fail(ErrorKind::RootMissing)),
        }
        session.root = Some(wanted.clone());
        Ok(describe(wanted))
    }

    async fn root(&self) -> Result<Root> {
        let (_items, root) = self.open("root")?;
        Ok(describe(root))
    }

    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>> {
        let (items, root) = self.open("info")?;
        let observed = items.observe(&join(&root, &at.path));
        let found = |it| Found {
            observed: Some(it),
            folder: None,
            name: name_of(&at.path),
        };
        Ok(observed.map(found))
    }

    async fn list(&self, folder: &ObjectRef, _: Option<Page>) -> Result<(Listing, Option<Page>)> {
        let (items, root) = self.open("list")?;
        let path = join(&root, &folder.path);
        if items.kind(&path) != Some(Kind::Folder) {
            return Err(Error::new(ErrorKind::NotFound, "list").with_object(folder));
        }
        let mut listing = Listing::new(folder.clone());
        for (name, path) in items.children(&path) {
            if let Some(observed) = items.observe(path) {
                listing.push(name, observed);
            }
        }
        Ok((listing.complete(), None))
    }

    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content> {
        let (items, root) = self.open("read")?;
        let path = join(&root, &at.path);
        match items.content(&path) {
            None => Err(Error::new(ErrorKind::NotFound, "read").with_object(at)),
            Some(content) if is_unchanged(&items, &path, expect) => {
                Ok(Content::Bytes(content.clone()))
            }
            Some(_) => Err(Error::new(ErrorKind::SourceChanged, "read").with_object(at)),
        }
    }

    async fn write(&self, request: WriteRequest) -> Result<Written> {
        let WriteRequest {
            target,
            expect,
            content,
            hash,
            ..
        } = request;
        // All of it is there before anything is looked at or changed.
        let content = content.into_bytes().await?;
        let hash = Hasher::hash(hash, &content);
        let (mut items, root) = self.open("write")?;
        let path = place(&items, &root, &target, "write")?;
        let refusal = match expect {
            Expect::Free => items.kind(&path).map(|_| ErrorKind::AlreadyExists),
            Expect::Unchanged { tag, .. } if is_unchanged(&items, &path, &tag) => None,
            Expect::Unchanged { .. } => Some(ErrorKind::PreconditionFailed),
        };
        if let Some(kind) = refusal {
            return Err(Error::new(kind, "write").with_object(target.path()));
        }
        items.put_file(&path, content);
        let observed = items.observe(&path).expect("it was just put there");
        Ok(Written { observed, hash })
    }

    async fn create_folder(&self, target: &Target, _: Attributes) -> Result<Observed> {
        let (mut items, root) = self.open("create_folder")?;
        let path = place(&items, &root, target, "create_folder")?;
        if items.kind(&path).is_some() {
            let error = Error::new(ErrorKind::AlreadyExists, "create_folder");
            return Err(error.with_object(target.path()));
        }
        items.put_folder(&path);
        Ok(items.observe(&path).expect("it was just put there"))
    }

    async fn rename(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<Observed> {
        let fail = |kind| Err(Error::new(kind, "rename").with_object(at));
        let (mut items, root) = self.open("rename")?;
        let from = join(&root, &at.path);
        let Some(kind) = items.kind(&from) else {
            return fail(ErrorKind::NotFound);
        };
        if expect.is_some_and(|tag| !is_unchanged(&items, &from, tag)) {
            return fail(ErrorKind::PreconditionFailed);
        }
        if kind == Kind::Folder {
            return fail(ErrorKind::Unsupported);
        }
        let to = place(&items, &root, target, "rename")?;
        if to != from && items.kind(&to).is_some() {
            return fail(ErrorKind::AlreadyExists);
        }
        items.relocate(&from, &to);
        Ok(items.observe(&to).expect("it was just put there"))
    }

    async fn delete(&self, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()> {
        let fail = |kind| Err(Error::new(kind, "delete").with_object(at));
        let (mut items, root) = self.open("delete")?;
        let path = join(&root, &at.path);
        match items.kind(&path) {
            None => return Ok(()),
            _ if path == root => return fail(ErrorKind::Invalid),
            Some(there) if there != kind => return fail(ErrorKind::PreconditionFailed),
            Some(Kind::Folder) if items.children(&path).next().is_some() => {
                return fail(ErrorKind::NotEmpty);
            }
            Some(Kind::Folder) => {}
            Some(Kind::File) => {
                if !expect.is_some_and(|tag| is_unchanged(&items, &path, tag)) {
                    return fail(ErrorKind::PreconditionFailed);
                }
            }
        }
        items.remove(&path);
        Ok(())
    }
}

impl fmt::Debug for ShelfClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShelfClient")
    }
}
