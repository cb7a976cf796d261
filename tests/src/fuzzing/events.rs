//! What may be told to an engine, in any order, and wrong.

use std::time::Duration;

use cloudsync_core::engine::io::{
    Answer, ConflictPolicy, Control, Effect, HeldId, Input, OperationId, Output, Query, QueryId,
    Question, QuestionId, Resolution, SideState,
};
use cloudsync_core::event::{Cursor, Event};
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::listing::{End, Found, Listing, SkipReason, Skipped};
use cloudsync_core::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag,
};
use cloudsync_core::record::{BatchId, Snapshot};
use cloudsync_core::rules::{Feed, Identity};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::SideSetup;

use super::bytes::Bytes;
use super::driven::{Driven, identity, oid};

/// More turns than this make a run no better, only longer.
const MOST_TURNS: usize = 120;
/// What a call can fail with.
const FAILURES: [ErrorKind; 13] = [
    ErrorKind::Unavailable,
    ErrorKind::AlreadyExists,
    ErrorKind::Corrupt,
    ErrorKind::Disconnected,
    ErrorKind::NameRejected,
    ErrorKind::NotEmpty,
    ErrorKind::NotFound,
    ErrorKind::OutOfSpace,
    ErrorKind::PermissionDenied,
    ErrorKind::PreconditionFailed,
    ErrorKind::RootMissing,
    ErrorKind::SourceChanged,
    ErrorKind::Unsupported,
];

/// Users, hints, answers: true ones in any order, late, again, or failures. Afterwards it comes to rest with
/// equal sides and nothing lost. If it was lied to, at least it comes to rest.
pub fn events(bytes: &[u8]) {
    let mut draw = Bytes::new(bytes);
    let setup = BySide::from_fn(|_| side(&mut draw));
    let on_conflict = draw.one_of(&[ConflictPolicy::KeepBoth, ConflictPolicy::Ask]);
    let mut told = Told {
        driven: Driven::new(setup, on_conflict, Snapshot::default()),
        late: Vec::new(),
        may_lie: draw.flag(),
        has_lied: false,
        draw,
    };
    for side in Side::BOTH {
        told.driven.connect(side);
    }
    for _ in 0..MOST_TURNS {
        if told.draw.is_empty() {
            break;
        }
        told.turn();
    }
    let Told {
        mut driven,
        late,
        has_lied,
        ..
    } = told;
    for input in late {
        driven.tell(input);
    }
    let status = driven.rest();
    if !has_lied {
        assert!(status.troubles.is_empty(), "{:?}", status.troubles);
        driven.check_equal();
    }
}

fn side(draw: &mut Bytes<'_>) -> SideSetup {
    let bits = draw.byte();
    let has = |bit: u8| bits >> bit & 1 == 1;
    SideSetup {
        identity: if has(0) {
            Identity::Path
        } else {
            Identity::Stable
        },
        id_lookup: has(1) && !has(0),
        feed: if has(2) {
            Feed::Resumable
        } else {
            Feed::Volatile
        },
        native_hashes: has(3),
        renames_touch: has(4),
        ..SideSetup::default()
    }
}

/// What tells the engine things.
struct Told<'a> {
    draw: Bytes<'a>,
    driven: Driven,
    /// True answers that are still to be told.
    late: Vec<Input>,
    may_lie: bool,
    has_lied: bool,
}

