//! Asking the application about a conflict: two lazy versions in, a decision out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use cloudsync_core::engine::io::{self, Answer, Input, Question, Resolution};
use cloudsync_core::object::{Attributes, ContentHash};
use cloudsync_core::side::{BySide, Side};
use cloudsync_provider::{Hasher, Provider};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::guarded::guarded;
use crate::hooks::Hooks;
use crate::transfer::Answers;

/// One version of a file in conflict. Nothing is transferred before it is read. Cheap to clone.
#[derive(Clone)]
pub struct Version {
    side: Side,
    path: String,
    known: io::Version,
    provider: Arc<dyn Provider>,
    bytes: Arc<OnceCell<Bytes>>,
}

impl Version {
    /// Returns the side it is on.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Returns its path, relative to the side's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.known.size
    }

    /// Returns when its content last changed, nanoseconds since 1970, as its side says it. The
    /// clocks of two sides are not one clock.
    pub fn mtime(&self) -> Option<i64> {
        self.known.attributes.mtime
    }

    /// Returns its times and mode.
    pub fn attributes(&self) -> Attributes {
        self.known.attributes
    }

    /// Returns its hash, where it is known.
    pub fn hash(&self) -> Option<ContentHash> {
        self.known.hash
    }

    /// Reads all of it, once, however often it is called.
    ///
    /// # Errors
    /// [`ErrorKind::SourceChanged`](crate::ErrorKind::SourceChanged) where it is no longer this
    /// version; pass it on, the conflict is looked at again.
    pub async fn read(&self) -> Result<Bytes> {
        let read = async {
            let content = self.provider.read(&self.known.at, &self.known.tag).await?;
            content.into_bytes().await
        };
        let bytes = self.bytes.get_or_try_init(|| read).await;
        Ok(bytes.map_err(|e| Error::of(self.side, e))?.clone())
    }

    /// Reads it in chunks.
    ///
    /// # Errors
    /// As [`Version::read`].
    pub async fn stream(&self) -> Result<BoxStream<'static, Result<Bytes>>> {
        let side = self.side;
        let content = self.provider.read(&self.known.at, &self.known.tag).await;
        let stream = content.map_err(|e| Error::of(side, e))?.into_stream();
        Ok(stream.map_err(move |e| Error::of(side, e)).boxed())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Version({} {}, {} bytes)",
            self.side, self.path, self.known.size
        )
    }
}

/// What becomes of the versions that are not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Losers {
    /// They are dropped.
    Drop,
    /// They are kept under conflict names.
    Keep,
}

/// How an application decides a conflict.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Decision {
    /// Both stay as they are until somebody decides.
    Hold,
    /// The remote version keeps the name, the local one gets a conflict name.
    KeepBoth,
    /// This content goes to both sides.
    Merge {
        /// The content.
        content: Bytes,
        /// What becomes of the two versions.
        losers: Losers,
    },
    /// This side's version goes to both.
    Take {
        /// The side.
        side: Side,
        /// What becomes of the other one.
        losers: Losers,
    },
}

/// Asks the application. Merged content is kept in `answers`. Returns what the engine is to be told.
pub(crate) async fn ask(
    hooks: &dyn Hooks,
    providers: &BySide<Arc<dyn Provider>>,
    answers: &Answers,
    question: Question,
) -> Input {
    let id = question.id;
    let versions = BySide::from_fn(|side| Version {
        side,
        path: question.paths[side].clone(),
        known: question.versions[side].clone(),
        provider: providers[side].clone(),
        bytes: Arc::default(),
    });
    let asked = hooks.resolve_conflict(versions.local, versions.remote);
    let decided = guarded("resolve_conflict", asked)
        .await
        .unwrap_or_else(|e| Err(e.into()));
    let decided = decided.map(|decision| match decision {
        Some(Decision::Merge { content, losers }) => {
            let (size, hash) = (content.len() as u64, Hasher::hash(question.hash, &content));
            answers.keep(id, content);
            Resolution::Merged {
                size,
                hash,
                keep_both: losers == Losers::Keep,
            }
        }
        None | Some(Decision::KeepBoth) => Resolution::KeepBoth,
        Some(Decision::Hold) => Resolution::Hold,
        Some(Decision::Take { side, losers }) => Resolution::Take {
            side,
            keep_loser: losers == Losers::Keep,
        },
    });
    let answer = match decided {
        Ok(resolution) => Answer::Resolved(resolution),
        Err(error) if asks_again(&error) => Answer::Later,
        Err(error) => {
            tracing::warn!(%error, path = %question.paths.local, "conflict not decided: keeping both");
            Answer::Resolved(Resolution::KeepBoth)
        }
    };
    Input::Answer {
        question: id,
        answer,
    }
}

/// Whether the conflict is to be looked at again, instead of being settled by keeping both.
fn asks_again(error: &Error) -> bool {
    use cloudsync_core::failure::ErrorKind::{NotFound, SourceChanged, Token};
    error.is_retryable() || matches!(error.kind(), NotFound | SourceChanged | Token)
}
