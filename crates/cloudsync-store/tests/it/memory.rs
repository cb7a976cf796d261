//! The memory store fails as it is told.

use cloudsync_core::failure::ErrorKind;
use cloudsync_core::record::{Batch, EntryId, Snapshot};
use cloudsync_store::{Fault, FoundState, MemoryDisk, MemoryStore, Store, Unfit};

use crate::opening::loaded;
use crate::strategies::{batch, typical};

fn one_put() -> Batch {
    Batch {
        puts: vec![(EntryId(1), typical())],
        ..batch(1)
    }
}

#[tokio::test]
async fn faults_come_once_each_and_in_order() {
    let disk = MemoryDisk::new();
    let store = disk.open().unwrap();
    let faults = [
        (Fault::Busy, ErrorKind::Unavailable, true, 0),
        (Fault::Full, ErrorKind::OutOfSpace, true, 0),
        (Fault::Unusable, ErrorKind::StoreUnusable, false, 0),
        (Fault::LostReply, ErrorKind::Unavailable, true, 1),
    ];
    for (fault, ..) in faults {
        disk.fail_next(fault);
    }
    for (fault, kind, is_retryable, entries) in faults {
        let failure = store.apply(&one_put()).await.unwrap_err();
        assert_eq!(
            (failure.kind(), failure.is_retryable()),
            (kind, is_retryable),
            "{fault:?}"
        );
        assert_eq!(disk.snapshot().entries.len(), entries, "{fault:?}");
    }
    store.apply(&one_put()).await.unwrap();
    assert_eq!(disk.snapshot().entries, one_put().puts);
    assert_eq!(disk.applied(), 2);
}

#[tokio::test]
async fn a_disk_outlives_its_store_and_has_one_at_a_time() {
    let disk = MemoryDisk::new();
    let store = disk.open().unwrap();
    assert_eq!(loaded(&store).await.found, FoundState::Fresh);
    store.apply(&one_put()).await.unwrap();
    assert_eq!(disk.open().unwrap_err().kind(), ErrorKind::Locked);
    drop(store);

    let store = disk.open().unwrap();
    let opened = loaded(&store).await;
    assert_eq!((opened.found, opened.run), (FoundState::Existing, 2));
    assert_eq!(opened.snapshot.entries, one_put().puts);
    store.close().await.unwrap();
    let second = disk.open().unwrap();
    drop(store);
    assert_eq!(
        disk.open().unwrap_err().kind(),
        ErrorKind::Locked,
        "the first was closed before"
    );
    drop(second);

    disk.damage("a bit fell over");
    let opened = loaded(&disk.open().unwrap()).await;
    assert_eq!((opened.snapshot, opened.run), (Snapshot::default(), 1));
    let FoundState::SetAside { reason, .. } = opened.found else {
        panic!()
    };
    assert_eq!(reason, Unfit::Damaged("a bit fell over".to_owned()));
}

#[tokio::test]
async fn a_store_without_a_disk_of_its_own_is_fresh() {
    let store: Box<dyn Store> = Box::new(MemoryStore::new());
    let opened = loaded(&*store).await;
    assert_eq!((opened.found, opened.run), (FoundState::Fresh, 1));
    store.apply(&one_put()).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().entries, one_put().puts);
}
