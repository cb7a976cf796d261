//! When a side was looked at wherever something was in doubt: what moved, and what is nowhere.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::engine::observing::Doubt;
use crate::object::Kind;
use crate::record::EntryId;
use crate::side::Side;
use crate::tree::node::{Mark, NodeId, Presence};

impl Engine {
    pub(super) fn settle(&mut self, side: Side) {
        self.settle_strays(side);
        if !self.sides[side].is_settled() {
            // A folder that moved is walked first: what was in doubt in it was looked for in vain.
            return;
        }
        self.sides[side].walked_undisturbed = false;
        self.sides[side].met_twice.clear();
        self.sides[side].unsure.clear();
        self.sides[side].deleted.clear();
        let here = self.sides[side].postponed.is_empty();
        if here {
            self.settle_gone(side);
        }
        if self.sides[side.other()].is_settled() && self.is_complete() {
            self.settle_intents();
        }
        if here && let Some(cursor) = self.sides[side].next_cursor.take() {
            self.persisting
                .set_value(&format!("cursor.{side}"), Some(cursor.as_bytes().to_vec()));
            self.sides[side].cursor = Some(cursor);
        }
        let is_all_known = !self.tells_by_path(side) || self.sides[side].moved_from.is_empty();
        if self.sides[side].was_walked && is_all_known {
            self.persisting
                .set_value_once(&format!("walked.{side}"), b"1");
        }
        // Who waits for more than what was looked at is told of no look that was none.
        if std::mem::take(&mut self.sides[side].has_news) {
            for id in self.schedule.looked(side) {
                self.touch(id);
            }
        }
    }

    /// A known object met at another place was moved there if its old place does not hold it, else
    /// it stands at both (a hard link), and the second one is an object of its own.
    fn settle_strays(&mut self, side: Side) {
        let strays = std::mem::take(&mut self.sides[side].strays);
        let mut strays: Vec<_> = strays.into_values().collect();
        // Met at two places, it is where it was met last, unless it is still where it was met before.
        strays.sort_by_key(|stray| stray.at);
        let mut expanded = 0;
        loop {
            let before = strays.len();
            let mut later = Vec::new();
            for stray in strays {
                if !self.settle_stray(side, &stray) {
                    later.push(stray);
                }
            }
            strays = later;
            if strays.is_empty() {
                return;
            }
            if strays.len() < before {
                continue;
            }
            // What is below a folder that is gone, and was met elsewhere, was moved out of it. A level at
            // a time: what is in a folder that was met elsewhere was not.
            let met: BTreeSet<NodeId> = strays.iter().map(|stray| stray.node).collect();
            if !self.expand_gone(side, &mut expanded, &met) {
                break;
            }
        }
        for stray in strays {
            if !self.world.tree(side).is_live(stray.folder) {
                continue;
            }
            let old = self.world.node(side, stray.node);
            if old.is_present() && old.seen < stray.at {
                // Its old place was looked at before: it may have been moved since. A look that failed is made
                // again in its time.
                if !self.is_owed_a_look(side, Doubt::Node(stray.node)) {
                    self.doubt_node(side, stray.node);
                }
                let place = (stray.folder, stray.name);
                self.sides[side].strays.insert(place, stray);
                continue;
            }
            if self.sides[side].looks_twice(stray.node) {
                self.doubt_place(side, stray.folder, stray.name);
                continue;
            }
            if self.world.child(side, stray.folder, stray.name).is_none() {
                let mark = self.tick;
                self.meet(side, stray.folder, stray.name, &stray.seen, mark);
            }
        }
    }

    /// Returns true if the stray needs nothing more.
    fn settle_stray(&mut self, side: Side, stray: &super::observing::Stray) -> bool {
        let tree = self.world.tree(side);
        if !tree.is_live(stray.folder) {
            return true;
        }
        if !tree.is_live(stray.node) {
            let free = self.world.child(side, stray.folder, stray.name).is_none();
            if free {
                let mark = self.tick;
                self.meet(side, stray.folder, stray.name, &stray.seen, mark);
            }
            return true;
        }
        let node = tree.get(stray.node);
        if node.is_present() {
            return node.parent() == Some(stray.folder) && node.name() == stray.name;
        }
        let above = std::iter::once(stray.folder).chain(tree.ancestors(stray.folder));
        let stands = |at: NodeId| at == NodeId::ROOT || tree.get(at).is_present();
        if tree.is_within(stray.folder, stray.node) || !above.into_iter().all(stands) {
            return false;
        }
        if self.locks.entries.contains(&node.entry) {
            // What we do with it was planned where it was: it moves when that ended.
            let entry = node.entry;
            self.sides[side].block(entry, Doubt::Node(stray.node));
            let place = (stray.folder, stray.name);
            self.sides[side].strays.insert(place, stray.clone());
            return true;
        }
        if tree
            .child(&self.world.names, stray.folder, stray.name)
            .is_some()
        {
            // Somebody was faster: look at the place again.
            self.doubt_place(side, stray.folder, stray.name);
            return true;
        }
        let reused = self.config.rules[side].ids_reused
            && node.kind == Kind::File
            && (node.size() != stray.seen.size
                || node.attributes().mtime != stray.seen.attributes.mtime);
        let mark = self.tick;
        if reused {
            self.meet(side, stray.folder, stray.name, &stray.seen, mark);
            return true;
        }
        let entry = node.entry;
        self.world
            .attach(side, stray.node, stray.folder, stray.name);
        self.take_sight(side, stray.node, &stray.seen);
        let at = self.world.node_mut(side, stray.node);
        at.seen = stray.at;
        if at.kind == Kind::Folder && !(self.sides[side].walked_undisturbed && at.is(Mark::Listed))
        {
            self.sides[side].want_walk(stray.node);
        }
        at.set(Mark::Doubtful, false);
        self.note_moved(side, stray.node, mark);
        self.schedule.keeps(entry, side);
        self.translate_once_more(entry, side);
        self.note_absence_anew(entry);
        self.persisting.dirty(entry);
        self.stir(entry);
        // Whoever waits for it may have waited because of where it was.
        self.wake_waiters(entry);
        true
    }

