//! What both agreed on, and one of them changed.

use super::scene::{Scene, in_root, rename, rules};
use crate::object::{Attributes, Kind, Tag};
use crate::plan::parked::parked_name;
use crate::plan::{Deed, Met, Step, Wait};
use crate::policy::{DefaultPolicy, Filtered};
use crate::precondition::Expect;
use crate::record::{EntryId, IntendedAct, Intent, RenamePurpose};
use crate::rules::{Identity, NameRules, Rules};
use crate::side::{BySide, Side};

fn restored_by_remote(entry: EntryId) -> Step {
    let keep = Side::Remote;
    Step::Restore { entry, keep }
}

/// The local side cannot move folders, and has one `a` with an agreed file in it; the remote user moved that.
fn moved_by_parts(scene: &mut Scene) -> (EntryId, EntryId) {
    let folder = scene.agreed("a", Kind::Folder);
    let file = scene.agreed("a/b", Kind::File);
    scene.moved(Side::Remote, folder, "c");
    (folder, file)
}

fn fixed() -> BySide<Rules> {
    let fixed = Rules {
        folder_move: false,
        ..rules()
    };
    BySide::new(fixed, rules())
}

const BY_PARTS: Step = Step::MoveByParts { from: Side::Remote };

#[test]
fn nothing_is_restored_under_the_name_of_a_moment() {
    let mut scene = Scene::new();
    let file = scene.agreed("a", Kind::File);
    scene.moved(Side::Remote, file, &parked_name(file, "a", 255));
    scene.edited(Side::Remote, file, 2, Some(100));
    scene.deleted(Side::Local, file);
    let back = rename(Side::Remote, file, in_root("a"), RenamePurpose::Undo);
    assert_eq!(scene.plan(file), back);
    scene.moved(Side::Remote, file, "a");
    assert_eq!(scene.plan(file), restored_by_remote(file));
}

/// Who moved a folder wants what is in it.
#[test]
fn what_is_deleted_with_a_moved_folder_lives_on() {
    let mut scene = Scene::new();
    let folder = scene.agreed("d", Kind::Folder);
    let file = scene.agreed("d/f", Kind::File);
    scene.deleted(Side::Local, file);
    let delete = Step::Do {
        side: Side::Remote,
        deed: Deed::Delete,
    };
    assert_eq!(scene.plan(file), delete);
    scene.moved(Side::Remote, folder, "e");
    assert_eq!(scene.plan(file), delete, "its folder stands");
    scene.deleted(Side::Local, folder);
    assert_eq!(scene.plan(file), restored_by_remote(file));
    scene.moved(Side::Remote, folder, "d");
    assert_eq!(scene.plan(file), delete, "nobody moved its folder");
}

/// An editor moved the old version away, wrote a new one, and deleted the old one.
#[test]
fn what_stands_where_it_was_agreed_to_stand_replaced_it() {
    let one_case = Rules {
        names: NameRules {
            case_sensitive: false,
            ..NameRules::default()
        },
        ..rules()
    };
    for (name, replaced) in [("a", true), ("A", false)] {
        let mut scene = Scene::with(BySide::new(one_case.clone(), rules()), DefaultPolicy);
        let file = scene.agreed("a", Kind::File);
        scene.moved(Side::Local, file, "old");
        scene.deleted(Side::Local, file);
        let new = scene.lone(Side::Local, name, Kind::File);
        let delete = Step::Do {
            side: Side::Remote,
            deed: Deed::Delete,
        };
        let expected = if replaced {
            Step::Wait(Wait::Entry(new))
        } else {
            delete
        };
        assert_eq!(scene.plan(file), expected, "{name}");
    }
}

#[test]
fn a_folder_at_rest_moves_by_parts() {
    let mut scene = Scene::with(fixed(), DefaultPolicy);
    let (folder, _) = moved_by_parts(&mut scene);
    assert_eq!(scene.plan(folder), BY_PARTS);
}

#[test]
fn what_is_new_in_it_is_carried_over_before_it_moves_by_parts() {
    let mut scene = Scene::with(fixed(), DefaultPolicy);
    let (folder, _) = moved_by_parts(&mut scene);
    let new = scene.lone(Side::Local, "a/n", Kind::File);
    assert_eq!(scene.plan(folder), Step::Wait(Wait::Entry(new)));
}

