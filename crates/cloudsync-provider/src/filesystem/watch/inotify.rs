//! The watcher's service on Linux: one inotify watch a folder, on a thread of its own.
//!
//! Spoken to directly, for three things that decide at a hundred thousand folders: opening and reading
//! is not asked for (a sync reads everything, and those events alone would make the kernel's queue
//! overflow, and each overflow is a walk, which reads everything); a folder that is moved keeps its
//! watch and takes what is below it along; a folder that goes costs what is below it, not all watches.
//!
//! The folder that the root is in is asked for one thing only: whether the root leaves it. The root
//! itself tells when it is moved, but not when it is deleted, as long as anybody has it open.
//!
//! A new folder may have content before its watch stands. It is listed after, and if there is
//! something in it, the folder is reported as lost: to be walked.
//!
//! Events tell of names, and a watch is set on what has a name when its event is read, which may be
//! another folder by then: two that change places in a moment are taken for each other, and of a third
//! one nothing is told any more. So once all events are read, each place is looked at once more that a
//! folder came to or left, and a folder that was mistaken is watched, and reported as lost.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::fs::{FileType, OFlags, RawDir};
use rustix::io::{self, Errno};

use crate::{Error, ErrorKind, Event, Result};

use super::super::disk::Disk;
use super::super::look::{What, look_at};
use super::super::names::join;
use super::super::own;
use super::super::root::open_below;
use super::Queue;

/// How long the second half of a move may take to come.
const MOVE_MS: i64 = 20;

/// How often places are looked at that came to light while others were.
const ROUNDS: usize = 4;

/// Bytes of events read at once.
const BUFFER: usize = 64 << 10;

/// What a folder is watched for: everything but reading.
fn wanted() -> WatchFlags {
    WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MODIFY
        | WatchFlags::ATTRIB
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::ONLYDIR
        | WatchFlags::EXCL_UNLINK
}

/// The thread, from outside.
#[derive(Debug)]
pub(super) struct Service {
    bell: Arc<OwnedFd>,
    over: Arc<AtomicBool>,
}

impl Service {
    /// Watches all folders, then starts the thread.
    pub(super) fn start(disk: &Disk, queue: Arc<Queue>) -> Result<Self> {
        let work = Work::new(disk, queue).map_err(unavailable)?;
        let (bell, over) = (Arc::clone(&work.bell), Arc::clone(&work.tree.over));
        thread::Builder::new()
            .name("cloudsync watcher".to_owned())
            .spawn(move || work.run())
            .map_err(|error| Error::new(ErrorKind::Unavailable, "events").with_source(error))?;
        Ok(Self { bell, over })
    }

    /// Ends the thread, soon.
    pub(super) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
        // It can only fail if it rang already.
        let _ = io::write(&*self.bell, &1_u64.to_ne_bytes());
    }
}

fn unavailable(errno: Errno) -> Error {
    let (kind, detail) = match errno {
        Errno::NOSPC => (
            ErrorKind::Unsupported,
            "the limit of watched folders is reached: raise fs.inotify.max_user_watches",
        ),
        Errno::MFILE => (
            ErrorKind::Unsupported,
            "the limit of watchers is reached: raise fs.inotify.max_user_instances",
        ),
        _ => (ErrorKind::Unavailable, "the folder cannot be watched"),
    };
    Error::new(kind, "events")
        .with_detail(detail)
        .with_source(std::io::Error::from(errno))
}

/// The thread, from inside.
struct Work {
    tree: Tree,
    queue: Arc<Queue>,
    bell: Arc<OwnedFd>,
}

