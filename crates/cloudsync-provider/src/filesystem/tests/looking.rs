//! Identity, listings, walks, reading.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use bytes::Bytes;

use super::*;
use crate::{Credentials, End, ErrorKind, HashKind, Hasher, Kind, Observed, SkipReason, Tag};

#[tokio::test]
async fn every_call_tells_the_same_tag_and_oid() {
    let place = Place::new().await;
    let written = place
        .write("a", Expect::Free, "one")
        .await
        .expect("write")
        .observed;
    let listing = place.list("").await;
    let (name, listed) = listing.iter().next().expect("listed");
    assert_eq!(
        (name, &listed.tag, &listed.oid),
        ("a", &written.tag, &written.oid)
    );
    assert_eq!(place.look("a").await.tag, written.tag);
    let walked = place.walk().await;
    assert_eq!(walked[0].iter().next().expect("walked").1.tag, written.tag);
    assert!(written.tag.as_bytes().len() <= 22 && written.oid.as_bytes().len() <= 22);
}

#[tokio::test]
async fn a_move_keeps_the_oid_and_an_edit_changes_the_tag() {
    let place = Place::new().await;
    place.put("a", "one").put("folder/b", "two");
    let before = place.look("a").await;
    fs::rename(place.path("a"), place.path("folder/a")).expect("rename");
    let moved = place.look("folder/a").await;
    assert_eq!(moved.oid, before.oid);
    place.put("folder/a", "eno");
    let edited = place.look("folder/a").await;
    assert_eq!(edited.oid, before.oid);
    assert_ne!(edited.tag, moved.tag);

    let inside = place.look("folder/b").await;
    fs::rename(place.path("folder"), place.path("other")).expect("rename");
    // It is racy for some milliseconds after it was written.
    let after = place.look("other/b").await;
    let racy = inside.racy;
    assert_eq!(Observed { racy, ..after }, inside);
}

#[tokio::test]
async fn a_new_object_on_an_old_inode_is_another() {
    let place = Place::new().await;
    let mut oids = HashSet::new();
    for _ in 0..20 {
        place.put("a", "one");
        assert!(oids.insert(place.look("a").await.oid));
        fs::remove_file(place.path("a")).expect("remove");
    }
}

#[tokio::test]
async fn what_is_left_alone_is_skipped_with_its_reason() {
    let place = Place::new().await;
    place.put("a", "one").put("folder/b", "two");
    symlink("folder", place.path("link")).expect("link");
    symlink("nowhere", place.path("dangling")).expect("link");
    let pipe = rustix::fs::mknodat(
        rustix::fs::CWD,
        place.path("pipe"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    );
    pipe.expect("pipe");
    fs::write(place.folder.path().join(OsStr::from_bytes(b"bad\xff")), "x").expect("write");

    let listing = place.list("").await;
    assert_eq!(listing.end, End::Complete);
    assert_eq!(names(&listing), ["a", "folder"]);
    let mut skipped: Vec<_> = listing
        .skipped
        .iter()
        .map(|skipped| (skipped.name.as_str(), skipped.reason))
        .collect();
    skipped.sort_unstable();
    assert_eq!(
        skipped,
        [
            ("bad\u{fffd}", SkipReason::NameNotUtf8),
            ("dangling", SkipReason::Symlink),
            ("link", SkipReason::Symlink),
            ("pipe", SkipReason::Special),
        ]
    );
    let walked = place.walk().await;
    assert_eq!(walked.len(), 2, "links are not walked into");

    let found = place
        .provider
        .info(&ObjectRef::at("link"))
        .await
        .expect("info")
        .expect("there");
    assert_eq!(found.observed, None);
    assert_eq!(
        place
            .provider
            .info(&ObjectRef::at("link/b"))
            .await
            .expect("info"),
        None
    );
    let error = place
        .provider
        .list(&ObjectRef::at("link"), None)
        .await
        .expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = place
        .write("link/new", Expect::Free, "x")
        .await
        .expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(place.names("folder"), ["b"]);
}

#[tokio::test]
async fn a_link_as_root_is_followed_once() {
    let place = Place::new().await;
    place.put("folder/a", "one");
    symlink("folder", place.path("link")).expect("link");
    let provider = FileProvider::new();
    let path = place.path("link");
    provider
        .set_root(path.to_str(), None, false)
        .await
        .expect("root");
    let found = provider
        .info(&ObjectRef::at("a"))
        .await
        .expect("info")
        .expect("there");
    let tag = found.observed.expect("a file").tag;
    let content = provider
        .read(&ObjectRef::at("a"), &tag)
        .await
        .expect("read");
    assert_eq!(&content.into_bytes().await.expect("bytes")[..], b"one");
}

#[tokio::test]
async fn mount_points_are_skipped() {
    let provider = FileProvider::new().sweeping(false);
    provider
        .set_root(Some("/"), None, false)
        .await
        .expect("root");
    let (listing, _) = provider.list(&ObjectRef::root(), None).await.expect("list");
    let proc = listing
        .skipped
        .iter()
        .find(|skipped| skipped.name == "proc")
        .expect("/proc");
    assert_eq!(proc.reason, SkipReason::MountPoint);
    assert_eq!(
        provider
            .info(&ObjectRef::at("proc/version"))
            .await
            .expect("info"),
        None
    );
}

#[tokio::test]
async fn an_unreadable_folder_ends_nothing() {
    if rustix::process::geteuid().is_root() {
        return; // to root, nothing is unreadable
    }
    let place = Place::new().await;
    place
        .put("closed/a", "one")
        .put("open/b", "two")
        .put("file", "three");
    let set = |name: &str, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).expect(name);
    };
    set("closed", 0o000);
    set("file", 0o000);
    let walked = place.walk().await;
    set("closed", 0o755);
    let end = |path: &str| {
        walked
            .iter()
            .find(|listing| listing.folder.path == path)
            .expect(path)
            .end
    };
    assert_eq!(
        (end(""), end("closed"), end("open")),
        (End::Complete, End::Partial, End::Complete)
    );
    let tag = place.look("file").await.tag;
    let error = place
        .provider
        .read(&ObjectRef::at("file"), &tag)
        .await
        .expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_meets_everything_once_and_folders_first() {
    let place = Place::new().await;
    for folder in 0..200 {
        let path = place.path(&format!("{}/{folder}", folder % 7));
        fs::create_dir_all(&path).expect("folder");
        for file in 0..100 {
            fs::write(path.join(file.to_string()), "").expect("file");
        }
    }
    for _ in 0..5 {
        let walked = place.walk().await;
        assert_eq!(walked.len(), 1 + 7 + 200);
        let mut known = HashSet::from([String::new()]);
        let mut files = 0;
        for listing in &walked {
            assert_eq!(listing.end, End::Complete);
            let path = &listing.folder.path;
            assert!(known.remove(path), "{path} before its parent, or twice");
            for (name, observed) in listing.iter() {
                match observed.kind {
                    Kind::File => files += 1,
                    Kind::Folder => {
                        known.insert(super::super::names::join(path, name));
                    }
                }
            }
        }
        assert_eq!((files, known.len()), (20_000, 0));
    }
}

