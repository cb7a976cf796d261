//! What tests can do with the mock beyond what a provider promises: faults, chance, users.

use std::time::Duration;

use bytes::Bytes;

use cloudsync_provider::mock::{
    Call, EventConfig, EventShape, Fault, FaultRates, MockConfig, MockProvider, MockService, Node,
};
use cloudsync_provider::{
    Attributes, Content, Credentials, End, ErrorKind, Event, Expect, Feed, Kind, ObjectRef,
    Provider, Result, SkipReason, Target, WriteRequest, Written,
};

async fn client(service: &MockService) -> MockProvider {
    let client = service.client();
    client
        .connect(&Credentials::default())
        .await
        .expect("connects");
    client
        .set_root(Some("/"), None, false)
        .await
        .expect("the root is there");
    client
}

fn target(name: &str) -> Target {
    Target {
        folder: ObjectRef::root(),
        name: name.into(),
    }
}

async fn write(client: &MockProvider, name: &str, expect: Expect) -> Result<Written> {
    let content = Content::Bytes(Bytes::from_static(b"ours"));
    client
        .write(WriteRequest::new(target(name), expect, content, 4))
        .await
}

async fn tag(client: &MockProvider, path: &str) -> (ObjectRef, cloudsync_provider::Tag) {
    let found = client
        .info(&ObjectRef::at(path))
        .await
        .expect("answers")
        .expect("is there");
    let observed = found.observed.expect("is a file");
    (ObjectRef::new(observed.oid, path), observed.tag)
}

