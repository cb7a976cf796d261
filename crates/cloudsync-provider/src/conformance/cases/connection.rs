//! Connecting, disconnecting, accounts.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused, request};
use crate::conformance::case::{Outcome, Stop, case, ensure, ensure_eq};
use crate::{Attributes, ErrorKind, Expect, Kind, ObjectRef};

pub(super) const CASES: &[Case] = &[
    case!(capabilities_are_sound, "", &[]),
    case!(connection_has_an_id, "P002", &[]),
    case!(reconnecting_is_the_same_account, "P002 P028 P032", &[]),
    case!(calls_while_disconnected_change_nothing, "P002 P024", &[]),
    case!(bad_credentials_are_refused_and_kept, "P028 P029", &[]),
    case!(another_account_is_refused, "P002", &[]),
    case!(passing_troubles_pass_through, "P015 P034", &[]),
    case!(two_clients_come_and_go, "P032", &[]),
    case!(signing_in_anew_works_or_is_unsupported, "P029", &[]),
    case!(flushing_is_fine, "", &[]),
];

async fn capabilities_are_sound(bench: &mut Bench<'_>) -> Outcome {
    let capabilities = bench.provider.capabilities();
    ensure!(
        !bench.provider.name().is_empty(),
        "the provider has no name"
    );
    ensure!(capabilities.batch > 0, "batches of none");
    ensure!(capabilities.concurrency > 0, "no call at once");
    ensure!(
        !capabilities.default_sleep.is_zero(),
        "no sleep between polls"
    );
    ensure!(
        capabilities.rules.names.max_name_bytes > 0,
        "no name is short enough"
    );
    ensure_eq!(
        capabilities,
        bench.provider.capabilities(),
        "capabilities change by themselves"
    );
    Ok(())
}

async fn connection_has_an_id(bench: &mut Bench<'_>) -> Outcome {
    let connection = bench.provider.connection();
    ensure!(
        connection.is_some_and(|connection| !connection.id.is_empty()),
        "no id"
    );
    Ok(())
}

async fn reconnecting_is_the_same_account(bench: &mut Bench<'_>) -> Outcome {
    let before = bench.provider.connection();
    for _ in 0..2 {
        bench.provider.disconnect().await;
        ensure_eq!(bench.provider.connection(), None, "still connected");
        let now = bench.provider.reconnect().await?;
        ensure_eq!(Some(now), before, "another connection");
        ensure_eq!(
            bench.provider.connection(),
            before,
            "another connection is told"
        );
    }
    bench.provider.reconnect().await?;
    bench.file("a", b"works again").await?;
    Ok(())
}

async fn calls_while_disconnected_change_nothing(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"old").await?;
    let folder = bench.folder("d").await?;
    let before = bench.tree().await?;
    let (free, other) = (bench.target("b").await?, bench.target("a").await?);
    let provider = bench.provider.clone();
    provider.disconnect().await;
    let down = &[ErrorKind::Disconnected];
    let none = Attributes::default();
    refused(provider.info(&file.at).await, down, "info")?;
    refused(provider.list(&ObjectRef::root(), None).await, down, "list")?;
    refused(provider.root().await, down, "root")?;
    refused(provider.read(&file.at, file.tag()).await, down, "read")?;
    refused(
        provider
            .write(request(free.clone(), Expect::Free, b"x"))
            .await,
        down,
        "write",
    )?;
    let over = request(other, file.unchanged(), b"x");
    refused(provider.write(over).await, down, "overwrite")?;
    refused(
        provider.create_folder(&free, none).await,
        down,
        "create_folder",
    )?;
    refused(provider.rename(&file.at, None, &free).await, down, "rename")?;
    refused(
        provider
            .delete(&file.at, Kind::File, Some(file.tag()))
            .await,
        down,
        "delete",
    )?;
    refused(
        provider.delete(&folder.at, Kind::Folder, None).await,
        down,
        "delete of a folder",
    )?;
    provider.reconnect().await?;
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn bad_credentials_are_refused_and_kept(bench: &mut Bench<'_>) -> Outcome {
    let bad = bench
        .fixture
        .bad_credentials()
        .ok_or(Stop::LeftOut("bad credentials"))?;
    refused(
        bench.provider.connect(&bad).await,
        &[ErrorKind::Token],
        "bad credentials",
    )?;
    refused(
        bench.provider.reconnect().await,
        &[ErrorKind::Token],
        "bad credentials again",
    )?;
    ensure_eq!(
        bench.provider.connection(),
        None,
        "connected with bad credentials"
    );
    Ok(())
}

async fn another_account_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let other = bench
        .fixture
        .other_credentials()
        .ok_or(Stop::LeftOut("another account"))?;
    refused(
        bench.provider.connect(&other).await,
        &[ErrorKind::Token],
        "another account",
    )?;
    ensure_eq!(
        bench.provider.connection(),
        None,
        "connected to another account"
    );
    Ok(())
}

async fn passing_troubles_pass_through(bench: &mut Bench<'_>) -> Outcome {
    let target = bench.target("a").await?;
    if !bench.fixture.fail_next().await {
        return Err(Stop::LeftOut("failures on demand"));
    }
    let answer = bench
        .provider
        .write(request(target, Expect::Free, b"x"))
        .await;
    match answer {
        Ok(_) => ensure!(false, "did not fail"),
        Err(error) => ensure!(error.is_retryable(), "{error:?} says not to try again"),
    }
    ensure_eq!(bench.find("a").await?, None, "something is there");
    bench.file("a", b"x").await?;
    Ok(())
}

async fn two_clients_come_and_go(bench: &mut Bench<'_>) -> Outcome {
    let second = bench.second().await?;
    for _ in 0..2 {
        second.disconnect().await;
        ensure!(
            bench.provider.connection().is_some(),
            "the other's disconnect is ours"
        );
        second.reconnect().await?;
        bench.provider.disconnect().await;
        ensure!(
            second.connection().is_some(),
            "our disconnect is the other's"
        );
        bench.provider.reconnect().await?;
    }
    Ok(())
}

async fn signing_in_anew_works_or_is_unsupported(bench: &mut Bench<'_>) -> Outcome {
    let before = bench.provider.connection();
    match bench.provider.authenticate().await {
        Ok(credentials) => {
            let now = bench.provider.connect(&credentials).await?;
            ensure_eq!(Some(now), before, "another account");
        }
        Err(error) => ensure_eq!(error.kind(), ErrorKind::Unsupported, "authenticate"),
    }
    Ok(())
}

async fn flushing_is_fine(bench: &mut Bench<'_>) -> Outcome {
    bench.provider.flush().await?;
    bench.file("a", b"x").await?;
    bench.folder("d").await?;
    bench.provider.flush().await?;
    ensure_eq!(bench.names().await?, ["a", "d"], "after flushing");
    Ok(())
}
