//! [`FileProvider`]: the trait, over jobs that block.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use crate::{
    Attributes, Capabilities, Connection, Content, ContentHash, Credentials, Cursor, Error,
    ErrorKind, Events, Feed, Found, HashKind, Identity, Kind, Listing, NameRules, ObjectRef,
    Observed, Oid, Page, Provider, Result, Rules, Tag, Target, WriteRequest, Written,
};

use super::disk::{Disk, Durability, blocking};
use super::failure::refused;
use super::own::Namer;
use super::root::Root;
use super::watch::Watcher;
use super::{change, info, intake, list, read, scan};

/// A local folder.
///
/// Calls run as blocking jobs of the tokio runtime that they are called on. A job that was started
/// runs to its end also if its future is dropped, but for the copy of a large file, which is given up then; what it staged is
/// put in place or removed.
pub struct FileProvider {
    durability: Durability,
    owner: Option<String>,
    sweeps: bool,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    disconnected: bool,
    connection: Option<Connection>,
    disk: Option<Arc<Disk>>,
    watcher: Option<Arc<Watcher>>,
}

impl FileProvider {
    /// Makes a provider that has no root yet.
    pub fn new() -> Self {
        Self {
            durability: Durability::default(),
            owner: None,
            sweeps: true,
            state: RwLock::default(),
        }
    }

    /// Sets whose the staged files are: the id of the pair. By default, it follows from the root.
    ///
    /// Only their owner sweeps staged files away; two pairs on one root need two owners.
    #[must_use]
    pub fn with_owner(mut self, id: &str) -> Self {
        self.owner = Some(id.to_owned());
        self
    }

    /// Sets how much is made durable, and when.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets whether listing a folder clears away what a killed process left of its own in it, and
    /// puts back what it held of the user's. On by default; off for whoever must not change anything.
    #[must_use]
    pub fn sweeping(mut self, sweeps: bool) -> Self {
        self.sweeps = sweeps;
        self
    }

    fn read_state<T>(&self, get: impl FnOnce(&State) -> T) -> T {
        get(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn disk(&self, operation: &'static str) -> Result<Arc<Disk>> {
        self.read_state(|state| {
            if state.disconnected {
                return Err(Error::new(ErrorKind::Disconnected, operation));
            }
            state.disk.clone().ok_or_else(|| {
                Error::new(ErrorKind::RootMissing, operation).with_detail("no root was chosen")
            })
        })
    }

    /// Runs `work` where it may block.
    async fn job<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Disk) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = self.disk(operation)?;
        blocking(operation, move || work(&disk)).await?
    }

    fn open_disk(&self, root: Root) -> Disk {
        let owner = self.owner.as_deref().unwrap_or(&root.identity);
        let namer = self
            .read_state(|state| state.disk.as_ref().map(|disk| Arc::clone(&disk.namer)))
            .unwrap_or_else(|| Arc::new(Namer::new(owner)));
        if self.sweeps {
            root.volume.probe(&root.folder, &namer);
        }
        Disk::new(root, namer, self.durability, self.sweeps)
    }
}

