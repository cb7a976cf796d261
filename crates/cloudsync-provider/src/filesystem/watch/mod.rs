//! Tells what changes while somebody watches: the queue of hints, and the cursor through it.
//!
//! The hints come from the platform's service: see [`inotify`]. What it reports of names of ours, and
//! of reading, is not reported on. A watcher is volatile: its cursors end with it.

mod inotify;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::{Cursor, Error, ErrorKind, Event, Events, Result};

use super::disk::Disk;
use super::look::now;

/// How long hints are collected before they are told, so that one act of a program is one batch.
const TOGETHER: Duration = Duration::from_millis(5);

/// Hints that wait; with more, everything is looked at instead.
const LIMIT: usize = 100_000;

/// A running watcher.
#[derive(Debug)]
pub(super) struct Watcher {
    queue: Arc<Queue>,
    service: inotify::Service,
}

impl Watcher {
    /// Watches everything below the root. From the return on, nothing is missed.
    pub(super) fn start(disk: &Disk) -> Result<Self> {
        let queue = Arc::new(Queue::new());
        let service = inotify::Service::start(disk, Arc::clone(&queue))?;
        Ok(Self { queue, service })
    }

    /// Returns the cursor before the first hint.
    pub(super) fn cursor(&self) -> Cursor {
        self.queue.cursor(self.queue.lock().next)
    }

    /// Waits for hints after `from`. What was told and not followed up is told again.
    ///
    /// # Cancel safety
    /// A hint is gone only when a later cursor comes back.
    pub(super) async fn events(&self, from: &Cursor) -> Result<Events> {
        let from = self.queue.position(from)?;
        self.queue.wait(from).await?;
        tokio::time::sleep(TOGETHER).await;
        self.queue.take(from)
    }

    /// Ends the watcher; whoever waits hears that the cursor is no longer valid.
    pub(super) fn stop(&self) {
        self.service.stop();
        self.queue
            .fail(Error::new(ErrorKind::CursorExpired, "events"));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Hints that wait to be told.
#[derive(Debug)]
struct Queue {
    /// Tells this watcher's cursors from those of others.
    id: u64,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Hints that were told, until a later cursor says that they arrived.
    told: Vec<Event>,
    /// The cursor before and after the told ones.
    base: u64,
    next: u64,
    waiting: Vec<Event>,
    known: HashSet<Event>,
    failed: Option<Error>,
}

impl Queue {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = now().cast_unsigned() ^ (COUNT.fetch_add(1, Ordering::Relaxed) << 48);
        Self {
            id,
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cursor(&self, position: u64) -> Cursor {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.id.to_be_bytes());
        bytes[8..].copy_from_slice(&position.to_be_bytes());
        Cursor::new(bytes)
    }

    /// Returns where a cursor of this watcher stands.
    fn position(&self, cursor: &Cursor) -> Result<u64> {
        let expired = || Error::new(ErrorKind::CursorExpired, "events");
        let (id, position) = cursor.as_bytes().split_at_checked(8).ok_or_else(expired)?;
        let position = position
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| expired())?;
        let state = self.lock();
        let known = id == self.id.to_be_bytes() && (state.base..=state.next).contains(&position);
        if known { Ok(position) } else { Err(expired()) }
    }

    /// Adds a hint, unless it waits already.
    fn push(&self, event: Event) {
        let mut state = self.lock();
        if state.known.contains(&event) {
            return;
        }
        if state.waiting.len() >= LIMIT {
            state.waiting.clear();
            state.known.clear();
            let all = Event::Lost {
                path: String::new(),
            };
            state.known.insert(all.clone());
            state.waiting.push(all);
        }
        if state.known.insert(event.clone()) {
            state.waiting.push(event);
        }
        drop(state);
        self.wake.notify_waiters();
    }

    /// Ends the queue: what waits is still told, then this.
    fn fail(&self, error: Error) {
        self.lock().failed.get_or_insert(error);
        self.wake.notify_waiters();
    }

    async fn wait(&self, from: u64) -> Result<()> {
        loop {
            let woken = self.wake.notified();
            let mut woken = std::pin::pin!(woken);
            woken.as_mut().enable();
            {
                let state = self.lock();
                if !state.waiting.is_empty() || (from < state.next && !state.told.is_empty()) {
                    return Ok(());
                }
                if let Some(error) = &state.failed {
                    return Err(error.clone());
                }
            }
            woken.await;
        }
    }

    fn take(&self, from: u64) -> Result<Events> {
        let mut state = self.lock();
        if !(state.base..=state.next).contains(&from) {
            return Err(Error::new(ErrorKind::CursorExpired, "events"));
        }
        if from == state.next {
            state.told.clear();
            state.base = from;
        }
        let waiting = std::mem::take(&mut state.waiting);
        state.known.clear();
        state.told.extend(waiting);
        state.next += 1;
        Ok(Events {
            events: state.told.clone(),
            cursor: Some(self.cursor(state.next)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str) -> Event {
        Event::Changed {
            oid: None,
            path: Some(path.into()),
        }
    }

    #[test]
    fn what_was_told_is_told_again_until_a_later_cursor_comes() {
        let queue = Queue::new();
        queue.push(changed("a"));
        queue.push(changed("a"));
        let first = queue.take(0).expect("events");
        assert_eq!(first.events, [changed("a")]);
        queue.push(changed("b"));
        let again = queue.take(0).expect("events");
        assert_eq!(again.events, [changed("a"), changed("b")]);
        let cursor = again.cursor.expect("cursor");
        let from = queue.position(&cursor).expect("position");
        queue.push(changed("a"));
        assert_eq!(queue.take(from).expect("events").events, [changed("a")]);
        let error = queue
            .position(&first.cursor.expect("cursor"))
            .expect_err("old");
        assert_eq!(error.kind(), ErrorKind::CursorExpired);
    }

    #[test]
    fn cursors_of_others_are_expired() {
        let queue = Queue::new();
        for cursor in [Queue::new().cursor(0), Cursor::new("x"), queue.cursor(1)] {
            let error = queue.position(&cursor).expect_err("not ours");
            assert_eq!(error.kind(), ErrorKind::CursorExpired);
        }
    }

    #[test]
    fn too_many_hints_become_one() {
        let queue = Queue::new();
        for number in 0..=LIMIT {
            queue.push(changed(&number.to_string()));
        }
        let all = Event::Lost {
            path: String::new(),
        };
        assert_eq!(
            queue.take(0).expect("events").events,
            [all, changed(&LIMIT.to_string())]
        );
    }
}
