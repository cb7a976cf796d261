//! What long runs of the simulation found, each in as few acts as it takes.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, ConflictPolicy, Input, Query, Source};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::listing::Listing;
use cloudsync_core::notice::Notice;
use cloudsync_core::object::{Kind, ObjectRef, Observed, Tag};
use cloudsync_core::rules::{Feed, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, SideSetup, UserAct};
use cloudsync_core::time::Time;

use crate::hand::{Hand, object, rules};

fn write(side: Side, path: &str) -> UserAct {
    UserAct::Write(side, path.to_owned())
}

fn mkdir(side: Side, path: &str) -> UserAct {
    UserAct::Mkdir(side, path.to_owned())
}

fn rename(side: Side, from: &str, to: &str) -> UserAct {
    UserAct::Rename(side, from.to_owned(), to.to_owned())
}

/// That both files had one size and one time said that it was ours, and what the user had written was lost: where
/// its source had other attributes by then, another name, or another content.
#[test]
fn a_file_of_the_same_moment_is_not_taken_for_one_that_we_wrote() {
    let (local, remote) = (Side::Local, Side::Remote);
    for seed in 0..80 {
        // On a disk that knows whole seconds only, too.
        let moment = if seed % 4 < 2 {
            5_000_000_000
        } else {
            5_123_456_789
        };
        for work in 0..10 {
            let mut pair = ModelPair::with(BySide::default(), seed);
            pair.act(&write(remote, "a"));
            pair.check();
            let mut pair = pair.faults(Faults {
                fail: 100,
                ..Faults::default()
            });
            pair.act(&write(remote, "a"));
            pair.set_time(remote, "a", moment);
            pair.act(&UserAct::Work(work));
            pair.act(&write(local, "a"));
            pair.set_time(local, "a", moment);
            if seed % 2 == 0 {
                pair.act(&UserAct::Touch(remote, "a".to_owned(), 1));
                pair.set_time(remote, "a", moment);
            } else {
                pair.act(&write(remote, "a"));
            }
            pair.check();
        }
    }
}

/// What we wrote before we were killed is known by its content, and is no conflict with what its user wrote since.
#[test]
fn a_copy_whose_end_was_not_recorded_is_known_by_its_content() {
    for side in Side::BOTH {
        for work in 0..40 {
            let mut pair = ModelPair::with(BySide::default(), u64::from(work));
            pair.act(&write(side, "a"));
            pair.check();
            pair.act_all(&[write(side, "a"), UserAct::Work(work), UserAct::Crash]);
            pair.act(&write(side, "a"));
            pair.check();
            let names: Vec<String> = pair.sides.local.tree().into_keys().collect();
            assert_eq!(names, ["a"], "{side} {work}");
        }
    }
}

/// A look at an object said where it had been, and came after a later look at that place, which said that
/// nothing was there any more.
/// A file that no look can be had at says nothing of another one: what we had begun with that waited as long.
#[test]
fn what_was_begun_does_not_wait_for_a_look_at_something_else() {
    for unseen in ["x", "a/b"] {
        let mut hand = Hand::new();
        hand.fails = |_| Some(ErrorKind::Unavailable);
        hand.trees[Side::Local].insert("a/b".to_owned(), edited());
        hand.changed(Side::Local, "a/b");
        hand.unseen = match unseen {
            "x" => |path| path == "x",
            _ => |path| path == "a/b",
        };
        hand.changed(Side::Remote, "x");
        hand.work_at(Time::ZERO);
        hand.fails = |_| None;
        let later = |seconds: u64| Time::ZERO + Duration::from_secs(seconds);
        (1..30).for_each(|second| hand.work_at(later(second)));
        let is_written = hand.trees[Side::Remote]["a/b"] == edited();
        assert_eq!(is_written, unseen == "x", "{:?}", hand.acts);
        hand.unseen = |_| false;
        (30..60).for_each(|second| hand.work_at(later(second)));
        assert_eq!(hand.trees[Side::Remote]["a/b"], edited(), "{unseen}");
    }
}

