//! Conflicts: who decides, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::conflict_name::conflict_name_within;
use crate::engine::Engine;
use crate::engine::io::{
    Answer, ConflictPolicy, Output, Question, QuestionId, Resolution, Version,
};
use crate::engine::operating::Merged;
use crate::notice::Notice;
use crate::object::{ContentHash, Kind, Tag};
use crate::plan::{Deed, Step, conflict_place, plan};
use crate::record::{EntryId, IntendedAct, Intent, RenamePurpose};
use crate::side::{BySide, Side};
use crate::tree::names::NameId;
use crate::tree::node::NodeId;
use crate::tree::side_tree::NodeRef;

#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    /// Questions that wait for an answer: the entries of the local and the remote version.
    asking: BTreeMap<QuestionId, Asking>,
    /// Entries about which a question is open.
    asked: BTreeSet<EntryId>,
    /// Conflicts that somebody has to decide: the entries of both versions.
    on_hold: BTreeSet<EntryId>,
    /// Merged contents on their way to both sides, by entry.
    merging: BTreeMap<EntryId, Merging>,
    /// Versions that were chosen, until they are on the other side.
    taken: BTreeMap<EntryId, Taken>,
}

/// A version as it was when it was decided about: about another one, or one that moved on, nothing was said.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stood {
    tag: Tag,
    folder: Option<NodeId>,
    name: NameId,
}

/// A choice that is carried out.
#[derive(Clone, Debug)]
struct Taken {
    side: Side,
    versions: BySide<Stood>,
}

/// An answer that is carried out.
#[derive(Clone, Debug)]
struct Merging {
    content: Merged,
    keep_both: bool,
    versions: BySide<Stood>,
}

/// Whether a version of a conflict stands beside it under a conflict name.
enum Kept {
    No,
    /// These are to be hashed to know.
    Unknown(Vec<(EntryId, Side)>),
    Yes,
}

#[derive(Clone, Debug)]
struct Asking {
    entries: BySide<EntryId>,
    versions: BySide<Stood>,
}

impl Decisions {
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// An entry changed, is in nobody's way, or is no more: whatever was decided about it is open again.
    pub(super) fn reopen(&mut self, id: EntryId) {
        self.on_hold.remove(&id);
    }

    /// What the application made of two versions is no longer to be had, or wanted.
    pub(super) fn give_up(&mut self, id: EntryId) {
        self.merging.remove(&id);
        self.taken.remove(&id);
    }
}

impl Engine {
    /// Returns the paths of the conflicts that somebody has to decide: of two entries, the local one's.
    pub(super) fn on_hold(&self) -> Vec<String> {
        let ids = self.decisions.on_hold.iter();
        let ids = ids.filter(|&&id| self.world.entry(id).nodes.local.is_some());
        ids.map(|&id| self.entry_path(id).1).collect()
    }

    /// Two versions, one name: in one entry, or in two.
    pub(super) fn conflict(&mut self, id: EntryId, other: EntryId) {
        let local = if self.world.entry(id).nodes.local.is_some() {
            id
        } else {
            other
        };
        let remote = if local == id { other } else { id };
        let entries = BySide::new(local, remote);
        let is_in = |all: &BTreeSet<EntryId>, side: Side| all.contains(&entries[side]);
        let is_asked = Side::BOTH
            .iter()
            .any(|&side| is_in(&self.decisions.asked, side));
        let is_on_hold = Side::BOTH
            .iter()
            .all(|&side| is_in(&self.decisions.on_hold, side));
        // The other one may have failed: it is tried again in its own time.
        let is_put_off = other != id && self.schedule.time_of(other).is_some();
        if is_asked || is_on_hold || is_put_off {
            self.wait_for_each_other(entries);
            return;
        }
        if self.was_written(entries) {
            return;
        }
        if local == remote && (self.was_merged(id) || self.merge(id) || self.take(id)) {
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
            // One of them may be ours, which nobody wants to win.
            _ if self.may_be_our_own(entries) => Resolution::KeepBoth,
            ConflictPolicy::Largest => take(local.0 > remote.0),
            ConflictPolicy::Smallest => take(local.0 < remote.0),
            ConflictPolicy::Newest => take(local.1 > remote.1),
            ConflictPolicy::Oldest => take(local.1 < remote.1),
            ConflictPolicy::Local => take(true),
            ConflictPolicy::Remote => take(false),
        };
        self.resolve(entries, resolution, None);
    }

