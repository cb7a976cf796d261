//! What goes into the engine and what comes out of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Cursor, Event};
use crate::failure::Failure;
use crate::listing::{Found, Listing};
use crate::notice::Notice;
use crate::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag, Target,
};
use crate::precondition::Expect;
use crate::record::{Batch, BatchId};
use crate::side::{BySide, Side};

/// Names an operation in the answer to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OperationId(pub u64);

/// Names a query in the answer to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QueryId(pub u64);

/// Names a question in the answer to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QuestionId(pub u64);

/// Names a set of deletions that are held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
pub struct HeldId(pub u64);

/// What the outside world tells the engine.
#[derive(Clone, Debug)]
pub enum Input {
    /// The application's answer to a question.
    Answer {
        /// The question.
        question: QuestionId,
        /// The answer.
        answer: Answer,
    },
    /// A wish of the application.
    Control(Control),
    /// Operations that ended. A failure that can be tried again counts as a lost answer, so that the change may be
    /// done, unless it says otherwise ([`Failure::with_did_nothing`]): as that of a source that could not be read.
    Done(Vec<(OperationId, Result<Effect, Failure>)>),
    /// Hints of a side's feed.
    Events {
        /// The side.
        side: Side,
        /// The hints.
        events: Vec<Event>,
        /// Where the feed goes on; stored once all hints were looked at.
        cursor: Option<Cursor>,
    },
    /// The answer to [`Query::Hash`].
    Hashed {
        /// The query.
        query: QueryId,
        /// The hash, of the kind asked for.
        outcome: Result<ContentHash, Failure>,
    },
    /// The answer to [`Query::Info`].
    Found {
        /// The query.
        query: QueryId,
        /// What is there; `None`: nothing.
        outcome: Result<Option<Found>, Failure>,
    },
    /// Part of the answer to [`Query::Walk`].
    Listed {
        /// The walk.
        query: QueryId,
        /// Folders, each before what is in it.
        listings: Vec<Listing>,
    },
    /// The answer to a batch.
    Persisted {
        /// The batch.
        batch: BatchId,
        /// On failure nothing of it was recorded.
        outcome: Result<(), Failure>,
    },
    /// A side came, went, or was looked at.
    SideState {
        /// The side.
        side: Side,
        /// How it is.
        state: SideState,
    },
    /// The end of a walk.
    Walked {
        /// The walk.
        query: QueryId,
        /// If it failed, what was not listed stays as it was known.
        outcome: Result<(), Failure>,
    },
}

/// How a side is.
#[derive(Clone, Debug)]
pub enum SideState {
    /// Connected, with its root in place.
    Ready {
        /// The root's id.
        root: Oid,
        /// What makes it this root. Another one than last time stops the pair.
        identity: String,
    },
    /// Not usable now. Its operations and queries have failed or will.
    Down(Failure),
}

/// A wish of the application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Control {
    /// Forget everything: the next meeting is a first one.
    Forget,
    /// Let a held set of deletions go ahead, exactly that set.
    Release(HeldId),
    /// Start no new operation from now on (or again). Running ones end.
    Drain(bool),
    /// Try everything that waits for a retry again now.
    RetryNow,
    /// Walk a folder now.
    Walk {
        /// The side.
        side: Side,
        /// Path relative to the root.
        path: String,
    },
}

/// What the engine asks of the outside world.
#[must_use = "a dropped output stalls the engine"]
#[derive(Clone, Debug)]
pub enum Output {
    /// Tell whoever listens; no answer.
    Notice(Notice),
    /// Perform, answer with [`Input::Done`]; in any order. Its intent is durable.
    Operation(Operation),
    /// Flush the sides it names, apply it atomically, answer with [`Input::Persisted`]; one at a time.
    Persist(Batch),
    /// A call that changes nothing.
    Query(Query),
    /// Ask the application; answer with [`Input::Answer`].
    Question(Question),
}

