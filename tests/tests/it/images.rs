//! Disks that are full, read-only or away, and names without case: on file systems of their own. The
//! tests of other files run on all kinds of them: `cargo xtask images`.

use std::fs;
use std::path::{Path, PathBuf};

use cloudsync::{CloudSync, ErrorKind, Side, Stop, SyncReport};
use cloudsync_tests::mount::{Image, Kind};
use tempfile::TempDir;

/// A file system, or a line that says why there is none.
fn image(kind: Kind, size: u64) -> Option<Image> {
    match Image::new(kind, size) {
        Ok(image) => Some(image),
        Err(error) => {
            eprintln!("left out: {error}");
            None
        }
    }
}

/// A folder on a usual disk, one on a special one, and a place for the state.
struct Pair {
    base: TempDir,
    other: PathBuf,
}

impl Pair {
    fn new(image: &Image) -> Self {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("a")).unwrap();
        let other = image.folder();
        Self { base, other }
    }

    fn a(&self, name: &str) -> PathBuf {
        self.base.path().join("a").join(name)
    }

    fn b(&self, name: &str) -> PathBuf {
        self.other.join(name)
    }

    async fn open(&self) -> CloudSync {
        CloudSync::builder(self.a("").to_str().unwrap(), self.other.to_str().unwrap())
            .state_file(self.base.path().join("state"))
            .guard(None)
            .build()
            .await
            .unwrap()
    }

    async fn run(&self) -> SyncReport {
        let pair = self.open().await;
        let report = pair.run_once().await.unwrap();
        pair.stop(Stop::Forever).await;
        report
    }
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let names = fs::read_dir(folder).unwrap().map(name);
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_full_disk_holds_only_whole_files_and_goes_on_when_there_is_room() {
    let Some(image) = image(Kind::Ext4, 24 << 20) else {
        return;
    };
    let pair = Pair::new(&image);
    // Large, small, and so many that a batch of them does not fit.
    let contents: Vec<Vec<u8>> = (0..60_usize)
        .map(|number| vec![u8::try_from(number).unwrap(); 10_000 + 40_000 * (number % 40)])
        .collect();
    for (number, content) in contents.iter().enumerate() {
        fs::write(pair.a(&format!("f{number}")), content).unwrap();
    }
    let report = pair.run().await;
    assert!(!report.in_sync());
    let is_full = |kind| kind == ErrorKind::OutOfSpace;
    assert!(
        report
            .failed
            .iter()
            .any(|failed| is_full(failed.failure.kind())),
        "{report:?}"
    );
    let on_b = names(&pair.other);
    assert!(on_b.len() > 5 && on_b.len() < contents.len(), "{on_b:?}");
    for name in &on_b {
        assert_eq!(
            fs::read(pair.b(name)).unwrap(),
            fs::read(pair.a(name)).unwrap()
        );
    }
    // Deletions make room, and need none.
    for number in (0..60).filter(|number| number % 3 != 0) {
        fs::remove_file(pair.a(&format!("f{number}"))).unwrap();
    }
    let mut report = pair.run().await;
    if !report.in_sync() {
        report = pair.run().await;
    }
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(names(&pair.a("")), names(&pair.other));
    for name in names(&pair.other) {
        assert_eq!(
            fs::read(pair.b(&name)).unwrap(),
            fs::read(pair.a(&name)).unwrap()
        );
    }
}

#[tokio::test]
async fn a_disk_that_is_read_only_for_a_while_loses_nothing() {
    let Some(image) = image(Kind::Ext4, 48 << 20) else {
        return;
    };
    let pair = Pair::new(&image);
    for name in ["edited", "deleted", "moved"] {
        fs::write(pair.a(name), name).unwrap();
    }
    assert!(pair.run().await.in_sync());
    fs::write(pair.a("edited"), "anew").unwrap();
    fs::remove_file(pair.a("deleted")).unwrap();
    fs::rename(pair.a("moved"), pair.a("away")).unwrap();
    image.mounted().remount("ro").unwrap();
    let report = pair.run().await;
    assert!(!report.in_sync());
    assert_eq!(names(&pair.other), ["deleted", "edited", "moved"]);
    assert_eq!(names(&pair.a("")), ["away", "edited"]);
    image.mounted().remount("rw").unwrap();
    assert!(pair.run().await.in_sync());
    assert_eq!(names(&pair.other), ["away", "edited"]);
    assert_eq!(fs::read_to_string(pair.b("edited")).unwrap(), "anew");
}

#[tokio::test]
async fn a_disk_that_is_unmounted_deletes_nothing_and_goes_on_when_it_is_back() {
    let Some(mut image) = image(Kind::Ext4, 48 << 20) else {
        return;
    };
    let pair = Pair::new(&image);
    fs::write(pair.a("kept"), "one").unwrap();
    assert!(pair.run().await.in_sync());
    image.unmount();
    // An empty mount point, and one in which somebody made the folder.
    for is_made in [false, true] {
        if is_made {
            fs::create_dir(&pair.other).unwrap();
        }
        let opened = pair.open().await;
        let report = opened.run_once().await;
        opened.stop(Stop::Forever).await;
        let is_missed = match &report {
            Ok(report) => report.down[Side::Remote].is_some(),
            Err(error) => error.kind() == ErrorKind::RootMissing,
        };
        assert!(is_missed, "{report:?}");
        assert_eq!(fs::read_to_string(pair.a("kept")).unwrap(), "one");
    }
    fs::remove_dir(&pair.other).unwrap();
    image.mount().unwrap();
    fs::write(pair.a("new"), "two").unwrap();
    let report = pair.run().await;
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(report.total().copied, 1);
    assert_eq!(names(&pair.other), ["kept", "new"]);
}

#[tokio::test]
async fn names_that_differ_by_case_only_meet_in_a_folder_without_case() {
    let Some(image) = image(Kind::Caseless, 48 << 20) else {
        return;
    };
    let pair = Pair::new(&image);
    fs::write(pair.a("Old.jpg"), "one").unwrap();
    fs::write(pair.a("stays"), "three").unwrap();
    assert!(pair.run().await.in_sync());
    // Another name for the same file, there too.
    fs::rename(pair.a("Old.jpg"), pair.a("OLD.JPG")).unwrap();
    let report = pair.run().await;
    assert!(report.in_sync(), "{report:?}");
    assert_eq!(report.total().copied, 0);
    assert_eq!(names(&pair.other), ["OLD.JPG", "stays"]);
    // Two files, where there is one name for them.
    fs::write(pair.a("old.jpg"), "two").unwrap();
    let report = pair.run().await;
    assert!(!report.in_sync());
    assert_eq!(names(&pair.a("")), ["OLD.JPG", "old.jpg", "stays"]);
    assert_eq!(fs::read_to_string(pair.a("OLD.JPG")).unwrap(), "one");
    assert_eq!(fs::read_to_string(pair.a("old.jpg")).unwrap(), "two");
    assert_eq!(fs::read_to_string(pair.b("OLD.JPG")).unwrap(), "one");
    fs::rename(pair.a("old.jpg"), pair.a("other.jpg")).unwrap();
    assert!(pair.run().await.in_sync());
    assert_eq!(names(&pair.other), ["OLD.JPG", "other.jpg", "stays"]);
}
