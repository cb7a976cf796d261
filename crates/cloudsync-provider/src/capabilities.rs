//! What a provider promises.

use std::time::Duration;

use cloudsync_core::object::HashKind;
use cloudsync_core::rules::Rules;

/// What a provider promises, as data. The conformance suite tests every promise.
///
/// Declared where it is known, probed where a disk or a server decides (then it may only be right
/// after [`crate::Provider::set_root`]).
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Capabilities {
    /// What the engine needs to know: identity, names, feed.
    pub rules: Rules,
    /// If true, [`crate::Expect::Free`] holds also under a race. If false, it is checked just before.
    pub atomic_create: bool,
    /// If true, [`crate::Expect::Unchanged`] holds also under a race for writes, renames and deletes.
    /// If false, it is checked just before.
    pub conditional_change: bool,
    /// If true, `flush` is needed before what was answered is durable. If false, it does nothing.
    pub needs_flush: bool,
    /// If true, listings may come in pages.
    pub pages: bool,
    /// If true, the provider has a quota that [`crate::Provider::quota`] tells.
    pub quota: bool,
    /// If true, the provider has namespaces.
    pub namespaces: bool,
    /// Hashes that [`crate::Provider::hash`] can tell without the content being transferred.
    pub hashes: Vec<HashKind>,
    /// Largest file accepted, in bytes. `None`: no limit known.
    pub max_file_bytes: Option<u64>,
    /// How long to wait between polls of the feed, and the base of aging and backoff.
    pub default_sleep: Duration,
    /// How many writes are worth having in one [`crate::Provider::write_batch`].
    pub batch: usize,
    /// How many calls are worth having in flight at once.
    pub concurrency: usize,
}

impl Capabilities {
    /// Starts from rules, with nothing promised beyond them.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            atomic_create: false,
            conditional_change: false,
            needs_flush: false,
            pages: false,
            quota: false,
            namespaces: false,
            hashes: Vec::new(),
            max_file_bytes: None,
            default_sleep: Duration::from_millis(10),
            batch: 1,
            concurrency: 4,
        }
    }
}
