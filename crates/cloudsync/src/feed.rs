//! Watches one side: brings it up, tells how it is, passes on what its feed says.
//!
//! A side is *up* once it is connected, its root is in place and a cursor is held, in this order: so
//! whatever happens while the engine walks is told afterwards. It goes *down* when any call says that
//! the connection, the credentials or the root are gone, and comes up again with backoff.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloudsync_core::backoff::{Backoff, Delays};
use cloudsync_core::engine::io::{Input, SideState};
use cloudsync_core::event::{Cursor, Event};
use cloudsync_core::failure::{ErrorKind, Failure, Retry};
use cloudsync_core::object::Oid;
use cloudsync_core::rules;
use cloudsync_core::side::Side;
use cloudsync_provider::{Credentials, Events, Provider, Root};
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use crate::alarm::{Alarmed, takes_side_down};
use crate::guarded::{guarded, guarded_call};
use crate::hooks::Hooks;
use crate::notices::{Notice, NoticeBoard};

/// How long a feed that is picked up again may say nothing before we believe that it has nothing.
const CATCH_UP: Duration = Duration::from_secs(2);

/// How often a side is looked at that cannot tell for now what happens on it.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Watches one side.
pub trait Observe: fmt::Debug + Send + 'static {
    /// Returns what is to be told to the engine of this side: [`Input::SideState`] and
    /// [`Input::Events`], until it is dropped. Before each [`SideState::Ready`] a cursor is taken, so
    /// that no change falls between the feed and a walk.
    fn observe(self: Box<Self>) -> BoxStream<'static, Input>;
}

/// Where the root of a side is, in the provider's own terms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RootPlace {
    /// Its path.
    pub path: Option<String>,
    /// Its id, preferred over the path.
    pub oid: Option<Oid>,
}

/// What watching a side takes.
#[derive(Debug)]
pub struct Feed {
    pub(crate) side: Side,
    pub(crate) provider: Arc<dyn Provider>,
    /// To connect with; `None`: with those that the provider keeps.
    pub(crate) credentials: Option<Credentials>,
    pub(crate) root: RootPlace,
    /// Whether the provider took this root already.
    pub(crate) met: Arc<AtomicBool>,
    /// Whether the root is made where there is none.
    pub(crate) create_root: bool,
    pub(crate) hooks: HooksHandle,
    pub(crate) board: NoticeBoard,
    /// Where the stored feed goes on; `None`: it starts anew.
    pub(crate) resume: Option<Cursor>,
    /// Whether the engine walks the side of its own accord at the first meeting of this run.
    pub(crate) will_walk: bool,
    /// Whether a feed that tells only of what happens while it is open is opened.
    pub(crate) follows: bool,
    /// Shortest time between two polls that bring nothing.
    pub(crate) pause: Duration,
    pub(crate) alarmed: Alarmed,
    /// Cuts waiting short.
    pub(crate) wake: Arc<Notify>,
    /// Whether it lost its place, or cannot tell anything, and waits to be taken up again.
    pub(crate) is_lost: Arc<AtomicBool>,
    /// Whether it was told that it cannot tell anything.
    pub(crate) is_unwatched: bool,
}

/// Hooks, for structs that derive `Debug`.
#[derive(Clone)]
pub(crate) struct HooksHandle(pub(crate) Arc<dyn Hooks>);

impl fmt::Debug for HooksHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

impl Feed {
    /// Whether the root was chosen before.
    fn is_met(&self) -> bool {
        self.met.load(Ordering::Relaxed)
    }

    /// Connects where it is not, or anew, and finds the root.
    pub(crate) async fn meeting(&self, keeps_connection: bool) -> Result<Root, Failure> {
        let provider = &*self.provider;
        guarded_call("connect", async {
            match (provider.connection(), &self.credentials) {
                (Some(_), _) if keeps_connection => {}
                (None, Some(credentials)) => {
                    provider.connect(credentials).await?;
                }
                _ => {
                    provider.reconnect().await?;
                }
            }
            let RootPlace { path, oid } = &self.root;
            let (path, id) = (path.as_deref(), oid.as_ref());
            match provider.set_root(path, id, self.create_root).await {
                // Another one stands where ours stood: the engine has to say what it thinks of it.
                Err(failure) if failure.kind() == ErrorKind::Invalid && self.is_met() => {}
                chosen => {
                    chosen?;
                    self.met.store(true, Ordering::Relaxed);
                }
            }
            provider.root().await
        })
        .await
    }
}

impl Observe for Feed {
    fn observe(self: Box<Self>) -> BoxStream<'static, Input> {
        let (sink, mut inputs) = mpsc::channel(16);
        let work = stream::once(self.run(sink)).filter_map(async |()| None);
        let told = stream::poll_fn(move |context| inputs.poll_recv(context));
        stream::select(told, work).boxed()
    }
}

/// Nobody listens any more.
struct Gone;

type Sink = mpsc::Sender<Input>;

