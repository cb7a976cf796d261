//! Reading files.

use bytes::Bytes;

use crate::conformance::Case;
use crate::conformance::bench::{Bench, pieces, refused};
use crate::conformance::case::{Outcome, case, ensure, ensure_eq};
use crate::conformance::need::LARGE_FILES;
use crate::{ErrorKind, Expect, ObjectRef, WriteRequest};

pub(super) const CASES: &[Case] = &[
    case!(read_gives_what_was_written, "P005 P021", &[]),
    case!(large_file_comes_back_whole, "P025", &[LARGE_FILES]),
    case!(reading_nothing_is_not_found, "P005 P016", &[]),
    case!(reading_a_folder_is_refused, "", &[]),
    case!(reading_with_an_old_tag_says_so, "", &[]),
    case!(file_that_changes_while_read_is_never_mixed, "", &[]),
    case!(same_tag_is_the_same_content, "", &[]),
];

async fn read_gives_what_was_written(bench: &mut Bench<'_>) -> Outcome {
    for (name, size) in [
        ("a", 0),
        ("b", 1),
        ("c", 1_000),
        ("d", 65_537),
        ("e", 300_000),
    ] {
        let content: Vec<u8> = (0..=250_u8).cycle().take(size).collect();
        let file = bench.file(name, &content).await?;
        ensure_eq!(file.observed.size, size as u64, "size of {name}");
        ensure!(
            bench.read(&file).await? == content,
            "content of {name} is another"
        );
    }
    Ok(())
}

async fn large_file_comes_back_whole(bench: &mut Bench<'_>) -> Outcome {
    let piece: Vec<u8> = (0..=255_u8).cycle().take(65_536).collect();
    let content = pieces(vec![piece.as_slice(); 96], None);
    let target = bench.target("a").await?;
    let size = 96 * 65_536;
    let write = WriteRequest::new(target, Expect::Free, content, size);
    let written = bench.provider.write(write).await?;
    ensure_eq!(written.observed.size, size, "size");
    let read = bench.content("a").await?;
    ensure!(
        read.chunks(65_536).all(|chunk| chunk == piece),
        "the content is another"
    );
    ensure_eq!(read.len() as u64, size, "bytes read");
    Ok(())
}

async fn reading_nothing_is_not_found(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let missing = &[ErrorKind::NotFound];
    let read = read_all(bench, &ObjectRef::at("b"), &file).await;
    refused(read, missing, "a file that never was")?;
    bench.delete(&file).await?;
    refused(bench.read(&file).await, missing, "a deleted file")
}

async fn reading_a_folder_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let kinds = &[
        ErrorKind::Invalid,
        ErrorKind::NotFound,
        ErrorKind::SourceChanged,
    ];
    refused(bench.read(&folder).await, kinds, "a folder")
}

async fn reading_with_an_old_tag_says_so(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"old").await?;
    let old = bench.settled("a").await?;
    let new = bench.overwrite(&old, b"newer").await?;
    refused(
        bench.read(&old).await,
        &[ErrorKind::SourceChanged],
        "the old tag",
    )?;
    ensure_eq!(bench.read(&new).await?, "newer", "the new tag");
    Ok(())
}

async fn file_that_changes_while_read_is_never_mixed(bench: &mut Bench<'_>) -> Outcome {
    let (old, new) = (vec![b'o'; 400_000], vec![b'n'; 500_000]);
    bench.file("a", &old).await?;
    let file = bench.settled("a").await?;
    let content = bench.provider.read(&file.at, file.tag()).await?;
    bench.overwrite(&file, &new).await?;
    match content.into_bytes().await {
        Ok(read) => ensure!(read == old, "neither the old content nor an error"),
        Err(error) => ensure_eq!(error.kind(), ErrorKind::SourceChanged, "the error"),
    }
    Ok(())
}

async fn same_tag_is_the_same_content(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"one").await?;
    let mut seen = vec![bench.settled("a").await?];
    // Same size, and the first content once more at the end.
    for content in [b"two", b"six", b"one"] {
        let last = &seen[seen.len() - 1];
        bench.overwrite(last, content).await?;
        let now = bench.settled("a").await?;
        ensure!(
            seen.iter().all(|before| before.tag() != now.tag()),
            "a tag came again after writing {content:?}"
        );
        seen.push(now);
    }
    let again = bench.settled("a").await?;
    ensure_eq!(
        again.tag(),
        seen[3].tag(),
        "tags of two looks without a change"
    );
    Ok(())
}

async fn read_all(
    bench: &Bench<'_>,
    at: &ObjectRef,
    with: &crate::conformance::bench::Thing,
) -> crate::Result<Bytes> {
    bench
        .provider
        .read(at, with.tag())
        .await?
        .into_bytes()
        .await
}
