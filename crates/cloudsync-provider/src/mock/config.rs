//! What a mocked service is like, as plain data: change any field, also while it runs
//! ([`super::MockService::configure`]).

use std::time::Duration;

use cloudsync_core::object::HashKind;
use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};

use crate::Capabilities;

/// What a mocked service is like. The default is a decent cloud: stable random-looking ids that can
/// be looked up, a resumable feed, conditional changes, no hash, no delay, no fault.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "switches, independent of one another"
)]
pub struct MockConfig {
    /// Where all chance comes from: ids, losses, faults.
    pub seed: u64,
    /// Whether ids stay with objects or are their paths.
    pub identity: Identity,
    /// If true, calls go by the id, wherever the object is. If false, they go by the path, and an id
    /// that is another there refuses the call. Only for [`Identity::Stable`].
    pub id_lookup: bool,
    /// How names are compared and which are refused.
    pub names: NameRules,
    /// What the service makes of a name before it stores it (`None`: nothing), such as trimming it.
    pub rewrite_name: Option<fn(&str) -> String>,
    /// The hash that comes with every look at a file.
    pub native_hash: Option<HashKind>,
    /// Times are rounded down to a multiple of this.
    pub mtime_resolution: Duration,
    /// If true, modes are kept.
    pub keeps_mode: bool,
    /// If true, a file's time can be set. If false, it is when it was written.
    pub keeps_mtime: bool,
    /// If true, folders can be renamed and moved.
    pub folder_move: bool,
    /// If true, renaming and moving a file changes its tag, as on most disks. If false, it does not.
    pub rename_changes_tag: bool,
    /// If true, a client's write over a file makes another object of it, with another id, as where
    /// files are staged and renamed. If false, the id stays.
    pub write_changes_id: bool,
    /// If true, free names are checked together with the change. If false, before it.
    pub atomic_create: bool,
    /// If true, tags are checked together with the change. If false, before it.
    pub conditional_change: bool,
    /// Bytes that all files together may have.
    pub quota_bytes: Option<u64>,
    /// Bytes that one file may have.
    pub max_file_bytes: Option<u64>,
    /// Namespaces beside the default one: id and name. Only looked at when the service is made.
    pub namespaces: Vec<(String, String)>,
    /// Most objects in one page of a listing.
    pub page_size: usize,
    /// If true, listings come in no sensible order.
    pub shuffled_listings: bool,
    /// The kind of feed.
    pub feed: Feed,
    /// How the feed behaves.
    pub events: EventConfig,
    /// How long each call takes, half of it before the change and half after.
    pub latency: Duration,
    /// Up to this much is added to the latency of a call, by chance.
    pub latency_jitter: Duration,
    /// How often calls go wrong.
    pub rates: FaultRates,
    /// As [`Capabilities::default_sleep`].
    pub default_sleep: Duration,
    /// As [`Capabilities::batch`].
    pub batch: usize,
    /// As [`Capabilities::concurrency`].
    pub concurrency: usize,
}

/// How the feed behaves.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "switches, independent of one another"
)]
pub struct EventConfig {
    /// How long after the change an event is told.
    pub delay: Duration,
    /// Up to this much is added to the delay of an event, by chance; so events overtake.
    pub delay_jitter: Duration,
    /// How many of 1,000 events are lost.
    pub loss_per_mille: u32,
    /// How many of 1,000 events are told twice.
    pub duplicate_per_mille: u32,
    /// How many of 1,000 events are told out of order.
    pub reorder_per_mille: u32,
    /// What an event says of its object.
    pub shape: EventShape,
    /// If true, deleting a folder with all in it tells of each object. If false, of the folder only.
    pub children_of_deleted: bool,
    /// If true, a client is told of its own changes too.
    pub own_changes: bool,
    /// Most events in one answer.
    pub per_call: usize,
    /// How long a call waits where there is nothing to tell.
    pub long_poll: Duration,
    /// How many told events are kept for cursors.
    pub history: usize,
}

