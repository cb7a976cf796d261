//! What the answers to looks mean: a place, an object, the end of a walk.

#[allow(
    clippy::wildcard_imports,
    reason = "the second half of one module, about the same things"
)]
use super::*;

impl Engine {
    pub(in crate::engine) fn found(
        &mut self,
        query: QueryId,
        outcome: Result<Option<Found>, Failure>,
    ) {
        match self.asked.remove(&query) {
            Some(Asked::Place {
                side,
                folder,
                name,
                asked,
            }) => {
                self.sides[side].outstanding -= 1;
                self.found_at_place(side, folder, name, asked, outcome);
                self.was_looked_at(side, Doubt::Place(folder, name));
                self.settle_if_looked(side);
            }
            Some(Asked::Object { side, node, asked }) => {
                self.sides[side].outstanding -= 1;
                self.found_object(side, node, asked, outcome);
                self.was_looked_at(side, Doubt::Node(node));
                self.settle_if_looked(side);
            }
            Some(Asked::Stranger {
                side,
                oid,
                path,
                asked,
            }) => {
                self.sides[side].outstanding -= 1;
                self.found_stranger(side, oid, path, asked, outcome);
                self.settle_if_looked(side);
            }
            Some(Asked::Verify {
                side,
                node,
                path,
                by_id,
            }) => self.verified(side, node, &path, by_id, outcome),
            _ => {}
        }
    }

    /// A look ended. What was told of the same thing meanwhile is newer than the answer.
    fn was_looked_at(&mut self, side: Side, doubt: Doubt) {
        let thing = self.folded(side, doubt);
        let next = self.sides[side].under_way.remove(&thing).flatten();
        let tree = self.world.tree(side);
        match next {
            Some(Doubt::Place(folder, name)) if tree.is_live(folder) => {
                self.doubt_place(side, folder, name);
            }
            Some(Doubt::Node(node)) if tree.is_live(node) => self.doubt_node(side, node),
            Some(Doubt::Node(node)) => self.look_for_id_of(side, node),
            _ => {}
        }
    }

    fn found_at_place(
        &mut self,
        side: Side,
        folder: NodeId,
        name: NameId,
        asked: Tick,
        outcome: Result<Option<Found>, Failure>,
    ) {
        if self.look_when_back(side, folder) {
            self.look_in_successor(side, folder);
            return;
        }
        if self.was_elsewhere(side, folder, asked)
            || self.on_its_way(side, folder).is_some()
            || self.doubtful_above(side, folder).is_some()
        {
            self.doubt_place(side, folder, name);
            return;
        }
        let folded = self.world.names.folded(side, name);
        self.sides[side].unsure.remove(&(folder, folded));
        let here = self.world.child(side, folder, name);
        match outcome {
            Ok(Some(Found {
                observed: Some(seen),
                name: now,
                ..
            })) => {
                self.clear_obstacle(side, folder, name);
                let now = self.world.names.intern(&now);
                self.tick.advance();
                let mark = self.tick;
                self.see(side, folder, now, &seen, asked, mark);
            }
            Ok(Some(Found { observed: None, .. })) => {
                let folded = self.world.names.folded(side, name);
                let here_now = self.obstacles.entry((side, folder)).or_default();
                if here_now.insert(folded, SkipReason::Special).is_none() {
                    let path = self.child_path(side, folder, name);
                    self.notice(Notice::Skipped {
                        side,
                        path,
                        reason: SkipReason::Special,
                    });
                }
                if let Some(node) = here {
                    self.miss(side, node, asked);
                }
            }
            Ok(None) => {
                self.sides[side].strays.remove(&(folder, name));
                self.clear_obstacle(side, folder, name);
                self.note_emptied(side, folder, folded);
                if let Some(node) = here {
                    self.miss(side, node, asked);
                }
            }
            Err(failure) => self.look_failed(side, Doubt::Place(folder, name), &failure),
        }
    }

    /// Notes that nothing was found at a place, as long as there are older looks that may say otherwise.
    fn note_emptied(&mut self, side: Side, folder: NodeId, folded: NameId) {
        let looks = self.asked.values().filter_map(Asked::look);
        let oldest = looks.filter(|look| look.0 == side).map(|look| look.1).min();
        self.tick.advance();
        let emptied = &mut self.sides[side].emptied;
        emptied.retain(|_, when| oldest.is_some_and(|asked| *when > asked));
        if oldest.is_some() {
            emptied.insert((folder, folded), self.tick);
        }
    }

