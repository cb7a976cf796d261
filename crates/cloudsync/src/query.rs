//! Makes the calls that change nothing: hash, look, list.

use std::sync::Arc;

use cloudsync_core::engine::io::{Input, Query, QueryId};
use cloudsync_core::event::Event;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::listing::Found;
use cloudsync_core::object::{ObjectRef, Observed, Target};
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::Provider;
use futures::TryStreamExt;
use tokio::sync::mpsc;

use crate::alarm::Alarms;
use crate::driver::Live;
use crate::guarded::guarded_call;

/// What queries need of the pair.
#[derive(Clone, Debug)]
pub(crate) struct Looker {
    pub(crate) providers: BySide<Arc<dyn Provider>>,
    pub(crate) alarms: Alarms,
}

impl Looker {
    /// Makes the call and sends the answers. `roots` are the identities of the roots, as they were
    /// told to the engine.
    pub(crate) async fn look(
        self,
        query: Query,
        roots: BySide<Option<String>>,
        inputs: mpsc::Sender<Input>,
    ) {
        // A failed send only says that nobody wants to know any more.
        match query {
            Query::Hash {
                id,
                side,
                at,
                expect,
                kind,
                ..
            } => {
                let call = self.providers[side].hash(&at, &expect, kind);
                let outcome = self.heard(side, guarded_call("hash", call).await);
                let _ = inputs.send(Input::Hashed { query: id, outcome }).await;
            }
            Query::Info {
                id,
                side,
                at,
                check_root,
            } => {
                let root = check_root.then(|| roots[side].as_deref().unwrap_or_default());
                let call = info(&*self.providers[side], &at, root);
                let outcome = self.heard(side, guarded_call("info", call).await);
                let _ = inputs.send(Input::Found { query: id, outcome }).await;
            }
            Query::Walk { id, side, from } => {
                let call = walk(&*self.providers[side], id, from, &inputs);
                let outcome = self.heard(side, guarded_call("walk", call).await);
                let _ = inputs.send(Input::Walked { query: id, outcome }).await;
            }
        }
    }

    fn heard<T>(&self, side: Side, outcome: Result<T, Failure>) -> Result<T, Failure> {
        outcome.inspect_err(|failure| self.alarms[side].hear(failure))
    }
}

/// Looks at one object; where the root is to be checked, at the root first, which has to be `root`.
async fn info(
    provider: &dyn Provider,
    at: &ObjectRef,
    root: Option<&str>,
) -> Result<Option<Found>, Failure> {
    if let Some(root) = root {
        let missing = || Failure::new(ErrorKind::RootMissing, "info").with_object(at);
        match provider.root().await {
            Ok(found) if found.identity == root => {}
            Ok(_) => return Err(missing().with_detail("another root stands there")),
            Err(failure) => return Err(missing().with_source(failure)),
        }
    }
    provider.info(at).await
}

/// Lists a folder and all below it, as fast as the listings are taken.
async fn walk(
    provider: &dyn Provider,
    id: QueryId,
    from: ObjectRef,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Failure> {
    let mut batches = provider.walk(from);
    while let Some(listings) = batches.try_next().await? {
        if inputs
            .send(Input::Listed {
                query: id,
                listings,
            })
            .await
            .is_err()
        {
            break;
        }
    }
    Ok(())
}

/// Lists one folder and tells the engine of each object in it as of one that may have changed.
pub(crate) async fn hint_folder(
    provider: &dyn Provider,
    side: Side,
    path: &str,
    live: &Live,
) -> Result<(), Failure> {
    let folder = match provider.info(&ObjectRef::at(path)).await? {
        Some(Found {
            observed: Some(observed),
            ..
        }) => ObjectRef::new(observed.oid, path),
        _ if path.is_empty() => ObjectRef::root(),
        _ => return Err(Failure::new(ErrorKind::NotFound, "walk").with_object(path)),
    };
    let mut page = None;
    loop {
        let (listing, next) = provider.list(&folder, page).await?;
        let changed = |(name, observed): (&str, &Observed)| {
            let path = Target {
                folder: folder.clone(),
                name: name.to_owned(),
            }
            .path();
            Event::Changed {
                oid: Some(observed.oid.clone()),
                path: Some(path),
            }
        };
        let events = listing.iter().map(changed).collect();
        live.tell(Input::Events {
            side,
            events,
            cursor: None,
        });
        page = next;
        if page.is_none() {
            return Ok(());
        }
    }
}
