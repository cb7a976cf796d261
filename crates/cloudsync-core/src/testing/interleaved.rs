//! All interleavings: a few acts of users, what the engine does and what it is told, in every order, with one
//! mishap anywhere. Breadth-first over worlds that are cloned, and told apart by all that is in them. From each
//! of them an end has to be reached: a circle without a way out is a failure.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::io::Output;
use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::driving::Open;
use crate::testing::exhaustive::Failure;
use crate::testing::fingerprint::Fingerprint;
use crate::testing::pair::ModelPair;
use crate::testing::setup::{Faults, SideSetup};
use crate::testing::small;
use crate::testing::storage::Storage;
use crate::testing::swarm::message;

/// No world needs as many moves to come to rest.
const DEPTH: usize = 300;

/// Where only one thing can happen, worlds are told apart after so many moves again.
const STRIDE: usize = 4;

/// Which worlds.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Nodes of the base: exactly so many.
    pub nodes: usize,
    /// Acts of users, on whichever side: exactly so many.
    pub acts: usize,
    /// What the sides are like.
    pub setup: BySide<SideSetup>,
    /// What happens once, anywhere.
    pub mishap: Mishap,
    /// In what order things that are going on go on.
    pub order: Order,
}

/// In what order things that are going on go on. Users' acts and the mishap come anywhere in either.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// In every order.
    Any,
    /// What has been going on for longest goes on first.
    OldestFirst,
}

/// What happens once, anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// Nothing does.
    None,
    /// The engine is killed.
    Crash,
    /// Something fails: an operation (done or not), a look, a walk, a batch.
    Failure,
    /// A side is gone for a while.
    Down,
    /// Something goes on before its turn: where the oldest goes first, a younger one does. Many a fault of order needs
    /// no more than that (Emmi, Qadeer, Rakamarić, "Delay-bounded scheduling", 2011, with a bound of one).
    OutOfTurn,
}

/// Those that can come in any order.
pub const MISHAPS: [Mishap; 4] = [Mishap::None, Mishap::Crash, Mishap::Failure, Mishap::Down];

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Bases with a sequence of acts.
    pub sequences: u64,
    /// Worlds that were told apart.
    pub worlds: u64,
    /// Moves from one to another.
    pub moves: u64,
    /// Worlds at rest with nothing more to come: all was checked there.
    pub ends: u64,
    /// Moves to the farthest of them.
    pub farthest: usize,
    /// Where something does not hold.
    pub failures: Vec<Failure>,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// One of those that are going on goes on.
    GoOn(usize),
    /// The same, before its turn.
    Overtake(usize),
    /// The next act.
    Act,
    /// Time passes: nothing else happens before the engine wants to go on.
    Wait,
    Crash,
    Fail(usize),
    LoseReply(usize),
    Down(Side),
    Up(Side),
}

#[derive(Clone)]
struct State {
    pair: ModelPair,
    acted: usize,
    has_mishap: bool,
    order: Order,
    way: Vec<Move>,
}

/// Explores all worlds within a bound whose number modulo `parts` is `part`; stops after ten failures.
pub fn run(bound: &Bound, part: usize, parts: usize) -> Tally {
    let mut tally = Tally::default();
    let mut number = 0;
    for tree in small::trees(bound.nodes) {
        let mut base = small::base(&tree, bound.setup);
        base.performed.clear();
        base.notices.clear();
        for acts in sequences(&base.sides, bound.acts) {
            number += 1;
            if number % parts == part && tally.failures.len() < 10 {
                tally.sequences += 1;
                explore(bound, &base, &acts, &mut tally);
            }
        }
    }
    tally
}

/// Returns all sequences of so many acts that users can do one after the other, if nobody else acts.
fn sequences(sides: &BySide<Storage>, count: usize) -> Vec<Vec<UserAct>> {
    let Some(rest) = count.checked_sub(1) else {
        return vec![vec![]];
    };
    let mut all = Vec::new();
    for side in Side::BOTH {
        let mut firsts: Vec<UserAct> = Vec::new();
        for act in small::acts(&sides[side].tree(), side) {
            // Each content is a new one, so that the oracle knows it.
            let act = match act {
                UserAct::WriteThis(side, path, _) => UserAct::Write(side, path),
                other => other,
            };
            if !firsts.contains(&act) {
                firsts.push(act);
            }
        }
        for first in firsts {
            let mut after = sides.clone();
            match &first {
                UserAct::Write(_, path) => {
                    after[side].user_write(path, "new");
                }
                other => small::apply(&mut after[side], other),
            }
            for mut acts in sequences(&after, rest) {
                acts.insert(0, first.clone());
                all.push(acts);
            }
        }
    }
    all
}

/// All worlds that come of one sequence of acts.
struct Exploration<'a> {
    acts: &'a [UserAct],
    mishap: Mishap,
    start: State,
    /// By fingerprint, the way to each world that was told apart.
    ways: BTreeMap<u64, Vec<Move>>,
    /// From which world one came to which.
    steps: Vec<(u64, u64)>,
    ends: Vec<u64>,
    moves: u64,
    farthest: usize,
}