/// It stays in the old one.
#[test]
fn what_cannot_be_carried_over_keeps_no_folder_from_moving_by_parts() {
    let unnamed = Rules {
        names: NameRules {
            forbidden: "?",
            ..NameRules::default()
        },
        ..rules()
    };
    let sides = BySide::new(fixed().local, unnamed);
    let mut scene = Scene::with(sides, DefaultPolicy);
    let (folder, _) = moved_by_parts(&mut scene);
    let new = scene.lone(Side::Local, "a/?", Kind::File);
    assert!(matches!(scene.plan(new), Step::Blocked(_)));
    assert_eq!(scene.plan(folder), BY_PARTS);
}

/// Nor is it looked at.
#[test]
fn what_takes_no_part_keeps_no_folder_from_moving_by_parts() {
    let policy = Filtered::new(DefaultPolicy, "n", |_, path, _| path != "a/n");
    let mut scene = Scene::with(fixed(), policy);
    let (folder, _) = moved_by_parts(&mut scene);
    let left_alone = scene.lone(Side::Local, "a/n", Kind::File);
    assert_eq!(scene.plan(folder), BY_PARTS);
    scene.doubted(Side::Local, left_alone);
    assert_eq!(scene.plan(folder), BY_PARTS);
}

#[test]
fn what_changed_in_it_is_settled_before_it_moves_by_parts() {
    let fresh = || {
        let mut scene = Scene::with(fixed(), DefaultPolicy);
        let ids = moved_by_parts(&mut scene);
        (scene, ids)
    };
    let (mut scene, (folder, file)) = fresh();
    scene.unsettled.insert(file);
    assert_eq!(scene.plan(folder), Step::Wait(Wait::Entry(file)));

    let (mut scene, (folder, file)) = fresh();
    scene.doubted(Side::Local, file);
    let look = Wait::Look(Side::Local, scene.node(Side::Local, file));
    assert_eq!(scene.plan(folder), Step::Wait(look));

    let (mut scene, (folder, file)) = fresh();
    scene.deleted(Side::Local, file);
    assert_eq!(scene.plan(folder), Step::Wait(Wait::Entry(file)));

    let (mut scene, (folder, file)) = fresh();
    scene.moved(Side::Local, file, "a/z");
    assert_eq!(scene.plan(folder), Step::Wait(Wait::Entry(file)));
}

/// `a/x` went to the root, and `a` into it: on the other side, `x` has to leave `a` first.
#[test]
fn a_folder_that_changes_places_with_one_in_it_waits_for_that() {
    for from in Side::BOTH {
        let mut scene = Scene::new();
        let outer = scene.agreed("a", Kind::Folder);
        let inner = scene.agreed("a/x", Kind::Folder);
        scene.moved(from, inner, "x");
        scene.moved(from, outer, "x/a");
        let first = Step::Wait(Wait::Entry(inner));
        assert_eq!(scene.plan(outer), first, "{from:?}");
    }
}

/// Both users moved `x`, the remote one into `a`, which was parked there for one that leaves it: it waits for `x` if the
/// local move of that wins, and else goes back, as `x` stays in it.
#[test]
fn a_parked_folder_waits_for_what_leaves_it() {
    for (local, wins) in [("0", true), ("y", false)] {
        let mut scene = Scene::new();
        let outer = scene.agreed("a", Kind::Folder);
        let inner = scene.agreed("x", Kind::Folder);
        let parked = parked_name(outer, "a", 255);
        scene.moved(Side::Remote, outer, &parked);
        scene.moved(Side::Remote, inner, &format!("{parked}/x"));
        scene.moved(Side::Local, inner, local);
        scene.moved(Side::Local, outer, &format!("{local}/a"));
        let expected = if wins {
            Step::Wait(Wait::Entry(inner))
        } else {
            rename(Side::Local, outer, in_root("a"), RenamePurpose::Undo)
        };
        assert_eq!(scene.plan(outer), expected, "{local}");
    }
}