/// The file that both sides have, edited.
fn edited() -> Observed {
    Observed {
        tag: Tag::new([4]),
        ..object(3, Kind::File)
    }
}

/// What stands there has another size than what is to come there now, and is ours all the same.
#[test]
fn a_copy_whose_end_was_not_told_is_known_where_its_source_is_longer_by_now() {
    for work in 0..40 {
        let sides = BySide::new(SideSetup::default(), SideSetup::service());
        let mut pair = ModelPair::with(sides, u64::from(work));
        pair.act(&write(Side::Remote, "f"));
        pair.check();
        pair.act_all(&[write(Side::Remote, "f"), UserAct::Work(work)]);
        pair.write(Side::Remote, "f", "a longer one");
        pair.act(&UserAct::Crash);
        pair.check();
        for side in Side::BOTH {
            let paths: Vec<_> = pair.sides[side].tree().into_keys().collect();
            assert_eq!(paths, ["f"], "{work} steps between");
        }
    }
}

#[test]
fn an_older_answer_does_not_bring_back_what_is_gone() {
    let by_id = Rules {
        id_lookup: true,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(by_id, rules()));
    hand.holds =
        |query| matches!(query, Query::Info { side: Side::Local, at, .. } if at.oid.is_some());
    hand.rename(Side::Local, "a/b", "a/c");
    hand.changed(Side::Local, "a/c");
    hand.work();
    hand.changed(Side::Local, "a/b");
    hand.work();
    let older = hand.held.pop().expect("it is looked for by its id");
    let before = hand.trees.clone();
    hand.trees.local.remove("a/c");
    hand.changed(Side::Local, "a/c");
    hand.work();
    let after = std::mem::replace(&mut hand.trees, before);
    hand.look(older);
    hand.trees = after;
    hand.holds = |_| false;
    for query in std::mem::take(&mut hand.held) {
        hand.look(query);
    }
    hand.work();
    for side in Side::BOTH {
        let paths: Vec<&str> = hand.trees[side].keys().map(String::as_str).collect();
        assert_eq!(paths, ["a"], "{side}: {:?}", hand.acts);
    }
}

/// It counted as a refusal of the attributes, and nobody tried again before the next start.
#[test]
fn attributes_are_set_once_a_side_is_signed_in_to_again() {
    for kind in [
        ErrorKind::Token,
        ErrorKind::Disconnected,
        ErrorKind::RootMissing,
    ] {
        let told = Rules {
            feed: Feed::Resumable,
            keeps_mode: true,
            ..rules()
        };
        let mut hand = Hand::with(BySide::from_fn(|_| told.clone()));
        let file = hand.trees.local.get_mut("a/b").expect("a file");
        file.attributes.mode = Some(0o600);
        hand.fails = match kind {
            ErrorKind::Token => |_| Some(ErrorKind::Token),
            ErrorKind::Disconnected => |_| Some(ErrorKind::Disconnected),
            _ => |_| Some(ErrorKind::RootMissing),
        };
        hand.changed(Side::Local, "a/b");
        hand.work();
        assert_eq!(hand.acts.len(), 1, "{kind:?}: {:?}", hand.acts);
        hand.fails = |_| None;
        hand.up(Side::Remote);
        hand.work();
        assert_eq!(hand.acts.len(), 2, "{kind:?}: {:?}", hand.acts);
        let mode = hand.trees.remote["a/b"].attributes.mode;
        assert_eq!(mode, Some(0o600), "{kind:?}");
    }
}

