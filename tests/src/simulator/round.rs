//! A round: users act among faults, then there is quiet, and the oracle judges.

use std::sync::Arc;
use std::time::Duration;

use cloudsync::{ErrorKind, Side, Stop};
use cloudsync_core::rules::Feed;
use futures::future::{Either, select};
use tokio::time::{Instant, sleep};

use super::facade::{Drive, Facade};
use super::faults::Kind;
use super::oracle::Expected;
use super::sim::Sim;
use super::store::Disk;
use super::users::{Actors, Users};

/// How long it may take until everything is at rest, once nothing goes wrong any more: as long as a
/// side with a feed is not walked of its own accord, and more.
const LONGEST: Duration = Duration::from_hours(50);

/// Longest time between two looks at whether it is at rest: no multiple of the time between two walks, or
/// each look could come upon one.
const LONGEST_STEP: Duration = Duration::from_millis(1_799_317);

/// For so long after a call that failed, what is gone may be gone by that.
const OVERDUE: Duration = Duration::from_secs(121);

/// A world that rounds are played in.
pub(super) struct World {
    pub(super) sim: Arc<Sim>,
    pub(super) disk: Disk,
    pub(super) facade: Option<Facade>,
    tokens: u32,
    /// Whether the next meeting is a first one, in which nothing can be known to be deleted.
    is_first_meeting: bool,
}

impl World {
    pub(super) fn new(sim: Arc<Sim>, disk: Disk) -> Self {
        Self {
            sim,
            disk,
            facade: None,
            tokens: 0,
            is_first_meeting: true,
        }
    }

    /// Plays a round.
    pub(super) async fn round(&mut self) {
        let sim = self.sim.clone();
        let drawn = sim.lock().tapes.acts.below(4);
        let actors = match drawn {
            0 => Actors::One(Side::Local),
            1 => Actors::One(Side::Remote),
            _ => Actors::Both,
        };
        sim.count(match actors {
            Actors::One(_) => "round of one side",
            Actors::Both => "round of both sides",
        });
        sim.note(format_args!("ROUND {actors:?}"));
        if actors == Actors::Both {
            self.forget_twins();
        }
        // What a user does soon after a call that failed may be what that does late, and may be restored: how soon, each
        // start counts anew.
        let mut is_soon = true;
        if let (Actors::One(_), Some(facade)) = (actors, &self.facade) {
            facade.work(OVERDUE).await;
            is_soon = facade.drive == Drive::Once;
        }
        let (acts, changes) = {
            let mut state = sim.lock();
            state.is_hostile = true;
            state.is_unsure = is_soon && (state.is_unsure || state.has_failed);
            state.has_failed = false;
            state.is_retagged = false;
            state.lies = 0;
            state.touched.clear();
            state.moved.clear();
            let acts = 1 + state.tapes.acts.below(sim.setup.acts);
            (acts, state.changes)
        };
        let mut users = Users::new(&sim, actors, self.tokens);
        let acting = Box::pin(async {
            for _ in 0..acts {
                let times: &[u64] = if sim.setup.crossed {
                    &[0, 0, 0, 1, 30, 500]
                } else {
                    &[0, 1, 30, 500, 5_000]
                };
                pause(&sim, times).await;
                users.act().await;
                sim.count("user acts while it works");
            }
            let tree = match actors {
                Actors::One(side) => Some(sim.tree(side)),
                Actors::Both => None,
            };
            pause(&sim, &[0, 10, 1_000, 20_000]).await;
            tree
        });
        // At the first meeting of all, what is there may have been there before.
        let tree = if self.facade.is_none() && sim.draw_schedule(2) == 0 {
            acting.await
        } else {
            match select(acting, Box::pin(self.lives())).await {
                Either::Left((tree, _)) => tree,
                Either::Right(_) => return,
            }
        };
        self.tokens = users.tokens();
        let tree = tree.filter(|_| !self.is_first_meeting);
        self.quiet().await;
        let expected = Expected {
            actors,
            tree,
            acts,
            changes,
        };
        if let Some(facade) = &self.facade
            && !self.sim.is_violated()
        {
            self.sim.judge(&expected, &facade.status());
            self.is_first_meeting = false;
        }
    }

    /// What stands twice on a side has no life of its own: which of the two is meant, nobody can say.
    fn forget_twins(&self) {
        for side in Side::BOTH {
            let tree = self.sim.tree(side);
            let mut state = self.sim.lock();
            state
                .alive
                .retain(|token| tree.values().flatten().filter(|of| *of == token).count() < 2);
        }
    }

    /// One life of the program after another. Ends only where something does not hold.
    async fn lives(&mut self) {
        while !self.sim.is_violated() {
            if self.facade.is_none() {
                self.between_lives();
                self.facade = Facade::open(&self.sim, &self.disk).await;
            }
            let Some(facade) = &self.facade else { return };
            let times = [200, 2_000, 20_000, 100_000];
            let time = times[self.sim.draw_schedule(times.len())];
            if !facade.work(Duration::from_millis(time)).await {
                self.end().await;
                pause(&self.sim, &[0, 100, 10_000]).await;
                continue;
            }
            self.disturb();
            match self.sim.draw_schedule(6) {
                1 => {
                    self.sim.count("stopped for now");
                    if !facade.stop(Stop::ForNow).await {
                        self.end().await;
                    }
                }
                2 => {
                    self.sim.count("stopped for good");
                    facade.stop(Stop::Forever).await;
                    self.end().await;
                }
                3 => self.end().await,
                _ => {}
            }
        }
    }

