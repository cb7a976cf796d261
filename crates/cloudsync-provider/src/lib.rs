//! What a storage system must do to be one side of a pair, and two that do: an in-memory mock and
//! local folders.
//!
//! Write a provider by implementing [`Provider`], say what it promises in [`Capabilities`], and run
//! the `conformance` suite (feature `conformance`) against it.

mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
mod content;
#[cfg(feature = "filesystem")]
pub mod filesystem;
#[cfg(feature = "mock")]
pub mod mock;
mod provider;
pub mod registry;

pub use capabilities::Capabilities;
pub use cloudsync_core::event::{Cursor, Event};
pub use cloudsync_core::failure::{ErrorKind, Failure as Error, Retry};
pub use cloudsync_core::listing::{End, Found, Listing, SkipReason, Skipped};
pub use cloudsync_core::object::{
    Attributes, ContentHash, HashKind, Kind, ObjectRef, Observed, Oid, Tag, Target,
};
pub use cloudsync_core::precondition::Expect;
pub use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};
pub use content::{Content, Hasher, LocalSource};
pub use provider::{
    Connection, Credentials, Events, Namespace, Page, Provider, Quota, Root, WriteRequest, Written,
};

/// The result of a provider's call.
pub type Result<T> = std::result::Result<T, Error>;
