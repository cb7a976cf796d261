//! The state machine: trees, deltas and plans driven by inputs.
//!
//! Drive it by draining [`Engine::poll`] after every [`Engine::handle`], and by polling again at
//! [`Engine::next_wake`]. What must be durable before what is in the outputs themselves: an operation
//! comes out only after the batch with its intent, if it needs one, was persisted, and a batch names the
//! sides to flush before it is applied. After a crash a new engine is made, [`Engine::restoring`] takes in what the
//! store has, and everything is planned anew.
//!
//! The flow goes one way: an input changes the trees ([`observing`], [`operating`]), what changed is
//! queued ([`schedule`]), what is ready is planned ([`planning`], [`deleting`]), and what follows is
//! recorded and handed out ([`persisting`]).

mod announcing;
mod deciding;
mod deleting;
mod effects;
mod failing;
mod intents;
pub mod io;
mod marks;
mod met;
mod observing;
mod operating;
mod overdue;
mod persisting;
mod planning;
mod pretending;
mod restoring;
mod schedule;
mod settling;
mod translating;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::event::Cursor;
use crate::failure::{ErrorKind, Failure};
use crate::notice::Notice;
use crate::object::{Attributes, HashKind};
use crate::plan::{Locks, Obstacles, View};
use crate::record::EntryId;
use crate::rules::{Feed, Rules};
use crate::side::{BySide, Side};
use crate::time::Time;
use crate::tree::World;
use crate::tree::node::Tick;

use deciding::Decisions;
use deleting::Deletions;
use io::{Config, Control, Input, Output, Plan, QueryId, SideState, Status, Trouble};
use observing::{Asked, SideLedger};
use operating::Flight;
use overdue::Overdue;
use persisting::Persisting;
use pretending::Pretence;
use schedule::Schedule;

pub use restoring::Restoring;

/// More turns than this without an output are none that lead anywhere. Random worlds are to find that soon.
const TURNS: usize = if cfg!(feature = "testing") {
    1_000
} else {
    100_000
};

/// The engine of one pair. A clone goes its own way from there on.
#[derive(Clone, Debug)]
pub struct Engine {
    config: Config,
    trivial: bool,
    hash_kind: HashKind,
    world: World,
    obstacles: Obstacles,
    absent_by_size: BTreeMap<(Side, u64), BTreeSet<EntryId>>,
    locks: Locks,
    now: Time,
    tick: Tick,
    next_id: u64,
    sides: BySide<SideLedger>,
    schedule: Schedule,
    flights: BTreeMap<io::OperationId, Flight>,
    /// Operations and bytes under way on each side.
    load: BySide<(usize, u64)>,
    asked: BTreeMap<QueryId, Asked>,
    persisting: Persisting,
    deletions: Deletions,
    overdue: Overdue,
    decisions: Decisions,
    troubles: BTreeMap<EntryId, Failing>,
    /// Entries with which a side went down, and that were not done since.
    broke: BTreeSet<EntryId>,
    /// Attributes that a side refused for good: not tried again before it is walked, or the next start.
    refused: BTreeMap<EntryId, (Side, Attributes)>,
    drain_waiters: BTreeMap<(Side, crate::tree::node::NodeId), BTreeSet<EntryId>>,
    out: VecDeque<Output>,
    pretence: Pretence,
    draining: bool,
    /// The policy, while the recorded one is another or none: it is recorded when all rows were gone
    /// through.
    new_policy: Option<String>,
}

/// An entry that failed.
#[derive(Clone, Debug)]
struct Failing {
    side: Side,
    path: String,
    failure: Failure,
    attempts: u32,
    told: bool,
}

impl Engine {
    /// Makes an engine that knows nothing yet.
    pub fn new(config: Config) -> Self {
        let world = World::new(config.rules.as_ref());
        let trivial = config.policy.is_trivial();
        let hash_kind = pair_hash(config.rules.as_ref());
        Self {
            trivial,
            hash_kind,
            world,
            obstacles: Obstacles::new(),
            absent_by_size: BTreeMap::new(),
            locks: Locks::default(),
            now: Time::ZERO,
            tick: Tick::default(),
            next_id: 0,
            sides: BySide::default(),
            schedule: Schedule::default(),
            flights: BTreeMap::new(),
            load: BySide::default(),
            asked: BTreeMap::new(),
            persisting: Persisting::default(),
            deletions: Deletions::default(),
            overdue: Overdue::default(),
            decisions: Decisions::default(),
            troubles: BTreeMap::new(),
            broke: BTreeSet::new(),
            refused: BTreeMap::new(),
            drain_waiters: BTreeMap::new(),
            out: VecDeque::new(),
            pretence: Pretence::default(),
            draining: false,
            new_policy: None,
            config,
        }
    }

