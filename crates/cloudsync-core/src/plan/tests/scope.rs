//! What takes part on one side only.

use super::scene::{Scene, in_root, rename, rules};
use crate::object::Kind;
use crate::plan::{Deed, Step, Wait};
use crate::policy::{DefaultPolicy, Filtered};
use crate::record::{EntryId, RenamePurpose};
use crate::rules::Rules;
use crate::side::{BySide, Side};

fn two_disks(wanted: impl Fn(Side, &str) -> bool + Send + Sync + 'static) -> Scene {
    let policy = Filtered::new(DefaultPolicy, "some", move |side, path: &str, _| {
        wanted(side, path)
    });
    Scene::with(BySide::from_fn(|_| rules()), policy)
}

/// Which sides want a file named `x`; whether it is on both sides, agreed on; what it needs.
#[test]
fn what_is_not_wanted_is_left_alone_or_withheld() {
    let entry = EntryId(1);
    let withhold = |side| Step::Withhold { entry, side };
    let copy = Step::Do {
        side: Side::Remote,
        deed: Deed::Create(in_root("x")),
    };
    for (wanted, both, step) in [
        ((true, true), true, Step::Nothing),
        ((true, false), true, withhold(Side::Remote)),
        ((false, true), true, withhold(Side::Local)),
        ((false, false), true, Step::Ignore),
        ((true, true), false, copy),
        ((true, false), false, withhold(Side::Remote)),
        ((false, true), false, Step::Ignore),
        ((false, false), false, Step::Ignore),
    ] {
        let by_side = BySide::new(wanted.0, wanted.1);
        let mut scene = two_disks(move |side, path| path != "x" || by_side[side]);
        let id = if both {
            scene.agreed("x", Kind::File)
        } else {
            scene.lone(Side::Local, "x", Kind::File)
        };
        assert_eq!(id, entry);
        let first = scene.plan(entry);
        assert_eq!(first, step, "{wanted:?}, both: {both}");
        let Step::Withhold { side, .. } = first else {
            continue;
        };
        scene.world.withhold(entry, side);
        let row = scene.world.entry(entry);
        assert_eq!(row.withheld_on(), Some(side));
        assert_eq!(row.content().is_some(), both, "what both held is kept");
        assert_eq!(scene.world.withheld_len(side), 1);
        assert_eq!(scene.world.agreed_len(), 0);
        assert_eq!(scene.plan(entry), Step::Nothing, "{wanted:?}, both: {both}");
    }
}

/// Where it was last says nothing about it once it is gone from there.
#[test]
fn what_is_absent_is_not_withheld_for_where_it_was() {
    let mut scene = two_disks(|_, path| path != "x");
    let file = scene.agreed("x", Kind::File);
    scene.moved(Side::Local, file, "y");
    scene.deleted(Side::Remote, file);
    let keep = Side::Local;
    assert_eq!(scene.plan(file), Step::Restore { entry: file, keep });
}

/// Its folder is about to be no longer the one that it would be made in.
#[test]
fn nothing_is_made_in_a_folder_that_went_where_it_is_not_wanted() {
    let mut scene = two_disks(|side, path| side == Side::Local || !path.starts_with('x'));
    let folder = scene.agreed("d", Kind::Folder);
    let new = scene.lone(Side::Local, "d/n", Kind::File);
    let made = scene.plan(new);
    assert!(matches!(made, Step::Do { .. }), "{made:?}");
    scene.lone(Side::Remote, "x", Kind::Folder);
    scene.moved(Side::Remote, folder, "x/d");
    let (entry, side) = (folder, Side::Remote);
    assert_eq!(scene.plan(new), Step::Withhold { entry, side });
}

/// A file is new on the local side where the remote one has a folder `x`, which is deleted or moved away on the local
/// side. Returns what it needs if that folder stays, and if it is about to go.
fn new_in_its_place(scene: &mut Scene, folder: EntryId) -> (EntryId, Step, Step) {
    let new = scene.lone(Side::Local, "x", Kind::File);
    let apart = in_root("x.conflicted");
    let gives_way = rename(Side::Local, new, apart, RenamePurpose::Split);
    (
        new,
        gives_way,
        Step::Wait(Wait::Place(Side::Remote, folder)),
    )
}