/// A call that changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query {
    /// Hash a file. Answer: [`Input::Hashed`].
    Hash {
        /// Names it in the answer.
        id: QueryId,
        /// The side.
        side: Side,
        /// The file.
        at: ObjectRef,
        /// The tag it must have.
        expect: Tag,
        /// How to hash.
        kind: HashKind,
        /// Bytes, for limits.
        size: u64,
    },
    /// Look at one object. Answer: [`Input::Found`].
    Info {
        /// Names it in the answer.
        id: QueryId,
        /// The side.
        side: Side,
        /// The object: by id if it has one, else the place.
        at: ObjectRef,
        /// If true, look at the root first, and fail with
        /// [`crate::failure::ErrorKind::RootMissing`] if it is not the one we know.
        check_root: bool,
    },
    /// List a folder and all below it. Answers: [`Input::Listed`], then [`Input::Walked`].
    Walk {
        /// Names it in the answers.
        id: QueryId,
        /// The side.
        side: Side,
        /// Where to start.
        from: ObjectRef,
    },
}

/// A change of one side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Names it in the answer.
    pub id: OperationId,
    /// The side it changes.
    pub side: Side,
    /// What it does.
    pub act: Act,
    /// It is one of a few changes that somebody made just now, and waits for: not to be held up by a flood of others.
    pub is_prompt: bool,
}

/// What an operation does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Make a folder at a free place.
    CreateFolder {
        /// The place.
        target: Target,
        /// Its mode.
        attributes: Attributes,
    },
    /// Delete a file, or an empty folder.
    Delete {
        /// The object.
        at: ObjectRef,
        /// Its kind.
        kind: Kind,
        /// The tag a file must have.
        expect: Option<Tag>,
    },
    /// Rename or move.
    Rename {
        /// The object.
        at: ObjectRef,
        /// The tag a file must have.
        expect: Option<Tag>,
        /// The place it goes to: free, or its own under another case.
        target: Target,
    },
    /// Set times or mode.
    SetAttributes {
        /// The object.
        at: ObjectRef,
        /// The tag a file must have.
        expect: Option<Tag>,
        /// What to set.
        attributes: Attributes,
    },
    /// Write a file.
    Write {
        /// Where the content comes from.
        source: Source,
        /// The place.
        target: Target,
        /// What is there.
        expect: Expect,
        /// Bytes.
        size: u64,
        /// Times and mode it gets.
        attributes: Attributes,
        /// The hash to compute on the way.
        hash: HashKind,
    },
}

/// Where the content of a write comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// What the application gave in its answer ([`Resolution::Merged`]).
    Answer(QuestionId),
    /// An object of the other side.
    Object {
        /// The object.
        at: ObjectRef,
        /// The tag it must have.
        tag: Tag,
    },
}

/// What an operation did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A folder was made, something renamed, attributes set: the object as it is now.
    Changed(Observed),
    /// It is gone.
    Deleted,
    /// A file was written.
    Written {
        /// The object as we left it.
        observed: Observed,
        /// The hash of what was written.
        hash: ContentHash,
    },
}

/// Something that only the application can decide.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// Names it in the answer.
    pub id: QuestionId,
    /// Path on each side, relative to the root.
    pub paths: BySide<String>,
    /// The two versions.
    pub versions: BySide<Version>,
    /// In which kind merged content is to be hashed.
    pub hash: HashKind,
}

/// One version of a file in conflict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The file.
    pub at: ObjectRef,
    /// Its tag.
    pub tag: Tag,
    /// Its bytes.
    pub size: u64,
    /// Times and mode.
    pub attributes: Attributes,
    /// Its hash, if known.
    pub hash: Option<ContentHash>,
}

/// The application's answer to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Not now: ask again later.
    Later,
    /// Decided.
    Resolved(Resolution),
}

/// How a conflict ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// The remote version keeps the name, the local one is kept under a conflict name.
    KeepBoth,
    /// This side's version goes to both.
    Take {
        /// The side.
        side: Side,
        /// If true, the other version is kept under a conflict name.
        keep_loser: bool,
    },
    /// New content, which the driver holds under the question's id, goes to both.
    Merged {
        /// Its bytes.
        size: u64,
        /// Its hash, of the kind that the question names.
        hash: ContentHash,
        /// If true, both old versions are kept under conflict names.
        keep_both: bool,
    },
    /// Leave both as they are until somebody decides.
    Hold,
}

/// What is done about a conflict when nobody is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ConflictPolicy {
    /// Ask the application.
    Ask,
    /// Leave both as they are.
    Hold,
    /// Keep both, the remote one under the name.
    #[default]
    KeepBoth,
    /// The larger one wins; of equals the remote.
    Largest,
    /// The local one wins.
    Local,
    /// The one changed last wins, as each side says; of equals the remote.
    Newest,
    /// The remote one wins.
    Remote,
    /// The smaller one wins; of equals the remote.
    Smallest,
    /// The one changed first wins; of equals the remote.
    Oldest,
}

