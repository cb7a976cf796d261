//! What a killed process left is cleared away, and what it held of the user's is put back.

use std::sync::Arc;

use super::super::look::look_at;
use super::super::own::Namer;
use super::*;
use crate::{End, ErrorKind, Kind};

/// A place where the process died after it made these names.
struct Crash {
    place: Place,
    namer: Arc<Namer>,
}

impl Crash {
    async fn new() -> Self {
        let place = Place::with(FileProvider::new().with_owner("pair")).await;
        Self {
            place,
            namer: Arc::new(Namer::new("pair")),
        }
    }

    fn fingerprint(&self, name: &str) -> u64 {
        look_at(rustix::fs::CWD, self.place.path(name))
            .expect(name)
            .fingerprint()
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.place.path(from), self.place.path(to)).expect(from);
    }

    /// Dies, starts anew, and walks; returns what the walk shows in the root.
    async fn restart(self) -> (Place, Vec<String>) {
        drop(self.namer);
        let walked = self.place.walk().await;
        assert!(walked.iter().all(|listing| listing.end == End::Complete));
        let shown = names(&walked[0]).into_iter().map(str::to_owned).collect();
        (self.place, shown)
    }
}

#[tokio::test]
async fn copies_that_were_being_made_are_removed() {
    let crash = Crash::new().await;
    let name = crash.namer.copy();
    crash.place.put(&name, "half");
    crash
        .place
        .put(&format!("folder/{}", crash.namer.copy()), "half");
    let (place, shown) = crash.restart().await;
    assert_eq!(shown, ["folder"]);
    assert!(place.names("folder").is_empty());
}

#[tokio::test]
async fn nothing_exchanged_yet() {
    let crash = Crash::new().await;
    crash.place.put("a", "old").put("tmp", "ours");
    let name = crash
        .namer
        .exchange(crash.fingerprint("tmp"), crash.fingerprint("a"), "a");
    crash.rename("tmp", &name);
    let (place, shown) = crash.restart().await;
    assert_eq!(shown, ["a"]);
    assert_eq!(
        (place.content("a").as_str(), place.names("").len()),
        ("old", 1)
    );
}

#[tokio::test]
async fn exchanged_with_the_expected_version() {
    let crash = Crash::new().await;
    crash.place.put("a", "ours").put("old", "old");
    let name = crash
        .namer
        .exchange(crash.fingerprint("a"), crash.fingerprint("old"), "a");
    crash.rename("old", &name);
    let (place, shown) = crash.restart().await;
    assert_eq!(shown, ["a"]);
    assert_eq!(
        (place.content("a").as_str(), place.names("").len()),
        ("ours", 1)
    );
}

#[tokio::test]
async fn exchanged_with_an_edit_that_nobody_saw() {
    for long in [false, true] {
        let crash = Crash::new().await;
        let target = if long {
            "ä".repeat(120)
        } else {
            "a.txt".to_owned()
        };
        crash.place.put(&target, "ours").put("old", "old");
        let name = crash.namer.exchange(
            crash.fingerprint(&target),
            crash.fingerprint("old"),
            &target,
        );
        crash.place.put("old", "edited");
        crash.rename("old", &name);
        let (place, shown) = crash.restart().await;
        let aside = shown
            .iter()
            .find(|name| **name != target)
            .expect("kept aside");
        assert!(aside.contains(".conflicted"), "{aside}");
        assert!(long || aside == "a.conflicted.txt", "{aside}");
        assert_eq!(
            (place.content(aside).as_str(), place.names("").len()),
            ("edited", 2)
        );
        assert_eq!(place.content(&target), "ours");
    }
}

#[tokio::test]
async fn a_file_that_was_being_deleted_is_put_back() {
    let crash = Crash::new().await;
    crash.place.put("a", "one").put("b.txt", "two");
    crash.rename("a", &crash.namer.parked("a"));
    crash.rename("b.txt", &crash.namer.parked("b.txt"));
    crash.place.put("b.txt", "new");
    let (place, shown) = crash.restart().await;
    assert_eq!(shown, ["a", "b.conflicted.txt", "b.txt"]);
    assert_eq!(place.content("a"), "one");
    assert_eq!(place.content("b.conflicted.txt"), "two");
    assert_eq!(place.content("b.txt"), "new");
}

#[tokio::test]
async fn what_is_in_flight_or_of_others_is_left_alone_and_not_shown() {
    let crash = Crash::new().await;
    let other = Namer::new("other pair").copy();
    let alive = crash.namer.copy();
    crash
        .place
        .put(&other, "x")
        .put(&alive, "x")
        .put("a", "one");
    assert_eq!(names(&crash.place.list("").await), ["a"]);
    assert_eq!(crash.place.names("").len(), 3);
    assert_eq!(
        crash
            .place
            .provider
            .info(&ObjectRef::at(&alive))
            .await
            .expect("info"),
        None
    );
    let (place, shown) = crash.restart().await;
    assert_eq!(shown, ["a"]);
    assert_eq!(place.names(""), [other, "a".to_owned()]);
}

#[tokio::test]
async fn nothing_is_swept_by_who_must_not_change_anything() {
    let crash = Crash::new().await;
    let name = crash.namer.copy();
    crash.place.put(&name, "half");
    let Crash { place, namer } = crash;
    drop(namer);
    let provider = FileProvider::new().with_owner("pair").sweeping(false);
    place.open(&provider).await;
    walk(&provider).await;
    assert_eq!(place.names(""), [name]);
}

#[tokio::test]
async fn leftovers_do_not_keep_a_folder() {
    let crash = Crash::new().await;
    crash
        .place
        .put(&format!("folder/{}", crash.namer.copy()), "half");
    crash.place.put("full/a", "one");
    crash.rename("full/a", &format!("full/{}", crash.namer.parked("a")));
    let Crash { place, namer } = crash;
    drop(namer);
    let at = place.at("folder").await;
    place
        .provider
        .delete(&at, Kind::Folder, None)
        .await
        .expect("deleted");
    let error = place
        .provider
        .delete(&place.at("full").await, Kind::Folder, None)
        .await;
    assert_eq!(
        error.expect_err("a user's file").kind(),
        ErrorKind::NotEmpty
    );
    assert_eq!(place.content("full/a"), "one");
}