/// A way to where something does not hold, and what that is.
type Found = (Vec<Move>, String);

fn explore(bound: &Bound, base: &ModelPair, acts: &[UserAct], tally: &mut Tally) {
    let start = State {
        pair: base.clone(),
        acted: 0,
        has_mishap: bound.mishap != Mishap::None,
        order: bound.order,
        way: Vec::new(),
    };
    let mut exploration = Exploration {
        acts,
        mishap: bound.mishap,
        start: start.clone(),
        ways: BTreeMap::new(),
        steps: Vec::new(),
        ends: Vec::new(),
        moves: 0,
        farthest: 0,
    };
    let explored = exploration.all().and_then(|()| exploration.can_end());
    tally.worlds += exploration.ways.len() as u64;
    tally.moves += exploration.moves;
    tally.ends += exploration.ends.len() as u64;
    tally.farthest = tally.farthest.max(exploration.farthest);
    if let Err((way, why)) = explored {
        tally.failures.push(failed(&start, acts, &way, why));
    }
}

impl Exploration<'_> {
    fn all(&mut self) -> Result<(), Found> {
        let start = self.start.clone();
        let first = start.fingerprint();
        self.ways.insert(first, Vec::new());
        let mut layer = vec![(first, start)];
        while !layer.is_empty() {
            for (from, state) in mem::take(&mut layer) {
                let moves = state.moves(self.acts, self.mishap);
                let Some((&last, others)) = moves.split_last() else {
                    self.ends.push(from);
                    self.farthest = self.farthest.max(state.way.len());
                    let way = state.way.clone();
                    caught(|| state.check(self.acts)).map_err(|why| (way, why))?;
                    continue;
                };
                for &one in others {
                    self.go(from, state.clone(), one, &mut layer)?;
                }
                self.go(from, state, last, &mut layer)?;
            }
        }
        Ok(())
    }

    /// Makes a move, and those after it that are the only ones.
    fn go(
        &mut self,
        from: u64,
        mut state: State,
        one: Move,
        layer: &mut Vec<(u64, State)>,
    ) -> Result<(), Found> {
        let before = state.way.len();
        let mut next = vec![one];
        while let &[only] = next.as_slice()
            && state.way.len() < before + STRIDE
        {
            state.way.push(only);
            let made = caught(|| state.make(only, self.acts));
            made.map_err(|why| (state.way.clone(), why))?;
            next = state.moves(self.acts, self.mishap);
        }
        self.moves += (state.way.len() - before) as u64;
        if state.way.len() > DEPTH {
            return Err((state.way, format!("no rest after {DEPTH} moves")));
        }
        let to = state.fingerprint();
        self.steps.push((from, to));
        if let Entry::Vacant(new) = self.ways.entry(to) {
            new.insert(state.way.clone());
            layer.push((to, state));
        }
        Ok(())
    }

    /// Makes sure that from each world an end can be reached.
    fn can_end(&mut self) -> Result<(), Found> {
        // By where they lead to.
        self.steps.sort_unstable_by_key(|&(_, to)| to);
        let mut can: BTreeSet<u64> = self.ends.iter().copied().collect();
        let mut todo = self.ends.clone();
        while let Some(world) = todo.pop() {
            let first = self.steps.partition_point(|&(_, to)| to < world);
            let before = self.steps[first..].iter();
            for &(from, _) in before.take_while(|&&(_, to)| to == world) {
                if can.insert(from) {
                    todo.push(from);
                }
            }
        }
        let stuck = self.ways.iter().filter(|(world, _)| !can.contains(world));
        match stuck.min_by_key(|(_, way)| way.len()) {
            Some((_, way)) => Err((way.clone(), "no end can be reached from here".into())),
            None => Ok(()),
        }
    }
}

/// Says what was wrong, where something was.
fn caught(work: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic))
}

fn together(one: Open, other: Open) -> Open {
    match (one, other) {
        (Open::Late { side, mut events }, Open::Late { events: more, .. }) => {
            events.extend(more);
            Open::Late { side, events }
        }
        // A feed tells all that it has.
        (one, _) => one,
    }
}

/// Goes the way once more, to tell what happened.
fn failed(start: &State, acts: &[UserAct], way: &[Move], why: String) -> Failure {
    let mut state = start.clone();
    state.pair.trace = Some(Vec::new());
    let _ = catch_unwind(AssertUnwindSafe(|| {
        for &one in way {
            state.pair.note(|| format!("-- {one:?}"));
            state.make(one, acts);
        }
    }));
    Failure {
        world: format!("{:?}, acts {acts:?}", start.pair.sides.local.tree()),
        why,
        trace: state.pair.trace.unwrap_or_default(),
    }
}

