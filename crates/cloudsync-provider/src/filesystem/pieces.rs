//! A large file in pieces, on a few threads: each is read, handed to whoever writes it, and hashed.
//!
//! BLAKE3 is a tree, and a piece is a subtree of it: the pieces are hashed apart, in any order, and
//! their values are put together at the end. Other kinds of hashes go through the file in order, on
//! one thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, available_parallelism};

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use rustix::fd::OwnedFd;
use rustix::io::{self, Errno};

use crate::{ContentHash, ErrorKind, HashKind, Hasher, Result};

use super::failure::refused;
use super::source::OpenSource;

/// Files from this size on are read in pieces.
pub(super) const FROM: u64 = 8 << 20;

/// Bytes in a piece. A power of two, or it would be no subtree.
const PIECE: u64 = 1 << 20;

/// Reads `file`, which is `source` or a clone of it, and returns the hash of what was read. Each
/// piece goes to `take` with its place in the file and a buffer that `take` may use as it likes.
///
/// # Errors
/// Those of reading; [`ErrorKind::SourceChanged`] if it is not as long as the source was when it was
/// checked; those of `take`.
pub(super) fn each(
    source: &OpenSource<'_>,
    file: &OwnedFd,
    kind: HashKind,
    take: impl Fn(u64, &[u8], &mut Vec<u8>) -> Result<()> + Sync,
) -> Result<ContentHash> {
    let pass = Pass {
        source,
        file,
        count: source.size().div_ceil(PIECE),
        next: AtomicU64::new(0),
        take,
    };
    let hash = if kind == HashKind::Blake3 && pass.count > 1 {
        pass.by_many()?
    } else {
        let mut hasher = Hasher::new(kind);
        pass.work(|_, piece| hasher.update(piece))?;
        hasher.finish()
    };
    let mut beyond = [0];
    match read_at(file, &mut beyond, source.size()) {
        Ok(0) => Ok(hash),
        Ok(_) => Err(source.changed()),
        Err(errno) => Err(source.failed(errno)),
    }
}

/// One pass through a file, by one thread or many.
struct Pass<'a, T> {
    source: &'a OpenSource<'a>,
    file: &'a OwnedFd,
    /// Pieces in all, and the first that nobody took yet.
    count: u64,
    next: AtomicU64,
    take: T,
}

