//! What a feed tells, and in which order.

use cloudsync_provider::mock::{Call, MockConfig, MockProvider, MockService};

use super::*;
use crate::alarm::Alarm;
use crate::hooks::NoHooks;

fn feed(provider: &MockProvider, alarmed: Alarmed) -> Feed {
    Feed {
        side: Side::Local,
        provider: Arc::new(provider.clone()),
        credentials: Some(Credentials::default()),
        root: RootPlace {
            path: Some("/".into()),
            oid: None,
        },
        met: Arc::default(),
        create_root: false,
        hooks: HooksHandle(Arc::new(NoHooks)),
        board: NoticeBoard::new(),
        resume: None,
        will_walk: true,
        follows: true,
        pause: Duration::from_millis(10),
        alarmed,
        wake: Arc::default(),
        is_lost: Arc::default(),
        is_unwatched: false,
    }
}

/// What an input is, in a word, with the number of events.
fn word(input: &Input) -> String {
    match input {
        Input::Events { events, cursor, .. } => {
            let lost = events
                .iter()
                .any(|event| matches!(event, Event::Lost { .. }));
            let (lost, cursor) = (if lost { " lost" } else { "" }, cursor.is_some());
            format!("{} events{lost}, cursor {cursor}", events.len())
        }
        Input::SideState {
            state: SideState::Ready { .. },
            ..
        } => "ready".to_owned(),
        Input::SideState {
            state: SideState::Down(failure),
            ..
        } => format!("down: {failure}"),
        other => format!("{other:?}"),
    }
}

/// The next inputs, as many as come within two minutes each, up to `count`.
async fn words(told: &mut BoxStream<'static, Input>, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    while words.len() < count {
        match timeout(Duration::from_mins(2), told.next()).await {
            Ok(Some(input)) => words.push(word(&input)),
            _ => break,
        }
    }
    words
}

