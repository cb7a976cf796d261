//! Links are left alone, and nothing behind one is ever touched.

use std::fs;
use std::os::unix::fs::symlink;

use cloudsync::{Changed, Side, SkipReason};

use crate::disk::Folders;

/// D26. A folder is replaced by a link to its neighbour, and the other side edits and deletes in it.
#[tokio::test]
async fn d26_nothing_is_written_or_deleted_behind_a_link_that_took_the_place_of_a_folder() {
    let folders = Folders::new();
    folders.write("a/dir/file", "dir's");
    folders.write("a/neighbour/file", "neighbour's");
    folders.sync().await;
    fs::remove_dir_all(folders.at("a/dir")).unwrap();
    symlink("neighbour", folders.at("a/dir")).unwrap();
    let link = folders.at("a/dir");
    let untouched = |folders: &Folders| {
        let neighbour = fs::read(folders.at("a/neighbour/file")).unwrap();
        assert_eq!(neighbour, b"neighbour's");
        assert_eq!(fs::read_dir(folders.at("a/neighbour")).unwrap().count(), 1);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    };

    folders.write("b/dir/file", "edited on b");
    folders.write("b/dir/new", "new on b");
    for run in 0..2 {
        let report = folders.run().await.unwrap();
        let told = (Side::Local, "dir".to_owned(), SkipReason::Symlink);
        assert_eq!(report.skipped, [told], "run {run}");
        assert!(report.changed_nothing(), "run {run}: {report:?}");
        assert!(!report.in_sync(), "run {run}: {report:?}");
        untouched(&folders);
        let there = folders.tree("b");
        assert_eq!(there["dir/file"], "edited on b");
        assert_eq!(there["dir/new"], "new on b");
        assert_eq!(there["neighbour/file"], "neighbour's");
    }

    fs::remove_dir_all(folders.at("b/dir")).unwrap();
    for run in 0..2 {
        let report = folders.run().await.unwrap();
        assert_eq!(report.total().deleted, 0, "run {run}: {report:?}");
        untouched(&folders);
        assert_eq!(folders.tree("b").len(), 2);
    }
}

/// D27. A's folder is a link, B's is a real one with a file: it comes to rest, and says so.
#[tokio::test]
async fn d27_a_file_that_would_lie_behind_a_link_comes_to_rest() {
    let folders = Folders::new();
    folders.write("outside/file", "outside");
    symlink(folders.at("outside"), folders.at("a/dir")).unwrap();
    folders.write("b/dir/file", "b's");
    folders.write("b/fine", "fine");
    for run in 0..3 {
        let report = folders.run().await.unwrap();
        let expected = Changed::default();
        assert_eq!(report.changed.remote, expected, "run {run}");
        assert_eq!(report.changed.local.copied, usize::from(run == 0));
        assert!(!report.in_sync(), "run {run}: {report:?}");
        assert_eq!(fs::read(folders.at("outside/file")).unwrap(), b"outside");
        assert_eq!(folders.tree("outside").len(), 1);
        assert_eq!(folders.tree("b")["dir/file"], "b's");
    }
    fs::remove_file(folders.at("a/dir")).unwrap();
    folders.sync().await;
    folders.assert_both(&[("dir", "/"), ("dir/file", "b's"), ("fine", "fine")]);
}

/// D28. A folder was moved out and linked to, and the link is made again and again.
#[tokio::test]
async fn d28_what_is_behind_a_link_that_is_made_again_is_never_deleted() {
    let folders = Folders::new();
    for index in 0..3 {
        folders.write(&format!("a/dir/{index}"), "kept");
    }
    folders.write("a/beside", "b");
    folders.sync().await;
    folders.rename("a/dir", "outside");
    symlink(folders.at("outside"), folders.at("a/dir")).unwrap();
    folders.run().await.unwrap();
    assert_eq!(folders.tree("b").len(), 5, "nothing is deleted");

    fs::remove_dir_all(folders.at("b/dir")).unwrap();
    for target in ["outside", "a/beside", "outside"] {
        let report = folders.run().await.unwrap();
        assert_eq!(report.total().deleted, 0, "{report:?}");
        let outside = folders.tree("outside");
        assert_eq!(outside.len(), 3);
        assert!(outside.values().all(|content| content == "kept"));
        assert!(folders.at("a/dir").is_symlink());
        fs::remove_file(folders.at("a/dir")).unwrap();
        symlink(folders.at(target), folders.at("a/dir")).unwrap();
    }
    fs::remove_file(folders.at("a/dir")).unwrap();
    folders.sync().await;
    folders.assert_both(&[("beside", "b")]);
    assert_eq!(folders.tree("outside").len(), 3);
}
