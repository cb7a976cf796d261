//! What must hold when it is quiet.

use std::collections::BTreeSet;

use cloudsync::{BySide, Side};
use cloudsync_core::engine::io::Status;

use super::sim::{Sim, Tree};
use super::users::Actors;

/// What the sides have to be after a round.
pub(super) struct Expected {
    pub(super) actors: Actors,
    /// The tree of the side that alone had acts, as its user left it.
    pub(super) tree: Option<Tree>,
    /// Users' acts in this round.
    pub(super) acts: usize,
    /// Calls that had changed more of a side than attributes, or tried to, when it began. Attributes have no intents: what
    /// we set just before a life ended looks like a user's.
    pub(super) changes: BySide<u64>,
}

impl Sim {
    /// Judges what is on both sides, and how the facade says that it is.
    pub(super) fn judge(&self, expected: &Expected, status: &Status) {
        let (local, remote) = (self.tree(Side::Local), self.tree(Side::Remote));
        self.note(format_args!("local {local:?}"));
        self.note(format_args!("remote {remote:?}"));
        self.judge_status(status);
        let fold = |tree: &Tree| -> Tree {
            if !self.setup.folds_names() {
                return tree.clone();
            }
            let folded = tree.iter();
            folded
                .map(|(path, content)| (path.to_lowercase(), content.clone()))
                .collect()
        };
        if fold(&local) != fold(&remote) || local.len() != remote.len() {
            self.violate("I12 both sides are equal", difference(&local, &remote));
        }
        self.judge_alive(&local);
        self.judge_names(expected, &local);
        if let (Actors::One(side), Some(tree)) = (expected.actors, &expected.tree)
            && !self.setup.folds_names()
            && !self.is_unsure()
            && self.tree(side) != *tree
        {
            self.violate("I15 direction", difference(tree, &self.tree(side)));
        }
        if let (Actors::One(side), Some(_)) = (expected.actors, &expected.tree)
            && !self.setup.folds_names()
            && !self.is_unsure()
            && !self.lock().is_retagged
        {
            let count = self.lock().changes[side] - expected.changes[side];
            if count > 0 {
                self.violate(
                    "I15 direction",
                    format!("{count} changes where its user was"),
                );
            }
        }
    }

    fn judge_status(&self, status: &Status) {
        let is_fine = status.at_rest
            && status.complete
            && status.pending == 0
            && status.troubles.is_empty()
            && status.held.is_empty()
            && status.conflicts.is_empty()
            && status.store.is_none()
            && status.down.local.is_none()
            && status.down.remote.is_none();
        if !is_fine {
            self.violate("I54 honest status", format!("{status:?}"));
        }
    }

    /// Whether what was done cannot be told from what a user did.
    fn is_unsure(&self) -> bool {
        let state = self.lock();
        state.is_unsure || (state.has_failed && state.is_retagged)
    }

    fn judge_alive(&self, local: &Tree) {
        let there: BTreeSet<&String> = local.values().flatten().collect();
        let lost: Vec<String> = {
            let state = self.lock();
            let alive = state.alive.iter();
            alive
                .filter(|token| !there.contains(token))
                .cloned()
                .collect()
        };
        if !lost.is_empty() {
            self.violate("I1 nothing lost", format!("{lost:?}"));
        }
    }

    fn judge_names(&self, expected: &Expected, local: &Tree) {
        let names = || local.keys().flat_map(|path| path.split('/'));
        if let Some(name) = names().find(|name| name.starts_with(".cloudsync")) {
            self.violate("I9 nothing of ours is left", name);
        }
        if let Some(name) = names().find(|name| name.matches("conflicted").count() > 1) {
            self.violate("I18 conflicts do not breed", name);
        }
        let count = names().filter(|name| name.contains("conflicted")).count();
        if expected.actors == Actors::Both && count > 0 {
            self.note(format_args!(
                "{count} conflict names, {} acts",
                expected.acts
            ));
        }
    }
}

/// Says in what two trees differ.
fn difference(one: &Tree, other: &Tree) -> String {
    let lacks = |a: &Tree, b: &Tree| -> Vec<String> {
        let differing = a
            .iter()
            .filter(|(path, content)| b.get(*path) != Some(content));
        differing
            .map(|(path, content)| format!("{path}={}", content.as_deref().unwrap_or("/")))
            .collect()
    };
    format!("{:?} against {:?}", lacks(one, other), lacks(other, one))
}