impl State {
    /// Returns all that can happen next; nothing at the end.
    fn moves(&self, acts: &[UserAct], mishap: Mishap) -> Vec<Move> {
        let open = &self.pair.open;
        let count = match self.order {
            Order::Any => open.len(),
            Order::OldestFirst => open.len().min(1),
        };
        let mut all: Vec<Move> = (0..count).map(Move::GoOn).collect();
        if self.acted < acts.len() {
            all.push(Move::Act);
        }
        let down = self.pair.engine().status(self.pair.now).down;
        let down = Side::BOTH.into_iter().filter(|&side| down[side].is_some());
        all.extend(down.map(Move::Up));
        if self.is_waiting() {
            all.push(Move::Wait);
        }
        // A mishap after the end would be one of another world.
        if !self.has_mishap || all.is_empty() {
            return all;
        }
        match mishap {
            Mishap::None => {}
            Mishap::Crash => all.push(Move::Crash),
            Mishap::Failure => {
                for (at, open) in open.iter().enumerate() {
                    let Open::Output(output) = open else { continue };
                    if !matches!(**output, Output::Question(_)) {
                        all.push(Move::Fail(at));
                    }
                    if matches!(**output, Output::Operation(_)) {
                        all.push(Move::LoseReply(at));
                    }
                }
            }
            Mishap::Down => all.extend(Side::BOTH.map(Move::Down)),
            Mishap::OutOfTurn => all.extend((count..open.len()).map(Move::Overtake)),
        }
        all
    }

    /// Nothing is going on, and the engine wants to go on later.
    fn is_waiting(&self) -> bool {
        let engine = self.pair.engine();
        let status = engine.status(self.pair.now);
        let tries_again = |trouble: &crate::engine::io::Trouble| trouble.retry_in.is_some();
        self.pair.open.is_empty()
            && status.down.local.is_none()
            && status.down.remote.is_none()
            && engine.next_wake().is_some()
            && (!status.at_rest || status.troubles.iter().any(tries_again))
    }

    fn make(&mut self, one: Move, acts: &[UserAct]) {
        let pair = &mut self.pair;
        // What is done or looked at, and what the engine is told of it, are two moves.
        let calm = Faults {
            late_answer: 100,
            late_look: 100,
            ..Faults::default()
        };
        pair.faults = calm;
        match one {
            Move::GoOn(at) => {
                let open = pair.open.remove(at);
                pair.go_on(open);
            }
            Move::Overtake(at) => {
                self.has_mishap = false;
                let open = pair.open.remove(at);
                pair.go_on(open);
            }
            Move::Act => {
                pair.faults.late_hint = 100;
                let before = pair.open.len();
                pair.act(&acts[self.acted]);
                self.acted += 1;
                // What is told of one act is told at once.
                let late = pair.open.split_off(before);
                pair.open.extend(late.into_iter().reduce(together));
            }
            Move::Wait => {
                let at = pair.engine().next_wake().expect("it waits");
                pair.now = pair.now.max(at);
            }
            Move::Crash => {
                self.has_mishap = false;
                pair.crash();
            }
            Move::Fail(at) => {
                self.has_mishap = false;
                pair.faults = Faults {
                    fail: 100,
                    look: 100,
                    store: 100,
                    walk: 100,
                    ..calm
                };
                let open = pair.open.remove(at);
                pair.go_on(open);
                // A walk has begun with that.
                if let Some(walk) = pair.open.pop_if(|open| matches!(open, Open::Walk { .. })) {
                    pair.go_on(walk);
                }
            }
            Move::LoseReply(at) => {
                self.has_mishap = false;
                pair.faults.lost_reply = 100;
                let open = pair.open.remove(at);
                pair.go_on(open);
            }
            Move::Down(side) => {
                self.has_mishap = false;
                pair.act(&UserAct::Down(side));
            }
            Move::Up(side) => {
                // It may have been told so by an answer of the connection before.
                pair.up[side] = false;
                pair.act(&UserAct::Up(side));
            }
        }
        pair.take_outputs();
    }

    /// Checks what has to hold at the end.
    fn check(self, acts: &[UserAct]) {
        let Self { mut pair, way, .. } = self;
        pair.faults = Faults::default();
        let status = pair.engine().status(pair.now);
        assert!(status.at_rest, "it rests: {status:?}");
        let is_calm = way.iter().all(|one| {
            matches!(
                one,
                Move::GoOn(_) | Move::Overtake(_) | Move::Act | Move::Wait
            )
        });
        for side in Side::BOTH {
            if is_calm && acts.iter().all(|act| act.side() == Some(side)) {
                let touched = pair.count(side, |_| true);
                assert_eq!(touched, 0, "the {side} side alone acted, and is left alone");
            }
        }
        pair.check_rest();
    }

    /// Tells it from other worlds that go on otherwise.
    fn fingerprint(&self) -> u64 {
        let mut fingerprint = Fingerprint::default();
        let by_age = self.order == Order::OldestFirst;
        let written = self.pair.write_state(&mut fingerprint, by_age);
        let rest = (self.acted, self.has_mishap);
        let written = written.and_then(|()| write!(fingerprint, "{rest:?}"));
        written.expect("it takes all");
        fingerprint.digest()
    }
}
