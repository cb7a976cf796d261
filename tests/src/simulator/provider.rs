//! A client of a service, among faults: every call can be late, fail, lie in small things, or be the
//! last one of this life.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cloudsync::provider::mock::{Call, MockProvider};
use cloudsync::provider::{
    Capabilities, Connection, Content, ContentHash, Credentials, Cursor, Error, ErrorKind, Event,
    Events, Found, HashKind, Listing, Namespace, ObjectRef, Observed, Oid, Page, Provider, Quota,
    Result, Retry, Root, Tag, Target, WriteRequest, Written,
};
use cloudsync::{Attributes, Kind as ObjectKind, Side};
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::faults::Kind;
use super::life::Life;

/// A client among faults.
#[derive(Debug)]
pub(super) struct Hostile {
    life: Arc<Life>,
    side: Side,
    client: MockProvider,
    /// Events that come late.
    late: Mutex<Vec<Event>>,
}

impl Hostile {
    pub(super) fn new(life: Arc<Life>, side: Side, client: MockProvider) -> Self {
        Self {
            life,
            side,
            client,
            late: Mutex::default(),
        }
    }

    /// Makes a call: its time, its faults, its end of the world.
    async fn call<T>(
        &self,
        call: Call,
        path: &str,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.call_with(call, path, |_| work).await
    }

    /// As [`Self::call`], for those whose answers are spoilt too.
    async fn call_with<T, F>(
        &self,
        call: Call,
        path: &str,
        work: impl FnOnce(Option<Kind>) -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let (sim, side) = (&self.life.sim, self.side);
        if !sim.step(Some(side), Some(call)) {
            return std::future::pending().await;
        }
        self.life.point("crash before a call").await;
        self.take_time().await;
        let fault = sim.hit(|kind| kind.hits(call));
        let answer = match self.strike(fault, call, path).await {
            Err(error) => Err(error),
            Ok(()) => work(fault).await,
        };
        if call.is_operation() {
            sim.check_alive(format_args!("{side} {call} {path}"));
        }
        match &answer {
            Ok(_) => sim.note(format_args!("{side} {call} {path:?}")),
            Err(error) => {
                sim.note(format_args!("{side} {call} {path:?}: {error}"));
                if error.kind() == ErrorKind::PreconditionFailed {
                    sim.count("precondition failed");
                }
            }
        }
        self.life.point("crash after a call").await;
        self.take_time().await;
        if fault == Some(Kind::ReplyLost) {
            sim.lock().is_unsure |= call.is_operation();
            return Err(Self::error(ErrorKind::Unavailable, call, path));
        }
        answer
    }

    /// Takes as long as the schedule says.
    async fn take_time(&self) {
        let sim = &self.life.sim;
        let most = sim.setup.latency;
        if most == 0 {
            return;
        }
        let drawn = sim.draw_schedule(usize::try_from(most).unwrap_or(0) + 2);
        match u64::try_from(drawn).unwrap_or(0) {
            0 => {}
            1 => tokio::task::yield_now().await,
            time => sleep(Duration::from_millis(time - 1)).await,
        }
    }

    fn error(kind: ErrorKind, call: Call, path: &str) -> Error {
        Error::new(kind, call.name()).with_object(path)
    }

    /// Lets a fault happen that a call begins with. An error: it ends with it, too.
    async fn strike(&self, fault: Option<Kind>, call: Call, path: &str) -> Result<()> {
        let (sim, side) = (&self.life.sim, self.side);
        if let Some(below) = sim.lock().forbidden[side].clone()
            && (path == below || path.starts_with(&format!("{below}/")))
            && Kind::Forbidden.hits(call)
        {
            return Err(Self::error(ErrorKind::PermissionDenied, call, path));
        }
        let Some(fault) = fault else { return Ok(()) };
        sim.note(format_args!("{side} {call} {path:?}: {}", fault.name()));
        let kind = match fault {
            Kind::Fails => ErrorKind::Unavailable,
            Kind::Garbage => ErrorKind::Unexpected,
            Kind::NoSpace => ErrorKind::OutOfSpace,
            Kind::RateLimited => {
                let wait = Duration::from_secs(1 + sim.draw_fault(300) as u64);
                let error = Self::error(ErrorKind::RateLimited, call, path);
                let error = error.with_retry(Retry::After(Some(wait)));
                return Err(error.with_did_nothing(true));
            }
            Kind::TokenBad => {
                sim.services[side].set_tokens_good(false);
                return Ok(());
            }
            Kind::ConnectionLost => {
                self.client.break_connection();
                ErrorKind::Disconnected
            }
            Kind::Away => {
                let service = sim.services[side].clone();
                service.set_online(false);
                let time = Duration::from_secs(1 + sim.draw_fault(100) as u64);
                tokio::spawn(async move {
                    sleep(time).await;
                    service.set_online(true);
                });
                ErrorKind::Disconnected
            }
            Kind::Forbidden if !path.is_empty() => {
                sim.lock().forbidden[side] = Some(path.to_owned());
                ErrorKind::PermissionDenied
            }
            // A quiet panic: the hook that prints is not called.
            Kind::Panics => {
                // Of many writes in one call, the answers of those before go with it.
                sim.lock().is_unsure |= call.is_operation();
                std::panic::resume_unwind(Box::new("as told"))
            }
            Kind::Slow => {
                let time = Duration::from_secs(1 + sim.draw_fault(60) as u64);
                sim.slow_until(Instant::now() + time);
                sleep(time).await;
                return Ok(());
            }
            _ => return Ok(()),
        };
        sim.lock().has_failed |= call.is_operation() || call == Call::Read;
        Err(Self::error(kind, call, path))
    }

