//! The feed. Events are hints: told is, in time, the object, or that events were lost above it.

use std::sync::Arc;
use std::time::Duration;

use crate::conformance::Case;
use crate::conformance::bench::{Bench, Thing, refused};
use crate::conformance::case::{Outcome, Stop, case, ensure, ensure_eq};
use crate::conformance::need::{FEED, FOLDER_MOVE, NO_FEED, RESUMABLE_FEED};
use crate::{Cursor, ErrorKind, Event, Kind, ObjectRef, Oid, Provider};

pub(super) const CASES: &[Case] = &[
    case!(no_feed_is_unsupported, "", &[NO_FEED]),
    case!(feed_starts_at_once, "P019", &[FEED]),
    case!(created_objects_are_told, "P011 P014", &[FEED]),
    case!(changed_file_is_told, "P011", &[FEED]),
    case!(renamed_file_is_told, "P013", &[FEED]),
    case!(moved_file_is_told, "P013", &[FEED]),
    case!(renamed_folder_is_told, "P013", &[FEED, FOLDER_MOVE]),
    case!(
        what_came_into_a_folder_that_was_elsewhere_is_told,
        "P013",
        &[FEED, FOLDER_MOVE]
    ),
    case!(deleted_objects_are_told, "P011", &[FEED]),
    case!(object_in_a_new_folder_is_told, "P011", &[FEED]),
    case!(last_of_many_changes_is_told, "P012", &[FEED]),
    case!(what_others_do_is_told, "P011 P014", &[FEED]),
    case!(waiting_call_is_woken, "P014", &[FEED]),
    case!(calls_go_on_while_one_waits, "P011", &[FEED]),
    case!(feed_needs_a_connection, "", &[FEED]),
    case!(cursor_resumes, "P019", &[RESUMABLE_FEED]),
    case!(cursor_can_go_back, "P019", &[RESUMABLE_FEED]),
    case!(cursor_of_nobody_is_refused, "", &[RESUMABLE_FEED]),
    case!(expired_cursor_is_told, "P027 P038", &[RESUMABLE_FEED]),
    case!(nothing_outside_the_root_is_told, "", &[FEED]),
];

/// Follows a feed.
struct Follower {
    provider: Arc<dyn Provider>,
    cursor: Cursor,
    patience: Duration,
    /// What was told and not asked for yet.
    told: Vec<Event>,
}

impl Follower {
    async fn start(bench: &Bench<'_>) -> Result<Self, Stop> {
        Self::of(bench.provider.clone(), bench.patience()).await
    }

    async fn of(provider: Arc<dyn Provider>, patience: Duration) -> Result<Self, Stop> {
        let start = tokio::time::timeout(patience, provider.events(None)).await;
        let start = start.map_err(|_| Stop::Failed("the feed does not start at once".into()))??;
        let cursor = start
            .cursor
            .ok_or_else(|| Stop::Failed("no cursor to start with".into()))?;
        Ok(Self {
            provider,
            cursor,
            patience,
            told: Vec::new(),
        })
    }

    async fn more(&mut self) -> Result<(), Stop> {
        let events = self.provider.events(Some(&self.cursor)).await?;
        if let Some(cursor) = events.cursor {
            self.cursor = cursor;
        }
        self.told.extend(events.events);
        Ok(())
    }

    /// Waits until something is told of the object with that id or of one of the paths.
    async fn told(&mut self, oid: Option<&Oid>, paths: &[&str]) -> Outcome {
        let patience = self.patience;
        let waiting = async {
            loop {
                if self.told.iter().any(|event| is_about(event, oid, paths)) {
                    return Ok(());
                }
                self.more().await?;
            }
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(done) => done,
            Err(_) => Err(Stop::Failed(format!(
                "not told of {paths:?}, only {:?}",
                self.told
            ))),
        }
    }

    async fn told_of(&mut self, thing: &Thing) -> Outcome {
        self.told(thing.at.oid.as_ref(), &[&thing.at.path]).await
    }

    /// Waits until a file that is made now is told, and forgets all up to then.
    async fn catch_up(&mut self, bench: &Bench<'_>, name: &str) -> Outcome {
        let mark = bench.file(name, b"mark").await?;
        self.told_of(&mark).await?;
        self.told.clear();
        Ok(())
    }
}

fn is_about(event: &Event, of: Option<&Oid>, paths: &[&str]) -> bool {
    match event {
        Event::Changed { oid, path } => {
            oid.is_some() && oid.as_ref() == of
                || path
                    .as_ref()
                    .is_some_and(|path| paths.contains(&path.as_str()))
        }
        Event::Lost { path: lost } => paths.iter().any(|path| {
            let below = path.strip_prefix(lost.as_str());
            lost.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }),
        _ => false,
    }
}