    /// Notes that we deleted an object, as long as there are looks from before: they may have met it where its user had
    /// moved it just then.
    pub(in crate::engine) fn note_deleted(&mut self, side: Side, oid: Oid) {
        let ledger = &mut self.sides[side];
        if ledger.walk.is_some() || ledger.outstanding > 0 {
            ledger.deleted.insert(oid, self.tick);
        }
    }

    /// Returns true if we deleted an object since a look was asked for that says otherwise.
    pub(super) fn was_deleted(&self, side: Side, oid: &Oid, asked: Tick) -> bool {
        let deleted = &self.sides[side].deleted;
        !deleted.is_empty() && deleted.get(oid).is_some_and(|&when| when > asked)
    }

    /// Returns true if a place was found empty since a look was asked for that says otherwise.
    pub(super) fn was_emptied(
        &self,
        side: Side,
        folder: NodeId,
        name: NameId,
        asked: Tick,
    ) -> bool {
        let emptied = &self.sides[side].emptied;
        !emptied.is_empty() && {
            let folded = self.world.names.folded(side, name);
            emptied
                .get(&(folder, folded))
                .is_some_and(|&when| when > asked)
        }
    }

    /// Returns true if a folder is not there now, or one that it lies in: nothing in it can be looked at.
    /// What comes back of it, from wherever it was moved to, is walked.
    pub(super) fn look_when_back(&mut self, side: Side, folder: NodeId) -> bool {
        let tree = self.world.tree(side);
        if !tree.is_live(folder) {
            self.sides[side].has_news = true;
            return true;
        }
        let chain: Vec<NodeId> = std::iter::once(folder)
            .chain(tree.ancestors(folder))
            .collect();
        let is_gone = |&at: &NodeId| at != NodeId::ROOT && !tree.get(at).is_present();
        let Some(gone) = chain.iter().position(is_gone) else {
            return false;
        };
        self.sides[side].has_news = true;
        // Any of them may come back by itself.
        for &at in &chain[..=gone] {
            self.set_listed(side, at, false);
        }
        true
    }

    /// A place was to be looked at in a folder that is gone, or in one that lies in that: what was told of it by
    /// its path may have been of another folder that stands there by now, which is walked.
    pub(super) fn look_in_successor(&mut self, side: Side, folder: NodeId) {
        let tree = self.world.tree(side);
        if !tree.is_live(folder) {
            return;
        }
        let above = std::iter::once(folder).chain(tree.ancestors(folder));
        let successor = above.into_iter().find_map(|at| {
            let at = tree.get(at);
            let parent = at.parent().filter(|_| !at.is_present())?;
            self.world.child(side, parent, at.name())
        });
        if let Some(there) = successor.filter(|&there| tree.get(there).kind == Kind::Folder) {
            self.sides[side].want_walk(there);
        }
    }

    fn clear_obstacle(&mut self, side: Side, folder: NodeId, name: NameId) {
        let folded = self.world.names.folded(side, name);
        if let Some(here) = self.obstacles.get_mut(&(side, folder)) {
            here.remove(&folded);
            if here.is_empty() {
                self.obstacles.remove(&(side, folder));
            }
        }
    }

