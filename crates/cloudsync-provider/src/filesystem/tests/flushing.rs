//! What is flushed before it is answered.

use std::sync::atomic::Ordering;

use super::super::Durability;
use super::*;
use crate::{Attributes, Kind};

impl Place {
    /// Returns how many files, folders and volumes were flushed since the last time.
    fn flushed(&self) -> (usize, usize, usize) {
        let disk = self.provider.disk("test").expect("disk");
        let since = |count: &std::sync::atomic::AtomicUsize| count.swap(0, Ordering::Relaxed);
        let flushes = &disk.flushes;
        (
            since(&flushes.files),
            since(&flushes.folders),
            since(&flushes.volumes),
        )
    }

    async fn write_many(&self) {
        let batch = (0..20)
            .map(|number| request(&format!("{}/{number}", number % 10), Expect::Free, "x"))
            .collect();
        let results = self.provider.write_batch(batch).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
}

/// A place with ten folders.
async fn place(durability: Durability) -> Place {
    let place = Place::with(FileProvider::new().durability(durability)).await;
    for number in 0..10 {
        fs::create_dir(place.path(&number.to_string())).expect("folder");
    }
    place
}

#[tokio::test]
async fn full_flushes_each_file_and_its_folder_before_it_is_answered() {
    let place = place(Durability::Full).await;
    place.write_many().await;
    assert_eq!(place.flushed(), (20, 10, 0));
    let expect = place.unchanged("3/3").await;
    place.write("3/3", expect, "y").await.expect("write");
    assert_eq!(place.flushed(), (1, 1, 0));
    let provider = &place.provider;
    let found = place.at("3/3").await;
    let renamed = provider.rename(&found, None, &target("4/new")).await;
    renamed.expect("rename");
    assert_eq!(place.flushed(), (0, 2, 0));
    let found = place.at("4/new").await;
    let attributes = Attributes {
        mtime: Some(1),
        mode: None,
    };
    let set = provider.set_attributes(&found, None, attributes).await;
    set.expect("attributes");
    assert_eq!(place.flushed(), (1, 0, 0));
    let deleted = provider.delete(&found, Kind::File, None).await;
    deleted.expect("delete");
    assert_eq!(place.flushed(), (0, 1, 0));
    let folder = target("4/sub");
    let made = provider.create_folder(&folder, Attributes::default());
    made.await.expect("folder");
    assert_eq!(place.flushed(), (0, 1, 0));
    provider.flush().await.expect("flush");
    assert_eq!(place.flushed(), (0, 0, 0), "nothing was left");
}

#[tokio::test]
async fn batch_flushes_data_before_names_and_names_with_the_flush() {
    let place = place(Durability::Batch).await;
    place.write_many().await;
    assert_eq!(place.flushed(), (0, 0, 1), "the data of all at once");
    place.provider.flush().await.expect("flush");
    assert_eq!(place.flushed(), (0, 0, 1), "names in many folders");
    let expect = place.unchanged("3/3").await;
    place.write("3/3", expect, "y").await.expect("write");
    assert_eq!(place.flushed(), (1, 0, 0), "a single change waits for none");
    place.provider.flush().await.expect("flush");
    assert_eq!(place.flushed(), (0, 1, 0));
    place.provider.flush().await.expect("flush");
    assert_eq!(place.flushed(), (0, 0, 0), "nothing was left");
}

#[tokio::test]
async fn none_flushes_nothing() {
    let place = place(Durability::None).await;
    place.write_many().await;
    let expect = place.unchanged("3/3").await;
    place.write("3/3", expect, "y").await.expect("write");
    let found = place.at("3/3").await;
    let deleted = place.provider.delete(&found, Kind::File, None).await;
    deleted.expect("delete");
    place.provider.flush().await.expect("flush");
    assert_eq!(place.flushed(), (0, 0, 0));
}
