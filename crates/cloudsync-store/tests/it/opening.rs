//! What an opening finds, and who may have a store.

use std::path::{Path, PathBuf};

use cloudsync_core::failure::ErrorKind;
use cloudsync_core::record::{Batch, EntryId, Snapshot};
use cloudsync_store::{Flush, FoundState, Opened, Opening, SqliteStore, Store, Unfit};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::strategies::{batch, typical};

const PAIR: &str = "file:/a | file:/b";

/// What a store has, and how it was found.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) snapshot: Snapshot,
    pub(crate) found: FoundState,
    pub(crate) run: u64,
}

pub(crate) async fn loaded(store: &dyn Store) -> Loaded {
    let mut snapshot = Snapshot::default();
    let Opened { found, run } = store.load(&mut snapshot).await.unwrap();
    Loaded {
        snapshot,
        found,
        run,
    }
}

pub(crate) async fn load(path: &Path) -> Loaded {
    let store = SqliteStore::open(path, PAIR).await.unwrap();
    let loaded = loaded(&store).await;
    store.close().await.unwrap();
    loaded
}

/// Makes a store with a few entries and a value, and returns what is in it.
pub(crate) async fn make(path: &Path, entries: u32) -> Snapshot {
    let store = SqliteStore::open(path, PAIR).await.unwrap();
    let puts = (1..=entries).map(|id| (EntryId(id), typical())).collect();
    let values = vec![("cursor".to_owned(), Some(b"42".to_vec()))];
    store
        .apply(&Batch {
            puts,
            values,
            ..batch(1)
        })
        .await
        .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    store.close().await.unwrap();
    snapshot
}

async fn raw(path: &Path, sql: impl Into<String>) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.into()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn set_aside(opened: Loaded) -> (Unfit, PathBuf) {
    assert_eq!(opened.snapshot, Snapshot::default());
    match opened.found {
        FoundState::SetAside { reason, kept_as } => (reason, kept_as),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_store_is_made_with_its_folder_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/state.sqlite");
    let opened = load(&path).await;
    assert_eq!((opened.found, opened.run), (FoundState::Fresh, 1));
    let made = make(&path, 10).await;
    let opened = load(&path).await;
    assert_eq!((opened.found, opened.run), (FoundState::Existing, 3));
    assert_eq!(opened.snapshot, made);
    // No log is left behind by a proper end.
    assert_eq!(
        names(path.parent().unwrap()),
        ["state.sqlite", "state.sqlite.lock"]
    );
}

#[tokio::test]
async fn an_empty_file_is_a_store_not_yet_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    std::fs::write(&path, b"").unwrap();
    assert_eq!(load(&path).await.found, FoundState::Fresh);
}

#[tokio::test]
async fn a_file_made_by_a_killed_first_opening_is_a_store_not_yet_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    raw(&path, "PRAGMA application_id = 0x636c7379").await;
    assert_eq!(load(&path).await.found, FoundState::Fresh);
}

#[tokio::test]
async fn a_log_without_its_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    {
        let store = SqliteStore::open(&path, PAIR).await.unwrap();
        store
            .apply(&Batch {
                puts: vec![(EntryId(1), typical())],
                ..batch(1)
            })
            .await
            .unwrap();
        std::fs::copy(folder.path().join("s-wal"), folder.path().join("copy")).unwrap();
        store.close().await.unwrap();
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(folder.path().join("copy"), folder.path().join("s-wal")).unwrap();
    let opened = load(&path).await;
    assert_eq!(
        (opened.found, opened.snapshot),
        (FoundState::Fresh, Snapshot::default())
    );
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_applied() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("s"), PAIR)
        .await
        .unwrap();
    let puts = vec![(EntryId(1), typical())];
    store
        .apply(&Batch {
            puts: puts.clone(),
            ..batch(1)
        })
        .await
        .unwrap();
    // What stands on the disk while the engine runs is what a kill leaves.
    let killed = folder.path().join("killed");
    std::fs::create_dir(&killed).unwrap();
    for name in ["s", "s-wal"] {
        std::fs::copy(folder.path().join(name), killed.join(name)).unwrap();
    }
    let opened = load(&killed.join("s")).await;
    assert_eq!(
        (opened.found, opened.snapshot.entries),
        (FoundState::Existing, puts)
    );
}

#[tokio::test]
async fn noise_is_set_aside_under_a_free_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    for number in 1..=3 {
        let noise = format!("this is not a database, for the time number {number}").repeat(50);
        std::fs::write(&path, &noise).unwrap();
        let (reason, kept_as) = set_aside(load(&path).await);
        assert!(matches!(reason, Unfit::Damaged(_)), "{reason:?}");
        assert_eq!(kept_as, folder.path().join(format!("s.damaged-{number}")));
        assert_eq!(std::fs::read_to_string(kept_as).unwrap(), noise);
        assert_eq!(load(&path).await.found, FoundState::Existing);
    }
}