/// Of two folders that were moved into each other, the one that is parked on the remote side goes back on the local one.
#[test]
fn a_local_move_into_what_is_in_a_parked_folder_is_taken_back() {
    let mut scene = Scene::new();
    let parked = scene.agreed("a", Kind::Folder);
    let other = scene.agreed("b", Kind::Folder);
    let name = parked_name(parked, "a", 255);
    scene.moved(Side::Remote, parked, &name);
    scene.moved(Side::Remote, other, &format!("{name}/b"));
    scene.moved(Side::Local, parked, "b/a");
    let back = rename(Side::Local, parked, in_root("a"), RenamePurpose::Undo);
    assert_eq!(scene.plan(parked), back);
}

/// Where it was agreed to stand is in the parked one as well by now: that comes out itself, or there was no end.
#[test]
fn a_parked_folder_comes_out_where_its_local_move_cannot_be_taken_back() {
    for local in ["a/z", "a/b"] {
        let mut scene = Scene::new();
        let above = scene.agreed("a", Kind::Folder);
        let parked = scene.agreed("a/b", Kind::Folder);
        let name = parked_name(parked, "b", 255);
        scene.moved(Side::Remote, parked, &name);
        scene.moved(Side::Remote, above, &format!("{name}/a"));
        scene.moved(Side::Local, parked, local);
        let near = in_root("b.conflicted");
        let out = rename(Side::Remote, parked, near, RenamePurpose::Undo);
        assert_eq!(scene.plan(parked), out, "{local}");
    }
}

#[test]
fn what_goes_back_where_its_folder_is_gone_goes_as_near_as_it_can() {
    let mut scene = Scene::new();
    let folder = scene.agreed("d", Kind::Folder);
    let file = scene.agreed("d/f", Kind::File);
    scene.moved(Side::Remote, file, &parked_name(file, "f", 255));
    scene.edited(Side::Remote, file, 2, Some(100));
    scene.deleted(Side::Local, file);
    scene.deleted(Side::Local, folder);
    scene.deleted(Side::Remote, folder);
    let near = rename(
        Side::Remote,
        file,
        in_root("f.conflicted"),
        RenamePurpose::Undo,
    );
    assert_eq!(scene.plan(file), near);
}

/// A folder was parked, and the one that it stood in came into it.
#[test]
fn what_goes_back_does_not_go_into_itself() {
    let mut scene = Scene::new();
    let above = scene.agreed("p", Kind::Folder);
    let folder = scene.agreed("p/f", Kind::Folder);
    let parked = parked_name(folder, "f", 255);
    scene.moved(Side::Remote, folder, &parked);
    scene.moved(Side::Remote, above, &format!("{parked}/p"));
    scene.deleted(Side::Local, folder);
    scene.deleted(Side::Local, above);
    let near = rename(
        Side::Remote,
        folder,
        in_root("f.conflicted"),
        RenamePurpose::Undo,
    );
    assert_eq!(scene.plan(folder), near);
}

/// Of two versions of unequal size, the hash of the one that may be ours is asked for only where it can tell.
#[test]
fn what_cannot_be_ours_is_not_hashed() {
    for (size, hashed) in [(9, true), (7, false)] {
        let mut scene = Scene::new();
        let file = scene.agreed("a", Kind::File);
        scene.edited(Side::Local, file, 8, Some(100));
        scene.edited(Side::Remote, file, 9, None);
        let act = IntendedAct::Write {
            parent: EntryId::ROOT,
            name: "a".to_owned(),
            expect: Expect::Free,
            size,
            attributes: Attributes::default(),
            source: Tag::default(),
            digest: Some([100; 32]),
        };
        let side = Side::Remote;
        scene.intended(file, Intent { side, act });
        let expected = if hashed {
            Step::Hash(vec![(file, Side::Remote)])
        } else {
            Step::Conflict { other: file }
        };
        assert_eq!(scene.plan(file), expected, "{size} bytes");
    }
}

