//! Folders, renames, deletes, attributes.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{Attributes, ErrorKind, Kind, Observed};

#[tokio::test]
async fn folders_are_made_once() {
    let place = Place::new().await;
    let attributes = Attributes {
        mode: Some(0o770),
        mtime: None,
    };
    let made = place
        .provider
        .create_folder(&target("a"), attributes)
        .await
        .expect("made");
    assert_eq!(
        (made.kind, made.attributes.mode),
        (Kind::Folder, Some(0o770))
    );
    assert_eq!(made, place.look("a").await);
    let error = place
        .provider
        .create_folder(&target("a"), attributes)
        .await
        .expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let error = place
        .provider
        .create_folder(&target("b/c"), attributes)
        .await
        .expect_err("none");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_rename_tells_the_object_as_it_is_afterwards() {
    let place = Place::new().await;
    place
        .put("a", "one")
        .put("folder/b", "two")
        .put("taken", "x");
    let (at, tag) = (place.at("a").await, place.look("a").await.tag);
    let moved = place
        .provider
        .rename(&at, Some(&tag), &target("folder/c"))
        .await
        .expect("moved");
    assert_eq!(moved.oid, at.oid.clone().expect("oid"));
    assert_eq!(moved.tag, place.look("folder/c").await.tag);

    let at = place.at("folder").await;
    let error = place
        .provider
        .rename(&at, None, &target("taken"))
        .await
        .expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    for into in ["folder/x", "folder/folder"] {
        let error = place
            .provider
            .rename(&at, None, &target(into))
            .await
            .expect_err("into itself");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let inside = place.look("folder/b").await;
    let moved = place
        .provider
        .rename(&at, None, &target("other"))
        .await
        .expect("moved");
    assert_eq!(moved.oid, at.oid.clone().expect("oid"));
    // It is racy for some milliseconds after it was written.
    let after = place.look("other/b").await;
    let racy = inside.racy;
    assert_eq!(Observed { racy, ..after }, inside);
    let same = place
        .provider
        .rename(&place.at("taken").await, None, &target("taken"))
        .await;
    assert_eq!(
        same.expect("its own name").tag,
        place.look("taken").await.tag
    );
    let error = place
        .provider
        .rename(&at, None, &target("gone"))
        .await
        .expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_rename_expects_what_was_seen() {
    let place = Place::new().await;
    place.put("a", "one").put("b", "two");
    let (at, tag) = (place.at("a").await, place.look("a").await.tag);
    place.put("a", "edited");
    let error = place
        .provider
        .rename(&at, Some(&tag), &target("c"))
        .await
        .expect_err("edited");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    let other = ObjectRef::new(at.oid.expect("oid"), "b");
    let error = place
        .provider
        .rename(&other, None, &target("c"))
        .await
        .expect_err("another");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(place.names(""), ["a", "b"]);
}

#[tokio::test]
async fn links_of_one_file_are_two_names() {
    let place = Place::new().await;
    place.put("a", "one");
    fs::hard_link(place.path("a"), place.path("A")).expect("link");
    let error = place
        .provider
        .rename(&place.at("a").await, None, &target("A"))
        .await;
    assert_eq!(error.expect_err("taken").kind(), ErrorKind::AlreadyExists);
    assert_eq!(place.names(""), ["A", "a"]);
}

#[tokio::test]
async fn a_delete_expects_what_was_seen() {
    let place = Place::new().await;
    place.put("a", "one").put("folder/b", "two");
    let (at, tag) = (place.at("a").await, place.look("a").await.tag);
    place.put("a", "edited");
    let error = place
        .provider
        .delete(&at, Kind::File, Some(&tag))
        .await
        .expect_err("edited");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(place.content("a"), "edited");
    let tag = place.look("a").await.tag;
    place
        .provider
        .delete(&at, Kind::File, Some(&tag))
        .await
        .expect("deleted");
    place
        .provider
        .delete(&at, Kind::File, Some(&tag))
        .await
        .expect("gone already");

    let folder = place.at("folder").await;
    let error = place
        .provider
        .delete(&folder, Kind::Folder, None)
        .await
        .expect_err("not empty");
    assert_eq!(error.kind(), ErrorKind::NotEmpty);
    let error = place
        .provider
        .delete(&folder, Kind::File, None)
        .await
        .expect_err("a folder");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    fs::remove_file(place.path("folder/b")).expect("remove");
    place
        .provider
        .delete(&folder, Kind::Folder, None)
        .await
        .expect("deleted");
    assert!(place.names("").is_empty());
    let error = place
        .provider
        .delete(&ObjectRef::root(), Kind::Folder, None)
        .await;
    assert_eq!(error.expect_err("the root").kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_link_is_not_deleted_and_nothing_behind_it() {
    let place = Place::new().await;
    place.put("folder/b", "two");
    let at = place.at("folder").await;
    fs::rename(place.path("folder"), place.path("moved")).expect("rename");
    std::os::unix::fs::symlink("moved", place.path("folder")).expect("link");
    let error = place
        .provider
        .delete(&at, Kind::Folder, None)
        .await
        .expect_err("a link");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    place
        .provider
        .delete(&ObjectRef::at("folder/b"), Kind::File, None)
        .await
        .expect("none there");
    assert_eq!(place.content("moved/b"), "two");
}

#[tokio::test]
async fn attributes_are_set_on_files_and_folders() {
    let place = Place::new().await;
    place.put("a", "one").put("folder/b", "two");
    let tag = place.look("a").await.tag;
    let attributes = Attributes {
        mode: Some(0o600),
        mtime: Some(1_000_000_007),
    };
    let set = place
        .provider
        .set_attributes(&place.at("a").await, Some(&tag), attributes)
        .await;
    let set = set.expect("set");
    assert_eq!(set.attributes, attributes);
    assert_eq!(set, place.look("a").await);
    let error = place
        .provider
        .set_attributes(&place.at("a").await, Some(&tag), attributes)
        .await;
    assert_eq!(
        error.expect_err("another tag").kind(),
        ErrorKind::PreconditionFailed
    );
    let mode = Attributes {
        mode: Some(0o711),
        mtime: None,
    };
    place
        .provider
        .set_attributes(&place.at("folder").await, None, mode)
        .await
        .expect("set");
    let found = fs::metadata(place.path("folder")).expect("metadata");
    assert_eq!(found.permissions().mode() & 0o7777, 0o711);
}

#[tokio::test]
async fn attributes_of_one_link_leave_the_others_alone() {
    let place = Place::new().await;
    place.put("a", "one");
    fs::hard_link(place.path("a"), place.path("b")).expect("link");
    let before = place.look("b").await.attributes;
    for attributes in [
        Attributes {
            mode: Some(0o600),
            mtime: None,
        },
        Attributes {
            mode: None,
            mtime: Some(1_000_000_007),
        },
    ] {
        let tag = place.look("a").await.tag;
        let set = place
            .provider
            .set_attributes(&place.at("a").await, Some(&tag), attributes)
            .await
            .expect("set");
        assert_eq!(set, place.look("a").await);
        assert_eq!(place.look("b").await.attributes, before);
    }
    let set = place.look("a").await.attributes;
    assert_eq!((set.mode, set.mtime), (Some(0o600), Some(1_000_000_007)));
    assert_eq!(place.content("a"), "one");
    assert_eq!(place.content("b"), "one");
}

#[tokio::test]
async fn a_folder_that_may_not_be_read_gets_its_mode_back() {
    let place = Place::new().await;
    place.put("folder/a", "one");
    let folder = fs::File::open(place.path("")).expect("root");
    fs::set_permissions(place.path("folder"), fs::Permissions::from_mode(0o0)).expect("closed");
    let at = place.look("folder").await;
    let looked = super::super::look::look_at(&folder, "folder").expect("look");
    assert_eq!(looked.mode, 0);
    let mode = rustix::fs::Mode::from_raw_mode(0o755);
    super::super::change::chmod_unread(&folder.into(), "folder", &looked, mode).expect("opened");
    assert_eq!(place.look("folder").await.attributes.mode, Some(0o755));
    assert_eq!(place.look("folder").await.oid, at.oid);
}
