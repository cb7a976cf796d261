//! Looks below a folder that a rename of ours is moving: asked for by its old path, and answered when the
//! rename was done, but not told; and a hint of what is in a folder that nobody listed yet.

use cloudsync_core::engine::io::{Act, Input, Output, Query};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::listing::Listing;
use cloudsync_core::object::{Kind, ObjectRef, Tag};
use cloudsync_core::rules::{Feed, Identity, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, UserAct};
use cloudsync_core::time::Time;

use crate::hand::{Hand, object, rules};

impl Hand {
    /// A user renames the folder on the local side; we do so on the remote one, and it is not told yet.
    fn rename_is_done(&mut self) {
        self.rename(Side::Local, "a", "c");
        self.changed(Side::Local, "a");
        self.changed(Side::Local, "c");
        self.work();
        assert!(self.done.is_some(), "it is renamed: {:?}", self.acts);
        assert!(self.trees.remote.contains_key("c/b"), "with what is in it");
    }

    /// A user renames it on the remote side; on the local one we begin to.
    fn moved_there(&mut self, from: &str, to: &str) {
        let begun = self.acts.len();
        self.rename(Side::Remote, from, to);
        self.changed(Side::Remote, from);
        self.changed(Side::Remote, to);
        self.work();
        assert_eq!(self.acts.len(), begun + 1, "{:?}", self.acts);
    }

    /// What was held is answered as it is now, then the rename is told. All is there, under its new path.
    fn ends_well(mut self) {
        self.holds = |_| false;
        let held = std::mem::take(&mut self.held);
        assert_eq!(held.len(), 1, "{held:?}");
        for query in held {
            self.look(query);
        }
        self.work();
        let (id, effect) = self.done.take().expect("it is renamed");
        self.tell(Input::Done(vec![(id, Ok(effect))]));
        self.work();
        for side in Side::BOTH {
            let paths: Vec<&str> = self.trees[side].keys().map(String::as_str).collect();
            assert_eq!(paths, ["c", "c/b"], "{side}: {:?}", self.acts);
        }
        assert_eq!(self.acts.len(), 1, "only the rename: {:?}", self.acts);
    }
}

/// It was told of, and looked at: nothing is at its old path any more.
#[test]
fn what_is_not_found_in_a_folder_that_we_are_moving_is_not_gone() {
    let mut hand = Hand::new();
    hand.holds =
        |query| matches!(query, Query::Info { side: Side::Remote, at, .. } if at.path == "a/b");
    hand.changed(Side::Remote, "a/b");
    hand.work();
    hand.rename_is_done();
    hand.ends_well();
}

/// Touched by a user, it was to be hashed.
#[test]
fn what_cannot_be_hashed_in_a_folder_that_we_are_moving_is_not_gone() {
    let mut hand = Hand::new();
    hand.holds =
        |query| matches!(query, Query::Hash { side: Side::Remote, at, .. } if at.path == "a/b");
    hand.trees.remote.get_mut("a/b").expect("a file").tag = Tag::new([3, 9]);
    hand.changed(Side::Remote, "a/b");
    hand.work();
    hand.rename_is_done();
    hand.ends_well();
}

/// It was away for a moment, and is looked at once more before it is deleted on the other side.
#[test]
fn what_is_missed_again_in_a_folder_that_we_are_moving_is_not_deleted() {
    let mut hand = Hand::new();
    hand.holds = |query| {
        matches!(
            query,
            Query::Info {
                check_root: true,
                ..
            }
        )
    };
    let away = hand.trees.remote.remove("a/b").expect("a file");
    hand.changed(Side::Remote, "a/b");
    hand.work();
    hand.trees.remote.insert("a/b".to_owned(), away);
    hand.rename_is_done();
    hand.ends_well();
}

/// By its path, the hint is of the folder that stood there before, as far as is known then.
#[test]
fn a_hint_for_a_folder_that_took_the_place_of_another_is_looked_at_there() {
    let mut hand = Hand::new();
    let here = Side::Local;
    hand.trees[here].remove("a/b");
    hand.trees[here].insert("a".to_owned(), object(9, Kind::Folder));
    hand.holds = |query| matches!(query, Query::Walk { .. });
    hand.walk(here);
    hand.work();
    // While it is walked, and after the folder was listed.
    hand.changed(here, "a/x");
    let walk = hand.held.pop().expect("it is walked");
    hand.look(walk);
    let mut asks = Vec::new();
    while let Some(output) = hand.engine.poll(Time::ZERO) {
        match output {
            Output::Query(Query::Walk { from, .. }) => asks.push(from.path),
            Output::Query(Query::Info { at, .. }) => asks.push(at.path),
            _ => {}
        }
    }
    assert!(
        asks.iter().any(|path| path == "a" || path == "a/x"),
        "nobody looks at it: {asks:?}"
    );
}

