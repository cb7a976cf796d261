//! Calls of foreign code (providers, hooks) whose panic must hurt nothing else.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use cloudsync_core::failure::{ErrorKind, Failure};
use futures::FutureExt;

/// Awaits a call; a panic in it becomes a failure of the kind [`ErrorKind::Unexpected`].
pub(crate) async fn guarded<T>(
    operation: &'static str,
    call: impl Future<Output = T>,
) -> Result<T, Failure> {
    AssertUnwindSafe(call)
        .catch_unwind()
        .await
        .map_err(|panic| {
            let failure = Failure::new(ErrorKind::Unexpected, operation)
                .with_detail(format!("panic: {}", said(&*panic)));
            tracing::error!(%failure, "a call panicked");
            failure
        })
}

/// As [`guarded`], for a call that can fail in itself.
pub(crate) async fn guarded_call<T>(
    operation: &'static str,
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    guarded(operation, call).await.unwrap_or_else(Err)
}

/// What a panic said, as far as it is text.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
