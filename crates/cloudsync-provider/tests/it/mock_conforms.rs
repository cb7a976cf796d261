//! The suite over the mock, as many kinds of service.

use std::time::Duration;

use async_trait::async_trait;

use crate::lying::Lying;
use cloudsync_provider::conformance::{Fixture, Report, cases, run_suite};
use cloudsync_provider::mock::{Call, EventShape, MockConfig, MockProvider, MockService};
use cloudsync_provider::{Credentials, ErrorKind, Feed, HashKind, Provider, Result};

struct MockFixture {
    config: MockConfig,
    service: MockService,
    client: Option<MockProvider>,
}

const ROOT: &str = "/some/where";

impl MockFixture {
    fn new(config: MockConfig) -> Self {
        Self {
            config,
            service: MockService::default(),
            client: None,
        }
    }

    async fn connected(&self) -> Result<MockProvider> {
        let client = self.service.client();
        client.connect(&Credentials::default()).await?;
        Ok(client)
    }
}

#[async_trait]
impl Fixture for MockFixture {
    async fn fresh(&mut self) -> Result<Box<dyn Provider>> {
        self.service = MockService::new(self.config.clone());
        self.service.add_account("other");
        let client = self.connected().await?;
        client.set_root(Some(ROOT), None, true).await?;
        self.client = Some(client.clone());
        Ok(Box::new(client))
    }

    async fn second(&mut self) -> Option<Box<dyn Provider>> {
        let client = self.connected().await.ok()?;
        client.set_root(Some(ROOT), None, false).await.ok()?;
        Some(Box::new(client))
    }

    async fn unrooted(&mut self) -> Option<Box<dyn Provider>> {
        Some(Box::new(self.connected().await.ok()?))
    }

    fn own_path(&self, relative: &str) -> Option<String> {
        Some(format!("{ROOT}/{relative}"))
    }

    fn bad_credentials(&self) -> Option<Credentials> {
        Some(account("nobody"))
    }

    fn other_credentials(&self) -> Option<Credentials> {
        Some(account("other"))
    }

    async fn leave_space(&mut self, bytes: u64) -> bool {
        self.service
            .set_quota(Some(self.service.used_bytes() + bytes));
        true
    }

    async fn fail_next(&mut self) -> bool {
        let client = self.client.as_ref().expect("a fresh client");
        client
            .faults()
            .fail_next(Call::Write, ErrorKind::Unavailable);
        true
    }

    async fn expire_cursors(&mut self) -> bool {
        self.service.expire_cursors();
        true
    }

    async fn remove_root(&mut self) -> bool {
        self.service.user().delete(ROOT).is_ok()
    }
}

fn account(name: &str) -> Credentials {
    Credentials([("account".to_owned(), name.to_owned())].into())
}

async fn run(name: &str, config: MockConfig) -> Report {
    let report = run_suite(&mut MockFixture::new(config)).await;
    assert!(report.passed_all(), "{name}: {report}");
    report
}

type Change = fn(&mut MockConfig);

/// Services that together need every case, by what is special about them.
const SERVICES: &[(&str, Change)] = &[
    ("nothing special", |_| {}),
    ("by path", |c| *c = MockConfig::by_path()),
    ("by path without moving folders", |c| {
        *c = MockConfig::by_path();
        c.folder_move = false;
    }),
    ("ids without look-up, others after writes, as a disk", |c| {
        c.id_lookup = false;
        c.write_changes_id = true;
    }),
    ("pages of one, shuffled", |c| {
        c.page_size = 1;
        c.shuffled_listings = true;
    }),
    ("names without case or form", |c| {
        c.names.case_sensitive = false;
        c.names.normalizes_unicode = true;
    }),
    ("names as on windows", |c| {
        c.names.case_sensitive = false;
        c.names.windows = true;
        c.names.forbidden = "<>:\"\\|?*";
        c.names.max_name_bytes = 60;
    }),
    ("no feed", |c| c.feed = Feed::None),
    ("volatile feed", |c| c.feed = Feed::Volatile),
    ("hashes", |c| c.native_hash = Some(HashKind::Md5)),
    ("nothing kept", |c| c.keeps_mtime = false),
    ("modes", |c| {
        c.keeps_mode = true;
        c.rename_changes_tag = false;
    }),
    ("quota and small files", |c| {
        c.quota_bytes = Some(1 << 30);
        c.max_file_bytes = Some(1 << 20);
    }),
    ("namespaces", |c| {
        c.namespaces = vec![("n1".into(), "One".into()), ("n2".into(), "Two".into())];
    }),
    ("nothing atomic", |c| {
        c.atomic_create = false;
        c.conditional_change = false;
    }),
    ("slow and coarse", |c| {
        c.latency = Duration::from_millis(4);
        c.latency_jitter = Duration::from_millis(20);
        c.mtime_resolution = Duration::from_secs(2);
    }),
    (
        "events late, doubled, out of order, by id, of folders only",
        |c| {
            c.events.delay = Duration::from_millis(10);
            c.events.delay_jitter = Duration::from_millis(100);
            c.events.duplicate_per_mille = 300;
            c.events.reorder_per_mille = 500;
            c.events.shape = EventShape::OidOnly;
            c.events.children_of_deleted = false;
            c.events.per_call = 1;
        },
    ),
    ("events by path alone", |c| {
        c.events.shape = EventShape::PathOnly;
    }),
];

