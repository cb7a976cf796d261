//! The calls that operations are made of.

use std::time::Duration;

use cloudsync_core::engine::io::{Act, Effect, Operation, Source};
use cloudsync_core::failure::{ErrorKind, Failure, Retry};
use cloudsync_core::object::ObjectRef;
use cloudsync_core::side::Side;
use cloudsync_provider::{Provider, WriteRequest, Written};
use futures::stream::{self, StreamExt};
use tokio::time::Instant;

use super::lanes::Job;
use super::{Outcome, Outcomes, PerformContext};
use crate::guarded::{guarded, guarded_call};
use crate::transfer::{self, Haste, SourceFailure};

/// Outcomes of a bundle are not held back longer than this.
const REPORT_AFTER: Duration = Duration::from_millis(20);

/// Does a job and reports how it ended. Returns false where nobody wants to know.
pub(super) async fn run(
    context: &PerformContext,
    side: Side,
    job: Job,
    outcomes: &Outcomes,
) -> bool {
    let operations = match job {
        Job::Writes(operations) if operations.len() > 1 => {
            return outcomes
                .send(write_many(context, side, operations).await)
                .await;
        }
        Job::Calls(operations) | Job::Writes(operations) => operations,
    };
    let mut done = Vec::new();
    let mut reported = Instant::now();
    for operation in operations {
        done.push(perform_one(context, side, &operation).await);
        if reported.elapsed() >= REPORT_AFTER {
            if !outcomes.send(std::mem::take(&mut done)).await {
                return false;
            }
            reported = Instant::now();
        }
    }
    done.is_empty() || outcomes.send(done).await
}

/// Performs one operation by a call of its own.
async fn perform_one(context: &PerformContext, side: Side, operation: &Operation) -> Outcome {
    let outcome = match &operation.act {
        Act::Write { .. } => write_one(context, side, operation).await,
        act => {
            let result = guarded_call(name(act), call(&*context.providers[side], act)).await;
            result.map_err(|failure| blame_target(context, side, operation, failure))
        }
    };
    (operation.id, outcome)
}

/// Makes a call that transfers nothing.
async fn call(provider: &dyn Provider, act: &Act) -> Result<Effect, Failure> {
    match act {
        Act::CreateFolder { target, attributes } => provider
            .create_folder(target, *attributes)
            .await
            .map(Effect::Changed),
        Act::Delete { at, kind, expect } => provider
            .delete(at, *kind, expect.as_ref())
            .await
            .map(|()| Effect::Deleted),
        Act::Rename { at, expect, target } => provider
            .rename(at, expect.as_ref(), target)
            .await
            .map(Effect::Changed),
        Act::SetAttributes {
            at,
            expect,
            attributes,
        } => provider
            .set_attributes(at, expect.as_ref(), *attributes)
            .await
            .map(Effect::Changed),
        Act::Write { .. } => Err(Failure::new(ErrorKind::Invalid, "write")),
    }
}

/// Writes one file, streaming it.
async fn write_one(
    context: &PerformContext,
    side: Side,
    operation: &Operation,
) -> Result<Effect, Failure> {
    let (request, source) = request(context, side, operation, Haste::Streamed).await?;
    let written = guarded_call("write", context.providers[side].write(request)).await;
    written_as(context, side, operation, &source, written)
}

/// Writes many files in one call, reading the sources beside one another first.
async fn write_many(
    context: &PerformContext,
    side: Side,
    operations: Vec<Operation>,
) -> Vec<Outcome> {
    let read = async |operation: Operation| {
        let request = request(context, side, &operation, Haste::Eager).await;
        (operation, request)
    };
    let sources = &context.providers[side.other()];
    let concurrency = sources.capabilities().concurrency.max(1);
    let read: Vec<_> = stream::iter(operations)
        .map(read)
        .buffered(concurrency)
        .collect()
        .await;

    let mut outcomes = Vec::with_capacity(read.len());
    let (mut written, mut requests) = (Vec::new(), Vec::new());
    for (operation, request) in read {
        match request {
            Ok((request, source)) => {
                written.push((operation, source));
                requests.push(request);
            }
            Err(failure) => outcomes.push((operation.id, Err(failure))),
        }
    }
    if requests.is_empty() {
        return outcomes;
    }
    match guarded("write_batch", context.providers[side].write_batch(requests)).await {
        Ok(results) => {
            let lacking = || Err(Failure::new(ErrorKind::Unexpected, "write_batch"));
            let results = results.into_iter().chain(std::iter::repeat_with(lacking));
            for ((operation, source), result) in written.into_iter().zip(results) {
                let outcome = written_as(context, side, &operation, &source, result);
                outcomes.push((operation.id, outcome));
            }
        }
        // One of them did it: each for itself. What is written already will say so.
        Err(_) => {
            for (operation, _) in written {
                let outcome = write_one(context, side, &operation).await;
                outcomes.push((operation.id, outcome.map_err(may_be_done)));
            }
        }
    }
    outcomes
}

