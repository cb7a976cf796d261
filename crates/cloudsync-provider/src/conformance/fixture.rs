//! What the suite needs from whoever runs it.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Credentials, Provider, Result};

/// Gives the suite fresh roots to test on, and, through hooks that are optional, what no provider can
/// do by itself. Each hook is about the root of the latest [`Fixture::fresh`].
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Makes a provider that is connected to a root with nothing in it.
    ///
    /// # Errors
    /// Whatever went wrong; the case fails.
    async fn fresh(&mut self) -> Result<Box<dyn Provider>>;

    /// Makes another client on the same root, to act as another user.
    async fn second(&mut self) -> Option<Box<dyn Provider>> {
        None
    }

    /// Makes another client of the same service that is connected and has chosen no root.
    async fn unrooted(&mut self) -> Option<Box<dyn Provider>> {
        None
    }

    /// Returns, in the provider's own terms, the path of a place below the root.
    fn own_path(&self, relative: &str) -> Option<String> {
        let _ = relative;
        None
    }

    /// Returns credentials that are not good.
    fn bad_credentials(&self) -> Option<Credentials> {
        None
    }

    /// Returns good credentials of another account.
    fn other_credentials(&self) -> Option<Credentials> {
        None
    }

    /// Leaves this much space in the quota, in bytes. False: it cannot.
    async fn leave_space(&mut self, bytes: u64) -> bool {
        let _ = bytes;
        false
    }

    /// Makes the provider's next call fail with something that passes, before anything happened.
    /// False: it cannot.
    async fn fail_next(&mut self) -> bool {
        false
    }

    /// Makes the provider's cursors expire. False: it cannot.
    async fn expire_cursors(&mut self) -> bool {
        false
    }

    /// Takes the root away, with all in it. False: it cannot.
    async fn remove_root(&mut self) -> bool {
        false
    }

    /// How long to wait for an event, or for a look at an object to be no longer racy.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }
}
