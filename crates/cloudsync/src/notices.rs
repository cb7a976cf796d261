//! What an application hears, and how: a bounded broadcast that never holds up the engine.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use cloudsync_core::failure::Failure;
use cloudsync_core::notice::Notice as EngineNotice;
use cloudsync_core::side::Side;
use futures::stream::{BoxStream, Stream, StreamExt};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::guarded::guarded;
use crate::hooks::Hooks;
use crate::report::Conflicted;

/// Notices that a subscriber may lag behind by before it misses some.
const CAPACITY: usize = 4_096;

/// Something worth telling. `Display` is one line for people; serialized, it says its `type`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Two versions of one file met: which, and what is done about it.
    Conflict(Conflicted),
    /// A side is connected, with its root in place.
    Connected {
        /// The side.
        side: Side,
        /// Where its root is, for people.
        root: String,
    },
    /// This subscriber was too slow: notices are missing here.
    Missed {
        /// How many.
        count: u64,
    },
    /// A run began.
    Started,
    /// The stored state could not be used and was put aside: a first meeting.
    StateSetAside {
        /// Why.
        reason: String,
        /// Where it is kept.
        kept_as: PathBuf,
    },
    /// A run ended.
    Stopped,
    /// A side cannot tell for now what happens on it: it is looked at from time to time, and asked again then.
    Unwatched {
        /// The side.
        side: Side,
        /// Why.
        failure: Failure,
        /// How often.
        look_every: Duration,
    },
    /// What the engine tells: changes, troubles. It has a `type` of its own.
    #[serde(untagged)]
    Engine(EngineNotice),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Conflict(conflict) => conflict.fmt(f),
            Notice::Connected { side, root } => write!(f, "{side} side: connected to {root}"),
            Notice::Missed { count } => write!(f, "{count} notices missed"),
            Notice::Started => f.write_str("started"),
            Notice::StateSetAside { reason, kept_as } => {
                write!(
                    f,
                    "state not usable ({reason}), kept as {}",
                    kept_as.display()
                )
            }
            Notice::Stopped => f.write_str("stopped"),
            Notice::Unwatched {
                side,
                failure,
                look_every,
            } => write!(f, "{side} side: {failure}; looked at every {look_every:?}"),
            Notice::Engine(notice) => notice.fmt(f),
        }
    }
}

/// Where notices are put. Nobody listening is fine.
#[derive(Clone, Debug)]
pub(crate) struct NoticeBoard(broadcast::Sender<Notice>);

impl NoticeBoard {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Tells all who listen. Never waits.
    pub(crate) fn tell(&self, notice: Notice) {
        // An error only says that nobody listens.
        let _ = self.0.send(notice);
    }

    pub(crate) fn subscribe(&self) -> Notices {
        let stream = futures::stream::unfold(self.0.subscribe(), |mut receiver| async move {
            match receiver.recv().await {
                Ok(notice) => Some((notice, receiver)),
                Err(RecvError::Lagged(count)) => Some((Notice::Missed { count }, receiver)),
                Err(RecvError::Closed) => None,
            }
        });
        Notices(stream.boxed())
    }
}

/// Notices from the moment of subscribing on, until the pair is dropped.
pub struct Notices(BoxStream<'static, Notice>);

impl Stream for Notices {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}

/// Hands notices to the hooks until there are no more, or [`Notice::Stopped`] was handed over.
pub(crate) async fn hand_on(mut notices: Notices, hooks: Arc<dyn Hooks>) {
    while let Some(notice) = notices.next().await {
        // A panic was logged, and the next notice is another matter.
        let _ = guarded("handle_notification", hooks.handle_notification(&notice)).await;
        if matches!(notice, Notice::Stopped) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use cloudsync_core::failure::{ErrorKind, Failure};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_slow_subscriber_is_told_how_many_it_missed() {
        let board = NoticeBoard::new();
        board.tell(Notice::Started);
        let mut notices = board.subscribe();
        for _ in 0..CAPACITY + 10 {
            board.tell(Notice::Stopped);
        }
        assert!(matches!(
            notices.next().await,
            Some(Notice::Missed { count: 10 })
        ));
        assert!(matches!(notices.next().await, Some(Notice::Stopped)));
        drop(board);
        assert_eq!(notices.count().await, CAPACITY - 1);
    }

    #[test]
    fn a_notice_says_its_type_and_what_it_is_about() {
        let json = |notice: Notice| serde_json::to_value(notice).unwrap();
        assert_eq!(json(Notice::Started), json!({"type": "started"}));
        assert_eq!(
            json(Notice::Missed { count: 3 }),
            json!({"type": "missed", "count": 3})
        );
        let failure = Failure::new(ErrorKind::OutOfSpace, "write").with_object("a/b");
        let side = Side::Remote;
        let path = "a/b".to_owned();
        assert_eq!(
            json(Notice::Engine(EngineNotice::Failed {
                side,
                path,
                failure
            })),
            json!({
                "type": "failed",
                "side": "remote",
                "path": "a/b",
                "failure": {
                    "kind": "out_of_space",
                    "message": "write a/b: no space left",
                    "object": "a/b",
                    "is_retryable": true,
                },
            })
        );
    }
}