impl Feed {
    async fn run(mut self: Box<Self>, sink: Sink) {
        let mut backoff = Backoff::new(Delays::around(self.pause.max(Duration::from_millis(100))));
        let mut cursor = self.resume.take();
        let mut is_first = true;
        loop {
            match self.come_up(&sink, &mut cursor, is_first).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    if self.tell_down(&sink, &failure).await.is_err() {
                        return;
                    }
                    if failure.kind() == ErrorKind::Token && self.authenticate().await {
                        continue;
                    }
                    self.rest(delay(&failure, &mut backoff)).await;
                    continue;
                }
            }
            is_first = false;
            let up_since = Instant::now();
            let Ok(failure) = self.follow(&sink, &mut cursor).await else {
                return;
            };
            if self.tell_down(&sink, &failure).await.is_err() {
                return;
            }
            // A side that comes and goes at once does not get quicker by being asked more often.
            if up_since.elapsed() > Duration::from_secs(10) {
                backoff.clear();
            }
            self.rest(delay(&failure, &mut backoff)).await;
        }
    }

    /// Connects, finds the root, takes a cursor, says so. False: nobody listens.
    async fn come_up(
        &mut self,
        sink: &Sink,
        cursor: &mut Option<Cursor>,
        is_first: bool,
    ) -> Result<bool, Failure> {
        let root = self.meeting(is_first).await?;
        self.alarmed.forget();
        self.is_lost.store(false, Ordering::Relaxed);
        *cursor = match cursor.as_ref() {
            Some(from) if self.feed() == rules::Feed::Resumable => {
                self.catch_up(sink, from).await?
            }
            _ => None,
        };
        match cursor {
            Some(_) => {}
            None if self.feed() == rules::Feed::None => {}
            None if self.feed() == rules::Feed::Volatile && !self.follows => {}
            None => {
                let lost = if is_first && self.will_walk {
                    vec![]
                } else {
                    all_lost()
                };
                match self.start_anew(sink, cursor, lost).await? {
                    Ok(()) => {}
                    Err(Gone) => return Ok(false),
                }
            }
        }
        // Made once; if it is missing later, somebody removed it.
        self.create_root = false;
        let state = SideState::Ready {
            root: root.oid,
            identity: root.identity,
        };
        self.board.tell(Notice::Connected {
            side: self.side,
            root: root.path,
        });
        Ok(sink
            .send(Input::SideState {
                side: self.side,
                state,
            })
            .await
            .is_ok())
    }

    /// Passes on what happened since `from`, so that the engine knows it all before it plans.
    /// `None`: the cursor is too old.
    async fn catch_up(&self, sink: &Sink, from: &Cursor) -> Result<Option<Cursor>, Failure> {
        let latest = poll(&*self.provider, None).await?.cursor;
        let mut cursor = from.clone();
        while latest.as_ref() != Some(&cursor) {
            let told = match timeout(CATCH_UP, poll(&*self.provider, Some(&cursor))).await {
                Ok(Ok(told)) => told,
                Ok(Err(failure)) if failure.kind() == ErrorKind::CursorExpired => return Ok(None),
                Ok(Err(failure)) => return Err(failure),
                Err(_) => break,
            };
            let had_any = !told.events.is_empty();
            cursor = told.cursor.clone().unwrap_or(cursor);
            // Whoever calls notices by the next word that nobody listens.
            let _ = sink.send(self.events(told.events, told.cursor)).await;
            if !had_any {
                break;
            }
        }
        Ok(Some(cursor))
    }

    /// Takes a fresh cursor and passes it on, with what was lost by that. There is none where nothing can be told.
    async fn start_anew(
        &mut self,
        sink: &Sink,
        cursor: &mut Option<Cursor>,
        lost: Vec<Event>,
    ) -> Result<Result<(), Gone>, Failure> {
        let fresh = match poll(&*self.provider, None).await {
            Ok(told) => told,
            Err(failure) if failure.kind() == ErrorKind::Unsupported => {
                self.tell_unwatched(failure);
                Events::default()
            }
            Err(failure) => return Err(failure),
        };
        self.is_unwatched = fresh.cursor.is_none();
        self.is_lost.store(self.is_unwatched, Ordering::Relaxed);
        cursor.clone_from(&fresh.cursor);
        let events: Vec<Event> = lost.into_iter().chain(fresh.events).collect();
        if events.is_empty() && cursor.is_none() {
            return Ok(Ok(()));
        }
        let sent = sink.send(self.events(events, fresh.cursor)).await;
        Ok(sent.map_err(|_| Gone))
    }

    /// Tells once that nothing is told.
    fn tell_unwatched(&self, failure: Failure) {
        if !self.is_unwatched {
            self.board.tell(Notice::Unwatched {
                side: self.side,
                failure,
                look_every: LOOK_EVERY,
            });
        }
    }

    /// Waits until a side that cannot tell what happens on it is to be looked at once more. Returns why it is down.
    async fn unwatched(&mut self) -> Option<Failure> {
        if !self.follows || self.feed() == rules::Feed::None {
            return Some(self.alarmed.raised().await);
        }
        tokio::select! {
            biased;
            failure = self.alarmed.raised() => Some(failure),
            () = sleep(LOOK_EVERY) => None,
            () = self.wake.notified() => None,
        }
    }

    /// Passes events on until the side is down. Returns why it is.
    async fn follow(&mut self, sink: &Sink, cursor: &mut Option<Cursor>) -> Result<Failure, Gone> {
        let mut backoff = Backoff::new(Delays::around(self.pause));
        let mut renewed: Option<Instant> = None;
        loop {
            let Some(from) = cursor.clone() else {
                if let Some(failure) = self.unwatched().await {
                    return Ok(failure);
                }
                match self.start_anew(sink, cursor, all_lost()).await {
                    Ok(sent) => sent?,
                    Err(failure) if takes_side_down(failure.kind()) => return Ok(failure),
                    Err(failure) => {
                        tracing::debug!(side = %self.side, %failure, "the feed failed");
                    }
                }
                continue;
            };
            let asked = Instant::now();
            let told = tokio::select! {
                biased;
                failure = self.alarmed.raised() => return Ok(failure),
                told = poll(&*self.provider, Some(&from)) => told,
            };
            let failure = match told {
                Ok(told) => {
                    backoff.clear();
                    let is_quiet = told.events.is_empty();
                    if told.cursor.is_some() {
                        cursor.clone_from(&told.cursor);
                    }
                    if !is_quiet || told.cursor.as_ref() != Some(&from) {
                        sink.send(self.events(told.events, told.cursor))
                            .await
                            .map_err(|_| Gone)?;
                    }
                    if is_quiet {
                        self.rest(self.pause.saturating_sub(asked.elapsed())).await;
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            if takes_side_down(failure.kind()) {
                return Ok(failure);
            }
            tracing::debug!(side = %self.side, %failure, "the feed failed");
            let wait = delay(&failure, &mut backoff);
            let is_lost =
                failure.kind() == ErrorKind::CursorExpired || self.feed() != rules::Feed::Resumable;
            if !is_lost {
                self.rest(wait).await;
                continue;
            }
            // A new cursor is taken no more often than that, and followed at once: it may get too old as well.
            let waited = match failure.retry() {
                Retry::After(Some(_)) => Duration::ZERO,
                _ => renewed.map_or(wait, |at| at.elapsed()),
            };
            self.is_lost.store(true, Ordering::Relaxed);
            self.rest(wait.saturating_sub(waited)).await;
            renewed = Some(Instant::now());
            // What was lost is told before anything else is.
            loop {
                match self.start_anew(sink, cursor, all_lost()).await {
                    Ok(sent) => {
                        sent?;
                        break;
                    }
                    Err(failure) if takes_side_down(failure.kind()) => return Ok(failure),
                    Err(failure) => self.rest(delay(&failure, &mut backoff)).await,
                }
                if let Some(failure) = self.alarmed.raised().now_or_never() {
                    return Ok(failure);
                }
            }
        }
    }

    /// Asks the application to sign in. Returns whether it did.
    async fn authenticate(&mut self) -> bool {
        let asked = self.hooks.0.authenticate(self.side, &*self.provider);
        match guarded("authenticate", asked).await {
            Ok(Ok(())) => {
                // What it signed in with is what the provider keeps now.
                self.credentials = None;
                return true;
            }
            Ok(Err(error)) => tracing::info!(side = %self.side, %error, "not signed in"),
            Err(_) => {}
        }
        false
    }

    async fn tell_down(&self, sink: &Sink, failure: &Failure) -> Result<(), Gone> {
        let state = SideState::Down(failure.clone());
        sink.send(Input::SideState {
            side: self.side,
            state,
        })
        .await
        .map_err(|_| Gone)
    }

    fn events(&self, events: Vec<Event>, cursor: Option<Cursor>) -> Input {
        Input::Events {
            side: self.side,
            events,
            cursor,
        }
    }

    fn feed(&self) -> rules::Feed {
        self.provider.capabilities().rules.feed
    }

    /// Waits, unless woken.
    async fn rest(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        tokio::select! {
            biased;
            () = sleep(time) => {}
            () = self.wake.notified() => {}
        }
    }
}

async fn poll(provider: &dyn Provider, from: Option<&Cursor>) -> Result<Events, Failure> {
    guarded_call("events", provider.events(from)).await
}

fn all_lost() -> Vec<Event> {
    vec![Event::Lost {
        path: String::new(),
    }]
}

/// How long to wait after a failure: as the failure says, else as the backoff says.
fn delay(failure: &Failure, backoff: &mut Backoff) -> Duration {
    let own = backoff.failed();
    match failure.retry() {
        Retry::After(Some(time)) => time.max(own),
        _ => own,
    }
}

#[cfg(test)]
mod tests;