#[tokio::test(start_paused = true)]
async fn every_kind_of_mock_conforms() {
    let mut never: Vec<&str> = cases().map(|case| case.name).collect();
    for (name, change) in SERVICES {
        let mut config = MockConfig::default();
        change(&mut config);
        config.events.long_poll = Duration::from_secs(1);
        let report = run(name, config).await;
        never.retain(|case| !report.passed.contains(case));
    }
    assert!(never.is_empty(), "never ran: {never:?}");
}

/// As in real use: several threads, and a clock that goes by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mock_conforms_under_a_real_clock() {
    let report = run("real clock", MockConfig::default()).await;
    assert!(report.passed.len() > 100, "{report}");
}

/// A mock that breaks a promise, and the cases that must notice.
async fn notices(change: impl FnOnce(&mut MockConfig), lie: Change, cases: &[&str]) {
    let mut config = MockConfig::default();
    change(&mut config);
    let mut fixture = Liar(MockFixture::new(config), lie);
    let report = run_suite(&mut fixture).await;
    for case in cases {
        assert!(
            report.failed.iter().any(|(name, _)| name == case),
            "{case} passed: {report}"
        );
    }
}

/// Promises what `1` makes of the configuration, and behaves as it is: [`Lying`] tells the promise.
struct Liar(MockFixture, Change);

#[async_trait]
impl Fixture for Liar {
    async fn fresh(&mut self) -> Result<Box<dyn Provider>> {
        self.0.fresh().await?;
        let inner = self.0.client.clone().expect("a fresh client");
        let mut promised = self.0.config.clone();
        self.1(&mut promised);
        let promise = MockService::new(promised).client().capabilities();
        Ok(Box::new(Lying { inner, promise }))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

#[tokio::test(start_paused = true)]
async fn broken_promises_are_noticed() {
    use cloudsync_provider::Identity;
    notices(
        |config| config.atomic_create = false,
        |config| config.atomic_create = true,
        &["one_of_two_creates_wins"],
    )
    .await;
    notices(
        |config| config.conditional_change = false,
        |config| config.conditional_change = true,
        &["one_of_two_overwrites_wins"],
    )
    .await;
    notices(
        |config| config.folder_move = false,
        |config| config.folder_move = true,
        &["folder_moves_with_all_in_it", "moved_folder_keeps_all_ids"],
    )
    .await;
    notices(
        |config| *config = MockConfig::by_path(),
        |config| config.identity = Identity::Stable,
        &["file_keeps_its_id", "moved_folder_keeps_all_ids"],
    )
    .await;
    notices(
        |config| config.names.case_sensitive = false,
        |config| config.names.case_sensitive = true,
        &["case_makes_two_names", "case_of_a_file_can_be_changed"],
    )
    .await;
    notices(
        |config| config.events.loss_per_mille = 1_000,
        |_| {},
        &[
            "created_objects_are_told",
            "cursor_resumes",
            "deleted_objects_are_told",
        ],
    )
    .await;
    notices(
        |config| config.keeps_mtime = false,
        |config| config.keeps_mtime = true,
        &["write_carries_the_time", "set_time_is_told"],
    )
    .await;
    notices(
        |config| config.rates.cut_read = 1_000,
        |_| {},
        &["read_gives_what_was_written"],
    )
    .await;
    notices(
        |config| config.rates.cut_listing = 1_000,
        |_| {},
        &["empty_folder_lists_as_complete", "walk_finds_everything"],
    )
    .await;
    notices(
        |config| config.native_hash = None,
        |config| config.native_hash = Some(HashKind::Sha1),
        &["each_look_gives_the_native_hash"],
    )
    .await;
}