#[test]
fn times_are_set_where_both_keep_them_and_of_files_only() {
    let timed = |local, remote| {
        let keeps_mtime = BySide::new(local, remote);
        BySide::from_fn(|side| Rules {
            keeps_mtime: keeps_mtime[side],
            ..rules()
        })
    };
    for (keeping, kind, set) in [
        (timed(true, true), Kind::File, true),
        (timed(true, true), Kind::Folder, false),
        (timed(true, false), Kind::File, false),
        (timed(false, true), Kind::File, false),
    ] {
        let mut scene = Scene::with(keeping, DefaultPolicy);
        let id = scene.agreed("a", kind);
        scene.dated(Side::Local, id, 5);
        let times = Attributes {
            mtime: Some(5),
            mode: None,
        };
        let expected = if set {
            Step::Do {
                side: Side::Remote,
                deed: Deed::SetAttributes(times),
            }
        } else {
            let content = scene.world.entry(id).content();
            Step::Agree { content }
        };
        assert_eq!(scene.plan(id), expected, "{kind:?}");
    }
}

fn without_ids() -> Rules {
    Rules {
        identity: Identity::Path,
        ..rules()
    }
}

/// A file `d` that is gone on the local side, and a file `a` that holds the same.
fn gone_and_equal(rules: BySide<Rules>) -> (Scene, EntryId, EntryId) {
    let mut scene = Scene::with(rules, DefaultPolicy);
    let (file, other) = (scene.agreed("d", Kind::File), scene.agreed("a", Kind::File));
    let content = scene.world.entry(file).content();
    scene.world.set_agreed_content(other, content);
    scene.deleted(Side::Local, file);
    (scene, file, other)
}

const DELETE: Step = Step::Do {
    side: Side::Remote,
    deed: Deed::Delete,
};

/// Both moved `a` to `d`, the local side moved it back, and the remote one had put another file there.
#[test]
fn what_is_gone_may_have_moved_back_to_what_is_written_over() {
    let blind = BySide::from_fn(|_| without_ids());
    let (mut scene, file, other) = gone_and_equal(blind);
    let content = scene.world.entry(file).content().unwrap();
    scene.met.entries.insert(file);
    scene.met.edited.insert((Side::Local, content, other));
    scene.met.edited.insert((Side::Remote, content, file));
    assert_eq!(
        scene.plan(file),
        DELETE,
        "no other one is written over here"
    );
    scene.met.edited.insert((Side::Remote, content, other));
    assert_eq!(scene.plan(file), restored_by_remote(file));
    scene.met.entries = [other].into();
    assert_eq!(scene.plan(file), DELETE, "it was here before");

    let (mut scene, file, other) = gone_and_equal(BySide::new(rules(), without_ids()));
    scene.met.entries.insert(file);
    scene.met.edited.insert((Side::Remote, content, other));
    assert_eq!(scene.plan(file), DELETE, "ids tell moves there");
}

/// The same without another file: `a` is gone on the remote side.
#[test]
fn of_two_that_are_gone_on_either_side_one_may_have_moved_back() {
    let blind = BySide::from_fn(|_| without_ids());
    let (mut scene, file, other) = gone_and_equal(blind);
    scene.deleted(Side::Remote, other);
    scene
        .absent_by_size
        .insert((Side::Remote, 1), [other].into());
    assert_eq!(scene.plan(file), DELETE, "both were there before");
    for new in [file, other] {
        scene.met.entries = [new].into();
        assert_eq!(scene.plan(file), restored_by_remote(file));
    }
    scene.met = Met {
        any: true,
        ..Met::default()
    };
    assert_eq!(scene.plan(file), restored_by_remote(file), "after a kill");
    scene.deleted(Side::Local, other);
    assert_eq!(scene.plan(file), DELETE, "the other one is nowhere");

    let (mut scene, file, other) = gone_and_equal(BySide::new(rules(), without_ids()));
    scene.deleted(Side::Remote, other);
    scene
        .absent_by_size
        .insert((Side::Remote, 1), [file].into());
    scene.met.entries.insert(file);
    assert_eq!(scene.plan(file), DELETE, "it is no other one");
    scene
        .absent_by_size
        .insert((Side::Remote, 1), [other].into());
    let (entry, keep) = (other, Side::Local);
    assert_eq!(scene.plan(file), Step::Restore { entry, keep });
    scene.world.set_agreed_content(other, None);
    assert_eq!(scene.plan(file), DELETE, "it holds something else");
}