async fn no_feed_is_unsupported(bench: &mut Bench<'_>) -> Outcome {
    let unsupported = &[ErrorKind::Unsupported];
    refused(bench.provider.events(None).await, unsupported, "start")?;
    let cursor = Cursor::new("any");
    refused(
        bench.provider.events(Some(&cursor)).await,
        unsupported,
        "going on",
    )
}

async fn feed_starts_at_once(bench: &mut Bench<'_>) -> Outcome {
    bench.file("a", b"before").await?;
    let follower = Follower::start(bench).await?;
    let again = Follower::start(bench).await?;
    ensure!(
        follower.told.is_empty() && again.told.is_empty(),
        "the past is told"
    );
    Ok(())
}

async fn created_objects_are_told(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let mut follower = Follower::start(bench).await?;
    for (kind, path) in [
        (Kind::File, "a"),
        (Kind::Folder, "e"),
        (Kind::File, "d/b"),
        (Kind::Folder, "d/f"),
    ] {
        let thing = bench.make(kind, path).await?;
        follower.told_of(&thing).await?;
    }
    Ok(())
}

async fn changed_file_is_told(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"old").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    let file = bench.overwrite(&file, b"newer").await?;
    follower.told_of(&file).await
}

async fn renamed_file_is_told(bench: &mut Bench<'_>) -> Outcome {
    let mut file = bench.file("a", b"x").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    for name in ["b", "c"] {
        file = bench.rename(&file, name).await?;
        follower.told_of(&file).await?;
        if !bench.stable() {
            let old = if name == "b" { "a" } else { "b" };
            follower.told(None, &[old]).await?;
        }
        follower.told.clear();
    }
    Ok(())
}

async fn moved_file_is_told(bench: &mut Bench<'_>) -> Outcome {
    bench.folder("d").await?;
    let file = bench.file("a", b"x").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    let file = bench.rename(&file, "d/a").await?;
    follower.told_of(&file).await
}

async fn renamed_folder_is_told(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    bench.file("d/a", b"x").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    let folder = bench.rename(&folder, "e").await?;
    follower.told_of(&folder).await
}

/// Told by a path that it had for a moment, nobody would look for it where it is.
async fn what_came_into_a_folder_that_was_elsewhere_is_told(bench: &mut Bench<'_>) -> Outcome {
    let folder = bench.folder("d").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    let folder = bench.rename(&folder, "e").await?;
    let file = bench.file("e/a", b"x").await?;
    bench.rename(&folder, "d").await?;
    let by_id = file.at.oid.as_ref().filter(|_| bench.finds_by_id());
    follower.told(by_id, &["d/a"]).await
}

async fn deleted_objects_are_told(bench: &mut Bench<'_>) -> Outcome {
    let file = bench.file("a", b"x").await?;
    let folder = bench.folder("d").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    for thing in [file, folder] {
        bench.delete(&thing).await?;
        follower.told_of(&thing).await?;
        // Once more changes nothing, and may or may not be told.
        bench.delete(&thing).await?;
    }
    Ok(())
}

async fn object_in_a_new_folder_is_told(bench: &mut Bench<'_>) -> Outcome {
    let mut follower = Follower::start(bench).await?;
    bench.folder("d").await?;
    bench.folder("d/e").await?;
    let file = bench.file("d/e/a", b"x").await?;
    // Telling of a folder that came at the same time is enough: it is listed then.
    let waiting = follower
        .told(file.at.oid.as_ref(), &["d/e/a", "d/e", "d"])
        .await;
    waiting?;
    // By then it is known to the feed: what changes in it is told by itself.
    follower.catch_up(bench, "d/e/mark").await?;
    let file = bench.overwrite(&file, b"newer").await?;
    follower.told_of(&file).await
}

async fn last_of_many_changes_is_told(bench: &mut Bench<'_>) -> Outcome {
    let mut follower = Follower::start(bench).await?;
    for _ in 0..3 {
        let file = bench.file("a", b"x").await?;
        bench.delete(&file).await?;
    }
    follower.catch_up(bench, "mark").await?;
    let last = bench.file("a", b"last").await?;
    follower.told_of(&last).await
}

async fn what_others_do_is_told(bench: &mut Bench<'_>) -> Outcome {
    let second = bench.second().await?;
    let file = bench.file("a", b"x").await?;
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    second
        .delete(&file.at, Kind::File, Some(file.tag()))
        .await?;
    follower.told_of(&file).await
}

