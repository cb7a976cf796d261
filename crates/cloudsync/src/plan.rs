//! What a run would do.

use std::collections::BTreeMap;

use cloudsync_core::engine::io::PlannedOperation;
use cloudsync_core::side::Side;

use crate::report::Conflicted;

/// What a run would do now: [`CloudSync::plan`](crate::CloudSync::plan).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Plan {
    /// What would be done first, in the order it would be handed out.
    pub operations: Vec<PlannedOperation>,
    /// Totals by operation name and side.
    pub totals: BTreeMap<(&'static str, Side), usize>,
    /// Conflicts that would be decided, and those that would wait.
    pub conflicts: Vec<Conflicted>,
}
