//! Two trees as a test draws them.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{Attributes, Kind, Observed, Oid, Tag};
use crate::plan::{Deed, Locks, Met, Obstacles, Place, Step, View, plan};
use crate::policy::{DefaultPolicy, Policy};
use crate::record::{EntryId, Intent, RenamePurpose};
use crate::rules::Rules;
use crate::side::{BySide, Side};
use crate::testing::{SideSetup, Storage};
use crate::tree::World;
use crate::tree::contents::Content;
use crate::tree::names::NameId;
use crate::tree::node::{Mark, NodeId};

/// Two trees, and what the planner is told beside them. Paths name what stands there now.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) locks: Locks,
    pub(super) unsettled: BTreeSet<EntryId>,
    pub(super) absent_by_size: BTreeMap<(Side, u64), BTreeSet<EntryId>>,
    pub(super) met: Met,
    rules: BySide<Rules>,
    policy: Box<dyn Policy>,
    /// The last id and tag that an object got.
    last: u8,
}

/// A disk that keeps nothing beside contents.
pub(super) fn rules() -> Rules {
    Rules {
        keeps_mode: false,
        keeps_mtime: false,
        ..Storage::new(SideSetup::default(), 0).rules().clone()
    }
}

/// What a file holds, by number.
fn content(number: u8, size: u64) -> Content {
    Content {
        size,
        digest: [number; 32],
    }
}

impl Scene {
    /// Two equal disks with nothing on them.
    pub(super) fn new() -> Self {
        Self::with(BySide::from_fn(|_| rules()), DefaultPolicy)
    }

    pub(super) fn with(rules: BySide<Rules>, policy: impl Policy + 'static) -> Self {
        let mut world = World::new(rules.as_ref());
        for side in Side::BOTH {
            world.node_mut(side, NodeId::ROOT).set(Mark::Listed, true);
        }
        Self {
            world,
            locks: Locks::default(),
            unsettled: BTreeSet::new(),
            absent_by_size: BTreeMap::new(),
            met: Met::default(),
            rules,
            policy: Box::new(policy),
            last: 1,
        }
    }

    fn seen(&mut self, kind: Kind) -> Observed {
        self.last += 1;
        Observed {
            oid: Oid::new([self.last]),
            kind,
            tag: Tag::new([self.last]),
            size: u64::from(kind == Kind::File),
            attributes: Attributes::default(),
            hash: None,
            racy: false,
        }
    }

    fn place(&mut self, side: Side, path: &str) -> (NodeId, NameId) {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.world.at_path(side, above).expect("its folder stands");
        (folder, self.world.names.intern(name))
    }

    /// An object that both sides have and agree on, at a path each. A file holds one byte.
    pub(super) fn agreed_at(&mut self, paths: BySide<&str>, kind: Kind) -> EntryId {
        let id = self.lone(Side::Local, paths.local, kind);
        let (folder, name) = self.place(Side::Remote, paths.remote);
        let seen = self.seen(kind);
        let there = self
            .world
            .insert_into(id, Side::Remote, folder, name, &seen);
        let known = kind == Kind::Folder;
        self.world
            .node_mut(Side::Remote, there)
            .set(Mark::Listed, known);
        let holds = content(self.last, 1);
        let holds = (kind == Kind::File).then(|| self.world.contents.intern(holds));
        self.world.agree(id, holds);
        id
    }

    /// The same, at the same path on both sides.
    pub(super) fn agreed(&mut self, path: &str, kind: Kind) -> EntryId {
        self.agreed_at(BySide::new(path, path), kind)
    }

    /// An object that one side alone has. What a file holds is not known.
    pub(super) fn lone(&mut self, side: Side, path: &str, kind: Kind) -> EntryId {
        let (folder, name) = self.place(side, path);
        let seen = self.seen(kind);
        let node = self.world.insert(side, folder, name, &seen);
        let known = kind == Kind::Folder;
        self.world.node_mut(side, node).set(Mark::Listed, known);
        self.world.node(side, node).entry
    }

    pub(super) fn node(&self, side: Side, id: EntryId) -> NodeId {
        self.world.entry(id).nodes[side].expect("it has a node there")
    }

    /// A user moves it.
    pub(super) fn moved(&mut self, side: Side, id: EntryId, path: &str) {
        let node = self.node(side, id);
        self.world.detach(side, node);
        let (folder, name) = self.place(side, path);
        self.world.attach(side, node, folder, name);
    }

    /// It is nowhere on a side. What is in a folder goes first.
    pub(super) fn deleted(&mut self, side: Side, id: EntryId) {
        let node = self.node(side, id);
        self.world.detach(side, node);
        self.world.set_absent(side, node);
    }

    /// A file has another version, of so many bytes; what they are is known by number, or is not.
    pub(super) fn edited(&mut self, side: Side, id: EntryId, size: u64, number: Option<u8>) {
        let node = self.node(side, id);
        let seen = Observed {
            oid: self.world.node(side, node).oid(),
            size,
            ..self.seen(Kind::File)
        };
        let holds = number.map(|number| content(number, size));
        self.world.update(side, node, &seen, holds);
    }

    /// Its times become others; its tag stays.
    pub(super) fn dated(&mut self, side: Side, id: EntryId, mtime: i64) {
        let node = self.node(side, id);
        let at = self.world.node(side, node);
        let seen = Observed {
            oid: at.oid(),
            kind: at.kind,
            tag: at.tag(),
            size: at.size(),
            attributes: Attributes {
                mtime: Some(mtime),
                mode: None,
            },
            hash: None,
            racy: false,
        };
        let holds = at
            .content()
            .map(|content| *self.world.contents.get(content));
        self.world.update(side, node, &seen, holds);
    }

    /// A hint said that it may have changed.
    pub(super) fn doubted(&mut self, side: Side, id: EntryId) {
        let node = self.node(side, id);
        self.world.node_mut(side, node).set(Mark::Doubtful, true);
    }

    /// An operation on it was handed out, and how it ended is not known.
    pub(super) fn intended(&mut self, id: EntryId, intent: Intent) {
        self.world.set_intent(id, intent);
    }

    /// What an entry needs next.
    pub(super) fn plan(&self, id: EntryId) -> Step {
        let unsure = BySide::<BTreeSet<_>>::default();
        let view = View {
            world: &self.world,
            rules: self.rules.as_ref(),
            policy: &*self.policy,
            trivial: self.policy.is_trivial(),
            locks: &self.locks,
            unsettled: &self.unsettled,
            unsure: unsure.as_ref(),
            obstacles: &Obstacles::new(),
            absent_by_size: &self.absent_by_size,
            met: &self.met,
        };
        plan(&view, id)
    }
}

pub(super) fn in_root(name: &str) -> Place {
    Place {
        folder: NodeId::ROOT,
        name: name.to_owned(),
    }
}

pub(super) fn rename(side: Side, entry: EntryId, place: Place, purpose: RenamePurpose) -> Step {
    let deed = Deed::Rename {
        entry,
        place,
        purpose,
    };
    Step::Do { side, deed }
}