#[tokio::test]
async fn depth_and_width_hold_no_handles() {
    let place = Place::new().await;
    let mut deep = rustix::fs::open(
        place.folder.path(),
        rustix::fs::OFlags::PATH,
        rustix::fs::Mode::empty(),
    )
    .expect("open");
    let name = "a-folder-with-a-long-name";
    for _ in 0..1_500 {
        rustix::fs::mkdirat(&deep, name, 0o755.into()).expect("folder");
        deep = rustix::fs::openat(&deep, name, rustix::fs::OFlags::PATH, 0.into()).expect("open");
    }
    for folder in 0..3_000 {
        fs::create_dir_all(place.path(&format!("wide/{folder}/x"))).expect("folder");
    }
    let walked = place.walk().await;
    assert_eq!(walked.len(), 1 + 1_500 + 1 + 6_000);
    assert!(walked.iter().all(|listing| listing.end == End::Complete));

    // A path that no single call can take.
    let path = vec![name; 1_500].join("/");
    let written = place
        .write(&format!("{path}/file"), Expect::Free, "deep")
        .await
        .expect("write");
    let at = ObjectRef::at(format!("{path}/file"));
    let content = place
        .provider
        .read(&at, &written.observed.tag)
        .await
        .expect("read");
    assert_eq!(&content.into_bytes().await.expect("bytes")[..], b"deep");
    place.provider.flush().await.expect("flush");
}

/// Reads all of a file. What is wrong with it shows when its content is taken.
async fn read(place: &Place, at: &ObjectRef, tag: &Tag) -> Result<Bytes> {
    place.provider.read(at, tag).await?.into_bytes().await
}

#[tokio::test]
async fn reading_tells_when_the_file_changed() {
    let place = Place::new().await;
    let long = "x".repeat(1_000_000);
    place.put("a", &long).put("empty", "");
    let at = place.at("a").await;
    let tag = place.look("a").await.tag;
    let hash = place
        .provider
        .hash(&at, &tag, HashKind::Sha256)
        .await
        .expect("hash");
    assert_eq!(hash, Hasher::hash(HashKind::Sha256, long.as_bytes()));

    let mut chunks = place
        .provider
        .read(&at, &tag)
        .await
        .expect("read")
        .into_stream();
    assert!(chunks.try_next().await.expect("chunk").is_some());
    place.put("a", "y");
    let rest: Result<Vec<_>> = chunks.try_collect().await;
    assert_eq!(rest.expect_err("changed").kind(), ErrorKind::SourceChanged);
    let error = read(&place, &at, &tag).await.expect_err("changed");
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    let error = place
        .provider
        .hash(&at, &tag, HashKind::Md5)
        .await
        .expect_err("changed");
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    let nothing = ObjectRef::at("no");
    let error = read(&place, &nothing, &tag).await.expect_err("nothing");
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let tag = place.look("empty").await.tag;
    let content = place
        .provider
        .read(&ObjectRef::at("empty"), &tag)
        .await
        .expect("read");
    assert_eq!(
        content
            .into_stream()
            .try_collect::<Vec<_>>()
            .await
            .expect("chunks")
            .len(),
        0
    );
}

