//! Looking at one object.

use crate::conformance::Case;
use crate::conformance::bench::Bench;
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::{FOLDER_MOVE, ID_LOOKUP, KEEPS_MTIME, NO_ID_LOOKUP, STABLE_IDS};
use crate::{Kind, ObjectRef};

pub(super) const CASES: &[Case] = &[
    case!(nothing_is_none, "P016", &[]),
    case!(all_answers_about_a_file_agree, "P005 P022", &[]),
    case!(all_answers_about_a_folder_agree, "P008 P022", &[]),
    case!(path_alone_finds_an_object, "P016", &[STABLE_IDS]),
    case!(id_finds_a_moved_object, "P007 P013", &[ID_LOOKUP]),
    case!(
        id_finds_what_is_in_a_moved_folder,
        "P007",
        &[ID_LOOKUP, FOLDER_MOVE]
    ),
    case!(id_of_the_deleted_finds_nothing, "P016 P017", &[ID_LOOKUP]),
    case!(path_finds_what_stands_there_now, "P017", &[NO_ID_LOOKUP]),
    case!(files_have_times, "P022", &[KEEPS_MTIME]),
];

async fn nothing_is_none(bench: &mut Bench<'_>) -> Outcome {
    bench.file("f", b"x").await?;
    for path in ["a", "a/b", "a/b/c", "f/a"] {
        ensure_eq!(bench.find(path).await?, None, "{path}");
    }
    Ok(())
}

async fn all_answers_about_a_file_agree(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    for path in ["a", "d/b"] {
        let file = bench.file(path, b"four").await?;
        ensure_eq!(file.observed.kind, Kind::File, "{path}: kind");
        ensure_eq!(file.observed.size, 4, "{path}: size");
        agree(bench, path).await?;
        let again = bench.overwrite(&file, b"seven77").await?;
        ensure_eq!(again.observed.size, 7, "{path}: size when written over");
        agree(bench, path).await?;
        let seen = bench.look(path).await?.observed;
        ensure_eq!(
            seen.tag,
            again.observed.tag,
            "{path}: tags of write and info"
        );
        ensure_eq!(
            seen.attributes,
            again.observed.attributes,
            "{path}: attributes"
        );
        ensure_eq!(
            seen.hash,
            again.observed.hash,
            "{path}: hashes of write and info"
        );
    }
    Ok(())
}

async fn all_answers_about_a_folder_agree(bench: &mut Bench<'_>) -> Outcome {
    for path in ["d", "d/e"] {
        let made = bench.folder(path).await?.observed;
        ensure_eq!(made.kind, Kind::Folder, "{path}: kind");
        ensure_eq!(made.size, 0, "{path}: size");
        let seen = bench.look(path).await?.observed;
        ensure_eq!(made.oid, seen.oid, "{path}: ids of create_folder and info");
        agree(bench, path).await?;
    }
    Ok(())
}

/// Info and listing say the same of what is at a path.
async fn agree(bench: &Bench<'_>, path: &str) -> Outcome {
    let seen = bench.look(path).await?;
    let target = bench.target(path).await?;
    let pages = bench.list(&target.folder).await?;
    let mut entries = pages.iter().flat_map(crate::Listing::iter);
    let listed = entries
        .find(|(name, _)| *name == target.name)
        .map(|(_, listed)| listed);
    let racy = listed.is_some_and(|listed| listed.racy);
    let same = crate::Observed {
        racy,
        ..seen.observed
    };
    ensure_eq!(listed, Some(&same), "{path}: listing and info");
    Ok(())
}

async fn path_alone_finds_an_object(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let file = bench.file("d/a", b"x").await?;
    let found = bench.find("d/a").await?;
    let oid = found
        .and_then(|found| found.observed)
        .map(|observed| observed.oid);
    ensure_eq!(oid.as_ref(), Some(&file.observed.oid), "found by path");
    let at = ObjectRef::at("d/a");
    let content = bench
        .provider
        .read(&at, file.tag())
        .await?
        .into_bytes()
        .await?;
    ensure_eq!(content, "x", "read by path");
    Ok(())
}

async fn id_finds_a_moved_object(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let file = bench.file("a", b"x").await?;
    bench.rename(&file, "d/b").await?;
    bench.file("a", b"another").await?;
    let found = bench.provider.info(&file.at).await?;
    let Some(found) = found else {
        return Err(lost("the moved file"));
    };
    ensure_eq!(found.name, "b", "its name now");
    ensure!(
        found
            .folder
            .as_ref()
            .is_none_or(|oid| *oid == folder.observed.oid),
        "its folder is another: {found:?}"
    );
    let oid = found.observed.map(|observed| observed.oid);
    ensure_eq!(oid, Some(file.observed.oid), "its id");
    Ok(())
}

async fn id_finds_what_is_in_a_moved_folder(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let file = bench.file("d/a", b"x").await?;
    bench.rename(&folder, "e").await?;
    let found = bench.provider.info(&file.at).await?;
    ensure_eq!(
        found.map(|found| found.name),
        Some("a".into()),
        "the file by its id"
    );
    let listing = bench.list(&folder.at).await?;
    ensure_eq!(listing[0].len(), 1, "objects in the folder by its id");
    ensure_eq!(bench.read(&file).await?, "x", "content by id");
    Ok(())
}

async fn id_of_the_deleted_finds_nothing(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    bench.delete(&file).await?;
    ensure_eq!(bench.provider.info(&file.at).await?, None, "deleted");
    bench.file("a", b"another").await?;
    ensure_eq!(
        bench.provider.info(&file.at).await?,
        None,
        "deleted, with another in its place"
    );
    Ok(())
}

async fn path_finds_what_stands_there_now(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    bench.rename(&file, "b").await?;
    ensure_eq!(bench.provider.info(&file.at).await?, None, "renamed away");
    let folder = bench.folder("a").await?;
    let found = bench
        .provider
        .info(&file.at)
        .await?
        .and_then(|found| found.observed);
    let found = found.map(|observed| (observed.kind, observed.oid));
    ensure_eq!(
        found,
        Some((Kind::Folder, folder.observed.oid)),
        "what stands there now"
    );
    Ok(())
}

async fn files_have_times(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    ensure!(file.observed.attributes.mtime.is_some(), "no time");
    let again = bench.overwrite(&file, b"xx").await?;
    let (before, after) = (
        file.observed.attributes.mtime,
        again.observed.attributes.mtime,
    );
    ensure!(
        after >= before,
        "time went back from {before:?} to {after:?}"
    );
    Ok(())
}

fn lost(what: &str) -> crate::conformance::Stop {
    crate::conformance::Stop::Failed(format!("{what} is not found"))
}
