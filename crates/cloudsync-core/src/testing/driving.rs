//! The driver of a model world: takes outputs, and answers those that are open in any order.

use std::time::Duration;

use crate::engine::io::{
    Act, Answer, Effect, Input, Operation, OperationId, Output, Query, QueryId, Question,
    Resolution, Source,
};
use crate::event::Event;
use crate::failure::{ErrorKind, Failure};
use crate::listing::{Found, Listing};
use crate::notice::Notice;
use crate::object::ObjectRef;
use crate::precondition::Expect;
use crate::record::{Batch, IntendedAct, RenamePurpose};
use crate::side::{BySide, Side};
use crate::testing::pair::ModelPair;
use crate::testing::provider::hash;

/// Something that is going on.
#[derive(Clone, Debug)]
pub(super) enum Open {
    /// To be answered.
    Output(Box<Output>),
    /// A walk that takes one folder at a time: those still to come.
    Walk {
        query: QueryId,
        side: Side,
        folders: Vec<ObjectRef>,
    },
    /// An operation that is done, and not yet answered.
    Done(OperationId, Result<Effect, Failure>),
    /// A look that was made, and is not yet answered.
    Found(QueryId, Result<Option<Found>, Failure>),
    /// Hints that come late, or again.
    Late { side: Side, events: Vec<Event> },
    /// A feed that has something to tell.
    Feed(Side),
    /// An operation of an engine that was killed, still to be done, with what it writes.
    Outlived(Box<Operation>, Option<String>),
}

/// No small world tells of so much without anything to do: its planning goes round in circles.
const MOST_NOTICES: usize = 10_000;

impl ModelPair {
    /// Does one thing: takes an output, or answers one of those that are open, in any order. Returns
    /// false if there was nothing to do.
    pub fn step(&mut self) -> bool {
        self.take_outputs();
        if self.open.is_empty() {
            let status = self.engine.status(self.now);
            match self.engine.next_wake() {
                Some(at) if !status.at_rest => {
                    self.now = self.now.max(at);
                    return true;
                }
                _ => {
                    let down = &status.down;
                    let waits =
                        status.store.is_some() || down.local.is_some() || down.remote.is_some();
                    assert!(status.at_rest || waits, "nothing wakes it: {status:?}");
                    return false;
                }
            }
        }
        self.steps += 1;
        self.now = self.now + Duration::from_millis(1);
        for side in Side::BOTH {
            self.sides[side].set_now(milliseconds(self.now.elapsed()));
        }
        let at = self.random.below(self.open.len());
        let open = self.open.swap_remove(at);
        self.go_on(open);
        true
    }

    /// Takes all that the engine hands out.
    pub(super) fn take_outputs(&mut self) {
        let mut told = 0;
        while let Some(output) = self.engine.poll(self.now) {
            match output {
                Output::Notice(notice) => {
                    told += 1;
                    assert!(told < MOST_NOTICES, "there is no end to it: {notice:?}");
                    self.heard(notice);
                }
                other => self.open.push(Open::Output(Box::new(other))),
            }
        }
    }

    /// Goes on with something that was going on.
    pub(super) fn go_on(&mut self, open: Open) {
        match open {
            Open::Output(output) => self.answer(*output),
            Open::Walk {
                query,
                side,
                folders,
            } => self.walk_on(query, side, folders),
            Open::Done(id, outcome) => {
                self.note(|| format!("told at last: {id:?} {outcome:?}"));
                self.engine
                    .handle(self.now, Input::Done(vec![(id, outcome)]));
            }
            Open::Found(query, outcome) => {
                self.note(|| format!("told at last: {query:?} {outcome:?}"));
                self.engine
                    .handle(self.now, Input::Found { query, outcome });
            }
            Open::Late { side, events } => self.tell(side, events, false),
            Open::Feed(side) => self.deliver(side),
            Open::Outlived(operation, content) => {
                self.note(|| format!("outlived a crash: {operation:?}"));
                self.situations.count("fault: call outlived a crash");
                // Nobody waits for its answer.
                let _ = self.carry_out(*operation, content);
            }
        }
    }

