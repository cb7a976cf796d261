//! What a side says of an object: its id, tag, kind, size, attributes, and maybe a hash.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::small::SmallBytes;

/// A provider's id of an object, opaque. Inline up to 22 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Oid(SmallBytes);

impl Oid {
    /// Makes an id from the provider's bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(SmallBytes::new(bytes.as_ref()))
    }

    /// Returns the provider's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// An opaque mark that comes with every sight of an object and answers one question: did it change
/// at all? Equal tags of one object mean equal content and attributes; different ones mean nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Tag(SmallBytes);

impl Tag {
    /// Makes a tag from the provider's bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(SmallBytes::new(bytes.as_ref()))
    }

    /// Returns the provider's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// File or folder. A node never changes kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Has content.
    File,
    /// Has children.
    Folder,
}

/// How a hash is computed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HashKind {
    /// BLAKE3, 32 bytes: what we compute where a side has nothing of its own.
    Blake3,
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
}

/// A hash of a whole file. Digests shorter than 32 bytes are filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash {
    /// How it was computed.
    pub kind: HashKind,
    /// The digest.
    pub digest: [u8; 32],
}

impl ContentHash {
    /// Makes a hash from a digest of at most 32 bytes.
    ///
    /// # Panics
    /// If the digest is longer.
    pub fn new(kind: HashKind, digest: &[u8]) -> Self {
        let mut padded = [0; 32];
        padded[..digest.len()].copy_from_slice(digest);
        Self {
            kind,
            digest: padded,
        }
    }
}

impl fmt::Display for ContentHash {
    /// The kind and the digest: `md5:` and 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self.kind {
            HashKind::Blake3 => ("blake3", 32),
            HashKind::Md5 => ("md5", 16),
            HashKind::Sha1 => ("sha1", 20),
            HashKind::Sha256 => ("sha256", 32),
        };
        write!(f, "{name}:")?;
        self.digest[..bytes]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What travels beside the content, where both sides can hold it.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Attributes {
    /// Time of the last change of content, nanoseconds since 1970, as the side says it.
    pub mtime: Option<i64>,
    /// Permission bits (`0o7777`).
    pub mode: Option<u32>,
}

/// One look at one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observed {
    /// Its id. For a side whose identity is the path: anything, it is not looked at.
    pub oid: Oid,
    /// File or folder.
    pub kind: Kind,
    /// Did it change at all? Not looked at for folders.
    pub tag: Tag,
    /// Bytes of content; 0 for folders.
    pub size: u64,
    /// Times and mode.
    pub attributes: Attributes,
    /// The hash, where the side gives it with every look.
    pub hash: Option<ContentHash>,
    /// If true, a later change could leave `tag` as it is (a clock too coarse): the content is not
    /// to be read yet, look again a little later.
    pub racy: bool,
}

/// Names an object in a call: by id where the side has ids, and always by its last known path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The id; `None` for the root before it is known, and on sides whose identity is the path.
    pub oid: Option<Oid>,
    /// Path relative to the root, `/`-separated, no slash at either end. The root itself is `""`.
    pub path: String,
}

impl ObjectRef {
    /// Names an object by path alone.
    pub fn at(path: impl Into<String>) -> Self {
        Self {
            oid: None,
            path: path.into(),
        }
    }

    /// Names an object by id and path.
    pub fn new(oid: Oid, path: impl Into<String>) -> Self {
        Self {
            oid: Some(oid),
            path: path.into(),
        }
    }

    /// Names the root of the pair on this side.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns true for the root.
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() {
            "/"
        } else {
            &self.path
        })
    }
}

/// A place for an object: a name in a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Target {
    /// The folder.
    pub folder: ObjectRef,
    /// The name in it.
    pub name: String,
}

impl Target {
    /// Returns the path of the place, relative to the root.
    pub fn path(&self) -> String {
        if self.folder.path.is_empty() {
            self.name.clone()
        } else {
            [&self.folder.path, "/", &self.name].concat()
        }
    }
}