/// The walk met the folder at its new place first: what was in it was compared, but for its name, which is another
/// one at the same place.
#[test]
fn a_name_of_other_case_in_a_folder_that_moved_is_seen() {
    let mut folds = rules();
    folds.names.case_sensitive = false;
    let mut hand = Hand::with(BySide::new(folds, rules()));
    hand.rename(Side::Local, "a/b", "a/B");
    hand.rename(Side::Local, "a", "A");
    hand.walk(Side::Local);
    hand.work();
    while let Some((id, effect)) = hand.done.take() {
        hand.tell(Input::Done(vec![(id, Ok(effect))]));
        hand.work();
    }
    for side in Side::BOTH {
        let paths: Vec<&str> = hand.trees[side].keys().map(String::as_str).collect();
        assert_eq!(paths, ["A", "A/B"], "{side}: {:?}", hand.acts);
    }
}

/// It was moved by us while it was listed, counted as one that cannot be read, and what had been deleted in it
/// lived on.
#[test]
fn a_folder_that_we_moved_under_a_walk_is_listed_again() {
    let untold = Rules {
        feed: Feed::None,
        ..rules()
    };
    let mut hand = Hand::with(BySide::new(rules(), untold));
    hand.holds = |query| {
        matches!(
            query,
            Query::Walk {
                side: Side::Remote,
                ..
            }
        )
    };
    hand.walk(Side::Remote);
    hand.work();
    let Some(Query::Walk { id, from, .. }) = hand.held.pop() else {
        panic!("it is walked")
    };
    let folder = ObjectRef::new(hand.trees.remote["a"].oid.clone(), "a");
    let mut top = Listing::new(from);
    top.push("a", hand.trees.remote["a"].clone());
    hand.tell(Input::Listed {
        query: id,
        listings: vec![top.complete()],
    });
    hand.trees.remote.remove("a/b");
    hand.rename(Side::Local, "a", "c");
    hand.changed(Side::Local, "a");
    hand.changed(Side::Local, "c");
    hand.work();
    let (done, effect) = hand.done.take().expect("it is renamed");
    hand.tell(Input::Listed {
        query: id,
        listings: vec![Listing::new(folder)],
    });
    hand.holds = |_| false;
    let outcome = Ok(());
    hand.tell(Input::Walked { query: id, outcome });
    hand.work();
    hand.tell(Input::Done(vec![(done, Ok(effect))]));
    hand.work();
    for side in Side::BOTH {
        let paths: Vec<&str> = hand.trees[side].keys().map(String::as_str).collect();
        assert_eq!(paths, ["c"], "{side}: {:?}", hand.acts);
    }
    let is_delete = |(_, act): &&(Side, Act)| matches!(act, Act::Delete { .. });
    assert_eq!(hand.acts.iter().filter(is_delete).count(), 1);
}

/// As long as our rename went on, it was walked without a pause.
#[test]
fn a_folder_that_we_are_moving_is_not_walked_until_that_ended() {
    let mut hand = Hand::new();
    hand.rename(Side::Local, "a", "c");
    hand.changed(Side::Local, "a");
    hand.changed(Side::Local, "c");
    hand.is_slow = true;
    hand.work();
    assert_eq!(hand.acts.len(), 1, "it is being renamed");
    hand.is_partial = true;
    hand.walk(Side::Remote);
    hand.work();
}

/// Of two folders that were moved into each other, one goes back: to a name that is free where it goes, not where
/// it is.
#[test]
fn a_folder_that_goes_back_takes_a_name_that_is_free_there() {
    for seed in 0..20 {
        for (one, other) in [(Side::Local, Side::Remote), (Side::Remote, Side::Local)] {
            let mut pair = ModelPair::with(BySide::default(), seed);
            pair.act_all(&[mkdir(one, "a"), mkdir(one, "a/b"), mkdir(one, "b")]);
            pair.act(&write(one, "b.conflicted"));
            pair.check();
            pair.act_all(&[
                rename(one, "a/b", "t"),
                rename(one, "b", "a/b"),
                rename(one, "t", "b"),
                rename(other, "a", "b/a"),
            ]);
            pair.check();
        }
    }
}

