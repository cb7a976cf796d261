//! Namespaces.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::{NAMESPACES, NO_NAMESPACES};
use crate::{ErrorKind, ObjectRef};

pub(super) const CASES: &[Case] = &[
    case!(namespaces_are_unsupported, "P006", &[NO_NAMESPACES]),
    case!(namespaces_can_be_chosen, "P006", &[NAMESPACES]),
    case!(namespaces_are_apart, "P006", &[NAMESPACES]),
    case!(unknown_namespace_is_refused, "P006", &[NAMESPACES]),
];

async fn namespaces_are_unsupported(bench: &mut Bench<'_>) -> Outcome {
    ensure!(
        bench.provider.namespaces().await?.is_empty(),
        "there are namespaces"
    );
    refused(
        bench.provider.set_namespace("x").await,
        &[ErrorKind::Unsupported],
        "set_namespace",
    )?;
    bench.file("a", b"x").await?;
    Ok(())
}

async fn namespaces_can_be_chosen(bench: &mut Bench<'_>) -> Outcome {
    let client = bench.unrooted().await?;
    let all = client.namespaces().await?;
    ensure!(!all.is_empty(), "there is none");
    for namespace in &all {
        client.set_namespace(&namespace.id).await?;
        client.disconnect().await;
        client.reconnect().await?;
    }
    ensure_eq!(client.namespaces().await?, all, "namespaces after choosing");
    Ok(())
}

async fn namespaces_are_apart(bench: &mut Bench<'_>) -> Outcome {
    let path = bench.own_path("only here")?;
    bench.folder("only here").await?;
    let client = bench.unrooted().await?;
    let Some(namespace) = client.namespaces().await?.pop() else {
        ensure!(false, "there is none");
        return Ok(());
    };
    client.set_namespace(&namespace.id).await?;
    client.reconnect().await?;
    let answer = client.set_root(Some(&path), None, false).await;
    refused(
        answer,
        &[ErrorKind::RootMissing],
        "a folder of another namespace",
    )?;
    client.set_root(Some(&path), None, true).await?;
    let target = crate::Target {
        folder: ObjectRef::root(),
        name: "a".into(),
    };
    client
        .create_folder(&target, crate::Attributes::default())
        .await?;
    ensure_eq!(
        bench.find("only here/a").await?,
        None,
        "made in another namespace"
    );
    Ok(())
}

async fn unknown_namespace_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let client = bench.unrooted().await?;
    let unknown = &[ErrorKind::Namespace];
    refused(
        client.set_namespace("no such").await,
        unknown,
        "while connected",
    )?;
    client.disconnect().await;
    client.set_namespace("no such").await?;
    refused(client.reconnect().await, unknown, "at connecting")?;
    ensure_eq!(client.connection(), None, "connected");
    client.set_namespace("").await?;
    client.reconnect().await?;
    Ok(())
}
