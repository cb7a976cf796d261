//! Handing out looks: walks, and what is in doubt, in an order in which the answers mean something.

#[allow(
    clippy::wildcard_imports,
    reason = "a part of one module, about the same things"
)]
use super::*;

impl Engine {
    /// Hands out what is to be looked at.
    pub(in crate::engine) fn look(&mut self) {
        for side in Side::BOTH {
            if !self.sides[side].up {
                continue;
            }
            let due = self.config.walk_every[side].is_some_and(|every| {
                self.sides[side].complete && self.now >= self.sides[side].walked_at + every
            });
            if due && self.sides[side].walk.is_none() {
                self.sides[side].want_walk(NodeId::ROOT);
            }
            while let Some(first) = self.sides[side].relooks.first_entry()
                && *first.key() <= self.now
            {
                for node in first.remove() {
                    if self.is_pretended(side, node) {
                        let entry = self.world.node(side, node).entry;
                        self.world.node_mut(side, node).set(Mark::Racy, false);
                        if self.world.find(entry).is_some() {
                            self.touch(entry);
                        }
                    } else {
                        self.sides[side].doubt(Doubt::Node(node));
                    }
                }
            }
            while let Some(first) = self.sides[side].postponed.first_entry()
                && *first.key() <= self.now
            {
                for owed in first.remove() {
                    match owed {
                        Owed::Look(doubt) => self.sides[side].doubt(doubt),
                        Owed::Stranger(oid, path) => {
                            let told = Told {
                                path,
                                is_late: true,
                            };
                            self.sides[side].strangers.insert(oid, told);
                        }
                        Owed::Walk(node) => self.sides[side].want_walk(node),
                    }
                }
            }
            while let Some(first) = self.sides[side].retries.first_entry()
                && *first.key() <= self.now
            {
                for node in first.remove() {
                    self.sides[side].want_walk(node);
                }
            }
            self.start_walk(side);
            self.ask_doubts(side);
        }
    }

    pub(super) fn start_walk(&mut self, side: Side) {
        if self.sides[side].walk.is_some() || self.sides[side].outstanding > 0 {
            return;
        }
        let wanted = std::mem::take(&mut self.sides[side].wanted_walks);
        // A folder that was left out meanwhile, or lies in one: once it is wanted, it is to be listed.
        let mut left_out = Vec::new();
        if !self.trivial {
            let is_live = |node: &&NodeId| self.world.tree(side).is_live(**node);
            let all = wanted.iter().filter(is_live).copied();
            left_out.extend(all.filter(|&node| !is_looked_at(&self.view(), side, node)));
        }
        for &node in &left_out {
            self.pass_by(side, node);
        }
        let live = |&node: &NodeId| {
            self.world.tree(side).is_live(node)
                && self.world.node(side, node).is_present()
                && !left_out.contains(&node)
        };
        let Some(&from) = wanted.iter().find(|node| live(node)) else {
            if !wanted.is_empty() {
                self.sides[side].has_news = true;
                self.settle_if_looked(side);
            }
            return;
        };
        let below = |&node: &NodeId| !self.world.tree(side).is_within(node, from);
        let rest: BTreeSet<NodeId> = wanted.iter().copied().filter(live).filter(below).collect();
        let id = QueryId(self.new_id());
        let at = self.object(side, from);
        let ledger = &mut self.sides[side];
        ledger.wanted_walks = rest;
        ledger.walk = Some(Walk {
            query: id,
            asked: self.tick,
            from,
        });
        if from == NodeId::ROOT {
            ledger.walked_at = self.now;
            ledger.walked_undisturbed = true;
            // One that moves right now may leave its place after the walk came by.
            let (tree, locks) = (self.world.tree(side), &self.locks.entries);
            let is_moving =
                |node: NodeId| tree.is_live(node) && locks.contains(&tree.get(node).entry);
            ledger.moved_from.retain(|&(_, _, node)| is_moving(node));
            // All of it is looked at anyway, but for what is left out.
            let doubts = std::mem::take(&mut ledger.doubts);
            let passed_by = doubts
                .into_iter()
                .filter(|&doubt| self.is_passed_by(side, doubt))
                .collect();
            let ledger = &mut self.sides[side];
            ledger.doubts = passed_by;
            ledger.postponed.clear();
        }
        self.asked.insert(id, Asked::Walk { side });
        self.out
            .push_back(Output::Query(Query::Walk { id, side, from: at }));
    }

