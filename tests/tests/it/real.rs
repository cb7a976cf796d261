//! Real folders and a real state file, through the facade: what happened while nothing ran, what
//! became of the state, roots that vanish, objects that cannot be synced.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, symlink};

use cloudsync::{CloudSync, ErrorKind, Guard, Side, SkipReason, SyncReport};

use crate::disk::Folders;

#[tokio::test]
async fn all_that_both_users_did_while_nothing_ran_is_carried_over() {
    let folders = Folders::new();
    for name in ["edited", "moved", "deleted", "renamed/in", "emptied/in"] {
        folders.write(&format!("a/a-{name}"), format!("a {name}"));
        folders.write(&format!("b/b-{name}"), format!("b {name}"));
    }
    let report = folders.sync().await;
    assert_eq!(report.total().copied, 10);

    for side in ["a", "b"] {
        let at = |name: &str| format!("{side}/{side}-{name}");
        folders.write(&at("edited"), format!("{side} anew"));
        folders.rename(&at("moved"), &at("deep/er/moved"));
        fs::remove_file(folders.at(&at("deleted"))).unwrap();
        folders.rename(&at("renamed"), &at("after"));
        fs::remove_dir_all(folders.at(&at("emptied"))).unwrap();
        folders.write(&at("new/file"), side);
    }
    let report = folders.sync().await;
    for side in Side::BOTH {
        let changed = report.changed[side];
        assert_eq!(changed.copied, 2, "one edit, one new file: {changed:?}");
        assert_eq!(changed.renamed, 2, "one file, one folder: {changed:?}");
        assert_eq!(changed.deleted, 3, "a file, a folder with a file");
        assert_eq!(changed.folders, 3);
    }
    assert!(report.conflicts.is_empty());
    folders.assert_both(&[
        ("a-after", "/"),
        ("a-after/in", "a renamed/in"),
        ("a-deep", "/"),
        ("a-deep/er", "/"),
        ("a-deep/er/moved", "a moved"),
        ("a-edited", "a anew"),
        ("a-new", "/"),
        ("a-new/file", "a"),
        ("b-after", "/"),
        ("b-after/in", "b renamed/in"),
        ("b-deep", "/"),
        ("b-deep/er", "/"),
        ("b-deep/er/moved", "b moved"),
        ("b-edited", "b anew"),
        ("b-new", "/"),
        ("b-new/file", "b"),
    ]);
    assert!(folders.sync().await.changed_nothing());
}

#[tokio::test]
async fn a_moved_folder_of_many_files_is_one_rename() {
    const FILES: usize = 5_000;
    let folders = Folders::new();
    fs::create_dir(folders.at("a/big")).unwrap();
    for index in 0..FILES {
        fs::write(folders.at(&format!("a/big/{index}")), format!("{index}")).unwrap();
    }
    let report = folders.sync().await;
    assert_eq!(report.changed.remote.copied, FILES);
    let inode = |path: &str| fs::metadata(folders.at(path)).unwrap().ino();
    let before = (inode("b/big"), inode("b/big/77"));

    folders.rename("a/big", "a/now/here");
    let report = folders.sync().await;
    let changed = report.changed.remote;
    assert_eq!((changed.renamed, changed.folders), (1, 1), "{changed:?}");
    assert_eq!((changed.copied, changed.deleted), (0, 0), "{changed:?}");
    assert_eq!(report.changed.local, cloudsync::Changed::default());
    assert_eq!(before, (inode("b/now/here"), inode("b/now/here/77")));
    assert!(!folders.at("b/big").exists());
    assert_eq!(
        fs::read_dir(folders.at("b/now/here")).unwrap().count(),
        FILES
    );
    assert!(folders.sync().await.changed_nothing());
}

#[tokio::test]
async fn a_second_run_does_nothing() {
    let folders = Folders::new();
    for index in 0..100 {
        folders.write(&format!("a/{}/{index}", index % 7), format!("{index}"));
    }
    folders.write("a/empty", "");
    folders.sync().await;
    for _ in 0..3 {
        let report = folders.sync().await;
        assert!(
            report.changed_nothing() && !report.first_meeting,
            "{report:?}"
        );
        assert_eq!(report.objects, cloudsync::BySide::new(108, 108));
    }
}

/// What is left of the state file, whatever became of it.
async fn meets_anew(folders: &Folders, what: &str) -> SyncReport {
    let before = folders.tree("a");
    let report = folders.sync().await;
    assert!(report.first_meeting, "{what}: {report:?}");
    assert!(report.changed_nothing(), "{what}: {report:?}");
    assert!(report.conflicts.is_empty(), "{what}: {report:?}");
    assert_eq!(folders.tree("a"), before, "{what}");
    assert_eq!(folders.tree("b"), before, "{what}");
    assert!(!folders.sync().await.first_meeting, "{what}");
    report
}

fn three_files() -> Folders {
    let folders = Folders::new();
    folders.write("a/x", "one");
    folders.write("a/folder/y", "two");
    folders.write("b/z", "three");
    folders
}

