//! Conflicts: who decides, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::engine::io::{
    Answer, ConflictPolicy, Output, Question, QuestionId, Resolution, Version,
};
use crate::notice::Notice;
use crate::object::{ContentHash, Tag};
use crate::plan::{Deed, conflict_place};
use crate::record::{EntryId, RenamePurpose};
use crate::side::{BySide, Side};
use crate::tree::side_tree::NodeRef;

#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    /// Questions that wait for an answer: the entries of the local and the remote version.
    asking: BTreeMap<QuestionId, Asking>,
    /// Entries about which a question is open.
    asked: BTreeSet<EntryId>,
    /// Conflicts that somebody has to decide.
    on_hold: BTreeSet<EntryId>,
}

#[derive(Clone, Debug)]
struct Asking {
    entries: BySide<EntryId>,
    tags: BySide<Tag>,
}

impl Decisions {
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    pub(super) fn on_hold(&self) -> impl Iterator<Item = EntryId> {
        self.on_hold.iter().copied()
    }

    /// An entry changed: whatever was decided about it is open again.
    pub(super) fn reopen(&mut self, id: EntryId) {
        self.on_hold.remove(&id);
    }
}

impl Engine {
    /// Two versions, one name: in one entry, or in two.
    pub(super) fn conflict(&mut self, id: EntryId, other: EntryId) {
        if self.decisions.on_hold.contains(&id) || self.decisions.asked.contains(&id) {
            return;
        }
        let local = if self.world.entry(id).nodes.local.is_some() {
            id
        } else {
            other
        };
        let remote = if local == id { other } else { id };
        let entries = BySide::new(local, remote);
        if self.decisions.asked.contains(&local) || self.decisions.asked.contains(&remote) {
            return;
        }
        let attribute = |side: Side| {
            let node = self.node_of(entries, side);
            (node.size(), node.attributes().mtime)
        };
        let (local, remote) = (attribute(Side::Local), attribute(Side::Remote));
        let take = |local_wins: bool| Resolution::Take {
            side: if local_wins {
                Side::Local
            } else {
                Side::Remote
            },
            keep_loser: false,
        };
        let resolution = match self.config.on_conflict {
            ConflictPolicy::Ask => return self.ask(entries),
            ConflictPolicy::Hold => Resolution::Hold,
            ConflictPolicy::KeepBoth => Resolution::KeepBoth,
            ConflictPolicy::Largest => take(local.0 > remote.0),
            ConflictPolicy::Smallest => take(local.0 < remote.0),
            ConflictPolicy::Newest => take(local.1 > remote.1),
            ConflictPolicy::Oldest => take(local.1 < remote.1),
            ConflictPolicy::Local => take(true),
            ConflictPolicy::Remote => take(false),
        };
        self.resolve(entries, resolution, None);
    }

