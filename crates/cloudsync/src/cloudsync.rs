//! The handle on a pair: run it once, keep it running, look at it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloudsync_core::engine::io::{Control, HeldId, Status};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::record::{Batch, BatchId};
use cloudsync_core::side::{BySide, Side};
use tokio::sync::MutexGuard;
use tokio::time::timeout;

use crate::builder::Builder;
use crate::changes;
use crate::driver::Live;
use crate::endpoint::Given;
use crate::error::{Error, Result};
use crate::met;
use crate::notices::Notices;
use crate::pair::Pair;
use crate::plan::Plan;
use crate::report::SyncReport;
use crate::runnable::{RunError, RunOptions, Runner, Stop};
use crate::service::Service;
use crate::session::{Purpose, Session, Verdict, outcome};

/// A pair of folders in two storage systems that are kept the same.
///
/// All methods take `&self`; whatever runs, runs in tokio tasks that end with this handle. Every
/// future here can be dropped at any await: nothing is lost by that, or by a kill at any moment.
#[derive(Debug)]
pub struct CloudSync {
    pair: Arc<Pair>,
    runner: Runner,
}

/// How far a walk goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// The folder and all below it.
    All,
    /// What is in the folder; what is no longer in it is not found by that.
    Folder,
}

impl CloudSync {
    /// Starts to build a pair from two locations (`PATH`, `file:PATH`, `memory:NAME`) or providers.
    pub fn builder(local: impl Into<Given>, remote: impl Into<Given>) -> Builder {
        Builder::new(local.into(), remote.into())
    }

    pub(crate) fn new(pair: Pair) -> Self {
        let pair = Arc::new(pair);
        let runner = Runner::new(Service { pair: pair.clone() });
        Self { pair, runner }
    }

    /// Brings both sides together once: until all that can be done is done. What fails is tried three
    /// times, then it stands in the report.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] while it runs already or after a stop for good; the failure of a side
    /// that was never seen completely; the store's, where it takes nothing.
    ///
    /// # Cancel safety
    /// Dropping it breaks the run off; the next one goes on from there. [`CloudSync::stop`] ends it in
    /// order instead, and it reports that it was interrupted.
    pub async fn run_once(&self) -> Result<SyncReport> {
        let mut held = self.exclusive("run_once")?;
        *held = None;
        loop {
            let mut session = Session::open(&self.pair, Purpose::Once).await?;
            let verdict = tokio::select! {
                biased;
                () = self.pair.interrupt.notified() => None,
                verdict = session.settle() => Some(verdict),
            };
            let was_complete = session.driver.live.status().complete;
            let report = session.close().await;
            match verdict {
                None => {
                    return Ok(SyncReport {
                        interrupted: true,
                        ..report
                    });
                }
                Some(Verdict::Outdated) => {}
                Some(verdict) => return outcome(verdict, report, was_complete),
            }
        }
    }

    /// Returns what a run would do now. Changes nothing, neither on a side nor in the state. What such
    /// a run would hold or leave alone stands in [`CloudSync::status`] then.
    ///
    /// # Errors
    /// As [`CloudSync::run_once`].
    pub async fn plan(&self) -> Result<Plan> {
        let mut held = self.exclusive("plan")?;
        *held = None;
        loop {
            let mut session = Session::open(&self.pair, Purpose::Plan).await?;
            match session.settle().await {
                Verdict::Settled => {
                    let live = session.driver.live.clone();
                    let status = live.status();
                    self.pair.set_last(status.clone());
                    let planned = live.look(|engine, _| engine.planned().clone());
                    let tally = std::mem::take(&mut session.driver.tally);
                    let mut conflicts = tally.report(status).conflicts;
                    live.look(|engine, _| {
                        met::planned(engine, &*self.pair.hooks, &mut conflicts);
                    });
                    return Ok(Plan {
                        operations: planned.operations,
                        totals: planned.totals,
                        conflicts,
                    });
                }
                Verdict::Down(side, failure) => return Err(Error::of(side, failure)),
                Verdict::StoreFailed(failure) => return Err(failure.into()),
                Verdict::Outdated => {}
            }
        }
    }