    /// Spoils what a feed told.
    fn spoil(&self, mut told: Events) -> Events {
        let sim = &self.life.sim;
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Vec::new();
        if !told.events.is_empty() {
            events.append(&mut late);
        }
        for event in told.events {
            match sim.hit(|kind| kind.hits_events() && !ends_feed(kind)) {
                Some(Kind::EventLost) => {}
                Some(Kind::EventLate) => late.push(event),
                Some(Kind::EventTwice) => events.extend([event.clone(), event]),
                Some(Kind::EventsMixed) => events.insert(0, event),
                _ => events.push(event),
            }
        }
        sim.note(format_args!("{} told {events:?}", self.side));
        told.events = events;
        told
    }
}

/// Whether it is a fault of the whole feed, not of an event.
fn ends_feed(kind: Kind) -> bool {
    matches!(kind, Kind::CursorExpired | Kind::FeedSilent)
}

fn spoil_listing(listing: Listing, fault: Option<Kind>, sim: &super::sim::Sim) -> Listing {
    let keep = match fault {
        Some(Kind::ListingCut) => sim.draw_fault(listing.len() + 1),
        Some(Kind::ListedTwice | Kind::HashMissing) => listing.len(),
        _ => return listing,
    };
    let mut spoilt = Listing::new(listing.folder.clone());
    let times = if fault == Some(Kind::ListedTwice) {
        2
    } else {
        1
    };
    for _ in 0..times {
        for (name, seen) in listing.iter().take(keep) {
            let mut seen = seen.clone();
            if fault == Some(Kind::HashMissing) {
                seen.hash = None;
            }
            spoilt.push(name, seen);
        }
    }
    spoilt.skipped.clone_from(&listing.skipped);
    if fault != Some(Kind::ListingCut) {
        spoilt.end = listing.end;
    }
    spoilt
}

fn spoil_content(content: Content, fault: Option<Kind>) -> Content {
    let Some(fault @ (Kind::ReadCut | Kind::ReadShort)) = fault else {
        return content;
    };
    let first = content.into_stream().take(1);
    let end: Option<Result<Bytes>> =
        (fault == Kind::ReadCut).then(|| Err(Error::new(ErrorKind::Unavailable, "read")));
    Content::Stream(first.chain(stream::iter(end)).boxed())
}

