//! Which copies replace a version: noted as they are handed out, asked for when they are told of.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloudsync::{Act, Expect, Operation, Perform, Side};

use crate::display::event::Copied;

/// The places of copies on their way that replace a version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Arc<Mutex<HashSet<(Side, String)>>>);

impl Edits {
    /// Has `performer` do what it does, and notes what it is given.
    pub(crate) fn around(&self, performer: impl Perform) -> impl Perform {
        Noting {
            edits: self.clone(),
            performer,
        }
    }

    /// Returns what a copy that is done did to what stood at its place. To be asked once.
    pub(crate) fn take(&self, side: Side, path: &str) -> Copied {
        if self.lock().remove(&(side, path.to_owned())) {
            Copied::Over
        } else {
            Copied::Anew
        }
    }

    fn note(&self, operation: &Operation) {
        let Act::Write { target, expect, .. } = &operation.act else {
            return;
        };
        let place = (operation.side, target.path());
        // One that failed may have been the other kind.
        if matches!(expect, Expect::Unchanged { .. }) {
            self.lock().insert(place);
        } else {
            self.lock().remove(&place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(Side, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes operations on their way to a performer.
#[derive(Debug)]
struct Noting<P> {
    edits: Edits,
    performer: P,
}

impl<P: Perform> Perform for Noting<P> {
    fn perform(&self, operations: Vec<Operation>) {
        for operation in &operations {
            self.edits.note(operation);
        }
        self.performer.perform(operations);
    }

    fn forget_waiting(&self) -> usize {
        self.performer.forget_waiting()
    }
}
