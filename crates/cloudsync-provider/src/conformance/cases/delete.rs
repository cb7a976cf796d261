//! Deleting.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::{ErrorKind, Kind, ObjectRef, Tag};

pub(super) const CASES: &[Case] = &[
    case!(deleted_file_is_gone, "P016", &[]),
    case!(deleted_folder_is_gone, "P009", &[]),
    case!(deleting_the_gone_is_fine, "P009 P011 P016", &[]),
    case!(deleting_the_changed_is_refused, "", &[]),
    case!(deleting_leaves_what_stands_there_now, "P016 P021", &[]),
    case!(deleting_a_full_folder_is_refused, "P017", &[]),
    case!(deleting_as_another_kind_is_refused, "", &[]),
    case!(tree_is_deleted_from_below, "P009", &[]),
];

async fn deleted_file_is_gone(bench: &mut Bench<'_>) -> Outcome {
    bench.file("b", b"stays").await?;
    let file = bench.file("a", b"x").await?;
    bench.delete(&file).await?;
    ensure_eq!(bench.find("a").await?, None, "by path");
    ensure_eq!(bench.provider.info(&file.at).await?, None, "by reference");
    ensure_eq!(bench.names().await?, ["b"], "names");
    Ok(())
}

async fn deleted_folder_is_gone(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let folder = bench.folder("d/e").await?;
    bench.delete(&folder).await?;
    ensure_eq!(bench.find("d/e").await?, None, "by path");
    ensure_eq!(bench.names().await?, ["d"], "names");
    Ok(())
}

async fn deleting_the_gone_is_fine(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let folder = bench.folder("d").await?;
    for _ in 0..2 {
        bench.delete(&file).await?;
        bench.delete(&folder).await?;
    }
    let never = ObjectRef::at("no/such/thing");
    bench
        .provider
        .delete(&never, Kind::File, Some(file.tag()))
        .await?;
    bench.provider.delete(&never, Kind::Folder, None).await?;
    Ok(())
}

async fn deleting_the_changed_is_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    bench.overwrite(&old, b"newer").await?;
    for tag in [old.tag().clone(), Tag::new("no such tag")] {
        let answer = bench.provider.delete(&old.at, Kind::File, Some(&tag)).await;
        refused(answer, &[ErrorKind::PreconditionFailed], "an old tag")?;
    }
    ensure_eq!(bench.content("a").await?, "newer", "content");
    Ok(())
}

async fn deleting_leaves_what_stands_there_now(bench: &mut Bench<'_>) -> Outcome {
    for (before, after) in [
        (Kind::File, Kind::File),
        (Kind::File, Kind::Folder),
        (Kind::Folder, Kind::File),
    ] {
        bench.make(before, "a").await?;
        let old = bench.settled("a").await?;
        bench.delete(&old).await?;
        bench.make(after, "a").await?;
        let now = bench.settled("a").await?;
        // By id it is gone already; by path it is another.
        match bench.delete(&old).await {
            Ok(()) => {}
            Err(error) => ensure_eq!(error.kind(), ErrorKind::PreconditionFailed, "the error"),
        }
        let seen = bench.look("a").await?;
        ensure_eq!(
            seen.observed.oid,
            now.observed.oid,
            "{after:?} after {before:?}"
        );
        bench.delete(&seen).await?;
    }
    Ok(())
}

async fn deleting_a_full_folder_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let full = bench.folder("d").await?;
    let below = bench.folder("d/e").await?;
    bench.file("d/e/a", b"x").await?;
    for folder in [&full, &below] {
        let answer = bench.delete(folder).await;
        refused(answer, &[ErrorKind::NotEmpty], &folder.at.path)?;
    }
    ensure_eq!(bench.content("d/e/a").await?, "x", "the file in it");
    Ok(())
}

async fn deleting_as_another_kind_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let folder = bench.folder("d").await?;
    let answer = bench.provider.delete(&file.at, Kind::Folder, None).await;
    ensure!(answer.is_err(), "a file was deleted as a folder");
    let answer = bench
        .provider
        .delete(&folder.at, Kind::File, Some(file.tag()))
        .await;
    ensure!(answer.is_err(), "a folder was deleted as a file");
    ensure_eq!(bench.names().await?, ["a", "d"], "names");
    Ok(())
}

async fn tree_is_deleted_from_below(bench: &mut Bench<'_>) -> Outcome {
    let mut things = Vec::new();
    for (kind, path) in [
        (Kind::Folder, "d"),
        (Kind::File, "d/a"),
        (Kind::Folder, "d/e"),
        (Kind::Folder, "d/e/f"),
        (Kind::File, "d/e/f/b"),
    ] {
        things.push(bench.make(kind, path).await?);
    }
    for thing in things.iter().rev() {
        bench.delete(thing).await?;
    }
    ensure!(bench.names().await?.is_empty(), "something is left");
    Ok(())
}