impl<T: Fn(u64, &[u8], &mut Vec<u8>) -> Result<()> + Sync> Pass<'_, T> {
    fn by_many(&self) -> Result<ContentHash> {
        let threads = available_parallelism().map_or(1, |n| n.get().min(4));
        let hash_some = || {
            let mut values = Vec::new();
            self.work(|number, piece| values.push((number, subtree(number * PIECE, piece))))?;
            Ok(values)
        };
        let mut values = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(hash_some)).collect();
            let mut all = hash_some();
            for other in others {
                let some = other
                    .join()
                    .unwrap_or_else(|_| Err(refused(ErrorKind::Unexpected, "read", "")));
                all = all.and_then(|mut all| {
                    all.append(&mut some?);
                    Ok(all)
                });
            }
            all
        })?;
        values.sort_unstable_by_key(|(number, _)| *number);
        let values: Vec<_> = values.into_iter().map(|(_, value)| value).collect();
        let (left, right) = halves(&values);
        let root = merge_subtrees_root(&merged(left), &merged(right), Mode::Hash);
        Ok(ContentHash::new(HashKind::Blake3, root.as_bytes()))
    }

    /// Takes pieces until none is left, or a thread failed.
    fn work(&self, mut hash: impl FnMut(u64, &[u8])) -> Result<()> {
        let (mut buffer, mut other) = (vec![0; whole(PIECE)], Vec::new());
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return Ok(());
            }
            let offset = number * PIECE;
            let piece = &mut buffer[..whole(PIECE.min(self.source.size() - offset))];
            let done = self
                .fill(piece, offset)
                .and_then(|()| (self.take)(offset, piece, &mut other));
            if let Err(error) = done {
                // Nobody begins another one.
                self.next.store(self.count, Ordering::Relaxed);
                return Err(error);
            }
            hash(number, piece);
        }
    }

    fn fill(&self, piece: &mut [u8], offset: u64) -> Result<()> {
        match read_at(self.file, piece, offset) {
            Ok(read) if read == piece.len() => Ok(()),
            Ok(_) => Err(self.source.changed()),
            Err(errno) => Err(self.source.failed(errno)),
        }
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_at(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// Writes all of `bytes` at `offset`.
pub(super) fn write_at(file: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match io::pwrite(file, bytes, offset) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn whole(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn subtree(offset: u64, piece: &[u8]) -> ChainingValue {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(offset).update(piece);
    hasher.finalize_non_root()
}

/// Splits as the tree does: the left part is the largest power of two that leaves a right one.
fn halves(values: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    values.split_at(values.len().next_power_of_two() / 2)
}

fn merged(values: &[ChainingValue]) -> ChainingValue {
    if let [one] = values {
        return *one;
    }
    let (left, right) = halves(values);
    merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Mutex;

    use super::*;
    use crate::LocalSource;
    use crate::filesystem::look::look;

    /// Goes through a file of `size` bytes; returns the hash, and what was taken, put together.
    fn pass(
        size: u64,
        kind: HashKind,
        spoil: impl Fn(&std::path::Path),
    ) -> (Result<ContentHash>, Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().canonicalize().expect("path").join("file");
        let content: Vec<u8> = (0..size)
            .map(|at| at.wrapping_mul(0x9e37_79b9).to_be_bytes()[3])
            .collect();
        fs::write(&path, &content).expect("file");
        let open = OwnedFd::from(fs::File::open(&path).expect("open"));
        let local = LocalSource {
            path: path.clone(),
            oid: None,
            tag: look(&open).expect("look").tag(),
            open: |_| panic!("not asked for"),
        };
        let source = OpenSource::open(&local).expect("source");
        spoil(&path);
        let taken = Mutex::new(vec![0; content.len()]);
        let hash = each(&source, &source.file, kind, |offset, piece, _| {
            let at = whole(offset);
            taken.lock().expect("taken")[at..at + piece.len()].copy_from_slice(piece);
            Ok(())
        });
        (hash, taken.into_inner().expect("taken"), content)
    }

    #[test]
    fn the_hash_is_that_of_the_whole_whatever_its_length() {
        for size in [
            0,
            1,
            PIECE - 1,
            PIECE,
            PIECE + 1,
            2 * PIECE,
            3 * PIECE - 1,
            3 * PIECE,
            5 * PIECE + 1023,
            7 * PIECE + 1025,
            8 * PIECE,
            13 * PIECE + 1,
        ] {
            for kind in [HashKind::Blake3, HashKind::Md5] {
                let (hash, taken, content) = pass(size, kind, |_| {});
                assert_eq!(hash.expect("read"), Hasher::hash(kind, &content), "{size}");
                assert!(taken == content, "{size}");
            }
        }
    }

    #[test]
    fn a_file_that_became_shorter_or_longer_has_changed() {
        for kind in [HashKind::Blake3, HashKind::Sha1] {
            for now in [0, 2 * PIECE + 5, 3 * PIECE - 1, 3 * PIECE + 1] {
                let (hash, ..) = pass(3 * PIECE, kind, |path| {
                    let file = fs::File::options().write(true).open(path).expect("open");
                    file.set_len(now).expect("length");
                });
                assert_eq!(
                    hash.expect_err("changed").kind(),
                    ErrorKind::SourceChanged,
                    "{now}"
                );
            }
        }
    }

    #[test]
    fn what_the_taker_says_ends_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().canonicalize().expect("path").join("file");
        fs::write(&path, vec![7; whole(20 * PIECE)]).expect("file");
        let open = OwnedFd::from(fs::File::open(&path).expect("open"));
        let local = LocalSource {
            path,
            oid: None,
            tag: look(&open).expect("look").tag(),
            open: |_| panic!("not asked for"),
        };
        let source = OpenSource::open(&local).expect("source");
        let taken = AtomicU64::new(0);
        let failed = each(&source, &source.file, HashKind::Blake3, |_, _, _| {
            taken.fetch_add(1, Ordering::Relaxed);
            Err(refused(ErrorKind::OutOfSpace, "write", "file"))
        });
        assert_eq!(failed.expect_err("full").kind(), ErrorKind::OutOfSpace);
        assert!(taken.into_inner() <= 4, "each thread takes one at most");
    }
}
