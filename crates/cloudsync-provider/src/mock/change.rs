//! The operations of a mocked client: what each checks, and what it does then.
//!
//! A service with atomic checks checks and changes in one go. One without checks first, lets others
//! act, and changes what it finds then.

use bytes::Bytes;

use super::calls::Call;
use super::client::MockProvider;
use super::state::State;
use super::store::Id;
use crate::{Attributes, Error, ErrorKind, Expect, Kind, ObjectRef, Observed, Result, Tag, Target};

/// Stands at a target's name.
type Standing = Option<Id>;

impl MockProvider {
    /// Checks, lets others act, checks again if `atomic`, and changes.
    pub(super) async fn change<C, T>(
        &self,
        call: Call,
        atomic: bool,
        check: impl Fn(&State) -> Result<C> + Send,
        commit: impl FnOnce(&mut State, C) -> Result<T> + Send,
    ) -> Result<T>
    where
        C: Send,
        T: Send,
    {
        let checked = check(&self.service().lock())?;
        if let Some(act) = self.faults().take_before_change() {
            act(&self.service().user());
        }
        if !atomic {
            tokio::task::yield_now().await;
        }
        self.check_session(call)?;
        let answer = {
            let mut state = self.service().lock();
            let checked = if atomic { check(&state)? } else { checked };
            commit(&mut state, checked)?
        };
        self.service().news();
        Ok(answer)
    }

    /// What a write finds: the folder, the name as it will be, and what stands there.
    pub(super) fn check_write(
        &self,
        state: &State,
        target: &Target,
        expect: &Expect,
        size: u64,
    ) -> Result<(Id, String, Standing)> {
        let operation = Call::Write.name();
        let root = self.root_id(state, Call::Write)?;
        let name = state.accept_name(&target.name, operation)?;
        let folder = Self::meet_folder(state, root, target, operation)?;
        let standing = state.store.child(folder, &name, &state.config.names);
        let path = target.path();
        match (expect, standing) {
            (Expect::Free, None) => state.check_space(size, 0, operation)?,
            (Expect::Free, Some(_)) => return Err(taken(operation, &path)),
            (Expect::Unchanged { .. }, None) => return Err(changed(operation, &path)),
            (Expect::Unchanged { oid, tag }, Some(_)) => {
                // With ids, twins may stand there: it is the one with the id.
                let of_id = oid
                    .as_ref()
                    .filter(|_| state.config.identity == crate::Identity::Stable);
                let id = match of_id {
                    Some(oid) => state
                        .by_oid(oid)
                        .filter(|id| stands(state, *id, folder, &name)),
                    None => standing,
                };
                let id = id.ok_or_else(|| changed(operation, &path))?;
                check_file(state, id, tag, operation, &path)?;
                let old = state.node(id, operation)?.content().map_or(0, Bytes::len);
                state.check_space(size, old as u64, operation)?;
                return Ok((folder, name, Some(id)));
            }
        }
        Ok((folder, name, standing))
    }

    /// Writes over whatever file stands there now.
    pub(super) fn commit_write(
        &self,
        state: &mut State,
        (folder, name, found): (Id, String, Standing),
        content: Bytes,
        attributes: Attributes,
    ) -> Result<Observed> {
        let operation = Call::Write.name();
        let by = Some(self.number());
        state.node(folder, operation)?;
        let found = found.filter(|id| state.store.get(*id).is_some());
        let standing = found.or_else(|| state.store.child(folder, &name, &state.config.names));
        let id = match standing {
            None => state.add_file(by, folder, name, content, attributes),
            Some(id) if state.node(id, operation)?.content().is_some() => {
                if state.config.write_changes_id {
                    state.replace(by, id, content, attributes)
                } else {
                    state.set_content(by, id, content, attributes);
                    id
                }
            }
            Some(_) => return Err(taken(operation, &name)),
        };
        observe(state, id, operation)
    }

    pub(super) fn check_create_folder(
        &self,
        state: &State,
        target: &Target,
    ) -> Result<(Id, String)> {
        let operation = Call::CreateFolder.name();
        let root = self.root_id(state, Call::CreateFolder)?;
        let name = state.accept_name(&target.name, operation)?;
        let folder = Self::meet_folder(state, root, target, operation)?;
        match state.store.child(folder, &name, &state.config.names) {
            Some(_) => Err(taken(operation, &target.path())),
            None => Ok((folder, name)),
        }
    }

    pub(super) fn commit_create_folder(
        &self,
        state: &mut State,
        (folder, name): (Id, String),
        attributes: Attributes,
    ) -> Result<Observed> {
        let operation = Call::CreateFolder.name();
        state.node(folder, operation)?;
        if state
            .store
            .child(folder, &name, &state.config.names)
            .is_some()
        {
            return Err(taken(operation, &name));
        }
        let id = state.add_folder(Some(self.number()), folder, name, attributes);
        observe(state, id, operation)
    }

