//! What belongs elsewhere than in its folder's partner.

use super::scene::{Scene, in_root, rename, rules};
use crate::listing::SkipReason;
use crate::object::Kind;
use crate::plan::translated::there_and_back;
use crate::plan::{Block, Deed, Place, Step, Wait};
use crate::policy::{Locality, Policy};
use crate::record::{EntryId, RenamePurpose};
use crate::side::{BySide, Side};

/// Pairs of a local and a remote path; what is in none of them stays where it is.
#[derive(Clone, Debug)]
struct Pairs(&'static [(&'static str, &'static str)]);

impl Policy for Pairs {
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        let pair = self.0.iter().find(|(local, remote)| match to {
            Side::Remote => *local == path,
            Side::Local => *remote == path,
        });
        pair.map(|(local, remote)| match to {
            Side::Remote => (*remote).to_owned(),
            Side::Local => (*local).to_owned(),
        })
    }

    fn locality(&self) -> Locality {
        Locality::Arbitrary
    }

    fn id(&self) -> String {
        format!("{self:?}")
    }
}

fn scene(pairs: &'static [(&'static str, &'static str)]) -> Scene {
    Scene::with(BySide::from_fn(|_| rules()), Pairs(pairs))
}

#[test]
fn a_path_has_a_place_only_if_that_is_translated_back() {
    let pairs = Pairs(&[("a", "x"), ("b", "x"), ("root", "")]);
    let there = |path| there_and_back(&pairs, Side::Remote, path);
    assert_eq!(there("a").as_deref(), Some("x"));
    assert_eq!(there("b"), None, "it comes back as another one");
    assert_eq!(there("root"), None, "the root has its partner");
    assert_eq!(there("c"), None);
}

/// What stands where a folder has to be: known or not, translated or not.
#[test]
fn a_file_on_the_way_gives_way_if_it_takes_part() {
    let pairs: &[(&str, &str)] = &[("n", "w/n"), ("w", "w")];
    let mut known = scene(pairs);
    let new = known.lone(Side::Local, "n", Kind::File);
    let file = known.lone(Side::Remote, "w", Kind::File);
    let apart = in_root("w.conflicted");
    let gives_way = rename(Side::Remote, file, apart, RenamePurpose::Split);
    assert_eq!(known.plan(new), gives_way);

    known.doubted(Side::Remote, file);
    let look = Wait::Look(Side::Remote, known.node(Side::Remote, file));
    assert_eq!(known.plan(new), Step::Wait(look));

    let mut untranslated = scene(&pairs[..1]);
    let new = untranslated.lone(Side::Local, "n", Kind::File);
    untranslated.lone(Side::Remote, "w", Kind::File);
    let (side, reason) = (Side::Remote, SkipReason::Special);
    let taken = Step::Blocked(Block::Taken { side, reason });
    assert_eq!(untranslated.plan(new), taken);

    let mut folder = scene(pairs);
    let new = folder.lone(Side::Local, "n", Kind::File);
    let there = folder.agreed("w", Kind::Folder);
    let place = Place {
        folder: folder.node(Side::Remote, there),
        name: "n".to_owned(),
    };
    let deed = Deed::Create(place);
    assert_eq!(folder.plan(new), Step::Do { side, deed });
}

/// The remote side has a folder `d` with a file in it, which is at `f` on the local side; there, the folder was
/// deleted.
fn deleted(pairs: &'static [(&'static str, &'static str)]) -> (Scene, EntryId, EntryId) {
    let mut scene = scene(pairs);
    let folder = scene.agreed("d", Kind::Folder);
    let file = scene.agreed_at(BySide::new("f", "d/f"), Kind::File);
    scene.deleted(Side::Local, folder);
    (scene, folder, file)
}

#[test]
fn a_deleted_folder_lives_on_with_what_stays_in_it() {
    let pairs: &[(&str, &str)] = &[("d", "d"), ("f", "d/f"), ("g", "d/g"), ("h", "h")];
    let keep = Side::Remote;
    let (mut scene, folder, file) = deleted(pairs);
    let lives_on = Step::Restore {
        entry: folder,
        keep,
    };
    assert_eq!(scene.plan(folder), lives_on, "it did not move");
    scene.moved(Side::Local, file, "g");
    assert_eq!(scene.plan(folder), lives_on, "it moves within it");
    scene.moved(Side::Local, file, "h");
    assert_eq!(scene.plan(folder), Step::Wait(Wait::Children), "it leaves");
    scene.unsettled.insert(file);
    assert_eq!(scene.plan(folder), Step::Wait(Wait::Entry(file)));
}

/// In the deleted folder `d` is one that its user moved out of it, and in that a file which that user moved, or did not.
#[test]
fn a_deleted_folder_lives_on_with_what_comes_back_from_deep_in_it() {
    let pairs: &[(&str, &str)] = &[
        ("d", "d"),
        ("e", "d/e"),
        ("f", "d/e/f"),
        ("g", "d/g"),
        ("h", "h"),
        ("i", "i"),
    ];
    let mut scene = scene(pairs);
    let folder = scene.agreed("d", Kind::Folder);
    let inner = scene.agreed_at(BySide::new("e", "d/e"), Kind::Folder);
    let file = scene.agreed_at(BySide::new("f", "d/e/f"), Kind::File);
    scene.deleted(Side::Local, folder);
    scene.moved(Side::Local, inner, "h");
    let leaves = Step::Wait(Wait::Children);
    assert_eq!(scene.plan(folder), leaves, "it goes where its folder goes");
    scene.moved(Side::Local, file, "i");
    assert_eq!(scene.plan(folder), leaves, "it goes elsewhere");
    scene.moved(Side::Local, file, "g");
    let keep = Side::Remote;
    let lives_on = Step::Restore {
        entry: folder,
        keep,
    };
    assert_eq!(scene.plan(folder), lives_on, "it belongs in the folder");
    scene.doubted(Side::Local, file);
    assert_eq!(scene.plan(folder), leaves, "nobody knows that yet");
}