impl Work {
    /// Watches all folders.
    fn new(disk: &Disk, queue: Arc<Queue>) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let mut tree = Tree {
            inotify: Arc::new(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?),
            root: open_below(&disk.root.folder, "", OFlags::RDONLY | OFlags::DIRECTORY)?,
            real: disk.root.real.clone(),
            top: 0,
            above: None,
            nodes: HashMap::new(),
            children: BTreeMap::new(),
            displaced: HashMap::new(),
            moving: HashMap::new(),
            suspects: BTreeSet::new(),
            unheard: HashSet::new(),
            over: Arc::new(AtomicBool::new(false)),
        };
        tree.watch_all()?;
        Ok(Self {
            tree,
            queue,
            bell: Arc::new(bell),
        })
    }

    fn run(mut self) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        while !self.tree.over.load(Ordering::Relaxed) {
            if let Err(errno) = self.turn(&mut buffer) {
                self.queue.fail(unavailable(errno));
                return;
            }
        }
    }

    /// Waits for events, and deals with all that came.
    fn turn(&mut self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<()> {
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: MOVE_MS * 1_000_000,
        };
        let inotify = Arc::clone(&self.tree.inotify);
        let ready = {
            let mut fds = [
                PollFd::new(&*inotify, PollFlags::IN),
                PollFd::new(&*self.bell, PollFlags::IN),
            ];
            match poll(&mut fds, (!self.tree.moving.is_empty()).then_some(&wait)) {
                Err(Errno::INTR) => return Ok(()),
                ready => ready?,
            }
        };
        if ready == 0 {
            self.tree.let_go();
            return Ok(());
        }
        let waiting: Vec<i32> = self.tree.moving.values().copied().collect();
        let mut events = Reader::new(&*inotify, buffer);
        let mut overflow = false;
        loop {
            match events.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => overflow = true,
                Ok(event) => self.handle(&event)?,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        for path in self.tree.verify()? {
            self.lost(&path);
        }
        self.tree.displaced.clear();
        if overflow {
            self.tree.watch_all()?;
            self.queue.push(Event::Lost {
                path: String::new(),
            });
        } else if !waiting.is_empty() {
            // A second half that was not among what came since will not come.
            let moving = std::mem::take(&mut self.tree.moving);
            let (old, new) = moving
                .into_iter()
                .partition(|(_, node)| waiting.contains(node));
            self.tree.moving = old;
            self.tree.let_go();
            self.tree.moving = new;
        }
        Ok(())
    }

    fn handle(&mut self, event: &inotify::Event<'_>) -> io::Result<()> {
        let what = event.events();
        if self.tree.is_end_of_root(event) {
            self.root_is_gone();
            return Ok(());
        }
        if what.contains(ReadFlags::IGNORED) {
            self.tree.forget(event.wd());
            return Ok(());
        }
        let Some(folder) = self.tree.path(event.wd()) else {
            self.tree.unheard.insert(event.wd());
            return Ok(());
        };
        if what.contains(ReadFlags::UNMOUNT) {
            self.queue.push(Event::Lost { path: folder });
            return Ok(());
        }
        let Some(name) = event.file_name() else {
            if !folder.is_empty() {
                self.changed(folder);
            }
            return Ok(());
        };
        // What is not UTF-8 is skipped in listings too.
        let Ok(name) = name.to_str() else {
            return Ok(());
        };
        if own::is_own(name.as_bytes()) {
            return Ok(());
        }
        let path = join(&folder, name);
        if what.contains(ReadFlags::ISDIR) {
            self.handle_folder(event, name, &path)?;
        }
        self.changed(path);
        Ok(())
    }

    fn handle_folder(
        &mut self,
        event: &inotify::Event<'_>,
        name: &str,
        path: &str,
    ) -> io::Result<()> {
        let (what, parent) = (event.events(), event.wd());
        if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO) {
            self.tree.suspects.insert((parent, name.into()));
        }
        if what.contains(ReadFlags::MOVED_FROM) {
            if let Some(node) = self.tree.detach(parent, name) {
                self.tree.moving.insert(event.cookie(), node);
            }
        } else if what.contains(ReadFlags::MOVED_TO)
            && let Some(node) = self.tree.moving.remove(&event.cookie())
        {
            self.tree.attach(node, parent, name);
            // What happens in it is told by the path that it has by then.
            self.lost(path);
        } else if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO)
            && self.tree.watch_new(parent, name, path)?
        {
            self.lost(path);
        }
        Ok(())
    }

    /// Ends it: what came before is still told, then that the root is missing. Whether it is, and
    /// what stands in its place, is looked at by whoever comes back for another watcher.
    fn root_is_gone(&self) {
        let error = Error::new(ErrorKind::RootMissing, "events")
            .with_object(self.tree.real.display())
            .with_detail("it was moved or deleted");
        self.queue.fail(error);
        self.tree.over.store(true, Ordering::Relaxed);
    }

    /// A folder may hold what nobody was told of.
    fn lost(&self, path: &str) {
        self.changed(path.to_owned());
        self.queue.push(Event::Lost {
            path: path.to_owned(),
        });
    }

    fn changed(&self, path: String) {
        self.queue.push(Event::Changed {
            oid: None,
            path: Some(path),
        });
    }
}

