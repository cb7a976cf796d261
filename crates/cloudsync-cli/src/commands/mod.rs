//! What is done: each command builds the pair, drives it, and says how it went.

mod plan;
mod prepare;
mod sync;
mod watch;

use cloudsync::Error;
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::plan::plan;
pub(crate) use self::sync::sync;
pub(crate) use self::watch::watch;

use crate::exit::Exit;
use crate::problem::Problem;

/// Threads that the engine runs on; calls to file systems have threads of their own.
const THREADS: usize = 2;

/// Makes what runs everything.
fn runtime() -> Result<Runtime, Problem> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| Problem::new(Exit::Bug, format!("no threads: {error}")))
}

/// Tells that a task of ours broke.
fn broken() -> Error {
    Error::new(cloudsync::ErrorKind::Unexpected, "run").with_detail("a task broke off")
}
