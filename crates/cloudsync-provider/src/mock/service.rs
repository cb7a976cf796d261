//! The handle on a mocked service: makes clients and users, turns its screws.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::client::MockProvider;
use super::config::MockConfig;
use super::state::State;
use super::user::User;

/// A mocked service: the cloud itself, that clients and users come to. Clones are handles on the same.
#[derive(Clone)]
pub struct MockService(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when there may be events.
    news: Notify,
}

impl MockService {
    /// Starts a service with nothing in it.
    pub fn new(config: MockConfig) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State::new(config)),
            news: Notify::new(),
        }))
    }

    /// Makes a client that has yet to connect and choose its root.
    pub fn client(&self) -> MockProvider {
        let number = {
            let mut state = self.lock();
            state.clients += 1;
            state.clients
        };
        MockProvider::new(self.clone(), number)
    }

    /// Makes a user, who sees the whole default namespace.
    pub fn user(&self) -> User {
        User::new(self.clone(), "", "")
    }

    /// Makes a user whose paths start at the folder `path`.
    pub fn user_at(&self, path: &str) -> User {
        User::new(self.clone(), "", path)
    }

    /// Makes a user of another namespace.
    pub fn user_in(&self, namespace: &str) -> User {
        User::new(self.clone(), namespace, "")
    }

    /// Changes what the service is like while it runs.
    pub fn configure(&self, change: impl FnOnce(&mut MockConfig)) {
        change(&mut self.lock().config);
        self.news();
    }

    /// Returns what the service is like.
    pub fn config(&self) -> MockConfig {
        self.lock().config.clone()
    }

    /// Ends all chance: from now on no call fails, no event is lost, late, doubled or out of order,
    /// and those that are under way are told at once. What was lost stays lost.
    pub fn heal(&self) {
        {
            let mut state = self.lock();
            state.config.rates = super::FaultRates::default();
            let events = &mut state.config.events;
            events.delay = Duration::ZERO;
            events.delay_jitter = Duration::ZERO;
            events.loss_per_mille = 0;
            events.duplicate_per_mille = 0;
            events.reorder_per_mille = 0;
            state.online = true;
            state.tokens_good = true;
        }
        self.tell_events();
    }

    /// Tells all events that are under way, however late they should have been.
    pub fn tell_events(&self) {
        {
            let mut state = self.lock();
            let history = state.config.events.history;
            state.feed.tell_all(history);
        }
        self.news();
    }

    /// Makes every cursor given so far expire.
    pub fn expire_cursors(&self) {
        self.lock().feed.expire();
        self.news();
    }

    /// Takes the service off the net, or puts it back. Off the net, all calls answer
    /// [`crate::ErrorKind::Disconnected`], connecting too.
    pub fn set_online(&self, online: bool) {
        self.lock().online = online;
        self.news();
    }

    /// Makes all credentials bad, or good again. Calls answer [`crate::ErrorKind::Token`].
    pub fn set_tokens_good(&self, good: bool) {
        self.lock().tokens_good = good;
        self.news();
    }

    /// Adds an account that clients can connect as (credentials `account` = `name`). There is `mock`.
    pub fn add_account(&self, name: &str) {
        self.lock().accounts.insert(name.to_owned());
    }

    /// Sets how many bytes all files together may have.
    pub fn set_quota(&self, bytes: Option<u64>) {
        self.lock().config.quota_bytes = bytes;
    }

    /// Returns the bytes of all files together.
    pub fn used_bytes(&self) -> u64 {
        self.lock().store.used_bytes()
    }

    /// Returns the service's clock, nanoseconds since 1970. Each write moves it by a millisecond.
    pub fn time(&self) -> i64 {
        self.lock().clock()
    }

    /// Sets the service's clock, nanoseconds since 1970. It may go back.
    pub fn set_time(&self, ns: i64) {
        self.lock().set_clock(ns);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all who wait for events.
    pub(super) fn news(&self) {
        self.0.news.notify_waiters();
    }

    pub(super) fn wait_for_news(&self) -> tokio::sync::futures::Notified<'_> {
        self.0.news.notified()
    }
}

impl Default for MockService {
    fn default() -> Self {
        Self::new(MockConfig::default())
    }
}

impl fmt::Debug for MockService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MockService")
    }
}