async fn cursor_of(provider: &MockProvider) -> Cursor {
    provider.connect(&Credentials::default()).await.unwrap();
    provider.set_root(Some("/"), None, false).await.unwrap();
    provider.events(None).await.unwrap().cursor.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_cursor_is_taken_before_the_side_is_ready() {
    let service = MockService::default();
    let (_alarm, alarmed) = Alarm::new();
    let mut told = Box::new(feed(&service.client(), alarmed)).observe();
    assert_eq!(
        words(&mut told, 2).await,
        ["0 events, cursor true", "ready"]
    );
    service.user().write("a", "one").unwrap();
    let told = words(&mut told, 1).await;
    assert!(
        told[0].ends_with("events, cursor true") && !told[0].starts_with('0'),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_feed_without_a_walk_to_come_says_that_all_may_be_lost() {
    let service = MockService::default();
    let (_alarm, alarmed) = Alarm::new();
    let feed = Feed {
        will_walk: false,
        ..feed(&service.client(), alarmed)
    };
    let mut told = Box::new(feed).observe();
    assert_eq!(
        words(&mut told, 2).await,
        ["1 events lost, cursor true", "ready"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_resumed_feed_catches_up_before_the_side_is_ready() {
    let service = MockService::default();
    let provider = service.client();
    let resume = Some(cursor_of(&provider).await);
    service.configure(|config| config.events.per_call = 1);
    for name in ["a", "b", "c"] {
        service.user().write(name, "x").unwrap();
    }
    let (_alarm, alarmed) = Alarm::new();
    let feed = Feed {
        resume,
        will_walk: false,
        ..feed(&provider, alarmed)
    };
    let mut told = Box::new(feed).observe();
    let event = "1 events, cursor true";
    assert_eq!(words(&mut told, 4).await, [event, event, event, "ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_expired_meanwhile_is_replaced_and_all_may_be_lost() {
    let service = MockService::default();
    let provider = service.client();
    let resume = Some(cursor_of(&provider).await);
    service.expire_cursors();
    service.user().write("a", "x").unwrap();
    let (_alarm, alarmed) = Alarm::new();
    let feed = Feed {
        resume,
        will_walk: false,
        ..feed(&provider, alarmed)
    };
    let mut told = Box::new(feed).observe();
    assert_eq!(
        words(&mut told, 2).await,
        ["1 events lost, cursor true", "ready"]
    );

    service.expire_cursors();
    assert_eq!(words(&mut told, 1).await, ["1 events lost, cursor true"]);
}

/// It was followed after a pause only, longer each time, in which it could get too old as well.
#[tokio::test(start_paused = true)]
async fn a_new_cursor_is_followed_at_once_and_not_taken_too_often() {
    let service = MockService::default();
    let (_alarm, alarmed) = Alarm::new();
    let pause = Duration::from_mins(10);
    let feed = Feed {
        pause,
        ..feed(&service.client(), alarmed)
    };
    let mut told = Box::new(feed).observe();
    assert_eq!(words(&mut told, 2).await.len(), 2);
    let begun = Instant::now();
    service.expire_cursors();
    assert_eq!(words(&mut told, 1).await, ["1 events lost, cursor true"]);
    service.user().write("a", "one").unwrap();
    let heard = words(&mut told, 1).await;
    assert!(heard[0].ends_with("events, cursor true"), "{heard:?}");
    assert!(begun.elapsed() < pause / 10, "{:?}", begun.elapsed());

    for _ in 0..2 {
        service.expire_cursors();
        while words(&mut told, 1).await != ["1 events lost, cursor true"] {}
    }
    assert!(begun.elapsed() >= pause / 5, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_takes_the_side_down_until_it_is_connected_again() {
    let service = MockService::default();
    let provider = service.client();
    let (alarm, alarmed) = Alarm::new();
    let mut told = Box::new(feed(&provider, alarmed)).observe();
    assert_eq!(words(&mut told, 2).await.len(), 2);
    provider
        .faults()
        .fail_times(Call::Connect, ErrorKind::Disconnected, 2);
    alarm.hear(&Failure::new(ErrorKind::Disconnected, "read"));
    let told = words(&mut told, 4).await;
    assert_eq!(told[0], "down: read: not connected");
    assert!(told[1].starts_with("down: connect") && told[2].starts_with("down: connect"));
    assert_eq!(told[3], "ready", "what it missed is told by its cursor");
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_fails_for_a_while_is_asked_again() {
    let service = MockService::default();
    let provider = service.client();
    let (_alarm, alarmed) = Alarm::new();
    let mut told = Box::new(feed(&provider, alarmed)).observe();
    assert_eq!(words(&mut told, 2).await.len(), 2);
    provider
        .faults()
        .fail_times(Call::Events, ErrorKind::Unavailable, 5);
    service.user().write("a", "one").unwrap();
    let events = words(&mut told, 2).await;
    assert!(
        events
            .iter()
            .any(|told| told.ends_with("events, cursor true")),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_side_without_a_feed_is_ready_and_tells_nothing_more() {
    let service = MockService::new(MockConfig {
        feed: rules::Feed::None,
        ..MockConfig::default()
    });
    let (_alarm, alarmed) = Alarm::new();
    let mut told = Box::new(feed(&service.client(), alarmed)).observe();
    assert_eq!(words(&mut told, 1).await, ["ready"]);
    service.user().write("a", "one").unwrap();
    assert!(words(&mut told, 1).await.is_empty());
}

/// It is looked at each minute, and asked to tell again: it may be able to by then.
#[tokio::test(start_paused = true)]
async fn a_side_that_cannot_tell_anything_for_now_is_looked_at_from_time_to_time() {
    let service = MockService::new(MockConfig {
        feed: rules::Feed::Volatile,
        ..MockConfig::default()
    });
    let provider = service.client();
    let (_alarm, alarmed) = Alarm::new();
    let feed = feed(&provider, alarmed);
    let (is_lost, mut notices) = (feed.is_lost.clone(), feed.board.subscribe());
    provider
        .faults()
        .fail_times(Call::Events, ErrorKind::Unsupported, 3);
    let begun = Instant::now();
    let mut told = Box::new(feed).observe();
    let looked = "1 events lost, cursor false";
    assert_eq!(words(&mut told, 3).await, ["ready", looked, looked]);
    assert!(is_lost.load(Ordering::Relaxed));
    assert_eq!(words(&mut told, 1).await, ["1 events lost, cursor true"]);
    assert!(!is_lost.load(Ordering::Relaxed));
    assert_eq!(begun.elapsed().as_secs(), 180);
    // In the midst of it as well.
    provider
        .faults()
        .fail_times(Call::Events, ErrorKind::Unsupported, 2);
    service.user().write("a", "one").unwrap();
    let told = words(&mut told, 3).await;
    let told: Vec<_> = told.iter().filter(|told| told.contains("lost")).collect();
    assert_eq!(told, [looked, "1 events lost, cursor true"]);
    let mut unwatched = 0;
    while let Some(Some(notice)) = notices.next().now_or_never() {
        unwatched += usize::from(matches!(notice, Notice::Unwatched { .. }));
    }
    assert_eq!(unwatched, 2, "once each time");
}

#[tokio::test(start_paused = true)]
async fn a_root_that_is_missing_is_told_again_and_again_and_found_when_it_is_back() {
    let service = MockService::default();
    let (_alarm, alarmed) = Alarm::new();
    let root = RootPlace {
        path: Some("/here".into()),
        oid: None,
    };
    let feed = Feed {
        root,
        ..feed(&service.client(), alarmed)
    };
    let mut told = Box::new(feed).observe();
    let missing = words(&mut told, 2).await;
    assert!(
        missing
            .iter()
            .all(|told| told.contains("the root is missing")),
        "{missing:?}"
    );
    service.user().mkdir("here").unwrap();
    let found = words(&mut told, 4).await;
    assert!(found.contains(&"ready".to_owned()), "{found:?}");
}
