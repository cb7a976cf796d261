//! Renaming and moving.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::{FOLDER_MOVE, NO_FOLDER_MOVE, PATH_IDENTITY, STABLE_IDS};
use crate::{ErrorKind, Kind, ObjectRef, Target};

pub(super) const CASES: &[Case] = &[
    case!(renamed_file_keeps_its_content, "P007", &[]),
    case!(moved_file_keeps_its_content, "P007", &[]),
    case!(file_keeps_its_id, "P007 P013", &[STABLE_IDS]),
    case!(folder_moves_with_all_in_it, "P007", &[FOLDER_MOVE]),
    case!(
        moved_folder_keeps_all_ids,
        "P007",
        &[FOLDER_MOVE, STABLE_IDS]
    ),
    case!(
        moved_folder_leaves_its_paths,
        "P007",
        &[FOLDER_MOVE, PATH_IDENTITY]
    ),
    case!(moving_a_folder_is_unsupported, "", &[NO_FOLDER_MOVE]),
    case!(rename_to_itself_is_fine, "P007", &[]),
    case!(rename_over_anything_is_refused, "P018", &[FOLDER_MOVE]),
    case!(rename_of_a_file_over_anything_is_refused, "P018", &[]),
    case!(rename_of_the_changed_is_refused, "", &[]),
    case!(rename_without_a_tag_takes_any, "", &[]),
    case!(rename_of_the_gone_is_not_found, "P016", &[]),
    case!(rename_leaves_what_stands_there_now, "P016", &[]),
    case!(rename_into_nothing_is_not_found, "P016", &[]),
    case!(rename_under_a_file_is_refused, "P018", &[]),
    case!(folder_into_itself_is_invalid, "", &[FOLDER_MOVE]),
    case!(freed_names_are_free, "P018", &[]),
    case!(rename_leaves_the_neighbours, "P007", &[FOLDER_MOVE]),
];

async fn renamed_file_keeps_its_content(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"content").await?;
    let renamed = bench.rename(&file, "b").await?;
    ensure_eq!(bench.names().await?, ["b"], "names");
    ensure_eq!(bench.find("a").await?, None, "the old name");
    ensure_eq!(bench.read(&renamed).await?, "content", "content");
    let seen = bench.look("b").await?.observed;
    ensure_eq!(seen.tag, renamed.observed.tag, "tags of rename and info");
    ensure_eq!(seen.oid, renamed.observed.oid, "ids of rename and info");
    ensure_eq!(seen.size, 7, "size");
    Ok(())
}

async fn moved_file_keeps_its_content(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let file = bench.file("a", b"content").await?;
    let moved = bench.rename(&file, "d/a").await?;
    ensure_eq!(bench.names().await?, ["d"], "names");
    ensure_eq!(bench.read(&moved).await?, "content", "content");
    let back = bench.rename(&moved, "b").await?;
    ensure_eq!(bench.find("d/a").await?, None, "the old place");
    ensure_eq!(
        bench.read(&back).await?,
        "content",
        "content after moving back"
    );
    Ok(())
}

async fn file_keeps_its_id(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let file = bench.file("a", b"x").await?;
    let renamed = bench.rename(&file, "b").await?;
    let moved = bench.rename(&renamed, "d/c").await?;
    for (what, thing) in [("renamed", renamed), ("moved", moved)] {
        ensure_eq!(thing.observed.oid, file.observed.oid, "{what}");
    }
    ensure_eq!(
        bench.look("d/c").await?.observed.oid,
        file.observed.oid,
        "at the end"
    );
    Ok(())
}

async fn folder_moves_with_all_in_it(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    bench.folder("d/e").await?;
    bench.file("d/a", b"1").await?;
    bench.file("d/e/b", b"2").await?;
    bench.folder("to").await?;
    let renamed = bench.rename(&folder, "f").await?;
    ensure_eq!(
        bench.content("f/a").await?,
        "1",
        "a file in the renamed folder"
    );
    ensure_eq!(
        bench.content("f/e/b").await?,
        "2",
        "a file below the renamed folder"
    );
    bench.rename(&renamed, "to/g").await?;
    let tree = bench.tree().await?;
    let paths: Vec<&str> = tree.keys().map(String::as_str).collect();
    ensure_eq!(
        paths,
        ["to", "to/g", "to/g/a", "to/g/e", "to/g/e/b"],
        "what there is"
    );
    ensure_eq!(bench.find("d/a").await?, None, "the old path");
    Ok(())
}

