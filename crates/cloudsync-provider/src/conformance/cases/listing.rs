//! Listing folders, pages, walks.

use std::collections::BTreeSet;

use futures::TryStreamExt;

use crate::conformance::Case;
use crate::conformance::bench::{Bench, list_pages, refused};
use crate::conformance::case::{Outcome, Stop, case, ensure, ensure_eq};
use crate::{End, ErrorKind, Kind, Listing, ObjectRef, Target};

pub(super) const CASES: &[Case] = &[
    case!(empty_folder_lists_as_complete, "P020", &[]),
    case!(listing_nothing_is_not_found, "P016 P020", &[]),
    case!(listing_a_file_is_refused, "P016 P020", &[]),
    case!(listing_has_everything_once, "P020", &[]),
    case!(listing_is_of_now, "P020 P030", &[]),
    case!(listing_sees_what_others_did, "P030 P033", &[]),
    case!(walk_finds_everything, "P010", &[]),
    case!(walk_starts_anywhere, "P010", &[]),
    case!(walk_from_nothing_is_not_found, "P010", &[]),
];

async fn empty_folder_lists_as_complete(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    for at in [ObjectRef::at("d"), folder.at] {
        let (listing, next) = bench.provider.list(&at, None).await?;
        ensure_eq!(next, None, "a page after an empty folder");
        ensure_eq!(listing.end, End::Complete, "end of an empty folder");
        ensure!(
            listing.is_empty() && listing.skipped.is_empty(),
            "not empty: {listing:?}"
        );
        ensure_eq!(listing.folder.path, "d", "the folder in the listing");
    }
    Ok(())
}

async fn listing_nothing_is_not_found(bench: &mut Bench<'_>) -> Outcome {
    let missing = &[ErrorKind::NotFound];
    for path in ["d", "d/e"] {
        refused(
            bench.provider.list(&ObjectRef::at(path), None).await,
            missing,
            path,
        )?;
    }
    let folder = bench.folder("d").await?;
    bench.delete(&folder).await?;
    refused(
        bench.provider.list(&folder.at, None).await,
        missing,
        "a deleted folder",
    )?;
    Ok(())
}

async fn listing_a_file_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let kinds = &[ErrorKind::NotFound, ErrorKind::Invalid];
    refused(bench.provider.list(&file.at, None).await, kinds, "a file")
}

async fn listing_has_everything_once(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let mut made = BTreeSet::new();
    for number in 0..23_usize {
        let name = format!("n{number}");
        let path = format!("d/{name}");
        if number % 5 == 0 {
            bench.folder(&path).await?;
            made.insert((name, Kind::Folder, 0));
        } else {
            bench.file(&path, &vec![b'x'; number]).await?;
            made.insert((name, Kind::File, number as u64));
        }
    }
    bench.folder("d/n0/below").await?;
    let folder = bench.look("d").await?.at;
    let pages = bench.list(&folder).await?;
    let count: usize = pages.iter().map(Listing::len).sum();
    let listed: BTreeSet<_> = pages
        .iter()
        .flat_map(Listing::iter)
        .map(|(name, observed)| (name.to_owned(), observed.kind, observed.size))
        .collect();
    ensure_eq!(listed, made, "the listing");
    ensure_eq!(count, made.len(), "objects in the listing");
    Ok(())
}

async fn listing_is_of_now(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    ensure_eq!(bench.names().await?, ["a"], "after creating");
    let file = bench.rename(&file, "b").await?;
    ensure_eq!(bench.names().await?, ["b"], "after renaming");
    bench.folder("c").await?;
    ensure_eq!(bench.names().await?, ["b", "c"], "after making a folder");
    bench.delete(&file).await?;
    ensure_eq!(bench.names().await?, ["c"], "after deleting");
    Ok(())
}

async fn listing_sees_what_others_did(bench: &mut Bench<'_>) -> Outcome {
    let second = bench.second().await?;
    let folder = bench.folder("d").await?;
    let file = bench.file("d/a", b"x").await?;
    ensure_eq!(
        list_pages(&*second, &ObjectRef::at("d")).await?[0].len(),
        1,
        "seen by the other"
    );
    second
        .delete(&file.at, Kind::File, Some(file.tag()))
        .await?;
    second.delete(&folder.at, Kind::Folder, None).await?;
    ensure_eq!(
        bench.find("d/a").await?,
        None,
        "a file that another deleted"
    );
    ensure!(
        bench.names().await?.is_empty(),
        "a folder that another deleted is listed"
    );
    Ok(())
}

async fn plant(bench: &Bench<'_>) -> Result<BTreeSet<String>, Stop> {
    for path in ["d", "d/e", "d/e/f", "g"] {
        bench.folder(path).await?;
    }
    for path in ["a", "d/b", "d/e/c", "d/e/f/x"] {
        bench.file(path, path.as_bytes()).await?;
    }
    let all = ["a", "d", "d/b", "d/e", "d/e/c", "d/e/f", "d/e/f/x", "g"];
    Ok(all.into_iter().map(String::from).collect())
}

/// What a walk tells: paths of objects. Folders must come complete, once, and before what is in them.
async fn walk(bench: &Bench<'_>, from: ObjectRef) -> Result<BTreeSet<String>, Stop> {
    let start = from.path.clone();
    let batches: Vec<Vec<Listing>> = bench.provider.walk(from).try_collect().await?;
    let mut paths = BTreeSet::new();
    let mut listed = BTreeSet::new();
    for listing in batches.iter().flatten() {
        let folder = &listing.folder.path;
        ensure_eq!(listing.end, End::Complete, "end of {folder:?}");
        ensure!(listed.insert(folder.clone()), "{folder:?} came twice");
        ensure!(
            *folder == start || paths.contains(folder),
            "{folder:?} came before its own"
        );
        for (name, _) in listing.iter() {
            let path = Target {
                folder: listing.folder.clone(),
                name: name.into(),
            }
            .path();
            ensure!(paths.insert(path), "{name} came twice in {folder:?}");
        }
    }
    Ok(paths)
}

async fn walk_finds_everything(bench: &mut Bench<'_>) -> Outcome {
    let planted = plant(bench).await?;
    ensure_eq!(
        walk(bench, ObjectRef::root()).await?,
        planted,
        "from the root"
    );
    Ok(())
}

async fn walk_starts_anywhere(bench: &mut Bench<'_>) -> Outcome {
    let planted = plant(bench).await?;
    let below: BTreeSet<_> = planted
        .into_iter()
        .filter(|path| path.starts_with("d/e/"))
        .collect();
    let from = bench.look("d/e").await?.at;
    ensure_eq!(walk(bench, from).await?, below, "from a folder");
    Ok(())
}

async fn walk_from_nothing_is_not_found(bench: &mut Bench<'_>) -> Outcome {
    let from = ObjectRef::at("d");
    let answer: Result<Vec<_>, _> = bench.provider.walk(from).try_collect().await;
    refused(answer, &[ErrorKind::NotFound], "a walk from nothing")
}
