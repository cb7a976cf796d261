//! What was met and is left alone: told of once, and in everybody's way.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::listing::{Listing, SkipReason};
use crate::notice::Notice;
use crate::side::Side;
use crate::tree::names::NameId;
use crate::tree::node::NodeId;

impl Engine {
    /// Notes what a listing left alone, and tells of what is new.
    pub(super) fn take_skipped(&mut self, side: Side, folder: NodeId, listing: &Listing) {
        let mut here = BTreeMap::new();
        for skipped in &listing.skipped {
            let name = self.world.names.intern(&skipped.name);
            here.insert(self.world.names.folded(side, name), skipped.reason);
        }
        let old = self.obstacles.remove(&(side, folder)).unwrap_or_default();
        for (&name, &reason) in &here {
            if old.get(&name) != Some(&reason) {
                let path = self.child_path(side, folder, name);
                self.notice(Notice::Skipped { side, path, reason });
            }
        }
        // What was blocked by something that is gone now is planned again when the side is settled.
        if !here.is_empty() {
            self.obstacles.insert((side, folder), here);
        }
    }

    /// Returns the path of a name in a folder.
    pub(super) fn child_path(&self, side: Side, folder: NodeId, name: NameId) -> String {
        let folder = self.world.path(side, folder);
        let name = self.world.names.get(name);
        if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        }
    }

    /// Returns all that is left alone, with its place and why.
    pub(in crate::engine) fn skipped(&self) -> Vec<(Side, String, SkipReason)> {
        let mut all = Vec::new();
        for (&(side, folder), here) in &self.obstacles {
            if !self.world.tree(side).is_live(folder) {
                continue;
            }
            for (&name, &reason) in here {
                all.push((side, self.child_path(side, folder, name), reason));
            }
        }
        for side in Side::BOTH {
            for &folder in &self.sides[side].unreadable {
                if self.world.tree(side).is_live(folder)
                    && self.world.node(side, folder).is_present()
                {
                    let path = self.world.path(side, folder);
                    all.push((side, path, SkipReason::Unreadable));
                }
            }
        }
        all
    }
}