/// The version that was to give way could not be renamed: the other one, which waited for it, was told that it had
/// been looked at, and had it tried again at once, for ever.
#[test]
fn a_version_that_cannot_give_way_is_tried_again_later_and_later() {
    let mut hand = Hand::new();
    for (side, number) in [(Side::Local, 8), (Side::Remote, 9)] {
        let file = object(number, Kind::File);
        hand.trees[side].insert("a/n".to_owned(), file);
        hand.changed(side, "a/n");
    }
    refuse_renames(&mut hand, 6);
    let is_conflict = |notice: &&Notice| matches!(notice, Notice::Conflict { .. });
    assert_eq!(hand.notices.iter().filter(is_conflict).count(), 1);
}

/// So many renames are refused, each after a pause.
fn refuse_renames(hand: &mut Hand, count: usize) {
    hand.fails = |act| {
        let is_rename = matches!(act, Act::Rename { .. });
        is_rename.then_some(ErrorKind::PermissionDenied)
    };
    let mut pauses = 0;
    let mut now = Time::ZERO;
    while hand.acts.len() < count {
        hand.work_at(now);
        let status = hand.engine.status(now);
        assert_eq!(status.troubles.len(), 1, "{status:?}");
        let next = hand.engine.next_wake().expect("it is tried again");
        assert!(next > now, "without a pause");
        now = next;
        pauses += 1;
    }
    assert_eq!(pauses, hand.acts.len());
}

/// The same where it is in the way of a folder that was moved there: that had it tried again at once.
#[test]
fn what_cannot_give_way_to_a_folder_is_tried_again_later_and_later() {
    let mut hand = Hand::new();
    let file = object(8, Kind::File);
    hand.trees.local.insert("c".to_owned(), file);
    hand.rename(Side::Remote, "a", "c");
    hand.changed(Side::Local, "c");
    hand.changed(Side::Remote, "a");
    hand.changed(Side::Remote, "c");
    refuse_renames(&mut hand, 6);
    hand.fails = |_| None;
    hand.work();
    let paths = hand
        .trees
        .as_ref()
        .map(|tree| tree.keys().cloned().collect::<Vec<_>>());
    assert_eq!(paths.local, ["c", "c.conflicted", "c/b"]);
    assert_eq!(paths.remote, paths.local);
}

/// The write that may not have been done stood in the record until the next start.
#[test]
fn what_was_begun_is_nobodys_once_the_content_is_what_it_was() {
    let mut hand = Hand::new();
    hand.fails = |_| Some(ErrorKind::Unavailable);
    for tag in [vec![4], vec![3, 1]] {
        let file = hand.trees.local.get_mut("a/b").expect("a file");
        file.tag = Tag::new(&tag);
        hand.changed(Side::Local, "a/b");
        hand.work_at(Time::ZERO);
    }
    assert_eq!(hand.acts.len(), 1, "{:?}", hand.acts);
    hand.work();
    let open = hand
        .records
        .values()
        .filter(|record| record.intent.is_some());
    assert_eq!(open.count(), 0, "{:?}", hand.records);
}

