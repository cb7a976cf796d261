//! Fills a staged file: clones or copies the content, hashes what was really written.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use rustix::fd::OwnedFd;
use rustix::fs::{SeekFrom, ftruncate, ioctl_ficlone, seek};
use rustix::io::{self, Errno};

use crate::{ContentHash, Error, ErrorKind, HashKind, Hasher, LocalSource, Result, Tag};

use super::disk::Disk;
use super::failure::{failure, refused};
use super::look::{What, look};
use super::root::open_source;

/// Bytes in one read and one write.
const CHUNK: usize = 1 << 20;

/// Files smaller than this are not worth the call that shares their blocks.
const CLONED_FROM: u64 = 128 << 10;

/// Zeros at least as long as this stay holes in a file that has holes.
const HOLE: usize = 64 << 10;

/// A buffer that is used for one file after the other.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// Makes a buffer for files of up to `size` bytes; larger ones take it again and again.
    pub(super) fn for_size(size: u64) -> Self {
        let size = usize::try_from(size).unwrap_or(CHUNK).saturating_add(1);
        Self(vec![0; size.clamp(16 << 10, CHUNK)])
    }
}

/// A piece of a content that comes through a channel.
#[derive(Debug)]
pub(super) enum Piece {
    Chunk(Bytes),
    Failed(Error),
    /// All of it came. A channel that closes without this was given up.
    End,
}

/// Where the bytes come from.
pub(super) enum Source<'a> {
    Bytes(&'a Bytes),
    Local(&'a LocalSource),
    Pieces(&'a mut dyn FnMut() -> Option<Piece>),
}

/// Writes all of `source` to `staged`, an empty file, and returns the hash of it.
pub(super) fn fill(
    disk: &Disk,
    staged: &OwnedFd,
    source: Source<'_>,
    kind: HashKind,
    buffer: &mut Buffer,
    target: &str,
) -> Result<ContentHash> {
    let write =
        |bytes: &[u8]| write_all(staged, bytes).map_err(|errno| failure("write", errno, target));
    match source {
        Source::Bytes(bytes) => {
            write(bytes)?;
            Ok(Hasher::hash(kind, bytes))
        }
        Source::Local(local) => copy_local(disk, staged, local, kind, buffer, write),
        Source::Pieces(next) => {
            let mut hasher = Hasher::new(kind);
            loop {
                match next() {
                    Some(Piece::Chunk(chunk)) => {
                        write(&chunk)?;
                        hasher.update(&chunk);
                    }
                    Some(Piece::End) => return Ok(hasher.finish()),
                    Some(Piece::Failed(error)) => return Err(error),
                    None => {
                        return Err(refused(ErrorKind::Unavailable, "write", target)
                            .with_detail("given up"));
                    }
                }
            }
        }
    }
}

fn copy_local(
    disk: &Disk,
    staged: &OwnedFd,
    local: &LocalSource,
    kind: HashKind,
    buffer: &mut Buffer,
    write: impl Fn(&[u8]) -> Result<()>,
) -> Result<ContentHash> {
    let mut source = OpenSource::open(local)?;
    let mut hasher = Hasher::new(kind);
    if source.size >= CLONED_FROM && clone(disk, staged, &source.file) {
        // Hash what we have, not what the source may have become meanwhile.
        source.read_all(staged, &mut buffer.0, |bytes| {
            hasher.update(bytes);
            Ok(())
        })?;
    } else if source.sparse {
        source.read_all(&source.file, &mut buffer.0, |bytes| {
            hasher.update(bytes);
            bytes.chunks(HOLE).try_for_each(|piece| {
                if piece.iter().fold(0, |all, byte| all | byte) != 0 {
                    return write(piece);
                }
                let over = i64::try_from(piece.len()).unwrap_or(i64::MAX);
                seek(staged, SeekFrom::Current(over))
                    .map(|_| ())
                    .map_err(|e| source.failed(e))
            })
        })?;
        ftruncate(staged, source.size).map_err(|errno| source.failed(errno))?;
    } else {
        source.read_all(&source.file, &mut buffer.0, |bytes| {
            hasher.update(bytes);
            write(bytes)
        })?;
    }
    source.check()?;
    Ok(hasher.finish())
}

/// Tries to share the source's blocks.
fn clone(disk: &Disk, staged: &OwnedFd, source: &OwnedFd) -> bool {
    if !disk.clones.load(Ordering::Relaxed) {
        return false;
    }
    match ioctl_ficlone(staged, source) {
        Ok(()) => true,
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS) => {
            disk.forget_clones();
            false
        }
        // Another volume, or a file with a mark of its own: another source may do.
        Err(_) => false,
    }
}

/// A file on this machine, open, of which a certain version is wanted.
pub(super) struct OpenSource<'a> {
    pub(super) file: OwnedFd,
    size: u64,
    sparse: bool,
    shown: std::borrow::Cow<'a, str>,
    expect: &'a Tag,
}

impl<'a> OpenSource<'a> {
    /// Opens the file if it has the tag that it must have.
    pub(super) fn open(local: &'a LocalSource) -> Result<Self> {
        let shown = local.path.to_string_lossy();
        let failed = |errno| match errno {
            // Gone, or something else stands there. The folder that we write to is another matter.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::XDEV => {
                refused(ErrorKind::SourceChanged, "read", &shown)
            }
            errno => failure("read", errno, &shown),
        };
        let file = open_source(&local.path).map_err(failed)?;
        let mut source = Self {
            file,
            size: 0,
            sparse: false,
            shown,
            expect: &local.tag,
        };
        source.check()?;
        Ok(source)
    }

    /// Makes sure that the file has the tag it must have.
    pub(super) fn check(&mut self) -> Result<()> {
        let found = look(&self.file).map_err(|errno| self.failed(errno))?;
        if found.what != What::File || found.tag() != *self.expect {
            return Err(refused(ErrorKind::SourceChanged, "read", &self.shown));
        }
        (self.size, self.sparse) = (found.size, found.sparse);
        Ok(())
    }

    /// Makes the failure for a read that went wrong.
    pub(super) fn failed(&self, errno: Errno) -> Error {
        failure("read", errno, &self.shown)
    }

    /// Reads all of it, or of `file`, which has the same content and stands at its beginning.
    pub(super) fn read_all(
        &self,
        file: &OwnedFd,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut total = 0;
        loop {
            match io::read(file, &mut *buffer) {
                Ok(0) => break,
                Ok(read) => {
                    take(&buffer[..read])?;
                    total += read as u64;
                    // Saves the call that would only say that this was the end.
                    if read < buffer.len() && total == self.size {
                        break;
                    }
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
        }
        if total == self.size {
            Ok(())
        } else {
            Err(refused(ErrorKind::SourceChanged, "read", &self.shown))
        }
    }

    /// Returns its size at the last check.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match io::write(file, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
