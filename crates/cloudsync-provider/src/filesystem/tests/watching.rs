//! Events.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::{Attributes, Cursor, ErrorKind, Event, Kind};

/// A place that is watched.
struct Watched {
    place: Place,
    cursor: Cursor,
}

impl Watched {
    async fn new(place: Place) -> Self {
        let events = place.provider.events(None).await.expect("events");
        assert!(events.events.is_empty());
        Self {
            place,
            cursor: events.cursor.expect("cursor"),
        }
    }

    /// Collects hints until all of `expected` came; returns all that came.
    async fn until(&mut self, expected: &[&str]) -> BTreeSet<String> {
        let mut came = BTreeSet::new();
        let collect = async {
            while !expected.iter().all(|hint| came.contains(*hint)) {
                let events = self
                    .place
                    .provider
                    .events(Some(&self.cursor))
                    .await
                    .expect("events");
                self.cursor = events.cursor.expect("cursor");
                came.extend(events.events.iter().map(shown));
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), collect).await;
        assert!(waited.is_ok(), "{expected:?}, but only {came:?}");
        came
    }

    /// Returns what came, up to a change made last.
    async fn so_far(&mut self) -> BTreeSet<String> {
        self.place.put("last", &format!("{:?}", self.cursor));
        let mut came = self.until(&["last"]).await;
        came.remove("last");
        came
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Changed { path, .. } => path.clone().expect("a path"),
        Event::Lost { path } => format!("lost:{path}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn users_acts_are_told() {
    let place = Place::new().await;
    place
        .put("a", "one")
        .put("x/y/b", "two")
        .put("gone", "")
        .put("mode", "");
    let mut watched = Watched::new(place).await;
    let place = &watched.place;
    place.put("a", "edit").put("x/y/new", "new");
    fs::remove_file(place.path("gone")).expect("remove");
    fs::rename(place.path("x/y/b"), place.path("moved")).expect("rename");
    let mut mode = fs::metadata(place.path("mode"))
        .expect("metadata")
        .permissions();
    mode.set_readonly(true);
    fs::set_permissions(place.path("mode"), mode).expect("mode");
    let came = watched
        .until(&["a", "x/y/new", "gone", "x/y/b", "moved", "mode"])
        .await;
    assert!(
        came.iter().all(|hint| !hint.starts_with("lost")),
        "{came:?}"
    );
}

#[tokio::test]
async fn reading_is_not_told() {
    let place = Place::new().await;
    place.put("a", "one").put("x/b", "two");
    let mut watched = Watched::new(place).await;
    watched.place.walk().await;
    let tag = watched.place.look("a").await.tag;
    let content = watched
        .place
        .provider
        .read(&ObjectRef::at("a"), &tag)
        .await
        .expect("read");
    content.into_bytes().await.expect("bytes");
    assert_eq!(watched.so_far().await, BTreeSet::new());
}

#[tokio::test]
async fn names_of_ours_are_not_told() {
    let place = Place::new().await;
    place.put("a", "one").put("b", "two");
    let mut watched = Watched::new(place).await;
    let place = &watched.place;
    place.write("new", Expect::Free, "x").await.expect("write");
    place
        .write("a", place.unchanged("a").await, "x")
        .await
        .expect("write");
    let tag = place.look("b").await.tag;
    place
        .provider
        .delete(&place.at("b").await, Kind::File, Some(&tag))
        .await
        .expect("delete");
    let came = watched.so_far().await;
    assert_eq!(came, BTreeSet::from(["a", "b", "new"].map(str::to_owned)));
}

#[tokio::test]
async fn a_new_folder_is_watched_and_walked_if_it_has_something() {
    let mut watched = Watched::new(Place::new().await).await;
    let outside = tempfile::tempdir().expect("folder");
    fs::create_dir_all(outside.path().join("in/deep")).expect("folders");
    fs::write(outside.path().join("in/deep/a"), "one").expect("file");
    let place = &watched.place;
    if fs::rename(outside.path().join("in"), place.path("in")).is_err() {
        return; // the temporary folders lie on two file systems
    }
    watched.until(&["in", "lost:in"]).await;
    watched.place.put("in/deep/a", "edit");
    watched.until(&["in/deep/a"]).await;

    watched
        .place
        .provider
        .create_folder(&target("empty"), Attributes::default())
        .await
        .expect("made");
    let came = watched.until(&["empty"]).await;
    assert!(!came.contains("lost:empty"), "{came:?}");
    watched.place.put("empty/b", "one");
    watched.until(&["empty/b"]).await;

    fs::create_dir_all(watched.place.path("n/e/s/t/e/d")).expect("folders");
    watched.place.put("n/e/s/t/e/d/a", "one");
    let came = watched.so_far().await;
    assert!(came.contains("n/e/s/t/e/d/a") || came.iter().any(|hint| hint.starts_with("lost:n")));
    watched.place.put("n/e/s/t/e/d/a", "two");
    watched.until(&["n/e/s/t/e/d/a"]).await;
}

#[tokio::test]
async fn a_moved_folder_is_known_by_its_new_name() {
    let place = Place::new().await;
    place.put("x/y/a", "one").put("z/b", "two");
    let mut watched = Watched::new(place).await;
    let place = &watched.place;
    fs::rename(place.path("x"), place.path("z/moved")).expect("rename");
    place.put("z/moved/y/a", "edit");
    let all = ["x", "z/moved", "lost:z/moved", "z/moved/y/a"];
    let came = watched.until(&all).await;
    assert_eq!(came, all.map(str::to_owned).into());
    fs::rename(watched.place.path("z/moved"), watched.place.path("x")).expect("rename");
    watched.place.put("x/y/c", "new");
    watched.until(&["x/y/c"]).await;

    // Out of the root: nobody hears of it any more.
    let outside = tempfile::tempdir().expect("folder");
    if fs::rename(watched.place.path("x"), outside.path().join("x")).is_ok() {
        fs::write(outside.path().join("x/y/a"), "outside").expect("write");
        assert_eq!(watched.so_far().await, BTreeSet::from(["x".to_owned()]));
    }
}

#[tokio::test]
async fn folders_that_change_places_are_not_mixed_up() {
    let place = Place::new().await;
    place.put("a/1", "one").put("b/2", "two");
    let mut watched = Watched::new(place).await;
    let place = &watched.place;
    let (a, b) = (place.path("a"), place.path("b"));
    let flag = rustix::fs::RenameFlags::EXCHANGE;
    if rustix::fs::renameat_with(rustix::fs::CWD, a, rustix::fs::CWD, b, flag).is_ok() {
        watched.until(&["a", "b"]).await;
        watched.place.put("a/2", "edit").put("b/1", "edit");
        watched.until(&["a/2", "b/1"]).await;
    }
}

#[tokio::test]
async fn a_dropped_call_loses_nothing() {
    let mut watched = Watched::new(Place::new().await).await;
    watched.place.put("a", "one");
    for _ in 0..20 {
        let events = watched.place.provider.events(Some(&watched.cursor));
        let _ = tokio::time::timeout(Duration::from_millis(3), events).await;
    }
    watched.until(&["a"]).await;
}

#[tokio::test]
async fn a_cursor_ends_with_its_watcher() {
    let watched = Watched::new(Place::new().await).await;
    let provider = &watched.place.provider;
    let waiting = provider.events(Some(&watched.cursor));
    let stop = async {
        tokio::task::yield_now().await;
        provider.disconnect().await;
    };
    let (error, ()) = futures::join!(waiting, stop);
    assert_eq!(error.expect_err("stopped").kind(), ErrorKind::CursorExpired);
    provider.reconnect().await.expect("reconnect");
    let error = provider
        .events(Some(&watched.cursor))
        .await
        .expect_err("old");
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
    let cursor = provider
        .events(None)
        .await
        .expect("events")
        .cursor
        .expect("cursor");
    let error = provider
        .events(Some(&watched.cursor))
        .await
        .expect_err("old");
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
    watched.place.put("a", "one");
    let events = provider.events(Some(&cursor)).await.expect("events");
    assert!(!events.events.is_empty());
}

/// Returns what a watcher says at last, after a user did something to the root.
async fn last_word(act: impl FnOnce(&std::path::Path)) -> (ErrorKind, BTreeSet<String>) {
    let outside = tempfile::tempdir().expect("folder");
    let root = outside.path().join("root");
    fs::create_dir_all(root.join("sub")).expect("root");
    let provider = FileProvider::new();
    provider
        .set_root(root.to_str(), None, false)
        .await
        .expect("root");
    let mut cursor = provider.events(None).await.expect("events").cursor;
    act(&root);
    let mut came = BTreeSet::new();
    let listen = async {
        loop {
            match provider.events(cursor.as_ref()).await {
                Ok(events) => {
                    came.extend(events.events.iter().map(shown));
                    cursor = events.cursor;
                }
                Err(error) => break error.kind(),
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), listen).await;
    let kind = waited.expect("the end is told");
    // It is back: so is the watcher.
    if root.exists() {
        provider.set_root(None, None, false).await.expect("root");
        let cursor = provider.events(None).await.expect("events").cursor;
        fs::write(root.join("later"), "").expect("file");
        let events = provider.events(cursor.as_ref()).await.expect("events");
        assert!(events.events.iter().map(shown).any(|path| path == "later"));
    }
    (kind, came)
}

#[tokio::test]
async fn a_root_that_is_moved_away_is_missing_at_once() {
    let (kind, came) = last_word(|root| {
        fs::write(root.join("sub/before"), "").expect("file");
        fs::rename(root, root.with_extension("away")).expect("move");
    })
    .await;
    assert_eq!(kind, ErrorKind::RootMissing);
    assert!(came.contains("sub/before"), "{came:?}");
}

#[tokio::test]
async fn a_root_that_is_deleted_is_missing_at_once() {
    let (kind, _) = last_word(|root| fs::remove_dir_all(root).expect("remove")).await;
    assert_eq!(kind, ErrorKind::RootMissing);
}

#[tokio::test]
async fn a_root_that_is_back_can_be_watched_again() {
    let (kind, _) = last_word(|root| {
        let away = root.with_extension("away");
        fs::rename(root, &away).expect("move");
        fs::rename(&away, root).expect("move back");
    })
    .await;
    assert_eq!(kind, ErrorKind::RootMissing);
}

#[tokio::test]
async fn what_happens_beside_the_root_is_nothing() {
    let outside = tempfile::tempdir().expect("folder");
    let root = outside.path().join("root");
    fs::create_dir(&root).expect("root");
    fs::create_dir(outside.path().join("rooty")).expect("folder");
    let provider = FileProvider::new();
    provider
        .set_root(root.to_str(), None, false)
        .await
        .expect("root");
    let cursor = provider.events(None).await.expect("events").cursor;
    fs::rename(outside.path().join("rooty"), outside.path().join("other")).expect("move");
    fs::remove_dir(outside.path().join("other")).expect("remove");
    fs::write(root.join("a"), "").expect("file");
    let events = provider.events(cursor.as_ref()).await.expect("events");
    let came: BTreeSet<_> = events.events.iter().map(shown).collect();
    assert_eq!(came, BTreeSet::from(["a".to_owned()]));
}
