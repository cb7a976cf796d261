//! Writing files: preconditions, and all or nothing.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::conformance::Case;
use crate::conformance::bench::{Bench, pieces, refused, request};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::{SMALL_FILES, STABLE_IDS};
use crate::{Content, Error, ErrorKind, Expect, Kind, ObjectRef, Tag, Target, WriteRequest};

pub(super) const CASES: &[Case] = &[
    case!(created_file_is_there, "P005 P030", &[]),
    case!(create_keeps_what_is_there, "P008 P017", &[]),
    case!(write_over_tells_the_id, "P005 P022", &[STABLE_IDS]),
    case!(write_over_the_changed_is_refused, "P017", &[]),
    case!(write_over_another_is_refused, "P017 P021", &[]),
    case!(write_over_the_gone_is_refused, "P016", &[]),
    case!(write_over_a_folder_is_refused, "P017", &[]),
    case!(write_into_nothing_is_not_found, "P016", &[]),
    case!(write_under_a_file_is_refused, "P017", &[]),
    case!(broken_content_leaves_nothing, "P034", &[]),
    case!(broken_content_leaves_the_old, "P034", &[]),
    case!(dropped_write_leaves_nothing, "", &[]),
    case!(odd_pieces_are_put_together, "P025", &[]),
    case!(batch_answers_for_each_in_order, "", &[]),
    case!(too_large_a_file_leaves_nothing, "", &[SMALL_FILES]),
];

async fn created_file_is_there(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    for path in ["a", "d/a"] {
        let file = bench.file(path, path.as_bytes()).await?;
        ensure_eq!(
            bench.content(path).await?,
            path.as_bytes(),
            "{path} by path"
        );
        ensure_eq!(
            bench.read(&file).await?,
            path.as_bytes(),
            "{path} as written"
        );
    }
    Ok(())
}

async fn create_keeps_what_is_there(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    bench.folder("d").await?;
    bench.file("d/x", b"below").await?;
    let before = bench.tree().await?;
    for path in ["a", "d", "d/x"] {
        let target = bench.target(path).await?;
        let answer = bench
            .provider
            .write(request(target, Expect::Free, b"new"))
            .await;
        refused(answer, &[ErrorKind::AlreadyExists], path)?;
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn write_over_tells_the_id(bench: &mut Bench<'_>) -> Outcome {
    let old = bench.file("a", b"old").await?;
    let new = bench.overwrite(&old, b"newer").await?;
    // The same as before, or another: but the one that is there.
    ensure_eq!(
        bench.look("a").await?.observed.oid,
        new.observed.oid,
        "id after writing over"
    );
    bench.overwrite(&new, b"newest").await?;
    ensure_eq!(bench.content("a").await?, "newest", "content");
    Ok(())
}

async fn write_over_the_changed_is_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    bench.overwrite(&old, b"newer").await?;
    let before = bench.tree().await?;
    for tag in [old.tag().clone(), Tag::new("no such tag")] {
        let expect = Expect::Unchanged {
            oid: old.at.oid.clone(),
            tag,
        };
        let target = bench.target("a").await?;
        let answer = bench.provider.write(request(target, expect, b"ours")).await;
        refused(answer, &[ErrorKind::PreconditionFailed], "an old tag")?;
    }
    ensure_eq!(bench.tree().await?, before, "something changed");
    Ok(())
}

async fn write_over_another_is_refused(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    bench.delete(&old).await?;
    bench.file("a", b"another").await?;
    let target = bench.target("a").await?;
    let answer = bench
        .provider
        .write(request(target, old.unchanged(), b"ours"))
        .await;
    refused(answer, &[ErrorKind::PreconditionFailed], "another file")?;
    ensure_eq!(bench.content("a").await?, "another", "content of the other");
    Ok(())
}

async fn write_over_the_gone_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let gone = bench.file("a", b"old").await?;
    let moved = bench.file("b", b"old").await?;
    bench.delete(&gone).await?;
    bench.rename(&moved, "c").await?;
    let kinds = &[ErrorKind::PreconditionFailed, ErrorKind::NotFound];
    for thing in [gone, moved] {
        let target = bench.target(&thing.at.path).await?;
        let answer = bench
            .provider
            .write(request(target, thing.unchanged(), b"x"))
            .await;
        refused(answer, kinds, &thing.at.path)?;
    }
    ensure_eq!(bench.names().await?, ["c"], "names");
    ensure_eq!(
        bench.content("c").await?,
        "old",
        "content of the moved file"
    );
    Ok(())
}

