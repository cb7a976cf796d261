//! Reads files: lazily, as a stream for whoever is not on this machine, or only for their hash.

use std::sync::OnceLock;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use bytes::Bytes;
use rustix::fd::AsFd;
use rustix::fs::{Access, AtFlags, accessat};
use rustix::io;

use crate::{ContentHash, ErrorKind, HashKind, LocalSource, ObjectRef, Result, Tag};

use super::copy::{Buffer, OpenSource};
use super::disk::Disk;
use super::failure::{failure, refused};
use super::look::{What, look_at};
use super::names::{check_path, split};

/// Bytes in a chunk of a stream.
const CHUNK: usize = 256 << 10;

/// Looks whether the file is there in the version that is wanted, and says where it lies.
pub(super) fn source(disk: &Disk, at: &ObjectRef, expect: &Tag) -> Result<LocalSource> {
    check_path("read", &at.path)?;
    let failed = |errno| failure("read", errno, &at.path);
    let root = &disk.root;
    // By path in one call: opening it follows no link, here a wrong file only has a wrong tag.
    let found = match look_at(&root.folder, at.path.as_str()) {
        Err(io::Errno::NAMETOOLONG) => {
            let (parent, name) = split(&at.path);
            root.open_folder(parent)
                .and_then(|folder| look_at(folder, name))
        }
        found => found,
    }
    .map_err(failed)?;
    if found.what != What::File || found.mount_root {
        return Err(refused(ErrorKind::NotFound, "read", &at.path).with_detail("it is no file"));
    }
    let is_it = at
        .oid
        .as_ref()
        .is_none_or(|oid| found.oid(root.volume.id) == *oid);
    if !is_it || found.tag() != *expect {
        return Err(refused(ErrorKind::SourceChanged, "read", &at.path));
    }
    if !is_root() {
        let may = accessat(
            root.folder.as_fd(),
            at.path.as_str(),
            Access::READ_OK,
            AtFlags::EACCESS,
        );
        if let Err(errno @ (io::Errno::ACCESS | io::Errno::PERM)) = may {
            return Err(failed(errno));
        }
    }
    Ok(LocalSource {
        path: root.real.join(&at.path),
        tag: expect.clone(),
        open: stream,
    })
}

/// Returns true if nothing is refused to this process for its owner and mode.
fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| rustix::process::geteuid().is_root())
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
    let mut chunk = vec![0; CHUNK];
    let mut filled = 0;
    while filled < CHUNK {
        match io::read(file, &mut chunk[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(io::Errno::INTR) => {}
            Err(errno) => return Err(failure("read", errno, &shown)),
        }
    }
    chunk.truncate(filled);
    if filled == 0 {
        let found = super::look::look(file).map_err(|errno| failure("read", errno, &shown))?;
        if found.tag() != local.tag {
            return Err(refused(ErrorKind::SourceChanged, "read", &shown));
        }
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
    let hash = source.hash(&source.file, kind, buffer.bytes())?;
    source.check()?;
    Ok(hash)
}
