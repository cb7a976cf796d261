//! Operations that failed: what is looked at again, and when the entry is tried again.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::operating::Flight;
use crate::failure::{ErrorKind, Failure, Retry};
use crate::notice::Notice;
use crate::object::{Attributes, Kind};
use crate::plan::Deed;
use crate::record::{EntryId, IntendedAct};
use crate::side::Side;
use crate::tree::node::NodeId;

/// So many failures of the kind "it is not as expected" are a race, not worth telling.
const RACES: u32 = 3;

impl Engine {
    pub(super) fn operation_failed(&mut self, flight: &Flight, failure: &Failure) {
        let (id, side) = (flight.entry, flight.side);
        // A lost answer: the place is looked at again, and the intent settled by what is found.
        let uncertain = failure.may_be_done();
        let intent = self.world.intent(id);
        if uncertain && intent.is_some() {
            self.persisting.open_intents.insert(id);
        } else if intent.is_none_or(|intent| !is_split_of_own(&intent.act)) {
            self.world.take_intent(id);
            self.persisting.dirty(id);
        }
        let is_refused = !failure.is_retryable() && failure.kind() != ErrorKind::Unexpected;
        if let Deed::SetAttributes(set) = flight.deed
            && is_refused
            && !is_of_side(failure.kind())
            && !is_race(failure.kind())
        {
            // Attributes never hold anything up. They are not agreed on: the next walk or start tries again.
            for side in Side::BOTH {
                if let Some(node) = self.world.entry(id).nodes[side] {
                    let agreed = self.world.agreed_tag(id, side).1;
                    let tag = self.world.node(side, node).tag();
                    self.world.set_agreed_tag(id, side, tag, agreed);
                }
            }
            self.refused.insert(id, (side, set));
            self.touch(id);
            return;
        }
        if matches!(flight.deed, Deed::Rename { .. }) {
            self.schedule.keeps(id, side);
        }
        self.doubt_around(flight);
        if flight.answer.is_some() && failure.kind() == ErrorKind::SourceChanged {
            // What the application made is no longer held for us: it is asked again.
            self.decisions.give_up(id);
        }
        let copies = matches!(flight.deed, Deed::Create(_) | Deed::Keep(_) | Deed::Replace);
        let source = copies
            && matches!(
                failure.kind(),
                ErrorKind::SourceChanged | ErrorKind::Corrupt
            );
        let side = if source { side.other() } else { side };
        // Who needs it is to try it again: what is to give way need not want to.
        let needs = self.world.find(flight.planned).map(|_| flight.planned);
        if needs.is_some_and(|needs| needs != id) {
            self.touch(id);
        }
        self.failed_for(needs.unwrap_or(id), id, side, failure);
    }

    /// Whoever refused attributes may take them by now.
    pub(super) fn try_refused_again(&mut self, side: Side) {
        let of_side = |_: &EntryId, (refused_by, _): &mut (Side, Attributes)| *refused_by == side;
        let refused: Vec<EntryId> = self
            .refused
            .extract_if(.., of_side)
            .map(|(id, _)| id)
            .collect();
        for id in refused {
            self.touch(id);
        }
    }

    /// Looks again at everything that an operation was about.
    pub(super) fn doubt_around(&mut self, flight: &Flight) {
        let side = flight.side;
        for &(folder, name) in &flight.places {
            self.doubt_place(side, folder, name);
            if folder != NodeId::ROOT && self.world.tree(side).is_live(folder) {
                self.doubt_node(side, folder);
            }
        }
        if matches!(flight.deed, Deed::Delete) {
            for &(folder, name) in &flight.places {
                if let Some(node) = self.world.child(side, folder, name)
                    && self.world.node(side, node).kind == Kind::Folder
                {
                    self.sides[side].want_walk(node);
                }
            }
        }
        for side in Side::BOTH {
            let node = self
                .world
                .find(flight.entry)
                .and_then(|entry| entry.nodes[side]);
            if let Some(node) = node
                && self.world.node(side, node).is_present()
            {
                self.doubt_node(side, node);
            }
        }
    }

    /// An entry failed: it is looked at and tried again, at once after a race, else later and later.
    pub(super) fn failed(
        &mut self,
        id: EntryId,
        side: Side,
        failure: &Failure,
        doubtful: &[(Side, NodeId)],
    ) {
        for &(side, node) in doubtful {
            if self.world.node(side, node).is_present() {
                self.doubt_node(side, node);
            }
        }
        self.failed_for(id, id, side, failure);
    }

    /// The same where the object that failed is that of another entry.
    fn failed_for(&mut self, id: EntryId, object: EntryId, side: Side, failure: &Failure) {
        if is_of_side(failure.kind()) {
            // The side is the trouble, not the object, unless it is this one again: that would take the side
            // down for ever, each time it came back.
            self.side_down(side, failure.clone());
            if self.broke.insert(id) {
                self.touch(id);
                return;
            }
        }
        let (_, path) = self.entry_path(object);
        let old = self.troubles.get(&id);
        let attempts = old.map_or(1, |old| old.attempts + 1);
        let told_before = old.is_some_and(|old| old.told && old.failure.kind() == failure.kind());
        let race = is_race(failure.kind()) && attempts <= RACES;
        if !race && !told_before {
            let failure = failure.clone();
            self.notice(Notice::Failed {
                side,
                path: path.clone(),
                failure,
            });
        }
        let told = told_before || !race;
        let trouble = super::Failing {
            side,
            path,
            failure: failure.clone(),
            attempts,
            told,
        };
        self.troubles.insert(id, trouble);
        if race {
            // Not before what is in doubt was looked at.
            match Side::BOTH
                .into_iter()
                .find(|&side| !self.sides[side].is_settled())
            {
                Some(side) => self.schedule.look(id, side),
                None => self.schedule.rest(id, self.now, Duration::from_millis(1)),
            }
            return;
        }
        let (shortest, longest) = self.config.backoff;
        let doubled = shortest.saturating_mul(1 << (attempts - 1).min(16));
        let delay = match failure.retry() {
            Retry::After(Some(asked)) => asked,
            Retry::After(None) => doubled.min(longest),
            // Nothing helps but a change; look again now and then all the same.
            Retry::Exhausted | Retry::Never => {
                if failure.kind() == ErrorKind::NameRejected {
                    longest * 10
                } else {
                    doubled.min(longest)
                }
            }
        };
        self.schedule.later(id, self.now, delay);
    }
}

/// What gives way in a conflict in which one version may be ours: that is so also if it could not.
fn is_split_of_own(act: &IntendedAct) -> bool {
    matches!(act, IntendedAct::Rename { .. }) && act.may_be_our_own()
}

/// Whether a failure says nothing of the object.
pub(super) fn is_of_side(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Disconnected | ErrorKind::RootMissing | ErrorKind::Token
    )
}

fn is_race(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AlreadyExists
            | ErrorKind::NotEmpty
            | ErrorKind::NotFound
            | ErrorKind::PreconditionFailed
            | ErrorKind::SourceChanged
    )
}
