//! Hashes, told and computed.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused, request};
use crate::conformance::case::{Outcome, case, ensure_eq};
use crate::conformance::need::{NATIVE_HASH, NO_NATIVE_HASH};
use crate::{ErrorKind, Expect, HashKind, Hasher};

const KINDS: [HashKind; 4] = [
    HashKind::Blake3,
    HashKind::Md5,
    HashKind::Sha1,
    HashKind::Sha256,
];

pub(super) const CASES: &[Case] = &[
    case!(hash_is_that_of_the_content, "P005 P038", &[]),
    case!(written_hash_is_that_of_the_content, "P005", &[]),
    case!(hash_of_an_old_tag_is_refused, "P038", &[]),
    case!(each_look_gives_the_native_hash, "P005", &[NATIVE_HASH]),
    case!(no_look_gives_a_hash_without_promise, "", &[NO_NATIVE_HASH]),
];

async fn hash_is_that_of_the_content(bench: &mut Bench<'_>) -> Outcome {
    let long = vec![7; 70_000];
    for (name, content) in [("a", &b""[..]), ("b", b"content"), ("c", &long)] {
        let file = bench.file(name, content).await?;
        for kind in KINDS {
            let told = bench.provider.hash(&file.at, file.tag(), kind).await?;
            ensure_eq!(told, Hasher::hash(kind, content), "{name} {kind:?}");
        }
    }
    Ok(())
}

async fn written_hash_is_that_of_the_content(bench: &mut Bench<'_>) -> Outcome {
    for (number, kind) in KINDS.into_iter().enumerate() {
        let target = bench.target(&format!("a{number}")).await?;
        let write = request(target, Expect::Free, b"content").hash(kind);
        let written = bench.provider.write(write).await?;
        ensure_eq!(written.hash, Hasher::hash(kind, b"content"), "{kind:?}");
    }
    Ok(())
}

async fn hash_of_an_old_tag_is_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    let new = bench.overwrite(&old, b"newer").await?;
    for kind in KINDS {
        let answer = bench.provider.hash(&old.at, old.tag(), kind).await;
        refused(answer, &[ErrorKind::SourceChanged], "the old tag")?;
        let told = bench.provider.hash(&new.at, new.tag(), kind).await?;
        ensure_eq!(told, Hasher::hash(kind, b"newer"), "{kind:?}");
    }
    Ok(())
}

async fn each_look_gives_the_native_hash(bench: &mut Bench<'_>) -> Outcome {
    let kinds = bench.provider.capabilities().rules.native_hashes;
    let file = bench.file("a", b"old").await?;
    for (thing, content) in [
        (bench.look("a").await?, &b"old"[..]),
        (bench.overwrite(&file, b"newer").await?, b"newer"),
    ] {
        let told = thing.observed.hash;
        let right = kinds.iter().map(|kind| Hasher::hash(*kind, content));
        let right = right
            .into_iter()
            .find(|right| Some(right.kind) == told.map(|hash| hash.kind));
        ensure_eq!(told.is_some(), true, "whether a hash is told");
        ensure_eq!(told, right, "the hash told");
    }
    let folder = bench.folder("d").await?;
    ensure_eq!(folder.observed.hash, None, "hash of a folder");
    Ok(())
}

async fn no_look_gives_a_hash_without_promise(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"content").await?;
    ensure_eq!(file.observed.hash, None, "the hash that write told");
    ensure_eq!(
        bench.look("a").await?.observed.hash,
        None,
        "the hash that info told"
    );
    Ok(())
}
