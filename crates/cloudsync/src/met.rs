//! What the engine knows of the two versions that met in a conflict.

use std::collections::HashMap;

use cloudsync_core::engine::io::PlannedOperation;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::tree::World;
use cloudsync_core::tree::node::NodeId;

use crate::hooks::Hooks;
use crate::report::{Conflicted, Known};

/// Returns what stands on each side where a conflict was told: at `path`, as one side says it.
pub(crate) fn versions(world: &World, hooks: &dyn Hooks, path: &str) -> BySide<Option<Known>> {
    BySide::from_fn(|side| {
        let here = find(world, side, path);
        // As the other side says it: by the entry that both are, or as it is translated.
        let node = here.or_else(|| {
            let other = find(world, side.other(), path);
            let of_entry = other.and_then(|other| {
                let entry = world.find(world.node(side.other(), other).entry)?;
                entry.nodes[side].filter(|node| world.node(side, *node).is_present())
            });
            of_entry.or_else(|| find(world, side, &hooks.translate(side, path)?))
        })?;
        Some(known(world, side, node))
    })
}

/// Says of planned conflicts which versions would meet. By the end of a dry run the one that gives
/// way has its new name already, and the other one is at its place on both sides.
pub(crate) fn planned(
    world: &World,
    hooks: &dyn Hooks,
    operations: &[PlannedOperation],
    conflicts: &mut [Conflicted],
) {
    let renames = operations
        .iter()
        .filter(|operation| operation.operation == "rename");
    let renames: HashMap<&str, &PlannedOperation> = renames
        .filter_map(|rename| Some((rename.from.as_deref()?, rename)))
        .collect();
    for conflict in conflicts.iter_mut() {
        if conflict.kept_as.is_none() {
            continue;
        }
        conflict.versions = BySide::default();
        if let Some(rename) = renames.get(&*conflict.path) {
            let (side, other) = (rename.side, rename.side.other());
            let wins = find(world, other, &conflict.path)
                .or_else(|| find(world, other, &hooks.translate(other, &conflict.path)?));
            conflict.versions[side] =
                find(world, side, &rename.path).map(|node| known(world, side, node));
            conflict.versions[other] = wins.map(|node| known(world, other, node));
        }
    }
}

fn known(world: &World, side: Side, node: NodeId) -> Known {
    let node = world.node(side, node);
    Known {
        size: node.size(),
        mtime: node.attributes().mtime,
    }
}

/// Finds the present node at a path.
fn find(world: &World, side: Side, path: &str) -> Option<NodeId> {
    let mut parts = path.split('/').filter(|name| !name.is_empty());
    parts.try_fold(NodeId::ROOT, |at, name| {
        world.child(side, at, world.names.find(side, name)?)
    })
}
