//! Choosing the root, and losing it.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, list_pages, refused};
use crate::conformance::case::{Outcome, Stop, case, ensure, ensure_eq};
use crate::conformance::need::STABLE_IDS;
use crate::{ErrorKind, Kind, ObjectRef};

pub(super) const CASES: &[Case] = &[
    case!(root_is_a_folder, "P003", &[]),
    case!(root_is_met_by_its_id, "P003", &[STABLE_IDS]),
    case!(root_stays_the_same, "P004", &[]),
    case!(another_root_is_invalid, "P004", &[]),
    case!(missing_root_is_made_only_if_asked, "P004", &[]),
    case!(file_is_no_root, "P004", &[]),
    case!(paths_start_at_the_root, "P035", &[]),
    case!(nothing_works_before_a_root, "P004", &[]),
    case!(missing_root_is_told, "P004", &[]),
    case!(root_is_neither_renamed_nor_deleted, "", &[]),
];

async fn root_is_a_folder(bench: &mut Bench<'_>) -> Outcome {
    let root = bench.provider.root().await?;
    ensure!(!root.identity.is_empty(), "the root has no identity");
    let observed = bench.look("").await?.observed;
    ensure_eq!(observed.kind, Kind::Folder, "kind of the root");
    if bench.stable() {
        ensure_eq!(observed.oid, root.oid, "two ids of the root");
    }
    Ok(())
}

async fn root_is_met_by_its_id(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let root = ObjectRef::new(bench.provider.root().await?.oid, "");
    let listing = bench.list(&root).await?;
    ensure_eq!(listing[0].len(), 1, "objects in the root by its id");
    let found = bench
        .provider
        .info(&root)
        .await?
        .and_then(|found| found.observed);
    ensure_eq!(
        found.map(|observed| observed.oid),
        root.oid,
        "the root by its id"
    );
    let target = crate::Target {
        folder: root,
        name: "b".into(),
    };
    let moved = bench.provider.rename(&file.at, None, &target).await?;
    ensure_eq!(
        moved.oid,
        file.observed.oid,
        "after renaming in the root by its id"
    );
    Ok(())
}

async fn root_stays_the_same(bench: &mut Bench<'_>) -> Outcome {
    let before = bench.provider.root().await?;
    bench.file("a", b"x").await?;
    bench.provider.reconnect().await?;
    ensure_eq!(bench.provider.root().await?, before, "after reconnecting");
    if let Some(path) = bench.fixture.own_path("") {
        let again = bench.provider.set_root(Some(&path), None, true).await?;
        ensure_eq!(again, before, "chosen again by path");
    }
    if bench.stable() {
        let again = bench
            .provider
            .set_root(None, Some(&before.oid), false)
            .await;
        match again {
            Ok(again) => ensure_eq!(again, before, "chosen again by id"),
            Err(error) => ensure_eq!(error.kind(), ErrorKind::Unsupported, "chosen again by id"),
        }
    }
    Ok(())
}

async fn another_root_is_invalid(bench: &mut Bench<'_>) -> Outcome {
    let path = bench.own_path("d")?;
    bench.folder("d").await?;
    let before = bench.provider.root().await?;
    let answer = bench.provider.set_root(Some(&path), None, false).await;
    refused(answer, &[ErrorKind::Invalid], "another root")?;
    ensure_eq!(bench.provider.root().await?, before, "the root");
    Ok(())
}

async fn missing_root_is_made_only_if_asked(bench: &mut Bench<'_>) -> Outcome {
    let path = bench.own_path("d/e")?;
    let client = bench.unrooted().await?;
    let answer = client.set_root(Some(&path), None, false).await;
    refused(
        answer,
        &[ErrorKind::RootMissing],
        "a root that is not there",
    )?;
    ensure_eq!(bench.find("d").await?, None, "made without being asked");
    let root = client.set_root(Some(&path), None, true).await?;
    ensure_eq!(
        bench.look("d/e").await?.observed.kind,
        Kind::Folder,
        "what was made"
    );
    ensure_eq!(
        client.set_root(Some(&path), None, true).await?,
        root,
        "the root again"
    );
    ensure_eq!(client.root().await?, root, "the root");
    Ok(())
}

async fn file_is_no_root(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"x").await?;
    for path in ["a", "a/b"] {
        let path = bench.own_path(path)?;
        let client = bench.unrooted().await?;
        let answer = client.set_root(Some(&path), None, true).await;
        refused(answer, &[ErrorKind::RootMissing], "a file as the root")?;
    }
    ensure_eq!(bench.content("a").await?, "x", "content of the file");
    Ok(())
}

async fn paths_start_at_the_root(bench: &mut Bench<'_>) -> Outcome {
    let path = bench.own_path("d")?;
    bench.folder("d").await?;
    bench.folder("d/e").await?;
    bench.file("d/e/f", b"inside").await?;
    bench.file("f", b"outside").await?;
    let client = bench.unrooted().await?;
    client.set_root(Some(&path), None, false).await?;
    let pages = list_pages(&*client, &ObjectRef::root()).await?;
    let names: Vec<&str> = pages
        .iter()
        .flat_map(|page| page.iter().map(|(n, _)| n))
        .collect();
    ensure_eq!(names, ["e"], "names in the root");
    let inside = client.info(&ObjectRef::at("e/f")).await?;
    ensure!(inside.is_some(), "e/f is not found");
    ensure_eq!(
        client.info(&ObjectRef::at("f")).await?,
        None,
        "outside the root"
    );
    Ok(())
}

async fn nothing_works_before_a_root(bench: &mut Bench<'_>) -> Outcome {
    let client = bench.unrooted().await?;
    let kinds = &[ErrorKind::Invalid, ErrorKind::RootMissing];
    refused(client.list(&ObjectRef::root(), None).await, kinds, "list")?;
    refused(client.root().await, kinds, "root")?;
    Ok(())
}

async fn missing_root_is_told(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"x").await?;
    let target = bench.target("b").await?;
    if !bench.fixture.remove_root().await {
        return Err(Stop::LeftOut("a root that can be taken away"));
    }
    let missing = &[ErrorKind::RootMissing];
    refused(bench.provider.root().await, missing, "root")?;
    // Whatever these say, they must not look like an empty folder or make the root again.
    let gone = &[ErrorKind::RootMissing, ErrorKind::NotFound];
    refused(
        bench.provider.list(&ObjectRef::root(), None).await,
        gone,
        "list",
    )?;
    let none = crate::Attributes::default();
    refused(
        bench.provider.create_folder(&target, none).await,
        gone,
        "create_folder",
    )?;
    refused(bench.provider.root().await, missing, "root, later")?;
    Ok(())
}

async fn root_is_neither_renamed_nor_deleted(bench: &mut Bench<'_>) -> Outcome {
    let target = bench.target("a").await?;
    let root = ObjectRef::root();
    let answer = bench.provider.rename(&root, None, &target).await;
    ensure!(answer.is_err(), "the root was renamed: {answer:?}");
    let answer = bench.provider.delete(&root, Kind::Folder, None).await;
    ensure!(answer.is_err(), "the root was deleted");
    bench.file("a", b"x").await?;
    Ok(())
}
