//! Real folders, and a state file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use cloudsync::{CloudSync, Stop};
use tempfile::TempDir;

struct Folders {
    base: TempDir,
}

impl Folders {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("l")).unwrap();
        fs::create_dir(base.path().join("r")).unwrap();
        Self { base }
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.base.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    async fn pair(&self) -> CloudSync {
        CloudSync::builder(self.at("l"), self.at("r"))
            .state_file(self.at("state.sqlite"))
            .build()
            .await
            .unwrap()
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn two_folders_come_together_and_stay_so_over_restarts() {
    let folders = Folders::new();
    folders.write("l/a/x.txt", "one");
    folders.write("r/b/y.txt", "two");
    folders.write("l/same", "equal");
    folders.write("r/same", "equal");
    let pair = folders.pair().await;
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync() && report.first_meeting, "{report:?}");
    assert_eq!(report.total().copied, 2);
    assert_eq!(folders.read("r/a/x.txt").as_deref(), Some("one"));
    assert_eq!(folders.read("l/b/y.txt").as_deref(), Some("two"));
    pair.stop(Stop::Forever).await;

    folders.write("l/a/x.txt", "one, edited");
    fs::rename(folders.at("r/b"), folders.at("r/c")).unwrap();
    fs::remove_file(folders.at("l/same")).unwrap();
    let pair = folders.pair().await;
    let report = pair.run_once().await.unwrap();
    assert!(report.in_sync() && !report.first_meeting, "{report:?}");
    assert_eq!(folders.read("r/a/x.txt").as_deref(), Some("one, edited"));
    assert_eq!(folders.read("l/c/y.txt").as_deref(), Some("two"));
    assert_eq!((count(&folders.at("l")), count(&folders.at("r"))), (2, 2));
    assert!(pair.run_once().await.unwrap().changed_nothing());
}

#[tokio::test]
async fn a_missing_root_is_made_at_the_first_meeting_only() {
    let folders = Folders::new();
    fs::remove_dir(folders.at("r")).unwrap();
    folders.write("l/a", "one");
    let pair = folders.pair().await;
    assert!(pair.run_once().await.unwrap().in_sync());
    assert_eq!(folders.read("r/a").as_deref(), Some("one"));

    fs::rename(folders.at("r"), folders.at("unmounted")).unwrap();
    let error = pair.run_once().await.unwrap_err();
    assert_eq!(error.kind(), cloudsync::ErrorKind::RootMissing, "{error}");
    assert_eq!(folders.read("l/a").as_deref(), Some("one"));

    fs::create_dir(folders.at("r")).unwrap();
    let error = pair.run_once().await.unwrap_err();
    assert_eq!(error.kind(), cloudsync::ErrorKind::RootMissing, "{error}");
    assert_eq!(folders.read("l/a").as_deref(), Some("one"));
}

#[tokio::test]
async fn changes_are_carried_over_while_it_runs() {
    let folders = Folders::new();
    folders.write("l/a", "one");
    let pair = folders.pair().await;
    pair.start().unwrap();
    let arrives = async |path: &str, content: Option<&str>| {
        for _ in 0..1_000 {
            if folders.read(path).as_deref() == content {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} is not {content:?}: {:?}", pair.status());
    };
    arrives("r/a", Some("one")).await;
    folders.write("r/new/b", "two");
    arrives("l/new/b", Some("two")).await;
    folders.write("l/a", "edited");
    arrives("r/a", Some("edited")).await;
    fs::remove_file(folders.at("l/a")).unwrap();
    arrives("r/a", None).await;
    pair.stop(Stop::Forever).await;
    assert!(!pair.started());
}
