//! What is told of a side: nothing of it is a fact, it only puts places and objects in doubt.

#[allow(
    clippy::wildcard_imports,
    reason = "a part of one module, about the same things"
)]
use super::*;

impl Engine {
    pub(in crate::engine) fn hinted(
        &mut self,
        side: Side,
        events: Vec<Event>,
        cursor: Option<Cursor>,
    ) {
        if !events.is_empty() {
            // What was told may be of what moved before a walk came by, and be looked for elsewhere.
            self.sides[side].walked_undisturbed = false;
        }
        let mut by_folder: BTreeMap<NodeId, Vec<NameId>> = BTreeMap::new();
        for event in events {
            match event {
                Event::Lost { path } => {
                    for path in self.ways(side, &path) {
                        self.lost(side, &path);
                    }
                }
                Event::Changed { oid, path } => {
                    let id_lookup = self.config.rules[side].id_lookup;
                    let known = oid
                        .as_ref()
                        .and_then(|oid| self.world.tree(side).by_oid(oid));
                    let can_be_asked_for = id_lookup && oid.is_some();
                    if known.is_none() && path.is_none() {
                        self.sides[side].unplaced = self.tick;
                    }
                    match (known, oid) {
                        (Some(node), _) if id_lookup => self.doubt_node(side, node),
                        // Told at another place: it may have left the one where it was known.
                        (Some(node), _) if path.as_ref() != Some(&self.world.path(side, node)) => {
                            self.doubt_node(side, node);
                        }
                        (None, Some(oid)) if id_lookup => {
                            let told = Told {
                                path: path.clone().unwrap_or_default(),
                                is_late: self.sides[side].is_asking(),
                            };
                            self.sides[side].strangers.insert(oid, told);
                        }
                        _ => {}
                    }
                    if let Some(path) = path
                        && !path.is_empty()
                    {
                        let (above, leaf) = path.rsplit_once('/').unwrap_or(("", &path));
                        for above in self.ways(side, above) {
                            match self.folder_at(side, &above) {
                                Some(folder) => {
                                    let name = self.world.names.intern(leaf);
                                    by_folder.entry(folder).or_default().push(name);
                                }
                                None => {
                                    self.sides[side].missed = self.tick;
                                    let node = self.nearest(side, &above);
                                    self.sides[side].want_walk(node);
                                }
                            }
                        }
                    } else if !can_be_asked_for {
                        // No id that can be asked for, and no place to look at.
                        self.sides[side].want_walk(NodeId::ROOT);
                    }
                }
            }
        }
        for (folder, names) in by_folder {
            if names.len() > HINTS_A_FOLDER {
                self.sides[side].want_walk(folder);
                for name in names {
                    if let Some(node) = self.world.child(side, folder, name) {
                        self.world.node_mut(side, node).set(Mark::Doubtful, true);
                    }
                }
                continue;
            }
            for name in names {
                self.doubt_place(side, folder, name);
            }
        }
        if let Some(cursor) = cursor {
            self.sides[side].next_cursor = Some(cursor);
        }
        self.settle_if_looked(side);
    }

    /// What is in a folder may be other than it was told. Where another thing is known to stand than a folder,
    /// or nothing, the folder is walked once it is met.
    fn lost(&mut self, side: Side, path: &str) {
        match self.folder_at(side, path) {
            Some(folder) => self.sides[side].want_walk(folder),
            None => self.doubt_path(side, path),
        }
    }

    /// An object may have changed, or be elsewhere: it is not relied on before it was looked at.
    pub(in crate::engine) fn doubt_node(&mut self, side: Side, node: NodeId) {
        if node != NodeId::ROOT && self.world.node(side, node).is_present() {
            self.world.node_mut(side, node).set(Mark::Doubtful, true);
        }
        self.sides[side].doubt(Doubt::Node(node));
    }