#[async_trait]
impl Provider for Hostile {
    fn name(&self) -> &'static str {
        self.client.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.client.capabilities()
    }

    async fn connect(&self, credentials: &Credentials) -> Result<Connection> {
        self.call(Call::Connect, "", self.client.connect(credentials))
            .await
    }

    async fn reconnect(&self) -> Result<Connection> {
        self.call(Call::Connect, "", self.client.reconnect()).await
    }

    async fn disconnect(&self) {
        self.client.disconnect().await;
    }

    fn connection(&self) -> Option<Connection> {
        self.client.connection()
    }

    async fn set_root(&self, path: Option<&str>, id: Option<&Oid>, create: bool) -> Result<Root> {
        let work = self.client.set_root(path, id, create);
        self.call(Call::SetRoot, "", work).await
    }

    async fn root(&self) -> Result<Root> {
        self.call(Call::Root, "", self.client.root()).await
    }

    async fn info(&self, at: &ObjectRef) -> Result<Option<Found>> {
        self.call_with(Call::Info, &at.path, |fault| async move {
            let mut found = self.client.info(at).await?;
            if fault == Some(Kind::HashMissing)
                && let Some(Found {
                    observed: Some(seen),
                    ..
                }) = &mut found
            {
                seen.hash = None;
            }
            let is_lied = fault == Some(Kind::NotFound) && !at.is_root();
            Ok(found.filter(|_| !is_lied))
        })
        .await
    }

    async fn list(
        &self,
        folder: &ObjectRef,
        page: Option<Page>,
    ) -> Result<(Listing, Option<Page>)> {
        self.call_with(Call::List, &folder.path, |fault| async move {
            let (listing, next) = self.client.list(folder, page).await?;
            let next = next.filter(|_| fault != Some(Kind::ListingCut));
            Ok((spoil_listing(listing, fault, &self.life.sim), next))
        })
        .await
    }

    async fn read(&self, at: &ObjectRef, expect: &Tag) -> Result<Content> {
        self.call_with(Call::Read, &at.path, |fault| async move {
            let content = self.client.read(at, expect).await?;
            Ok(spoil_content(content, fault))
        })
        .await
    }

    async fn write(&self, request: WriteRequest) -> Result<Written> {
        let path = request.target.path();
        self.call(Call::Write, &path, self.client.write(request))
            .await
    }

    async fn create_folder(&self, target: &Target, attributes: Attributes) -> Result<Observed> {
        let work = self.client.create_folder(target, attributes);
        self.call(Call::CreateFolder, &target.path(), work).await
    }

    async fn rename(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        target: &Target,
    ) -> Result<Observed> {
        let work = self.client.rename(at, expect, target);
        let sim = &self.life.sim;
        let paths = [at.path.clone(), target.path()];
        sim.lock().moved.extend(paths);
        let moved = self.call(Call::Rename, &at.path, work).await;
        sim.note(format_args!("  renamed to {:?}", target.path()));
        moved
    }

    async fn delete(&self, at: &ObjectRef, kind: ObjectKind, expect: Option<&Tag>) -> Result<()> {
        let sim = &self.life.sim;
        let work = async {
            let is_needless = sim.is_needless(self.side, &at.path);
            let done = self.client.delete(at, kind, expect).await;
            if is_needless && done.is_ok() {
                let how = format!("{} {} is deleted", self.side, at.path);
                sim.violate("I15 nobody deleted that", how);
            }
            done
        };
        self.call(Call::Delete, &at.path, work).await
    }

    async fn set_attributes(
        &self,
        at: &ObjectRef,
        expect: Option<&Tag>,
        attributes: Attributes,
    ) -> Result<Observed> {
        let work = self.client.set_attributes(at, expect, attributes);
        self.call(Call::SetAttributes, &at.path, work).await
    }

    async fn hash(&self, at: &ObjectRef, expect: &Tag, kind: HashKind) -> Result<ContentHash> {
        let work = self.client.hash(at, expect, kind);
        self.call(Call::Hash, &at.path, work).await
    }

    async fn events(&self, from: Option<&Cursor>) -> Result<Events> {
        let sim = &self.life.sim;
        self.life.point("crash before a call").await;
        if !sim.step(Some(self.side), None) {
            return std::future::pending().await;
        }
        let fault = sim.hit(|kind| ends_feed(kind) || kind == Kind::Fails);
        if let Some(fault) = fault {
            sim.note(format_args!("{} events: {}", self.side, fault.name()));
        }
        match fault {
            Some(Kind::Fails) => return Err(Error::new(ErrorKind::Unavailable, "events")),
            Some(Kind::CursorExpired) if from.is_some() => {
                return Err(Error::new(ErrorKind::CursorExpired, "events"));
            }
            Some(Kind::FeedSilent) => {
                while sim.lock().is_hostile {
                    sleep(Duration::from_secs(5)).await;
                }
            }
            _ => {}
        }
        let told = self.client.events(from).await;
        self.life.point("crash after a call").await;
        told.map(|told| self.spoil(told))
    }

    async fn flush(&self) -> Result<()> {
        self.call(Call::Flush, "", self.client.flush()).await
    }

    async fn quota(&self) -> Result<Quota> {
        self.client.quota().await
    }

    async fn authenticate(&self) -> Result<Credentials> {
        self.call(Call::Authenticate, "", self.client.authenticate())
            .await
    }

    async fn namespaces(&self) -> Result<Vec<Namespace>> {
        self.client.namespaces().await
    }

    async fn set_namespace(&self, id: &str) -> Result<()> {
        self.client.set_namespace(id).await
    }
}