    /// The engine was killed. Returns what is still to come of something that was going on.
    pub(super) fn outlives(&mut self, open: Open) -> Option<Open> {
        if self.faults.outlives == 0 {
            return None;
        }
        let operation = match open {
            Open::Output(output) => match *output {
                Output::Operation(operation) => operation,
                _ => return None,
            },
            Open::Outlived(..) => return Some(open),
            _ => return None,
        };
        if !self.random.chance(self.faults.outlives) {
            return None;
        }
        let content = self.read_source(&operation).ok()?;
        Some(Open::Outlived(Box::new(operation), content))
    }

    fn heard(&mut self, notice: Notice) {
        match &notice {
            Notice::Conflict { .. } => self.situations.count("conflict"),
            Notice::DeletionsHeld { .. } => self.situations.count("deletion held"),
            _ => {}
        }
        self.note(|| format!("notice: {notice}"));
        self.notices.push(notice);
    }

    /// Fails if a side is down.
    fn check_up(&self, side: Side) -> Result<(), Failure> {
        if self.up[side] {
            Ok(())
        } else {
            Err(Failure::new(ErrorKind::Disconnected, "model"))
        }
    }

    fn check_look(&mut self, side: Side) -> Result<(), Failure> {
        self.check_up(side)?;
        let fails = self.failing_looks > 0;
        self.failing_looks = self.failing_looks.saturating_sub(1);
        if fails || self.random.chance(self.faults.look) {
            self.situations.count("fault: look failed");
            return Err(Failure::new(ErrorKind::Unavailable, "look"));
        }
        Ok(())
    }

    fn answer(&mut self, output: Output) {
        let now = self.now;
        self.note(|| format!("{output:?}"));
        match output {
            Output::Notice(_) => {}
            Output::Persist(batch) => {
                let outcome = if self.random.chance(self.faults.store) {
                    self.situations.count("fault: batch not recorded");
                    Err(Failure::new(ErrorKind::OutOfSpace, "apply"))
                } else {
                    self.record(&batch);
                    Ok(())
                };
                let batch = batch.id;
                self.engine.handle(now, Input::Persisted { batch, outcome });
            }
            Output::Query(Query::Walk { id, side, from }) => {
                if self.sides[side].setup.slow_walks || self.faults.walk + self.faults.cut > 0 {
                    let folders = vec![from];
                    self.open.push(Open::Walk {
                        query: id,
                        side,
                        folders,
                    });
                    return;
                }
                let walked = self.check_up(side);
                match walked.and_then(|()| self.sides[side].walk(&from)) {
                    Ok(listings) => {
                        self.take(id, listings);
                        self.walked(id, Ok(()));
                    }
                    Err(failure) => self.walked(id, Err(failure)),
                }
            }
            Output::Query(Query::Info { id, side, at, .. }) => {
                let looked = self.check_look(side);
                let outcome = looked.map(|()| self.sides[side].info(&at));
                if let Ok(Some(found)) = &outcome
                    && found.observed.as_ref().is_some_and(|seen| seen.racy)
                {
                    self.situations.count("racy look");
                }
                self.note(|| format!("  found: {outcome:?}"));
                if self.faults.late_look > 0 && self.random.chance(self.faults.late_look) {
                    self.situations.count("fault: look late");
                    self.open.push(Open::Found(id, outcome));
                    return;
                }
                self.engine.handle(now, Input::Found { query: id, outcome });
            }
            Output::Query(Query::Hash {
                id,
                side,
                at,
                expect,
                kind,
                ..
            }) => {
                let looked = self.check_look(side);
                let outcome = looked.and_then(|()| self.sides[side].hash(&at, &expect, kind));
                self.engine
                    .handle(now, Input::Hashed { query: id, outcome });
            }
            Output::Operation(operation) => {
                let id = operation.id;
                let outcome = self.perform(operation);
                if self.faults.late_answer > 0 && self.random.chance(self.faults.late_answer) {
                    self.situations.count("fault: answer late");
                    self.open.push(Open::Done(id, outcome));
                    return;
                }
                self.note(|| format!("  told: {outcome:?}"));
                self.engine.handle(now, Input::Done(vec![(id, outcome)]));
            }
            Output::Question(question) => {
                let answer = self.decide(&question);
                self.note(|| format!("  decided: {answer:?}"));
                let question = question.id;
                self.engine.handle(now, Input::Answer { question, answer });
            }
        }
    }