async fn waiting_call_is_woken(bench: &mut Bench<'_>) -> Outcome {
    let mut follower = Follower::start(bench).await?;
    let making = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        bench.file("a", b"x").await
    };
    let (told, made) = futures::future::join(follower.told(None, &["a", ""]), making).await;
    let made = made?;
    // Told by id alone, it could not be waited for before it was there.
    if told.is_err() {
        ensure!(
            follower
                .told
                .iter()
                .any(|event| is_about(event, made.at.oid.as_ref(), &["a"])),
            "not told while waiting"
        );
    }
    Ok(())
}

async fn calls_go_on_while_one_waits(bench: &mut Bench<'_>) -> Outcome {
    let follower = Follower::start(bench).await?;
    let waiting = bench.provider.events(Some(&follower.cursor));
    let working = async {
        for number in 0..5 {
            let file = bench.file(&format!("a{number}"), b"x").await?;
            bench.read(&file).await?;
            bench.list(&ObjectRef::root()).await?;
        }
        Ok::<_, Stop>(())
    };
    let both = futures::future::join(waiting, working);
    let done = tokio::time::timeout(bench.patience(), both).await;
    let Ok((waited, worked)) = done else {
        return Err(Stop::Failed("nothing goes on, or nothing is told".into()));
    };
    waited?;
    worked
}

async fn feed_needs_a_connection(bench: &mut Bench<'_>) -> Outcome {
    let follower = Follower::start(bench).await?;
    bench.provider.disconnect().await;
    let down = &[ErrorKind::Disconnected];
    refused(bench.provider.events(None).await, down, "start")?;
    refused(
        bench.provider.events(Some(&follower.cursor)).await,
        down,
        "going on",
    )
}

async fn cursor_resumes(bench: &mut Bench<'_>) -> Outcome {
    let mut follower = Follower::start(bench).await?;
    follower.catch_up(bench, "mark").await?;
    let file = bench.file("a", b"x").await?;
    bench.provider.disconnect().await;
    bench.provider.reconnect().await?;
    let folder = bench.folder("d").await?;
    follower.told_of(&file).await?;
    follower.told_of(&folder).await
}

async fn cursor_can_go_back(bench: &mut Bench<'_>) -> Outcome {
    let mut follower = Follower::start(bench).await?;
    let start = follower.cursor.clone();
    let file = bench.file("a", b"x").await?;
    follower.told_of(&file).await?;
    ensure!(follower.cursor != start, "the cursor stays where it is");
    follower.told.clear();
    follower.cursor = start;
    follower.told_of(&file).await
}

async fn cursor_of_nobody_is_refused(bench: &mut Bench<'_>) -> Outcome {
    let expired = &[ErrorKind::CursorExpired];
    for bytes in [&b""[..], b"no cursor of yours", &[0xff; 40]] {
        let cursor = Cursor::new(bytes);
        refused(
            bench.provider.events(Some(&cursor)).await,
            expired,
            "a strange cursor",
        )?;
    }
    Ok(())
}

async fn expired_cursor_is_told(bench: &mut Bench<'_>) -> Outcome {
    let follower = Follower::start(bench).await?;
    if !bench.fixture.expire_cursors().await {
        return Err(Stop::LeftOut("cursors that expire on demand"));
    }
    let answer = bench.provider.events(Some(&follower.cursor)).await;
    refused(answer, &[ErrorKind::CursorExpired], "an expired cursor")?;
    let mut follower = Follower::start(bench).await?;
    let file = bench.file("a", b"x").await?;
    follower.told_of(&file).await
}

async fn nothing_outside_the_root_is_told(bench: &mut Bench<'_>) -> Outcome {
    let path = bench.own_path("d")?;
    bench.folder("d").await?;
    let inner = bench.unrooted().await?;
    inner.set_root(Some(&path), None, false).await?;
    let mut follower = Follower::of(inner, bench.patience()).await?;
    let outside = bench.file("a", b"outside").await?;
    let inside = bench.file("d/b", b"inside").await?;
    follower.told(inside.at.oid.as_ref(), &["b"]).await?;
    let about = |event: &Event| match event {
        Event::Changed { oid, path } => {
            oid.is_some() && *oid == outside.at.oid || path.as_deref() == Some("a")
        }
        _ => false,
    };
    let told = follower.told.iter().find(|event| about(event));
    ensure_eq!(told, None, "told of an object outside the root");
    Ok(())
}
