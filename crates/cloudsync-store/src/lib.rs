//! Durable state of a pair: the [`Store`] trait, SQLite and memory.
//!
//! A store keeps records and small values as the engine hands them out, a batch at once or not at
//! all. It decides nothing about them. What cannot be trusted is set aside, never deleted, and the
//! pair has a first meeting.

pub mod codec;
mod lock;
mod memory;
mod sqlite;
mod store;

pub use lock::Lock;
pub use memory::{Fault, MemoryDisk, MemoryStore};
pub use sqlite::{Flush, Opening, SqliteStore};
pub use store::{FoundState, Intake, Opened, Result, Store, Unfit};
