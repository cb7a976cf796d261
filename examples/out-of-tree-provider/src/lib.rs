//! An example of a provider that lives outside of cloudsync's workspace.
//!
//! A [`Shelf`] is a storage like a zip file in memory: a flat map of paths, no ids, no feed, no moving
//! of folders, nothing kept of times. It writes the required part of [`Provider`] alone; walks,
//! batches and hashes come from the trait. `tests/conforms` runs the conformance suite on it.
//!
//! ```
//! use cloudsync_provider::registry::{Created, Location, Registry};
//! use out_of_tree_provider::{Shelf, ShelfClient};
//!
//! let shelf = Shelf::default();
//! let registry = Registry::new()
//!     .with("shelf", move |_, path| Ok(Created::new(ShelfClient::new(&shelf), path)));
//! let created = registry.create(&Location::new("shelf", "/books")).unwrap();
//! assert_eq!(created.provider.name(), "shelf");
//! ```

mod provider;
mod shelf;

pub use cloudsync_provider::Provider;
pub use provider::ShelfClient;
pub use shelf::Shelf;