    /// What is in folders that are gone is gone too: one level of it, of those from `expanded` on; not of those
    /// that were met elsewhere. Returns true if that was anything.
    fn expand_gone(&mut self, side: Side, expanded: &mut usize, met: &BTreeSet<NodeId>) -> bool {
        let all = self.sides[side].gone.len();
        for at in *expanded..all {
            let node = self.sides[side].gone[at];
            if !self.world.tree(side).is_live(node)
                || self.world.node(side, node).is_present()
                || met.contains(&node)
            {
                continue;
            }
            let below: Vec<NodeId> = self.world.tree(side).children(node).collect();
            for child in below {
                let entry = self.world.node(side, child).entry;
                self.world.detach(side, child);
                self.sides[side].gone.push(child);
                self.stir(entry);
                self.folder_changed(side, node);
            }
        }
        *expanded = all;
        self.sides[side].gone.len() > all
    }

    fn settle_gone(&mut self, side: Side) {
        let mut expanded = 0;
        while self.expand_gone(side, &mut expanded, &BTreeSet::new()) {}
        for node in std::mem::take(&mut self.sides[side].gone) {
            let tree = self.world.tree(side);
            if !tree.is_live(node) || tree.get(node).presence() != Presence::Gone {
                continue;
            }
            self.world.set_absent(side, node);
            let entry = self.world.node(side, node).entry;
            self.note_absent(side, entry);
            self.persisting.dirty(entry);
            self.stir(entry);
        }
    }

    pub(super) fn note_absent(&mut self, side: Side, id: EntryId) {
        let entry = self.world.entry(id);
        if !entry.is_agreed() {
            return;
        }
        self.deletions.absent[side].insert(id);
        if let Some(content) = entry.content() {
            let size = self.world.contents.get(content).size;
            self.absent_by_size
                .entry((side, size))
                .or_default()
                .insert(id);
        }
        self.touch_what_replaced(side, id);
    }

    /// What is withheld rests. If it stands where an absent object stood last, or was agreed to stand, it goes on as that one.
    fn touch_what_replaced(&mut self, side: Side, id: EntryId) {
        if self.world.withheld_len(side.other()) == 0 {
            return;
        }
        let node = self.world.entry(id).nodes[side].expect("an agreed entry has both nodes");
        let at = self.world.node(side, node);
        let last = at.parent().map(|folder| (folder, at.name()));
        let agreed = self.world.agreed_place(id, side);
        for (folder, name) in last.into_iter().chain([agreed]) {
            if let Some(here) = self.world.child(side, folder, name) {
                let lone = self.world.node(side, here).entry;
                if self.world.entry(lone).withheld_on().is_some() {
                    self.touch(lone);
                }
            }
        }
    }

    /// Notes on which sides an agreed entry is absent now.
    pub(super) fn note_absence_anew(&mut self, id: EntryId) {
        self.forget_absent(id);
        for side in Side::BOTH {
            let node = self.world.entry(id).nodes[side];
            if node.is_some_and(|node| self.world.node(side, node).presence() == Presence::Absent) {
                self.note_absent(side, id);
                self.touch(id);
            }
        }
    }

    /// An entry is no longer an agreed one with an absent side.
    pub(super) fn forget_absent(&mut self, id: EntryId) {
        self.deletions.forget(id);
        let Some(entry) = self.world.find(id) else {
            return;
        };
        let Some(content) = entry.content() else {
            return;
        };
        let size = self.world.contents.get(content).size;
        for side in Side::BOTH {
            if let Some(rows) = self.absent_by_size.get_mut(&(side, size)) {
                rows.remove(&id);
                if rows.is_empty() {
                    self.absent_by_size.remove(&(side, size));
                }
            }
        }
    }
}
