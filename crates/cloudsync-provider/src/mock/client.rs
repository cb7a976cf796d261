//! One client of a mocked service: its session, its root, and the gate that every call goes through.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloudsync_core::rules::Identity;

use super::calls::{Call, CallLog};
use super::faults::{Fault, Faults};
use super::random::mix;
use super::service::MockService;
use super::state::State;
use super::store::Id;
use crate::{Credentials, Error, ErrorKind, Result, Root};

/// A client of a [`MockService`]. Clones are handles on the same client.
#[derive(Clone)]
pub struct MockProvider(Arc<Client>);

struct Client {
    service: MockService,
    number: u64,
    session: Mutex<Session>,
    faults: Faults,
    log: Mutex<CallLog>,
}

#[derive(Default)]
pub(super) struct Session {
    pub(super) credentials: Credentials,
    /// The account connected to first.
    pub(super) account: Option<String>,
    /// Number of the session, while connected.
    pub(super) open: Option<u64>,
    pub(super) namespace: String,
    pub(super) root: Option<ChosenRoot>,
}

/// The root as it was chosen: with ids it is an object wherever it is, without, a place.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum ChosenRoot {
    Object(Id),
    Path(String),
}

/// A call that was let through.
pub(super) struct Ticket {
    pub(super) call: Call,
    pub(super) fault: Option<Fault>,
}

impl MockProvider {
    pub(super) fn new(service: MockService, number: u64) -> Self {
        let seed = mix(service.lock().config.seed) ^ number;
        let (session, log) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Client {
            service,
            number,
            session,
            faults: Faults::new(seed),
            log,
        }))
    }

    /// Returns the service.
    pub fn service(&self) -> &MockService {
        &self.0.service
    }

    /// Returns the switches for what is to go wrong in this client's calls.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Returns what was asked of this client so far.
    pub fn log(&self) -> CallLog {
        self.log_mut().clone()
    }

    /// Returns what was asked of this client since it was last taken.
    pub fn take_log(&self) -> CallLog {
        std::mem::take(&mut *self.log_mut())
    }

    /// Breaks the connection, as the net does.
    pub fn break_connection(&self) {
        self.session().open = None;
        self.service().news();
    }

    pub(super) fn number(&self) -> u64 {
        self.0.number
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Session> {
        self.0
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log_mut(&self) -> MutexGuard<'_, CallLog> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call in, or not: notes it, takes half its time, asks for the session, draws its fault.
    pub(super) async fn enter(&self, call: Call, path: &str) -> Result<Ticket> {
        let ticket = self.enter_offline(call, path).await?;
        self.check_session(call)?;
        Ok(ticket)
    }

    /// As [`Self::enter`], for calls that need no session.
    pub(super) async fn enter_offline(&self, call: Call, path: &str) -> Result<Ticket> {
        self.log_mut().add(call, path);
        self.pause().await;
        let rates = self.service().lock().config.rates;
        let fault = self.faults().draw(call, path, rates);
        match fault {
            Some(Fault::Fail(kind)) => Err(Error::new(kind, call.name())
                .with_object(path)
                .with_detail("as told")),
            Some(Fault::Disconnect) => {
                self.break_connection();
                Err(Error::new(ErrorKind::Disconnected, call.name()).with_object(path))
            }
            _ => Ok(Ticket { call, fault }),
        }
    }

    /// Lets a call's answer out, or loses it, after the other half of its time.
    pub(super) async fn leave<T>(&self, ticket: Ticket, answer: Result<T>) -> Result<T> {
        self.pause().await;
        if ticket.fault == Some(Fault::LoseReply) {
            let lost = Error::new(ErrorKind::Unavailable, ticket.call.name());
            return Err(lost.with_detail("the reply was lost"));
        }
        answer
    }

    /// Answers a call that changes nothing.
    pub(super) async fn query<T>(
        &self,
        call: Call,
        path: &str,
        look: impl FnOnce(&State) -> Result<T>,
    ) -> Result<T> {
        let ticket = self.enter(call, path).await?;
        let answer = look(&self.service().lock());
        self.leave(ticket, answer).await
    }

    pub(super) fn check_session(&self, call: Call) -> Result<u64> {
        let (online, tokens_good) = {
            let state = self.service().lock();
            (state.online, state.tokens_good)
        };
        let mut session = self.session();
        if !online {
            session.open = None;
        }
        let open = session
            .open
            .ok_or_else(|| Error::new(ErrorKind::Disconnected, call.name()))?;
        if !tokens_good {
            return Err(Error::new(ErrorKind::Token, call.name()));
        }
        Ok(open)
    }

    /// The folder that is the root now.
    pub(super) fn root_id(&self, state: &State, call: Call) -> Result<Id> {
        let session = self.session();
        let chosen = session.root.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, call.name()).with_detail("no root was chosen")
        })?;
        let found = match chosen {
            ChosenRoot::Object(id) => Some(*id),
            ChosenRoot::Path(path) => {
                let top = state.roots.get(&session.namespace);
                top.and_then(|top| state.store.at(*top, path, &state.config.names))
            }
        };
        found
            .filter(|id| {
                state
                    .store
                    .get(*id)
                    .is_some_and(|node| node.children().is_some())
            })
            .ok_or_else(|| Error::new(ErrorKind::RootMissing, call.name()))
    }

    /// The root as clients are told of it.
    pub(super) fn describe_root(&self, state: &State, id: Id) -> Root {
        let oid = state.oid(id);
        let path = format!(
            "/{}",
            state
                .store
                .place(id)
                .as_ref()
                .map_or("", |place| place.path())
        );
        let session = self.session();
        let account = session.account.as_deref().unwrap_or_default();
        let what = match state.config.identity {
            Identity::Stable => format!("{oid:?}"),
            Identity::Path => path.clone(),
        };
        let identity = format!("mock:{account}:{}:{what}", session.namespace);
        Root {
            oid,
            path,
            identity,
        }
    }

    pub(super) async fn pause(&self) {
        let (latency, latency_jitter) = {
            let config = &self.service().lock().config;
            (config.latency, config.latency_jitter)
        };
        let jitter = u64::try_from(latency_jitter.as_nanos()).unwrap_or(u64::MAX);
        let all = latency + Duration::from_nanos(self.faults().below(jitter));
        if !all.is_zero() {
            tokio::time::sleep(all / 2).await;
        }
    }
}

impl fmt::Debug for MockProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MockProvider({})", self.0.number)
    }
}