#[tokio::test]
async fn without_the_state_file_equal_sides_agree_and_nothing_is_touched() {
    let folders = three_files();
    folders.sync().await;
    for entry in fs::read_dir(folders.base.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let report = meets_anew(&folders, "deleted").await;
    assert_eq!(report.state_set_aside, None);
}

#[tokio::test]
async fn without_the_state_file_a_deletion_is_forgotten_and_an_edit_is_a_conflict() {
    let folders = three_files();
    folders.sync().await;
    for file in ["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"] {
        let _ = fs::remove_file(folders.at(file));
    }
    fs::remove_file(folders.at("a/z")).unwrap();
    folders.write("a/x", "edited");
    let report = folders.sync().await;
    assert_eq!(report.total().deleted, 0);
    folders.assert_both(&[
        ("folder", "/"),
        ("folder/y", "two"),
        ("x", "one"),
        ("x.conflicted", "edited"),
        ("z", "three"),
    ]);
}

#[tokio::test]
async fn a_damaged_state_file_is_set_aside_and_loses_nothing() {
    let noise: Vec<u8> = (0..20_000_u32)
        .map(|i| (i * 7 + i / 251).to_le_bytes()[0])
        .collect();
    for (what, content) in [
        ("noise", &noise[..]),
        ("cut off", &b"SQLite format 3\0\x10"[..]),
    ] {
        let folders = three_files();
        folders.sync().await;
        for file in ["state.sqlite-wal", "state.sqlite-shm"] {
            let _ = fs::remove_file(folders.at(file));
        }
        folders.write("state.sqlite", content);
        let report = meets_anew(&folders, what).await;
        assert!(report.state_set_aside.is_some(), "{what}: {report:?}");
        let kept = fs::read_dir(folders.base.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .any(|path| fs::read(path).unwrap() == content);
        assert!(kept, "{what}: what was there is kept beside");
    }
}

#[tokio::test]
async fn noise_in_the_middle_of_the_state_file_loses_nothing() {
    let folders = Folders::new();
    for index in 0..300 {
        folders.write(&format!("a/{index}"), format!("{index}"));
    }
    folders.sync().await;
    let state = folders.at("state.sqlite");
    let mut bytes = fs::read(&state).unwrap();
    let half = bytes.len() / 2;
    for (index, byte) in bytes[half..half + 3_000].iter_mut().enumerate() {
        *byte = index.to_le_bytes()[0] ^ 0x5a;
    }
    fs::write(&state, bytes).unwrap();
    let report = folders.sync().await;
    assert!(report.changed_nothing(), "{report:?}");
    assert!(report.state_set_aside.is_some(), "{report:?}");
    assert_eq!(folders.tree("a").len(), 300);
    assert_eq!(folders.tree("a"), folders.tree("b"));
}

#[tokio::test]
async fn an_emptied_root_holds_the_deletions_back() {
    let folders = Folders::new();
    for index in 0..50 {
        folders.write(&format!("a/{index}"), format!("{index}"));
    }
    folders.sync().await;
    for index in 0..50 {
        fs::remove_file(folders.at(&format!("b/{index}"))).unwrap();
    }
    folders.write("a/new", "n");
    let report = folders.run().await.unwrap();
    assert!(!report.in_sync(), "{report:?}");
    assert_eq!(report.held.len(), 1, "{report:?}");
    let held = &report.held[0];
    assert_eq!((held.side, held.count), (Side::Local, 50));
    assert_eq!(report.total().deleted, 0);
    assert_eq!(folders.tree("a").len(), 51, "all is still there");
    assert_eq!(folders.tree("b").len(), 1, "all else goes on");

    let pair = CloudSync::builder(folders.at("a"), folders.at("b"))
        .state_file(folders.at("state.sqlite"))
        .guard(None::<Guard>)
        .build()
        .await
        .unwrap();
    let report = pair.run_once().await.unwrap();
    assert_eq!(report.changed.local.deleted, 50);
    folders.assert_both(&[("new", "n")]);
}

#[tokio::test]
async fn a_root_that_is_gone_or_another_folder_stops_the_pair() {
    let folders = three_files();
    folders.sync().await;
    let before = folders.tree("a");

    folders.rename("b", "elsewhere");
    let error = folders.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RootMissing, "unmounted: {error}");
    assert_eq!(error.side(), Some(Side::Remote));
    fs::create_dir(folders.at("b")).unwrap();
    let error = folders.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RootMissing, "mount point: {error}");
    assert_eq!(folders.tree("a"), before);
    assert!(folders.tree("b").is_empty());

    fs::remove_dir(folders.at("b")).unwrap();
    folders.rename("elsewhere", "b");
    assert!(folders.sync().await.changed_nothing());
    assert_eq!(folders.tree("b"), before);
}

#[tokio::test]
async fn what_cannot_be_synced_is_told_once_and_the_rest_goes_on() {
    let folders = three_files();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folders.at("a/folder/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    symlink("/etc/passwd", folders.at("a/link")).unwrap();
    let odd = OsStr::from_bytes(b"odd\xff");
    fs::write(folders.at("a").join(odd), "odd").unwrap();

    for run in 0..2 {
        let report = folders.sync().await;
        let mut skipped: Vec<_> = report
            .skipped
            .iter()
            .map(|(side, path, reason)| (*side, path.as_str(), *reason))
            .collect();
        skipped.sort_by_key(|(_, path, _)| (*path).to_owned());
        assert_eq!(
            skipped,
            [
                (Side::Local, "folder/pipe", SkipReason::Special),
                (Side::Local, "link", SkipReason::Symlink),
                (Side::Local, "odd\u{fffd}", SkipReason::NameNotUtf8),
            ],
            "run {run}"
        );
        assert_eq!(report.changed_nothing(), run == 1);
    }
    let arrived: Vec<_> = folders.tree("b").into_keys().collect();
    assert_eq!(arrived, ["folder", "folder/y", "x", "z"]);
    let names: Vec<_> = fs::read_dir(folders.at("a"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_vec())
        .collect();
    assert!(names.contains(&odd.as_bytes().to_vec()), "left alone");
}
