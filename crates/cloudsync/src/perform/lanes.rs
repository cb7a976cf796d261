//! What waits to be performed on one side, and who may take how much of it.

use std::collections::VecDeque;

use cloudsync_core::engine::io::{Act, Operation};

/// Writes up to this size are batched.
const SMALL_BYTES: u64 = 1 << 20;
/// A batch is held in memory where the source is not local: no more than this.
const BATCH_BYTES: u64 = 16 << 20;
/// Most calls that one task makes, one after another.
const BUNDLE: usize = 64;
/// Most prompt writes in a batch: a local folder flushes so few one by one, not with all else.
const FEW: usize = 8;
/// So many batches are under way before others wait until they are full: each flushes, one after the other, what all
/// have written by then, so that many small ones take as many flushes.
const PARTIAL: usize = 2;

/// Which slots a worker uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    /// Large writes, with slots of their own: they hold up nothing, and nothing holds them up.
    Large,
    /// All else.
    Usual,
    /// What is prompt, where the usual slots are taken.
    Prompt,
}

/// What a worker does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Calls of any kind, one after another.
    Calls(Vec<Operation>),
    /// Small writes, in one call.
    Writes(Vec<Operation>),
}

/// What waits on one side. Bounded by what the engine hands out.
#[derive(Debug)]
pub(super) struct Lanes {
    batch: usize,
    slots: usize,
    large_slots: usize,
    /// Of any kind but large writes: before all else.
    prompt: VecDeque<Operation>,
    /// Renames, deletes, folders, attributes.
    light: VecDeque<Operation>,
    small: VecDeque<Operation>,
    large: VecDeque<Operation>,
    workers: usize,
    large_workers: usize,
    has_prompt_worker: bool,
    /// Batches under way.
    writing: usize,
    /// Takes turns, so that a flood of one sort does not hold up the other.
    small_next: bool,
}

impl Lanes {
    pub(super) fn new(batch: usize, concurrency: usize) -> Self {
        Self {
            batch: batch.max(1),
            slots: concurrency.max(1),
            large_slots: (concurrency / 2).max(1),
            prompt: VecDeque::new(),
            light: VecDeque::new(),
            small: VecDeque::new(),
            large: VecDeque::new(),
            workers: 0,
            large_workers: 0,
            has_prompt_worker: false,
            writing: 0,
            small_next: false,
        }
    }

    /// Adds an operation at the end of those of its kind.
    pub(super) fn push(&mut self, operation: Operation) {
        match operation.act {
            Act::Write { size, .. } if size > SMALL_BYTES => self.large.push_back(operation),
            _ if operation.is_prompt => self.prompt.push_back(operation),
            Act::Write { .. } => self.small.push_back(operation),
            _ => self.light.push_back(operation),
        }
    }

    /// Drops what waits; returns how many.
    pub(super) fn clear(&mut self) -> usize {
        let Self {
            prompt,
            light,
            small,
            large,
            ..
        } = self;
        let waiting = [prompt, light, small, large];
        waiting
            .map(|queue| std::mem::take(queue).len())
            .iter()
            .sum()
    }

    /// Returns the lane that another worker is worth having in, counting it as there.
    pub(super) fn hire(&mut self) -> Option<Lane> {
        let usual = self.prompt.len()
            + self.light.len().div_ceil(self.share(self.light.len()))
            + self
                .small
                .len()
                .div_ceil(self.batch)
                .max(self.small.len().min(PARTIAL));
        if self.workers < usual.min(self.slots) {
            self.workers += 1;
            return Some(Lane::Usual);
        }
        if !self.prompt.is_empty() && !self.has_prompt_worker {
            self.has_prompt_worker = true;
            return Some(Lane::Prompt);
        }
        if self.large_workers < self.large.len().min(self.large_slots) {
            self.large_workers += 1;
            return Some(Lane::Large);
        }
        None
    }

    /// Takes what a worker does next, which has done what it took before. `None`: nothing; the worker is counted as
    /// gone.
    pub(super) fn next(&mut self, lane: Lane, was_writing: bool) -> Option<Job> {
        self.writing -= usize::from(was_writing);
        let job = self.take(lane);
        self.writing += usize::from(matches!(job, Some(Job::Writes(_))));
        job
    }

