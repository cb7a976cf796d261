//! Operations of ours that were handed out and whose end nobody told: which of them were done, once that was looked
//! for.

use std::collections::BTreeSet;

use crate::delta::{Change, content_change};
use crate::engine::Engine;
use crate::engine::observing::Doubt;
use crate::plan::{is_arbitrary, is_looked_at};
use crate::precondition::Expect;
use crate::record::{EntryId, IntendedAct, Intent, RenamePurpose};
use crate::rules::Identity;
use crate::side::{BySide, Side};
use crate::tree::contents::Content;
use crate::tree::node::{Mark, NodeId};

impl Engine {
    /// Looks at what operations of ours were about whose end is not known: a feed need not tell of them.
    pub(super) fn doubt_intents(&mut self, side: Side) {
        let open: Vec<EntryId> = self.persisting.open_intents.iter().copied().collect();
        for id in open {
            let Some(intent) = self.world.intent(id).filter(|intent| intent.side == side) else {
                continue;
            };
            let place = intent.act.place().and_then(|(parent, name)| {
                let folder = self.world.find(parent)?.nodes[side]?;
                Some((folder, name.to_owned()))
            });
            if let Some((folder, name)) = place {
                let name = self.world.names.intern(&name);
                self.doubt_place(side, folder, name);
            }
            if let Some(node) = self.world.entry(id).nodes[side] {
                self.doubt_node(side, node);
            }
        }
    }

    /// Operations that were handed out before a crash, or whose answer was lost: found as after, they
    /// were done; found otherwise, they are forgotten and planned as found.
    pub(super) fn settle_intents(&mut self) {
        let open: BTreeSet<EntryId> = std::mem::take(&mut self.persisting.open_intents);
        for id in open {
            if self.locks.entries.contains(&id) {
                continue;
            }
            let Some(intent) = self.world.intent(id).cloned() else {
                self.touch(id);
                continue;
            };
            if self.is_still_to_be_seen(id, &intent) {
                self.persisting.open_intents.insert(id);
                continue;
            }
            let is_done = self.settle_intent(id, &intent);
            // A write that cannot be told yet is kept until its two versions were compared, and are apart.
            let is_kept = match &intent.act {
                IntendedAct::Merge { .. } | IntendedAct::Write { .. } => {
                    !self.world.entry(id).is_agreed() || self.may_be_done(id, &intent)
                }
                act => act.may_be_our_own(),
            };
            if is_done || !is_kept {
                self.world.take_intent(id);
                if !is_done {
                    self.is_not_done(id, &intent);
                }
            } else if self.may_be_done(id, &intent) {
                // What either side has by now may be what its user put there since.
                self.count_as_changed(id);
            }
            self.persisting.dirty(id);
            // What failed and was not done after all is tried again in its time.
            if is_done || self.schedule.time_of(id).is_none() {
                self.touch(id);
            }
            self.wake_waiters(id);
        }
    }