/// What an event says of its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventShape {
    /// Its id, where there are ids, and its path.
    Both,
    /// Its id alone, where there are ids.
    OidOnly,
    /// Its path alone.
    PathOnly,
}

/// How many of 1,000 calls go wrong, by chance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FaultRates {
    /// Fail before anything happened ([`crate::ErrorKind::Unavailable`]).
    pub fail: u32,
    /// Do what was asked, but answer [`crate::ErrorKind::Unavailable`].
    pub lost_reply: u32,
    /// Lose the connection before anything happened.
    pub disconnect: u32,
    /// A listing ends early, [`crate::End::Partial`] without a further page.
    pub cut_listing: u32,
    /// The content of a file breaks off half way with [`crate::ErrorKind::Unavailable`].
    pub cut_read: u32,
}

impl Default for MockConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            identity: Identity::Stable,
            id_lookup: true,
            names: NameRules::default(),
            rewrite_name: None,
            native_hash: None,
            mtime_resolution: Duration::from_nanos(1),
            keeps_mode: false,
            keeps_mtime: true,
            folder_move: true,
            rename_changes_tag: true,
            write_changes_id: false,
            atomic_create: true,
            conditional_change: true,
            quota_bytes: None,
            max_file_bytes: None,
            namespaces: Vec::new(),
            page_size: 1_000,
            shuffled_listings: false,
            feed: Feed::Resumable,
            events: EventConfig::default(),
            latency: Duration::ZERO,
            latency_jitter: Duration::ZERO,
            rates: FaultRates::default(),
            default_sleep: Duration::from_millis(10),
            batch: 1,
            concurrency: 4,
        }
    }
}

impl Default for EventConfig {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            delay_jitter: Duration::ZERO,
            loss_per_mille: 0,
            duplicate_per_mille: 0,
            reorder_per_mille: 0,
            shape: EventShape::Both,
            children_of_deleted: true,
            own_changes: true,
            per_call: 1_000,
            long_poll: Duration::from_secs(30),
            history: 100_000,
        }
    }
}

impl MockConfig {
    /// A service whose identity is the path, without ids.
    pub fn by_path() -> Self {
        Self {
            identity: Identity::Path,
            id_lookup: false,
            ..Self::default()
        }
    }

    /// Everything as bad as it may be without any call failing: pages of one in no order, events
    /// late, lost, doubled, out of order and by id alone, and no hash.
    pub fn hostile(seed: u64) -> Self {
        Self {
            seed,
            page_size: 1,
            shuffled_listings: true,
            mtime_resolution: Duration::from_secs(2),
            events: EventConfig {
                delay: Duration::from_millis(50),
                delay_jitter: Duration::from_secs(2),
                loss_per_mille: 50,
                duplicate_per_mille: 200,
                reorder_per_mille: 300,
                shape: EventShape::OidOnly,
                children_of_deleted: false,
                per_call: 3,
                ..EventConfig::default()
            },
            ..Self::default()
        }
    }

    /// Whether calls go by the id alone.
    pub(super) fn by_id(&self) -> bool {
        self.identity == Identity::Stable && self.id_lookup
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        let native_hashes: Vec<HashKind> = self.native_hash.into_iter().collect();
        let mut capabilities = Capabilities::new(Rules {
            identity: self.identity,
            id_lookup: self.by_id(),
            ids_reused: false,
            folder_move: self.folder_move,
            keeps_mode: self.keeps_mode,
            keeps_mtime: self.keeps_mtime,
            names: self.names,
            feed: self.feed,
            native_hashes: native_hashes.clone(),
        });
        capabilities.atomic_create = self.atomic_create;
        capabilities.conditional_change = self.conditional_change;
        capabilities.pages = true;
        capabilities.quota = self.quota_bytes.is_some();
        capabilities.namespaces = !self.namespaces.is_empty();
        capabilities.hashes = native_hashes;
        capabilities.max_file_bytes = self.max_file_bytes;
        capabilities.default_sleep = self.default_sleep;
        capabilities.batch = self.batch;
        capabilities.concurrency = self.concurrency;
        capabilities
    }
}
