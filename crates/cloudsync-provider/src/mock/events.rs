//! How a mocked client waits for events.

use std::time::Duration;

use tokio::time::Instant;

use super::calls::Call;
use super::client::MockProvider;
use crate::{Cursor, Error, ErrorKind, Events, Feed, Result};

impl MockProvider {
    /// Waits until there is something to tell, or for as long as the service lets one wait.
    pub(super) async fn next_events(&self, from: Option<&Cursor>) -> Result<Events> {
        let long_poll = {
            let config = &self.service().lock().config;
            if config.feed == Feed::None {
                return Err(Error::new(ErrorKind::Unsupported, "events"));
            }
            config.events.long_poll
        };
        let deadline = Instant::now() + long_poll;
        loop {
            let news = self.service().wait_for_news();
            let session = self.check_session(Call::Events)?;
            let (told, next) = self.events_now(from, session)?;
            if from.is_none() || !told.events.is_empty() || Instant::now() >= deadline {
                return Ok(told);
            }
            let until = next.map_or(deadline, |next| deadline.min(Instant::now() + next));
            // Woken or not, it looks again.
            let _ = tokio::time::timeout_at(until, news).await;
        }
    }

    /// What there is to tell, and how long it is until there is more.
    fn events_now(
        &self,
        from: Option<&Cursor>,
        session: u64,
    ) -> Result<(Events, Option<Duration>)> {
        let mut state = self.service().lock();
        let (now, history) = (state.now(), state.config.events.history);
        let next = state.feed.tell_due(now, history);
        // Only a volatile feed's cursors die with the session.
        let session = if state.config.feed == Feed::Volatile {
            session
        } else {
            0
        };
        let Some(from) = from else {
            let cursor = Some(state.feed.end(session));
            return Ok((
                Events {
                    events: Vec::new(),
                    cursor,
                },
                None,
            ));
        };
        let expired = || Error::new(ErrorKind::CursorExpired, "events");
        let mut position = state.feed.position(from, session).ok_or_else(expired)?;
        let root = self.root_id(&state, Call::Events)?;
        let mut events = Vec::new();
        for happening in state.feed.since(position) {
            if events.len() >= state.config.events.per_call.max(1) {
                break;
            }
            position += 1;
            happening.tell(self.number(), root, &state.config, &mut events);
        }
        Ok((
            Events {
                events,
                cursor: Some(state.feed.cursor(session, position)),
            },
            next,
        ))
    }
}