    /// Takes one input in. `now` never goes backwards. Late, doubled and unknown answers are ignored.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = self.now.max(now);
        self.tick.advance();
        for side in Side::BOTH {
            self.sides[side].has_news = true;
        }
        match input {
            Input::Answer { question, answer } => self.answered(question, &answer),
            Input::Control(control) => self.control(control),
            Input::Done(results) => {
                for (id, result) in results {
                    self.done(id, result);
                }
                for side in Side::BOTH {
                    self.settle_if_looked(side);
                }
            }
            Input::Events {
                side,
                events,
                cursor,
            } => self.hinted(side, events, cursor),
            Input::Found { query, outcome } => self.found(query, outcome),
            Input::Hashed { query, outcome } => self.hashed(query, outcome),
            Input::Listed { query, listings } => self.listed(query, &listings),
            Input::Persisted { batch, outcome } => self.persisted(batch, outcome),
            Input::SideState { side, state } => self.side_state(side, state),
            Input::Walked { query, outcome } => self.walked(query, outcome),
        }
    }

    /// Returns the next thing to do, `None` when there is nothing until an input or
    /// [`Engine::next_wake`].
    pub fn poll(&mut self, now: Time) -> Option<Output> {
        self.now = self.now.max(now);
        for _ in 0..TURNS {
            if let Some(output) = self.out.pop_front() {
                return Some(output);
            }
            self.wake();
            for side in Side::BOTH {
                if !self.sides[side].is_asking() {
                    self.world.tree_mut(side).forget_changes();
                }
            }
            self.look();
            if self.may_plan() {
                self.plan_ready();
                self.plan_deletions();
                self.break_deadlock();
            }
            self.persist();
            if self.out.is_empty() && !self.goes_on() {
                return None;
            }
        }
        #[expect(clippy::manual_assert, reason = "a constant condition")]
        if cfg!(feature = "testing") {
            panic!("there is no end to it");
        }
        None
    }

    /// Returns true if planning left more to plan, or found something in doubt: with nothing handed out, no
    /// input may come that has it seen to.
    fn goes_on(&self) -> bool {
        let is_looking = |side: Side| self.sides[side].can_look(self.config.limits.queries);
        (self.may_plan() && self.schedule.has_ready() && !self.is_full())
            || Side::BOTH.into_iter().any(is_looking)
    }

    /// Returns when to poll again if nothing happens. Polling earlier does no harm.
    pub fn next_wake(&self) -> Option<Time> {
        let walks = Side::BOTH.iter().filter_map(|&side| {
            let every = self.config.walk_every[side]?;
            self.sides[side]
                .is_up()
                .then(|| self.sides[side].walked_at + every)
        });
        let looks = Side::BOTH
            .iter()
            .filter_map(|&side| self.sides[side].next_relook());
        let own = [
            self.schedule.next(),
            self.persisting.wake(),
            self.overdue.next(),
        ];
        own.into_iter().flatten().chain(walks).chain(looks).min()
    }

    /// Returns the stored cursor from which a resumable feed goes on.
    pub fn cursor(&self, side: Side) -> Option<&Cursor> {
        self.sides[side].cursor.as_ref()
    }

    /// Returns whether a side will be walked when it becomes ready. If so, a fresh cursor has to be
    /// taken before, and given with [`Input::Events`].
    pub fn needs_walk(&self, side: Side) -> bool {
        let ledger = &self.sides[side];
        self.config.rules[side].feed != Feed::Resumable
            || !ledger.was_walked
            || ledger.cursor.is_none()
    }

    /// Returns how long a change rests before it is acted on.
    pub fn aging(&self) -> Duration {
        self.config.aging
    }

    /// Sets how long a change rests before it is acted on.
    pub fn set_aging(&mut self, aging: Duration) {
        self.config.aging = aging;
    }

    /// Returns what a dry run would have done so far; see [`Config::dry_run`].
    pub fn planned(&self) -> &Plan {
        &self.pretence.plan
    }

    /// Returns the trees.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Returns the hash kind in which this pair compares contents.
    pub fn hash_kind(&self) -> HashKind {
        self.hash_kind
    }

    /// Returns how the engine is doing.
    pub fn status(&self, now: Time) -> Status {
        let troubles = self.troubles.iter().map(|(&id, failing)| Trouble {
            side: failing.side,
            path: failing.path.clone(),
            failure: failing.failure.clone(),
            attempts: failing.attempts,
            retry_in: self.schedule.time_of(id).map(|at| at - now),
        });
        let busy = !self.out.is_empty()
            || !self.flights.is_empty()
            || !self.asked.is_empty()
            || self.persisting.is_busy()
            || self.decisions.is_asking()
            || Side::BOTH.iter().any(|&side| self.sides[side].is_busy())
            || (self.may_plan() && self.schedule.has_ready());
        let pending = self.schedule.pending();
        let resting_only_troubled = pending
            == self
                .troubles
                .keys()
                .filter(|&&id| self.schedule.time_of(id).is_some())
                .count();
        Status {
            at_rest: !busy && resting_only_troubled,
            complete: self.is_complete(),
            pending,
            waiting: self.schedule.waiting_len(),
            in_flight: self.flights.len() + self.asked.len(),
            objects: BySide::from_fn(|side| self.world.tree(side).len()),
            withheld: BySide::from_fn(|side| self.world.withheld_len(side)),
            troubles: troubles.collect(),
            held: self.deletions.held(),
            conflicts: self.on_hold(),
            skipped: self.skipped(),
            down: BySide::from_fn(|side| self.sides[side].down.clone()),
            store: self.persisting.failure().cloned(),
        }
    }

    fn is_complete(&self) -> bool {
        Side::BOTH.iter().all(|&side| self.sides[side].complete)
    }

    fn may_plan(&self) -> bool {
        self.is_complete()
            && !self.draining
            && Side::BOTH.iter().all(|&side| self.sides[side].is_up())
            && self.persisting.failure().is_none()
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Drain(on) => self.draining = on,
            Control::Forget => self.forget(),
            Control::Release(id) => self.release(id),
            Control::RetryNow => {
                for id in self.schedule.wake_all() {
                    self.schedule.ready(id, 0);
                }
            }
            Control::Walk { side, path } => {
                if let Some(node) = self.world.at_path(side, &path) {
                    self.sides[side].want_walk(node);
                }
            }
        }
    }

    fn side_state(&mut self, side: Side, state: SideState) {
        match state {
            SideState::Ready { root, identity } => {
                let known = &self.sides[side].identity;
                if known.as_ref().is_some_and(|known| *known != identity) {
                    let failure = Failure::new(ErrorKind::RootMissing, "connect").with_detail(
                        "the root is not the one that was met before; if it is meant, forget the pair",
                    );
                    let down = &mut self.sides[side].down;
                    // It may have been missing until now: that another one is there is told as well.
                    if down
                        .as_ref()
                        .is_some_and(|old| old.to_string() != failure.to_string())
                    {
                        *down = None;
                    }
                    self.side_down(side, failure);
                    return;
                }
                self.side_ready(side, &root, identity);
            }
            SideState::Down(failure) => self.side_down(side, failure),
        }
    }

    fn side_down(&mut self, side: Side, failure: Failure) {
        let ledger = &mut self.sides[side];
        if ledger
            .down
            .as_ref()
            .is_none_or(|old| old.kind() != failure.kind())
        {
            self.out.push_back(Output::Notice(Notice::SideDown {
                side,
                failure: failure.clone(),
            }));
        }
        self.sides[side].go_down(failure);
    }

    fn wake(&mut self) {
        self.wait_for_overdue();
        for id in self.schedule.due(self.now) {
            if self.world.find(id).is_some() {
                let priority = self.priority(id);
                self.schedule.ready(id, priority);
            }
        }
    }

    fn view(&self) -> View<'_> {
        View {
            world: &self.world,
            rules: self.config.rules.as_ref(),
            policy: &*self.config.policy,
            trivial: self.trivial,
            locks: &self.locks,
            unsettled: &self.persisting.open_intents,
            unsure: self.sides.as_ref().map(|side| &side.unsure),
            obstacles: &self.obstacles,
            absent_by_size: &self.absent_by_size,
            met: &self.deletions.met,
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn notice(&mut self, notice: Notice) {
        self.out.push_back(Output::Notice(notice));
    }

    /// Returns where an entry is, for people.
    fn entry_path(&self, id: EntryId) -> (Side, String) {
        let entry = self.world.entry(id);
        let sides = || {
            Side::BOTH
                .into_iter()
                .filter_map(|side| Some((side, entry.nodes[side]?)))
        };
        let present = sides().find(|&(side, node)| self.world.node(side, node).is_present());
        match present.or_else(|| sides().next()) {
            Some((side, node)) => (side, self.world.path(side, node)),
            None => (Side::Local, String::new()),
        }
    }

    fn priority(&self, id: EntryId) -> i32 {
        if !self.config.policy.has_priorities() {
            return 0;
        }
        let entry = self.world.entry(id);
        Side::BOTH
            .into_iter()
            .filter_map(|side| {
                let path = self.world.path(side, entry.nodes[side]?);
                Some(self.config.policy.prioritize(side, &path))
            })
            .min()
            .unwrap_or(0)
    }

    /// Something about an entry changed: it is planned again, at once.
    fn touch(&mut self, id: EntryId) {
        if id == EntryId::ROOT || self.world.find(id).is_none() {
            return;
        }
        let priority = self.priority(id);
        self.schedule.ready(id, priority);
    }

    /// A user changed something: it is planned again after it came to rest.
    fn stir(&mut self, id: EntryId) {
        if id == EntryId::ROOT || self.world.find(id).is_none() {
            return;
        }
        self.decisions.reopen(id);
        self.persisting.dirty(id);
        self.rest(id);
    }

    fn rest(&mut self, id: EntryId) {
        let priority = self.priority(id);
        if !self.is_complete() || priority < 0 || self.config.aging.is_zero() {
            self.schedule.ready(id, priority);
        } else {
            self.schedule.rest(id, self.now, self.config.aging);
        }
    }

    /// An entry was dealt with: whoever waited for it is planned again.
    fn settled(&mut self, id: EntryId) {
        self.schedule.settled(id);
        self.wake_waiters(id);
    }

    fn wake_waiters(&mut self, id: EntryId) {
        for waiter in self.schedule.waiters(id) {
            // Whatever it waits for it will say anew.
            self.schedule.stop_waiting(waiter);
            self.touch(waiter);
        }
    }
}

