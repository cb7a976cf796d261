//! What the provider does on a real folder.

mod changing;
mod flushing;
mod killing;
mod lifting;
mod looking;
mod sweeping;
mod watching;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;

use super::FileProvider;
use crate::{
    Content, Expect, Listing, ObjectRef, Observed, Provider, Result, Target, WriteRequest, Written,
};

/// A provider on a fresh folder.
struct Place {
    folder: TempDir,
    provider: FileProvider,
}

impl Place {
    async fn new() -> Self {
        Self::with(FileProvider::new()).await
    }

    async fn with(provider: FileProvider) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Self { folder, provider };
        place.open(&place.provider).await;
        place
    }

    /// Chooses this place as the root of a provider.
    async fn open(&self, provider: &FileProvider) {
        let path = self.folder.path().to_str().expect("UTF-8");
        provider
            .set_root(Some(path), None, false)
            .await
            .expect("root");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes as a user does.
    fn put(&self, name: &str, content: &str) -> &Self {
        if let Some(folder) = Path::new(name).parent() {
            fs::create_dir_all(self.path(folder.to_str().expect("UTF-8"))).expect("folders");
        }
        fs::write(self.path(name), content).expect(name);
        self
    }

    fn content(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Returns all names in a folder, ours too, sorted.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect(folder);
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    async fn look(&self, path: &str) -> Observed {
        let found = self.provider.info(&ObjectRef::at(path)).await.expect(path);
        found.expect(path).observed.expect(path)
    }

    async fn at(&self, path: &str) -> ObjectRef {
        ObjectRef::new(self.look(path).await.oid, path)
    }

    async fn list(&self, folder: &str) -> Listing {
        self.provider
            .list(&ObjectRef::at(folder), None)
            .await
            .expect(folder)
            .0
    }

    async fn walk(&self) -> Vec<Listing> {
        walk(&self.provider).await
    }

    async fn unchanged(&self, path: &str) -> Expect {
        let found = self.look(path).await;
        Expect::Unchanged {
            oid: Some(found.oid),
            tag: found.tag,
        }
    }

    async fn write(&self, path: &str, expect: Expect, content: &str) -> Result<Written> {
        self.provider.write(request(path, expect, content)).await
    }
}

async fn walk(provider: &FileProvider) -> Vec<Listing> {
    let batches: Vec<Vec<Listing>> = provider
        .walk(ObjectRef::root())
        .try_collect()
        .await
        .expect("walk");
    batches.into_iter().flatten().collect()
}

fn target(path: &str) -> Target {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    Target {
        folder: ObjectRef::at(folder),
        name: name.into(),
    }
}

fn request(path: &str, expect: Expect, content: &str) -> WriteRequest {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let size = bytes.len() as u64;
    WriteRequest::new(target(path), expect, Content::Bytes(bytes), size)
}

/// Returns the names in a listing, sorted.
fn names(listing: &Listing) -> Vec<&str> {
    let mut names: Vec<_> = listing.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}
