//! What waits for an operation that is under way, and what does not.

use cloudsync_core::engine::io::{Act, ConflictPolicy, Input, Query};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::listing::Listing;
use cloudsync_core::object::{Kind, ObjectRef, Observed, Tag};
use cloudsync_core::rules::{Feed, Identity, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::Swarm;
use cloudsync_core::time::Time;

use crate::hand::{Hand, object, rules};

fn paths(hand: &Hand, side: Side) -> Vec<&str> {
    hand.trees[side].keys().map(String::as_str).collect()
}

/// What somebody did on a side is told.
fn changed(hand: &mut Hand, side: Side, all: &[&str]) {
    for path in all {
        hand.changed(side, path);
    }
    hand.work_on();
}

/// The deletion of a file is under way when its folder is deleted as well, and moved on the other side: the folder is
/// not made again before it is known what is left in it.
#[test]
fn a_folder_comes_back_once_nothing_is_under_way_in_it() {
    let mut hand = Hand::new();
    hand.is_slow = true;
    hand.trees[Side::Remote].remove("a/b");
    changed(&mut hand, Side::Remote, &["a/b"]);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.trees[Side::Remote].remove("a");
    changed(&mut hand, Side::Remote, &["a"]);
    hand.rename(Side::Local, "a", "c");
    changed(&mut hand, Side::Local, &["a", "c"]);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.trees[Side::Local].remove("c/b");
    hand.end_slow();
    hand.work_on();
    for side in Side::BOTH {
        assert_eq!(paths(&hand, side), ["c"], "{:?}", hand.acts);
    }
}

/// A file that is new in a folder which we are moving comes there once that ended.
#[test]
fn what_is_new_in_a_folder_that_we_move_waits_for_that() {
    let mut hand = Hand::new();
    hand.is_slow = true;
    hand.rename(Side::Local, "a", "c");
    changed(&mut hand, Side::Local, &["a", "c"]);
    hand.trees[Side::Local].insert("c/n".to_owned(), object(9, Kind::File));
    changed(&mut hand, Side::Local, &["c/n"]);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.end_slow();
    hand.work_on();
    assert_eq!(paths(&hand, Side::Remote), ["c", "c/b", "c/n"]);
}

/// A look did not find the folder that something is written into, as happens where a service answers from an old copy:
/// it was there, and where it is deleted later it is deleted on the other side.
#[test]
fn a_folder_that_something_was_written_into_is_not_gone() {
    let mut hand = Hand::new();
    hand.trees[Side::Local].insert("d".to_owned(), object(8, Kind::Folder));
    changed(&mut hand, Side::Local, &["d"]);
    hand.is_slow = true;
    hand.trees[Side::Local].insert("d/n".to_owned(), object(9, Kind::File));
    changed(&mut hand, Side::Local, &["d/n"]);
    hand.holds = |query| {
        matches!(
            query,
            Query::Info {
                side: Side::Remote,
                ..
            }
        )
    };
    changed(&mut hand, Side::Remote, &["d"]);
    hand.holds = |_| false;
    let Some(Query::Info { id: query, .. }) = hand.held.pop() else {
        panic!("it is looked at");
    };
    let outcome = Ok(None);
    hand.tell(Input::Found { query, outcome });
    hand.work_on();
    hand.end_slow();
    hand.work_on();
    hand.trees[Side::Remote].retain(|path, _| !path.starts_with('d'));
    changed(&mut hand, Side::Remote, &["d/n", "d"]);
    for side in Side::BOTH {
        assert_eq!(paths(&hand, side), ["a", "a/b"], "{:?}", hand.acts);
    }
}

/// Two files want one place, one after the other.
#[test]
fn what_comes_to_a_place_that_something_is_written_to_waits_for_that() {
    let mut hand = Hand::new();
    hand.is_slow = true;
    hand.trees[Side::Local].insert("n".to_owned(), object(8, Kind::File));
    changed(&mut hand, Side::Local, &["n"]);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.rename(Side::Local, "n", "m");
    hand.trees[Side::Local].insert("n".to_owned(), object(9, Kind::File));
    changed(&mut hand, Side::Local, &["n", "m"]);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
}

/// Without ids, a file that we are deleting is not the one that an equal one was before.
#[test]
fn what_is_being_deleted_did_not_move() {
    let path_only = Rules {
        identity: Identity::Path,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(rules(), path_only));
    hand.is_slow = true;
    let file = hand.trees[Side::Remote].remove("a/b").expect("it is there");
    changed(&mut hand, Side::Remote, &["a/b"]);
    hand.trees[Side::Remote].insert("n".to_owned(), file);
    changed(&mut hand, Side::Remote, &["n"]);
    let is_write = |(_, act): &(Side, Act)| matches!(act, Act::Write { .. });
    assert_eq!(hand.acts.len(), 2, "{:?}", hand.acts);
    assert_eq!(hand.acts.iter().filter(|act| is_write(act)).count(), 1);
}

/// A conflict that is on hold stays where it is: what wants its place takes another one.
#[test]
fn what_comes_to_the_place_of_a_conflict_on_hold_gives_way() {
    let mut all = BySide::from_fn(|_| rules());
    all[Side::Remote].names.case_sensitive = false;
    let mut hand = Hand::deciding(all, ConflictPolicy::Hold);
    for (side, number) in [(Side::Local, 5), (Side::Remote, 6)] {
        let edited = Observed {
            tag: Tag::new([number]),
            ..object(3, Kind::File)
        };
        hand.trees[side].insert("a/b".to_owned(), edited);
        hand.changed(side, "a/b");
    }
    hand.work();
    assert!(hand.acts.is_empty(), "{:?}", hand.acts);
    hand.trees[Side::Local].insert("a/B".to_owned(), object(9, Kind::File));
    changed(&mut hand, Side::Local, &["a/B"]);
    for side in Side::BOTH {
        assert_eq!(paths(&hand, side), ["a", "a/B.conflicted", "a/b"]);
    }
}

/// A file that a walk saw in the moment before we deleted it is looked at again, after a kill too: a feed that tells
/// only what is new need not tell of what we did.
#[test]
fn what_was_seen_while_we_deleted_it_is_looked_at_after_a_kill() {
    let told = Rules {
        feed: Feed::Resumable,
        ..rules()
    };
    let mut hand = Hand::with(BySide::from_fn(|_| told.clone()));
    hand.is_slow = true;
    hand.trees[Side::Remote].remove("a/b");
    changed(&mut hand, Side::Remote, &["a/b"]);
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.walk(Side::Local);
    hand.work_on();
    hand.holds = |query| matches!(query, Query::Info { .. });
    hand.end_slow();
    hand.work_on();
    assert_eq!(hand.held.len(), 1, "the look at it: {:?}", hand.held);
    let lone = hand.records.values().find(|record| record.agreed.is_none());
    let node = lone.and_then(|record| record.nodes.local.as_ref());
    assert_eq!(
        node.map(|node| &node.tag),
        Some(&Tag::default()),
        "its record asks for a look: {lone:?}"
    );
}

/// A walk met a folder where its user had moved it just before we deleted it, which went by its id: what the walk says is
/// from before that.
#[test]
fn what_was_met_elsewhere_before_we_deleted_it_is_gone() {
    let mut hand = Hand::new();
    let here = Side::Local;
    let folder = object(8, Kind::Folder);
    hand.trees[here].insert("a/d".to_owned(), folder.clone());
    changed(&mut hand, here, &["a/d"]);
    hand.holds = |query| matches!(query, Query::Walk { .. });
    hand.walk(here);
    hand.work_on();
    let Some(Query::Walk { id: query, .. }) = hand.held.pop() else {
        panic!("it is walked");
    };
    hand.trees[Side::Remote].remove("a/d");
    changed(&mut hand, Side::Remote, &["a/d"]);
    assert_eq!(paths(&hand, here), ["a", "a/b"], "{:?}", hand.acts);
    let root = [("a", object(2, Kind::Folder)), ("m", folder)];
    let listings = vec![
        listing("", &root),
        listing("a", &[("b", object(3, Kind::File))]),
        listing("m", &[]),
    ];
    hand.tell(Input::Listed { query, listings });
    let outcome = Ok(());
    hand.tell(Input::Walked { query, outcome });
    hand.holds = |_| false;
    hand.work_on();
    for side in Side::BOTH {
        assert_eq!(paths(&hand, side), ["a", "a/b"], "{:?}", hand.acts);
    }
}

fn listing(path: &str, entries: &[(&str, Observed)]) -> Listing {
    let mut listing = Listing::new(ObjectRef::at(path.to_owned()));
    for (name, seen) in entries {
        listing.push(name, seen.clone());
    }
    listing.complete()
}

/// We took a file for deleted whose folder its user had moved, and deleted it on the other side; the answer was lost, and
/// nobody could look at the folder it was in. That the other user deletes what is above that says nothing of the file:
/// it was we who deleted it there, and it comes back. (So does what is beside it: we may have deleted that as well.)
#[test]
fn what_we_may_have_deleted_in_a_folder_that_its_user_deletes_comes_back() {
    let mut hand = Hand::new();
    hand.trees[Side::Local].insert("a/d".to_owned(), object(8, Kind::Folder));
    hand.trees[Side::Local].insert("a/d/f".to_owned(), object(9, Kind::File));
    changed(&mut hand, Side::Local, &["a/d", "a/d/f"]);
    hand.is_slow = true;
    hand.rename(Side::Local, "a", "m");
    changed(&mut hand, Side::Local, &["a"]);
    let is_delete = |(_, act): &&(Side, Act)| matches!(act, Act::Delete { .. });
    assert_eq!(
        hand.acts.iter().filter(is_delete).count(),
        2,
        "{:?}",
        hand.acts
    );
    hand.changed(Side::Local, "m");
    hand.work_at(Time::ZERO);
    hand.unseen = |path| path == "a/d" || path == "m/d";
    hand.fails = |_| Some(ErrorKind::Unavailable);
    hand.trees[Side::Remote].remove("a/d/f");
    hand.end_slow();
    hand.fails = |_| None;
    hand.work_at(Time::ZERO);
    let (id, effect) = hand.done.take().expect("the folder is moved");
    hand.tell(Input::Done(vec![(id, Ok(effect))]));
    hand.work_at(Time::ZERO);
    hand.trees[Side::Remote].clear();
    hand.changed(Side::Remote, "m");
    hand.work_at(Time::ZERO);
    hand.unseen = |_| false;
    hand.work();
    for side in Side::BOTH {
        assert_eq!(paths(&hand, side), ["m", "m/b", "m/d", "m/d/f"]);
    }
}

/// A folder was to make room for a file once what is under way in it ended; by then the file goes elsewhere. What could
/// not start in the folder meanwhile, as it was about to move, starts all the same.
#[test]
fn what_waited_in_a_folder_that_was_to_make_room_goes_on_once_it_need_not() {
    let mut hand = Hand::new();
    for (path, id) in [("x", 8), ("a/n", 9)] {
        hand.trees[Side::Local].insert(path.to_owned(), object(id, Kind::File));
        changed(&mut hand, Side::Local, &[path]);
    }
    hand.is_slow = true;
    hand.trees[Side::Local].remove("a/b");
    changed(&mut hand, Side::Local, &["a/b"]);
    hand.is_slow = false;
    hand.rename(Side::Remote, "a/n", "a/m");
    hand.trees[Side::Local].retain(|path, _| path == "x");
    hand.rename(Side::Local, "x", "a");
    for (side, path) in [
        (Side::Remote, "a/n"),
        (Side::Remote, "a/m"),
        (Side::Local, "a"),
        (Side::Local, "x"),
    ] {
        hand.changed(side, path);
    }
    hand.work_on();
    hand.rename(Side::Remote, "x", "A");
    changed(&mut hand, Side::Remote, &["x", "A"]);
    assert!(hand.trees[Side::Local].contains_key("A"), "{:?}", hand.acts);
    hand.end_slow();
    hand.work_on();
    for side in Side::BOTH {
        assert_eq!(paths(&hand, side), ["A", "a", "a/m"], "{:?}", hand.acts);
    }
}

/// We deleted a folder that a walk had met since that was planned, and were killed before it was looked at: it is looked at
/// after the restart, where its feed tells nothing of what we did. (It was made on the other side.)
#[test]
fn a_folder_that_we_deleted_under_a_walk_is_looked_at_after_a_kill() {
    Swarm::crossed(62_193_676)
        .choosing()
        .late()
        .by_parts()
        .run();
}

/// A walk of a folder ended while a folder above it moved, so it is to be looked at; before that, we move it away. It is
/// walked where it is. (It was not before the next start.)
#[test]
fn a_folder_that_is_to_be_listed_and_that_we_move_is_walked() {
    Swarm::crossed(63_017_056).run();
}