async fn write_over_a_folder_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let target = bench.target("d").await?;
    let answer = bench
        .provider
        .write(request(target, folder.unchanged(), b"x"))
        .await;
    let kinds = &[
        ErrorKind::PreconditionFailed,
        ErrorKind::AlreadyExists,
        ErrorKind::Invalid,
    ];
    refused(answer, kinds, "over a folder")?;
    ensure_eq!(
        bench.look("d").await?.observed.kind,
        Kind::Folder,
        "what is there"
    );
    Ok(())
}

async fn write_into_nothing_is_not_found(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    bench.delete(&folder).await?;
    for folder in [folder.at, ObjectRef::at("e"), ObjectRef::at("e/f")] {
        let what = folder.to_string();
        let target = Target {
            folder,
            name: "a".into(),
        };
        let answer = bench
            .provider
            .write(request(target, Expect::Free, b"x"))
            .await;
        refused(answer, &[ErrorKind::NotFound], &what)?;
    }
    ensure!(bench.names().await?.is_empty(), "something was made");
    Ok(())
}

async fn write_under_a_file_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"old").await?;
    let target = Target {
        folder: file.at,
        name: "b".into(),
    };
    let answer = bench
        .provider
        .write(request(target, Expect::Free, b"x"))
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

/// Contents that break off: at once, half way, and after all of it.
fn broken() -> Vec<(Content, u64)> {
    let piece = vec![b'x'; 300_000];
    let error = || Some(Error::new(ErrorKind::SourceChanged, "read"));
    vec![
        (pieces(vec![], error()), 10),
        (pieces(vec![b"half"], error()), 8),
        (pieces(vec![b"all"], error()), 3),
        (pieces(vec![&piece, &piece], error()), 900_000),
    ]
}

async fn broken_content_leaves_nothing(bench: &mut Bench<'_>) -> Outcome {
    for (content, size) in broken() {
        let target = bench.target("a").await?;
        let write = WriteRequest::new(target, Expect::Free, content, size);
        let answer = bench.provider.write(write).await;
        refused(answer, &[ErrorKind::SourceChanged], "broken content")?;
        ensure_eq!(bench.find("a").await?, None, "something is there");
        ensure!(bench.names().await?.is_empty(), "something is listed");
    }
    bench.file("a", b"x").await?;
    Ok(())
}

async fn broken_content_leaves_the_old(bench: &mut Bench<'_>) -> Outcome {
    let old = bench.file("a", b"old").await?;
    let before = bench.tree().await?;
    for (content, size) in broken() {
        let target = bench.target("a").await?;
        let write = WriteRequest::new(target, old.unchanged(), content, size);
        let answer = bench.provider.write(write).await;
        refused(answer, &[ErrorKind::SourceChanged], "broken content")?;
        ensure_eq!(bench.tree().await?, before, "something changed");
    }
    bench.overwrite(&old, b"new").await?;
    Ok(())
}

async fn dropped_write_leaves_nothing(bench: &mut Bench<'_>) -> Outcome {
    let old = bench.file("a", b"old").await?;
    for (name, expect) in [("a", old.unchanged()), ("b", Expect::Free)] {
        let half = stream::iter([Ok(Bytes::from_static(b"half"))]);
        let content = Content::Stream(half.chain(stream::pending()).boxed());
        let target = bench.target(name).await?;
        let write = bench
            .provider
            .write(WriteRequest::new(target, expect, content, 8));
        let answer = tokio::time::timeout(Duration::from_millis(50), write).await;
        ensure!(
            answer.is_err(),
            "answered before the content came: {answer:?}"
        );
    }
    ensure_eq!(bench.names().await?, ["a"], "names");
    ensure_eq!(bench.content("a").await?, "old", "content");
    bench.overwrite(&old, b"new").await?;
    bench.file("b", b"new").await?;
    Ok(())
}

