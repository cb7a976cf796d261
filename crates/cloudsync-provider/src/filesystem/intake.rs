//! Contents on their way into blocking jobs: small ones in memory, many a job; large ones in pieces.

use std::sync::Arc;

use futures::future::{self, Either};
use futures::stream;
use futures::{StreamExt, TryStreamExt};

use crate::{Content, Error, ErrorKind, Result, WriteRequest, Written};

use super::copy::Piece;
use super::disk::{Disk, blocking};
use super::failure::refused;
use super::look;
use super::write;

/// Streams up to this size are taken into memory, to be written in one job with others.
const SMALL: u64 = 256 << 10;

/// Small streams that are read at once.
const READERS: usize = 8;

/// Chunks of a stream on their way to the disk.
const CHUNKS: usize = 4;

/// Writes many files: one job for all that is small or local.
pub(super) async fn write_batch(
    disk: Arc<Disk>,
    mut batch: Vec<WriteRequest>,
) -> Vec<Result<Written>> {
    for request in &mut batch {
        if must_stream(&request.content) {
            let empty = Content::Bytes(bytes::Bytes::new());
            let content = std::mem::replace(&mut request.content, empty);
            request.content = Content::Stream(content.into_stream());
        }
    }
    // Small contents from elsewhere come into memory first, a few at a time.
    let mut failed: Vec<Option<Error>> = vec![None; batch.len()];
    let small: Vec<_> = batch
        .iter_mut()
        .enumerate()
        .filter(|(_, request)| {
            request.size <= SMALL && matches!(request.content, Content::Stream(_))
        })
        .map(|(index, request)| {
            let empty = Content::Bytes(bytes::Bytes::new());
            (index, std::mem::replace(&mut request.content, empty))
        })
        .collect();
    let mut gathered = stream::iter(small)
        .map(|(index, content)| async move { (index, gather(content).await) })
        .buffer_unordered(READERS);
    while let Some((index, content)) = gathered.next().await {
        match content {
            Ok(content) => batch[index].content = content,
            Err(error) => failed[index] = Some(error),
        }
    }
    drop(gathered);

    let mut results: Vec<Option<Result<Written>>> =
        failed.into_iter().map(|error| error.map(Err)).collect();
    let (mut local, mut places) = (Vec::new(), Vec::new());
    // If this future is dropped, so is this, and a copy that is under way removes what it staged.
    let waiter = Arc::new(());
    for (index, request) in batch.into_iter().enumerate() {
        if results[index].is_some() {
            continue;
        }
        let (mut job, stream) = write::Job::new(request);
        if let Some(stream) = stream {
            results[index] = Some(write_stream(&disk, job, stream).await);
        } else {
            job.waiter = Some(Arc::downgrade(&waiter));
            places.push(index);
            local.push(job);
        }
    }
    if !local.is_empty() {
        match blocking("write", move || write::write_all(&disk, &local)).await {
            Ok(written) => {
                for (index, result) in places.into_iter().zip(written) {
                    results[index] = Some(result);
                }
            }
            Err(error) => {
                for index in places {
                    results[index] = Some(Err(error.clone()));
                }
            }
        }
    }
    let unanswered = || Err(refused(ErrorKind::Unexpected, "write", ""));
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(unanswered))
        .collect()
}

/// Writes what comes in pieces: they are handed to the job that writes them.
async fn write_stream(disk: &Arc<Disk>, job: write::Job, content: Content) -> Result<Written> {
    let disk = Arc::clone(disk);
    let mut chunks = content.into_stream();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(CHUNKS);
    let work = blocking("write", move || {
        write::write_pieces(&disk, &job, || receiver.blocking_recv())
    });
    let feed = async move {
        loop {
            let piece = match chunks.next().await {
                Some(Ok(chunk)) => Piece::Chunk(chunk),
                Some(Err(error)) => Piece::Failed(error),
                None => Piece::End,
            };
            let last = !matches!(piece, Piece::Chunk(_));
            if sender.send(piece).await.is_err() || last {
                break;
            }
        }
    };
    // If this future is dropped, so is the sender, and the job removes what it staged.
    match future::select(std::pin::pin!(work), std::pin::pin!(feed)).await {
        Either::Left((result, _)) => result?,
        Either::Right(((), work)) => work.await?,
    }
}

/// Returns true for content that a blocking job cannot get at by itself.
fn must_stream(content: &Content) -> bool {
    match content {
        Content::Bytes(_) => false,
        // A tag that we cannot compare ourselves is for whoever made it.
        Content::Local(local) => !look::is_ours(&local.tag),
        Content::Stream(_) => true,
    }
}

/// Takes a small content into memory; if it turns out to be large, the rest stays a stream.
async fn gather(content: Content) -> Result<Content> {
    let mut chunks = content.into_stream();
    let mut first = bytes::BytesMut::new();
    while let Some(chunk) = chunks.try_next().await? {
        first.extend_from_slice(&chunk);
        if first.len() as u64 > 4 * SMALL {
            let start = stream::iter([Ok(first.freeze())]);
            return Ok(Content::Stream(start.chain(chunks).boxed()));
        }
    }
    Ok(Content::Bytes(first.freeze()))
}