impl Told<'_> {
    fn turn(&mut self) {
        let (what, side) = (self.draw.byte(), self.draw.side());
        match what % 16 {
            0..4 => self.user(side),
            4..7 => self.answer(),
            7 => self.answer_late(),
            8 => self.fail(),
            9 => self.hint(side),
            10 => self.again(),
            11 => self.wish(side),
            12 => self.side(side),
            13 => {
                let time = Duration::from_millis(10 * u64::from(self.draw.byte()));
                self.driven.now = self.driven.now + time;
            }
            _ if self.may_lie => {
                self.has_lied = true;
                self.lie(side);
            }
            _ => self.all(),
        }
        self.driven.poll();
    }

    fn user(&mut self, side: Side) {
        let (what, path) = (self.draw.byte(), self.draw.path());
        let events = match what % 4 {
            0 => self.driven.write(side, &path),
            1 => self.driven.mkdir(side, &path),
            2 => {
                let to = self.draw.path();
                self.driven.rename(side, &path, &to)
            }
            _ => self.driven.delete(side, &path),
        };
        let cursor = self.cursor(side);
        // A hint may be lost: at the end all is looked at.
        if what < 224 && !events.is_empty() {
            self.driven.tell(Input::Events {
                side,
                events,
                cursor,
            });
        }
    }

    fn cursor(&mut self, side: Side) -> Option<Cursor> {
        let resumes = self.driven.storages[side].rules().feed == Feed::Resumable;
        resumes.then(|| Cursor::new([self.draw.byte()]))
    }

    /// Takes one of what is open.
    fn open(&mut self) -> Option<Output> {
        let count = self.driven.open.len();
        if count == 0 {
            return None;
        }
        let at = self.draw.below(count.min(256));
        Some(self.driven.open.swap_remove(at))
    }

    fn answer(&mut self) {
        if let Some(output) = self.open() {
            for input in self.driven.answer(output) {
                self.driven.tell(input);
            }
        }
    }

    fn answer_late(&mut self) {
        if let Some(output) = self.open() {
            let inputs = self.driven.answer(output);
            self.late.extend(inputs);
        } else if !self.late.is_empty() {
            for input in std::mem::take(&mut self.late) {
                self.driven.tell(input);
            }
        }
    }

    fn all(&mut self) {
        for _ in 0..64 {
            self.driven.poll();
            let Some(output) = self.driven.open.pop() else {
                return;
            };
            for input in self.driven.answer(output) {
                self.driven.tell(input);
            }
        }
    }

    /// Has a call fail: before it was made, or after.
    fn fail(&mut self) {
        let Some(output) = self.open() else { return };
        let failure = Failure::new(self.draw.one_of(&FAILURES), "fuzz");
        let is_done = self.draw.flag();
        let input = match output {
            Output::Operation(operation) => {
                let id = operation.id;
                if is_done {
                    self.driven.answer(Output::Operation(operation));
                }
                Input::Done(vec![(id, Err(failure))])
            }
            Output::Persist(batch) => Input::Persisted {
                batch: batch.id,
                outcome: Err(failure),
            },
            Output::Query(Query::Info { id, .. }) => Input::Found {
                query: id,
                outcome: Err(failure),
            },
            Output::Query(Query::Hash { id, .. }) => Input::Hashed {
                query: id,
                outcome: Err(failure),
            },
            Output::Query(Query::Walk { id, .. }) => Input::Walked {
                query: id,
                outcome: Err(failure),
            },
            Output::Question(Question { id, .. }) => Input::Answer {
                question: id,
                answer: Answer::Later,
            },
            Output::Notice(_) => return,
        };
        self.driven.tell(input);
    }

    /// Hints are never facts: any of them may be wrong.
    fn hint(&mut self, side: Side) {
        let count = self.draw.below(4);
        let events = (0..count).map(|_| self.event()).collect();
        let cursor = self.cursor(side);
        self.driven.tell(Input::Events {
            side,
            events,
            cursor,
        });
    }

    fn event(&mut self) -> Event {
        let what = self.draw.byte();
        if what.is_multiple_of(8) {
            return Event::Lost {
                path: self.any_path(),
            };
        }
        let oid = (what & 1 == 0).then(|| self.oid());
        let path = (what & 2 == 0 || oid.is_none()).then(|| self.any_path());
        Event::Changed { oid, path }
    }

    /// Says again what was said before.
    fn again(&mut self) {
        let count = self.driven.said.len();
        if count > 0 {
            let input = self.driven.said[self.draw.below(count)].clone();
            // A side that came does not come again without having gone.
            if !matches!(input, Input::SideState { .. } | Input::Control(_)) {
                self.driven.tell(input);
            }
        }
    }

    fn wish(&mut self, side: Side) {
        let control = match self.draw.below(6) {
            0 => Control::Walk {
                side,
                path: self.any_path(),
            },
            1 => Control::RetryNow,
            2 => Control::Drain(true),
            3 => Control::Drain(false),
            4 => Control::Release(HeldId(u64::from(self.draw.byte()))),
            _ => Control::Forget,
        };
        self.driven.tell(Input::Control(control));
    }

    fn side(&mut self, side: Side) {
        if self.draw.flag() {
            let failure = Failure::new(self.draw.one_of(&FAILURES), "fuzz");
            let state = SideState::Down(failure);
            self.driven.tell(Input::SideState { side, state });
        } else {
            self.driven.connect(side);
        }
    }

    fn any_path(&mut self) -> String {
        if self.draw.rarely(4) {
            self.draw.text()
        } else {
            self.draw.path()
        }
    }

    fn oid(&mut self) -> Oid {
        if self.draw.rarely(8) {
            Oid::new(self.draw.text())
        } else {
            oid(self.draw.byte() % 32)
        }
    }

    /// Says what is not so, of what was asked or of what was not.
    fn lie(&mut self, side: Side) {
        let id = u64::from(self.draw.byte());
        let wanted = if self.draw.rarely(4) {
            None
        } else {
            self.open()
        };
        let input = match wanted {
            Some(Output::Operation(operation)) => {
                Input::Done(vec![(operation.id, Ok(self.effect()))])
            }
            Some(Output::Query(Query::Info { id, .. })) => self.found(id),
            Some(Output::Query(Query::Hash { id, .. })) => Input::Hashed {
                query: id,
                outcome: Ok(self.hash()),
            },
            Some(Output::Query(Query::Walk { id, .. })) => {
                let listings = (0..self.draw.below(4)).map(|_| self.listing()).collect();
                self.driven.tell(Input::Listed {
                    query: id,
                    listings,
                });
                Input::Walked {
                    query: id,
                    outcome: Ok(()),
                }
            }
            Some(Output::Question(question)) => Input::Answer {
                question: question.id,
                answer: self.resolution(),
            },
            Some(output) => {
                self.driven.open.push(output);
                return;
            }
            None => match self.draw.below(7) {
                0 => Input::Done(vec![(OperationId(id), Ok(self.effect()))]),
                1 => self.found(QueryId(id)),
                2 => Input::Hashed {
                    query: QueryId(id),
                    outcome: Ok(self.hash()),
                },
                3 => Input::Listed {
                    query: QueryId(id),
                    listings: vec![self.listing()],
                },
                4 => Input::Answer {
                    question: QuestionId(id),
                    answer: self.resolution(),
                },
                5 => Input::Persisted {
                    batch: BatchId(id),
                    outcome: Ok(()),
                },
                _ => {
                    let is_other = self.draw.flag();
                    let identity = if is_other {
                        "another".to_owned()
                    } else {
                        identity(side)
                    };
                    let root = self.oid();
                    let state = SideState::Ready { root, identity };
                    Input::SideState { side, state }
                }
            },
        };
        self.driven.tell(input);
    }

    fn found(&mut self, query: QueryId) -> Input {
        let found = Found {
            observed: (!self.draw.rarely(8)).then(|| self.observed()),
            folder: self.draw.flag().then(|| self.oid()),
            name: self.name(),
        };
        Input::Found {
            query,
            outcome: Ok((!self.draw.rarely(4)).then_some(found)),
        }
    }

    fn listing(&mut self) -> Listing {
        let folder = match self.draw.below(4) {
            0 => ObjectRef::root(),
            1 => ObjectRef::at(self.any_path()),
            _ => ObjectRef::new(self.oid(), self.any_path()),
        };
        let mut listing = Listing::new(folder);
        for _ in 0..self.draw.below(5) {
            let name = self.name();
            listing.push(&name, self.observed());
        }
        if self.draw.rarely(4) {
            listing.skipped.push(Skipped {
                name: self.name(),
                reason: SkipReason::Symlink,
            });
        }
        if self.draw.flag() {
            listing.end = End::Complete;
        }
        listing
    }

    fn name(&mut self) -> String {
        if self.draw.rarely(8) {
            self.draw.text()
        } else {
            self.draw.one_of(&["a", "b", "c", "A"]).to_owned()
        }
    }

    fn observed(&mut self) -> Observed {
        let bits = self.draw.byte();
        Observed {
            oid: self.oid(),
            kind: if bits & 1 == 1 {
                Kind::Folder
            } else {
                Kind::File
            },
            tag: Tag::new([bits >> 4]),
            size: u64::from(bits >> 2 & 3) * 8,
            attributes: Attributes {
                mtime: (bits & 4 == 0).then(|| i64::from(self.draw.byte())),
                mode: None,
            },
            hash: self.draw.rarely(4).then(|| self.hash()),
            racy: self.draw.rarely(16),
        }
    }

    fn hash(&mut self) -> ContentHash {
        let kind = self.draw.one_of(&[HashKind::Blake3, HashKind::Md5]);
        ContentHash::new(kind, &[self.draw.byte() % 4])
    }

    fn effect(&mut self) -> Effect {
        match self.draw.below(3) {
            0 => Effect::Changed(self.observed()),
            1 => Effect::Deleted,
            _ => Effect::Written {
                observed: self.observed(),
                hash: self.hash(),
            },
        }
    }

    fn resolution(&mut self) -> Answer {
        Answer::Resolved(match self.draw.below(4) {
            0 => Resolution::Hold,
            1 => Resolution::KeepBoth,
            2 => Resolution::Take {
                side: self.draw.side(),
                keep_loser: self.draw.flag(),
            },
            _ => Resolution::Merged {
                size: 8,
                hash: self.hash(),
                keep_both: self.draw.flag(),
            },
        })
    }
}