    fn node_of(&self, entries: BySide<EntryId>, side: Side) -> NodeRef<'_> {
        let node = self.world.entry(entries[side]).nodes[side].expect("a version on each side");
        self.world.node(side, node)
    }

    fn ask(&mut self, entries: BySide<EntryId>) {
        let id = QuestionId(self.new_id());
        let version = |side: Side| {
            let node = self.world.entry(entries[side]).nodes[side].expect("a version on each side");
            let at = self.world.node(side, node);
            Version {
                at: self.object(side, node),
                tag: at.tag(),
                size: at.size(),
                attributes: at.attributes(),
                hash: at.content().map(|content| ContentHash {
                    kind: self.hash_kind,
                    digest: self.world.contents.get(content).digest,
                }),
            }
        };
        let versions = BySide::from_fn(version);
        let paths = versions.as_ref().map(|version| version.at.path.clone());
        let tags = versions.as_ref().map(|version| version.tag.clone());
        self.decisions.asking.insert(id, Asking { entries, tags });
        self.decisions.asked.extend([entries.local, entries.remote]);
        self.out.push_back(Output::Question(Question {
            id,
            paths,
            versions,
        }));
    }

    pub(super) fn answered(&mut self, question: QuestionId, answer: &Answer) {
        let Some(Asking { entries, tags }) = self.decisions.asking.remove(&question) else {
            return;
        };
        for side in Side::BOTH {
            self.decisions.asked.remove(&entries[side]);
        }
        let as_asked = Side::BOTH.iter().all(|&side| {
            let node = self
                .world
                .find(entries[side])
                .and_then(|entry| entry.nodes[side]);
            node.is_some_and(|node| {
                let at = self.world.node(side, node);
                at.is_present() && at.tag() == tags[side]
            }) && !self.locks.entries.contains(&entries[side])
        });
        if !as_asked {
            for side in Side::BOTH {
                self.touch(entries[side]);
            }
            return;
        }
        match answer {
            Answer::Later => {
                let delay = self.config.backoff.0.max(self.config.backoff.1 / 10);
                self.schedule.later(entries.local, self.now, delay);
            }
            Answer::Resolved(resolution) => self.resolve(entries, *resolution, Some(question)),
        }
    }

    fn resolve(
        &mut self,
        entries: BySide<EntryId>,
        resolution: Resolution,
        question: Option<QuestionId>,
    ) {
        match resolution {
            Resolution::Hold => {
                self.decisions.on_hold.insert(entries.local);
                let (_, path) = self.entry_path(entries.local);
                self.notice(Notice::Conflict {
                    path,
                    kept_as: None,
                });
            }
            Resolution::KeepBoth => self.set_aside(entries, Side::Local),
            Resolution::Take {
                side,
                keep_loser: true,
            } => self.set_aside(entries, side.other()),
            Resolution::Take {
                side,
                keep_loser: false,
            } => {
                let id = self.as_one(entries);
                self.tell_conflict(id);
                self.supersede(id, side.other());
                self.touch(id);
            }
            Resolution::Merged { size, keep_both } => {
                let Some(question) = question else { return };
                if keep_both {
                    // The local version is kept here; the remote one is kept by the driver, which
                    // writes it beside as a new file before it answers.
                    self.set_aside(entries, Side::Local);
                    return;
                }
                let id = self.as_one(entries);
                self.tell_conflict(id);
                self.begin_with(id, Side::Remote, Deed::Replace, Some((question, size)));
            }
        }
    }

    fn tell_conflict(&mut self, id: EntryId) {
        let (_, path) = self.entry_path(id);
        self.notice(Notice::Conflict {
            path,
            kept_as: None,
        });
    }

    /// Makes one agreed entry of two versions, so that one can be written over the other.
    fn as_one(&mut self, entries: BySide<EntryId>) -> EntryId {
        let id = entries.local;
        if entries.remote == id {
            return id;
        }
        self.world.join(id, entries.remote, Side::Remote);
        self.settled(entries.remote);
        self.persisting.dirty(entries.remote);
        self.world.agree(id, None);
        // Both count as changed, until one is written over the other.
        for side in Side::BOTH {
            let attributes = self.world.agreed_tag(id, side).1;
            self.world
                .set_agreed_tag(id, side, Tag::default(), attributes);
        }
        self.persisting.dirty(id);
        id
    }

    /// One side's version counts as seen and given up: the other one is written over it.
    fn supersede(&mut self, id: EntryId, side: Side) {
        self.world.agree_tag(id, side);
        self.persisting.dirty(id);
    }

    /// One side's version gets a conflict name, the other one keeps the name.
    fn set_aside(&mut self, entries: BySide<EntryId>, side: Side) {
        let id = entries[side];
        let node = self.world.entry(id).nodes[side].expect("a version on each side");
        let place = conflict_place(&self.view(), side, node);
        let path = self.world.path(side, node);
        self.notice(Notice::Conflict {
            path,
            kept_as: Some(place.name.clone()),
        });
        let deed = Deed::Rename {
            entry: id,
            place,
            purpose: RenamePurpose::Split,
        };
        if entries[side.other()] != id {
            self.schedule.wait_for(entries[side.other()], id);
        }
        self.begin(id, side, deed);
    }
}
