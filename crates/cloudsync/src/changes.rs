//! Counts what one side has that the other has not got yet.

use cloudsync_core::delta::{self, Change};
use cloudsync_core::engine::Engine;
use cloudsync_core::object::Kind;
use cloudsync_core::side::Side;

use crate::hooks::{DEFAULT_POLICY, Hooks};

/// Returns how many objects of a side are new or edited there, and take part. What was deleted or
/// moved is none of them. Looks at what is not agreed on, and at all objects only if some are new.
pub(crate) fn count(engine: &Engine, hooks: &dyn Hooks, side: Side) -> usize {
    let world = engine.world();
    let all_take_part = hooks.policy_id() == DEFAULT_POLICY;
    let news = world.unsettled(side).into_iter().filter(|&id| {
        let entry = world.entry(id);
        let Some(at) = entry.nodes[side] else {
            return false;
        };
        let node = world.node(side, at);
        let is_news = if entry.is_agreed() {
            delta::content_change(world, side, id) != Change::Same
        } else {
            // What is withheld on the other side does not have to go there.
            !entry.is_row()
        };
        node.is_present()
            && is_news
            && (all_take_part || takes_part(hooks, side, &world.path(side, at), node.kind))
    });
    news.count()
}

/// Whether an object is carried over: it is wanted, so are the folders above it, and it has a path
/// on the other side.
fn takes_part(hooks: &dyn Hooks, side: Side, path: &str, kind: Kind) -> bool {
    let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    folders.all(|folder| hooks.wanted(side, folder, Kind::Folder))
        && hooks.wanted(side, path, kind)
        && hooks.translate(side.other(), path).is_some()
}