/// What we had written, and nobody told us, counted as an edit of the other side's user: it was carried back over
/// what had come there since. What a user made of it there since counted as what had been there before.
#[test]
fn what_comes_after_a_write_whose_end_is_not_known_lives_on() {
    for side in Side::BOTH {
        let put =
            |side: Side, text: &str| UserAct::WriteThis(side, "a".to_owned(), text.to_owned());
        let delete = |side: Side| UserAct::Delete(side, "a".to_owned());
        let afterwards = [
            vec![put(side, "old")],
            vec![put(side.other(), "old")],
            vec![put(side, "old"), delete(side.other())],
            vec![put(side.other(), "old"), delete(side)],
            vec![rename(side, "a", "b"), put(side, "old")],
            vec![put(side, "old"), rename(side.other(), "a", "b")],
        ];
        let sides = [
            BySide::default(),
            BySide::new(SideSetup::default(), SideSetup::service()),
            BySide::new(SideSetup::default(), SideSetup::without_ids()),
        ];
        let worlds = afterwards
            .iter()
            .flat_map(|acts| sides.map(|setup| (acts, setup)));
        let policies = [
            ConflictPolicy::KeepBoth,
            ConflictPolicy::Remote,
            ConflictPolicy::Local,
        ];
        for (acts, setup) in worlds {
            for (work, new) in (0..24).flat_map(|work| [(work, "new"), (work, "another size")]) {
                let mut pair = ModelPair::with(setup, u64::from(work));
                pair.set_on_conflict(policies[usize::from(work % 3)]);
                pair.crash();
                pair.act(&put(side, "old"));
                pair.check();
                let mut killed = pair.clone();
                killed.act_all(&[put(side, new), UserAct::Work(work), UserAct::Crash]);
                killed.act_all(acts);
                killed.check();
                let mut pair = pair.faults(Faults {
                    lost_reply: 100,
                    ..Faults::default()
                });
                pair.act_all(&[put(side, new), UserAct::Work(work)]);
                pair.act_all(acts);
                pair.check();
            }
        }
    }
}

/// That one of the two versions may be ours was forgotten once the other one was about to give way: if it was saved
/// again then, or we were killed, the policy took ours.
#[test]
fn a_version_that_gives_way_to_what_may_be_ours_lives_on() {
    let mut tried = 0;
    for side in Side::BOTH {
        let put = |text: &str| UserAct::WriteThis(side, "a".to_owned(), text.to_owned());
        for (work, later) in (0..16).flat_map(|work| (0..12).map(move |later| (work, later))) {
            for is_killed in [false, true] {
                let mut pair = ModelPair::with(BySide::default(), u64::from(work));
                let takes_other = match side {
                    Side::Local => ConflictPolicy::Remote,
                    Side::Remote => ConflictPolicy::Local,
                };
                pair.set_on_conflict(takes_other);
                pair.crash();
                pair.act(&put("old"));
                pair.check();
                pair.act_all(&[put("another size"), UserAct::Work(work), UserAct::Crash]);
                pair.act_all(&[put("third"), UserAct::Work(later)]);
                // Once it gave way, what comes to its place is another file.
                if !pair.sides[side].tree().contains_key("a") {
                    continue;
                }
                tried += 1;
                if is_killed {
                    pair.act(&UserAct::Crash);
                }
                pair.act(&put("fourth version"));
                pair.check();
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

/// The same of what an application had made of two versions, and we had written on one side.
#[test]
fn what_comes_after_a_merge_whose_end_is_not_known_lives_on() {
    let is_merged = |pair: &ModelPair| {
        let is_answer = |act: &Act| {
            let source = match act {
                Act::Write { source, .. } => Some(source),
                _ => None,
            };
            matches!(source, Some(Source::Answer(_)))
        };
        pair.count(Side::Remote, is_answer) > 0
    };
    let mut merged = 0;
    for side in Side::BOTH {
        let put =
            |side: Side, text: &str| UserAct::WriteThis(side, "a".to_owned(), text.to_owned());
        for work in 0..60 {
            let mut pair = ModelPair::with(BySide::default(), u64::from(work));
            pair.set_on_conflict(ConflictPolicy::Ask);
            pair.merge_always(work % 2 == 0);
            pair.crash();
            pair.act(&put(side, "old"));
            pair.check();
            let lost = pair.clone().faults(Faults {
                lost_reply: 100,
                ..Faults::default()
            });
            for (mut pair, is_killed) in [(pair, true), (lost, false)] {
                pair.act_all(&[put(side, "one"), put(side.other(), "another")]);
                pair.act(&UserAct::Work(work % 20));
                if !is_merged(&pair) {
                    continue;
                }
                merged += 1;
                if is_killed {
                    pair.act(&UserAct::Crash);
                }
                pair.act(&put(side, "old"));
                pair.check();
            }
        }
    }
    assert!(merged > 50, "{merged}");
}