    /// Returns whether a walk is under way, or is to be made of a folder that this one lies in.
    pub(in crate::engine) fn is_to_be_walked(&self, side: Side, node: NodeId) -> bool {
        let ledger = &self.sides[side];
        let owed = ledger.postponed.values().flatten();
        let owed = owed.filter_map(|owed| match owed {
            Owed::Walk(from) => Some(from),
            Owed::Look(_) | Owed::Stranger(..) => None,
        });
        let retried = ledger.retries.values().flatten();
        let mut all = ledger.wanted_walks.iter().chain(owed).chain(retried);
        ledger.is_walking() || all.any(|&from| self.world.tree(side).is_within(node, from))
    }

    /// Returns whether something in doubt lies in a folder that walks do not enter.
    fn is_passed_by(&self, side: Side, doubt: Doubt) -> bool {
        let tree = self.world.tree(side);
        let folder = match doubt {
            Doubt::Place(folder, _) => Some(folder),
            Doubt::Node(node) if tree.is_live(node) => tree.get(node).parent(),
            Doubt::Node(_) => None,
        };
        let folder = folder.filter(|&folder| !self.trivial && tree.is_live(folder));
        folder.is_some_and(|folder| !is_looked_at(&self.view(), side, folder))
    }

    pub(super) fn ask_doubts(&mut self, side: Side) {
        if self.sides[side].walk.is_some() {
            return;
        }
        while self.sides[side].outstanding < self.config.limits.queries {
            let Some(doubt) = self.next_doubt(side) else {
                break;
            };
            if let Some(entry) = self.locked_by(side, doubt) {
                self.sides[side].block(entry, doubt);
                continue;
            }
            if let Some(folder) = self.looked_for_in(side, doubt) {
                if self.look_when_back(side, folder) {
                    if matches!(doubt, Doubt::Place(..)) {
                        self.look_in_successor(side, folder);
                    }
                    continue;
                }
                if let Some(entry) = self.on_its_way(side, folder) {
                    self.sides[side].block(entry, doubt);
                    continue;
                }
                if let Some(above) = self.doubtful_above(side, folder) {
                    self.sides[side].below_doubtful.insert((above, doubt));
                    continue;
                }
            }
            let Some(doubt) = self.as_asked(side, doubt) else {
                self.sides[side].has_news = true;
                if let Doubt::Node(node) = doubt {
                    self.look_for_id_of(side, node);
                }
                continue;
            };
            let thing = self.folded(side, doubt);
            if let Some(next) = self.sides[side].under_way.get_mut(&thing) {
                *next = Some(doubt);
                continue;
            }
            self.sides[side].under_way.insert(thing, None);
            let asked = self.tick;
            let (at, what) = match doubt {
                Doubt::Place(folder, name) => {
                    let what = Asked::Place {
                        side,
                        folder,
                        name,
                        asked,
                    };
                    (ObjectRef::at(self.child_path(side, folder, name)), what)
                }
                Doubt::Node(node) => (self.object(side, node), Asked::Object { side, node, asked }),
            };
            self.ask_for(side, at, what);
        }
        if self.sides[side].is_looked_at() {
            self.ask_for_strangers(side);
        }
        self.settle_if_looked(side);
    }

    /// The entry of an object in doubt is no more, as we deleted what it was on the other side: the object may have
    /// moved all the same.
    pub(super) fn look_for_id_of(&mut self, side: Side, node: NodeId) {
        let oid = self.world.node(side, node).oid();
        if self.config.rules[side].id_lookup && node != NodeId::ROOT && !oid.as_bytes().is_empty() {
            let told = Told {
                path: String::new(),
                is_late: true,
            };
            self.sides[side].strangers.entry(oid).or_insert(told);
        }
    }

    /// Returns what is asked about something in doubt: where ids cannot be looked up, an object's place.
    pub(super) fn as_asked(&self, side: Side, doubt: Doubt) -> Option<Doubt> {
        let tree = self.world.tree(side);
        match doubt {
            Doubt::Place(..) => Some(doubt),
            Doubt::Node(node) if !tree.is_live(node) || node == NodeId::ROOT => None,
            Doubt::Node(_) if self.config.rules[side].id_lookup => Some(doubt),
            Doubt::Node(node) => {
                let folder = tree.get(node).parent().unwrap_or(NodeId::ROOT);
                Some(Doubt::Place(folder, tree.get(node).name()))
            }
        }
    }

