//! A service in memory that is nastier than any real one, for tests.
//!
//! [`MockService`] is the cloud: clients ([`MockProvider`]) attach to it, and a [`User`] changes it
//! behind their backs. What it is like is data ([`MockConfig`]), what goes wrong is set per client
//! ([`Faults`]), and what was asked is kept ([`CallLog`]). The same seed and the same calls give the
//! same ids, times, events and faults. Delays are tokio's, so they cost nothing under a paused clock;
//! where none is configured, no timer is touched.
//!
//! ```
//! # use cloudsync_provider::mock::MockService;
//! # use cloudsync_provider::{Credentials, ObjectRef, Provider};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> cloudsync_provider::Result<()> {
//! let service = MockService::default();
//! service.user().write("a/b.txt", "hello")?;
//! let client = service.client();
//! client.connect(&Credentials::default()).await?;
//! client.set_root(Some("/a"), None, false).await?;
//! let (listing, _) = client.list(&ObjectRef::root(), None).await?;
//! assert_eq!(listing.iter().next().map(|(name, _)| name), Some("b.txt"));
//! # Ok(())
//! # }
//! ```

mod calls;
mod change;
mod client;
mod config;
mod events;
mod faults;
mod feed;
mod look;
mod names;
mod provider;
mod random;
mod read;
mod service;
mod session;
mod state;
mod store;
mod user;

pub use calls::{Call, CallLog, Called};
pub use client::MockProvider;
pub use config::{EventConfig, EventShape, FaultRates, MockConfig};
pub use faults::{Fault, Faults};
pub use service::MockService;
pub use user::{Node, User};