#[tokio::test]
async fn a_root_that_is_gone_or_another_is_told() {
    let place = Place::new().await;
    let path = place.path("root");
    fs::create_dir(&path).expect("folder");
    let provider = FileProvider::new();
    let before = provider
        .set_root(path.to_str(), None, false)
        .await
        .expect("root");
    assert_eq!(provider.root().await.expect("root"), before);
    fs::rename(&path, place.path("away")).expect("rename");
    assert_eq!(
        provider.root().await.expect_err("gone").kind(),
        ErrorKind::RootMissing
    );
    fs::write(&path, "").expect("file");
    assert_eq!(
        provider.root().await.expect_err("a file").kind(),
        ErrorKind::RootMissing
    );
    fs::remove_file(&path).expect("remove");
    fs::create_dir(&path).expect("folder");
    assert_ne!(
        provider.root().await.expect("root").identity,
        before.identity
    );
    fs::remove_dir(&path).expect("remove");
    fs::rename(place.path("away"), &path).expect("rename");
    assert_eq!(provider.root().await.expect("root"), before);

    let again = provider
        .set_root(path.to_str(), Some(&before.oid), true)
        .await
        .expect("again");
    assert_eq!(again, before);
    let other = place.folder.path().to_str();
    let error = provider
        .set_root(other, None, false)
        .await
        .expect_err("another");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = provider
        .set_root(other, Some(&before.oid), false)
        .await
        .expect_err("another");
    assert_eq!(error.kind(), ErrorKind::RootMissing);
}

#[tokio::test]
async fn set_root_makes_folders_only_if_asked() {
    let place = Place::new().await;
    let provider = FileProvider::new();
    let path = place.path("a/b");
    let error = provider
        .set_root(path.to_str(), None, false)
        .await
        .expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::RootMissing);
    provider
        .set_root(path.to_str(), None, true)
        .await
        .expect("made");
    assert!(path.is_dir());
    let file = place.put("file", "").path("file/x");
    let error = FileProvider::new()
        .set_root(file.to_str(), None, true)
        .await
        .expect_err("file");
    assert_eq!(error.kind(), ErrorKind::RootMissing);
}

#[tokio::test]
async fn nothing_answers_after_disconnecting() {
    let place = Place::new().await;
    let first = place
        .provider
        .connect(&Credentials::default())
        .await
        .expect("connect");
    assert_eq!(place.provider.connection(), Some(first.clone()));
    place.provider.disconnect().await;
    assert_eq!(place.provider.connection(), None);
    let error = place
        .provider
        .info(&ObjectRef::root())
        .await
        .expect_err("disconnected");
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    let error = place
        .write("a", Expect::Free, "")
        .await
        .expect_err("disconnected");
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    let walked: Result<Vec<_>> = place.provider.walk(ObjectRef::root()).try_collect().await;
    assert_eq!(
        walked.expect_err("disconnected").kind(),
        ErrorKind::Disconnected
    );
    assert_eq!(place.provider.reconnect().await.expect("reconnect"), first);
    place.provider.info(&ObjectRef::root()).await.expect("info");
}

#[tokio::test]
async fn info_tells_what_stands_at_the_path_now() {
    let place = Place::new().await;
    place.put("folder/a", "one");
    let root = place
        .provider
        .info(&ObjectRef::root())
        .await
        .expect("info")
        .expect("root");
    assert_eq!(root.observed.expect("folder").kind, Kind::Folder);
    let stale = ObjectRef::new(place.look("folder").await.oid, "folder/a");
    let found = place
        .provider
        .info(&stale)
        .await
        .expect("info")
        .expect("there");
    assert_eq!(found.name, "a");
    assert_eq!(found.folder, Some(place.look("folder").await.oid));
    for path in ["no", "no/no", "folder/a/x", &"n".repeat(255)] {
        assert_eq!(
            place.provider.info(&ObjectRef::at(path)).await.expect(path),
            None
        );
    }
    let error = place
        .provider
        .info(&ObjectRef::at("../x"))
        .await
        .expect_err("outside");
    assert_eq!(error.kind(), ErrorKind::NameRejected);
    let error = place.provider.list(&stale, None).await.expect_err("a file");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let other = ObjectRef::new(place.look("folder/a").await.oid, "folder");
    let error = place
        .provider
        .list(&other, None)
        .await
        .expect_err("another folder");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn fresh_files_are_racy_and_old_ones_are_not() {
    let place = Place::new().await;
    place.put("a", "one");
    assert!(place.look("a").await.racy);
    let file = fs::File::options()
        .write(true)
        .open(place.path("a"))
        .expect("open");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .expect("mtime");
    let found = place.look("a").await;
    assert!(!found.racy);
    assert_eq!(found.attributes.mtime, Some(0));
    assert_ne!(found.tag, Tag::default());
}