    /// Keeps both sides together from now on, in a task of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] while it runs already or after a stop for good. What goes wrong later
    /// is told as notices and stands in the status; it is tried again.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(&self) -> Result<()> {
        drop(self.exclusive("start")?);
        self.runner
            .start(RunOptions::default())
            .map_err(of_run("start"))
    }

    /// Keeps both sides together in the caller's task, until `until` says so of the status or the
    /// time is over. What was begun is kept for the next call, until it is stopped.
    ///
    /// # Errors
    /// As [`CloudSync::start`]; [`ErrorKind::Unavailable`] where the time was over first.
    pub async fn run(
        &self,
        mut until: impl FnMut(&Status) -> bool,
        limit: Option<Duration>,
    ) -> Result<()> {
        let mut held = self.exclusive("run")?;
        let turns = async {
            loop {
                self.one_turn(&mut held).await?;
                if until(&self.status()) {
                    return Ok(());
                }
            }
        };
        match limit {
            None => turns.await,
            Some(limit) => timeout(limit, turns)
                .await
                .unwrap_or_else(|_| Err(over("run"))),
        }
    }

    /// Takes one turn: waits for the next thing that happens, for as long as a feed sleeps, and does
    /// what there is to do. What was begun is kept for the next call, until it is stopped.
    ///
    /// # Errors
    /// As [`CloudSync::start`], and the store's.
    pub async fn do_once(&self) -> Result<()> {
        let mut held = self.exclusive("do_once")?;
        self.one_turn(&mut held).await
    }

    async fn one_turn(&self, held: &mut Option<Session>) -> Result<()> {
        let sleep = self.pair.sleep();
        let session = match held.take() {
            Some(session) if !session.driver.ledger.outdated => session,
            _ => Session::open(&self.pair, Purpose::Sync).await?,
        };
        // Kept before anything is awaited: whoever drops this call finds it again with the next one.
        let driver = &mut held.insert(session).driver;
        let _ = timeout(sleep.local.max(sleep.remote), driver.turn()).await;
        driver.hand_out();
        Ok(())
    }

    /// Returns true from a start until its stop is complete.
    pub fn started(&self) -> bool {
        self.runner.started()
    }

    /// Returns true if it was asked to stop since the last start.
    pub fn stopped(&self) -> bool {
        self.runner.stopped()
    }

    /// Asks it to stop, and returns at once: see [`CloudSync::stop`].
    pub fn signal_stop(&self, how: Stop) {
        self.pair.interrupt.notify_waiters();
        self.runner.signal_stop(how);
    }

    /// Stops it and waits until it has: nothing new is begun, what is under way may end for some
    /// seconds and is recorded.
    pub async fn stop(&self, how: Stop) {
        self.signal_stop(how);
        // Ends when the runner does: it cannot fail without a time limit.
        let _ = self.runner.wait(None).await;
        let held = self.pair.session.lock().await.take();
        if let Some(session) = held {
            session.close().await;
        }
    }

    /// Stops many: all are asked first, then waited for.
    pub async fn stop_all<'a>(pairs: impl IntoIterator<Item = &'a CloudSync>, how: Stop) {
        let pairs: Vec<_> = pairs.into_iter().collect();
        for pair in &pairs {
            pair.signal_stop(how);
        }
        for pair in pairs {
            pair.stop(how).await;
        }
    }

    /// Waits until it does not run any more, without stopping it.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it still runs after `limit`.
    pub async fn wait(&self, limit: Option<Duration>) -> Result<()> {
        self.runner.wait(limit).await.map_err(of_run("wait"))
    }

    /// Cuts all waiting short: polls the feeds, tries what failed again, now.
    pub fn wake(&self) {
        for side in Side::BOTH {
            self.pair.wakes[side].notify_one();
        }
        if let Some(live) = self.pair.live() {
            live.control(Control::RetryNow);
        }
        self.runner.wake();
    }

    /// Returns how it is doing, or was when it last ran or was planned.
    pub fn status(&self) -> Status {
        self.pair.status()
    }

    /// Returns false while the feed of a side lost its place again and again, or cannot tell anything
    /// ([`Notice::Unwatched`](crate::Notice::Unwatched)), and waits to be taken up once more: what happens there meanwhile
    /// is told after that. [`CloudSync::wake`] cuts the wait short.
    pub fn follows(&self, side: Side) -> bool {
        !self.pair.lost_feeds[side].load(Ordering::Relaxed)
    }

    /// Returns true while there is something to do or under way.
    pub fn busy(&self) -> bool {
        self.pair.live().is_some_and(|live| {
            let status = live.status();
            !status.at_rest || status.in_flight > 0 || !status.complete
        })
    }

    /// Returns how many entries are not settled: they wait for their turn, their age, another entry
    /// or a retry. Of both sides: an entry that changed on both is one.
    pub fn change_count(&self) -> usize {
        self.status().pending
    }

    /// Returns how many objects of a side are new or edited there and not yet on the other one; 0
    /// while nothing runs. What was deleted or moved is not counted, nor what is not translated or
    /// not wanted. Looks at all objects.
    pub fn change_count_on(&self, side: Side) -> usize {
        let count = |live: Arc<Live>| {
            live.look(|engine, _| changes::count(engine, &*self.pair.hooks, side))
        };
        self.pair.live().map_or(0, count)
    }

    /// Returns how long a change rests before it is acted on.
    pub fn aging(&self) -> Duration {
        self.pair.aging()
    }

    /// Sets how long a change rests before it is acted on, at once.
    pub fn set_aging(&self, aging: Duration) {
        self.pair.set_aging(aging);
    }

    /// Forgets all that is known of the pair: the next meeting is a first one, which deletes nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget(&self) -> Result<()> {
        if let Some(live) = self.pair.live() {
            live.control(Control::Forget);
            return Ok(());
        }
        let _held = self.exclusive("forget")?;
        let nothing = Batch {
            id: BatchId(0),
            flush: BySide::default(),
            clear: true,
            puts: Vec::new(),
            deletes: Vec::new(),
            values: Vec::new(),
        };
        Ok(self.pair.store.apply(&nothing).await?)
    }

    /// Has a side walked now or, where nothing runs, at the next start; `false` takes back such a
    /// wish that has not begun.
    pub fn set_need_walk(&self, side: Side, need: bool) {
        match self.pair.live() {
            Some(live) if need => live.control(Control::Walk {
                side,
                path: String::new(),
            }),
            _ => self.pair.set_need_walk(side, need),
        }
    }

    /// Has both sides (`None`), one, or a folder of one walked now; where nothing runs, all of the
    /// side at the next start.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a folder without a side; the provider's, for [`Depth::Folder`].
    pub async fn walk(&self, side: Option<Side>, folder: Option<&str>, depth: Depth) -> Result<()> {
        let Some(side) = side else {
            if folder.is_some() {
                return Err(Error::invalid("walk", "a folder needs a side"));
            }
            for side in Side::BOTH {
                Box::pin(self.walk(Some(side), None, depth)).await?;
            }
            return Ok(());
        };
        let path = folder.unwrap_or_default().trim_matches('/');
        match (self.pair.live(), depth) {
            (None, _) => self.pair.set_need_walk(side, true),
            (Some(live), Depth::All) => live.control(Control::Walk {
                side,
                path: path.to_owned(),
            }),
            (Some(live), Depth::Folder) => {
                let provider = &*self.pair.endpoints[side].provider;
                crate::query::hint_folder(provider, side, path, &live)
                    .await
                    .map_err(|e| Error::of(side, e))?;
            }
        }
        Ok(())
    }

    /// Lets a held set of deletions go ahead, exactly that set.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] while nothing runs: held sets are found anew at each start.
    pub fn release(&self, held: HeldId) -> Result<()> {
        let live = self
            .pair
            .live()
            .ok_or_else(|| Error::invalid("release", "it does not run"))?;
        live.control(Control::Release(held));
        Ok(())
    }

    /// Returns what is worth telling, from now on. Who is too slow misses some and is told so; the
    /// engine waits for nobody.
    pub fn notices(&self) -> Notices {
        self.pair.board.subscribe()
    }

    /// Returns the text that names this pair in a store.
    pub fn storage_label(&self) -> String {
        self.pair.label()
    }

    /// Makes sure that nothing else drives the pair.
    fn exclusive(&self, operation: &'static str) -> Result<MutexGuard<'_, Option<Session>>> {
        self.pair.check_not_over(operation)?;
        let running = || Error::invalid(operation, "it runs already");
        if self.runner.started() {
            return Err(running());
        }
        self.pair.session.try_lock().map_err(|_| running())
    }
}

fn of_run(operation: &'static str) -> impl Fn(RunError) -> Error {
    move |error| match error {
        RunError::TimedOut => over(operation),
        other => Error::invalid(operation, other.to_string()),
    }
}

fn over(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation).with_detail("the time is over")
}