#[cfg(feature = "testing")]
impl Engine {
    /// Writes down all that decides how it goes on, but for how it was made, and the next of the ids.
    pub(crate) fn write_state(
        &self,
        to: &mut crate::testing::fingerprint::Fingerprint,
    ) -> std::fmt::Result {
        use std::fmt::Write as _;
        use std::hash::Hash as _;

        let Self {
            config: _,
            trivial: _,
            hash_kind: _,
            world,
            obstacles,
            absent_by_size,
            locks,
            now,
            tick,
            next_id: _,
            sides,
            schedule,
            flights,
            load,
            asked,
            persisting,
            deletions,
            overdue,
            decisions,
            troubles,
            broke,
            refused,
            drain_waiters,
            out,
            pretence,
            draining,
            new_policy,
        } = self;
        (world, absent_by_size, now, tick, schedule, load).hash(to);
        (deletions, overdue).hash(to);
        for side in Side::BOTH {
            sides[side].write_state(to)?;
        }
        persisting.write_state(to)?;
        // Of these there is little, or nothing, at a time.
        write!(
            to,
            "{obstacles:?}{locks:?}{flights:?}{asked:?}{decisions:?}"
        )?;
        write!(
            to,
            "{troubles:?}{broke:?}{refused:?}{drain_waiters:?}{out:?}"
        )?;
        write!(to, "{pretence:?}{draining:?}{new_policy:?}")
    }
}

/// Contents are compared in one hash kind: one that a side gives for free, else our own.
fn pair_hash(rules: BySide<&Rules>) -> HashKind {
    let (local, remote) = (&rules.local.native_hashes, &rules.remote.native_hashes);
    let both = local.iter().find(|kind| remote.contains(kind));
    *both
        .or(remote.first())
        .or(local.first())
        .unwrap_or(&HashKind::Blake3)
}