    fn take(&mut self, lane: Lane) -> Option<Job> {
        if lane == Lane::Large {
            let job = self
                .large
                .pop_front()
                .map(|operation| Job::Calls(vec![operation]));
            self.large_workers -= usize::from(job.is_none());
            return job;
        }
        if !self.prompt.is_empty() {
            return Some(self.take_prompt());
        }
        if lane == Lane::Prompt {
            self.has_prompt_worker = false;
            return None;
        }
        let is_worth =
            self.small.len() >= self.batch || (!self.small.is_empty() && self.writing < PARTIAL);
        let small = is_worth && (self.small_next || self.light.is_empty());
        self.small_next = !small;
        if small {
            return Some(Job::Writes(self.take_small()));
        }
        if self.light.is_empty() {
            self.workers -= 1;
            return None;
        }
        let count = self.share(self.light.len());
        Some(Job::Calls(self.light.drain(..count).collect()))
    }

    /// How many of `waiting` calls one worker takes: a fair share, but not too many.
    fn share(&self, waiting: usize) -> usize {
        waiting.div_ceil(self.slots).clamp(1, BUNDLE)
    }

    /// Takes the first one, with a fair share of what can be written along with it.
    fn take_prompt(&mut self) -> Job {
        let is_write = |operation: &&Operation| matches!(operation.act, Act::Write { .. });
        let share = self.share(self.prompt.len()).min(FEW).min(self.batch);
        match self.prompt.iter().take(share).take_while(is_write).count() {
            0 => Job::Calls(self.prompt.drain(..1).collect()),
            count => Job::Writes(self.prompt.drain(..count).collect()),
        }
    }