async fn moved_folder_keeps_all_ids(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let below = bench.folder("d/e").await?;
    let file = bench.file("d/e/b", b"2").await?;
    let renamed = bench.rename(&folder, "f").await?;
    ensure_eq!(
        renamed.observed.oid,
        folder.observed.oid,
        "id of the folder"
    );
    for (path, thing) in [("f", folder), ("f/e", below), ("f/e/b", file)] {
        ensure_eq!(
            bench.look(path).await?.observed.oid,
            thing.observed.oid,
            "id of {path}"
        );
    }
    Ok(())
}

async fn moved_folder_leaves_its_paths(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let file = bench.file("d/a", b"1").await?;
    bench.rename(&folder, "f").await?;
    ensure_eq!(
        bench.provider.info(&file.at).await?,
        None,
        "the old path of a file"
    );
    let refused_read = bench.read(&file).await;
    refused(refused_read, &[ErrorKind::NotFound], "reading the old path")?;
    ensure_eq!(bench.content("f/a").await?, "1", "the new path of a file");
    Ok(())
}

async fn moving_a_folder_is_unsupported(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    bench.file("d/a", b"1").await?;
    bench.folder("e").await?;
    let before = bench.tree().await?;
    for to in ["f", "e/d"] {
        let target = bench.target(to).await?;
        let answer = bench.provider.rename(&folder.at, None, &target).await;
        refused(answer, &[ErrorKind::Unsupported], to)?;
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn rename_to_itself_is_fine(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let same = bench.rename(&file, "a").await?;
    ensure_eq!(same.observed.oid, file.observed.oid, "id of the file");
    ensure_eq!(bench.content("a").await?, "x", "content");
    if bench.provider.capabilities().rules.folder_move {
        let folder = bench.folder("d").await?;
        bench.file("d/b", b"y").await?;
        bench.rename(&folder, "d").await?;
        ensure_eq!(bench.content("d/b").await?, "y", "content in the folder");
    }
    Ok(())
}

async fn rename_over_anything_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let full = bench.folder("full").await?;
    let empty = bench.folder("empty").await?;
    bench.file("full/b", b"y").await?;
    bench.file("a", b"x").await?;
    let before = bench.tree().await?;
    for from in [full, empty] {
        for to in ["full", "empty", "a"] {
            if to == from.at.path {
                continue;
            }
            let target = bench.target(to).await?;
            let answer = bench.provider.rename(&from.at, None, &target).await;
            refused(
                answer,
                &[ErrorKind::AlreadyExists],
                &format!("{} over {to}", from.at),
            )?;
        }
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn rename_of_a_file_over_anything_is_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("full").await?;
    bench.folder("empty").await?;
    bench.file("full/b", b"y").await?;
    bench.file("other", b"z").await?;
    let file = bench.file("a", b"x").await?;
    let before = bench.tree().await?;
    for to in ["full", "empty", "other", "full/b"] {
        let target = bench.target(to).await?;
        let answer = bench
            .provider
            .rename(&file.at, Some(file.tag()), &target)
            .await;
        refused(answer, &[ErrorKind::AlreadyExists], to)?;
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn rename_of_the_changed_is_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    bench.overwrite(&old, b"newer").await?;
    let target = bench.target("b").await?;
    let answer = bench
        .provider
        .rename(&old.at, Some(old.tag()), &target)
        .await;
    refused(answer, &[ErrorKind::PreconditionFailed], "an old tag")?;
    ensure_eq!(bench.names().await?, ["a"], "names");
    ensure_eq!(bench.content("a").await?, "newer", "content");
    Ok(())
}

async fn rename_without_a_tag_takes_any(bench: &mut Bench<'_>) -> Outcome {
    let old = bench.file("a", b"old").await?;
    let new = bench.overwrite(&old, b"newer").await?;
    let target = bench.target("b").await?;
    bench.provider.rename(&new.at, None, &target).await?;
    ensure_eq!(bench.content("b").await?, "newer", "content");
    Ok(())
}

async fn rename_of_the_gone_is_not_found(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    bench.delete(&file).await?;
    let target = bench.target("b").await?;
    for at in [file.at, ObjectRef::at("c")] {
        let answer = bench.provider.rename(&at, None, &target).await;
        refused(answer, &[ErrorKind::NotFound], &at.to_string())?;
    }
    ensure!(bench.names().await?.is_empty(), "something was made");
    Ok(())
}

async fn rename_leaves_what_stands_there_now(bench: &mut Bench<'_>) -> Outcome {
    for kind in [Kind::File, Kind::Folder] {
        bench.file("a", b"x").await?;
        let old = bench.settled("a").await?;
        bench.delete(&old).await?;
        let other = match kind {
            Kind::File => bench.file("a", b"another").await?,
            Kind::Folder => bench.folder("a").await?,
        };
        let target = bench.target("b").await?;
        let answer = bench
            .provider
            .rename(&old.at, Some(old.tag()), &target)
            .await;
        let kinds = &[ErrorKind::NotFound, ErrorKind::PreconditionFailed];
        refused(answer, kinds, "another object stands there")?;
        ensure_eq!(bench.names().await?, ["a"], "names");
        bench.delete(&other).await?;
    }
    Ok(())
}

async fn rename_into_nothing_is_not_found(bench: &mut Bench<'_>) -> Outcome {
    let gone = bench.folder("d").await?;
    bench.delete(&gone).await?;
    let file = bench.file("a", b"x").await?;
    for folder in [gone.at, ObjectRef::at("e"), ObjectRef::at("e/f")] {
        let what = folder.to_string();
        let target = Target {
            folder,
            name: "a".into(),
        };
        let answer = bench
            .provider
            .rename(&file.at, Some(file.tag()), &target)
            .await;
        refused(answer, &[ErrorKind::NotFound], &what)?;
    }
    ensure_eq!(bench.names().await?, ["a"], "names");
    Ok(())
}

async fn rename_under_a_file_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let other = bench.file("b", b"y").await?;
    let target = Target {
        folder: other.at,
        name: "a".into(),
    };
    let answer = bench
        .provider
        .rename(&file.at, Some(file.tag()), &target)
        .await;
    let kinds = &[
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::Invalid,
    ];
    refused(answer, kinds, "under a file")?;
    ensure_eq!(bench.names().await?, ["a", "b"], "names");
    Ok(())
}

async fn folder_into_itself_is_invalid(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    bench.folder("d/e").await?;
    bench.file("d/e/a", b"x").await?;
    let before = bench.tree().await?;
    for to in ["d/d", "d/e/d"] {
        let target = bench.target(to).await?;
        let answer = bench.provider.rename(&folder.at, None, &target).await;
        refused(answer, &[ErrorKind::Invalid], to)?;
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn freed_names_are_free(bench: &mut Bench<'_>) -> Outcome {
    for (number, kind) in [Kind::File, Kind::Folder].into_iter().enumerate() {
        let file = bench.file(&format!("a{number}"), b"x").await?;
        let thing = bench.make(kind, "b").await?;
        bench.delete(&thing).await?;
        let file = bench.rename(&file, "b").await?;
        ensure_eq!(bench.content("b").await?, "x", "onto a deleted {kind:?}");
        bench.delete(&file).await?;
    }
    let first = bench.file("a", b"first").await?;
    let second = bench.file("b", b"second").await?;
    bench.rename(&second, "c").await?;
    bench.rename(&first, "b").await?;
    ensure_eq!(bench.names().await?, ["b", "c"], "names");
    ensure_eq!(bench.content("b").await?, "first", "onto one renamed away");
    ensure_eq!(bench.content("c").await?, "second", "the one renamed away");
    Ok(())
}

async fn rename_leaves_the_neighbours(bench: &mut Bench<'_>) -> Outcome {
    // Paths that begin with the folder's, and are not in it.
    let folder = bench.folder("d").await?;
    bench.file("d/a", b"in").await?;
    bench.file("d.txt", b"1").await?;
    bench.folder("d2").await?;
    bench.file("d2/a", b"2").await?;
    bench.rename(&folder, "e").await?;
    ensure_eq!(bench.names().await?, ["d.txt", "d2", "e"], "names");
    ensure_eq!(
        bench.content("d2/a").await?,
        "2",
        "a file in another folder"
    );
    ensure_eq!(bench.content("e/a").await?, "in", "the file in it");
    ensure!(
        bench.find("e2/a").await?.is_none(),
        "a neighbour was renamed"
    );
    Ok(())
}