    fn found_object(
        &mut self,
        side: Side,
        node: NodeId,
        asked: Tick,
        outcome: Result<Option<Found>, Failure>,
    ) {
        if !self.world.tree(side).is_live(node) {
            if !matches!(outcome, Ok(None)) {
                self.look_for_id_of(side, node);
            }
            return;
        }
        let at = self.world.node(side, node);
        let (present, parent) = (at.is_present(), at.parent());
        if at.touched() > asked || self.locks.entries.contains(&at.entry) {
            self.sides[side].doubt(Doubt::Node(node));
            return;
        }
        if outcome.is_ok() {
            // Wherever it was met before this was asked, it is not there now, or is met there again.
            let strays = &mut self.sides[side].strays;
            strays.retain(|_, stray| stray.node != node || stray.at > asked);
            if strays.values().any(|stray| stray.node == node) {
                // Met since this was asked: where it was before and where after that, nobody can say.
                if present && !matches!(outcome, Ok(Some(_))) {
                    self.miss(side, node, asked);
                }
                self.doubt_node(side, node);
                return;
            }
        }
        match outcome {
            Ok(Some(Found {
                observed: Some(seen),
                folder,
                name,
            })) => {
                let folder = match folder {
                    Some(oid) => self.world.tree(side).by_oid(&oid),
                    None => parent,
                };
                let name = self.world.names.intern(&name);
                let folder = folder.filter(|&folder| self.world.node(side, folder).is_present());
                let Some(folder) = folder else {
                    // In a folder that nobody knows: outside the root, or still to be listed.
                    if present {
                        self.leave(side, node);
                    }
                    self.sides[side].want_walk(NodeId::ROOT);
                    return;
                };
                if self.world.child(side, folder, name) == Some(node) {
                    self.tick.advance();
                    self.world.node_mut(side, node).seen = self.tick;
                    self.see_again(side, node, name, &seen);
                    return;
                }
                // Looked up by id: it is nowhere else.
                if present {
                    self.leave(side, node);
                }
                self.tick.advance();
                let mark = self.tick;
                self.see(side, folder, name, &seen, asked, mark);
            }
            Ok(_) => {
                if present {
                    self.miss(side, node, asked);
                }
            }
            Err(failure) => self.look_failed(side, Doubt::Node(node), &failure),
        }
    }

    /// An id that nobody knew was looked up.
    fn found_stranger(
        &mut self,
        side: Side,
        oid: Oid,
        path: String,
        asked: Tick,
        outcome: Result<Option<Found>, Failure>,
    ) {
        match outcome {
            Ok(Some(Found {
                observed: Some(seen),
                folder: Some(folder),
                name,
            })) => {
                // In a folder that nobody knows: outside the root, or told of in its own time, and then
                // listed.
                let Some(folder) = self.world.tree(side).by_oid(&folder) else {
                    self.sides[side].missed = self.tick;
                    return;
                };
                if self.look_when_back(side, folder) {
                    return;
                }
                let name = self.world.names.intern(&name);
                self.tick.advance();
                let mark = self.tick;
                self.see(side, folder, name, &seen, asked, mark);
            }
            Err(failure) if is_side_or_retryable(&failure) => {
                self.postpone(side, Owed::Stranger(oid, path));
            }
            Ok(_) | Err(_) => {}
        }
    }

    fn look_failed(&mut self, side: Side, doubt: Doubt, failure: &Failure) {
        if is_side_or_retryable(failure) {
            self.postpone(side, Owed::Look(doubt));
            return;
        }
        // It is there and cannot be looked at: it stays as it was known.
        let node = match doubt {
            Doubt::Node(node) => Some(node),
            Doubt::Place(folder, name) => self.world.child(side, folder, name),
        };
        if let Some(node) = node {
            self.world.node_mut(side, node).set(Mark::Doubtful, false);
            self.wake_waiters(self.world.node(side, node).entry);
        }
    }

    fn postpone(&mut self, side: Side, owed: Owed) {
        let at = (self.now + self.config.backoff.1 / 10).round_up(RACY_DELAY);
        let postponed = &mut self.sides[side].postponed;
        postponed.entry(at).or_default().push(owed);
    }

    /// Returns true if a look failed, and is to be made again, that tells of something in doubt.
    pub(in crate::engine) fn is_owed(&self, side: Side, doubt: Doubt) -> bool {
        let at = match doubt {
            Doubt::Node(node) => node,
            Doubt::Place(folder, _) => folder,
        };
        let is_walked = |owed: &Owed| matches!(owed, Owed::Walk(folder) if self.world.tree(side).is_within(at, *folder));
        self.is_owed_a_look(side, doubt)
            || self.sides[side].postponed.values().flatten().any(is_walked)
    }

    /// Returns true if a look at just that failed, and is to be made again.
    pub(in crate::engine) fn is_owed_a_look(&self, side: Side, doubt: Doubt) -> bool {
        let as_asked = self.as_asked(side, doubt);
        let mut owed = self.sides[side].postponed.values().flatten();
        owed.any(
            |owed| matches!(owed, Owed::Look(owed) if *owed == doubt || Some(*owed) == as_asked),
        )
    }

