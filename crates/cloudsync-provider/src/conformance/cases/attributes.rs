//! Times and modes.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused, request};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::{KEEPS_MODE, KEEPS_MTIME, KEEPS_NONE};
use crate::{Attributes, ErrorKind, Expect};

pub(super) const CASES: &[Case] = &[
    case!(write_carries_the_time, "P022", &[KEEPS_MTIME]),
    case!(write_carries_the_mode, "", &[KEEPS_MODE]),
    case!(set_time_is_told, "", &[KEEPS_MTIME]),
    case!(set_mode_is_told, "", &[KEEPS_MODE]),
    case!(other_attributes_are_another_tag, "", &[KEEPS_MTIME]),
    case!(attributes_of_the_changed_are_refused, "", &[KEEPS_MTIME]),
    case!(attributes_of_the_gone_are_not_found, "", &[KEEPS_MTIME]),
    case!(setting_nothing_kept_is_unsupported, "", &[KEEPS_NONE]),
    case!(rename_keeps_the_time, "", &[KEEPS_MTIME]),
    case!(write_over_sets_the_time, "", &[KEEPS_MTIME]),
];

/// 2001-09-09, in nanoseconds.
const THEN: i64 = 1_000_000_000_000_000_000;
/// Clocks may be this coarse, in nanoseconds.
const COARSE: i64 = 2_000_000_000;

fn time(ns: i64) -> Attributes {
    Attributes {
        mtime: Some(ns),
        mode: None,
    }
}

fn mode(mode: u32) -> Attributes {
    Attributes {
        mtime: None,
        mode: Some(mode),
    }
}

fn near(told: Attributes, right: i64) -> Outcome {
    let near = told
        .mtime
        .is_some_and(|told| (told - right).abs() <= COARSE);
    ensure!(near, "time {:?} is not {right}", told.mtime);
    Ok(())
}

async fn write_carries_the_time(bench: &mut Bench<'_>) -> Outcome {
    let write = request(bench.target("a").await?, Expect::Free, b"x").attributes(time(THEN));
    let written = bench.provider.write(write).await?;
    near(written.observed.attributes, THEN)?;
    near(bench.look("a").await?.observed.attributes, THEN)
}

async fn write_carries_the_mode(bench: &mut Bench<'_>) -> Outcome {
    for bits in [0o600, 0o755] {
        let name = format!("a{bits:o}");
        let write = request(bench.target(&name).await?, Expect::Free, b"x").attributes(mode(bits));
        let written = bench.provider.write(write).await?;
        ensure_eq!(
            written.observed.attributes.mode,
            Some(bits),
            "mode that write told"
        );
        let seen = bench.look(&name).await?.observed.attributes;
        ensure_eq!(seen.mode, Some(bits), "mode that info told");
    }
    Ok(())
}

async fn set_time_is_told(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let set = bench
        .provider
        .set_attributes(&file.at, Some(file.tag()), time(THEN))
        .await?;
    near(set.attributes, THEN)?;
    let seen = bench.look("a").await?;
    near(seen.observed.attributes, THEN)?;
    ensure_eq!(
        seen.observed.tag,
        set.tag,
        "tags of set_attributes and info"
    );
    ensure_eq!(seen.observed.oid, file.observed.oid, "id");
    ensure_eq!(bench.content("a").await?, "x", "content");
    Ok(())
}

async fn set_mode_is_told(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let before = file.observed.attributes.mtime;
    let set = bench
        .provider
        .set_attributes(&file.at, Some(file.tag()), mode(0o700))
        .await?;
    ensure_eq!(
        set.attributes.mode,
        Some(0o700),
        "mode that set_attributes told"
    );
    let seen = bench.look("a").await?.observed.attributes;
    ensure_eq!(seen.mode, Some(0o700), "mode that info told");
    ensure_eq!(seen.mtime, before, "the time");
    Ok(())
}

async fn other_attributes_are_another_tag(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"x").await?;
    let file = bench.settled("a").await?;
    let set = bench
        .provider
        .set_attributes(&file.at, Some(file.tag()), time(THEN))
        .await?;
    ensure!(
        set.tag != file.observed.tag,
        "the same tag with another time"
    );
    Ok(())
}

async fn attributes_of_the_changed_are_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    bench.overwrite(&old, b"newer").await?;
    let before = bench.tree().await?;
    let answer = bench
        .provider
        .set_attributes(&old.at, Some(old.tag()), time(THEN))
        .await;
    refused(answer, &[ErrorKind::PreconditionFailed], "an old tag")?;
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn attributes_of_the_gone_are_not_found(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    bench.delete(&file).await?;
    let answer = bench
        .provider
        .set_attributes(&file.at, Some(file.tag()), time(THEN))
        .await;
    let kinds = &[ErrorKind::NotFound, ErrorKind::PreconditionFailed];
    refused(answer, kinds, "a deleted file")?;
    ensure!(bench.names().await?.is_empty(), "something was made");
    Ok(())
}

async fn setting_nothing_kept_is_unsupported(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let before = bench.tree().await?;
    let both = Attributes {
        mtime: Some(THEN),
        mode: Some(0o700),
    };
    let answer = bench
        .provider
        .set_attributes(&file.at, Some(file.tag()), both)
        .await;
    refused(answer, &[ErrorKind::Unsupported], "attributes")?;
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn rename_keeps_the_time(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let set = bench
        .provider
        .set_attributes(&file.at, None, time(THEN))
        .await?;
    let target = bench.target("b").await?;
    let renamed = bench
        .provider
        .rename(&file.at, Some(&set.tag), &target)
        .await?;
    ensure_eq!(
        renamed.attributes.mtime,
        set.attributes.mtime,
        "time after renaming"
    );
    Ok(())
}

async fn write_over_sets_the_time(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let target = bench.target("a").await?;
    let write = request(target, file.unchanged(), b"xx").attributes(time(THEN));
    let written = bench.provider.write(write).await?;
    near(written.observed.attributes, THEN)?;
    near(bench.look("a").await?.observed.attributes, THEN)
}
