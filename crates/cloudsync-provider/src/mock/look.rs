//! How a mocked client finds the object that a call means, and how it lists a folder.

use cloudsync_core::rules::Identity;

use super::calls::Call;
use super::client::MockProvider;
use super::random::mix;
use super::state::State;
use super::store::{Id, Node};
use crate::{Error, ErrorKind, Found, Listing, ObjectRef, Page, Result, Skipped, Target};

/// What an [`ObjectRef`] means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Met {
    /// That object, below the root.
    Object(Id),
    /// That object, outside the root by now.
    Outside(Id),
    /// Another object stands at the path; only where ids cannot be looked up.
    Another,
    /// Nothing.
    Nothing,
}

impl Met {
    /// The object, wherever it is.
    pub(super) fn anywhere(self) -> Option<Id> {
        match self {
            Met::Object(id) | Met::Outside(id) => Some(id),
            Met::Another | Met::Nothing => None,
        }
    }

    /// The object, if it may be changed.
    pub(super) fn to_change(self, operation: &'static str, at: &ObjectRef) -> Result<Id> {
        let kind = match self {
            Met::Object(id) => return Ok(id),
            Met::Nothing => ErrorKind::NotFound,
            Met::Outside(_) | Met::Another => ErrorKind::PreconditionFailed,
        };
        Err(Error::new(kind, operation).with_object(at))
    }
}

impl MockProvider {
    pub(super) fn meet(state: &State, root: Id, at: &ObjectRef) -> Met {
        let config = &state.config;
        match &at.oid {
            Some(oid) if config.by_id() => match state.by_oid(oid) {
                Some(id) if state.store.is_inside(id, root) => Met::Object(id),
                Some(id) => Met::Outside(id),
                None => Met::Nothing,
            },
            oid => match state.store.at(root, &at.path, &config.names) {
                None => Met::Nothing,
                Some(id) => match oid {
                    Some(oid) if config.identity == Identity::Stable && state.oid(id) != *oid => {
                        Met::Another
                    }
                    _ => Met::Object(id),
                },
            },
        }
    }

    /// The folder of a target, to change something in.
    pub(super) fn meet_folder(
        state: &State,
        root: Id,
        target: &Target,
        operation: &'static str,
    ) -> Result<Id> {
        match Self::meet(state, root, &target.folder) {
            Met::Object(id) if state.node(id, operation)?.children().is_some() => Ok(id),
            _ => Err(Error::new(ErrorKind::NotFound, operation).with_object(&target.folder)),
        }
    }

    pub(super) fn found(state: &State, root: Id, at: &ObjectRef) -> Option<Found> {
        // Without a look-up by id, it is whatever stands at the path.
        let by_path = ObjectRef::at(at.path.clone());
        let at = if state.config.by_id() { at } else { &by_path };
        let id = Self::meet(state, root, at).anywhere()?;
        let node = state.store.get(id)?;
        let folder = node
            .parent
            .filter(|_| at.oid.is_some())
            .map(|parent| state.oid(parent));
        Some(Found {
            observed: state.observe(id),
            folder,
            name: node.name.clone(),
        })
    }

    /// A page of the folder that is meant.
    pub(super) fn list_now(
        &self,
        folder: &ObjectRef,
        page: Option<&Page>,
        cut: bool,
    ) -> Result<(Listing, Option<Page>)> {
        let state = self.service().lock();
        let root = self.root_id(&state, Call::List)?;
        let id = Self::meet(&state, root, folder).anywhere();
        let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, "list").with_object(folder))?;
        Self::list_page(&state, id, folder, page, cut)
    }

    /// A page of a folder: those after the one that `page` names, in the listing's order.
    fn list_page(
        state: &State,
        id: Id,
        folder: &ObjectRef,
        page: Option<&Page>,
        cut: bool,
    ) -> Result<(Listing, Option<Page>)> {
        let config = &state.config;
        let Some(children) = state.node(id, "list")?.children() else {
            return Err(Error::new(ErrorKind::NotFound, "list").with_object(folder));
        };
        let position = |(key, id): &(String, Id)| {
            let shuffled = || format!("{:016x}", mix(*id));
            (
                if config.shuffled_listings {
                    shuffled()
                } else {
                    key.clone()
                },
                *id,
            )
        };
        let after = page.map(|page| parse(page, folder)).transpose()?;
        let mut rest: Vec<_> = children
            .iter()
            .map(|child| (position(child), child.1))
            .filter(|(position, _)| after.as_ref().is_none_or(|after| position > after))
            .collect();
        if config.shuffled_listings {
            rest.sort();
        }
        let size = config.page_size.max(1);
        let size = if cut {
            (rest.len() / 2).min(size)
        } else {
            size
        };
        let mut listing = Listing::new(folder.clone());
        for (_, id) in rest.iter().take(size) {
            if let Some(node) = state.store.get(*id) {
                add(&mut listing, state, *id, node);
            }
        }
        if cut {
            return Ok((listing, None));
        }
        match rest.get(size - 1) {
            Some((last, _)) if rest.len() > size => {
                Ok((listing, Some(Page(format!("{:x}/{}", last.1, last.0)))))
            }
            _ => Ok((listing.complete(), None)),
        }
    }
}

fn parse(page: &Page, folder: &ObjectRef) -> Result<(String, Id)> {
    let parsed = page.0.split_once('/').and_then(|(id, key)| {
        let id = Id::from_str_radix(id, 16).ok()?;
        Some((key.to_owned(), id))
    });
    parsed.ok_or_else(|| {
        let error = Error::new(ErrorKind::Invalid, "list").with_object(folder);
        error.with_detail("not a page of ours")
    })
}

fn add(listing: &mut Listing, state: &State, id: Id, node: &Node) {
    if let super::store::Body::Skipped(reason) = node.body {
        listing.skipped.push(Skipped {
            name: node.name.clone(),
            reason,
        });
    } else if let Some(observed) = state.observe(id) {
        listing.push(&node.name, observed);
    }
}
