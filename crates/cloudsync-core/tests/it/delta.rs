//! What counts as a change of one side: of small worlds, set up by hand.

use cloudsync_core::delta::{Change, Sight, content_change, is_pending, moved, sight};
use cloudsync_core::object::{Attributes, Kind, Observed, Oid, Tag};
use cloudsync_core::record::EntryId;
use cloudsync_core::rules::Identity;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{SideSetup, Storage};
use cloudsync_core::tree::World;
use cloudsync_core::tree::contents::Content;
use cloudsync_core::tree::node::{Mark, NodeId};

const HERE: Side = Side::Local;

/// Two sides that agree on a folder `d` and a file `a`.
struct Agreed {
    world: World,
    folder: EntryId,
    file: EntryId,
    seen: Observed,
}

fn content(size: u64, first: u8) -> Content {
    let mut digest = [0; 32];
    digest[0] = first;
    Content { size, digest }
}

fn observed(kind: Kind, oid: u8, tag: u8) -> Observed {
    Observed {
        oid: Oid::new([oid]),
        kind,
        tag: Tag::new([tag]),
        size: 3,
        attributes: Attributes {
            mtime: Some(1_000),
            mode: None,
        },
        hash: None,
        racy: false,
    }
}

impl Agreed {
    fn new(identity: Identity) -> Self {
        let setup = SideSetup {
            identity,
            ..SideSetup::default()
        };
        let rules = Storage::new(setup, 0).rules().clone();
        let mut world = World::new(BySide::new(&rules, &rules));
        for side in Side::BOTH {
            world.node_mut(side, NodeId::ROOT).set(Mark::Listed, true);
        }
        let mut both = |name: &str, kind: Kind, oid: u8| {
            let name = world.names.intern(name);
            let seen = observed(kind, oid, 1);
            let node = world.insert(HERE, NodeId::ROOT, name, &seen);
            let entry = world.node(HERE, node).entry;
            world.insert_into(entry, HERE.other(), NodeId::ROOT, name, &seen);
            if kind == Kind::Folder {
                for side in Side::BOTH {
                    let node = world.entry(entry).nodes[side].expect("both sides have it");
                    world.node_mut(side, node).set(Mark::Listed, true);
                }
                world.agree(entry, None);
            } else {
                let id = world.contents.intern(content(3, 1));
                world.agree(entry, Some(id));
            }
            entry
        };
        let (folder, file) = (both("d", Kind::Folder, 7), both("a", Kind::File, 8));
        Self {
            world,
            folder,
            file,
            seen: observed(Kind::File, 8, 1),
        }
    }

    fn node(&self, entry: EntryId) -> NodeId {
        self.world.entry(entry).nodes[HERE].expect("it is there")
    }

    /// Takes the file, or the folder, to another place.
    fn move_to(&mut self, entry: EntryId, folder: NodeId, name: &str) {
        let (node, name) = (self.node(entry), self.world.names.intern(name));
        self.world.detach(HERE, node);
        self.world.attach(HERE, node, folder, name);
    }

    fn see(&mut self, change: impl FnOnce(&mut Observed)) {
        let mut seen = self.seen.clone();
        change(&mut seen);
        let node = self.node(self.file);
        self.world.update(HERE, node, &seen, None);
    }

    fn change(&self) -> Change {
        content_change(&self.world, HERE, self.file)
    }
}

#[test]
fn nothing_is_pending_where_nothing_changed() {
    let at = Agreed::new(Identity::Stable);
    for entry in [at.file, at.folder] {
        assert!(!is_pending(&at.world, entry));
        assert!(!moved(&at.world, HERE, entry));
        assert_eq!(content_change(&at.world, HERE, entry), Change::Same);
    }
}

#[test]
fn another_name_or_another_folder_is_a_move_of_that_side_alone() {
    for (into_folder, name) in [(false, "b"), (true, "a"), (true, "b")] {
        let mut at = Agreed::new(Identity::Stable);
        let folder = if into_folder {
            at.node(at.folder)
        } else {
            NodeId::ROOT
        };
        at.move_to(at.file, folder, name);
        assert!(moved(&at.world, HERE, at.file), "{name}");
        assert!(!moved(&at.world, HERE.other(), at.file));
        assert!(!moved(&at.world, HERE, at.folder));
        assert!(is_pending(&at.world, at.file));
        assert!(!is_pending(&at.world, at.folder));
        assert_eq!(at.change(), Change::Same);
    }
}