    /// Returns true if a look that failed, and is to be made again, or a listing that failed or was cut, may tell whether it
    /// was done. What others fail to show is nothing to it.
    fn is_still_to_be_seen(&self, id: EntryId, intent: &Intent) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let place = intent.act.place().filter(|_| side == intent.side);
            let is_place_owed = place.is_some_and(|(parent, name)| {
                // A folder that is not known may come with a look that failed.
                let Some(folder) = self.folder_of(parent, side) else {
                    return !self.sides[side].postponed.is_empty();
                };
                let name = self.world.names.find(side, name);
                let at = name.map_or(Doubt::Node(folder), |name| Doubt::Place(folder, name));
                self.is_owed(side, at) || self.is_unread(side, folder)
            });
            let node = self.world.entry(id).nodes[side];
            let is_node_owed = node.is_some_and(|node| {
                // In a folder that left it is nowhere yet: it may have been gone before that.
                let stands = self.stands(side, node);
                let parent = self.world.node(side, node).parent();
                (!stands && !self.sides[side].postponed.is_empty())
                    || self.is_owed(side, Doubt::Node(node))
                    || parent.is_some_and(|parent| self.is_unread(side, parent))
            });
            is_place_owed || is_node_owed
        })
    }

    /// Returns true if a folder stands, and its last listing, or that of one above it, failed or was cut: nobody knows what is
    /// not there.
    fn is_unread(&self, side: Side, folder: NodeId) -> bool {
        let ledger = &self.sides[side];
        let tree = self.world.tree(side);
        ledger.has_unread()
            && self.stands(side, folder)
            && std::iter::once(folder)
                .chain(tree.ancestors(folder))
                .any(|at| ledger.is_unread(at) && !tree.get(at).is(Mark::Listed))
            && is_looked_at(&self.view(), side, folder)
    }

    /// Returns true if an object and all folders above it are at their places.
    fn stands(&self, side: Side, node: NodeId) -> bool {
        let tree = self.world.tree(side);
        std::iter::once(node)
            .chain(tree.ancestors(node))
            .all(|at| at == NodeId::ROOT || tree.get(at).is_present())
    }

    /// Returns true if it was found to be done.
    fn settle_intent(&mut self, id: EntryId, intent: &Intent) -> bool {
        let side = intent.side;
        match &intent.act {
            // Told once it is known what is there: see `was_merged`.
            IntendedAct::Make { .. } | IntendedAct::Merge { .. } => false,
            IntendedAct::Delete => {
                let node = self.world.entry(id).nodes[side];
                let is_gone = node.is_none_or(|node| !self.world.node(side, node).is_present());
                if !self.world.entry(id).is_agreed() {
                    return is_gone;
                }
                if is_gone {
                    self.gone_on_both(id, side);
                } else if !self.world.tree(side).has_ids()
                    && content_change(&self.world, side, id) != Change::Same
                {
                    // Without ids, it may be what somebody made at its place after that: no edit of it.
                    self.part(id);
                }
                is_gone
            }
            IntendedAct::Rename {
                parent,
                name,
                purpose,
            } => {
                let is_split = matches!(purpose, RenamePurpose::Split | RenamePurpose::SplitOwn);
                let Some(folder) = self.folder_of(*parent, side) else {
                    return false;
                };
                self.recognise(id, side, folder, name);
                let Some(node) = self.world.entry(id).nodes[side] else {
                    return false;
                };
                let at = self.world.node(side, node);
                let there = at.is_present()
                    && at.parent() == Some(folder)
                    && self.world.names.get(at.name()) == name;
                if there && *purpose == RenamePurpose::Carry {
                    self.was_carried(id, side, node, *parent);
                } else if there {
                    self.was_renamed(id, side, *purpose);
                } else if is_split && !at.is_present() {
                    // Without ids: the node is gone, and a new one stands under the conflict name.
                    // It is carried over as new; the other side's version comes back here.
                    self.part(id);
                }
                there
            }
            IntendedAct::Write { .. } => self.settle_write(id, side, &intent.act),
        }
    }

    /// A move of ours, or a copy, was done. The other side stood where it was carried over from; it may have
    /// moved since.
    fn was_carried(&mut self, id: EntryId, side: Side, node: NodeId, parent: EntryId) {
        let other = side.other();
        self.world.agree_place(id, side);
        if is_arbitrary(&*self.config.policy) {
            // The folder's partner says nothing of where that was.
            self.world.agree_place(id, other);
            self.translate_once_more(id, other);
            return;
        }
        let path = self.world.path(side, node);
        let path = self.config.policy.translate(other, &path);
        let name = path.as_deref().and_then(|path| path.rsplit('/').next());
        match (self.folder_of(parent, other), name) {
            (Some(folder), Some(name)) => {
                let name = self.world.names.intern(name);
                self.world.set_agreed_place(id, other, folder, name);
            }
            // That folder is gone by now: wherever it stands, it moved there.
            (None, _) if self.world.entry(id).is_agreed() => {
                self.world.set_agreed_nowhere(id, other);
            }
            _ => {}
        }
    }

    /// Without ids, what stands where we were about to move an object to, and was not known before, is
    /// that object, if it is not where it was.
    fn recognise(&mut self, id: EntryId, side: Side, folder: NodeId, name: &str) {
        let entry = self.world.entry(id);
        let (kind, own) = (entry.kind, entry.nodes[side]);
        let is_lost =
            entry.is_agreed() && own.is_some_and(|node| !self.world.node(side, node).is_present());
        if self.config.rules[side].identity != Identity::Path || !is_lost {
            return;
        }
        let name = self.world.names.intern(name);
        let Some(there) = self.world.child(side, folder, name) else {
            return;
        };
        let at = self.world.node(side, there);
        let (lone, same_kind) = (at.entry, at.kind == kind);
        if same_kind && !self.world.entry(lone).is_agreed() && !self.locks.entries.contains(&lone) {
            self.relink(lone, id);
            self.follow(side, there);
        }
    }

    /// What was in a folder that we moved is in it still, under its names.
    fn follow(&mut self, side: Side, folder: NodeId) {
        let children: Vec<NodeId> = self.world.tree(side).children(folder).collect();
        for child in children {
            let at = self.world.node(side, child);
            let (lone, kind, name) = (at.entry, at.kind, at.name());
            if self.world.entry(lone).is_agreed() || self.locks.entries.contains(&lone) {
                continue;
            }
            let ghosts = self
                .world
                .tree(side)
                .ghosts(&self.world.names, folder, name);
            let row = ghosts
                .iter()
                .map(|&ghost| self.world.node(side, ghost).entry);
            let row = row.into_iter().find(|&row| {
                let is_free = !self.locks.entries.contains(&row);
                let entry = self.world.find(row);
                is_free && entry.is_some_and(|entry| entry.is_agreed() && entry.kind == kind)
            });
            if let Some(row) = row {
                self.relink(lone, row);
                self.follow(side, child);
            }
        }
    }

    /// Two versions met, and both contents are known. Returns true if one is what we were about to write there when
    /// we were killed, of a version of before: then it is no conflict.
    pub(super) fn was_written(&mut self, entries: BySide<EntryId>) -> bool {
        for id in [entries.local, entries.remote] {
            let Some(Intent { side, act }) = self.world.intent(id).cloned() else {
                continue;
            };
            if self.settle_write(id, side, &act) {
                self.world.take_intent(id);
                self.persisting.dirty(id);
                self.touch(id);
                self.wake_waiters(id);
                return true;
            }
        }
        false
    }

    /// Returns true if we may have written over what both sides agreed on: that is no longer there. What is there
    /// may be ours, or what a user made of it.
    fn may_be_done(&self, id: EntryId, intent: &Intent) -> bool {
        let before = match &intent.act {
            IntendedAct::Write {
                expect: Expect::Unchanged { tag, .. },
                ..
            } => tag,
            IntendedAct::Merge { replaced, .. } => replaced,
            _ => return false,
        };
        let entry = self.world.entry(id);
        let node = entry.nodes[intent.side].filter(|_| entry.is_agreed());
        node.is_some_and(|node| {
            let at = self.world.node(intent.side, node);
            !at.is_present() || !(at.has_tag(before) || self.is_as_agreed(id, intent, node))
        })
    }

    /// Returns true if it is the object that we were to write over, with the size and the time that were agreed on: no
    /// content came into it, whatever else gave it another tag.
    fn is_as_agreed(&self, id: EntryId, intent: &Intent, node: NodeId) -> bool {
        let side = intent.side;
        let IntendedAct::Write {
            expect: Expect::Unchanged { oid: Some(oid), .. },
            ..
        } = &intent.act
        else {
            return false;
        };
        let (Some(content), Some(mtime)) = (
            self.world.entry(id).content(),
            self.world.agreed_tag(id, side).1.mtime,
        ) else {
            return false;
        };
        let at = self.world.node(side, node);
        self.config.rules[side].keeps_mtime
            && at.oid() == *oid
            && at.size() == self.world.contents.get(content).size
            && at.attributes().mtime == Some(mtime)
    }

    /// Returns true if a write was found to be done, and its source has changed since.
    fn settle_write(&mut self, id: EntryId, side: Side, act: &IntendedAct) -> bool {
        let IntendedAct::Write {
            parent,
            name,
            expect,
            size,
            attributes,
            source,
            digest,
        } = act
        else {
            return false;
        };
        let Some(folder) = self.folder_of(*parent, side) else {
            return false;
        };
        let name = self.world.names.intern(name);
        let Some(there) = self.world.child(side, folder, name) else {
            return false;
        };
        let at = self.world.node(side, there);
        // That both have one size and one time says little: two users may have written in one moment.
        let is_told = match (at.content(), digest) {
            (Some(content), Some(digest)) => self.world.contents.get(content).digest == *digest,
            _ => false,
        };
        let as_after = at.size() == *size
            && is_told
            && !matches!(expect, Expect::Unchanged { tag, .. } if *tag == at.tag());
        if !as_after {
            return false;
        }
        let from = side.other();
        let Some(source_node) = self.world.entry(id).nodes[from] else {
            return false;
        };
        let source_now = self.world.node(from, source_node);
        if source_now.tag() == *source {
            // What was to be copied is still there: comparing the two tells for certain.
            return false;
        }
        let tag_now = at.tag();
        if self.folder_of(*parent, from).is_none() && !is_arbitrary(&*self.config.policy) {
            return false;
        }
        let written = self.world.node(side, there).entry;
        if self.locks.entries.contains(&written) {
            self.persisting.open_intents.insert(id);
            return false;
        }
        if written != id {
            let lone = |entry: EntryId| {
                let entry = self.world.entry(entry);
                !entry.is_agreed() && entry.nodes[side.other()].is_none()
            };
            if !lone(written) || self.world.entry(id).nodes[side].is_some() {
                return false;
            }
            self.world.join(id, written, side);
            self.joined(written);
        }
        if Side::BOTH
            .iter()
            .any(|&side| self.world.entry(id).nodes[side].is_none())
        {
            return false;
        }
        let content = digest.map(|digest| {
            self.world.contents.intern(Content {
                size: *size,
                digest,
            })
        });
        let new = !self.world.entry(id).is_agreed();
        if new {
            self.world.agree(id, None);
        }
        self.world.set_agreed_content(id, content);
        if content.is_some() {
            let node = self.world.entry(id).nodes[side].expect("checked above");
            self.world.node_mut(side, node).set_content(content);
        }
        // What was read there is what is here now; a later change of it is a change.
        self.world
            .set_agreed_tag(id, from, source.clone(), *attributes);
        self.world.set_agreed_tag(id, side, tag_now, *attributes);
        if new {
            self.was_carried(id, side, there, *parent);
        }
        true
    }

    fn folder_of(&self, entry: EntryId, side: Side) -> Option<NodeId> {
        self.world.find(entry)?.nodes[side]
    }
}
