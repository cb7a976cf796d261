//! What a store promises: load a pair, apply a batch at once or not at all.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::record::{Batch, EntryId, Record, Snapshot};
use thiserror::Error;

/// Result of a call to a store.
pub type Result<T> = std::result::Result<T, Failure>;

/// Keeps one pair. Made by an opening function of its own, which also makes sure that no other
/// engine has it: [`ErrorKind::Locked`] otherwise. Dropping it gives it free, as does the death of
/// the process.
///
/// What is worth a different reaction: [`ErrorKind::OutOfSpace`] and [`ErrorKind::Unavailable`]
/// pass, the same batch can be applied again; [`ErrorKind::Invalid`] is a batch that cannot be
/// written; [`ErrorKind::StoreUnusable`] does not pass while the engine runs (closed, damaged in
/// use, not writable, or a newer program's).
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Gives everything that is kept to `intake`, and returns how it was found.
    ///
    /// Contents that turn out to be damaged are set aside here: `intake` begins anew then, with nothing.
    /// Meant to be called once, before the first [`Store::apply`].
    ///
    /// # Cancel safety
    /// A dropped call changes nothing; what was taken in is a part of it all.
    async fn load(&self, intake: &mut dyn Intake) -> Result<Opened>;

    /// Returns everything that is kept, at once; as [`Store::load`].
    async fn snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        self.load(&mut snapshot).await?;
        Ok(snapshot)
    }

    /// Applies a batch: all of it is durable when this returns, or on an error none of it is, or
    /// (where only the reply was lost) all of it.
    ///
    /// In this order: `clear`, `deletes`, `puts`, `values`; of two puts for one id the last counts.
    /// All that a batch says is absolute, so applying the same one again, as the last one, changes
    /// nothing. `flush` is the caller's business.
    ///
    /// # Cancel safety
    /// A dropped call leaves all of the batch or nothing of it: apply it again.
    async fn apply(&self, batch: &Batch) -> Result<()>;

    /// Puts what is kept out of the way, as it cannot be trusted (`reason`, for people), and starts
    /// with nothing. For what only the engine can see: records that contradict each other, or a run
    /// number below the one that a root remembers.
    async fn set_aside(&self, reason: &str) -> Result<Opened>;

    /// Ends the use of the store, and gives it free. Later calls answer
    /// [`ErrorKind::StoreUnusable`], a second `close` is fine. Without it (a kill) nothing is lost
    /// either, the next opening only takes a little longer.
    async fn close(&self) -> Result<()>;
}

/// Takes in what a store has, in portions: all of it at once would need several times the memory of what is
/// made of it.
pub trait Intake: Send {
    /// Begins with the small values. About `count` records follow, none where it is 0. What was taken in before is
    /// void.
    fn begin(&mut self, values: Vec<(String, Vec<u8>)>, count: usize);

    /// Goes on with records, in the order of their ids.
    fn records(&mut self, records: Vec<(EntryId, Record)>);
}

impl Intake for Snapshot {
    fn begin(&mut self, values: Vec<(String, Vec<u8>)>, count: usize) {
        let entries = Vec::with_capacity(count);
        *self = Snapshot { entries, values };
    }

    fn records(&mut self, records: Vec<(EntryId, Record)>) {
        self.entries.extend(records);
    }
}

/// How a store was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// What its contents were found in.
    pub found: FoundState,
    /// How often this store was opened, this time included: a number below one seen before is an
    /// older copy of it, put back. Starts at 1 in a store that was made anew.
    pub run: u64,
}

/// How a store was found at its opening.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FoundState {
    /// It was there, and is this pair's.
    Existing,
    /// There was none: a first meeting.
    Fresh,
    /// There was one that cannot be used. It was kept under another name: a first meeting.
    SetAside {
        /// Why it cannot be used.
        reason: Unfit,
        /// Where it is now. A memory store has no place: empty.
        kept_as: PathBuf,
    },
}

/// Why the contents of a store are not used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Unfit {
    /// Bytes are not as they were written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The engine cannot trust them.
    #[error("{0}")]
    Doubted(String),
    /// Something of another program.
    #[error("not a store of ours: {0}")]
    Foreign(String),
    /// They are of another pair, whose label this is.
    #[error("the store of another pair, {0}")]
    OtherPair(String),
}

/// Refuses what no store can keep: the entry of the two roots.
pub(crate) fn check(batch: &Batch) -> Result<()> {
    if batch.puts.iter().any(|(id, _)| *id == EntryId::ROOT) {
        return Err(Failure::new(ErrorKind::Invalid, "store apply")
            .with_detail("the entry of the roots is not stored"));
    }
    Ok(())
}

/// The answer of a store that is not open.
pub(crate) fn closed(operation: &'static str) -> Failure {
    Failure::new(ErrorKind::StoreUnusable, operation).with_detail("it is closed")
}
