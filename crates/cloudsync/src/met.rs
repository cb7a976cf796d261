//! What the engine knows of the two versions that met in a conflict.

use std::collections::HashMap;

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::PlannedOperation;
use cloudsync_core::object::ContentHash;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::tree::World;
use cloudsync_core::tree::node::NodeId;

use crate::hooks::Hooks;
use crate::report::{Conflicted, Known};

/// Returns what stands on each side where a conflict was told: at `path`, as one side says it.
pub(crate) fn versions(engine: &Engine, hooks: &dyn Hooks, path: &str) -> BySide<Option<Known>> {
    let world = engine.world();
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
        Some(known(engine, side, node))
    })
}

/// Says of planned conflicts which versions would meet. By the end of a dry run the one that gives
/// way has its new name already, and the other one is at its place on both sides.
pub(crate) fn planned(engine: &Engine, hooks: &dyn Hooks, conflicts: &mut [Conflicted]) {
    let (world, operations) = (engine.world(), &engine.planned().operations);
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
                find(world, side, &rename.path).map(|node| known(engine, side, node));
            conflict.versions[other] = wins.map(|node| known(engine, other, node));
        }
    }
}

fn known(engine: &Engine, side: Side, node: NodeId) -> Known {
    let world = engine.world();
    let node = world.node(side, node);
    let hash = node.content().map(|content| ContentHash {
        kind: engine.hash_kind(),
        digest: world.contents.get(content).digest,
    });
    Known {
        size: node.size(),
        mtime: node.attributes().mtime,
        hash,
    }
}

/// Finds the present node at a path.
fn find(world: &World, side: Side, path: &str) -> Option<NodeId> {
    let mut parts = path.split('/').filter(|name| !name.is_empty());
    parts.try_fold(NodeId::ROOT, |at, name| {
        world.child(side, at, world.names.find(side, name)?)
    })
}