    /// Decides a conflict as an application might. A version that it gives up is one that nobody misses.
    fn decide(&mut self, question: &Question) -> Answer {
        self.situations.count("asked");
        let (side, keep) = (Side::BOTH[self.random.below(2)], self.random.chance(50));
        let keep = self.merges.unwrap_or(keep);
        let drawn = if self.merges.is_some() {
            usize::MAX
        } else {
            self.random.below(10)
        };
        let resolution = match drawn {
            0 => return Answer::Later,
            1 | 2 => Resolution::KeepBoth,
            3..6 => Resolution::Take {
                side,
                keep_loser: keep,
            },
            _ => {
                let token = self.token();
                let hash = hash(&token, question.hash);
                let size = token.len() as u64;
                self.merged.insert(question.id, token);
                Resolution::Merged {
                    size,
                    hash,
                    keep_both: keep,
                }
            }
        };
        let versions = BySide::from_fn(|side| {
            let version = &question.versions[side];
            self.sides[side].read_wherever(&version.at, &version.tag)
        });
        // A version that has changed since is not the one that is given up, and whatever changed since
        // is not what the other one is given up for.
        let is_given_up = |of: Side| match resolution {
            Resolution::Take { side, keep_loser } => {
                side != of && !keep_loser && versions[side].is_some()
            }
            Resolution::Merged { keep_both, .. } => !keep_both,
            Resolution::KeepBoth | Resolution::Hold => false,
        };
        for side in Side::BOTH.into_iter().filter(|&side| is_given_up(side)) {
            if let Some(token) = &versions[side] {
                self.alive.remove(token);
            }
        }
        Answer::Resolved(resolution)
    }

    fn take(&mut self, query: QueryId, listings: Vec<Listing>) {
        self.note(|| format!("  listed: {listings:?}"));
        self.engine
            .handle(self.now, Input::Listed { query, listings });
    }

    fn walked(&mut self, query: QueryId, outcome: Result<(), Failure>) {
        self.note(|| format!("  walked: {outcome:?}"));
        self.engine
            .handle(self.now, Input::Walked { query, outcome });
    }

    /// Lists the next folder of a walk. A folder that is no longer there is left out.
    fn walk_on(&mut self, query: QueryId, side: Side, mut folders: Vec<ObjectRef>) {
        if let Err(down) = self.check_up(side) {
            return self.walked(query, Err(down));
        }
        if self.random.chance(self.faults.walk) {
            self.situations.count("fault: walk broken off");
            return self.walked(query, Err(Failure::new(ErrorKind::Unavailable, "walk")));
        }
        let Some(folder) = folders.pop() else {
            return self.walked(query, Ok(()));
        };
        match self.sides[side].list(&folder) {
            Ok((listing, below)) => {
                if self.random.chance(self.faults.cut) {
                    self.situations.count("fault: listing cut");
                    let mut part = Listing::new(listing.folder.clone());
                    let keep = self.random.below(listing.len() + 1);
                    for (name, seen) in listing.iter().take(keep) {
                        part.push(name, seen.clone());
                    }
                    self.take(query, vec![part]);
                } else {
                    folders.extend(below);
                    self.take(query, vec![listing]);
                }
            }
            Err(_) if !folder.is_root() => {}
            Err(failure) => return self.walked(query, Err(failure)),
        }
        self.open.push(Open::Walk {
            query,
            side,
            folders,
        });
    }

    fn record(&mut self, batch: &Batch) {
        if batch.clear {
            self.store.clear();
            self.values.clear();
        }
        for (id, record) in &batch.puts {
            if let Some(intent) = &record.intent
                && let IntendedAct::Rename { purpose, .. } = &intent.act
            {
                self.situations.count(match purpose {
                    RenamePurpose::Carry => "move carried over",
                    RenamePurpose::Split | RenamePurpose::SplitOwn => "given a conflict name",
                    RenamePurpose::Park => "parked",
                    RenamePurpose::Undo => "move undone",
                });
            }
            let is_alone = record.nodes.local.is_some() != record.nodes.remote.is_some();
            if is_alone && record.agreed.is_some() {
                self.situations.count("withheld");
            }
            self.store.insert(*id, record.clone());
        }
        for id in &batch.deletes {
            self.store.remove(id);
        }
        for (key, value) in &batch.values {
            match value {
                Some(value) => self.values.insert(key.clone(), value.clone()),
                None => self.values.remove(key),
            };
        }
    }

