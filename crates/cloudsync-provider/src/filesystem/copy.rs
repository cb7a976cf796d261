//! Fills a staged file: clones or copies the content, hashes what was really written.
//!
//! A source on the same volume is cloned where the file system can share blocks: nothing is written.
//! If the source lies elsewhere and an older version stands at the target, that one is cloned and
//! compared with the source, and only what differs is written. Else all of it is copied. Whatever is
//! equal or written was read from the source by then, and the hash is of these very bytes.

use std::sync::{Mutex, Weak, mpsc};
use std::thread;

use bytes::Bytes;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, SeekFrom, ftruncate, ioctl_ficlone, openat, seek};
use rustix::io::{self, Errno};

use crate::{ContentHash, Error, ErrorKind, HashKind, Hasher, LocalSource, Result};

use super::disk::{Disk, write_back};
use super::failure::{failure, refused};
use super::look::{Look, look};
use super::pieces::{self, read_at, write_at};
use super::source::{OpenSource, Sources};

/// Bytes in one read and one write.
const CHUNK: usize = 1 << 20;

/// Files smaller than this are not worth the call that shares their blocks.
const CLONED_FROM: u64 = 128 << 10;

/// Zeros at least as long as this stay holes in a file that has holes.
const HOLE: usize = 64 << 10;

/// What differs from an older version is written in blocks of this size.
const BLOCK: usize = 64 << 10;

/// A buffer that is used for one file after the other.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// Makes a buffer for files of up to `size` bytes; larger ones take it again and again.
    pub(super) fn for_size(size: u64) -> Self {
        let size = usize::try_from(size).unwrap_or(CHUNK).saturating_add(1);
        Self(vec![0; size.clamp(16 << 10, CHUNK)])
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// What is used for one file after the other.
pub(super) struct Tools {
    sources: Sources,
    buffer: Buffer,
}

impl Tools {
    /// Makes them for files of up to `size` bytes.
    pub(super) fn for_size(size: u64) -> Self {
        Self {
            sources: Sources::default(),
            buffer: Buffer::for_size(size),
        }
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

/// The file that is replaced.
#[derive(Clone, Copy)]
pub(super) struct Old<'a> {
    pub(super) folder: &'a OwnedFd,
    pub(super) name: &'a str,
    pub(super) look: &'a Look,
}

impl Old<'_> {
    /// Opens it, if it is still that file.
    pub(super) fn open(&self) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = openat(self.folder, self.name, flags, Mode::empty()).ok()?;
        look(&open)
            .is_ok_and(|found| found.ino == self.look.ino)
            .then_some(open)
    }
}

/// An empty file of ours, to be filled.
pub(super) struct Staging<'a> {
    pub(super) disk: &'a Disk,
    pub(super) file: &'a OwnedFd,
    /// What stands at the target.
    pub(super) old: Option<Old<'a>>,
    /// Path of the target, for failures.
    pub(super) target: &'a str,
    /// Once it is gone, nobody waits for what is written any more.
    pub(super) waiter: Option<&'a Weak<()>>,
}

