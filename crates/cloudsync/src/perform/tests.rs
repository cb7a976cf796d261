//! Operations on mocked services.

use cloudsync_core::engine::io::{Act, QuestionId, Source};
use cloudsync_core::failure::ErrorKind;
use cloudsync_core::object::{Attributes, HashKind, Kind, ObjectRef, Target};
use cloudsync_core::precondition::Expect;
use cloudsync_provider::mock::{Call, Fault, MockConfig, MockProvider, MockService};
use cloudsync_provider::{Credentials, Hasher, Root};

use super::*;
use crate::alarm::Alarmed;

struct Bench {
    services: BySide<MockService>,
    clients: BySide<MockProvider>,
    roots: BySide<Root>,
    answers: Answers,
    alarmed: BySide<Alarmed>,
    performer: Performer,
    outcomes: mpsc::Receiver<Vec<Outcome>>,
}

impl Bench {
    async fn new(batch: usize) -> Self {
        let services = BySide::from_fn(|_| {
            MockService::new(MockConfig {
                batch,
                ..MockConfig::default()
            })
        });
        let clients = services.as_ref().map(MockService::client);
        let mut roots = Vec::new();
        for side in Side::BOTH {
            clients[side]
                .connect(&Credentials::default())
                .await
                .unwrap();
            roots.push(
                clients[side]
                    .set_root(Some("/"), None, false)
                    .await
                    .unwrap(),
            );
        }
        let roots = BySide::new(roots[0].clone(), roots[1].clone());
        let (local, remote) = (Alarm::new(), Alarm::new());
        let providers =
            BySide::from_fn(|side| Arc::new(clients[side].clone()) as Arc<dyn Provider>);
        let answers = Answers::default();
        let alarms = BySide::new(local.0, remote.0);
        let context = PerformContext {
            providers,
            answers: answers.clone(),
            alarms,
        };
        let (sink, outcomes) = Outcomes::channel();
        let performer = Performer::new(context, sink);
        let alarmed = BySide::new(local.1, remote.1);
        Self {
            services,
            clients,
            roots,
            answers,
            alarmed,
            performer,
            outcomes,
        }
    }

    /// Copies a file that is written on the local side first.
    fn copy(&self, id: u64, name: &str, content: &str) -> Operation {
        let user = self.services.local.user();
        user.write(name, content.to_owned()).unwrap();
        let at = ObjectRef::new(user.oid(name).unwrap(), name);
        let source = Source::Object {
            at,
            tag: user.tag(name).unwrap(),
        };
        self.write(id, name, source, content.len() as u64)
    }

    fn write(&self, id: u64, name: &str, source: Source, size: u64) -> Operation {
        let folder = ObjectRef::new(self.roots.remote.oid.clone(), "");
        let act = Act::Write {
            source,
            target: Target {
                folder,
                name: name.into(),
            },
            expect: Expect::Free,
            size,
            attributes: Attributes::default(),
            hash: HashKind::Blake3,
        };
        Operation {
            id: OperationId(id),
            side: Side::Remote,
            act,
            is_prompt: false,
        }
    }

    /// Performs, and waits for all outcomes, sorted.
    async fn perform(&mut self, operations: Vec<Operation>) -> Vec<Outcome> {
        let count = operations.len();
        self.performer.perform(operations);
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.outcomes.recv().await.unwrap());
        }
        all.sort_by_key(|(id, _)| *id);
        all
    }
}

