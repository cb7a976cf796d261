//! What one side alone has.

use super::scene::{Scene, in_root, rename, rules};
use crate::object::Kind;
use crate::plan::parked::parked_name;
use crate::plan::{Deed, Step, Wait};
use crate::policy::DefaultPolicy;
use crate::record::{EntryId, IntendedAct, Intent, RenamePurpose};
use crate::rules::{Identity, NameRules, Rules};
use crate::side::{BySide, Side};
use crate::tree::node::NodeId;

fn without_ids() -> BySide<Rules> {
    let path = Rules {
        identity: Identity::Path,
        ..rules()
    };
    BySide::new(path, rules())
}

fn made(name: &str) -> Step {
    Step::Do {
        side: Side::Remote,
        deed: Deed::Create(in_root(name)),
    }
}

/// Where ids tell nothing, it may be what we were about to move there.
#[test]
fn what_stands_where_a_move_of_ours_was_to_end_waits_for_that() {
    let here = (Side::Local, EntryId::ROOT, "x");
    for (rules, (side, parent, name), waits) in [
        (without_ids(), here, true),
        (without_ids(), (Side::Remote, EntryId::ROOT, "x"), false),
        (without_ids(), (Side::Local, EntryId(7), "x"), false),
        (without_ids(), (Side::Local, EntryId::ROOT, "y"), false),
        (BySide::from_fn(|_| rules()), here, false),
    ] {
        let mut scene = Scene::with(rules, DefaultPolicy);
        let moving = scene.agreed("a", Kind::File);
        let new = scene.lone(Side::Local, "x", Kind::File);
        let act = IntendedAct::Rename {
            parent,
            name: name.to_owned(),
            purpose: RenamePurpose::Carry,
        };
        scene.intended(moving, Intent { side, act });
        scene.unsettled.insert(moving);
        let expected = if waits {
            Step::Wait(Wait::Entry(moving))
        } else {
            made("x")
        };
        assert_eq!(scene.plan(new), expected, "{side:?} {parent:?} {name}");
    }
}

/// Without ids, a file with the content of one that is absent was moved, unless its equal stands at the same place
/// of the other side.
#[test]
fn what_looks_moved_is_not_if_its_equal_is_there() {
    const HELD: u8 = 100;
    // Bytes, time and content of the other side's file, and whether it makes a pair with this one.
    let cases = [
        ((1, Some(5), Some(HELD)), Some(true)),
        ((1, Some(5), Some(HELD + 1)), Some(false)),
        ((1, Some(5), None), None),
        ((1, Some(6), None), Some(false)),
        ((2, Some(5), None), Some(false)),
        ((2, Some(6), None), Some(false)),
    ];
    for ((size, mtime, number), is_pair) in cases {
        let mut scene = Scene::with(without_ids(), DefaultPolicy);
        let row = scene.agreed("a", Kind::File);
        scene.edited(Side::Local, row, 1, Some(HELD));
        scene.edited(Side::Remote, row, 1, Some(HELD));
        let node = scene.node(Side::Local, row);
        let content = scene.world.node(Side::Local, node).content();
        scene.world.agree(row, content);
        scene.deleted(Side::Local, row);
        scene
            .absent_by_size
            .entry((Side::Local, 1))
            .or_default()
            .insert(row);

        let new = scene.lone(Side::Local, "b", Kind::File);
        scene.edited(Side::Local, new, 1, Some(HELD));
        scene.dated(Side::Local, new, 5);
        let other = scene.lone(Side::Remote, "b", Kind::File);
        scene.edited(Side::Remote, other, size, number);
        if let Some(mtime) = mtime {
            scene.dated(Side::Remote, other, mtime);
        }
        let expected = match is_pair {
            Some(true) => Step::Join { other, content },
            Some(false) => Step::Relink { row, lone: new },
            None => Step::Hash(vec![(other, Side::Remote)]),
        };
        assert_eq!(scene.plan(new), expected, "{size} {mtime:?} {number:?}");
    }
}

/// Two names on one side that are one on the other.
#[test]
fn what_has_a_place_of_its_own_is_not_met_elsewhere() {
    let one_case = Rules {
        names: NameRules {
            case_sensitive: false,
            ..NameRules::default()
        },
        ..rules()
    };
    let mut scene = Scene::with(BySide::new(rules(), one_case), DefaultPolicy);
    let upper = scene.lone(Side::Local, "A", Kind::File);
    let lower = scene.lone(Side::Remote, "a", Kind::File);
    let apart = in_root("A.conflicted");
    let expected = rename(Side::Local, upper, apart, RenamePurpose::Split);
    assert_eq!(scene.plan(upper), expected);

    scene.moved(Side::Local, upper, "a");
    let both = vec![(upper, Side::Local), (lower, Side::Remote)];
    assert_eq!(scene.plan(upper), Step::Hash(both));
}

/// What stands at the place of what was withheld may be that, unchanged: a hash is asked for only where it can tell.
#[test]
fn what_may_be_as_it_was_left_is_hashed() {
    for (size, may_be) in [(1, true), (3, false)] {
        let mut scene = Scene::new();
        let file = scene.agreed("x", Kind::File);
        let left = scene.world.withhold(file, Side::Remote);
        let left = left.expect("the one that stands there");
        scene.edited(Side::Local, file, 2, Some(100));
        scene.edited(Side::Remote, left, size, None);
        let expected = if may_be {
            Step::Hash(vec![(left, Side::Remote)])
        } else {
            Step::Conflict { other: left }
        };
        assert_eq!(scene.plan(file), expected, "{size} bytes");
    }
}

#[test]
fn what_is_new_waits_for_what_is_under_way_with_its_folder_or_its_place() {
    let mut scene = Scene::new();
    let folder = scene.agreed("d", Kind::Folder);
    let new = scene.lone(Side::Local, "d/n", Kind::File);
    scene.locks.entries.insert(folder);
    assert_eq!(scene.plan(new), Step::Wait(Wait::Entry(folder)));

    let new = scene.lone(Side::Local, "n", Kind::File);
    assert_eq!(scene.plan(new), made("n"));
    let name = scene.world.names.intern("n");
    let place = (Side::Remote, NodeId::ROOT, name);
    scene.locks.places.insert(place, folder);
    assert_eq!(scene.plan(new), Step::Wait(Wait::Entry(folder)));
}

/// What is new in a folder has that live on, under its own name.
#[test]
fn what_is_new_in_a_parked_folder_has_that_go_back() {
    let mut scene = Scene::new();
    let folder = scene.agreed("d", Kind::Folder);
    let parked = parked_name(folder, "d", 255);
    scene.moved(Side::Remote, folder, &parked);
    scene.deleted(Side::Local, folder);
    let new = scene.lone(Side::Remote, &format!("{parked}/n"), Kind::File);
    let back = rename(Side::Remote, folder, in_root("d"), RenamePurpose::Undo);
    assert_eq!(scene.plan(new), back);

    scene.moved(Side::Remote, folder, "d");
    let (entry, keep) = (folder, Side::Remote);
    assert_eq!(scene.plan(new), Step::Restore { entry, keep });
}