#[tokio::test]
async fn failures_come_as_often_as_told() {
    let service = MockService::default();
    let client = client(&service).await;
    client
        .faults()
        .fail_times(Call::Write, ErrorKind::RateLimited, 2);
    for _ in 0..2 {
        let error = write(&client, "a", Expect::Free)
            .await
            .expect_err("as told");
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
    write(&client, "a", Expect::Free).await.expect("no more");
    client
        .faults()
        .fail_always(Call::List, Some("d"), ErrorKind::PermissionDenied);
    service.user().mkdir("d").expect("free");
    for _ in 0..3 {
        let error = client
            .list(&ObjectRef::at("d"), None)
            .await
            .expect_err("as told");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        client
            .list(&ObjectRef::root(), None)
            .await
            .expect("another folder");
    }
    client.faults().clear();
    client
        .list(&ObjectRef::at("d"), None)
        .await
        .expect("cleared");
}

#[tokio::test]
async fn lost_reply_leaves_the_change_done() {
    let service = MockService::default();
    let client = client(&service).await;
    client.faults().lose_next_reply(Call::Write);
    let error = write(&client, "a", Expect::Free)
        .await
        .expect_err("the reply is lost");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(service.user().read("a").as_deref(), Some(&b"ours"[..]));
}

#[tokio::test]
async fn user_acts_between_check_and_change() {
    // With conditional changes, the user's edit refuses ours; without, it is written over.
    for (conditional, refused, left) in [(true, true, &b"user's"[..]), (false, false, b"ours")] {
        let service = MockService::new(MockConfig {
            conditional_change: conditional,
            ..MockConfig::default()
        });
        let client = client(&service).await;
        service.user().write("a", "old").expect("free");
        let (at, tag) = tag(&client, "a").await;
        client.faults().before_next_change(|user| {
            user.write("a", "user's").expect("the user may");
        });
        let answer = write(&client, "a", Expect::Unchanged { oid: at.oid, tag }).await;
        assert_eq!(answer.is_err(), refused);
        assert_eq!(service.user().read("a").as_deref(), Some(left));
    }
}

#[tokio::test]
async fn listing_that_is_cut_is_not_complete() {
    let service = MockService::default();
    let client = client(&service).await;
    for name in ["a", "b", "c", "d"] {
        service.user().write(name, "x").expect("free");
    }
    client
        .faults()
        .add(Some(Call::List), None, Fault::CutListing, Some(1));
    let (listing, next) = client
        .list(&ObjectRef::root(), None)
        .await
        .expect("answers");
    assert_eq!((listing.len(), listing.end, next), (2, End::Partial, None));
    let (listing, _) = client
        .list(&ObjectRef::root(), None)
        .await
        .expect("answers");
    assert_eq!((listing.len(), listing.end), (4, End::Complete));
}

#[tokio::test]
async fn reads_break_off_or_are_spoilt() {
    let service = MockService::default();
    let client = client(&service).await;
    service.user().write("a", "content").expect("free");
    let (at, tag) = tag(&client, "a").await;
    client
        .faults()
        .add(Some(Call::Read), None, Fault::CutRead, Some(1));
    let content = client.read(&at, &tag).await.expect("starts");
    assert_eq!(
        content.into_bytes().await.expect_err("cut").kind(),
        ErrorKind::Unavailable
    );
    client
        .faults()
        .add(Some(Call::Read), None, Fault::SpoilRead, Some(1));
    let content = client
        .read(&at, &tag)
        .await
        .expect("starts")
        .into_bytes()
        .await;
    let content = content.expect("no error");
    assert_ne!(content, "content");
    assert_eq!(content.len(), 7);
}

#[tokio::test]
async fn connection_breaks_and_tokens_go_bad() {
    let service = MockService::default();
    let client = client(&service).await;
    client.faults().add(None, None, Fault::Disconnect, Some(1));
    let kind = |answer: Result<_>| answer.expect_err("fails").kind();
    assert_eq!(kind(client.root().await), ErrorKind::Disconnected);
    assert_eq!(kind(client.root().await), ErrorKind::Disconnected);
    assert_eq!(client.connection(), None);
    client.reconnect().await.expect("the service is there");
    service.set_tokens_good(false);
    assert_eq!(kind(client.root().await), ErrorKind::Token);
    client.authenticate().await.expect("someone signs in");
    client.root().await.expect("signed in");
    service.set_online(false);
    assert_eq!(kind(client.root().await), ErrorKind::Disconnected);
    assert_eq!(
        client.reconnect().await.expect_err("off").kind(),
        ErrorKind::Disconnected
    );
    service.set_online(true);
    client.reconnect().await.expect("on again");
}

#[tokio::test]
async fn log_counts_what_was_asked() {
    let service = MockService::default();
    let client = client(&service).await;
    service.user().write("a", "12345").expect("free");
    let (at, tag) = tag(&client, "a").await;
    client.take_log();
    let read = client.read(&at, &tag).await.expect("starts");
    read.into_bytes().await.expect("reads");
    client
        .rename(&at, Some(&tag), &target("b"))
        .await
        .expect("free");
    let log = client.take_log();
    assert_eq!((log.count(Call::Rename), log.count(Call::Write)), (1, 0));
    assert_eq!((log.read_bytes(), log.written_bytes()), (5, 0));
    let operations: Vec<_> = log
        .operations()
        .map(|called| called.path.as_str())
        .collect();
    assert_eq!(operations, ["a"]);
    write(&client, "c", Expect::Free).await.expect("free");
    assert_eq!(client.log().written_bytes(), 4);
}

/// A history with much chance in it, as text.
async fn history(seed: u64) -> String {
    let mut config = MockConfig::hostile(seed);
    config.rates = FaultRates {
        fail: 100,
        lost_reply: 100,
        disconnect: 20,
        ..FaultRates::default()
    };
    config.latency = Duration::from_millis(10);
    config.latency_jitter = Duration::from_millis(30);
    let service = MockService::new(config);
    let client = service.client();
    let mut lines = Vec::new();
    while client.connect(&Credentials::default()).await.is_err() {}
    while client.set_root(Some("/"), None, false).await.is_err() {
        let _ = client.reconnect().await;
    }
    let mut cursor = None;
    for number in 0..60 {
        let answer = write(&client, &format!("a{number}"), Expect::Free).await;
        lines.push(format!("{answer:?}"));
        service
            .user()
            .write(&format!("u/{number}"), "x")
            .expect("free");
        match client.events(cursor.as_ref()).await {
            Ok(events) => {
                lines.push(format!("{:?}", events.events));
                cursor = events.cursor;
            }
            Err(error) => {
                lines.push(format!("{error:?}"));
                let _ = client.reconnect().await;
            }
        }
    }
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn same_seed_is_the_same_history() {
    let first = history(1).await;
    assert_eq!(first, history(1).await);
    assert_ne!(first, history(2).await);
    assert!(
        first.contains("Unavailable") && first.contains("Changed"),
        "{first}"
    );
}

#[tokio::test(start_paused = true)]
async fn events_are_late_and_healing_tells_them() {
    let events = EventConfig {
        delay: Duration::from_hours(1),
        ..EventConfig::default()
    };
    let service = MockService::new(MockConfig {
        events,
        ..MockConfig::default()
    });
    let client = client(&service).await;
    let cursor = client
        .events(None)
        .await
        .expect("starts")
        .cursor
        .expect("a cursor");
    service.user().write("a", "x").expect("free");
    let told = client.events(Some(&cursor)).await.expect("answers");
    assert_eq!(told.events, [], "told too early");
    service.heal();
    let told = client.events(Some(&cursor)).await.expect("answers");
    assert_eq!(told.events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_told_by_paths_alone_is_told_at_both() {
    let events = EventConfig {
        shape: EventShape::PathOnly,
        ..EventConfig::default()
    };
    let service = MockService::new(MockConfig {
        events,
        ..MockConfig::default()
    });
    let client = client(&service).await;
    service.user().write("a", "x").expect("free");
    let cursor = client.events(None).await.expect("starts").cursor;
    service.user().rename("a", "b").expect("free");
    let told = client.events(cursor.as_ref()).await.expect("answers");
    let at = |path: &str| Event::Changed {
        oid: None,
        path: Some(path.to_owned()),
    };
    assert_eq!(told.events, [at("a"), at("b")]);
}

#[tokio::test(start_paused = true)]
async fn deleting_a_folder_may_tell_of_nothing_in_it() {
    for (children, count) in [(true, 3), (false, 1)] {
        let events = EventConfig {
            children_of_deleted: children,
            ..EventConfig::default()
        };
        let service = MockService::new(MockConfig {
            events,
            ..MockConfig::default()
        });
        let client = client(&service).await;
        service.user().write("d/e/a", "x").expect("free");
        let cursor = client.events(None).await.expect("starts").cursor;
        service.user().delete("d").expect("is there");
        let told = client.events(cursor.as_ref()).await.expect("answers");
        assert_eq!(told.events.len(), count, "{:?}", told.events);
    }
}

#[tokio::test(start_paused = true)]
async fn moving_out_of_the_root_is_told_and_outside_is_not() {
    let service = MockService::default();
    let user = service.user();
    user.write("root/a", "x").expect("free");
    user.write("other/b", "x").expect("free");
    let client = service.client();
    client
        .connect(&Credentials::default())
        .await
        .expect("connects");
    client
        .set_root(Some("/root"), None, false)
        .await
        .expect("is there");
    let (at, tag) = tag(&client, "a").await;
    let cursor = client.events(None).await.expect("starts").cursor;
    user.write("other/c", "x").expect("free");
    user.rename("root/a", "other/a").expect("free");
    let told = client
        .events(cursor.as_ref())
        .await
        .expect("answers")
        .events;
    assert_eq!(
        told,
        [Event::Changed {
            oid: at.oid.clone(),
            path: Some("a".into())
        }]
    );
    // It is found by id, and no longer changed through this root.
    let found = client
        .info(&at)
        .await
        .expect("answers")
        .expect("is somewhere");
    let folder = found.folder.expect("a folder");
    assert_eq!(Some(folder), service.user().oid("other"));
    let error = client
        .delete(&at, Kind::File, Some(&tag))
        .await
        .expect_err("outside");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn volatile_cursor_dies_with_the_connection() {
    let service = MockService::new(MockConfig {
        feed: Feed::Volatile,
        ..MockConfig::default()
    });
    let client = client(&service).await;
    let cursor = client.events(None).await.expect("starts").cursor;
    client.reconnect().await.expect("connects");
    let error = client
        .events(cursor.as_ref())
        .await
        .expect_err("another session");
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn user_sees_and_does_everything() {
    let service = MockService::default();
    let user = service.user();
    user.write("d/a", "1").expect("free");
    user.put_skipped("d/link", SkipReason::Symlink)
        .expect("free");
    user.mkdir("e/f").expect("free");
    let oid = user.oid("d/a");
    user.rename("d", "e/d").expect("free");
    assert_eq!(user.oid("e/d/a"), oid);
    user.write("new", "2").expect("free");
    let new = user.oid("new");
    user.replace("new", "e/d/a").expect("over a file");
    assert_eq!(user.oid("e/d/a"), new);
    let before = user.tag("e/d/a");
    user.touch("e/d/a").expect("is there");
    assert_ne!(user.tag("e/d/a"), before);
    let tree = user.tree();
    let right = [
        ("e", Node::Folder),
        ("e/d", Node::Folder),
        ("e/d/a", Node::File(Bytes::from_static(b"2"))),
        ("e/d/link", Node::Skipped(SkipReason::Symlink)),
        ("e/f", Node::Folder),
    ];
    assert_eq!(
        tree,
        right.map(|(path, node)| (path.to_owned(), node)).into()
    );
    assert_eq!(service.user_at("e/d").read("a").as_deref(), Some(&b"2"[..]));
    assert!(user.rename("e", "e/d/e").is_err(), "a folder into itself");
    user.delete("e").expect("is there");
    assert!(user.tree().is_empty());
    assert_eq!(service.used_bytes(), 0);
}

#[tokio::test]
async fn skipped_objects_hold_their_place() {
    let service = MockService::default();
    let client = client(&service).await;
    service
        .user()
        .put_skipped("link", SkipReason::Symlink)
        .expect("free");
    let (listing, _) = client
        .list(&ObjectRef::root(), None)
        .await
        .expect("answers");
    assert_eq!((listing.len(), listing.skipped.len()), (0, 1));
    let found = client
        .info(&ObjectRef::at("link"))
        .await
        .expect("answers")
        .expect("is there");
    assert_eq!(found.observed, None);
    let error = write(&client, "link", Expect::Free)
        .await
        .expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let folder = client
        .create_folder(&target("link"), Attributes::default())
        .await;
    assert_eq!(folder.expect_err("taken").kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn twins_are_two_objects() {
    let service = MockService::default();
    let client = client(&service).await;
    let user = service.user();
    user.write("a", "1").expect("free");
    user.write_twin("a", "2").expect("twins are allowed");
    let (listing, _) = client
        .list(&ObjectRef::root(), None)
        .await
        .expect("answers");
    let twins: Vec<_> = listing.iter().collect();
    assert_eq!(twins.len(), 2);
    for (name, observed) in twins {
        let at = ObjectRef::new(observed.oid.clone(), name);
        client
            .delete(&at, Kind::File, Some(&observed.tag))
            .await
            .expect("each by its id");
    }
    assert!(user.tree().is_empty());
}

#[tokio::test(start_paused = true)]
async fn latency_takes_virtual_time_alone() {
    let latency = Duration::from_hours(1);
    let service = MockService::new(MockConfig {
        latency,
        ..MockConfig::default()
    });
    let start = tokio::time::Instant::now();
    let client = client(&service).await;
    write(&client, "a", Expect::Free).await.expect("free");
    // Connecting, choosing the root, writing.
    assert_eq!(start.elapsed().as_secs(), 3 * 3_600);
}

#[test]
fn no_timer_is_needed_without_delays() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let service = MockService::default();
        let client = client(&service).await;
        write(&client, "a", Expect::Free).await.expect("free");
        let cursor = client.events(None).await.expect("starts").cursor;
        write(&client, "b", Expect::Free).await.expect("free");
        let told = client.events(cursor.as_ref()).await.expect("answers");
        assert_eq!(told.events.len(), 1);
    });
}
