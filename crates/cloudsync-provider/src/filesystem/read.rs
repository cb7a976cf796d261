//! Reads files: lazily, as a stream for whoever is not on this machine, or only for their hash.

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use bytes::Bytes;
use rustix::io;

use crate::{ContentHash, ErrorKind, HashKind, LocalSource, ObjectRef, Result, Tag};

use super::copy::Buffer;
use super::disk::Disk;
use super::failure::{failure, refused};
use super::names::check_path;
use super::source::{OpenSource, is_wanted};

/// Bytes in a chunk of a stream.
const CHUNK: usize = 256 << 10;

/// Says where the file lies. It is opened, and looked at, by whoever takes its content.
pub(super) fn source(disk: &Disk, at: &ObjectRef, expect: &Tag) -> Result<LocalSource> {
    check_path("read", &at.path)?;
    Ok(LocalSource {
        path: disk.root.real.join(&at.path),
        oid: at.oid.clone(),
        tag: expect.clone(),
        open: stream,
    })
}

/// Opens a file as a stream.
fn stream(local: LocalSource) -> BoxStream<'static, Result<Bytes>> {
    enum State {
        Unopened(LocalSource),
        Open(LocalSource, rustix::fd::OwnedFd),
        Over,
    }
    stream::unfold(State::Unopened(local), |state| async move {
        let job = tokio::task::spawn_blocking(move || match state {
            State::Unopened(local) => {
                let opened = OpenSource::open(&local).map(|source| source.file);
                match opened {
                    Ok(file) => next_chunk(&local, &file).map(|chunk| (chunk, local, file)),
                    Err(error) => Err(error),
                }
                .map(Some)
            }
            State::Open(local, file) => next_chunk(&local, &file)
                .map(|chunk| (chunk, local, file))
                .map(Some),
            State::Over => Ok(None),
        });
        match job.await {
            Ok(Ok(Some((chunk, local, file)))) if !chunk.is_empty() => {
                Some((Ok(chunk), State::Open(local, file)))
            }
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some((Err(error), State::Over)),
            Err(_) => Some((Err(refused(ErrorKind::Unexpected, "read", "")), State::Over)),
        }
    })
    .boxed()
}

/// Reads the next chunk; at the end, an empty one, if the file still has its tag.
fn next_chunk(local: &LocalSource, file: &rustix::fd::OwnedFd) -> Result<Bytes> {
    let shown = local.path.to_string_lossy();
    let failed = |errno| failure("read", errno, &shown);
    let check = || {
        let found = super::look::look(file).map_err(failed)?;
        if is_wanted(&found, local) {
            Ok(())
        } else {
            Err(refused(ErrorKind::SourceChanged, "read", &shown))
        }
    };
    let mut chunk = vec![0; CHUNK];
    let mut filled = 0;
    while filled < CHUNK {
        match io::read(file, &mut chunk[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(io::Errno::INTR) => {}
            Err(errno) => {
                // That something else stands there explains whatever went wrong.
                check()?;
                return Err(failed(errno));
            }
        }
    }
    chunk.truncate(filled);
    if filled == 0 {
        check()?;
    }
    Ok(chunk.into())
}

/// Hashes a file that has the tag `expect`.
pub(super) fn hash(
    disk: &Disk,
    at: &ObjectRef,
    expect: &Tag,
    kind: HashKind,
) -> Result<ContentHash> {
    let local = source(disk, at, expect)?;
    let mut source = OpenSource::open(&local)?;
    let mut buffer = Buffer::for_size(source.size());
    let hash = source.hash(&source.file, kind, buffer.bytes());
    // A change of it explains whatever else went wrong.
    source.check()?;
    hash
}
