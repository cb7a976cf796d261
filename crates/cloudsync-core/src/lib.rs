//! The pure engine of cloudsync.
//!
//! It keeps what each of two sides last told ([`tree`]), works out what changed on each ([`delta`]),
//! and decides what to do about it ([`plan`]); [`engine::Engine`] is the state machine around that.
//! Nothing here reads a clock, opens a file or starts a thread: time and answers come in, things to
//! do come out.

pub mod backoff;
pub mod conflict_name;
pub mod delta;
pub mod engine;
pub mod event;
pub mod failure;
pub mod listing;
pub mod name;
pub mod notice;
pub mod object;
pub mod path;
pub mod plan;
pub mod policy;
pub mod precondition;
pub mod record;
pub mod rules;
pub mod side;
pub mod small;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod tree;
