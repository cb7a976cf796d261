//! What users do to a mocked service beside the provider: changes with events, and no preconditions.

use std::collections::BTreeMap;

use bytes::Bytes;

use cloudsync_core::object::Attributes;

use super::service::MockService;
use super::state::State;
use super::store::{Body, Id};
use crate::{Error, ErrorKind, Oid, Result, SkipReason, Tag};

/// A user of a mocked service. Paths are `/`-separated, from the folder the user was made for.
#[derive(Clone, Debug)]
pub struct User {
    service: MockService,
    namespace: String,
    base: String,
}

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// A file with its content.
    File(Bytes),
    /// A folder.
    Folder,
    /// Something that providers leave alone.
    Skipped(SkipReason),
}

impl User {
    pub(super) fn new(service: MockService, namespace: &str, base: &str) -> Self {
        Self {
            service,
            namespace: namespace.to_owned(),
            base: base.to_owned(),
        }
    }

    /// Writes a file, new or over the one that is there. Folders above it are made.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where a folder is there, [`ErrorKind::NameRejected`],
    /// [`ErrorKind::OutOfSpace`].
    pub fn write(&self, path: &str, content: impl Into<Bytes>) -> Result<()> {
        let content = content.into();
        self.change(|user, state| {
            let (folder, name) = user.place(state, path)?;
            let (more, none) = (content.len() as u64, Attributes::default());
            if let Some(id) = state.store.child(folder, &name, &state.config.names) {
                let Some(old) = state.node(id, "write")?.content().map(Bytes::len) else {
                    return Err(taken("write", path));
                };
                state.check_space(more, old as u64, "write")?;
                state.set_content(None, id, content, none);
            } else {
                state.check_space(more, 0, "write")?;
                state.add_file(None, folder, name, content, none);
            }
            Ok(())
        })
    }

    /// Adds a file beside one of the same name, as some clouds allow. Only where ids are stable.
    ///
    /// # Errors
    /// As [`User::write`].
    pub fn write_twin(&self, path: &str, content: impl Into<Bytes>) -> Result<()> {
        let content = content.into();
        self.change(|user, state| {
            if state.config.identity == crate::Identity::Path {
                return Err(Error::new(ErrorKind::Unsupported, "write_twin"));
            }
            let (folder, name) = user.place(state, path)?;
            state.add_file(None, folder, name, content, Attributes::default());
            Ok(())
        })
    }

    /// Makes a folder, and those above it. One that is there is fine.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where something else is there, [`ErrorKind::NameRejected`].
    pub fn mkdir(&self, path: &str) -> Result<()> {
        self.change(|user, state| {
            let root = user.root(state)?;
            make_folders(state, None, root, &user.full(path)).map(|_| ())
        })
    }

    /// Puts something that providers leave alone, such as a link.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::NameRejected`].
    pub fn put_skipped(&self, path: &str, reason: SkipReason) -> Result<()> {
        self.change(|user, state| {
            let (folder, name) = user.place(state, path)?;
            if state
                .store
                .child(folder, &name, &state.config.names)
                .is_some()
            {
                return Err(taken("put_skipped", path));
            }
            state.add(
                None,
                folder,
                name,
                Body::Skipped(reason),
                Attributes::default(),
            );
            Ok(())
        })
    }

