//! What is new in a new folder: recorded with it, before any of it is made.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, Query};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::object::{Kind, Tag};
use cloudsync_core::record::{IntendedAct, Record};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;

use crate::hand::{Hand, object, rules};

/// A chain of new folders, with a file in each.
const TREE: [(&str, Kind); 8] = [
    ("n", Kind::Folder),
    ("n/f", Kind::File),
    ("n/n", Kind::Folder),
    ("n/n/f", Kind::File),
    ("n/n/n", Kind::Folder),
    ("n/n/n/f", Kind::File),
    ("n/n/n/n", Kind::Folder),
    ("n/n/n/n/f", Kind::File),
];

fn make_tree(hand: &mut Hand) {
    for (number, (path, kind)) in (20..).zip(TREE) {
        let made = object(number, kind);
        hand.trees[Side::Local].insert(path.to_owned(), made);
    }
    hand.changed(Side::Local, "n");
}

/// Returns the records of what stands on the local side alone.
fn lone(hand: &Hand) -> Vec<&Record> {
    let all = hand.records.values();
    all.filter(|record| record.nodes.remote.is_none()).collect()
}

#[test]
fn a_new_tree_is_made_without_a_record_for_each_level() {
    let mut hand = Hand::new();
    make_tree(&mut hand);
    let before = hand.batches;
    hand.work_at(Time::ZERO);
    assert_eq!(hand.acts.len(), TREE.len(), "{:?}", hand.acts);
    // The first folder, all that is in it once that is known, and what was done.
    assert_eq!(hand.batches - before, 3);
    let paths: Vec<&str> = hand.trees[Side::Remote]
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(paths[2..], TREE.map(|(path, _)| path));
}

/// The folder is there before that is recorded: it is on its way to the store, or waits for what is.
#[test]
fn what_is_announced_is_recorded_before_it_is_made() {
    for is_store_busy in [false, true] {
        let mut hand = Hand::new();
        hand.is_slow = true;
        make_tree(&mut hand);
        hand.holds = |query| matches!(query, Query::Walk { .. });
        hand.work_at(Time::ZERO);
        hand.records_late = true;
        if is_store_busy {
            let file = hand.trees[Side::Remote].get_mut("a/b");
            file.expect("it is there").tag = Tag::new([99]);
            hand.changed(Side::Remote, "a/b");
            hand.work_at(Time::ZERO);
        }
        for query in std::mem::take(&mut hand.held) {
            hand.look(query);
        }
        hand.work_at(Time::ZERO);
        hand.end_slow();
        hand.work_at(Time::ZERO);
        assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
        hand.recorded();
        hand.work_at(Time::ZERO);
        // The edit alone, or all of the tree.
        assert_eq!(hand.acts.len() == 2, is_store_busy, "{:?}", hand.acts);
        hand.records_late = false;
        hand.recorded();
        hand.work();
        let acts = TREE.len() + usize::from(is_store_busy);
        assert_eq!(hand.acts.len(), acts, "{:?}", hand.acts);
    }
}

/// A file is edited after it was announced, and before its folder is there: at rest by then, or not.
#[test]
fn what_changed_since_it_was_announced_is_recorded_as_it_is() {
    for aging in [0, 60] {
        let aging = Duration::from_secs(aging);
        let mut hand = Hand::aging(aging);
        hand.is_slow = true;
        make_tree(&mut hand);
        hand.work_at(Time::ZERO);
        let at_rest = Time::ZERO + aging;
        hand.work_at(at_rest);
        assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
        assert_eq!(lone(&hand).len(), TREE.len(), "announced");
        let file = hand.trees[Side::Local].get_mut("n/f");
        file.expect("it is there").tag = Tag::new([99]);
        hand.changed(Side::Local, "n/f");
        hand.work_at(at_rest);
        hand.end_slow();
        hand.is_slow = true;
        hand.work_at(at_rest);
        let is_write = |(_, act): &(Side, Act)| matches!(act, Act::Write { .. });
        assert!(hand.acts.iter().any(is_write), "{:?}", hand.acts);
        let source = lone(&hand).iter().find_map(|record| match &record.intent {
            Some(intent) => match &intent.act {
                IntendedAct::Write { source, name, .. } if name == "f" => Some(source.clone()),
                _ => None,
            },
            None => None,
        });
        assert_eq!(source, Some(Tag::new([99])), "{aging:?}");
        hand.end_slow();
        hand.work_on();
        assert_eq!(hand.trees[Side::Remote]["n/f"].tag, Tag::new([99]));
    }
}

/// Its folder could not be made, and has no record any more: none names it.
#[test]
fn what_cannot_come_is_announced_no_more() {
    let mut hand = Hand::new();
    hand.fails = |act| {
        let is_folder = matches!(act, Act::CreateFolder { .. });
        is_folder.then_some(ErrorKind::PermissionDenied)
    };
    make_tree(&mut hand);
    hand.is_slow = true;
    hand.work_at(Time::ZERO);
    assert_eq!(lone(&hand).len(), TREE.len(), "announced");
    hand.end_slow();
    hand.work_at(Time::ZERO);
    assert!(lone(&hand).is_empty(), "{:?}", lone(&hand));
    hand.fails = |_| None;
    hand.work();
    assert_eq!(hand.trees.remote.len(), hand.trees.local.len());
}

/// The other side cannot have the name of a file in the new folder.
#[test]
fn what_is_not_to_be_made_is_announced_no_more() {
    let mut hand = Hand::with(BySide::from_fn(|side| {
        let mut rules = rules();
        if side == Side::Remote {
            rules.names.forbidden = "f";
        }
        rules
    }));
    make_tree(&mut hand);
    hand.work();
    let folders = TREE.iter().filter(|(_, kind)| *kind == Kind::Folder);
    assert_eq!(hand.acts.len(), folders.count(), "{:?}", hand.acts);
    assert!(lone(&hand).is_empty(), "{:?}", lone(&hand));
}