#[tokio::test]
async fn another_programs_database_is_set_aside_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mark) in [
        ("plain", ""),
        (
            "marked",
            "PRAGMA application_id = 7; PRAGMA user_version = 99;",
        ),
    ] {
        let path = folder.path().join(name);
        raw(
            &path,
            format!("{mark} CREATE TABLE entry (id, x); INSERT INTO entry VALUES (1, 2)"),
        )
        .await;
        let before = std::fs::read(&path).unwrap();
        let (reason, kept_as) = set_aside(load(&path).await);
        assert!(matches!(reason, Unfit::Foreign(_)), "{reason:?}");
        assert_eq!(std::fs::read(kept_as).unwrap(), before);
    }
}

#[tokio::test]
async fn another_pairs_store_is_set_aside_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 3).await;
    let store = SqliteStore::open(&path, "another").await.unwrap();
    let (reason, kept_as) = set_aside(loaded(&store).await);
    assert_eq!(reason, Unfit::OtherPair(PAIR.to_owned()));
    drop(store);
    assert_eq!(load(&kept_as).await.snapshot, made, "it can be put back");
}

#[tokio::test]
async fn a_store_of_the_pair_the_other_way_round_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 3).await;
    let opening = |reversed| Opening {
        pair: "the other way round",
        reversed: Some(reversed),
        flush: Flush::EachCommit,
    };
    let failure = SqliteStore::open_with(&path, opening(PAIR))
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Reversed);
    assert_eq!(load(&path).await.snapshot, made);
    let store = SqliteStore::open_with(&path, opening("none"))
        .await
        .unwrap();
    let (reason, _) = set_aside(loaded(&store).await);
    assert_eq!(reason, Unfit::OtherPair(PAIR.to_owned()));
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 3).await;
    raw(&path, "PRAGMA user_version = 2").await;
    let before = std::fs::read(&path).unwrap();
    let failure = SqliteStore::open(&path, PAIR).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::StoreUnusable);
    assert!(!failure.is_retryable());
    assert!(failure.to_string().contains("newer"), "{failure}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["s", "s.lock"]);
    raw(&path, "PRAGMA user_version = 1").await;
    assert_eq!(load(&path).await.snapshot, made);
}

/// The newer program was killed: its version stands in the log, not yet in the file.
#[tokio::test]
async fn a_newer_store_is_refused_by_what_its_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("s"), folder.path().join("copy"));
    make(&path, 3).await;
    let mut newer = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("PRAGMA user_version = 2")
        .execute(&mut newer)
        .await
        .unwrap();
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(folder.path().join("s-wal"), folder.path().join("copy-wal")).unwrap();
    newer.close().await.unwrap();
    let failure = SqliteStore::open(&copy, PAIR).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::StoreUnusable);
    assert!(failure.to_string().contains("newer"), "{failure}");
}

#[tokio::test]
async fn a_second_engine_does_nothing_but_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let store = SqliteStore::open(&path, PAIR).await.unwrap();
    // A relative or longer way to the same file is the same file.
    for way in [path.clone(), folder.path().join("./s")] {
        let failure = SqliteStore::open(&way, PAIR).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Locked);
        assert!(
            failure
                .to_string()
                .contains(&std::process::id().to_string()),
            "{failure}"
        );
    }
    store.close().await.unwrap();
    assert_eq!(load(&path).await.run, 2);
}

/// Somebody looks into the file with a tool of their own, in the middle of a change.
#[tokio::test]
async fn a_tool_that_holds_the_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 1).await;
    let mut tool = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    let transaction = tool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let failure = SqliteStore::open(&path, PAIR).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Locked, "{failure}");
    drop(transaction);
    tool.close().await.unwrap();
    assert_eq!(load(&path).await.snapshot, made);
}

#[tokio::test]
async fn a_place_where_nothing_can_be_made_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    for path in [folder.path().to_owned(), file.join("s"), PathBuf::new()] {
        let failure = SqliteStore::open(&path, PAIR).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::StoreUnusable, "{failure}");
    }
    assert_eq!(names(folder.path()), ["file"]);
}

/// The first migration stands in every store out there: another text of it is another migration.
#[tokio::test]
async fn a_store_of_the_first_release_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    std::fs::write(&path, include_bytes!("../data/first.sqlite")).unwrap();
    let opened = load(&path).await;
    assert_eq!(opened.found, FoundState::Existing);
    let expected = (1..=2)
        .map(|id| (EntryId(id), typical()))
        .collect::<Vec<_>>();
    assert_eq!(opened.snapshot.entries, expected);
    assert_eq!(
        opened.snapshot.values,
        [("cursor".to_owned(), b"42".to_vec())]
    );
}
