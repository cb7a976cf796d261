//! One run of a pair: an engine made from the store, a driver around it, feeds, and an orderly end.

use std::sync::Arc;
use std::time::Duration;

use cloudsync_core::engine::io::{Status, Trouble};
use cloudsync_core::engine::{Engine, Restoring};
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::record::{EntryId, Record};
use cloudsync_core::rules::Rules;
use cloudsync_core::side::{BySide, Side};
use cloudsync_store::{FoundState, Intake};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::alarm::{Alarm, Alarms};
use crate::driver::{Driver, Hands, INPUTS, Streak};
use crate::error::{Error, Result};
use crate::feed::{Feed, HooksHandle};
use crate::notices::{self, Notice, NoticeBoard};
use crate::pair::Pair;
use crate::perform::{Outcomes, PerformContext, Performer};
use crate::persist::{Keep, Keeper};
use crate::query::Looker;
use crate::report::SyncReport;
use crate::transfer::Answers;

/// How long sides may take to be met before the engine is made without having met them.
const MEETING: Duration = Duration::from_secs(10);
/// How long what runs may take to end when a session is closed.
const GRACE: Duration = Duration::from_secs(5);
/// How long notices may take to be heard when a session is closed.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Attempts at one entry before a single run gives up on it.
const ATTEMPTS: u32 = 3;
/// A single run does not wait for a retry that is further away.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a single run waits for a side that comes and goes.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Bring both sides together once. A watcher that tells only of what happens meanwhile is not
    /// started: it would mostly tell of our own changes, and a run among ceaseless changes has to end.
    Once,
    /// Finding out what would be done. Nothing is changed, recorded or told.
    Plan,
    /// Syncing.
    Sync,
}

/// One run of a pair. Dropping it breaks it off, which loses nothing.
pub(crate) struct Session {
    pub(crate) driver: Driver,
    pair: Arc<Pair>,
    purpose: Purpose,
    first_meeting: bool,
    set_aside: Option<String>,
    begun: Instant,
    down_since: BySide<Option<Instant>>,
    hearing: Option<AbortOnDropHandle<()>>,
}

/// Why a single run ends.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All that can be done is done.
    Settled,
    /// The store does not take what is to be recorded.
    StoreFailed(Failure),
    /// A side is down, or cannot be looked at.
    Down(Side, Failure),
    /// The engine was made with rules that no longer hold: it takes a new one.
    Outdated,
}

impl Session {
    /// Meets both sides, makes the engine of what the store has, and starts the feeds.
    ///
    /// # Errors
    /// The store's. A side that cannot be met is not an error: its feed tells.
    pub(crate) async fn open(pair: &Arc<Pair>, purpose: Purpose) -> Result<Session> {
        let begun = Instant::now();
        if purpose != Purpose::Plan {
            pair.set_opening();
        }
        let (local, remote) = (Alarm::new(), Alarm::new());
        let alarms = BySide::new(local.0, remote.0);
        let sleep = pair.sleep();
        let board = match purpose {
            Purpose::Plan => NoticeBoard::new(),
            Purpose::Once | Purpose::Sync => pair.board.clone(),
        };
        let feed = |side: Side, alarmed| Feed {
            side,
            provider: pair.endpoints[side].provider.clone(),
            credentials: pair.endpoints[side].credentials.clone(),
            root: pair.endpoints[side].root.clone(),
            met: pair.endpoints[side].met.clone(),
            create_root: false,
            hooks: HooksHandle(pair.hooks.clone()),
            board: board.clone(),
            resume: None,
            will_walk: false,
            follows: purpose == Purpose::Sync,
            pause: sleep[side],
            alarmed,
            wake: pair.wakes[side].clone(),
            is_lost: pair.lost_feeds[side].clone(),
            is_unwatched: false,
        };
        let mut feeds = [feed(Side::Local, local.1), feed(Side::Remote, remote.1)];
        meet(&feeds).await;
        let is_plan = purpose == Purpose::Plan;
        let mut loading = Loading {
            pair,
            is_plan,
            loaded: None,
        };
        let opened = pair.store.load(&mut loading).await?;
        let first_meeting = loading.loaded.is_none();
        if first_meeting && !is_plan && pair.creates_roots() {
            for feed in &mut feeds {
                feed.create_root = true;
            }
            meet(&feeds).await;
        }
        let (rules, engine) = loading.finish();
        let need_walk = pair.take_need_walk();
        for feed in &mut feeds {
            feed.will_walk = engine.needs_walk(feed.side);
            if need_walk[feed.side] {
                // Nothing to resume, no walk of its own: it will say that all may be lost.
                feed.will_walk = false;
            } else if !feed.will_walk {
                feed.resume = engine.cursor(feed.side).cloned();
            }
        }

        let (sink, inputs) = mpsc::channel(INPUTS);
        let hands = hands(pair, alarms, purpose, board.clone(), &sink);
        let mut driver = Driver::new(
            engine,
            (rules, pair.order()),
            pair.hooks.clone(),
            hands,
            (sink, inputs),
        );
        if purpose != Purpose::Plan {
            pair.set_live(Some(driver.live.clone()));
        }
        let hearing = (purpose != Purpose::Plan).then(|| {
            let heard = notices::hand_on(board.subscribe(), pair.hooks.clone());
            AbortOnDropHandle::new(tokio::spawn(heard))
        });
        board.tell(Notice::Started);
        let set_aside = told_set_aside(&board, &opened.found);
        for feed in feeds {
            let side = feed.side;
            let observer = match &pair.observe {
                Some(make) => make(side, feed),
                None => Box::new(feed),
            };
            driver.listen(side, observer.observe());
        }
        Ok(Session {
            driver,
            pair: pair.clone(),
            purpose,
            first_meeting,
            set_aside,
            begun,
            down_since: BySide::default(),
            hearing,
        })
    }