    fn take_small(&mut self) -> Vec<Operation> {
        let mut bytes = 0;
        let fits = |operation: &&Operation| {
            let Act::Write { size, .. } = operation.act else {
                return false;
            };
            bytes += size;
            bytes <= BATCH_BYTES
        };
        let count = self
            .small
            .iter()
            .take(self.batch)
            .take_while(fits)
            .count()
            .max(1);
        self.small.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use cloudsync_core::engine::io::{OperationId, Source};
    use cloudsync_core::object::{Attributes, HashKind, Kind, ObjectRef, Tag, Target};
    use cloudsync_core::precondition::Expect;
    use cloudsync_core::side::Side;

    use super::*;

    fn delete(id: u64) -> Operation {
        let act = Act::Delete {
            at: ObjectRef::at("a"),
            kind: Kind::File,
            expect: None,
        };
        Operation {
            id: OperationId(id),
            side: Side::Local,
            act,
            is_prompt: false,
        }
    }

    fn write(id: u64, size: u64) -> Operation {
        let act = Act::Write {
            source: Source::Object {
                at: ObjectRef::at("a"),
                tag: Tag::default(),
            },
            target: Target {
                folder: ObjectRef::root(),
                name: "a".into(),
            },
            expect: Expect::Free,
            size,
            attributes: Attributes::default(),
            hash: HashKind::Blake3,
        };
        Operation {
            id: OperationId(id),
            side: Side::Local,
            act,
            is_prompt: false,
        }
    }

    fn ids(job: Option<Job>) -> Vec<u64> {
        let Some(Job::Calls(operations) | Job::Writes(operations)) = job else {
            return vec![];
        };
        operations.iter().map(|operation| operation.id.0).collect()
    }

    #[test]
    fn small_writes_share_a_batch_and_large_ones_go_apart() {
        let mut lanes = Lanes::new(3, 2);
        for id in 0..5 {
            lanes.push(write(id, 10));
        }
        lanes.push(write(5, SMALL_BYTES + 1));
        lanes.push(write(6, SMALL_BYTES + 1));
        let hired: Vec<_> = std::iter::from_fn(|| lanes.hire()).collect();
        assert_eq!(hired, [Lane::Usual, Lane::Usual, Lane::Large]);
        assert_eq!(ids(lanes.next(Lane::Usual, false)), [0, 1, 2]);
        assert_eq!(ids(lanes.next(Lane::Usual, false)), [3, 4]);
        assert_eq!(lanes.next(Lane::Usual, false), None);
        assert_eq!(ids(lanes.next(Lane::Large, false)), [5]);
        assert_eq!(ids(lanes.next(Lane::Large, false)), [6]);
        assert_eq!(lanes.next(Lane::Large, false), None);
        assert_eq!((lanes.workers, lanes.large_workers), (1, 0));
    }

    #[test]
    fn calls_are_shared_among_the_workers_and_take_turns_with_writes() {
        let mut lanes = Lanes::new(8, 4);
        (0..6).for_each(|id| lanes.push(delete(id)));
        (6..9).for_each(|id| lanes.push(write(id, 1)));
        assert_eq!(std::iter::from_fn(|| lanes.hire()).count(), 4);
        assert_eq!(ids(lanes.next(Lane::Usual, false)), [0, 1]);
        assert_eq!(ids(lanes.next(Lane::Usual, false)), [6, 7, 8]);
        assert_eq!(ids(lanes.next(Lane::Usual, false)), [2]);
    }

    #[test]
    fn what_is_prompt_comes_first_and_has_a_slot_of_its_own() {
        let prompt = |mut operation: Operation| {
            operation.is_prompt = true;
            operation
        };
        let mut lanes = Lanes::new(512, 2);
        (0..2_000).for_each(|id| lanes.push(write(id, 1)));
        assert_eq!(std::iter::from_fn(|| lanes.hire()).count(), 2);
        (0..2).for_each(|_| assert_eq!(ids(lanes.next(Lane::Usual, false)).len(), 512));
        // Both are at work.
        lanes.push(prompt(write(2_000, 1)));
        lanes.push(prompt(delete(2_001)));
        lanes.push(prompt(write(2_002, SMALL_BYTES + 1)));
        let hired: Vec<_> = std::iter::from_fn(|| lanes.hire()).collect();
        assert_eq!(hired, [Lane::Prompt, Lane::Large]);
        assert_eq!(ids(lanes.next(Lane::Prompt, false)), [2_000]);
        assert_eq!(
            ids(lanes.next(Lane::Usual, false)),
            [2_001],
            "whoever is free"
        );
        assert_eq!(lanes.next(Lane::Prompt, false), None);
        assert_eq!(ids(lanes.next(Lane::Usual, false)).len(), 512);
        assert_eq!(ids(lanes.next(Lane::Large, false)), [2_002]);
        // The slot is free again.
        (3_000..3_040).for_each(|id| lanes.push(prompt(write(id, 1))));
        assert_eq!(lanes.hire(), Some(Lane::Prompt));
        assert_eq!(ids(lanes.next(Lane::Prompt, false)).len(), FEW);
        assert_eq!(lanes.clear(), 2_000 - 3 * 512 + 32);
    }

    #[test]
    fn a_batch_has_a_limit_of_bytes() {
        let mut lanes = Lanes::new(100, 1);
        (0..40).for_each(|id| lanes.push(write(id, SMALL_BYTES)));
        assert_eq!(ids(lanes.next(Lane::Usual, false)).len(), 16);
    }

    #[test]
    fn beside_two_batches_only_a_full_one_begins() {
        let mut lanes = Lanes::new(3, 4);
        (0..12).for_each(|id| lanes.push(write(id, 1)));
        while lanes.hire().is_some() {}
        (0..4).for_each(|_| assert_eq!(ids(lanes.next(Lane::Usual, false)).len(), 3));
        (12..17).for_each(|id| lanes.push(write(id, 1)));
        assert_eq!(ids(lanes.next(Lane::Usual, true)), [12, 13, 14]);
        assert_eq!(lanes.next(Lane::Usual, true), None, "three are under way");
        assert_eq!(lanes.next(Lane::Usual, true), None, "two are");
        assert_eq!(ids(lanes.next(Lane::Usual, true)), [15, 16]);
        assert_eq!(lanes.next(Lane::Usual, true), None);
        assert_eq!((lanes.workers, lanes.writing), (1, 1));
    }

    #[test]
    fn a_worker_that_left_is_hired_again() {
        let mut lanes = Lanes::new(1, 1);
        lanes.push(delete(0));
        assert_eq!(lanes.hire(), Some(Lane::Usual));
        assert_eq!(lanes.hire(), None);
        assert_eq!(ids(lanes.next(Lane::Usual, false)), [0]);
        assert_eq!(lanes.next(Lane::Usual, false), None);
        lanes.push(delete(1));
        assert_eq!(lanes.hire(), Some(Lane::Usual));
    }
}