    /// Returns true if a write on one of the two was begun, and its end is not known.
    fn may_be_our_own(&self, entries: BySide<EntryId>) -> bool {
        let mut intents = [entries.local, entries.remote].into_iter();
        intents.any(|id| {
            self.world
                .intent(id)
                .is_some_and(|intent| intent.act.may_be_our_own())
        })
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
        let asking = Asking {
            entries,
            versions: self.stood(entries),
        };
        self.decisions.asking.insert(id, asking);
        self.decisions.asked.extend([entries.local, entries.remote]);
        self.out.push_back(Output::Question(Question {
            id,
            paths,
            versions,
            hash: self.hash_kind,
        }));
    }

    pub(super) fn answered(&mut self, question: QuestionId, answer: &Answer) {
        let Some(Asking { entries, versions }) = self.decisions.asking.remove(&question) else {
            return;
        };
        for side in Side::BOTH {
            self.decisions.asked.remove(&entries[side]);
        }
        // The same versions, still in each other's way.
        let as_asked = self.is_as_asked(entries, &versions)
            && matches!(
                plan(&self.view(), entries.local),
                Step::Conflict { other } if other == entries.remote
            );
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
                self.wait_for_each_other(entries);
            }
            Answer::Resolved(resolution) => self.resolve(entries, *resolution, Some(question)),
        }
    }

    /// Neither can be carried over while the other one stands where it stands.
    fn wait_for_each_other(&mut self, entries: BySide<EntryId>) {
        if entries.local != entries.remote {
            self.schedule.wait_for(entries.local, entries.remote);
            self.schedule.wait_for(entries.remote, entries.local);
        }
    }

    /// Returns both versions as they are now.
    fn stood(&self, entries: BySide<EntryId>) -> BySide<Stood> {
        BySide::from_fn(|side| stood(self.node_of(entries, side)))
    }

    fn is_as_asked(&self, entries: BySide<EntryId>, versions: &BySide<Stood>) -> bool {
        Side::BOTH.iter().all(|&side| {
            let node = self
                .world
                .find(entries[side])
                .and_then(|entry| entry.nodes[side]);
            node.is_some_and(|node| {
                let at = self.world.node(side, node);
                at.is_present() && stood(at) == versions[side]
            })
        })
    }

    fn resolve(
        &mut self,
        entries: BySide<EntryId>,
        resolution: Resolution,
        question: Option<QuestionId>,
    ) {
        match resolution {
            Resolution::Hold => {
                self.decisions
                    .on_hold
                    .extend([entries.local, entries.remote]);
                self.wait_for_each_other(entries);
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
                let versions = self.stood(entries);
                let id = self.as_one(entries);
                self.tell_conflict(id);
                self.decisions.taken.insert(id, Taken { side, versions });
                self.take(id);
            }
            Resolution::Merged {
                size,
                hash,
                keep_both,
            } => {
                let Some(question) = question else { return };
                let versions = self.stood(entries);
                let id = self.as_one(entries);
                self.tell_conflict(id);
                let content = Merged {
                    question,
                    size,
                    digest: hash.digest,
                };
                let merging = Merging {
                    content,
                    keep_both,
                    versions,
                };
                self.decisions.merging.insert(id, merging);
                self.merge(id);
            }
        }
    }

    /// Writes the version that was chosen over the other one. Until that is done, both count as changed: if the
    /// chosen one is deleted or changes meanwhile, also while we are dead, the other one is not given up for
    /// that. Returns false where none was chosen, or the versions are others now.
    fn take(&mut self, id: EntryId) -> bool {
        let Some(Taken { side, versions }) = self.decisions.taken.get(&id) else {
            return false;
        };
        let side = *side;
        if !self.is_as_asked(BySide::new(id, id), versions) {
            self.decisions.give_up(id);
            return false;
        }
        self.begin(id, side.other(), Deed::Replace);
        true
    }

    /// Goes on with merged content: first what is to be kept is copied, last the content is written
    /// over the remote version, and the local one counts as seen and given up. So each version is there
    /// under its name until it is there under another one, at whatever moment we are killed. Returns
    /// false where there is none, or it was made of other versions than those that stand there now.
    fn merge(&mut self, id: EntryId) -> bool {
        let Some(merging) = self.decisions.merging.get(&id).cloned() else {
            return false;
        };
        if !self.is_as_asked(BySide::new(id, id), &merging.versions) {
            self.decisions.give_up(id);
            return false;
        }
        let sides = Side::BOTH.into_iter().filter(|_| merging.keep_both);
        for side in sides {
            match self.is_kept(id, side) {
                Kept::Yes => {}
                Kept::Unknown(what) => {
                    for (entry, side) in what {
                        self.ask_hash(entry, side, id);
                    }
                    return true;
                }
                Kept::No => {
                    let to = side.other();
                    let node = self.world.entry(id).nodes[to].expect("a version on each side");
                    let place = conflict_place(&self.view(), to, node);
                    self.begin(id, to, Deed::Keep(place));
                    return true;
                }
            }
        }
        self.begin_with(id, Side::Remote, Deed::Replace, Some(merging.content));
        true
    }

    /// Looks for a copy of a version beside it, under the conflict names that are taken: it may have been
    /// made before a crash.
    fn is_kept(&self, id: EntryId, side: Side) -> Kept {
        let nodes = self.world.entry(id).nodes;
        let node = |side: Side| nodes[side].expect("a version on each side");
        let version = self.world.node(side, node(side));
        let name = self.world.names.get(version.name());
        let longest = self
            .config
            .rules
            .as_ref()
            .map(|rules| rules.names.max_name_bytes);
        let mut unknown = BTreeSet::new();
        for number in 1.. {
            let name = conflict_name_within(name, number, longest.local.min(longest.remote));
            let found = |side: Side| {
                let folder = self.world.node(side, node(side)).parent()?;
                let name = self.world.names.find(side, &name)?;
                Some((side, self.world.child(side, folder, name)?))
            };
            let copies: Vec<_> = Side::BOTH.into_iter().filter_map(found).collect();
            if copies.is_empty() {
                break;
            }
            for (at, copy) in copies {
                let copy = self.world.node(at, copy);
                if copy.kind != Kind::File || copy.size() != version.size() {
                    continue;
                }
                match (version.content(), copy.content()) {
                    (Some(version), Some(copy)) if version == copy => return Kept::Yes,
                    (Some(_), Some(_)) => {}
                    (version, content) => {
                        unknown.extend(version.is_none().then_some((id, side)));
                        unknown.extend(content.is_none().then_some((copy.entry, at)));
                    }
                }
            }
        }
        if unknown.is_empty() {
            Kept::No
        } else {
            Kept::Unknown(unknown.into_iter().collect())
        }
    }

    /// Merged content stands on a side.
    pub(super) fn merged(&mut self, id: EntryId, side: Side) {
        self.decisions.give_up(id);
        self.supersede(id, side.other());
        self.touch(id);
    }

    /// We were about to write merged content, and nobody told us the end: looks whether it is there.
    /// Returns true if it is, or is still to be hashed.
    fn was_merged(&mut self, id: EntryId) -> bool {
        let Some(Intent { side, act }) = self.world.intent(id).cloned() else {
            return false;
        };
        let IntendedAct::Merge {
            size,
            digest,
            replaced,
            loser,
        } = act
        else {
            return false;
        };
        let at = self.node_of(BySide::new(id, id), side);
        if at.size() == size && at.tag() != replaced {
            let Some(content) = at.content() else {
                self.ask_hash(id, side, id);
                return true;
            };
            if self.world.contents.get(content).digest == digest {
                let other = self.node_of(BySide::new(id, id), side.other());
                let is_superseded = other.tag() == loser;
                self.world.take_intent(id);
                self.decisions.give_up(id);
                if is_superseded {
                    self.supersede(id, side.other());
                }
                self.touch(id);
                return true;
            }
        }
        self.world.take_intent(id);
        self.persisting.dirty(id);
        false
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
        if entries.remote != id {
            self.world.join(id, entries.remote, Side::Remote);
            self.joined(entries.remote);
            self.world.agree(id, None);
        }
        // What they had in common is given up: who comes back to it later changed it.
        self.count_as_changed(id);
        id
    }

    /// Both sides of an agreed entry count as changed, until they are found to be equal or one is written over the
    /// other.
    pub(super) fn count_as_changed(&mut self, id: EntryId) {
        self.forget_absent(id);
        self.world.set_agreed_content(id, None);
        for side in Side::BOTH {
            let attributes = self.world.agreed_tag(id, side).1;
            self.world
                .set_agreed_tag(id, side, Tag::default(), attributes);
        }
        self.note_absence_anew(id);
        self.persisting.dirty(id);
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
        let failed = self.troubles.get(&id);
        let are_two = entries[side.other()] != id;
        if !(are_two && failed.is_some_and(|failing| failing.side == side)) {
            let path = self.world.path(side, node);
            self.notice(Notice::Conflict {
                path,
                kept_as: Some(place.name.clone()),
            });
        }
        let purpose = if self.may_be_our_own(entries) {
            RenamePurpose::SplitOwn
        } else {
            RenamePurpose::Split
        };
        let deed = Deed::Rename {
            entry: id,
            place,
            purpose,
        };
        if are_two {
            self.schedule.wait_for(entries[side.other()], id);
        }
        self.begin(id, side, deed);
    }
}

fn stood(version: NodeRef<'_>) -> Stood {
    Stood {
        tag: version.tag(),
        folder: version.parent(),
        name: version.name(),
    }
}
