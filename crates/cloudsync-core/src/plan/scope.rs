//! What takes part where: an object that only one side wants is withheld on the other one.

use crate::delta::{Sight, sight};
use crate::object::Kind;
use crate::plan::View;
use crate::plan::parked::is_parked;
use crate::plan::place::path_unparked;
use crate::record::EntryId;
use crate::side::{BySide, Side};
use crate::tree::node::NodeId;

/// Returns whether a node is to be synced: neither it nor a folder that it lies in is left out.
pub(super) fn is_wanted(view: &View<'_>, side: Side, node: NodeId) -> bool {
    let kind = view.world.node(side, node).kind;
    view.trivial || is_path_wanted(view, side, &path_unparked(view.world, side, node), kind)
}

/// Returns whether a node of the other side is wanted on `side` as well, at the place that belongs to
/// it there. Whatever has no place there is not the policy's to withhold.
pub(super) fn is_wanted_there(view: &View<'_>, side: Side, node: NodeId) -> bool {
    let other = side.other();
    let kind = view.world.node(other, node).kind;
    view.trivial
        || view
            .policy
            .translate(side, &path_unparked(view.world, other, node))
            .is_none_or(|path| is_path_wanted(view, side, &path, kind))
}

fn is_path_wanted(view: &View<'_>, side: Side, path: &str, kind: Kind) -> bool {
    let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    view.policy.wanted(side, path, kind)
        && folders.all(|folder| view.policy.wanted(side, folder, Kind::Folder))
}

/// Returns on which sides a row of two nodes is not to be any more: where it stands at a place that is
/// not wanted, or belongs at one because of where the other side has it. One that is parked is on its way
/// to where the other side has it, and stands nowhere.
pub(super) fn left_out(view: &View<'_>, id: EntryId) -> BySide<bool> {
    let nodes = &view.world.entry(id).nodes;
    let is_present =
        |side: Side| nodes[side].is_some_and(|at| view.world.node(side, at).is_present());
    let present = |side: Side| {
        let is_on_its_way = |node: NodeId| {
            let name = view.world.node(side, node).name();
            is_present(side.other()) && is_parked(view.world.names.get(name))
        };
        nodes[side].filter(|&node| is_present(side) && !is_on_its_way(node))
    };
    BySide::from_fn(|side| {
        let is_out = || {
            present(side).is_some_and(|node| !is_wanted(view, side, node))
                || present(side.other()).is_some_and(|node| !is_wanted_there(view, side, node))
        };
        !view.trivial && is_out()
    })
}

/// Returns whether a folder that the other side deleted stays on `side` all the same, as something in it
/// stays that the other side does not get.
pub(super) fn stays(view: &View<'_>, side: Side, folder: NodeId) -> bool {
    let world = view.world;
    let there = world.entry(world.node(side, folder).entry).nodes[side.other()];
    let is_deleted =
        there.is_some_and(|node| matches!(sight(world, side.other(), node), Sight::Absent(_)));
    if view.trivial || !is_deleted || world.node(side, folder).kind == Kind::File {
        return false;
    }
    let mut below: Vec<NodeId> = world.tree(side).children(folder).collect();
    while let Some(node) = below.pop() {
        let at = world.node(side, node);
        let entry = world.entry(at.entry);
        let is_shared = || is_wanted(view, side, node) && is_wanted_there(view, side.other(), node);
        if !entry.is_agreed() && !is_shared() {
            return true;
        }
        if at.kind == Kind::Folder {
            below.extend(world.tree(side).children(node));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::object::{Attributes, Observed, Oid, Tag};
    use crate::plan::{Deed, Locks, Obstacles, Place, Step, plan};
    use crate::policy::{DefaultPolicy, Filtered};
    use crate::rules::{Feed, Identity, NameRules, Rules};
    use crate::tree::World;
    use crate::tree::contents::Content;
    use crate::tree::node::Mark;

    fn seen(id: u8, kind: Kind) -> Observed {
        Observed {
            oid: Oid::new([id]),
            kind,
            tag: Tag::new([id]),
            size: 1,
            attributes: Attributes::default(),
            hash: None,
            racy: false,
        }
    }

    /// Which sides want a file named `x`; whether it is on both sides, agreed on; what it needs.
    #[test]
    fn what_is_not_wanted_is_left_alone_or_withheld() {
        let rules = BySide::from_fn(|_| Rules {
            identity: Identity::Stable,
            id_lookup: false,
            ids_reused: false,
            folder_move: true,
            keeps_mode: false,
            keeps_mtime: false,
            names: NameRules::default(),
            feed: Feed::Volatile,
            native_hashes: vec![],
        });
        let entry = EntryId(1);
        let withhold = |side| Step::Withhold { entry, side };
        let copy = Step::Do {
            side: Side::Remote,
            deed: Deed::Create(Place {
                folder: NodeId::ROOT,
                name: "x".into(),
            }),
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
            let wanted = BySide::new(wanted.0, wanted.1);
            let policy = Filtered::new(DefaultPolicy, "x", move |side, path, _| {
                path != "x" || wanted[side]
            });
            let mut world = World::new(rules.as_ref());
            let name = world.names.intern("x");
            for side in Side::BOTH {
                world.node_mut(side, NodeId::ROOT).set(Mark::Listed, true);
            }
            world.insert(Side::Local, NodeId::ROOT, name, &seen(2, Kind::File));
            if both {
                let there = seen(3, Kind::File);
                world.insert_into(entry, Side::Remote, NodeId::ROOT, name, &there);
                let content = world.contents.intern(Content {
                    size: 1,
                    digest: [1; 32],
                });
                world.agree(entry, Some(content));
            }
            let mut planned = Vec::new();
            for _ in 0..2 {
                let unsure = BySide::<BTreeSet<_>>::default();
                let view = View {
                    world: &world,
                    rules: rules.as_ref(),
                    policy: &policy,
                    trivial: false,
                    locks: &Locks::default(),
                    unsettled: &BTreeSet::new(),
                    unsure: unsure.as_ref(),
                    obstacles: &Obstacles::new(),
                    absent_by_size: &BTreeMap::new(),
                };
                let step = plan(&view, entry);
                if let Step::Withhold { entry, side } = step {
                    world.withhold(entry, side);
                    let row = world.entry(entry);
                    assert_eq!(row.withheld_on(), Some(side));
                    assert_eq!(row.content().is_some(), both, "what both held is kept");
                    assert_eq!(world.withheld_len(side), 1);
                    assert_eq!(world.agreed_len(), 0);
                }
                planned.push(step);
            }
            let then = match step {
                Step::Withhold { .. } => Step::Nothing,
                _ => step.clone(),
            };
            assert_eq!(planned, [step, then], "{wanted:?}, both: {both}");
        }
    }
}
