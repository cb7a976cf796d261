//! What a builder refuses.

use std::sync::Arc;

use cloudsync::provider::mock::MockService;
use cloudsync::provider::registry::Created;
use cloudsync::{CloudSync, ErrorKind, Provider, Side, Stop};

use crate::world::World;

fn client() -> Arc<dyn Provider> {
    Arc::new(MockService::default().client())
}

#[tokio::test]
async fn a_provider_needs_a_root_or_a_translation() {
    let error = CloudSync::builder(client(), client())
        .build()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::Invalid, Some(Side::Local))
    );
    let translated = CloudSync::builder(client(), client())
        .translate("same", |_, path| Some(path.to_owned()))
        .build()
        .await;
    assert!(translated.is_ok());
}

#[tokio::test]
async fn a_provider_belongs_to_one_pair_until_that_is_dropped() {
    let (shared, other) = (client(), client());
    let pair = CloudSync::builder(shared.clone(), other)
        .roots("/", "/")
        .build()
        .await
        .unwrap();
    let again = || {
        CloudSync::builder(client(), shared.clone())
            .roots("/", "/")
            .build()
    };
    let error = again().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::Locked, Some(Side::Remote))
    );

    pair.stop(Stop::Forever).await;
    let second = again().await.unwrap();
    drop(second);
    tokio::task::yield_now().await;
    assert!(again().await.is_ok());

    let twice = CloudSync::builder(shared.clone(), shared)
        .roots("/a", "/b")
        .build()
        .await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn folders_in_one_another_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("not/yet");
    for (local, remote) in [(folder.path(), &*inner), (&*inner, folder.path())] {
        let error = CloudSync::builder(local, remote).build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let link = folder.path().join("link");
    let (target, other) = (folder.path().join("target"), tempfile::tempdir().unwrap());
    std::fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let same = CloudSync::builder(&*target, &*link).build().await;
    assert_eq!(same.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(
        CloudSync::builder(&*target, other.path())
            .build()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn locations_that_say_nothing_are_refused() {
    for (local, remote) in [
        ("", "memory:x"),
        ("gdrive:/a", "memory:x"),
        ("memory:x", "memory:x"),
    ] {
        let error = CloudSync::builder(local, remote).build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{local} {remote}");
    }
}

#[tokio::test]
async fn a_state_file_belongs_to_one_pair() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.sqlite");
    let world = World::new();
    let pair = world.builder().state_file(&state).build().await.unwrap();
    let error = world
        .builder()
        .state_file(&state)
        .build()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(!pair.storage_label().is_empty());
}

#[tokio::test]
async fn a_location_may_name_a_provider_of_the_application() {
    let service = MockService::default();
    service.user().write("/top/file", "one").unwrap();
    let registry = {
        let service = service.clone();
        cloudsync::registry().with("mine", move |_, rest| {
            Ok(Created::new(service.client(), rest))
        })
    };
    let pair = CloudSync::builder("mine:/top", "memory:of-an-application")
        .registry(registry)
        .build()
        .await
        .unwrap();
    pair.run_once().await.unwrap();
    assert!(cloudsync::memory("of-an-application").user().exists("file"));

    let built = CloudSync::builder("mine:/top", "memory:other")
        .build()
        .await;
    let error = built.unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::Invalid, Some(Side::Local))
    );
}
