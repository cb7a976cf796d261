//! Two real folders and a state file, synced by pairs that are opened, run once and end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cloudsync::{CloudSync, Stop, SyncReport};
use tempfile::TempDir;

/// Two folders and a state file.
pub(crate) struct Folders {
    pub(crate) base: TempDir,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        for root in ["a", "b"] {
            fs::create_dir(base.path().join(root)).unwrap();
        }
        Self { base }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.base.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        let to = self.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.at(from), to).unwrap();
    }

    /// All that is below a folder, with the content of files; folders are `/`.
    pub(crate) fn tree(&self, root: &str) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        collect(&self.at(root), "", &mut tree);
        tree
    }

    /// Checks that both roots hold the same, and this.
    pub(crate) fn assert_both(&self, expected: &[(&str, &str)]) {
        let expected: BTreeMap<_, _> = expected
            .iter()
            .map(|(path, content)| ((*path).to_owned(), (*content).to_owned()))
            .collect();
        assert_eq!(self.tree("a"), expected, "side a");
        assert_eq!(self.tree("b"), expected, "side b");
    }

    pub(crate) async fn open(&self) -> CloudSync {
        CloudSync::builder(self.at("a"), self.at("b"))
            .state_file(self.at("state.sqlite"))
            .build()
            .await
            .unwrap()
    }

    /// One run of a pair of its own, as a program that is started, runs and ends.
    pub(crate) async fn run(&self) -> cloudsync::Result<SyncReport> {
        let pair = self.open().await;
        let report = pair.run_once().await;
        pair.stop(Stop::Forever).await;
        report
    }

    /// As [`Folders::run`], all of it well.
    pub(crate) async fn sync(&self) -> SyncReport {
        let report = self.run().await.unwrap();
        assert!(report.in_sync(), "{report:?}");
        report
    }
}

fn collect(folder: &Path, above: &str, tree: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), tree);
            tree.insert(path, "/".to_owned());
        } else if kind.is_file() {
            let content = fs::read(entry.path()).unwrap();
            tree.insert(path, String::from_utf8_lossy(&content).into_owned());
        } else {
            tree.insert(path, format!("{kind:?}"));
        }
    }
}