/// Makes the request of a write. Nothing is written yet.
async fn request(
    context: &PerformContext,
    side: Side,
    operation: &Operation,
    haste: Haste,
) -> Result<(WriteRequest, SourceFailure), Failure> {
    let request = transfer::request(
        operation,
        &*context.providers[side.other()],
        &context.answers,
        &context.alarms,
        haste,
    );
    let request = guarded_call("read", request).await;
    request.map_err(|failure| failure.with_did_nothing(true))
}

/// A write that is made once more may have been done the first time: what it finds in its way may be what the first one
/// wrote, and that its source cannot be read says nothing of the first one. Its end is not known.
fn may_be_done(failure: Failure) -> Failure {
    let is_of_first = match failure.kind() {
        ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed => true,
        _ => failure.did_nothing(),
    };
    if is_of_first {
        failure
            .with_did_nothing(false)
            .with_retry(Retry::After(None))
    } else {
        failure
    }
}

/// Says how a write ended, and whose fault it was.
fn written_as(
    context: &PerformContext,
    side: Side,
    operation: &Operation,
    source: &SourceFailure,
    result: Result<Written, Failure>,
) -> Result<Effect, Failure> {
    match result {
        Ok(Written { observed, hash }) => Ok(Effect::Written { observed, hash }),
        Err(failure) => Err(match (source.take(), source_of(operation)) {
            (Some(of_source), _) => of_source,
            // A source on this machine is opened by whoever writes.
            (None, Some(at)) if failure.operation() == "read" => {
                let failure = failure.with_object(&at.path);
                transfer::of_source(failure, &at.path, &context.alarms[side.other()])
            }
            _ => blame_target(context, side, operation, failure),
        }),
    }
}

/// Returns the object that a write takes its content from.
fn source_of(operation: &Operation) -> Option<&ObjectRef> {
    match &operation.act {
        Act::Write {
            source: Source::Object { at, .. },
            ..
        } => Some(at),
        _ => None,
    }
}

/// Says of a failure that it is the changed side's, and which object it was.
fn blame_target(
    context: &PerformContext,
    side: Side,
    operation: &Operation,
    failure: Failure,
) -> Failure {
    context.alarms[side].hear(&failure);
    if failure.object().is_some() {
        return failure;
    }
    match &operation.act {
        Act::CreateFolder { target, .. } | Act::Write { target, .. } => {
            failure.with_object(target.path())
        }
        Act::Delete { at, .. } | Act::Rename { at, .. } | Act::SetAttributes { at, .. } => {
            failure.with_object(at)
        }
    }
}

/// The name of the call that performs an act.
fn name(act: &Act) -> &'static str {
    match act {
        Act::CreateFolder { .. } => "create_folder",
        Act::Delete { .. } => "delete",
        Act::Rename { .. } => "rename",
        Act::SetAttributes { .. } => "set_attributes",
        Act::Write { .. } => "write",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cloudsync_core::engine::io::OperationId;
    use cloudsync_core::object::{Attributes, HashKind, Tag, Target};
    use cloudsync_core::precondition::Expect;
    use cloudsync_core::side::BySide;
    use cloudsync_provider::mock::MockService;

    use super::*;
    use crate::alarm::Alarm;
    use crate::transfer::Answers;

    /// Whoever writes opens a source on this machine.
    #[test]
    fn what_a_writer_cannot_read_is_the_sources_failure_and_nothing_was_done() {
        let context = PerformContext {
            providers: BySide::from_fn(|_| {
                Arc::new(MockService::default().client()) as Arc<dyn Provider>
            }),
            answers: Answers::default(),
            alarms: BySide::from_fn(|_| Alarm::new().0),
        };
        let operation = Operation {
            id: OperationId(1),
            side: Side::Remote,
            act: Act::Write {
                source: Source::Object {
                    at: ObjectRef::at("from"),
                    tag: Tag::default(),
                },
                target: Target {
                    folder: ObjectRef::root(),
                    name: "to".into(),
                },
                expect: Expect::Free,
                size: 1,
                attributes: Attributes::default(),
                hash: HashKind::Blake3,
            },
            is_prompt: false,
        };
        for (call, object, did_nothing) in [("read", "from", true), ("write", "to", false)] {
            let failed = Err(Failure::new(ErrorKind::Unavailable, call));
            let source = SourceFailure::default();
            let told = written_as(&context, Side::Remote, &operation, &source, failed);
            let failure = told.expect_err("it failed");
            assert_eq!(
                (failure.object(), failure.did_nothing()),
                (Some(object), did_nothing)
            );
        }
    }

    /// As an edit of ours it would be carried back, and as somebody else's it would be a conflict.
    #[test]
    fn what_a_second_write_finds_in_its_way_may_be_the_first_ones() {
        for kind in [ErrorKind::AlreadyExists, ErrorKind::PreconditionFailed] {
            let failure = may_be_done(Failure::new(kind, "write"));
            assert_eq!((failure.kind(), failure.is_retryable()), (kind, true));
        }
        let refused = may_be_done(Failure::new(ErrorKind::PermissionDenied, "write"));
        assert!(!refused.is_retryable());
        let unread = Failure::new(ErrorKind::SourceChanged, "read").with_did_nothing(true);
        assert!(!unread.may_be_done() && may_be_done(unread).may_be_done());
    }
}