async fn odd_pieces_are_put_together(bench: &mut Bench<'_>) -> Outcome {
    for (name, parts, whole) in [
        ("a", vec![], &b""[..]),
        ("b", vec![&b""[..], b""], b""),
        ("c", vec![&b""[..], b"x", b"", b"yz", b""], b"xyz"),
    ] {
        let target = bench.target(name).await?;
        let size = whole.len() as u64;
        let write = WriteRequest::new(target, Expect::Free, pieces(parts, None), size);
        let written = bench.provider.write(write).await?;
        ensure_eq!(written.observed.size, size, "size of {name}");
        ensure_eq!(bench.content(name).await?, whole, "content of {name}");
    }
    Ok(())
}

async fn batch_answers_for_each_in_order(bench: &mut Bench<'_>) -> Outcome {
    let old = bench.file("old", b"old").await?;
    bench.folder("d").await?;
    let error = Some(Error::new(ErrorKind::SourceChanged, "read"));
    let broken = WriteRequest::new(
        bench.target("broken").await?,
        Expect::Free,
        pieces(vec![b"half"], error),
        8,
    );
    let batch = vec![
        request(bench.target("one").await?, Expect::Free, b"1"),
        request(bench.target("old").await?, Expect::Free, b"2"),
        request(bench.target("d/three").await?, Expect::Free, b"333"),
        broken,
        request(bench.target("old").await?, old.unchanged(), b"55555"),
        request(bench.target("six").await?, old.unchanged(), b"6"),
        request(bench.target("one").await?, Expect::Free, b"7"),
    ];
    let answers = bench.provider.write_batch(batch).await;
    let told: Vec<Result<u64, ErrorKind>> = answers
        .into_iter()
        .map(|answer| {
            answer
                .map(|done| done.observed.size)
                .map_err(|error| error.kind())
        })
        .collect();
    let right = [
        Ok(1),
        Err(ErrorKind::AlreadyExists),
        Ok(3),
        Err(ErrorKind::SourceChanged),
        Ok(5),
        Err(ErrorKind::PreconditionFailed),
        Err(ErrorKind::AlreadyExists),
    ];
    ensure_eq!(told.len(), right.len(), "answers");
    for (number, (told, right)) in told.iter().zip(right).enumerate() {
        let gone = number == 5 && *told == Err(ErrorKind::NotFound);
        ensure!(
            gone || *told == right,
            "answer {number} is {told:?}, not {right:?}"
        );
    }
    ensure_eq!(bench.names().await?, ["d", "old", "one"], "names");
    ensure_eq!(bench.content("one").await?, "1", "the first");
    ensure_eq!(bench.content("old").await?, "55555", "the one written over");
    ensure_eq!(
        bench.content("d/three").await?,
        "333",
        "the one in the folder"
    );
    ensure!(
        bench.provider.write_batch(Vec::new()).await.is_empty(),
        "answers to nothing"
    );
    Ok(())
}

async fn too_large_a_file_leaves_nothing(bench: &mut Bench<'_>) -> Outcome {
    let limit = bench
        .provider
        .capabilities()
        .max_file_bytes
        .unwrap_or_default();
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    bench.file("fits", &vec![b'x'; size]).await?;
    let target = bench.target("a").await?;
    let answer = bench
        .provider
        .write(request(target, Expect::Free, &vec![b'x'; size + 1]))
        .await;
    ensure!(answer.is_err(), "a file over the limit was written");
    ensure_eq!(bench.names().await?, ["fits"], "names");
    Ok(())
}