    /// Goes on until all that can be done is done, or there is a reason to give up.
    ///
    /// # Cancel safety
    /// It can be called again.
    pub(crate) async fn settle(&mut self) -> Verdict {
        loop {
            self.driver.hand_out();
            if let Some(verdict) = self.verdict() {
                return verdict;
            }
            // Giving up needs no event to happen.
            let _ = timeout(PATIENCE, self.driver.turn()).await;
        }
    }

    fn verdict(&mut self) -> Option<Verdict> {
        if self.driver.ledger.outdated {
            return Some(Verdict::Outdated);
        }
        if let (ATTEMPTS.., Some(failure)) = &self.driver.ledger.store {
            return Some(Verdict::StoreFailed(failure.clone()));
        }
        for side in Side::BOTH {
            let is_down = self.driver.ledger.downs[side] > 0;
            self.down_since[side] =
                is_down.then(|| self.down_since[side].unwrap_or_else(Instant::now));
        }
        if !self.driver.is_quiet() {
            return None;
        }
        let status = self.driver.live.status();
        if let Some((side, failure)) = self.given_up(&status).or_else(|| self.unseen()) {
            return Some(Verdict::Down(side, failure));
        }
        let is_up = status.down.local.is_none() && status.down.remote.is_none();
        let is_done = status.complete
            && status.at_rest
            && is_up
            && status.store.is_none()
            && !status.troubles.iter().any(is_worth_waiting_for);
        is_done.then_some(Verdict::Settled)
    }

    /// Returns a side for which there is no point in waiting.
    fn given_up(&self, status: &Status) -> Option<(Side, Failure)> {
        Side::BOTH.into_iter().find_map(|side| {
            let failure = status.down[side].as_ref()?;
            let downs = self.driver.ledger.downs[side];
            let waited = self.down_since[side].is_some_and(|since| since.elapsed() >= PATIENCE);
            let is_hopeless = match failure.kind() {
                ErrorKind::Disconnected | ErrorKind::RateLimited | ErrorKind::Unavailable => {
                    downs >= ATTEMPTS && waited
                }
                _ => downs >= 2,
            };
            // Down without the feed having said so: the engine refuses the side.
            (is_hopeless || downs == 0).then(|| (side, failure.clone()))
        })
    }

    /// Returns a side that comes up, and of which one look or walk after another fails, or that goes down
    /// again and again with nothing done: the engine would try for ever.
    fn unseen(&self) -> Option<(Side, Failure)> {
        Side::BOTH.into_iter().find_map(|side| {
            let ledger = &self.driver.ledger;
            let is_hopeless =
                |streak: &&Streak| streak.times >= ATTEMPTS && streak.since.elapsed() >= PATIENCE;
            let streaks = [&ledger.unseen[side], &ledger.flaps[side]];
            let streak = streaks.into_iter().flatten().find(is_hopeless)?;
            Some((side, streak.failure.clone()))
        })
    }

    /// Ends the session in order and reports.
    ///
    /// # Cancel safety
    /// As dropping the session.
    pub(crate) async fn close(mut self) -> SyncReport {
        let was_complete = self.driver.live.status().complete;
        if self.purpose != Purpose::Plan {
            self.driver.shut_down(GRACE).await;
        }
        let mut status = self.driver.live.status();
        status.complete &= was_complete;
        let tally = std::mem::take(&mut self.driver.tally);
        let mut report = tally.report(status);
        report.first_meeting = self.first_meeting;
        report.state_set_aside.clone_from(&self.set_aside);
        report.elapsed = self.begun.elapsed();
        if self.purpose != Purpose::Plan {
            self.pair.set_live(None);
            self.pair.board.tell(Notice::Stopped);
            if let Some(hearing) = self.hearing.take() {
                let _ = timeout(LAST_WORDS, hearing).await;
            }
        }
        report
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let is_ours = self
            .pair
            .live()
            .is_some_and(|live| Arc::ptr_eq(&live, &self.driver.live));
        if is_ours {
            self.pair.set_live(None);
            self.pair.board.tell(Notice::Stopped);
        }
    }
}