#[tokio::test(start_paused = true)]
async fn many_small_files_arrive_with_their_hashes() {
    let mut bench = Bench::new(8).await;
    let operations: Vec<_> = (0..50)
        .map(|id| bench.copy(id, &format!("f{id}"), &format!("content {id}")))
        .collect();
    let outcomes = bench.perform(operations).await;
    assert_eq!(outcomes.len(), 50);
    for (id, outcome) in outcomes {
        let Ok(Effect::Written { observed, hash }) = outcome else {
            panic!("{outcome:?}")
        };
        let content = format!("content {}", id.0);
        assert_eq!(observed.size, content.len() as u64);
        assert_eq!(hash, Hasher::hash(HashKind::Blake3, content.as_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn one_failure_in_a_batch_is_its_own() {
    let mut bench = Bench::new(8).await;
    bench
        .services
        .remote
        .user()
        .write("taken", "there")
        .unwrap();
    let operations = vec![
        bench.copy(0, "a", "one"),
        bench.copy(1, "taken", "two"),
        bench.copy(2, "gone", "three"),
        bench.copy(3, "b", "four"),
    ];
    bench.services.local.user().delete("gone").unwrap();
    let outcomes = bench.perform(operations).await;
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|(_, outcome)| outcome.as_ref().err().map(Failure::kind))
        .collect();
    let [taken, gone] = [ErrorKind::AlreadyExists, ErrorKind::SourceChanged].map(Some);
    assert_eq!(kinds, [None, taken, gone, None]);
    let failure = outcomes[2].1.as_ref().unwrap_err();
    assert_eq!(
        (failure.operation(), failure.object()),
        ("read", Some("gone"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_is_the_sources_failure() {
    let mut bench = Bench::new(1).await;
    let operation = bench.copy(0, "large", &"x".repeat(2 << 20));
    bench
        .clients
        .local
        .faults()
        .add(Some(Call::Read), None, Fault::CutRead, Some(1));
    let outcomes = bench.perform(vec![operation]).await;
    let failure = outcomes[0].1.as_ref().unwrap_err();
    assert!(failure.did_nothing());
    assert_eq!(
        (failure.kind(), failure.operation()),
        (ErrorKind::Unavailable, "read")
    );
    assert!(!bench.services.remote.user().exists("large"));
}

#[tokio::test(start_paused = true)]
async fn a_side_that_is_down_is_told_by_its_own_alarm() {
    let mut bench = Bench::new(1).await;
    let operations = vec![bench.copy(0, "a", "one")];
    bench.clients.local.break_connection();
    let outcomes = bench.perform(operations).await;
    let failure = outcomes[0].1.as_ref().unwrap_err();
    assert_eq!(
        failure.kind(),
        ErrorKind::SourceChanged,
        "not the written side's"
    );
    assert_eq!(
        bench.alarmed.local.raised().await.kind(),
        ErrorKind::Disconnected
    );

    bench.clients.local.reconnect().await.unwrap();
    let operations = vec![bench.copy(1, "b", "two")];
    bench.clients.remote.break_connection();
    let outcomes = bench.perform(operations).await;
    assert_eq!(
        outcomes[0].1.as_ref().unwrap_err().kind(),
        ErrorKind::Disconnected
    );
    assert_eq!(
        bench.alarmed.remote.raised().await.kind(),
        ErrorKind::Disconnected
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_written_as_long_as_it_is_kept() {
    let mut bench = Bench::new(1).await;
    bench.answers.keep(QuestionId(7), "merged".into());
    let write = bench.write(0, "m", Source::Answer(QuestionId(7)), 6);
    assert!(bench.perform(vec![write]).await[0].1.is_ok());
    assert_eq!(bench.services.remote.user().read("m").unwrap(), "merged");

    bench.answers.clear();
    let write = bench.write(1, "n", Source::Answer(QuestionId(7)), 6);
    let outcome = &bench.perform(vec![write]).await[0].1;
    assert_eq!(
        outcome.as_ref().unwrap_err().kind(),
        ErrorKind::SourceChanged
    );
}

#[tokio::test(start_paused = true)]
async fn calls_are_made_with_bounded_concurrency_and_what_waits_can_be_forgotten() {
    let mut bench = Bench::new(1).await;
    bench.services.remote.configure(|config| {
        config.latency = std::time::Duration::from_secs(1);
    });
    let user = bench.services.remote.user();
    let deletes: Vec<_> = (0..40)
        .map(|id| {
            let name = format!("f{id}");
            user.write(&name, "x").unwrap();
            let at = ObjectRef::new(user.oid(&name).unwrap(), &name);
            let act = Act::Delete {
                at,
                kind: Kind::File,
                expect: user.tag(&name),
            };
            Operation {
                id: OperationId(id),
                side: Side::Remote,
                act,
                is_prompt: false,
            }
        })
        .collect();
    let begun = tokio::time::Instant::now();
    assert_eq!(bench.perform(deletes).await.len(), 40);
    assert_eq!(begun.elapsed().as_secs(), 10, "four at a time");

    let writes: Vec<_> = (0..40)
        .map(|id| bench.copy(id, &format!("w{id}"), "x"))
        .collect();
    bench.performer.perform(writes);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.performer.forget_waiting(), 36);
    let mut done = 0;
    while done < 4 {
        done += bench.outcomes.recv().await.unwrap().len();
    }
    assert_eq!(user.tree().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_performer_breaks_off_what_runs() {
    let bench = Bench::new(1).await;
    bench.services.remote.configure(|config| {
        config.latency = std::time::Duration::from_secs(10);
    });
    let writes: Vec<_> = (0..4)
        .map(|id| bench.copy(id, &format!("w{id}"), "x"))
        .collect();
    bench.performer.perform(writes);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    drop(bench.performer);
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    assert!(bench.services.remote.user().tree().is_empty());
}
