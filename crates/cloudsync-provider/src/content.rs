//! Content on its way from one side to the other, and hashing it.

use std::fmt;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use cloudsync_core::object::{ContentHash, HashKind, Oid, Tag};

use crate::Result;

/// The content of a file, maybe not opened yet.
#[non_exhaustive]
pub enum Content {
    /// All of it.
    Bytes(Bytes),
    /// A file on this machine, unopened: a writer that is local too can copy it in one job.
    Local(LocalSource),
    /// Chunks in order. An error ends it.
    Stream(BoxStream<'static, Result<Bytes>>),
}

/// A file on this machine that has not been opened yet.
#[derive(Clone, Debug)]
pub struct LocalSource {
    /// Where it lies, absolute.
    pub path: PathBuf,
    /// Its id, where it is known: another file is another version.
    pub oid: Option<Oid>,
    /// The tag it must have before and after it was read, else
    /// [`crate::ErrorKind::SourceChanged`].
    pub tag: Tag,
    /// Opens it as a stream, for writers that are not local. Ends with
    /// [`crate::ErrorKind::SourceChanged`] if the tag is another before or after.
    pub open: fn(LocalSource) -> BoxStream<'static, Result<Bytes>>,
}

impl Content {
    /// Returns the content as chunks, opening it if need be.
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        match self {
            Content::Bytes(bytes) => futures::stream::iter([Ok(bytes)]).boxed(),
            Content::Local(source) => (source.open)(source.clone()),
            Content::Stream(stream) => stream,
        }
    }

    /// Reads all of it into memory.
    ///
    /// # Errors
    /// As the source's.
    pub async fn into_bytes(self) -> Result<Bytes> {
        match self {
            Content::Bytes(bytes) => Ok(bytes),
            other => {
                let collect = |mut all: BytesMut, chunk: Bytes| async move {
                    all.extend_from_slice(&chunk);
                    Ok(all)
                };
                Ok(other
                    .into_stream()
                    .try_fold(BytesMut::new(), collect)
                    .await?
                    .freeze())
            }
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Content::Local(source) => write!(f, "Local({})", source.path.display()),
            Content::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Computes a hash of a given kind piece by piece.
pub struct Hasher(Algorithm);

enum Algorithm {
    Blake3(Box<blake3::Hasher>),
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// Starts a hash.
    ///
    /// # Panics
    /// For a kind that this version does not know.
    pub fn new(kind: HashKind) -> Self {
        Self(match kind {
            HashKind::Blake3 => Algorithm::Blake3(Box::new(blake3::Hasher::new())),
            HashKind::Md5 => Algorithm::Md5(md5::Digest::new()),
            HashKind::Sha1 => Algorithm::Sha1(sha1::Digest::new()),
            HashKind::Sha256 => Algorithm::Sha256(sha2::Digest::new()),
            other => panic!("no hasher for {other:?}"),
        })
    }

    /// Takes the next piece in.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Algorithm::Blake3(hasher) => {
                hasher.update(piece);
            }
            Algorithm::Md5(hasher) => md5::Digest::update(hasher, piece),
            Algorithm::Sha1(hasher) => sha1::Digest::update(hasher, piece),
            Algorithm::Sha256(hasher) => sha2::Digest::update(hasher, piece),
        }
    }

    /// Returns the hash of all pieces.
    pub fn finish(self) -> ContentHash {
        match self.0 {
            Algorithm::Blake3(hasher) => {
                ContentHash::new(HashKind::Blake3, hasher.finalize().as_bytes())
            }
            Algorithm::Md5(hasher) => {
                ContentHash::new(HashKind::Md5, &md5::Digest::finalize(hasher))
            }
            Algorithm::Sha1(hasher) => {
                ContentHash::new(HashKind::Sha1, &sha1::Digest::finalize(hasher))
            }
            Algorithm::Sha256(hasher) => {
                ContentHash::new(HashKind::Sha256, &sha2::Digest::finalize(hasher))
            }
        }
    }

    /// Hashes bytes that are all there.
    pub fn hash(kind: HashKind, bytes: &[u8]) -> ContentHash {
        let mut hasher = Self::new(kind);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}
