//! What is done: each command builds the pair, drives it, and says how it went.

mod opening;
mod plan;
mod prepare;
mod sync;
mod watch;

pub(crate) use self::plan::plan;
pub(crate) use self::sync::sync;
pub(crate) use self::watch::watch;
