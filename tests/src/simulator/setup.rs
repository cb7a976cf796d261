//! What the two services and the settings are like in a run.

use std::time::Duration;

use cloudsync::provider::mock::{EventConfig, EventShape, MockConfig};
use cloudsync::{BySide, Guard, HashKind, Limits};
use cloudsync_core::rules::{Feed, Identity, NameRules};

use super::faults::Rates;
use super::tape::Tape;

/// What is decided once for a run.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) configs: BySide<MockConfig>,
    pub(super) rates: Rates,
    /// Rounds of acts.
    pub(super) rounds: usize,
    /// Most acts in a round.
    pub(super) acts: usize,
    pub(super) guard: Option<Guard>,
    pub(super) aging: Duration,
    pub(super) limits: Limits,
    /// Whether turns come in an order that is drawn.
    pub(super) shuffled: bool,
    /// Milliseconds that a call takes at most.
    pub(super) latency: u64,
    /// Whether users write names that differ only in their case.
    pub(super) cases: bool,
    /// Whether the state is in a file.
    pub(super) in_file: bool,
    /// Whether both users move the same things about, each their own way, and do little else.
    pub(super) crossed: bool,
}

impl Setup {
    pub(super) fn draw(tape: &mut Tape) -> Self {
        let rates = Rates::draw(tape);
        let rounds = 1 + tape.below(4);
        let acts = tape.pick(&[3, 1, 6, 12]);
        let guard = tape.happens(150).then_some(Guard {
            max_count: 3,
            max_share: 0.5,
            min_count: 1,
            min_emptied: usize::MAX,
        });
        let aging = Duration::from_millis(tape.pick(&[0, 0, 50, 2_000]));
        let limits = match tape.pick(&[0, 0, 0, 1]) {
            0 => Limits::default(),
            _ => Limits {
                operations: 2,
                queries: 1,
                ..Limits::default()
            },
        };
        let shuffled = tape.happens(500);
        let latency = tape.pick(&[0, 1, 20, 400]);
        let cases = tape.happens(150);
        let in_file = tape.happens(20);
        let first = config(tape, 1, cases);
        let second = config(tape, 2, cases);
        // Last: behind the end of a tape that was recorded before there was this, it is `false`.
        let crossed = tape.happens(250);
        let acts = if crossed { acts + 8 } else { acts };
        Self {
            configs: BySide::new(first, second),
            rates,
            rounds,
            acts,
            guard,
            aging,
            limits,
            shuffled,
            latency,
            cases,
            in_file,
            crossed,
        }
    }

    /// Whether there are names that differ, and are one to a side.
    pub(super) fn folds_names(&self) -> bool {
        let folds = |config: &MockConfig| !config.names.case_sensitive;
        folds(&self.configs.local) || folds(&self.configs.remote)
    }
}

fn config(tape: &mut Tape, seed: u64, cases: bool) -> MockConfig {
    let identity = tape.pick(&[Identity::Stable, Identity::Stable, Identity::Path]);
    let by_id = identity == Identity::Stable;
    MockConfig {
        seed,
        identity,
        id_lookup: by_id & !tape.happens(400),
        names: NameRules {
            case_sensitive: !(tape.happens(400) & cases),
            ..NameRules::default()
        },
        native_hash: tape.happens(400).then_some(HashKind::Blake3),
        mtime_resolution: tape.pick(&[Duration::from_nanos(1), Duration::from_secs(2)]),
        keeps_mode: tape.happens(300),
        keeps_mtime: !tape.happens(300),
        rename_changes_tag: !tape.happens(400),
        write_changes_id: tape.happens(300),
        page_size: tape.pick(&[1_000, 1, 2]),
        shuffled_listings: tape.happens(400),
        feed: tape.pick(&[Feed::Resumable, Feed::Volatile, Feed::None]),
        events: EventConfig {
            delay: Duration::from_millis(tape.pick(&[0, 30, 3_000])),
            delay_jitter: Duration::from_millis(tape.pick(&[0, 0, 2_000])),
            shape: tape.pick(&[EventShape::Both, EventShape::OidOnly, EventShape::PathOnly]),
            children_of_deleted: !tape.happens(500),
            own_changes: !tape.happens(300),
            per_call: tape.pick(&[1_000, 1, 3]),
            history: tape.pick(&[100_000, 100_000, 4]),
            ..EventConfig::default()
        },
        default_sleep: Duration::from_millis(tape.pick(&[1_000, 10_000, 100])),
        batch: tape.pick(&[1, 4]),
        concurrency: tape.pick(&[4, 1]),
        ..MockConfig::default()
    }
}