    /// What may happen to a service by itself.
    fn disturb(&self) {
        let fault = self
            .sim
            .hit(|kind| matches!(kind, Kind::TagChanged | Kind::ClockJumps));
        let Some(fault) = fault else { return };
        let side = Side::BOTH[self.sim.draw_fault(2)];
        let service = &self.sim.services[side];
        match fault {
            Kind::TagChanged => {
                self.sim.lock().is_retagged = true;
                let tree = self.sim.tree(side);
                let files: Vec<_> = tree
                    .iter()
                    .filter(|(_, content)| content.is_some())
                    .collect();
                if let Some((path, _)) = files.get(self.sim.draw_fault(files.len())) {
                    self.sim
                        .note(format_args!("{side} gives {path} another tag"));
                    // It is there: nobody acts in between.
                    let _ = service.user_at(super::facade::root(side)).touch(path);
                }
            }
            _ => {
                let hours = [1, 24, -1, -24][self.sim.draw_fault(4)];
                self.sim
                    .note(format_args!("{side} clock jumps by {hours} h"));
                service.set_time(service.time() + hours * 3_600_000_000_000);
            }
        }
    }

    /// What may happen while nothing runs.
    fn between_lives(&mut self) {
        if self.sim.hit(|kind| kind == Kind::StateLost).is_some() {
            self.sim.note(format_args!("the state is lost"));
            if let Err(error) = self.disk.lose(self.sim.setup.in_file) {
                self.sim.violate("a disk", error.to_string());
            }
            self.is_first_meeting = true;
        }
    }

    pub(super) async fn end(&mut self) {
        if let Some(facade) = self.facade.take() {
            self.sim.note(format_args!("the end of this life"));
            facade.end().await;
        }
    }

    /// Lets everything come to rest: nothing goes wrong any more, nobody acts.
    async fn quiet(&mut self) {
        self.sim.note(format_args!("QUIET"));
        let is_deaf = {
            let mut state = self.sim.lock();
            state.is_hostile = false;
            state.forbidden = cloudsync::BySide::default();
            std::mem::take(&mut state.is_deaf)
        };
        for side in Side::BOTH {
            self.sim.services[side].heal();
        }
        let is_over = self.facade.as_ref().is_none_or(Facade::is_over);
        let is_to_restart = self.sim.draw_schedule(2) == 1 || is_over;
        if is_to_restart {
            self.restart().await;
            self.sim.count("quiet after a restart");
        } else {
            self.sim.count("quiet in the same run");
        }
        let tells_nothing = |side| self.sim.setup.configs[side].feed == Feed::None;
        let is_deaf = is_deaf || Side::BOTH.into_iter().any(tells_nothing);
        let walks = self.sim.draw_schedule(3) == 1 || is_deaf;
        self.rest(walks).await;
    }

    /// Ends this life and begins another.
    pub(super) async fn restart(&mut self) {
        self.end().await;
        self.facade = Facade::open(&self.sim, &self.disk).await;
    }

    /// Works until all is at rest, with a walk of both sides if `walks`.
    pub(super) async fn rest(&mut self, walks: bool) {
        let begun = Instant::now();
        let (mut quiet, mut has_walked) = (0, !walks);
        let mut time = Duration::from_secs(2);
        while let Some(facade) = &self.facade
            && !self.sim.is_violated()
        {
            if !facade.work(time).await {
                self.sim.violate("I38", "it ended of its own accord");
                return;
            }
            let status = facade.status();
            let is_settled = status.complete
                && status.pending == 0
                && status.troubles.is_empty()
                && status.down.local.is_none()
                && status.down.remote.is_none()
                && Side::BOTH.into_iter().all(|side| facade.sync.follows(side));
            // A side that tells nothing is looked at again and again: that is no unrest.
            let is_quiet = is_settled && status.at_rest && status.in_flight == 0;
            // What a slow call of an ended life does as late as this is still to be seen.
            let is_over = Instant::now() > self.sim.lock().slow_until;
            if !is_settled || !is_over {
                quiet = 0;
            } else if is_quiet {
                quiet += 1;
            }
            if let Some(held) = status.held.first() {
                self.release(held.id).await;
                continue;
            }
            if is_quiet && quiet >= 2 && has_walked {
                return;
            }
            if quiet >= 2 && !has_walked {
                has_walked = true;
                quiet = 0;
                for side in Side::BOTH {
                    facade.sync.set_need_walk(side, true);
                }
                self.sim.note(format_args!("walk"));
            }
            if begun.elapsed() > LONGEST {
                self.sim.violate("I12 rest", format!("{status:?}"));
                return;
            }
            time = (time + time / 4).min(LONGEST_STEP);
        }
    }

    /// Lets a held set of deletions go ahead.
    async fn release(&mut self, held: cloudsync::HeldId) {
        let Some(facade) = &self.facade else { return };
        if facade.drive == Drive::Once {
            // A held set can be released only while it runs.
            self.restart().await;
            return;
        }
        if facade.drive == Drive::Always && !facade.sync.started() {
            // It was stopped just now: the next step starts it.
            return;
        }
        self.sim.note(format_args!("release {held:?}"));
        match facade.sync.release(held) {
            Ok(()) => self.sim.count("deletions released"),
            // It was started just now, and what is told is of the run before: what it holds is still to be found.
            Err(error) if facade.drive == Drive::Always && error.kind() == ErrorKind::Invalid => {}
            Err(error) => self.sim.violate("I49 release", error.to_string()),
        }
    }
}

/// Waits for one of these times, in milliseconds.
async fn pause(sim: &Sim, times: &[u64]) {
    let time = times[sim.draw_schedule(times.len())];
    if time > 0 {
        sleep(Duration::from_millis(time)).await;
    }
}