/// How much may be handed out at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Operations on one side.
    pub operations: usize,
    /// Bytes on their way to one side; one operation may always run.
    pub bytes: u64,
    /// Queries on one side.
    pub queries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 8_192,
            bytes: 256 << 20,
            queries: 64,
        }
    }
}

/// When deletions are held.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Guard {
    /// Hold more than this many deletions on one side.
    pub max_count: usize,
    /// Hold more than this share of a side's objects (0 to 1) …
    pub max_share: f64,
    /// … if there are also more than this many.
    pub min_count: usize,
    /// Hold this many or more where nothing at all is left on the other side: a root that was emptied, or
    /// whose disk is not there.
    pub min_emptied: usize,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_count: 1_000,
            max_share: 0.5,
            min_count: 20,
            min_emptied: 5,
        }
    }
}

/// How the engine is doing. Cheap to read, without side effects.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Nothing is running and nothing is left to do before an input or a retry.
    pub at_rest: bool,
    /// Both sides have been seen completely since the start.
    pub complete: bool,
    /// Entries that wait for their turn, their age or a retry.
    pub pending: usize,
    /// Entries that wait for another one: where nothing else goes on, until something happens to that.
    pub waiting: usize,
    /// Operations and queries handed out and not answered.
    pub in_flight: usize,
    /// Objects known on each side.
    pub objects: BySide<usize>,
    /// Objects that are not to be on a side, and are on the other one.
    pub withheld: BySide<usize>,
    /// Entries that failed, with what and how often.
    pub troubles: Vec<Trouble>,
    /// Deletions that are held.
    pub held: Vec<Held>,
    /// Conflicts that wait for a decision: paths.
    pub conflicts: Vec<String>,
    /// Objects met and left alone, by side: path and reason.
    pub skipped: Vec<(Side, String, crate::listing::SkipReason)>,
    /// The sides that are down, and why.
    pub down: BySide<Option<Failure>>,
    /// The store does not take batches, and why.
    pub store: Option<Failure>,
}

/// An entry that failed.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The side on which it failed.
    pub side: Side,
    /// Path there.
    pub path: String,
    /// Why.
    pub failure: Failure,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again, from now; `None`: when something changes.
    pub retry_in: Option<Duration>,
}

/// Deletions that are held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Names the set in [`Control::Release`].
    pub id: HeldId,
    /// The side that would lose objects.
    pub side: Side,
    /// How many.
    pub count: usize,
    /// Of how many.
    pub total: usize,
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// What each side is like.
    pub rules: BySide<crate::rules::Rules>,
    /// What goes where, and what goes at all.
    pub policy: Arc<dyn crate::policy::Policy>,
    /// How long a change rests before it is acted on.
    pub aging: Duration,
    /// What to do about conflicts.
    pub on_conflict: ConflictPolicy,
    /// When to hold deletions; `None`: never.
    pub guard: Option<Guard>,
    /// How much may be handed out at once.
    pub limits: Limits,
    /// Shortest and longest wait before a failed entry is tried again.
    pub backoff: (Duration, Duration),
    /// How often a side is walked although nothing was told; `None`: never.
    pub walk_every: BySide<Option<Duration>>,
    /// If true, plan but hand out no operation: see [`crate::engine::Engine::planned`].
    pub dry_run: bool,
}

/// What would be done: counts and lines for people and programs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// What would be done first, in the order it would be handed out.
    pub operations: Vec<PlannedOperation>,
    /// Totals by operation name and side.
    pub totals: BTreeMap<(&'static str, Side), usize>,
}

/// One operation of a dry run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedOperation {
    /// The side it would change.
    pub side: Side,
    /// `copy`, `create_folder`, `rename`, `delete`, `set_attributes`, `conflict`.
    pub operation: &'static str,
    /// The path it is about, on that side.
    pub path: String,
    /// The path it came from, for renames.
    pub from: Option<String>,
    /// Bytes to transfer.
    pub size: u64,
    /// If true, it is a copy over a version that stands there.
    pub replaces: bool,
}