impl Staging<'_> {
    /// Writes all of `source`, and returns the hash of it.
    pub(super) fn fill(
        &self,
        source: Source<'_>,
        kind: HashKind,
        tools: &mut Tools,
    ) -> Result<ContentHash> {
        match source {
            Source::Bytes(bytes) => {
                self.write(bytes)?;
                Ok(Hasher::hash(kind, bytes))
            }
            Source::Local(local) => self.copy(local, kind, tools),
            Source::Pieces(next) => {
                let mut hasher = Hasher::new(kind);
                loop {
                    match next() {
                        Some(Piece::Chunk(chunk)) => {
                            self.write(&chunk)?;
                            hasher.update(&chunk);
                        }
                        Some(Piece::End) => return Ok(hasher.finish()),
                        Some(Piece::Failed(error)) => return Err(error),
                        None => {
                            return Err(self.given_up());
                        }
                    }
                }
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        write_all(self.file, bytes).map_err(|errno| self.failed(errno))
    }

    fn given_up(&self) -> Error {
        refused(ErrorKind::Unavailable, "write", self.target).with_detail("given up")
    }

    fn failed(&self, errno: Errno) -> Error {
        failure("write", errno, self.target)
    }

    fn copy(
        &self,
        local: &LocalSource,
        kind: HashKind,
        Tools { sources, buffer }: &mut Tools,
    ) -> Result<ContentHash> {
        let mut source = sources.open(local)?;
        let filled = self.fill_from(&source, kind, buffer);
        // A change of the source explains whatever else went wrong.
        source.check()?;
        filled
    }

    fn fill_from(
        &self,
        source: &OpenSource<'_>,
        kind: HashKind,
        buffer: &mut Buffer,
    ) -> Result<ContentHash> {
        let hash = if source.size() >= CLONED_FROM && self.clone_of(&source.file)? {
            // Hash what we have, not what the source may have become meanwhile.
            source.hash(self.file, kind, &mut buffer.0)?
        } else if source.size() >= pieces::FROM {
            let patches = !source.is_sparse() && self.clone_of_old()?;
            self.copy_pieces(source, kind, patches)?
        } else {
            let mut hasher = Hasher::new(kind);
            source.read_all(&source.file, &mut buffer.0, |bytes| {
                hasher.update(bytes);
                if source.is_sparse() {
                    bytes
                        .chunks(HOLE)
                        .try_for_each(|piece| self.write_or_skip(piece))
                } else {
                    self.write(bytes)
                }
            })?;
            if source.is_sparse() {
                ftruncate(self.file, source.size()).map_err(|errno| self.failed(errno))?;
            }
            hasher.finish()
        };
        Ok(hash)
    }

    /// Writes a piece of a file that has holes; zeros become one.
    fn write_or_skip(&self, piece: &[u8]) -> Result<()> {
        if !is_zero(piece) {
            return self.write(piece);
        }
        let over = i64::try_from(piece.len()).unwrap_or(i64::MAX);
        seek(self.file, SeekFrom::Current(over))
            .map(|_| ())
            .map_err(|errno| self.failed(errno))
    }

    /// Copies a large file on a few threads, while what was written already goes to the disk.
    /// `patches`: another version is in the staged file, and only what differs is written.
    fn copy_pieces(
        &self,
        source: &OpenSource<'_>,
        kind: HashKind,
        patches: bool,
    ) -> Result<ContentHash> {
        let (told, written) = mpsc::channel();
        // The system lets one write to a file at a time, and whoever waits for that keeps a processor busy.
        let writing = Mutex::new(());
        let hash = thread::scope(|scope| {
            let flusher = scope.spawn(move || self.disk.flush_as_written(self.file, &written));
            let hash = pieces::each(source, &source.file, kind, |offset, piece, buffer| {
                if self.waiter.is_some_and(|waiter| waiter.strong_count() == 0) {
                    return Err(self.given_up());
                }
                if patches {
                    self.patch(offset, piece, buffer)?;
                } else if source.is_sparse() {
                    for (at, piece) in blocks(offset, piece, HOLE) {
                        if !is_zero(piece) {
                            self.write_at(at, piece)?;
                        }
                    }
                } else {
                    let _writing = writing.lock();
                    self.write_at(offset, piece)?;
                }
                // Nobody listens where nothing is to be flushed.
                let _ = told.send(());
                Ok(())
            });
            drop(told);
            // A failure is told once only: the flush at the end would not hear of it any more.
            let flushed = flusher.join().unwrap_or(Err(Errno::IO));
            flushed.map_err(|errno| write_back("write", errno).with_object(self.target))?;
            hash
        })?;
        if patches || source.is_sparse() {
            ftruncate(self.file, source.size()).map_err(|errno| self.failed(errno))?;
        }
        Ok(hash)
    }

    /// Makes the staged file, which holds another version, equal to the source at `offset`.
    fn patch(&self, offset: u64, piece: &[u8], buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(piece.len(), 0);
        let held = read_at(self.file, buffer, offset).map_err(|errno| self.failed(errno))?;
        let held = &buffer[..held];
        for (at, block) in blocks(offset, piece, BLOCK) {
            let start = usize::try_from(at - offset).unwrap_or(usize::MAX);
            if held.get(start..start + block.len()) != Some(block) {
                self.write_at(at, block)?;
            }
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        write_at(self.file, bytes, offset).map_err(|errno| self.failed(errno))
    }

    /// Tries to share the blocks of the file that is replaced.
    fn clone_of_old(&self) -> Result<bool> {
        if !self.disk.may_clone() {
            return Ok(false);
        }
        match self.old.and_then(|old| old.open()) {
            Some(old) => self.clone_of(&old),
            None => Ok(false),
        }
    }

    /// Tries to share the blocks of another file. If it cannot be, the staged file is empty.
    fn clone_of(&self, other: &OwnedFd) -> Result<bool> {
        if !self.disk.may_clone() {
            return Ok(false);
        }
        match ioctl_ficlone(self.file, other) {
            Ok(()) => return Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS) => self.disk.forget_clones(),
            // Another volume, or a file with a mark of its own: another one may do.
            Err(Errno::XDEV | Errno::INVAL) => {}
            // It may have got somewhere.
            Err(_) => ftruncate(self.file, 0).map_err(|errno| self.failed(errno))?,
        }
        Ok(false)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |all, byte| all | byte) == 0
}

/// Cuts a piece that stands at `offset` into blocks, each with its place.
fn blocks(offset: u64, piece: &[u8], size: usize) -> impl Iterator<Item = (u64, &[u8])> {
    let places = (offset..).step_by(size);
    places.zip(piece.chunks(size))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::Provider;
    use crate::filesystem::FileProvider;

    const MIB: usize = 1 << 20;

    fn content(size: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..size).map(|_| next()).collect()
    }

    /// Makes the file `staged`, which holds another version, equal to `source`.
    async fn patch(folder: &Path) -> Result<ContentHash> {
        patch_for(folder, None).await
    }

    async fn patch_for(folder: &Path, waiter: Option<&Weak<()>>) -> Result<ContentHash> {
        let provider = FileProvider::new();
        provider
            .set_root(folder.to_str(), None, false)
            .await
            .expect("root");
        let disk = provider.disk("test").expect("disk");
        let path = folder.canonicalize().expect("path").join("source");
        let open = OwnedFd::from(fs::File::open(&path).expect("source"));
        let local = LocalSource {
            path,
            oid: None,
            tag: look(&open).expect("look").tag(),
            open: |_| panic!("not asked for"),
        };
        let source = OpenSource::open(&local).expect("source");
        let file = fs::File::options()
            .read(true)
            .write(true)
            .open(folder.join("staged"));
        let file = OwnedFd::from(file.expect("staged"));
        let staging = Staging {
            disk: &disk,
            file: &file,
            old: None,
            target: "target",
            waiter,
        };
        staging.copy_pieces(&source, HashKind::Blake3, true)
    }

    #[tokio::test]
    async fn a_clone_of_another_version_becomes_the_source() {
        let size = 9 * MIB + 1_234;
        let old = content(size, 1);
        let mut edited = old.clone();
        edited[4 * MIB - 100..5 * MIB].copy_from_slice(&content(MIB + 100, 2));
        let shorter = old[..8 * MIB + 7].to_vec();
        let longer = [&old[..], &content(3 * MIB, 3)].concat();
        let shifted = [&[7], &old[..]].concat();
        for new in [old.clone(), edited, shorter, longer, shifted] {
            let folder = tempfile::tempdir().expect("folder");
            fs::write(folder.path().join("source"), &new).expect("source");
            fs::write(folder.path().join("staged"), &old).expect("staged");
            let hash = patch(folder.path()).await.expect("patched");
            assert_eq!(hash, Hasher::hash(HashKind::Blake3, &new));
            assert!(fs::read(folder.path().join("staged")).expect("staged") == new);
        }
    }

    #[tokio::test]
    async fn a_large_copy_ends_once_nobody_waits_for_it() {
        let folder = tempfile::tempdir().expect("folder");
        let new = content(9 * MIB, 1);
        fs::write(folder.path().join("source"), &new).expect("source");
        fs::write(folder.path().join("staged"), "").expect("staged");
        let waiter = Arc::new(());
        let waits = Arc::downgrade(&waiter);
        patch_for(folder.path(), Some(&waits))
            .await
            .expect("copied");
        fs::write(folder.path().join("staged"), "").expect("staged");
        drop(waiter);
        let error = patch_for(folder.path(), Some(&waits)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(fs::read(folder.path().join("staged")).expect("staged"), []);
    }

    #[tokio::test]
    async fn only_blocks_that_differ_are_written() {
        let folder = tempfile::tempdir().expect("folder");
        let mut new = vec![0; 16 * MIB];
        new[5 * MIB + 3] = 1;
        new[5 * MIB + BLOCK] = 1;
        fs::write(folder.path().join("source"), &new).expect("source");
        let staged = fs::File::create(folder.path().join("staged")).expect("staged");
        staged.set_len(16 * MIB as u64).expect("one hole");
        patch(folder.path()).await.expect("patched");
        assert!(fs::read(folder.path().join("staged")).expect("staged") == new);
        let taken = 512 * staged.metadata().expect("staged").blocks();
        assert!(taken <= 4 * BLOCK as u64, "{taken} bytes are taken");
    }
}