    pub(in crate::engine) fn walked(&mut self, query: QueryId, outcome: Result<(), Failure>) {
        let Some(Asked::Walk { side }) = self.asked.remove(&query) else {
            return;
        };
        let Some(walk) = self.sides[side].walk.take_if(|walk| walk.query == query) else {
            return;
        };
        match outcome {
            Ok(()) => {
                if self.was_elsewhere(side, walk.from, walk.asked) {
                    // It moved under the walk, which may have missed it.
                    self.sides[side].want_walk(walk.from);
                }
                self.list_what_moves(side, walk.from);
                if walk.from == NodeId::ROOT {
                    self.sides[side].complete = true;
                    self.sides[side].was_walked = true;
                    let objects = self.world.tree(side).len();
                    self.notice(Notice::SideSeen { side, objects });
                    self.try_refused_again(side);
                }
            }
            Err(failure) => {
                self.sides[side].walked_undisturbed = false;
                self.walk_failed(side, walk, failure);
            }
        }
        self.settle_if_looked(side);
    }

    /// A walk ended while we move folders that it came by, or that it was within: it may have missed what is in them.
    /// They are listed where they are then.
    fn list_what_moves(&mut self, side: Side, from: NodeId) {
        let tree = self.world.tree(side);
        let moving = self.locks.draining.iter().filter_map(|&(at, folder)| {
            let entry = tree.is_live(folder).then(|| tree.get(folder).entry)?;
            let is_moving = at == side && self.locks.entries.contains(&entry);
            let inner = if tree.is_within(from, folder) {
                from
            } else {
                folder
            };
            (is_moving && tree.is_within(inner, from)).then_some((entry, inner))
        });
        let moving: Vec<(EntryId, NodeId)> = moving.collect();
        for (entry, folder) in moving {
            self.set_listed(side, folder, false);
            self.sides[side].block(entry, Doubt::Node(folder));
        }
    }

    fn walk_failed(&mut self, side: Side, walk: Walk, failure: Failure) {
        match failure.kind() {
            ErrorKind::NotFound if self.was_elsewhere(side, walk.from, walk.asked) => {
                self.sides[side].want_walk(walk.from);
            }
            // It is gone, or another one stands there.
            ErrorKind::NotFound | ErrorKind::PreconditionFailed if walk.from != NodeId::ROOT => {
                // Whatever it was walked for is still to be met, if it is back before it is missed.
                self.set_listed(side, walk.from, false);
                if let Some(parent) = self.world.node(side, walk.from).parent() {
                    let name = self.world.node(side, walk.from).name();
                    self.doubt_place(side, parent, name);
                }
            }
            ErrorKind::RootMissing => self.side_down(side, failure),
            _ if is_side_or_retryable(&failure) => self.postpone(side, Owed::Walk(walk.from)),
            // What was hinted at may be anywhere below: the cursor waits.
            _ if walk.from == NodeId::ROOT => self.postpone(side, Owed::Walk(walk.from)),
            _ => {
                // Until it is listed nothing is known of it, not after a restart either.
                self.set_listed(side, walk.from, false);
                let at = (self.now + self.config.backoff.1 / 10).round_up(RACY_DELAY);
                self.sides[side]
                    .retries
                    .entry(at)
                    .or_default()
                    .push(walk.from);
            }
        }
    }

    /// Where all that was to be looked at was looked at, what is gone is absent.
    pub(in crate::engine) fn settle_if_looked(&mut self, side: Side) {
        if self.sides[side].is_settled() && self.sides[side].complete {
            self.settle(side);
        }
    }

    pub(super) fn finish_looking(&mut self, side: Side) {
        self.sides[side].complete = true;
        self.settle_if_looked(side);
    }
}

/// Returns true if the side is the trouble, or trying again may help. What nobody expected says nothing
/// of the object.
fn is_side_or_retryable(failure: &Failure) -> bool {
    let kind = failure.kind();
    is_of_side(kind) || kind == ErrorKind::Unexpected || failure.is_retryable()
}