    /// Returns something in doubt under one name of those that are one to the side.
    pub(super) fn folded(&self, side: Side, doubt: Doubt) -> Doubt {
        match doubt {
            Doubt::Place(folder, name) => Doubt::Place(folder, self.world.names.folded(side, name)),
            Doubt::Node(_) => doubt,
        }
    }

    fn ask_for_strangers(&mut self, side: Side) {
        while self.sides[side].outstanding < self.config.limits.queries
            && let Some((oid, told)) = self.sides[side].strangers.pop_first()
        {
            let Told { path, is_late } = told;
            if let Some(node) = self.world.tree(side).by_oid(&oid) {
                // It became known by an answer that may be older than the hint.
                if is_late {
                    self.doubt_node(side, node);
                }
                continue;
            }
            let at = ObjectRef::new(oid.clone(), path.clone());
            let what = Asked::Stranger {
                side,
                oid,
                path,
                asked: self.tick,
            };
            self.ask_for(side, at, what);
        }
    }

    fn ask_for(&mut self, side: Side, at: ObjectRef, what: Asked) {
        let id = QueryId(self.new_id());
        self.asked.insert(id, what);
        self.sides[side].outstanding += 1;
        self.out.push_back(Output::Query(Query::Info {
            id,
            side,
            at,
            check_root: false,
        }));
    }

    /// Returns the folder in which something in doubt is looked for; `None` if it is asked for by id.
    pub(super) fn looked_for_in(&self, side: Side, doubt: Doubt) -> Option<NodeId> {
        match doubt {
            Doubt::Place(folder, _) => Some(folder),
            Doubt::Node(_) if self.config.rules[side].id_lookup => None,
            Doubt::Node(node) if !self.world.tree(side).is_live(node) => None,
            Doubt::Node(node) => self.world.node(side, node).parent(),
        }
    }

    /// Takes something to look at; once nothing else is left, what lies below folders that are no longer
    /// in doubt.
    pub(super) fn next_doubt(&mut self, side: Side) -> Option<Doubt> {
        if self.sides[side].doubts.is_empty() {
            let waiting = std::mem::take(&mut self.sides[side].below_doubtful);
            for (above, doubt) in waiting {
                if !self.look_when_back(side, above)
                    && self.world.node(side, above).is(Mark::Doubtful)
                {
                    self.sides[side].below_doubtful.insert((above, doubt));
                } else {
                    self.sides[side].doubt(doubt);
                }
            }
        }
        if self.sides[side].is_stuck() {
            // A walk that was to come by the folders that these wait for did not, as where a listing was cut.
            let waiting = self.sides[side].below_doubtful.iter();
            let above: BTreeSet<NodeId> = waiting.map(|&(above, _)| above).collect();
            for above in above {
                self.doubt_node(side, above);
            }
        }
        self.sides[side].doubts.pop_first()
    }

    /// Returns the entry with an operation under way that changes what is in doubt.
    pub(super) fn locked_by(&self, side: Side, doubt: Doubt) -> Option<EntryId> {
        let node = match doubt {
            Doubt::Node(node) => Some(node),
            Doubt::Place(folder, name) => {
                let key = (side, folder, self.world.names.folded(side, name));
                if let Some(&holder) = self.locks.places.get(&key) {
                    return Some(holder);
                }
                self.world.child(side, folder, name)
            }
        };
        let entry = self.world.node(side, node?).entry;
        self.locks.entries.contains(&entry).then_some(entry)
    }

    /// Returns how a provider is told of a node.
    pub(in crate::engine) fn object(&self, side: Side, node: NodeId) -> ObjectRef {
        let path = self.world.path(side, node);
        let oid = &self.world.node(side, node).oid();
        let has_ids = self.config.rules[side].identity == Identity::Stable;
        if has_ids && !oid.as_bytes().is_empty() {
            ObjectRef::new(oid.clone(), path)
        } else {
            ObjectRef::at(path)
        }
    }
}