#[test]
fn what_is_back_at_its_place_did_not_move() {
    let mut at = Agreed::new(Identity::Stable);
    at.move_to(at.file, NodeId::ROOT, "b");
    at.move_to(at.file, NodeId::ROOT, "a");
    assert!(!moved(&at.world, HERE, at.file));
}

#[test]
fn what_we_parked_did_not_move() {
    let mut at = Agreed::new(Identity::Stable);
    at.move_to(at.file, NodeId::ROOT, ".cloudsync-parked-1-a");
    assert!(!moved(&at.world, HERE, at.file));
    at.move_to(at.file, at.node(at.folder), ".cloudsync-parked-1-a");
    assert!(!moved(&at.world, HERE, at.file));
}

#[test]
fn what_is_gone_from_its_place_did_not_move_and_is_not_known() {
    let mut at = Agreed::new(Identity::Stable);
    let node = at.node(at.file);
    at.move_to(at.file, NodeId::ROOT, "b");
    at.world.detach(HERE, node);
    at.world.set_gone(HERE, node);
    assert!(!moved(&at.world, HERE, at.file));
    assert_eq!(sight(&at.world, HERE, node), Sight::Unknown(node));
    at.world.set_absent(HERE, node);
    assert_eq!(sight(&at.world, HERE, node), Sight::Absent(node));
    assert!(is_pending(&at.world, at.file));
}

#[test]
fn what_is_in_doubt_is_not_known() {
    for mark in [Mark::Doubtful, Mark::Racy] {
        let mut at = Agreed::new(Identity::Stable);
        let node = at.node(at.file);
        assert_eq!(sight(&at.world, HERE, node), Sight::Present(node));
        at.world.node_mut(HERE, node).set(mark, true);
        assert_eq!(sight(&at.world, HERE, node), Sight::Unknown(node));
        assert!(is_pending(&at.world, at.file));
    }
    for (mark, on) in [(Mark::Doubtful, true), (Mark::Listed, false)] {
        let mut at = Agreed::new(Identity::Stable);
        at.world.node_mut(HERE, NodeId::ROOT).set(mark, on);
        let node = at.node(at.file);
        assert_eq!(sight(&at.world, HERE, node), Sight::Unknown(node));
    }
}

#[test]
fn a_tag_that_is_the_same_says_that_the_content_is() {
    let mut at = Agreed::new(Identity::Stable);
    at.see(|seen| seen.attributes.mtime = Some(2_000));
    assert_eq!(at.change(), Change::Same);
}

/// Another file may have taken its place, whose tag is the same in the same tick of a clock.
#[test]
fn without_ids_another_time_puts_an_equal_tag_in_doubt() {
    let mut at = Agreed::new(Identity::Path);
    at.see(|seen| seen.attributes.mtime = Some(2_000));
    assert_eq!(at.change(), Change::Maybe);
}

#[test]
fn another_tag_alone_has_the_content_hashed() {
    for identity in [Identity::Stable, Identity::Path] {
        let mut at = Agreed::new(identity);
        at.see(|seen| seen.tag = Tag::new([2]));
        assert_eq!(at.change(), Change::Maybe);
        assert!(is_pending(&at.world, at.file));
        let node = at.node(at.file);
        at.world.set_content(HERE, node, content(3, 1));
        assert_eq!(at.change(), Change::Same);
        at.world.set_content(HERE, node, content(3, 2));
        assert_eq!(at.change(), Change::Changed);
    }
}

#[test]
fn another_size_says_so_without_a_hash() {
    let mut at = Agreed::new(Identity::Stable);
    at.see(|seen| (seen.tag, seen.size) = (Tag::new([2]), 4));
    assert_eq!(at.change(), Change::Changed);
}

#[test]
fn without_an_agreed_content_another_tag_is_a_change() {
    let mut at = Agreed::new(Identity::Stable);
    at.world.set_agreed_content(at.file, None);
    at.see(|seen| seen.tag = Tag::new([2]));
    assert_eq!(at.change(), Change::Changed);
}
