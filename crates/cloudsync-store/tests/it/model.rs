//! SQLite and memory hold the same after the same batches, wherever they are closed or dropped.

use cloudsync_core::failure::ErrorKind;
use cloudsync_core::record::{Batch, EntryId, Snapshot};
use cloudsync_store::{FoundState, MemoryDisk, SqliteStore, Store};
use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::opening::loaded;
use crate::strategies::{any_batch, batch, typical};

#[derive(Clone, Debug)]
enum Step {
    Apply(Box<Batch>),
    ApplyTwice(Box<Batch>),
    /// The call is dropped at its n-th wait, then made again.
    ApplyDropped(Box<Batch>, usize),
    Close,
    Drop,
    SetAside,
}

fn any_step() -> impl Strategy<Value = Step> {
    let batch = || any_batch().prop_map(Box::new);
    prop_oneof![
        8 => batch().prop_map(Step::Apply),
        2 => batch().prop_map(Step::ApplyTwice),
        3 => (batch(), 0_usize..12).prop_map(|(batch, polls)| Step::ApplyDropped(batch, polls)),
        2 => Just(Step::Close),
        2 => Just(Step::Drop),
        1 => Just(Step::SetAside),
    ]
}

/// Polls a future a few times, and drops it.
async fn poll_times<F: Future>(future: F, times: usize) {
    let mut future = std::pin::pin!(future);
    for _ in 0..times {
        let is_ready = std::future::poll_fn(|context| {
            std::task::Poll::Ready(future.as_mut().poll(context).is_ready())
        })
        .await;
        if is_ready {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_micros(50)).await;
    }
}

async fn check(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let disk = MemoryDisk::new();
    let open = || async { SqliteStore::open(&path, "a | b").await.unwrap() };
    let mut sqlite = open().await;
    let mut memory = disk.open().unwrap();
    let mut set_aside = 0;
    for step in steps {
        match &step {
            Step::Apply(batch) => {
                sqlite.apply(batch).await.unwrap();
                memory.apply(batch).await.unwrap();
            }
            Step::ApplyTwice(batch) => {
                for _ in 0..2 {
                    sqlite.apply(batch).await.unwrap();
                    memory.apply(batch).await.unwrap();
                }
            }
            Step::ApplyDropped(batch, polls) => {
                let before = sqlite.snapshot().await.unwrap();
                poll_times(sqlite.apply(batch), *polls).await;
                memory.apply(batch).await.unwrap();
                let found = sqlite.snapshot().await.unwrap();
                assert!(
                    found == before || found == disk.snapshot(),
                    "half a batch: {found:?}"
                );
                sqlite.apply(batch).await.unwrap();
            }
            Step::Close | Step::Drop => {
                if matches!(step, Step::Close) {
                    sqlite.close().await.unwrap();
                    memory.close().await.unwrap();
                    let closed = sqlite.snapshot().await.unwrap_err().kind();
                    assert_eq!(closed, ErrorKind::StoreUnusable);
                    assert_eq!(memory.snapshot().await.unwrap_err().kind(), closed);
                }
                drop((sqlite, memory));
                sqlite = open().await;
                memory = disk.open().unwrap();
            }
            Step::SetAside => {
                set_aside += 1;
                let opened = sqlite.set_aside("a test").await.unwrap();
                assert_eq!(sqlite.snapshot().await.unwrap(), Snapshot::default());
                let FoundState::SetAside { kept_as, .. } = opened.found else {
                    panic!()
                };
                let kept_as = kept_as.file_name().unwrap().to_owned();
                assert_eq!(kept_as, *format!("state.sqlite.damaged-{set_aside}"));
                memory.set_aside("a test").await.unwrap();
            }
        }
        let (sqlite, memory) = (loaded(&sqlite).await, loaded(&memory).await);
        assert_eq!(sqlite.snapshot, memory.snapshot, "after {step:?}");
        assert_eq!(sqlite.run, memory.run);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_keeps_what_memory_keeps(steps in prop::collection::vec(any_step(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check(steps));
    }
}

/// More rows than one statement takes, and a number that is no multiple.
#[tokio::test]
async fn a_large_batch_is_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let store = SqliteStore::open(&path, "p").await.unwrap();
    let puts: Vec<_> = (1..=2_345).map(|id| (EntryId(id), typical())).collect();
    store
        .apply(&Batch {
            puts: puts.clone(),
            ..batch(1)
        })
        .await
        .unwrap();
    assert_eq!(store.snapshot().await.unwrap().entries, puts);

    let deletes = (1..=1_111).map(EntryId).collect();
    store
        .apply(&Batch {
            deletes,
            ..batch(2)
        })
        .await
        .unwrap();
    drop(store);
    let store = SqliteStore::open(&path, "p").await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().entries, puts[1_111..]);
}

#[tokio::test]
async fn what_cannot_be_written_takes_nothing_of_its_batch_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("s"), "p")
        .await
        .unwrap();
    let root = (EntryId::ROOT, typical());
    let mut large = typical();
    large.nodes.local.as_mut().unwrap().name = Some("x".repeat(2 << 20));
    for wrong in [root, (EntryId(2), large)] {
        let puts = vec![(EntryId(1), typical()), wrong];
        let values = vec![("v".to_owned(), Some(vec![1]))];
        let failure = store
            .apply(&Batch {
                puts,
                values,
                ..batch(1)
            })
            .await
            .unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Invalid);
        assert_eq!(store.snapshot().await.unwrap(), Snapshot::default());
    }
}

/// The last statement of a batch fails, all others were fine.
#[tokio::test]
async fn a_statement_that_fails_takes_its_batch_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let good = Batch {
        puts: vec![(EntryId(1), typical())],
        ..batch(1)
    };
    let store = SqliteStore::open(&path, "p").await.unwrap();
    store.apply(&good).await.unwrap();
    store.close().await.unwrap();
    let mut tool = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(
        "CREATE TRIGGER no BEFORE INSERT ON value WHEN new.key = 'bad' \
         BEGIN SELECT raise(ABORT, 'as told'); END",
    )
    .execute(&mut tool)
    .await
    .unwrap();
    tool.close().await.unwrap();

    let store = SqliteStore::open(&path, "p").await.unwrap();
    let bad = Batch {
        clear: true,
        puts: (2..2_000).map(|id| (EntryId(id), typical())).collect(),
        values: vec![
            ("good".to_owned(), Some(vec![1])),
            ("bad".to_owned(), Some(vec![2])),
        ],
        ..batch(2)
    };
    assert_eq!(
        store.apply(&bad).await.unwrap_err().kind(),
        ErrorKind::Unexpected
    );
    assert_eq!(store.snapshot().await.unwrap().entries, good.puts);
    store
        .apply(&Batch {
            puts: vec![(EntryId(2), typical())],
            ..batch(3)
        })
        .await
        .unwrap();
    assert_eq!(store.snapshot().await.unwrap().entries.len(), 2);
}
