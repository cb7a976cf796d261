//! The pure engine of cloudsync.
//!
//! It keeps what each of two sides last told ([`tree`]), works out what changed on each ([`delta`]),
//! and decides what to do about it ([`plan`]); [`engine::Engine`] is the state machine around that.
//! Nothing here reads a clock, opens a file or starts a thread: time and answers come in, things to
//! do come out.

pub mod event;
pub mod failure;
pub mod listing;
pub mod object;
pub mod precondition;
pub mod record;
pub mod rules;
pub mod side;
pub mod small;
pub mod time;
pub mod engine;
pub mod notice;
pub mod tree;
pub mod delta;
pub mod plan;
pub mod path;
pub mod name;
pub mod conflict_name;
pub mod backoff;
pub mod policy;
