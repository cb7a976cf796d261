//! The stream of events of a mocked service: late, lost, doubled and out of order as configured,
//! with cursors that expire.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use cloudsync_core::rules::{Feed as FeedKind, Identity};

use super::config::{EventShape, MockConfig};
use super::random::Random;
use super::store::{Id, Place};
use crate::{Cursor, Event, Oid};

/// Something that happened, as each client is told it in its own terms.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    /// The client that did it; `None` for a user.
    pub(super) by: Option<u64>,
    pub(super) oid: Option<Oid>,
    pub(super) before: Option<Place>,
    pub(super) after: Option<Place>,
    pub(super) is_folder: bool,
    /// Whether events were lost below the place instead.
    pub(super) lost: bool,
}

#[derive(Debug, Default)]
pub(super) struct Feed {
    /// Not told yet: by when, and in what order.
    queue: BTreeMap<(Duration, u64, u64), Happening>,
    told: VecDeque<Happening>,
    /// The position of the first in `told`.
    start: u64,
    /// Counts up when all cursors expire.
    epoch: u64,
    count: u64,
}

impl Feed {
    pub(super) fn push(
        &mut self,
        happening: &Happening,
        now: Duration,
        config: &MockConfig,
        random: &mut Random,
    ) {
        let events = &config.events;
        if config.feed == FeedKind::None || random.chance(events.loss_per_mille) {
            return;
        }
        let times = if random.chance(events.duplicate_per_mille) {
            2
        } else {
            1
        };
        for _ in 0..times {
            let jitter = u64::try_from(events.delay_jitter.as_nanos()).unwrap_or(u64::MAX);
            let due = now + events.delay + Duration::from_nanos(random.below(jitter));
            self.count += 1;
            let ahead = if random.chance(events.reorder_per_mille) {
                random.below(8)
            } else {
                0
            };
            self.queue
                .insert((due, self.count + ahead, self.count), happening.clone());
        }
    }

    /// Tells what is due by `now`. Returns how long it is until the next.
    pub(super) fn tell_due(&mut self, now: Duration, history: usize) -> Option<Duration> {
        while let Some(next) = self.queue.first_entry() {
            let due = next.key().0;
            if due > now {
                return Some(due.saturating_sub(now));
            }
            self.told.push_back(next.remove());
            if self.told.len() > history {
                self.told.pop_front();
                self.start += 1;
            }
        }
        None
    }

    /// Tells everything now, however late it should have been.
    pub(super) fn tell_all(&mut self, history: usize) {
        self.tell_due(Duration::MAX, history);
    }

    pub(super) fn expire(&mut self) {
        self.epoch += 1;
        self.start += self.told.len() as u64;
        self.told.clear();
    }

    /// The cursor after all that was told. A volatile feed's is only good for `session`.
    pub(super) fn end(&self, session: u64) -> Cursor {
        self.cursor(session, self.start + self.told.len() as u64)
    }

    pub(super) fn cursor(&self, session: u64, position: u64) -> Cursor {
        Cursor::new(format!("{:x}.{session:x}.{position:x}", self.epoch))
    }

    /// Where a cursor points to, if it is still good.
    pub(super) fn position(&self, cursor: &Cursor, session: u64) -> Option<u64> {
        let text = std::str::from_utf8(cursor.as_bytes()).ok()?;
        let mut parts = text
            .split('.')
            .map(|part| u64::from_str_radix(part, 16).ok());
        let (epoch, of, position) = (parts.next()??, parts.next()??, parts.next()??);
        let end = self.start + self.told.len() as u64;
        let good = epoch == self.epoch && of == session && (self.start..=end).contains(&position);
        good.then_some(position)
    }

    /// What was told from `position` on.
    pub(super) fn since(&self, position: u64) -> impl Iterator<Item = &Happening> {
        let skip = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        self.told.iter().skip(skip)
    }
}

impl Happening {
    /// What a client with that root is told of it: up to three events, none for what is outside.
    pub(super) fn tell(&self, client: u64, root: Id, config: &MockConfig, to: &mut Vec<Event>) {
        if self.by == Some(client) && !config.events.own_changes {
            return;
        }
        let below = |place: &Option<Place>| {
            place
                .as_ref()
                .and_then(|place| place.below(root))
                .map(str::to_owned)
        };
        let (before, after) = (below(&self.before), below(&self.after));
        let by_path = config.identity == Identity::Path
            || !config.id_lookup
            || config.events.shape == EventShape::PathOnly;
        if self.lost {
            to.extend(after.map(|path| Event::Lost { path }));
        } else if by_path {
            // Without an id that can be asked for, a move is told at both places.
            if before != after {
                to.extend(before.clone().map(|path| Event::Changed {
                    oid: None,
                    path: Some(path),
                }));
            }
            let moved = self.is_folder && before.is_some() && before != after;
            let lost = after.clone().filter(|_| moved);
            to.extend(after.map(|path| Event::Changed {
                oid: None,
                path: Some(path),
            }));
            to.extend(lost.map(|path| Event::Lost { path }));
        } else if let Some(path) = after.or(before) {
            let shape = config.events.shape;
            to.push(Event::Changed {
                oid: self.oid.clone(),
                path: Some(path).filter(|_| shape != EventShape::OidOnly),
            });
        }
    }
}
