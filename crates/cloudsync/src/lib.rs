//! Two folders in two storage systems kept equal, both ways, with nothing lost.
//!
//! ```
//! use cloudsync::CloudSync;
//! use futures::StreamExt;
//!
//! #[tokio::main]
//! async fn main() -> cloudsync::Result<()> {
//!     let pair = CloudSync::builder("memory:a", "memory:b").build().await?;
//!     let mut notices = pair.notices();
//!     tokio::spawn(async move { while let Some(n) = notices.next().await { println!("{n}"); } });
//!     let report = pair.run_once().await?;
//!     assert!(report.in_sync());
//!     Ok(())
//! }
//! ```
//!
//! [`CloudSync`] runs a pair once ([`CloudSync::run_once`]), keeps it running
//! ([`CloudSync::start`]), or says what a run would do ([`CloudSync::plan`]). What an application
//! decides is in [`Hooks`]; what it hears are [`Notice`]s. Storage systems are [`Provider`]s. For
//! whoever wants to look at, or change, what goes between the engine and the world, there are the
//! seams [`Observe`], [`Perform`] and [`Store`].

mod alarm;
mod builder;
mod changes;
mod cloudsync;
mod conflict;
mod driver;
mod endpoint;
mod error;
mod feed;
mod guarded;
mod hooks;
mod location;
mod met;
mod notices;
mod order;
mod pair;
mod perform;
mod persist;
mod plan;
mod query;
mod report;
mod runnable;
mod service;
mod session;
mod transfer;

pub use alarm::{Alarm, Alarmed};
pub use builder::Builder;
pub use cloudsync::{CloudSync, Depth};
pub use conflict::{Decision, Losers, Version};
pub use endpoint::Given;
pub use error::{Error, Result};
pub use feed::{Feed, Observe, RootPlace};
pub use hooks::{DEFAULT_POLICY, Hooks, NoHooks};
pub use location::{memory, registry};
pub use notices::{Notice, Notices};
pub use perform::{Outcome, Outcomes, Perform, PerformContext, Performer};
pub use plan::Plan;
pub use report::{Changed, Conflicted, Known, SyncReport};
pub use runnable::{Pulse, RunError, RunOptions, Runnable, Runner, Stop, Turn};

pub use cloudsync_core::engine::io::{Act, Effect, Input, Operation, SideState};
pub use cloudsync_core::engine::io::{
    ConflictPolicy, Guard, Held, HeldId, Limits, PlannedOperation, Status, Trouble,
};
pub use cloudsync_core::failure::{ErrorKind, Failure, Retry};
pub use cloudsync_core::listing::SkipReason;
pub use cloudsync_core::notice::Notice as EngineNotice;
pub use cloudsync_core::object::{Attributes, ContentHash, HashKind, Kind, Oid};
pub use cloudsync_core::policy::Locality;
pub use cloudsync_core::precondition::Expect;
pub use cloudsync_core::side::{BySide, Side};
pub use cloudsync_provider as provider;
pub use cloudsync_provider::filesystem::Durability;
pub use cloudsync_provider::{Credentials, Provider};
pub use cloudsync_store as store;
pub use cloudsync_store::{MemoryStore, SqliteStore, Store};
