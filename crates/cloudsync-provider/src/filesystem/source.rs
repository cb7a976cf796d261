//! The file that a content is taken from: opened by its absolute path, in the version that is wanted.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::io::{self, Errno};

use crate::{ContentHash, Error, ErrorKind, HashKind, Hasher, LocalSource, Result};

use super::failure::{failure, refused};
use super::look::{Look, What, look, size_of};
use super::pieces;
use super::root::{open_source, open_source_folder, open_source_in};

/// Files from this size on are looked at before they are read: they may have holes, and much would be
/// copied in vain.
const LOOKED_AT: u64 = 64 << 10;

/// Opens one file after the other, those of one folder through one handle of it.
#[derive(Default)]
pub(super) struct Sources {
    last: Option<(PathBuf, OwnedFd)>,
}

impl Sources {
    /// Opens a file. Which version it is shows after it was read, with [`OpenSource::check`].
    ///
    /// # Errors
    /// [`ErrorKind::SourceChanged`], also where it is gone: the folder that is written to is another matter.
    pub(super) fn open<'a>(&mut self, local: &'a LocalSource) -> Result<OpenSource<'a>> {
        let opened = match (local.path.parent(), local.path.file_name()) {
            (Some(folder), Some(name)) => self.open_in(folder, name),
            _ => open_source(&local.path),
        };
        OpenSource::new(local, opened, ErrorKind::SourceChanged)
    }

    fn open_in(&mut self, folder: &Path, name: &OsStr) -> io::Result<OwnedFd> {
        match &self.last {
            Some((last, open)) if last == folder => open_source_in(open, name),
            _ => {
                let open = open_source_folder(folder)?;
                let (_, open) = self.last.insert((folder.to_owned(), open));
                open_source_in(open, name)
            }
        }
    }
}

/// A file on this machine, open, of which a certain version is wanted.
pub(super) struct OpenSource<'a> {
    pub(super) file: OwnedFd,
    size: u64,
    sparse: bool,
    shown: Cow<'a, str>,
    local: &'a LocalSource,
}

impl<'a> OpenSource<'a> {
    /// Opens a single file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where it is gone; [`ErrorKind::SourceChanged`].
    pub(super) fn open(local: &'a LocalSource) -> Result<Self> {
        Self::new(local, open_source(&local.path), ErrorKind::NotFound)
    }

    fn new(local: &'a LocalSource, opened: io::Result<OwnedFd>, gone: ErrorKind) -> Result<Self> {
        let shown = local.path.to_string_lossy();
        let file = opened.map_err(|errno| match errno {
            // Gone, or something else stands there.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::XDEV => {
                refused(gone, "read", &shown)
            }
            errno => failure("read", errno, &shown),
        })?;
        let mut source = Self {
            file,
            size: size_of(&local.tag),
            sparse: false,
            shown,
            local,
        };
        if source.size >= LOOKED_AT {
            source.check()?;
        }
        Ok(source)
    }

    /// Makes sure that the file has the tag it must have.
    pub(super) fn check(&mut self) -> Result<()> {
        let found = look(&self.file).map_err(|errno| self.failed(errno))?;
        if !is_wanted(&found, self.local) {
            return Err(self.changed());
        }
        (self.size, self.sparse) = (found.size, found.sparse);
        Ok(())
    }

    /// Makes the failure for a read that went wrong.
    pub(super) fn failed(&self, errno: Errno) -> Error {
        failure("read", errno, &self.shown)
    }

    /// Makes the failure for a file that is not the expected version.
    pub(super) fn changed(&self) -> Error {
        refused(ErrorKind::SourceChanged, "read", &self.shown)
    }

    /// Hashes it, or `file`, which has the same content and stands at its beginning.
    pub(super) fn hash(
        &self,
        file: &OwnedFd,
        kind: HashKind,
        buffer: &mut [u8],
    ) -> Result<ContentHash> {
        if self.size >= pieces::FROM {
            return pieces::each(self, file, kind, |_, _, _| Ok(()));
        }
        let mut hasher = Hasher::new(kind);
        self.read_all(file, buffer, |bytes| {
            hasher.update(bytes);
            Ok(())
        })?;
        Ok(hasher.finish())
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
            Err(self.changed())
        }
    }

    /// Returns its size: that of the version which is wanted.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Returns true if it has holes.
    pub(super) fn is_sparse(&self) -> bool {
        self.sparse
    }
}

/// Returns true if what was found is the version of the file that is wanted.
pub(super) fn is_wanted(found: &Look, local: &LocalSource) -> bool {
    found.what == What::File
        && !found.mount_root
        && found.tag() == local.tag
        && (local.oid.as_ref()).is_none_or(|oid| found.is_object(oid))
}
