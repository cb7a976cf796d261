//! Keeps both versions of a file beside it, under conflict names, before merged content replaces them.
//!
//! The copies are ordinary new files: the engine is told of them as of anything that changed, and
//! carries them over. Done twice (after a crash, or where the answer came too late), it finds its
//! copies and makes no others.

use cloudsync_core::conflict_name::conflict_name_within;
use cloudsync_core::engine::io::Input;
use cloudsync_core::event::Event;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::object::{HashKind, Kind, ObjectRef, Observed, Target};
use cloudsync_core::precondition::Expect;
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::{Provider, WriteRequest};

use crate::conflict::Version;

/// Conflict names that are tried before it is given up.
const NAMES: u32 = 1_000;

/// Keeps both versions, each on its own side. Returns what the engine is to be told.
///
/// # Errors
/// [`ErrorKind::SourceChanged`] where a version is no longer there; those of reading and writing.
pub(crate) async fn keep(versions: &BySide<Version>) -> Result<Vec<Input>, Failure> {
    let providers = versions.as_ref().map(|version| &*version.provider);
    let folders = BySide::new(
        folder(&versions.local, Side::Local).await?,
        folder(&versions.remote, Side::Remote).await?,
    );
    let names = providers.map(|provider| provider.capabilities().rules.names.max_name_bytes);
    let longest = names.local.min(names.remote);
    let mut told = Vec::new();
    let mut number = 1;
    for side in Side::BOTH {
        let version = &versions[side];
        let name = version.path.rsplit('/').next().unwrap_or_default();
        let kept = loop {
            if number > NAMES {
                return Err(Failure::new(ErrorKind::AlreadyExists, "keep").with_object(name));
            }
            let name = conflict_name_within(name, number, longest);
            let place = |side: Side| Target {
                folder: folders[side].clone(),
                name: name.clone(),
            };
            number += 1;
            match stands(providers[side], &place(side)).await? {
                Some(Some(there)) if is_equal(version, &there, &place(side)).await? => {
                    break None;
                }
                None if stands(providers[side.other()], &place(side.other()))
                    .await?
                    .is_none() =>
                {
                    match write(version, place(side)).await {
                        Ok(written) => break Some((written, place(side).path())),
                        Err(failure) if failure.kind() == ErrorKind::AlreadyExists => {}
                        Err(failure) => return Err(failure),
                    }
                }
                _ => {}
            }
        };
        if let Some((observed, path)) = kept {
            let changed = Event::Changed {
                oid: Some(observed.oid),
                path: Some(path),
            };
            told.push(Input::Events {
                side,
                events: vec![changed],
                cursor: None,
            });
        }
    }
    Ok(told)
}

/// Returns the folder that a version is in.
async fn folder(version: &Version, side: Side) -> Result<ObjectRef, Failure> {
    let gone = || Failure::new(ErrorKind::SourceChanged, "keep").with_object(&version.path);
    let Some((path, _)) = version.path.rsplit_once('/') else {
        return Ok(ObjectRef::new(version.provider.root().await?.oid, ""));
    };
    let found = version
        .provider
        .info(&version.known.at)
        .await?
        .ok_or_else(gone)?;
    if let Some(oid) = found.folder {
        return Ok(ObjectRef::new(oid, path));
    }
    let folder = version
        .provider
        .info(&ObjectRef::at(path))
        .await?
        .ok_or_else(gone)?;
    let observed = folder.observed.ok_or_else(gone)?;
    tracing::trace!(%side, path, "found the folder by its path");
    Ok(ObjectRef::new(observed.oid, path))
}

/// Returns what stands at a place: nothing, something that is left alone, or an object.
async fn stands(
    provider: &dyn Provider,
    place: &Target,
) -> Result<Option<Option<Observed>>, Failure> {
    let found = provider.info(&ObjectRef::at(place.path())).await?;
    Ok(found.map(|found| found.observed))
}

/// Whether what stands at a place has the version's content.
async fn is_equal(version: &Version, there: &Observed, place: &Target) -> Result<bool, Failure> {
    if there.kind != Kind::File || there.size != version.known.size {
        return Ok(false);
    }
    let (provider, known) = (&version.provider, &version.known);
    let at = ObjectRef::new(there.oid.clone(), place.path());
    let kept = provider.hash(&at, &there.tag, HashKind::Blake3).await?;
    Ok(kept
        == provider
            .hash(&known.at, &known.tag, HashKind::Blake3)
            .await?)
}

async fn write(version: &Version, place: Target) -> Result<Observed, Failure> {
    let (provider, known) = (&version.provider, &version.known);
    let content = provider.read(&known.at, &known.tag).await?;
    let request =
        WriteRequest::new(place, Expect::Free, content, known.size).attributes(known.attributes);
    Ok(provider.write(request).await?.observed)
}