/// It could not be listed where it was, and is looked at where it is: without ids, that something is there as it was
/// known says nothing of what is in it. The answer comes while the next rename of ours is under way.
#[test]
fn a_folder_that_we_rename_twice_while_it_is_walked_is_listed() {
    let path_only = Rules {
        identity: Identity::Path,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(path_only, rules()));
    let here = Side::Local;
    hand.trees[here].insert("a/n".to_owned(), object(9, Kind::File));
    hand.holds = |query| {
        matches!(
            query,
            Query::Walk {
                side: Side::Local,
                ..
            }
        )
    };
    hand.walk(here);
    hand.work();
    let Some(Query::Walk { id: query, .. }) = hand.held.pop() else {
        panic!("it is walked");
    };
    hand.is_slow = true;
    hand.moved_there("a", "c");
    let listings = vec![Listing::new(ObjectRef::at("a".to_owned()))];
    hand.tell(Input::Listed { query, listings });
    let outcome = Ok(());
    hand.tell(Input::Walked { query, outcome });
    hand.holds = |query| {
        matches!(
            query,
            Query::Info {
                side: Side::Local,
                ..
            }
        )
    };
    hand.end_slow();
    hand.work();
    let look = hand.held.pop().expect("it is looked at");
    hand.is_slow = true;
    hand.moved_there("c", "d");
    hand.holds = |_| false;
    hand.look(look);
    hand.end_slow();
    hand.work();
    for side in Side::BOTH {
        let paths: Vec<&str> = hand.trees[side].keys().map(String::as_str).collect();
        assert_eq!(paths, ["d", "d/b", "d/n"], "{side}: {:?}", hand.acts);
    }
}

/// What the walk saw of the two folders beside something that we had just made was in doubt: the listing of the new
/// one is not of the one that stood there.
#[test]
fn a_listing_is_of_the_folder_with_its_id() {
    let mut hand = Hand::new();
    let here = Side::Local;
    let (folder, file) = (object(6, Kind::Folder), object(7, Kind::File));
    hand.trees[here].extend([("0".to_owned(), folder), ("a/x".to_owned(), file)]);
    hand.fails = |act| {
        let is_it = matches!(act, Act::Write { target, .. } if target.name == "x");
        is_it.then_some(ErrorKind::PermissionDenied)
    };
    hand.changed(here, "0");
    hand.changed(here, "a/x");
    hand.work_at(Time::ZERO);
    hand.holds = |query| matches!(query, Query::Walk { .. });
    hand.walk(here);
    hand.work_at(Time::ZERO);
    let walk = hand.held.pop().expect("it is walked");
    let made = object(8, Kind::File);
    hand.trees.remote.insert("n".to_owned(), made);
    hand.changed(Side::Remote, "n");
    hand.work_at(Time::ZERO);
    // It is listed before the one that takes its place.
    hand.rename(here, "a", "0/a");
    hand.trees[here].insert("a".to_owned(), object(9, Kind::Folder));
    hand.holds = |_| false;
    hand.fails = |_| None;
    hand.look(walk);
    hand.work_on_as_told();
    for side in Side::BOTH {
        let paths: Vec<&str> = hand.trees[side].keys().map(String::as_str).collect();
        let all = ["0", "0/a", "0/a/b", "0/a/x", "a", "n"];
        assert_eq!(paths, all, "{side}: {:?}", hand.acts);
    }
}

/// We moved a folder, and were killed before we had looked at all that was told of what was in it just before, by its old
/// path. After the restart nobody knows that path: the side is walked. (What its user had moved into the folder was not
/// met, and what it left on the other side was deleted.)
#[test]
fn what_was_told_of_a_folder_by_the_path_that_we_moved_it_from_is_found_after_a_kill() {
    let told = SideSetup {
        feed: Feed::Resumable,
        own_changes: false,
        ..SideSetup::default()
    };
    for (seed, work) in (0..20).flat_map(|seed| (1..40).map(move |work| (seed, work))) {
        let mut pair = ModelPair::with(BySide::new(SideSetup::default(), told), seed);
        for folder in ["a", "a/b", "a/d"] {
            pair.act(&UserAct::Mkdir(Side::Local, folder.to_owned()));
        }
        pair.act(&UserAct::Write(Side::Local, "a/d/b".to_owned()));
        pair.check();
        let late = Faults {
            late_look: 50,
            late_answer: 50,
            ..Faults::default()
        };
        let mut pair = pair.faults(late);
        pair.act(&UserAct::Rename(
            Side::Local,
            "a/b".to_owned(),
            "c".to_owned(),
        ));
        pair.crash();
        pair.act_all(&[
            UserAct::Write(Side::Remote, "a/b/b".to_owned()),
            UserAct::Rename(Side::Remote, "a/d/b".to_owned(), "a/b/d".to_owned()),
            UserAct::Work(work),
        ]);
        pair.crash();
        pair.check();
    }
}