/// Meets both sides: what a side is like may only be known once its root is. If it cannot be met now, the feed
/// says why, and if it turns out to be other than it seemed, there will be a new engine.
async fn meet(feeds: &[Feed; 2]) {
    let [local, remote] = feeds.each_ref().map(|feed| feed.meeting(true));
    let _ = timeout(MEETING, futures::future::join(local, remote)).await;
}

/// Makes an engine of what a store has, while that is read.
struct Loading<'a> {
    pair: &'a Pair,
    is_plan: bool,
    /// `None` where the store has no values and no records: a first meeting.
    loaded: Option<(BySide<Rules>, Restoring)>,
}

impl Loading<'_> {
    /// Begins with an engine for sides as they are known now.
    fn start(&self, values: Vec<(String, Vec<u8>)>, count: usize) -> (BySide<Rules>, Restoring) {
        let providers = self.pair.providers();
        let rules = providers.map(|provider| provider.capabilities().rules);
        let engine = Engine::new(self.pair.config(rules.clone(), self.is_plan));
        (rules, engine.restoring(values, count))
    }

    /// Returns the engine, and the rules that it was made for.
    fn finish(mut self) -> (BySide<Rules>, Engine) {
        let loaded = self.loaded.take();
        let (rules, restoring) = loaded.unwrap_or_else(|| self.start(Vec::new(), 0));
        (rules, restoring.finish())
    }
}

impl Intake for Loading<'_> {
    fn begin(&mut self, values: Vec<(String, Vec<u8>)>, count: usize) {
        let has_any = count > 0 || !values.is_empty();
        self.loaded = has_any.then(|| self.start(values, count));
    }

    fn records(&mut self, records: Vec<(EntryId, Record)>) {
        let Some((_, restoring)) = &mut self.loaded else {
            return;
        };
        for (id, record) in records {
            restoring.take(id, record);
        }
    }
}

/// Whether a single run waits for an entry to be tried again.
fn is_worth_waiting_for(trouble: &Trouble) -> bool {
    trouble.attempts < ATTEMPTS && trouble.retry_in.is_some_and(|time| time <= LONGEST_WAIT)
}

/// Makes what the driver hands outputs to.
fn hands(
    pair: &Arc<Pair>,
    alarms: Alarms,
    purpose: Purpose,
    board: NoticeBoard,
    sink: &mpsc::Sender<cloudsync_core::engine::io::Input>,
) -> Hands {
    let (providers, answers) = (pair.providers(), Answers::default());
    let context = PerformContext {
        providers: providers.clone(),
        answers: answers.clone(),
        alarms: alarms.clone(),
    };
    let outcomes = Outcomes::to_driver(sink.clone());
    let store = match purpose {
        Purpose::Plan => Keep::Nowhere,
        Purpose::Once | Purpose::Sync => Keep::Store(pair.store.clone()),
    };
    Hands {
        performer: match &pair.perform {
            Some(make) => make(context, outcomes),
            None => Arc::new(Performer::new(context, outcomes)),
        },
        looker: Looker {
            providers: providers.clone(),
            alarms: alarms.clone(),
        },
        keeper: Keeper {
            providers,
            alarms,
            store,
        },
        answers,
        board,
    }
}

/// Says that the store was set aside, if it was. Returns why.
fn told_set_aside(board: &NoticeBoard, found: &FoundState) -> Option<String> {
    let FoundState::SetAside { reason, kept_as } = found else {
        return None;
    };
    let (reason, kept_as) = (reason.to_string(), kept_as.clone());
    board.tell(Notice::StateSetAside {
        reason: reason.clone(),
        kept_as,
    });
    Some(reason)
}

/// What a single run that ended so is to its caller.
pub(crate) fn outcome(
    verdict: Verdict,
    report: SyncReport,
    was_complete: bool,
) -> Result<SyncReport> {
    match verdict {
        Verdict::Settled => Ok(report),
        Verdict::StoreFailed(failure) => Err(Error::from(failure)),
        Verdict::Down(side, failure) if !was_complete => Err(Error::of(side, failure)),
        Verdict::Down(..) | Verdict::Outdated => Ok(SyncReport {
            interrupted: true,
            ..report
        }),
    }
}
