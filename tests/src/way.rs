//! The ways in which every scenario is run.

use std::fmt;

use cloudsync::provider::mock::MockConfig;
use cloudsync::{BySide, Side};
use cloudsync_core::rules::{Feed, Identity};

use crate::Pair;

/// How a scenario is driven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drive {
    /// Runs all the time, and is told by events.
    Live,
    /// Runs once when it is to settle; what happened meanwhile is told from the stored cursor.
    Once,
    /// Runs once when it is to settle; nothing is told, both sides are walked.
    Walks,
}

/// A way to run a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// What A knows its objects by.
    pub a: Identity,
    /// How it is driven.
    pub drive: Drive,
    /// If true, listings come in pages of one and in no order, and turns in an order that is drawn.
    pub shuffled: bool,
}

impl Way {
    /// A by id, told by events.
    pub const PLAIN: Way = Way {
        a: Identity::Stable,
        drive: Drive::Live,
        shuffled: false,
    };

    /// Returns all ways.
    pub fn all() -> Vec<Way> {
        let mut ways = Vec::new();
        for a in [Identity::Stable, Identity::Path] {
            for drive in [Drive::Live, Drive::Once, Drive::Walks] {
                for shuffled in [false, true] {
                    ways.push(Way { a, drive, shuffled });
                }
            }
        }
        ways
    }

    /// Returns the ways in which A has this identity.
    pub fn with_a(a: Identity) -> Vec<Way> {
        Self::all().into_iter().filter(|way| way.a == a).collect()
    }

    /// Returns the ways that are driven so.
    pub fn driven(drive: Drive) -> Vec<Way> {
        let is_so = |way: &Way| way.drive == drive;
        Self::all().into_iter().filter(is_so).collect()
    }

    /// Returns what the services are like in this way.
    pub fn configs(self) -> BySide<MockConfig> {
        let mut configs = BySide::new(
            match self.a {
                Identity::Stable => MockConfig::default(),
                Identity::Path => MockConfig::by_path(),
            },
            MockConfig {
                seed: 7,
                ..MockConfig::default()
            },
        );
        for side in Side::BOTH {
            let config = &mut configs[side];
            if self.drive == Drive::Walks {
                config.feed = Feed::None;
            }
            if self.shuffled {
                config.page_size = 1;
                config.shuffled_listings = true;
            }
        }
        configs
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "A {:?}, {:?}, shuffled: {}",
            self.a, self.drive, self.shuffled
        )
    }
}

/// Returns what the order of turns is drawn from: `CLOUDSYNC_SEED`, by default 1.
///
/// # Panics
/// If it is no number.
pub(crate) fn seed() -> u64 {
    let set = std::env::var("CLOUDSYNC_SEED").ok();
    set.map_or(1, |text| text.parse().expect("CLOUDSYNC_SEED is a number"))
}

/// Says in which way a scenario failed.
struct Place(Way);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the way: {}, CLOUDSYNC_SEED={}", self.0, seed());
        }
    }
}

/// Runs a scenario in these ways.
pub async fn in_ways(ways: impl IntoIterator<Item = Way>, scenario: impl AsyncFn(Pair)) {
    for way in ways {
        let _place = Place(way);
        scenario(Pair::new(way).await).await;
    }
}

/// Runs a scenario in all ways.
pub async fn in_all_ways(scenario: impl AsyncFn(Pair)) {
    in_ways(Way::all(), scenario).await;
}

/// Runs a scenario in all ways, for pairs that the scenario makes itself.
pub async fn with_ways(ways: impl IntoIterator<Item = Way>, scenario: impl AsyncFn(Way)) {
    for way in ways {
        let _place = Place(way);
        scenario(way).await;
    }
}