impl Default for FileProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FileProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.read_state(|state| state.disk.as_ref().map(|disk| disk.root.given.clone()));
        f.debug_struct("FileProvider")
            .field("root", &root)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for FileProvider {
    fn name(&self) -> &'static str {
        "file"
    }

    fn capabilities(&self) -> Capabilities {
        let disk = self.read_state(|state| state.disk.clone());
        let volume = disk.as_ref().map(|disk| &disk.root.volume);
        let rules = Rules {
            identity: Identity::Stable,
            id_lookup: false,
            ids_reused: true,
            folder_move: true,
            keeps_mode: true,
            keeps_mtime: true,
            names: volume.map_or_else(NameRules::default, super::volume::Volume::names),
            feed: Feed::Volatile,
            native_hashes: Vec::new(),
        };
        let mut capabilities = Capabilities::new(rules);
        capabilities.atomic_create = volume.is_none_or(super::volume::Volume::renames_to_free);
        capabilities.conditional_change =
            volume.is_none_or(|volume| volume.exchanges() && volume.renames_to_free());
        capabilities.needs_flush = true;
        capabilities.hashes = vec![
            HashKind::Blake3,
            HashKind::Md5,
            HashKind::Sha1,
            HashKind::Sha256,
        ];
        capabilities.default_sleep = Duration::from_millis(100);
        capabilities.batch = 512;
        capabilities.concurrency = 4;
        capabilities
    }

    async fn connect(&self, _credentials: &Credentials) -> Result<Connection> {
        self.reconnect().await
    }

    async fn reconnect(&self) -> Result<Connection> {
        let connection = Connection { id: machine() };
        self.change_state(|state| {
            state.disconnected = false;
            state.connection = Some(connection.clone());
        });
        Ok(connection)
    }

    async fn disconnect(&self) {
        let watcher = self.change_state(|state| {
            state.disconnected = true;
            state.connection = None;
            state.watcher.take()
        });
        if let Some(watcher) = watcher {
            watcher.stop();
        }
    }

    fn connection(&self) -> Option<Connection> {
        self.read_state(|state| state.connection.clone())
    }

    async fn set_root(
        &self,
        path: Option<&str>,
        id: Option<&Oid>,
        create: bool,
    ) -> Result<crate::Root> {
        let (disconnected, before) =
            self.read_state(|state| (state.disconnected, state.disk.clone()));
        if disconnected {
            return Err(Error::new(ErrorKind::Disconnected, "set_root"));
        }
        let given = match (path, &before) {
            (Some(path), _) => absolute(path)?,
            (None, Some(disk)) => disk.root.given.clone(),
            (None, None) => {
                return Err(Error::new(ErrorKind::Unsupported, "set_root")
                    .with_detail("a folder is not found by its id alone"));
            }
        };
        let opened = blocking("set_root", move || {
            if create && !given.exists() {
                make_folders(&given)?;
            }
            Root::open("set_root", &given)
        })
        .await??;
        if id.is_some_and(|id| opened.look.oid(opened.volume.id) != *id) {
            return Err(
                missing("set_root", &opened.given).with_detail("another folder stands there")
            );
        }
        if let Some(before) = before {
            if before.root.identity != opened.identity {
                return Err(Error::new(ErrorKind::Invalid, "set_root")
                    .with_object(opened.given.display())
                    .with_detail("another root was chosen before"));
            }
            return Ok(root_of(&before.root));
        }
        let disk = Arc::new(self.open_disk(opened));
        self.change_state(|state| state.disk = Some(Arc::clone(&disk)));
        Ok(root_of(&disk.root))
    }

    async fn root(&self) -> Result<crate::Root> {
        let disk = self.disk("root")?;
        let given = disk.root.given.clone();
        let found = blocking("root", move || Root::open("root", &given)).await??;
        let answer = root_of(&found);
        let same = found.identity == disk.root.identity;
        if same && found.look.mount_id != disk.root.look.mount_id {
            // It was unmounted and mounted again: what we hold leads nowhere.
            let disk = Arc::new(self.open_disk(found));
            let watcher = self.change_state(|state| {
                state.disk = Some(disk);
                state.watcher.take()
            });
            if let Some(watcher) = watcher {
                watcher.stop();
            }
        }
        Ok(answer)
    }

    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>> {
        let at = at.clone();
        self.job("info", move |disk| info::info(disk, &at)).await
    }

    async fn list(
        &self,
        folder: &ObjectRef,
        _page: Option<Page>,
    ) -> Result<(Listing, Option<Page>)> {
        let folder = folder.clone();
        self.job("list", move |disk| Ok((list::list(disk, &folder)?, None)))
            .await
    }

    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content> {
        read::source(&*self.disk("read")?, at, expect).map(Content::Local)
    }

    async fn write(&self, request: WriteRequest) -> Result<Written> {
        let results = self.write_batch(vec![request]).await;
        results
            .into_iter()
            .next()
            .unwrap_or_else(|| Err(refused(ErrorKind::Unexpected, "write", "")))
    }

    async fn create_folder(&self, target: &Target, attributes: Attributes) -> Result<Observed> {
        let target = target.clone();
        self.job("create_folder", move |disk| {
            change::create_folder(disk, &target, attributes)
        })
        .await
    }

    async fn rename(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<Observed> {
        let (at, expect, target) = (at.clone(), expect.cloned(), target.clone());
        self.job("rename", move |disk| {
            change::rename(disk, &at, expect.as_ref(), &target)
        })
        .await
    }

    async fn delete(&self, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()> {
        let (at, expect) = (at.clone(), expect.cloned());
        self.job("delete", move |disk| {
            change::delete(disk, &at, kind, expect.as_ref())
        })
        .await
    }

    async fn set_attributes(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        attributes: Attributes,
    ) -> Result<Observed> {
        let (at, expect) = (at.clone(), expect.cloned());
        self.job("set_attributes", move |disk| {
            change::set_attributes(disk, &at, expect.as_ref(), attributes)
        })
        .await
    }

    async fn write_batch(&self, batch: Vec<WriteRequest>) -> Vec<Result<Written>> {
        let disk = match self.disk("write") {
            Ok(disk) => disk,
            Err(error) => return batch.iter().map(|_| Err(error.clone())).collect(),
        };
        intake::write_batch(disk, batch).await
    }

    fn walk(&self, from: ObjectRef) -> BoxStream<'_, Result<Vec<Listing>>> {
        let disk = self.disk("walk");
        stream::once(async move {
            let receiver = scan::start(&disk?, from);
            Ok(stream::unfold(receiver, |mut receiver| async move {
                receiver.recv().await.map(|batch| (batch, receiver))
            }))
        })
        .try_flatten()
        .boxed()
    }

    async fn hash(&self, at: &ObjectRef, expect: &Tag, kind: HashKind) -> Result<ContentHash> {
        let (at, expect) = (at.clone(), expect.clone());
        self.job("hash", move |disk| read::hash(disk, &at, &expect, kind))
            .await
    }

    async fn events(&self, from: Option<&Cursor>) -> Result<Events> {
        let disk = self.disk("events")?;
        let Some(from) = from else {
            let watcher = blocking("events", move || Watcher::start(&disk)).await??;
            let cursor = watcher.cursor();
            let old = self.change_state(|state| state.watcher.replace(Arc::new(watcher)));
            if let Some(old) = old {
                old.stop();
            }
            return Ok(Events {
                events: Vec::new(),
                cursor: Some(cursor),
            });
        };
        let watcher = self.read_state(|state| state.watcher.clone());
        match watcher {
            Some(watcher) => watcher.events(from).await,
            None => Err(Error::new(ErrorKind::CursorExpired, "events")),
        }
    }

    async fn flush(&self) -> Result<()> {
        self.job("flush", Disk::flush).await
    }
}

fn root_of(root: &Root) -> crate::Root {
    crate::Root {
        oid: root.look.oid(root.volume.id),
        path: root.given.to_string_lossy().into_owned(),
        identity: root.identity.clone(),
    }
}

fn absolute(path: &str) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| {
        Error::new(ErrorKind::Invalid, "set_root")
            .with_object(path)
            .with_source(error)
    })
}

fn make_folders(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| missing("set_root", path).with_source(error))
}

fn missing(operation: &'static str, path: &Path) -> Error {
    Error::new(ErrorKind::RootMissing, operation).with_object(path.display())
}

/// Returns what stays the same for this user on this machine.
fn machine() -> String {
    let machine = std::fs::read_to_string("/etc/machine-id")
        .or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"))
        .unwrap_or_default();
    let user = rustix::process::geteuid().as_raw();
    let hash = blake3::hash(format!("cloudsync {} {user}", machine.trim()).as_bytes());
    format!("file-{}", &hash.to_hex()[..16])
}