    /// Something else may stand at a place: what is known to stand there is not relied on before it was
    /// looked at.
    pub(in crate::engine) fn doubt_place(&mut self, side: Side, folder: NodeId, name: NameId) {
        self.mark_doubtful(side, folder, name);
        self.sides[side].doubt(Doubt::Place(folder, name));
    }

    pub(super) fn mark_doubtful(&mut self, side: Side, folder: NodeId, name: NameId) {
        match self.world.child(side, folder, name) {
            Some(node) => self.world.node_mut(side, node).set(Mark::Doubtful, true),
            None => {
                let name = self.world.names.folded(side, name);
                self.sides[side].unsure.insert((folder, name));
            }
        }
    }

    /// Returns the lowest folder in doubt of those that a place lies in.
    pub(in crate::engine) fn doubtful_above(&self, side: Side, folder: NodeId) -> Option<NodeId> {
        std::iter::once(folder)
            .chain(self.world.tree(side).ancestors(folder))
            .find(|&at| self.world.node(side, at).is(Mark::Doubtful))
    }

    /// Something about the place of a path is not as it was known.
    pub(in crate::engine) fn doubt_path(&mut self, side: Side, path: &str) {
        let (above, leaf) = path.rsplit_once('/').unwrap_or(("", path));
        match self.folder_at(side, above) {
            Some(folder) => {
                let name = self.world.names.intern(leaf);
                self.doubt_place(side, folder, name);
            }
            None => {
                let node = self.nearest(side, above);
                self.sides[side].want_walk(node);
            }
        }
    }

    /// We move a folder, or did so: what is told late of what is in it names its place of before. After a restart nobody
    /// would know that, so a side that tells by path what happened meanwhile is walked then.
    pub(in crate::engine) fn leaves_its_place(&mut self, side: Side, node: NodeId) {
        let at = self.world.node(side, node);
        let Some(folder) = at.parent() else { return };
        let name = self.world.names.folded(side, at.name());
        self.sides[side].moved_from.insert((folder, name, node));
        if self.tells_by_path(side) {
            self.persisting.drop_value(&format!("walked.{side}"));
        }
    }

    /// Returns true if a side tells what happened while we were away, and by path alone.
    pub(in crate::engine) fn tells_by_path(&self, side: Side) -> bool {
        let rules = &self.config.rules[side];
        rules.feed == Feed::Resumable && !rules.id_lookup
    }

    /// Returns the paths at which the folder of a path that was told may be: this one, and where we moved it
    /// since.
    fn ways(&mut self, side: Side, path: &str) -> Vec<String> {
        let mut ways = vec![path.to_owned()];
        if self.sides[side].moved_from.is_empty() {
            return ways;
        }
        let mut at = NodeId::ROOT;
        let mut rest = path;
        while !rest.is_empty() {
            let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
            let name = self.world.names.intern(name);
            let place = (at, self.world.names.folded(side, name));
            let tree = self.world.tree(side);
            let all = (place.0, place.1, NodeId::ROOT)..=(place.0, place.1, NodeId::LAST);
            for &(_, _, folder) in self.sides[side].moved_from.range(all) {
                if tree.is_live(folder) && tree.get(folder).is_present() {
                    let moved = self.world.path(side, folder);
                    ways.push(format!("{moved}/{below}").trim_end_matches('/').to_owned());
                }
            }
            match self.world.child(side, at, name) {
                Some(next) => at = next,
                None => break,
            }
            rest = below;
        }
        ways
    }

    fn folder_at(&mut self, side: Side, path: &str) -> Option<NodeId> {
        let found = self.world.at_path(side, path);
        // A file here: what is told to be in it says that a folder stands there now.
        found.filter(|&node| self.world.node(side, node).kind == Kind::Folder)
    }

    /// Returns the lowest present folder on the way to a path.
    pub(super) fn nearest(&mut self, side: Side, path: &str) -> NodeId {
        let mut at = NodeId::ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let name = self.world.names.intern(name);
            match self.world.child(side, at, name) {
                Some(next) if self.world.node(side, next).kind == Kind::Folder => at = next,
                _ => break,
            }
        }
        at
    }
}