    /// Renames or moves an object. Folders above the new place are made.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::AlreadyExists`], [`ErrorKind::NameRejected`],
    /// [`ErrorKind::Invalid`] for a folder into itself.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.change(|user, state| {
            let id = user.find(state, "rename", from)?;
            user.relocate(state, id, to, false)
        })
    }

    /// Renames or moves a file over another, which is gone then: what many editors save with.
    ///
    /// # Errors
    /// As [`User::rename`]; [`ErrorKind::AlreadyExists`] only where a folder is there.
    pub fn replace(&self, from: &str, to: &str) -> Result<()> {
        self.change(|user, state| {
            let id = user.find(state, "replace", from)?;
            user.relocate(state, id, to, true)
        })
    }

    /// Deletes an object with all that is in it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn delete(&self, path: &str) -> Result<()> {
        self.change(|user, state| {
            let id = user.find(state, "delete", path)?;
            state.remove(None, id);
            Ok(())
        })
    }

    /// Gives a file a new time and tag, with the same content.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn touch(&self, path: &str) -> Result<()> {
        self.change(|user, state| {
            let id = user.find(state, "touch", path)?;
            state.touch(None, id);
            Ok(())
        })
    }

    /// Sets the attributes that are `Some`, as far as the service keeps them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn set_attributes(&self, path: &str, attributes: Attributes) -> Result<()> {
        self.change(|user, state| {
            let id = user.find(state, "set_attributes", path)?;
            state.set_attributes(None, id, attributes);
            Ok(())
        })
    }

    /// Changes content behind everyone's back: same tag, no event, as a failing disk does.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn corrupt(&self, path: &str, content: impl Into<Bytes>) -> Result<()> {
        let content = content.into();
        self.change(|user, state| {
            let id = user.find(state, "corrupt", path)?;
            state.store.corrupt(id, content);
            Ok(())
        })
    }

    /// Tells that events were lost below a folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn lose_events(&self, path: &str) -> Result<()> {
        self.change(|user, state| {
            let id = user.find(state, "lose_events", path)?;
            state.lose_events(id);
            Ok(())
        })
    }

    /// Returns the content of a file, or `None` where there is none.
    pub fn read(&self, path: &str) -> Option<Bytes> {
        self.look(path, |state, id| state.store.get(id)?.content().cloned())
    }

    /// Returns whether anything stands at a path.
    pub fn exists(&self, path: &str) -> bool {
        self.look(path, |_, _| Some(())).is_some()
    }

    /// Returns the id of an object.
    pub fn oid(&self, path: &str) -> Option<Oid> {
        self.look(path, |state, id| Some(state.oid(id)))
    }

    /// Returns the tag of an object.
    pub fn tag(&self, path: &str) -> Option<Tag> {
        self.look(path, |state, id| state.store.get(id).map(State::tag))
    }

    /// Returns the attributes of an object.
    pub fn attributes(&self, path: &str) -> Option<Attributes> {
        self.look(path, |state, id| Some(state.store.get(id)?.attributes))
    }

    /// Returns all there is, by path. Of objects with one name, the one that came last.
    pub fn tree(&self) -> BTreeMap<String, Node> {
        let mut tree = BTreeMap::new();
        self.look("", |state, id| {
            collect(state, id, "", &mut tree);
            Some(())
        });
        tree
    }

    fn look<T>(&self, path: &str, look: impl FnOnce(&State, Id) -> Option<T>) -> Option<T> {
        let state = self.service.lock();
        let id = self.find(&state, "look", path).ok()?;
        look(&state, id)
    }

    fn change(&self, change: impl FnOnce(&Self, &mut State) -> Result<()>) -> Result<()> {
        change(self, &mut self.service.lock())?;
        self.service.news();
        Ok(())
    }

    fn full(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    fn root(&self, state: &State) -> Result<Id> {
        let root = state.roots.get(&self.namespace).copied();
        root.ok_or_else(|| Error::new(ErrorKind::Namespace, "user").with_object(&self.namespace))
    }

    fn find(&self, state: &State, operation: &'static str, path: &str) -> Result<Id> {
        let found = state
            .store
            .at(self.root(state)?, &self.full(path), &state.config.names);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, operation).with_object(path))
    }

    /// The folder and the name that a path means. Makes the folder where it is not there.
    fn place(&self, state: &mut State, path: &str) -> Result<(Id, String)> {
        let root = self.root(state)?;
        let full = self.full(path.trim_end_matches('/'));
        let (above, name) = full.rsplit_once('/').unwrap_or(("", &full));
        let name = state.accept_name(name, "user")?;
        let folder = make_folders(state, None, root, above)?;
        Ok((folder, name))
    }

    fn relocate(&self, state: &mut State, id: Id, to: &str, over: bool) -> Result<()> {
        let (folder, name) = self.place(state, to)?;
        if state.store.is_inside(folder, id) {
            return Err(Error::new(ErrorKind::Invalid, "rename").with_object(to));
        }
        match state.store.child(folder, &name, &state.config.names) {
            Some(other) if other != id => {
                let file = state.node(other, "rename")?.content().is_some();
                if !(over && file) {
                    return Err(taken("rename", to));
                }
                state.remove(None, other);
            }
            _ => {}
        }
        state.relocate(None, id, folder, name);
        Ok(())
    }
}

/// Finds or makes the folders of a path.
pub(super) fn make_folders(state: &mut State, by: Option<u64>, root: Id, path: &str) -> Result<Id> {
    let mut folder = root;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        folder = match state.store.child(folder, name, &state.config.names) {
            Some(id) if state.node(id, "mkdir")?.children().is_some() => id,
            Some(_) => return Err(taken("mkdir", path)),
            None => {
                let name = state.accept_name(name, "mkdir")?;
                state.add_folder(by, folder, name, Attributes::default())
            }
        };
    }
    Ok(folder)
}

fn collect(state: &State, folder: Id, path: &str, tree: &mut BTreeMap<String, Node>) {
    let children = state
        .store
        .get(folder)
        .and_then(super::store::Node::children);
    for (_, id) in children.into_iter().flatten() {
        let Some(node) = state.store.get(*id) else {
            continue;
        };
        let path = if path.is_empty() {
            node.name.clone()
        } else {
            format!("{path}/{}", node.name)
        };
        match &node.body {
            Body::File { content, .. } => {
                tree.insert(path, Node::File(content.clone()));
            }
            Body::Folder(_) => {
                collect(state, *id, &path, tree);
                tree.insert(path, Node::Folder);
            }
            Body::Skipped(reason) => {
                tree.insert(path, Node::Skipped(*reason));
            }
        }
    }
}

fn taken(operation: &'static str, path: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation).with_object(path)
}