/// The folders that are watched, by watch: each with its name and the one that it is in.
struct Tree {
    inotify: Arc<OwnedFd>,
    root: OwnedFd,
    real: PathBuf,
    /// The root's watch, and that of the folder it is in, if it can be watched.
    top: i32,
    above: Option<i32>,
    nodes: HashMap<i32, Node>,
    children: BTreeMap<(i32, Arc<str>), i32>,
    /// Folders whose name another took before they left it: two that change places.
    displaced: HashMap<(i32, Arc<str>), i32>,
    /// Folders that left their place, by the move's number, until it is known where they went.
    moving: HashMap<u32, i32>,
    /// Places that folders came to or left, where another one may stand than events told.
    suspects: BTreeSet<(i32, Arc<str>)>,
    /// Folders of which something was told while nobody knew where they are.
    unheard: HashSet<i32>,
    over: Arc<AtomicBool>,
}

struct Node {
    parent: i32,
    name: Arc<str>,
}

impl Tree {
    /// Returns the path of a folder; `None` if it is not known, or moving.
    fn path(&self, mut watch: i32) -> Option<String> {
        let mut parts = Vec::new();
        while watch != self.top {
            let node = self.nodes.get(&watch)?;
            // A cycle cannot be, but must not hang the thread if it is.
            let key = (node.parent, Arc::clone(&node.name));
            if parts.len() > 100_000 || self.children.get(&key) != Some(&watch) {
                return None;
            }
            parts.push(&*node.name);
            watch = node.parent;
        }
        parts.reverse();
        Some(parts.join("/"))
    }

    /// Watches the root and all below it. What is watched and not there any more is let go.
    fn watch_all(&mut self) -> io::Result<()> {
        let before: HashSet<i32> = self.nodes.drain().map(|(watch, _)| watch).collect();
        self.children.clear();
        self.moving.clear();
        self.suspects.clear();
        self.unheard.clear();
        let flags = wanted() | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        self.top = self.add_watch(&self.root, "", flags)?;
        self.above = self.watch_above();
        self.watch_below(self.top, String::new())?;
        for watch in before {
            if watch != self.top && !self.nodes.contains_key(&watch) {
                let _ = inotify::remove_watch(&*self.inotify, watch);
            }
        }
        Ok(())
    }

    /// Watches the folder that the root is in; not if it cannot be watched: there is less to tell.
    fn watch_above(&self) -> Option<i32> {
        let above = self.real.parent()?;
        let flags = WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::ONLYDIR;
        inotify::add_watch(&*self.inotify, above, flags | WatchFlags::DONT_FOLLOW).ok()
    }

