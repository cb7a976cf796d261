//! A damaged file never gives wrong records: it is set aside, or read as it was written.

use std::path::Path;

use cloudsync_core::failure::ErrorKind;
use cloudsync_core::record::Snapshot;
use cloudsync_store::{FoundState, SqliteStore, Store, Unfit};
use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::opening::{load, loaded, make};

/// Opens a file that may be damaged, and checks that nothing wrong is read.
async fn check(path: &Path, damaged: &[u8], made: &Snapshot) -> FoundState {
    std::fs::write(path, damaged).unwrap();
    let store = match SqliteStore::open(path, "file:/a | file:/b").await {
        Ok(store) => store,
        Err(failure) => {
            // The one place where damage looks like a newer program's: refused, and left alone.
            assert_eq!(failure.kind(), ErrorKind::StoreUnusable, "{failure}");
            assert!(failure.to_string().contains("newer"), "{failure}");
            assert_eq!(std::fs::read(path).unwrap(), damaged);
            return FoundState::Existing;
        }
    };
    let opened = loaded(&store).await;
    match &opened.found {
        FoundState::Fresh => panic!("{}: taken for none", path.display()),
        FoundState::Existing => assert_eq!(opened.snapshot, *made),
        FoundState::SetAside { kept_as, .. } => {
            assert_eq!(opened.snapshot, Snapshot::default());
            assert!(kept_as.exists());
        }
    }
    store.close().await.unwrap();
    opened.found
}

#[tokio::test]
async fn a_shortened_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 200).await;
    let whole = std::fs::read(&path).unwrap();
    for length in [
        1,
        99,
        100,
        4_096,
        4_097,
        whole.len() / 2,
        whole.len() - 4_096,
        whole.len() - 1,
    ] {
        let found = check(&path, &whole[..length], &made).await;
        assert!(
            matches!(found, FoundState::SetAside { .. }),
            "{length} of {}",
            whole.len()
        );
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_page_of_zeros_is_never_read_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 300).await;
    let whole = std::fs::read(&path).unwrap();
    for page in 1..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        damaged[page * 4_096..][..4_096].fill(0);
        let found = check(&path, &damaged, &made).await;
        assert!(matches!(found, FoundState::SetAside { .. }), "page {page}");
        std::fs::remove_file(&path).unwrap();
    }
}

/// SQLite finds nothing wrong here; our own checks do.
#[tokio::test]
async fn rows_that_were_not_written_by_us_spoil_the_store() {
    let folder = tempfile::tempdir().unwrap();
    for (number, sql) in [
        "UPDATE entry SET id = 77 WHERE id = 2",
        "UPDATE entry SET record = x'01' WHERE id = 2",
        "UPDATE entry SET record = (SELECT record FROM entry WHERE id = 1) WHERE id = 2",
        "UPDATE entry SET id = 0 WHERE id = 2",
        "UPDATE entry SET id = -5 WHERE id = 2",
        "UPDATE entry SET id = 4294967296 WHERE id = 2",
        "UPDATE value SET value = x'3433'",
        "UPDATE value SET key = 'other'",
        "DROP TABLE value",
        "DROP TABLE meta",
        "DROP TABLE entry; CREATE TABLE entry (id INTEGER PRIMARY KEY, x)",
        "DELETE FROM meta WHERE key = 'run'",
        "UPDATE meta SET value = 'x' WHERE key = 'run'",
        "UPDATE _sqlx_migrations SET checksum = x'00'",
    ]
    .iter()
    .enumerate()
    {
        let path = folder.path().join(number.to_string());
        make(&path, 3).await;
        let mut tool = SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        sqlx::raw_sql(AssertSqlSafe((*sql).to_owned()))
            .execute(&mut tool)
            .await
            .unwrap();
        tool.close().await.unwrap();

        let opened = load(&path).await;
        assert_eq!(opened.snapshot, Snapshot::default(), "{sql}");
        let FoundState::SetAside { reason, .. } = opened.found else {
            panic!("{sql}")
        };
        assert!(matches!(reason, Unfit::Damaged(_)), "{sql}: {reason:?}");
        assert_eq!(load(&path).await.found, FoundState::Existing, "{sql}");
    }
}

/// What was read before the damage was met is void.
#[tokio::test]
async fn a_last_record_that_is_damaged_spoils_all_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    make(&path, 2_000).await;
    let mut tool = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("UPDATE entry SET record = x'01' WHERE id = 2000")
        .execute(&mut tool)
        .await
        .unwrap();
    tool.close().await.unwrap();
    let opened = load(&path).await;
    assert_eq!(opened.snapshot, Snapshot::default());
    assert!(matches!(opened.found, FoundState::SetAside { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_never_give_wrong_records(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("s");
            let made = make(&path, 100).await;
            let mut bytes = std::fs::read(&path).unwrap();
            for (at, bit) in &flips {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            check(&path, &bytes, &made).await;
        });
    }
}

/// Flips each bit of a small file but those of room that nothing uses, one at a time. `half`: those of
/// every other byte.
async fn flip_each_bit(half: usize) {
    // Ten thousand stores: in memory where the system has such a folder.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.unwrap();
    let made = make(&folder.path().join("s"), 3).await;
    let whole = std::fs::read(folder.path().join("s")).unwrap();
    let mut flipped = 0;
    for at in (half..whole.len()).step_by(2) {
        let around = at.saturating_sub(8)..(at + 8).min(whole.len());
        if whole[around].iter().all(|byte| *byte == 0) {
            continue;
        }
        for bit in 0..8 {
            for entry in std::fs::read_dir(folder.path()).unwrap() {
                std::fs::remove_file(entry.unwrap().path()).unwrap();
            }
            // Named so, as what fails tells the path.
            let path = folder.path().join(format!("byte {at} bit {bit}"));
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            let checked = check(&path, &damaged, &made);
            let checked = tokio::time::timeout(std::time::Duration::from_mins(1), checked).await;
            assert!(checked.is_ok(), "{}: no answer", path.display());
            flipped += 1;
        }
    }
    assert!(flipped > 1_000, "{flipped}");
}

#[tokio::test]
async fn no_bit_at_an_even_place_can_be_flipped_unnoticed() {
    flip_each_bit(0).await;
}

#[tokio::test]
async fn no_bit_at_an_odd_place_can_be_flipped_unnoticed() {
    flip_each_bit(1).await;
}

/// sqlx panics in a thread of its own where a declared type is not text, and never answers.
#[tokio::test]
async fn a_declared_type_that_is_not_text_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let made = make(&path, 3).await;
    let whole = std::fs::read(&path).unwrap();
    for word in [
        "INTEGER PRIMARY",
        "BLOB NOT",
        "TEXT PRIMARY",
        "ANY NOT",
        "BOOLEAN",
    ] {
        let at = whole
            .windows(word.len())
            .position(|window| window == word.as_bytes());
        let at = at.unwrap_or_else(|| panic!("{word} is in the schema"));
        let mut damaged = whole.clone();
        damaged[at + 1] ^= 0x80;
        let checked = check(&path, &damaged, &made);
        let found = tokio::time::timeout(std::time::Duration::from_mins(1), checked).await;
        let found = found.unwrap_or_else(|_| panic!("{word}: no answer"));
        assert!(matches!(found, FoundState::SetAside { .. }), "{word}");
        std::fs::remove_file(&path).unwrap();
    }
}
