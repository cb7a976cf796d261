//! Making folders, and making things again where others were.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::FRESH_IDS;
use crate::{Attributes, ErrorKind, Kind, ObjectRef, Target};

pub(super) const CASES: &[Case] = &[
    case!(made_folder_can_be_filled, "P008", &[]),
    case!(folder_is_not_made_over_anything, "P008 P017", &[]),
    case!(folder_is_not_made_in_nothing, "P016", &[]),
    case!(folder_is_not_made_under_a_file, "P017", &[]),
    case!(anything_is_made_where_another_was, "P012 P017", &[]),
    case!(what_is_made_again_has_another_id, "P012 P017", &[FRESH_IDS]),
];

const PAIRS: [(Kind, Kind); 4] = [
    (Kind::File, Kind::File),
    (Kind::File, Kind::Folder),
    (Kind::Folder, Kind::File),
    (Kind::Folder, Kind::Folder),
];

async fn made_folder_can_be_filled(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    bench.folder("d/e").await?;
    bench.file("d/e/a", b"x").await?;
    ensure_eq!(bench.content("d/e/a").await?, "x", "content");
    Ok(())
}

async fn folder_is_not_made_over_anything(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    bench.folder("d").await?;
    bench.file("d/x", b"below").await?;
    let before = bench.tree().await?;
    for path in ["a", "d", "d/x"] {
        let target = bench.target(path).await?;
        let answer = bench
            .provider
            .create_folder(&target, Attributes::default())
            .await;
        refused(answer, &[ErrorKind::AlreadyExists], path)?;
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn folder_is_not_made_in_nothing(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    bench.delete(&folder).await?;
    for folder in [folder.at, ObjectRef::at("e"), ObjectRef::at("e/f")] {
        let what = folder.to_string();
        let target = Target {
            folder,
            name: "g".into(),
        };
        let answer = bench
            .provider
            .create_folder(&target, Attributes::default())
            .await;
        refused(answer, &[ErrorKind::NotFound], &what)?;
    }
    ensure!(bench.names().await?.is_empty(), "something was made");
    Ok(())
}

async fn folder_is_not_made_under_a_file(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"old").await?;
    let target = Target {
        folder: file.at,
        name: "b".into(),
    };
    let answer = bench
        .provider
        .create_folder(&target, Attributes::default())
        .await;
    let kinds = &[
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::Invalid,
    ];
    refused(answer, kinds, "under a file")?;
    ensure_eq!(bench.content("a").await?, "old", "content of the file");
    Ok(())
}

async fn anything_is_made_where_another_was(bench: &mut Bench<'_>) -> Outcome {
    for (before, after) in PAIRS {
        let first = bench.make(before, "a").await?;
        bench.delete(&first).await?;
        let second = bench.make(after, "a").await?;
        ensure_eq!(
            bench.look("a").await?.observed.kind,
            after,
            "made where one was deleted"
        );
        // Files alone are renamed everywhere.
        if after == Kind::File {
            let away = bench.rename(&second, "b").await?;
            let third = bench.make(before, "a").await?;
            ensure_eq!(
                bench.look("a").await?.observed.kind,
                before,
                "made where one was moved"
            );
            bench.delete(&away).await?;
            bench.delete(&third).await?;
        } else {
            bench.delete(&second).await?;
        }
    }
    Ok(())
}

async fn what_is_made_again_has_another_id(bench: &mut Bench<'_>) -> Outcome {
    let mut ids = Vec::new();
    for (before, after) in PAIRS {
        for kind in [before, after] {
            let thing = bench.make(kind, "a").await?;
            ensure!(!ids.contains(&thing.observed.oid), "an id was given again");
            bench.delete(&thing).await?;
            ids.push(thing.observed.oid);
        }
    }
    Ok(())
}