    /// Returns true if the root was moved, deleted or unmounted.
    fn is_end_of_root(&self, event: &inotify::Event<'_>) -> bool {
        let what = event.events();
        if Some(event.wd()) == self.above {
            let name = event.file_name().map(std::ffi::CStr::to_bytes);
            return what.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM)
                && name == self.real.file_name().map(OsStrExt::as_bytes);
        }
        event.wd() == self.top
            && what.intersects(ReadFlags::UNMOUNT | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF)
    }

    /// Watches a folder that is new in a watched one, and all below it. Returns true if there is
    /// something in it.
    fn watch_new(&mut self, parent: i32, name: &str, path: &str) -> io::Result<bool> {
        match self.watch_one(parent, name, path)? {
            Some(watch) => self.watch_below(watch, path.to_owned()),
            None => Ok(false),
        }
    }

    /// Looks at each place that events told of which folder came to it or left it: once all events are read,
    /// that is the one which stands there, or more events are to come. Returns the paths of folders in which
    /// anything may have happened untold.
    fn verify(&mut self) -> io::Result<Vec<String>> {
        let mut lost = Vec::new();
        for _ in 0..ROUNDS {
            if self.suspects.is_empty() {
                break;
            }
            for (parent, name) in std::mem::take(&mut self.suspects) {
                let Some(folder) = self.path(parent) else {
                    continue;
                };
                let path = join(&folder, &name);
                let known = self.children.get(&(parent, Arc::clone(&name))).copied();
                let there = self.watch_one(parent, &name, &path)?;
                if let Some(there) = there.filter(|_| there != known) {
                    self.watch_below(there, path.clone())?;
                    lost.push(path);
                }
            }
        }
        self.suspects.clear();
        let unheard = std::mem::take(&mut self.unheard);
        for watch in unheard {
            match self.path(watch) {
                Some(path) => lost.push(path),
                None if self.nodes.contains_key(&watch) => drop(self.unheard.insert(watch)),
                None => {}
            }
        }
        Ok(lost)
    }

    /// Watches one folder; `None` if it went, or is one of those that are left alone.
    fn watch_one(&mut self, parent: i32, name: &str, path: &str) -> io::Result<Option<i32>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let Ok(open) = open_below(&self.root, path, flags) else {
            return Ok(None);
        };
        let watch = match self.add_watch(&open, path, wanted()) {
            Ok(watch) => watch,
            Err(errno @ (Errno::NOSPC | Errno::NOMEM)) => return Err(errno),
            Err(_) => return Ok(None),
        };
        self.moving.retain(|_, node| *node != watch);
        self.attach(watch, parent, name);
        Ok(Some(watch))
    }

    fn add_watch(&self, open: &OwnedFd, path: &str, flags: WatchFlags) -> io::Result<i32> {
        // By handle, so that it is the folder that was checked; by path where there is no /proc.
        let handle = format!("/proc/self/fd/{}", open.as_raw_fd());
        match inotify::add_watch(&*self.inotify, handle, flags) {
            Err(Errno::NOENT) => {
                let path = self.real.join(path);
                inotify::add_watch(&*self.inotify, path, flags | WatchFlags::DONT_FOLLOW)
            }
            result => result,
        }
    }

    /// Watches everything below a folder that is watched. Returns true if there is anything.
    fn watch_below(&mut self, watch: i32, path: String) -> io::Result<bool> {
        let mut folders = vec![(watch, path)];
        let mut found = false;
        let mut buffer: Vec<u8> = Vec::with_capacity(32 << 10);
        let mut names: Vec<String> = Vec::new();
        while let Some((watch, path)) = folders.pop() {
            if self.over.load(Ordering::Relaxed) {
                return Ok(found);
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let Ok(open) = open_below(&self.root, &path, flags) else {
                continue;
            };
            names.clear();
            let mut entries = RawDir::new(&open, buffer.spare_capacity_mut());
            while let Some(Ok(entry)) = entries.next() {
                let Ok(name) = entry.file_name().to_str() else {
                    continue;
                };
                if matches!(name, "." | "..") || own::is_own(name.as_bytes()) {
                    continue;
                }
                found = true;
                let is_folder = match entry.file_type() {
                    FileType::Directory => true,
                    FileType::Unknown => {
                        look_at(open.as_fd(), name).is_ok_and(|found| found.what == What::Folder)
                    }
                    _ => false,
                };
                if is_folder {
                    names.push(name.to_owned());
                }
            }
            for name in names.drain(..) {
                let path = join(&path, &name);
                if let Some(child) = self.watch_one(watch, &name, &path)? {
                    folders.push((child, path));
                }
            }
        }
        Ok(found)
    }

    fn attach(&mut self, watch: i32, parent: i32, name: &str) {
        let name: Arc<str> = name.into();
        if let Some(node) = self.nodes.remove(&watch) {
            let before = (node.parent, node.name);
            self.remove_child(&before, watch);
            if before != (parent, Arc::clone(&name)) {
                self.suspects.insert(before);
            }
        }
        self.nodes.insert(
            watch,
            Node {
                parent,
                name: Arc::clone(&name),
            },
        );
        let key = (parent, name);
        if let Some(other) = self.children.insert(key.clone(), watch)
            && other != watch
        {
            self.displaced.insert(key, other);
        }
    }

    /// Takes a folder out of its place, and keeps its watch.
    fn detach(&mut self, parent: i32, name: &str) -> Option<i32> {
        let key = (parent, Arc::from(name));
        self.displaced
            .remove(&key)
            .or_else(|| self.children.remove(&key))
    }

    fn remove_child(&mut self, key: &(i32, Arc<str>), watch: i32) {
        if self.children.get(key) == Some(&watch) {
            self.children.remove(key);
        }
    }

    /// Forgets a watch that the system let go.
    fn forget(&mut self, watch: i32) {
        if let Some(node) = self.nodes.remove(&watch) {
            self.remove_child(&(node.parent, node.name), watch);
        }
    }

    /// Lets go of the folders that moved out of the root, and of all below them.
    fn let_go(&mut self) {
        let mut gone: Vec<i32> = self.moving.drain().map(|(_, node)| node).collect();
        while let Some(watch) = gone.pop() {
            let below = (watch, Arc::from(""))..(watch.saturating_add(1), Arc::from(""));
            gone.extend(self.children.range(below).map(|(_, child)| *child));
            self.forget(watch);
            let _ = inotify::remove_watch(&*self.inotify, watch);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Provider;
    use crate::filesystem::FileProvider;

    async fn work(folder: &tempfile::TempDir) -> Work {
        let provider = FileProvider::new();
        provider
            .set_root(folder.path().to_str(), None, false)
            .await
            .expect("root");
        Work::new(
            &provider.disk("test").expect("disk"),
            Arc::new(Queue::new()),
        )
        .expect("watching")
    }

    #[tokio::test]
    async fn after_an_overflow_everything_is_watched_anew() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("goes/deep")).expect("folders");
        fs::create_dir_all(path("stays")).expect("folders");
        let mut work = work(&folder).await;
        assert_eq!(work.tree.nodes.len(), 3);
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("limit");
        let limit: usize = limit.trim().parse().expect("a number");
        for name in ["a", "b"] {
            fs::write(path(name), "x").expect("file");
        }
        for number in 0..=limit {
            // Closing a file that could be written tells. Equal events in a row are merged.
            let open = fs::File::options()
                .write(true)
                .open(path(["a", "b"][number % 2]));
            drop(open.expect("file"));
        }
        fs::rename(path("goes"), path("stays/moved")).expect("rename");
        fs::create_dir(path("comes")).expect("folder");
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        work.turn(&mut buffer).expect("a turn");
        let told = work.queue.take(0).expect("events").events;
        assert!(
            told.contains(&Event::Lost {
                path: String::new()
            }),
            "{told:?}"
        );
        let mut paths: Vec<_> = work
            .tree
            .nodes
            .keys()
            .map(|watch| work.tree.path(*watch).expect("known"))
            .collect();
        paths.sort();
        assert_eq!(paths, ["comes", "stays", "stays/moved", "stays/moved/deep"]);
    }

    /// Each was taken for the one that had its name by the time its event was read.
    #[tokio::test]
    async fn folders_that_take_each_others_names_before_they_are_watched_are_all_watched() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("p/deep")).expect("folders");
        fs::create_dir_all(path("q/deep")).expect("folders");
        let mut work = work(&folder).await;
        fs::create_dir(path("x")).expect("folder");
        fs::rename(path("x"), path("y")).expect("rename");
        fs::create_dir(path("z")).expect("folder");
        fs::rename(path("z"), path("x")).expect("rename");
        fs::create_dir(path("p/new")).expect("folder");
        fs::create_dir(path("q/new")).expect("folder");
        for (from, to) in [("p", "between"), ("q", "p"), ("between", "q")] {
            fs::rename(path(from), path(to)).expect("rename");
        }
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        work.turn(&mut buffer).expect("a turn");
        work.queue.take(0).expect("events");
        let all = ["x", "y", "p", "p/deep", "p/new", "q", "q/deep", "q/new"];
        let files = all.map(|folder| format!("{folder}/file"));
        for file in &files {
            fs::write(path(file), "x").expect("file");
        }
        work.turn(&mut buffer).expect("a turn");
        let told = work.queue.take(1).expect("events").events;
        for file in files {
            let changed = Event::Changed {
                oid: None,
                path: Some(file),
            };
            assert!(told.contains(&changed), "{changed:?} of {told:?}");
        }
    }

    #[tokio::test]
    async fn what_moves_out_is_let_go() {
        let (folder, outside) = (tempfile::tempdir(), tempfile::tempdir());
        let (folder, outside) = (folder.expect("folder"), outside.expect("folder"));
        fs::create_dir_all(folder.path().join("a/b/c")).expect("folders");
        fs::create_dir_all(folder.path().join("d")).expect("folders");
        let mut work = work(&folder).await;
        fs::rename(folder.path().join("a"), outside.path().join("a")).expect("rename");
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        while work.tree.nodes.len() > 1 {
            work.turn(&mut buffer).expect("a turn");
        }
        assert_eq!(work.tree.children.len(), 1);
        assert!(work.tree.moving.is_empty());
    }
}
