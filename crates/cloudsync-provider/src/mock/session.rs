//! How a mocked client signs in, and chooses its namespace and root.

use super::client::{ChosenRoot, MockProvider};
use super::user::make_folders;
use crate::{Connection, Error, ErrorKind, Identity, Oid, Result, Root};

impl MockProvider {
    pub(super) fn sign_in(&self) -> Result<Connection> {
        let error = |kind| Err(Error::new(kind, "connect"));
        let mut state = self.service().lock();
        let mut session = self.session();
        session.open = None;
        let asked = session
            .credentials
            .0
            .get("account")
            .map_or("mock", String::as_str)
            .to_owned();
        if !state.online {
            return error(ErrorKind::Disconnected);
        }
        if !state.tokens_good || !state.accounts.contains(&asked) {
            return error(ErrorKind::Token);
        }
        if session
            .account
            .as_ref()
            .is_some_and(|before| *before != asked)
        {
            return error(ErrorKind::Token);
        }
        if !state.roots.contains_key(&session.namespace) {
            return error(ErrorKind::Namespace);
        }
        state.sessions += 1;
        session.open = Some(state.sessions);
        session.account = Some(asked.clone());
        Ok(Connection { id: asked })
    }

    pub(super) fn choose_namespace(&self, id: &str) -> Result<()> {
        let error = |kind| Err(Error::new(kind, "set_namespace").with_object(id));
        let state = self.service().lock();
        let mut session = self.session();
        if state.config.namespaces.is_empty() {
            return error(ErrorKind::Unsupported);
        }
        if session.open.is_some() && !state.roots.contains_key(id) {
            return error(ErrorKind::Namespace);
        }
        if session.root.is_some() && session.namespace != id {
            return error(ErrorKind::Invalid);
        }
        id.clone_into(&mut session.namespace);
        Ok(())
    }

    pub(super) fn choose_root(
        &self,
        path: Option<&str>,
        oid: Option<&Oid>,
        create: bool,
    ) -> Result<Root> {
        let missing = || Error::new(ErrorKind::RootMissing, "set_root");
        let mut state = self.service().lock();
        let namespace = self.session().namespace.clone();
        let top = *state.roots.get(&namespace).ok_or_else(missing)?;
        let wanted = path.unwrap_or_default();
        let found = match oid {
            Some(oid) => state
                .by_oid(oid)
                .filter(|id| state.store.is_inside(*id, top)),
            None => state.store.at(top, wanted, &state.config.names),
        };
        let id = match found {
            Some(id) => id,
            None if create && oid.is_none() => {
                make_folders(&mut state, Some(self.number()), top, wanted)
                    .map_err(|cause| missing().with_object(wanted).with_source(cause))?
            }
            None => return Err(missing().with_object(wanted)),
        };
        if state.node(id, "set_root")?.children().is_none() {
            return Err(missing().with_object(wanted).with_detail("not a folder"));
        }
        let root = self.describe_root(&state, id);
        let chosen = match state.config.identity {
            Identity::Stable => ChosenRoot::Object(id),
            Identity::Path => ChosenRoot::Path(root.path.clone()),
        };
        let mut session = self.session();
        if session
            .root
            .as_ref()
            .is_some_and(|before| *before != chosen)
        {
            let error = Error::new(ErrorKind::Invalid, "set_root").with_object(wanted);
            return Err(error.with_detail("another root was chosen before"));
        }
        session.root = Some(chosen);
        Ok(root)
    }
}