    fn perform(&mut self, operation: Operation) -> Result<Effect, Failure> {
        let side = operation.side;
        self.check_up(side)?;
        if self.random.chance(self.faults.fail) {
            let reads = matches!(operation.act, Act::Write { .. });
            if reads && operation.id.0.is_multiple_of(2) {
                self.situations.count("fault: source not read");
                let failure = Failure::new(ErrorKind::Unavailable, "read");
                return Err(failure.with_did_nothing(true));
            }
            self.situations.count("fault: operation failed");
            return Err(Failure::new(ErrorKind::Unavailable, "perform"));
        }
        let content = self.read_source(&operation)?;
        self.carry_out(operation, content)
    }

    /// Reads what an operation writes, if it writes anything.
    fn read_source(&self, operation: &Operation) -> Result<Option<String>, Failure> {
        let from = operation.side.other();
        Ok(match &operation.act {
            Act::Write {
                source: Source::Object { at, tag },
                ..
            } => {
                // Whatever is wrong with the source: not the fault of the side that is written to.
                let up = self.check_up(from);
                let read = up.and_then(|()| self.sides[from].read(at, tag));
                Some(read.map_err(|_| Failure::new(ErrorKind::SourceChanged, "read"))?)
            }
            Act::Write {
                source: Source::Answer(question),
                ..
            } => {
                let gone = || Failure::new(ErrorKind::SourceChanged, "read");
                Some(self.merged.get(question).cloned().ok_or_else(gone)?)
            }
            _ => None,
        })
    }

    fn carry_out(
        &mut self,
        operation: Operation,
        content: Option<String>,
    ) -> Result<Effect, Failure> {
        let side = operation.side;
        let object = self.sides[side].touched(&operation.act);
        let done = self.sides[side].perform(&operation.act, content);
        self.note(|| format!("  done: {done:?}"));
        self.check_alive(&operation);
        if let Err(failure) = &done {
            if failure.kind() == ErrorKind::PreconditionFailed {
                self.situations.count("precondition failed");
            }
            return done;
        }
        if let Act::Write {
            source: Source::Answer(question),
            ..
        } = &operation.act
        {
            self.situations.count("merged content written");
            self.alive.extend(self.merged.get(question).cloned());
        }
        self.count_done(&operation);
        let (from, to) = touched(&operation.act);
        // Our own changes come back as hints, like everybody else's.
        let id = |path: &str| object.or_else(|| self.sides[side].at(path)).unwrap_or(0);
        let paths = [from, to].into_iter().flatten();
        let told = paths.map(|path| (id(&path), path)).collect();
        self.performed.push(operation);
        if self.sides[side].setup.own_changes {
            self.hint(side, told);
        }
        if self.random.chance(self.faults.lost_reply) {
            self.situations.count("fault: reply lost");
            return Err(Failure::new(ErrorKind::Unavailable, "perform"));
        }
        done
    }

    fn count_done(&mut self, operation: &Operation) {
        let made = match &operation.act {
            Act::SetAttributes { .. } => {
                self.situations.count("attributes set");
                return;
            }
            Act::CreateFolder { target, .. }
            | Act::Write {
                target,
                expect: Expect::Free,
                ..
            } => target.path(),
            _ => return,
        };
        if self.deleted[operation.side].remove(&made) {
            self.situations.count("restored");
        }
    }
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn touched(act: &Act) -> (Option<String>, Option<String>) {
    match act {
        Act::CreateFolder { target, .. } | Act::Write { target, .. } => (None, Some(target.path())),
        Act::Delete { at, .. } | Act::SetAttributes { at, .. } => (Some(at.path.clone()), None),
        Act::Rename { at, target, .. } => (Some(at.path.clone()), Some(target.path())),
    }
}
