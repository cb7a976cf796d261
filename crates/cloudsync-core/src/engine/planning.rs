//! Carrying out what the planner says of ready entries.

use crate::engine::Engine;
use crate::engine::io::{Output, Query, QueryId};
use crate::engine::observing::Asked;
use crate::failure::{ErrorKind, Failure};
use crate::notice::Notice;
use crate::object::{Attributes, Kind};
use crate::plan::{Block, Deed, Step, Wait, plan};
use crate::record::{EntryId, IntendedAct};
use crate::side::{BySide, Side};
use crate::tree::contents::ContentId;
use crate::tree::node::NodeId;

/// So many entries are planned before outputs are handed out: enough for a good batch.
const ENTRIES_A_TURN: usize = 8_192;
/// Operations, and queries, beyond the limits for changes that somebody waits for.
const FOR_PROMPT: usize = 16;

impl Engine {
    pub(super) fn plan_ready(&mut self) {
        for _ in 0..ENTRIES_A_TURN {
            let next = if !self.is_full() {
                self.schedule.pop()
            } else if self.has_room_for_prompt() {
                self.schedule.pop_prompt()
            } else {
                None
            };
            let Some(id) = next else {
                return;
            };
            if self.world.find(id).is_some() {
                self.plan_entry(id);
            }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let limits = &self.config.limits;
        Side::BOTH.iter().any(|&side| {
            let (operations, bytes) = self.load[side];
            operations >= limits.operations || bytes >= limits.bytes
        }) || self.asked.len() >= 2 * limits.queries
    }

    /// Beside what is under way, there is always room for a few changes that somebody waits for.
    fn has_room_for_prompt(&self) -> bool {
        let limits = &self.config.limits;
        let is_free = |side| self.load[side].0 < limits.operations + FOR_PROMPT;
        Side::BOTH.into_iter().all(is_free) && self.asked.len() < 2 * limits.queries + FOR_PROMPT
    }

    fn plan_entry(&mut self, id: EntryId) {
        let step = plan(&self.view(), id);
        self.schedule.stop_waiting(id);
        if !matches!(step, Step::Do { .. } | Step::Wait(_)) {
            self.withdraw(id);
        }
        if !matches!(step, Step::Conflict { .. } | Step::Hash(_) | Step::Wait(_)) {
            self.decisions.reopen(id);
        }
        match step {
            Step::Nothing => self.rested(id),
            Step::Agree { content } => {
                self.world.agree(id, content);
                // What was begun, and may not have been done, is nobody's.
                self.world.take_intent(id);
                self.agreed(id);
            }
            Step::AgreeContent { content } => self.agree_content(id, content),
            Step::AgreePlaces => {
                self.world.agree_places(id);
                self.persisting.dirty(id);
                self.settled(id);
                self.touch(id);
                self.stays(id);
            }
            Step::Join { other, content } => self.join(id, other, content),
            Step::Relink { row, lone } => self.relink(lone, row),
            Step::Restore { entry, keep } => self.live_on(id, entry, keep),
            Step::Return { row, lone } => self.take_back(row, lone),
            Step::Withhold { entry, side } => {
                self.withhold(entry, side);
                self.touch(id);
            }
            Step::MoveByParts { from } => self.move_by_parts(id, from),
            Step::Part => self.part(id),
            Step::Drop => self.drop_entry(id),
            Step::Ignore => self.ignore(id),
            Step::Hash(what) => {
                for (entry, side) in what {
                    self.ask_hash(entry, side, id);
                }
            }
            Step::Wait(wait) => {
                if let Wait::Entry(folder) = wait {
                    self.announce(id, folder);
                }
                self.wait(id, wait);
            }
            Step::Blocked(block) => self.blocked(id, &block),
            Step::Conflict { other } => self.conflict(id, other),
            Step::Do {
                side,
                deed: Deed::Delete,
            } => self.deletions.want(id, side),
            Step::Do {
                side,
                deed: Deed::SetAttributes(set),
            } if self.refused.get(&id) == Some(&(side, set)) => self.rested(id),
            Step::Do {
                side,
                deed: Deed::Replace,
            } if self.overdue.any(id, side.other()) => {
                // What is there may be ours, or what its user made where we deleted, and what is here what was put back.
                self.overdue.forget(id, side.other());
                self.count_as_changed(id);
                self.touch(id);
            }
            Step::Do { side, deed } => self.begin(id, side, deed),
        }
    }

    /// All is as agreed, or on one side alone as it is to be: what was begun is nobody's.
    fn rested(&mut self, id: EntryId) {
        self.schedule.was_prompt(id);
        if self.world.take_intent(id).is_some() {
            self.persisting.dirty(id);
        }
        self.forget_absent(id);
        self.troubles.remove(&id);
        self.settled(id);
    }

    /// Both sides agree now, or did when the operation that made them agree was handed out.
    pub(super) fn agreed(&mut self, id: EntryId) {
        self.note_absence_anew(id);
        self.troubles.remove(&id);
        self.refused.remove(&id);
        self.decisions.give_up(id);
        self.record(id);
        self.settled(id);
        self.stays(id);
        if !self.trivial {
            // A folder above may have moved meanwhile to where it is not wanted.
            self.touch(id);
        }
    }

    /// There is to be a record of an entry.
    pub(super) fn record(&mut self, id: EntryId) {
        if !self.persisting.is_stored(id) {
            // Records of what is in it could not name it.
            for side in Side::BOTH {
                if let Some(node) = self.world.entry(id).nodes[side] {
                    self.children_changed_entry(side, node);
                }
            }
        }
        self.persisting.dirty(id);
    }

    /// Something stays in folders that may wait to know whether it does.
    pub(super) fn stays(&mut self, id: EntryId) {
        for side in Side::BOTH {
            let node = self.world.find(id).and_then(|entry| entry.nodes[side]);
            if let Some(folder) = node.and_then(|node| self.world.node(side, node).parent()) {
                self.folder_changed(side, folder);
            }
        }
    }

    fn join(&mut self, id: EntryId, other: EntryId, content: Option<ContentId>) {
        let side = if self.world.entry(other).nodes.local.is_some() {
            Side::Local
        } else {
            Side::Remote
        };
        let node = self.world.entry(other).nodes[side].expect("a lone node");
        let intent = self.world.take_intent(other);
        self.world.join(id, other, side);
        if let Some(intent) = intent.filter(|_| self.world.intent(id).is_none()) {
            self.world.set_intent(id, intent);
        }
        self.folder_changed_entry(side, node, other);
        self.joined(other);
        self.agree_equal(id, content);
    }

    /// An entry is no more: its node was joined into another one.
    pub(super) fn joined(&mut self, other: EntryId) {
        self.settled(other);
        self.troubles.remove(&other);
        self.decisions.reopen(other);
        self.persisting.dirty(other);
    }

    /// Both hold the same, wherever they stand.
    fn agree_content(&mut self, id: EntryId, content: ContentId) {
        self.agree_but_for_moves(id, content);
        self.equal(id);
    }

    /// Agrees on content and attributes as both sides have them now, and on their places, unless somebody moved one: that
    /// is still to be carried over.
    pub(super) fn agree_but_for_moves(&mut self, id: EntryId, content: ContentId) {
        let moved = |side: Side| crate::delta::moved(&self.world, side, id);
        if !Side::BOTH.into_iter().any(moved) {
            self.world.agree(id, Some(content));
            return;
        }
        self.forget_absent(id);
        self.world.set_agreed_content(id, Some(content));
        for side in Side::BOTH {
            if let Some(node) = self.world.entry(id).nodes[side] {
                self.world.node_mut(side, node).set_content(Some(content));
            }
            self.world.agree_tag(id, side);
        }
        self.touch(id);
    }

    /// Both hold the same. If that is because we copied it before a crash, the attributes that it
    /// got then are what was agreed on: a change of them since is to be carried over. Else nothing was.
    fn agree_equal(&mut self, id: EntryId, content: Option<ContentId>) {
        self.world.agree(id, content);
        self.equal(id);
    }

    fn equal(&mut self, id: EntryId) {
        self.note_met(id);
        let intent = self.world.take_intent(id);
        let attributes = match intent.map(|intent| intent.act) {
            Some(IntendedAct::Write { attributes, .. }) => attributes,
            _ => Attributes::default(),
        };
        self.agreed(id);
        let now = BySide::from_fn(|side| self.world.agreed_tag(id, side).1);
        let is_same = match self.world.entry(id).kind {
            Kind::File => now.local == now.remote,
            Kind::Folder => now.local.mode == now.remote.mode,
        };
        if is_same {
            return;
        }
        for side in Side::BOTH {
            let tag = self.world.agreed_tag(id, side).0;
            self.world.set_agreed_tag(id, side, tag, attributes);
        }
        self.touch(id);
    }

    /// A folder's node belongs to another entry than before: so say the records of what is in it, and the intents
    /// of what was to come into it.
    fn folder_changed_entry(&mut self, side: Side, node: NodeId, was: EntryId) {
        self.children_changed_entry(side, node);
        let at = self.world.node(side, node);
        if at.kind == Kind::File {
            return;
        }
        let now = at.entry;
        for id in self.world.rename_folder_in_intents(side, was, now) {
            self.persisting.dirty(id);
        }
    }

    /// The records of what is in a folder, or was last, or is agreed to be, name its entry: they are written again
    /// when that changes.
    pub(super) fn children_changed_entry(&mut self, side: Side, node: NodeId) {
        let children = self.world.tree(side).children(node);
        let children = children.map(|child| self.world.node(side, child).entry);
        let all: Vec<EntryId> = children.chain(self.world.last_in(side, node)).collect();
        for child in all {
            if self.world.entry(child).is_row() || self.persisting.is_stored(child) {
                self.persisting.dirty(child);
            }
        }
    }

    /// The row goes on with the lone node of `lone`, which gets the row's own if that is left out and still somewhere.
    pub(super) fn relink(&mut self, lone: EntryId, row: EntryId) {
        let side = if self.world.entry(lone).nodes.local.is_some() {
            Side::Local
        } else {
            Side::Remote
        };
        let node = self.world.entry(lone).nodes[side].expect("a lone node");
        let old = self.world.entry(row).nodes[side].expect("a row has a node here");
        let is_left = self.world.node(side, old).is_present();
        if !is_left {
            self.leave_all_in(side, old);
        }
        self.note_edited(row, side);
        self.world.relink(row, lone, side);
        if is_left {
            self.children_changed_entry(side, old);
        }
        self.note_absence_anew(row);
        // Its folder may have moved while it was gone from there, and so may that of what is in it.
        self.translate_once_more(row, side);
        // What stood in it last did so in the one that replaced it: what is there now may go on with that.
        let children: Vec<NodeId> = self.world.tree(side).children(node).collect();
        for child in children {
            let entry = self.world.node(side, child).entry;
            self.translate_once_more(entry, side);
            self.touch(entry);
        }
        self.folder_changed_entry(side, node, lone);
        self.persisting.dirty(lone);
        self.persisting.dirty(row);
        self.troubles.remove(&lone);
        self.decisions.reopen(lone);
        self.settled(lone);
        self.settled(row);
        self.touch(row);
        if is_left {
            self.touch(lone);
        }
    }

    /// Lets live on what one side deleted, for `id`, which is that or waits for it, once nothing is done with what comes back
    /// with it.
    pub(super) fn live_on(&mut self, id: EntryId, entry: EntryId, keep: Side) {
        match self.busy_along(entry, keep) {
            Some(child) => self.schedule.wait_for(id, child),
            None => {
                self.restore_entry(entry, keep);
                self.touch(id);
            }
        }
    }

    /// What one side deleted lives on as a new object of the other side.
    pub(super) fn restore_entry(&mut self, id: EntryId, keep: Side) {
        let came_along = self.came_along(id, keep);
        self.forget_absent(id);
        self.deletions.met.entries.remove(&id);
        for child in came_along {
            self.forget_absent(child);
            self.drop_node(child, keep.other());
            self.persisting.dirty(child);
            self.settled(child);
            self.touch(child);
        }
        self.drop_node(id, keep.other());
        self.persisting.dirty(id);
        self.settled(id);
        self.touch(id);
    }

    /// Returns what would be restored with a folder and has an operation under way.
    pub(super) fn busy_along(&self, id: EntryId, keep: Side) -> Option<EntryId> {
        let is_busy = |child: &EntryId| self.locks.entries.contains(child);
        self.came_along(id, keep).into_iter().find(is_busy)
    }

    /// A folder that one side moved and the other deleted is restored with what was deleted with it.
    fn came_along(&self, id: EntryId, keep: Side) -> Vec<EntryId> {
        let gone = keep.other();
        let nodes = &self.world.entry(id).nodes;
        let (Some(folder), Some(ghost)) = (nodes[keep], nodes[gone]) else {
            return Vec::new();
        };
        if !crate::delta::moved(&self.world, keep, id) {
            return Vec::new();
        }
        let mut all = Vec::new();
        let mut below: Vec<NodeId> = self.world.tree(keep).children(folder).collect();
        while let Some(node) = below.pop() {
            below.extend(self.world.tree(keep).children(node));
            let child = self.world.node(keep, node).entry;
            let entry = self.world.entry(child);
            let came_along = entry.is_agreed()
                && entry.nodes[gone].is_some_and(|at| {
                    !self.world.node(gone, at).is_present()
                        && self.world.tree(gone).is_within(at, ghost)
                });
            if came_along {
                all.push(child);
            }
        }
        all
    }

    /// Both nodes of an entry go their own ways.
    pub(super) fn part(&mut self, id: EntryId) {
        if Side::BOTH
            .iter()
            .any(|&side| self.world.entry(id).nodes[side].is_none())
        {
            return;
        }
        self.forget_absent(id);
        let own = self.world.split(id, Side::Local);
        if let Some(node) = self.world.entry(own).nodes[Side::Local] {
            self.folder_changed_entry(Side::Local, node, id);
        }
        for id in [id, own] {
            self.persisting.dirty(id);
            self.settled(id);
            self.touch(id);
        }
    }

    /// A folder moves on the other side by parts.
    pub(super) fn move_by_parts(&mut self, id: EntryId, from: Side) {
        let nodes = self.world.entry(id).nodes;
        for side in Side::BOTH {
            if nodes[side].is_some_and(|node| self.drain((side, node), id)) {
                return;
            }
        }
        let Some(node) = nodes[from] else { return };
        let own = self.world.move_by_parts(id, from);
        self.note_absence_anew(id);
        self.folder_changed_entry(from, node, id);
        let inside: Vec<EntryId> = self
            .world
            .tree(from)
            .children(node)
            .map(|child| self.world.node(from, child).entry)
            .collect();
        for entry in inside.into_iter().chain([id, own]) {
            self.persisting.dirty(entry);
            self.settled(entry);
            self.touch(entry);
        }
    }

    pub(super) fn drop_entry(&mut self, id: EntryId) {
        self.forget_absent(id);
        self.troubles.remove(&id);
        self.decisions.reopen(id);
        self.decisions.give_up(id);
        let entry = self.world.entry(id);
        let folders: Vec<EntryId> = Side::BOTH
            .into_iter()
            .filter_map(|side| {
                let parent = self.world.node(side, entry.nodes[side]?).parent()?;
                let live = self.world.tree(side).is_live(parent);
                live.then(|| self.world.node(side, parent).entry)
            })
            .collect();
        for side in Side::BOTH {
            if let Some(node) = self.world.entry(id).nodes[side] {
                self.leave_all_in(side, node);
                self.children_changed_entry(side, node);
            }
        }
        self.world.drop_entry(id);
        self.persisting.dirty(id);
        self.settled(id);
        for folder in folders {
            // It may have waited to be empty.
            if self.deletions.is_absent(folder) {
                self.touch(folder);
            }
        }
    }

    /// Drops one side's node; what is left of the entry is a lone node.
    pub(super) fn drop_node(&mut self, id: EntryId, side: Side) {
        if let Some(node) = self.world.entry(id).nodes[side] {
            self.leave_all_in(side, node);
            self.children_changed_entry(side, node);
        }
        self.world.drop_node(id, side);
    }

    /// Whatever was met in a folder after it was gone is gone from there with it: it moved on.
    fn leave_all_in(&mut self, side: Side, folder: NodeId) {
        let children: Vec<NodeId> = self.world.tree(side).children(folder).collect();
        for child in children {
            self.leave(side, child);
        }
    }

    /// An object is to be on the other side alone. What stands here is left alone, or is a new object of
    /// this side.
    pub(super) fn withhold(&mut self, id: EntryId, side: Side) {
        self.forget_absent(id);
        self.leave_alone(id);
        let node = self.world.entry(id).nodes[side];
        let own = self.world.withhold(id, side);
        self.record(id);
        self.settled(id);
        let (Some(node), Some(own)) = (node, own) else {
            return;
        };
        if self.world.node(side, node).is_present() {
            let path = self.world.path(side, node);
            self.notice(Notice::Discarded { side, path });
        }
        self.folder_changed_entry(side, node, id);
        self.persisting.dirty(own);
        // What is agreed in it lost its place on this side: what the other side has of it may have nothing to wait for.
        let inside = self.world.tree(side).children(node);
        let inside: Vec<EntryId> = inside.map(|at| self.world.node(side, at).entry).collect();
        for id in inside.into_iter().chain([id, own]) {
            self.touch(id);
        }
    }

    /// What was withheld on a side meets what it left there, unchanged: whatever the other side has by now is
    /// a change of that.
    fn take_back(&mut self, row: EntryId, lone: EntryId) {
        let entry = self.world.entry(row);
        let (Some(side), content) = (entry.withheld_on(), entry.content()) else {
            return;
        };
        self.world.join(row, lone, side);
        self.world.agree(row, None);
        self.world.set_agreed_content(row, content);
        self.world.doubt_content(row, side.other());
        self.joined(lone);
        self.agreed(row);
        self.touch(row);
    }

    fn ignore(&mut self, id: EntryId) {
        self.leave_alone(id);
        if self.world.entry(id).is_agreed() {
            let (side, path) = self.entry_path(id);
            self.notice(Notice::Discarded { side, path });
            self.part(id);
            return;
        }
        if self.world.entry(id).is_row() {
            self.world.disagree(id);
            self.persisting.dirty(id);
        }
        self.settled(id);
    }

    /// Nothing is to be done about an entry, so nothing failed, and what was begun is nobody's.
    fn leave_alone(&mut self, id: EntryId) {
        self.troubles.remove(&id);
        self.decisions.reopen(id);
        if self.world.take_intent(id).is_some() {
            self.persisting.dirty(id);
        }
        // Folders that the other side deleted stay with it.
        for folder in self.folders_above(id) {
            if self.deletions.is_absent(folder) {
                self.touch(folder);
            }
        }
    }

    /// Returns the folders that an entry stands in, or was last in, on both sides.
    pub(super) fn folders_above(&self, id: EntryId) -> Vec<EntryId> {
        let above = |side: Side| {
            let node = self.world.entry(id).nodes[side];
            let tree = self.world.tree(side);
            let folders = node.into_iter().flat_map(|node| tree.ancestors(node));
            folders.map(move |at| tree.get(at).entry)
        };
        Side::BOTH.into_iter().flat_map(above).collect()
    }

    pub(super) fn ask_hash(&mut self, entry: EntryId, side: Side, waiter: EntryId) {
        if waiter != entry {
            self.schedule.wait_for(waiter, entry);
        }
        let under_way = self.asked.values().any(|asked| {
            matches!(asked, Asked::Hash { entry: other, side: at, .. } if (*other, *at) == (entry, side))
        });
        if under_way {
            return;
        }
        let Some(node) = self.world.entry(entry).nodes[side] else {
            return;
        };
        let mut at = self.object(side, node);
        at.path = self.real_path(side, node);
        let node = self.world.node(side, node);
        let (expect, size, kind) = (node.tag(), node.size(), self.hash_kind);
        let id = QueryId(self.new_id());
        self.asked.insert(
            id,
            Asked::Hash {
                entry,
                side,
                tag: expect.clone(),
            },
        );
        self.out.push_back(Output::Query(Query::Hash {
            id,
            side,
            at,
            expect,
            kind,
            size,
        }));
    }

    pub(super) fn hashed(
        &mut self,
        query: QueryId,
        outcome: Result<crate::object::ContentHash, Failure>,
    ) {
        let Some(Asked::Hash { entry, side, tag }) = self.asked.remove(&query) else {
            return;
        };
        let node = self.world.find(entry).and_then(|entry| entry.nodes[side]);
        let Some(node) = node else { return };
        let at = self.world.node(side, node);
        match outcome {
            Ok(hash) if at.tag() == tag && hash.kind == self.hash_kind => {
                let content = crate::tree::contents::Content {
                    size: at.size(),
                    digest: hash.digest,
                };
                self.world.set_content(side, node, content);
                self.touch(entry);
                self.settled(entry);
            }
            Ok(_) => self.touch(entry),
            Err(failure) => self.failed(entry, side, &failure, &[(side, node)]),
        }
    }

    fn blocked(&mut self, id: EntryId, block: &Block) {
        let (side, failure) = match block {
            Block::Fixed { side } => {
                let failure = Failure::new(ErrorKind::NameRejected, "rename").with_detail(
                    "something else has its name on the other side, and folders cannot be renamed \
                     here: rename one of the two",
                );
                (*side, failure)
            }
            Block::Name { side, problem } => {
                let failure = Failure::new(ErrorKind::NameRejected, "rename").with_detail(problem);
                (*side, failure)
            }
            Block::Taken { side, .. } => {
                let failure = Failure::new(ErrorKind::AlreadyExists, "write")
                    .with_detail("something that is not synced stands in its place");
                (*side, failure)
            }
        };
        let told = self
            .troubles
            .get(&id)
            .is_some_and(|old| old.failure.kind() == failure.kind() && old.side == side);
        self.schedule.look(id, side);
        if told {
            return;
        }
        // Whoever waits for it may go on without it.
        self.wake_waiters(id);
        let (_, path) = self.entry_path(id);
        let failure = failure.with_object(&path);
        self.notice(Notice::Failed {
            side,
            path: path.clone(),
            failure: failure.clone(),
        });
        let trouble = super::Failing {
            side,
            path,
            failure,
            attempts: 1,
            told: true,
        };
        self.troubles.insert(id, trouble);
    }
}
