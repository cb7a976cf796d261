//! Where the content of a write comes from: the other side, or what the application gave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloudsync_core::engine::io::{Act, Operation, QuestionId, Source};
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_provider::{Content, Provider, WriteRequest};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::alarm::{Alarm, Alarms, takes_side_down};

/// Merged contents, kept under their question until every write of them is done or given up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<HashMap<QuestionId, Bytes>>>);

impl Answers {
    /// Keeps the content of an answer.
    pub(crate) fn keep(&self, question: QuestionId, content: Bytes) {
        self.lock().insert(question, content);
    }

    /// Returns the content of an answer.
    pub(crate) fn find(&self, question: QuestionId) -> Option<Bytes> {
        self.lock().get(&question).cloned()
    }

    /// Returns true if none is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Drops all: nothing is left to do that could need one.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<QuestionId, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the content of a source is handed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Haste {
    /// Read into memory now: small, and the writer takes many at once.
    Eager,
    /// As it comes, while the writer takes it.
    Streamed,
}

/// What went wrong on the reading side of a write, as far as is known: a stream fails while the
/// writer takes it, and what the writer says then is only an echo.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceFailure(Arc<Mutex<Option<Failure>>>);

impl SourceFailure {
    fn note(&self, failure: Failure) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(failure);
    }

    /// Returns the source's failure, if there was one.
    pub(crate) fn take(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Makes the request of a write. A source on this machine is passed on unopened.
///
/// # Errors
/// Those of reading the source, with its path; [`ErrorKind::SourceChanged`] also where it is gone, or
/// its side is: the engine has to look at it again in any case.
pub(crate) async fn request(
    operation: &Operation,
    sources: &dyn Provider,
    answers: &Answers,
    alarms: &Alarms,
    haste: Haste,
) -> Result<(WriteRequest, SourceFailure), Failure> {
    let Act::Write {
        source,
        target,
        expect,
        size,
        attributes,
        hash,
    } = &operation.act
    else {
        return Err(Failure::new(ErrorKind::Invalid, "write").with_detail("not a write"));
    };
    let failed = SourceFailure::default();
    let content = match source {
        Source::Answer(question) => Content::Bytes(answers.find(*question).ok_or_else(|| {
            Failure::new(ErrorKind::SourceChanged, "read").with_detail("the answer is gone")
        })?),
        Source::Object { at, tag } => {
            let alarm = alarms[operation.side.other()].clone();
            let blame = |failure| of_source(failure, &at.path, &alarm);
            let content = measured(sources.read(at, tag).await.map_err(blame)?, *size);
            match (content, haste) {
                (local @ Content::Local(_), _) => local,
                (content, Haste::Eager) => {
                    Content::Bytes(content.into_bytes().await.map_err(blame)?)
                }
                (content, Haste::Streamed) => recorded(content, &at.path, alarm, failed.clone()),
            }
        }
    };
    let request = WriteRequest::new(target.clone(), expect.clone(), content, *size)
        .attributes(*attributes)
        .hash(*hash);
    Ok((request, failed))
}

/// Makes an end that comes too early, or too late, a failure: not every service tells when a content
/// breaks off. Who reads a file of this machine compares tags instead.
fn measured(content: Content, size: u64) -> Content {
    if matches!(content, Content::Local(_)) {
        return content;
    }
    let wrong = move |came: u64| {
        Failure::new(ErrorKind::Unavailable, "read")
            .with_detail(format!("{came} bytes came of {size}"))
    };
    let stream = stream::try_unfold(
        (content.into_stream(), 0),
        move |(mut rest, before)| async move {
            match rest.try_next().await? {
                Some(chunk) => {
                    let came = before + chunk.len() as u64;
                    if came > size {
                        return Err(wrong(came));
                    }
                    Ok(Some((chunk, (rest, came))))
                }
                None if before == size => Ok(None),
                None => Err(wrong(before)),
            }
        },
    );
    Content::Stream(stream.boxed())
}

/// Remembers the failure of a stream, whatever its taker makes of it.
fn recorded(content: Content, path: &str, alarm: Alarm, failed: SourceFailure) -> Content {
    let path = path.to_owned();
    let stream = content.into_stream().map(move |chunk| {
        chunk.map_err(|failure| {
            let failure = of_source(failure, &path, &alarm);
            failed.note(failure.clone());
            failure
        })
    });
    Content::Stream(stream.boxed())
}

/// Says of a failure that it is the source's: nothing was written then.
pub(crate) fn of_source(failure: Failure, path: &str, alarm: &Alarm) -> Failure {
    alarm.hear(&failure);
    let kind = match failure.kind() {
        ErrorKind::NotFound => ErrorKind::SourceChanged,
        // Of a write, the engine takes these for the side that is written to. The alarm was raised.
        kind if takes_side_down(kind) => ErrorKind::SourceChanged,
        kind => kind,
    };
    let is_told = failure.operation() == "read" && failure.object().is_some();
    let failure = if kind == failure.kind() && is_told {
        failure
    } else {
        Failure::new(kind, "read")
            .with_retry(failure.retry())
            .with_object(path)
            .with_source(failure)
    };
    failure.with_did_nothing(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_content_that_is_shorter_or_longer_than_the_file_is_a_failure() {
        for (size, is_whole) in [(4, false), (5, true), (6, false)] {
            let chunks = ["he", "", "llo"].map(|chunk| Ok(Bytes::from(chunk)));
            let content = Content::Stream(stream::iter(chunks).boxed());
            let came = measured(content, size).into_bytes().await;
            assert_eq!(came.is_ok(), is_whole, "{size}");
            if let Err(failure) = came {
                assert!(failure.is_retryable(), "{failure}");
            }
        }
    }
}