/// A folder that moved away frees its name, whatever is in it.
#[test]
fn a_folder_that_moved_does_not_stay_for_what_is_in_it() {
    let mut scene = two_disks(|_, path| path != "x/u");
    let folder = scene.agreed("x", Kind::Folder);
    scene.lone(Side::Remote, "x/u", Kind::File);
    scene.moved(Side::Local, folder, "y");
    let (new, _, waits) = new_in_its_place(&mut scene, folder);
    assert_eq!(scene.plan(new), waits);
}

/// A folder that one side deleted stays on the other one for what takes no part, however deep. For what is deleted
/// with it, or is to be carried over first, it does not.
#[test]
fn a_deleted_folder_stays_for_what_is_left_alone_in_it() {
    for (inside, stays) in [("u", true), ("s/u", true), ("n", false), ("s/n", false)] {
        let mut scene = two_disks(|_, path| !path.ends_with("/u"));
        let folder = scene.agreed("x", Kind::Folder);
        let below = scene.agreed("x/s", Kind::Folder);
        let file = scene.agreed("x/f", Kind::File);
        scene.lone(Side::Remote, &format!("x/{inside}"), Kind::File);
        for gone in [file, below, folder] {
            scene.deleted(Side::Local, gone);
        }
        let (new, gives_way, waits) = new_in_its_place(&mut scene, folder);
        let expected = if stays { gives_way } else { waits };
        assert_eq!(scene.plan(new), expected, "{inside}");
    }
}

/// A user moved its folder to where the policy does not want what is in it: it waits for the folder, which a folder that moves by parts
/// does not do in turn.
#[test]
fn what_would_lie_where_it_is_not_wanted_waits_for_its_folder() {
    for (unwanted, folder_move) in [
        (Side::Local, true),
        (Side::Remote, true),
        (Side::Local, false),
        (Side::Remote, false),
    ] {
        let rules = BySide::from_fn(|_| Rules {
            folder_move,
            ..rules()
        });
        let wanted = move |side, path: &str, _| side != unwanted || !path.starts_with("to/");
        let policy = Filtered::new(DefaultPolicy, "some", wanted);
        let mut scene = Scene::with(rules, policy);
        let folder = scene.agreed("d", Kind::Folder);
        let new = scene.lone(Side::Local, "d/n", Kind::File);
        scene.moved(Side::Remote, folder, "to");
        assert_eq!(scene.plan(new), Step::Wait(Wait::Entry(folder)));
        let step = scene.plan(folder);
        let by_parts = Step::MoveByParts { from: Side::Remote };
        assert_eq!(step == by_parts, !folder_move, "{step:?}");
    }
}

/// Its folder has another name on the other side, where that stays so: it is to be on one side alone.
#[test]
fn what_would_lie_where_it_is_not_wanted_for_good_is_withheld() {
    let mut scene = two_disks(|side, path| side == Side::Local || !path.starts_with("d/"));
    scene.agreed_at(BySide::new("d", "D"), Kind::Folder);
    let entry = scene.lone(Side::Remote, "D/n", Kind::File);
    let side = Side::Local;
    assert_eq!(scene.plan(entry), Step::Withhold { entry, side });
    scene.world.withhold(entry, side);
    assert_eq!(scene.plan(entry), Step::Nothing);
}

/// Nobody knows where the folder was before it was parked: no policy is asked about the name that we have for that.
#[test]
fn what_lies_in_a_parked_folder_from_nowhere_is_not_left_out() {
    let is_hidden = |name: &str| name.starts_with('.');
    let mut scene = two_disks(move |_, path| !path.split('/').any(is_hidden));
    let folder = scene.agreed("d", Kind::Folder);
    let file = scene.agreed("d/n", Kind::File);
    scene.moved(Side::Remote, folder, ".cloudsync-parked-1-d");
    scene.world.set_agreed_nowhere(folder, Side::Remote);
    assert_eq!(scene.plan(file), Step::Nothing);
}