    pub(super) fn check_rename(
        &self,
        state: &State,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<(Id, Id, String)> {
        let operation = Call::Rename.name();
        let root = self.root_id(state, Call::Rename)?;
        let id = Self::meet(state, root, at).to_change(operation, at)?;
        if id == root {
            return Err(Error::new(ErrorKind::Invalid, operation).with_detail("the root"));
        }
        if let Some(tag) = expect {
            check_file(state, id, tag, operation, &at.path)?;
        }
        if state.node(id, operation)?.children().is_some() && !state.config.folder_move {
            return Err(Error::new(ErrorKind::Unsupported, operation).with_object(at));
        }
        let name = state.accept_name(&target.name, operation)?;
        let folder = Self::meet_folder(state, root, target, operation)?;
        if state.store.is_inside(folder, id) {
            let error = Error::new(ErrorKind::Invalid, operation).with_object(at);
            return Err(error.with_detail("a folder into itself"));
        }
        match state.store.child(folder, &name, &state.config.names) {
            Some(_) if !stands(state, id, folder, &name) => Err(taken(operation, &target.path())),
            _ => Ok((id, folder, name)),
        }
    }

    /// Moves the object; a file that came to the target meanwhile is replaced.
    pub(super) fn commit_rename(
        &self,
        state: &mut State,
        (id, folder, name): (Id, Id, String),
    ) -> Result<Observed> {
        let operation = Call::Rename.name();
        let by = Some(self.number());
        let node = state.node(id, operation)?;
        if node.parent == Some(folder) && node.name == name {
            return observe(state, id, operation);
        }
        state.node(folder, operation)?;
        if !stands(state, id, folder, &name)
            && let Some(other) = state.store.child(folder, &name, &state.config.names)
        {
            if state.node(other, operation)?.content().is_none() {
                return Err(taken(operation, &name));
            }
            state.remove(by, other);
        }
        state.relocate(by, id, folder, name);
        observe(state, id, operation)
    }

    /// The object to delete; `None` where it is gone already.
    pub(super) fn check_delete(
        &self,
        state: &State,
        at: &ObjectRef,
        kind: Kind,
        expect: Option<&Tag>,
    ) -> Result<Option<Id>> {
        let operation = Call::Delete.name();
        let root = self.root_id(state, Call::Delete)?;
        let id = match Self::meet(state, root, at) {
            super::look::Met::Nothing => return Ok(None),
            met => met.to_change(operation, at)?,
        };
        if id == root {
            return Err(Error::new(ErrorKind::Invalid, operation).with_detail("the root"));
        }
        let node = state.node(id, operation)?;
        if node.kind() != Some(kind) {
            return Err(changed(operation, &at.path));
        }
        match (kind, expect) {
            (Kind::File, Some(tag)) => check_file(state, id, tag, operation, &at.path)?,
            (Kind::File, None) => {
                let error = Error::new(ErrorKind::Invalid, operation).with_object(at);
                return Err(error.with_detail("deleting a file takes its tag"));
            }
            (Kind::Folder, _) => check_empty(state, id, at)?,
        }
        Ok(Some(id))
    }

    pub(super) fn commit_delete(
        &self,
        state: &mut State,
        id: Option<Id>,
        at: &ObjectRef,
    ) -> Result<()> {
        if let Some(id) = id.filter(|id| state.store.get(*id).is_some()) {
            check_empty(state, id, at)?;
            state.remove(Some(self.number()), id);
        }
        Ok(())
    }

    pub(super) fn check_set_attributes(
        &self,
        state: &State,
        at: &ObjectRef,
        expect: Option<&Tag>,
        attributes: Attributes,
    ) -> Result<Id> {
        let operation = Call::SetAttributes.name();
        let (mode, mtime) = (attributes.mode.is_some(), attributes.mtime.is_some());
        let config = &state.config;
        if mode && !config.keeps_mode || mtime && !config.keeps_mtime {
            return Err(Error::new(ErrorKind::Unsupported, operation).with_object(at));
        }
        let root = self.root_id(state, Call::SetAttributes)?;
        let id = Self::meet(state, root, at).to_change(operation, at)?;
        if let Some(tag) = expect {
            check_file(state, id, tag, operation, &at.path)?;
        }
        Ok(id)
    }

    pub(super) fn commit_set_attributes(
        &self,
        state: &mut State,
        id: Id,
        attributes: Attributes,
    ) -> Result<Observed> {
        state.set_attributes(Some(self.number()), id, attributes);
        observe(state, id, Call::SetAttributes.name())
    }
}

/// Whether an object stands in `folder` under a name that is the same to the service.
fn stands(state: &State, id: Id, folder: Id, name: &str) -> bool {
    let rules = &state.config.names;
    state.store.get(id).is_some_and(|node| {
        node.parent == Some(folder)
            && super::names::key(&node.name, rules) == super::names::key(name, rules)
    })
}

fn check_file(state: &State, id: Id, tag: &Tag, operation: &'static str, path: &str) -> Result<()> {
    let node = state.node(id, operation)?;
    let same = node.content().is_some() && State::tag(node) == *tag;
    if same {
        Ok(())
    } else {
        Err(changed(operation, path))
    }
}

fn check_empty(state: &State, id: Id, at: &ObjectRef) -> Result<()> {
    let children = state.node(id, "delete")?.children();
    if children.is_some_and(|children| !children.is_empty()) {
        return Err(Error::new(ErrorKind::NotEmpty, "delete").with_object(at));
    }
    Ok(())
}

fn observe(state: &State, id: Id, operation: &'static str) -> Result<Observed> {
    state
        .observe(id)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, operation))
}

fn taken(operation: &'static str, path: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation).with_object(path)
}

fn changed(operation: &'static str, path: &str) -> Error {
    Error::new(ErrorKind::PreconditionFailed, operation).with_object(path)
}
