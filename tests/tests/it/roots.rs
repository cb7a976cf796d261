//! Roots: S081 to S086.

use std::time::Duration;

use cloudsync::provider::mock::Call;
use cloudsync::{CloudSync, EngineNotice, ErrorKind, Given, Oid, Side, Stop};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Drive, Hand, Pair, Setup, Way, in_all_ways, in_ways, with_ways};

/// The kinds of trouble a side was told to be in.
fn downs(pair: &Pair, side: Side) -> Vec<ErrorKind> {
    pair.notices()
        .iter()
        .filter_map(|notice| match notice {
            EngineNotice::SideDown { side: of, failure } if *of == side => Some(failure.kind()),
            _ => None,
        })
        .collect()
}

/// S081.
#[tokio::test(start_paused = true)]
async fn s081_a_missing_root_and_missing_folders_are_made() {
    in_all_ways(async |mut pair| {
        pair.a().write("a/b/file", "hello");
        assert!(!Hand(pair.services.remote.user()).exists("remote"));
        pair.settle().await;
        pair.assert_both(&[("a", "/"), ("a/b", "/"), ("a/b/file", "hello")]);
    })
    .await;
}

/// S081, when the folders are never told of, only the file.
#[tokio::test(start_paused = true)]
async fn s081_folders_that_were_never_told_of_are_made_on_the_way() {
    for side in Side::BOTH {
        in_ways(Way::driven(Drive::Live), async |mut pair| {
            pair.settle().await;
            let lose = |per_mille| {
                pair.services[side].configure(|config| config.events.loss_per_mille = per_mille);
            };
            lose(1_000);
            pair.user(side).mkdir("a/b");
            lose(0);
            pair.user(side).write("a/b/file", "hello");
            pair.settle().await;
            pair.assert_both(&[("a", "/"), ("a/b", "/"), ("a/b/file", "hello")]);
        })
        .await;
    }
}

/// S082. The side is down with the reason, is asked ever less often, and comes up by itself.
#[tokio::test(start_paused = true)]
async fn s082_a_root_that_is_not_there_is_told_and_waited_for() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let mut pair = Setup::new(way)
            .build(cloudsync::Builder::keep_missing_roots)
            .pair()
            .await;
        pair.a().write("file", "hello");
        pair.run_for(Duration::from_mins(10)).await;
        let told = downs(&pair, Side::Remote);
        assert!(told.contains(&ErrorKind::RootMissing), "{told:?}");
        let asked = pair.take_log(Side::Remote).count(Call::SetRoot);
        assert!((5..700).contains(&asked), "{asked} times in ten minutes");
        let down = pair.sync.status().down.remote.expect("down");
        assert_eq!(down.kind(), ErrorKind::RootMissing);

        Hand(pair.services.remote.user()).mkdir("remote");
        pair.settle().await;
        pair.assert_both(&[("file", "hello")]);
        assert!(pair.sync.status().down.remote.is_none());
    })
    .await;
}

/// S082, with an id that never was one, in a single run.
#[tokio::test(start_paused = true)]
async fn s082_an_id_that_is_no_root_ends_a_single_run() {
    let pair = Setup::new(Way::PLAIN)
        .build(|builder| builder.root_oids(Oid::new(*b"no"), Oid::new(*b"neither")))
        .pair()
        .await;
    let error = pair.sync.run_once().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RootMissing);
    assert!(!error.is_retryable());
}

/// S083.
#[tokio::test(start_paused = true)]
async fn s083_a_passing_trouble_while_the_root_is_made_passes() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let mut pair = Pair::new(way).await;
        let faults = pair.clients.remote.faults();
        faults.fail_times(Call::SetRoot, ErrorKind::Unavailable, 3);
        pair.a().write("file", "hello");
        pair.settle().await;
        pair.assert_both(&[("file", "hello")]);
        let told = downs(&pair, Side::Remote);
        assert!(!told.contains(&ErrorKind::RootMissing), "{told:?}");
    })
    .await;
}

/// S084: deleted while it runs.
#[tokio::test(start_paused = true)]
async fn s084_a_deleted_root_deletes_nothing() {
    for side in Side::BOTH {
        in_ways(Way::driven(Drive::Live), async |mut pair| {
            pair.a().write("file", "hello");
            pair.a().write("folder/in", "world");
            pair.settle().await;
            let before = pair.user(side.other()).tree();
            let root = if side == Side::Local {
                "local"
            } else {
                "remote"
            };
            Hand(pair.services[side].user()).delete(root);
            pair.forget_heard();
            pair.run_for(Duration::from_mins(5)).await;
            assert_eq!(pair.user(side.other()).tree(), before);
            let down = pair.sync.status().down[side].clone().expect("down");
            assert_eq!(down.kind(), ErrorKind::RootMissing);
            assert!(downs(&pair, side).contains(&ErrorKind::RootMissing));
        })
        .await;
    }
}

/// S084: renamed while it runs. Without ids another place is another root. With ids the root is the
/// object, wherever it is (ours does better than to stop).
#[tokio::test(start_paused = true)]
async fn s084_a_renamed_root_is_missing_without_ids_and_followed_with_ids() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().write("file", "hello");
        pair.settle().await;
        Hand(pair.services.local.user()).rename("local", "moved");
        let moved = Hand(pair.services.local.user_at("/moved"));
        moved.write("new", "n");
        if pair.way.a == Identity::Stable {
            pair.settle().await;
            pair.assert_side(Side::Remote, &[("file", "hello"), ("new", "n")]);
        } else {
            pair.run_for(Duration::from_mins(5)).await;
            pair.assert_side(Side::Remote, &[("file", "hello")]);
            let down = pair.sync.status().down.local.expect("down");
            assert_eq!(down.kind(), ErrorKind::RootMissing);
        }
    })
    .await;
}

/// S084, another folder standing where the root stood: with ids that is another root.
#[tokio::test(start_paused = true)]
async fn s084_a_root_that_was_swapped_deletes_nothing() {
    in_ways(Way::driven(Drive::Once), async |mut pair| {
        pair.a().write("file", "hello");
        pair.settle().await;
        let all = Hand(pair.services.remote.user());
        all.delete("remote");
        all.mkdir("remote");
        let pair = pair.reopen().await;
        let error = pair.sync.run_once().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RootMissing, "{error}");
        assert_eq!(pair.a().read("file").as_deref(), Some("hello"));
        assert!(pair.b().tree().is_empty());
    })
    .await;
}

/// S085. That a provider has a connection id has no counterpart: connecting answers with one.
#[tokio::test(start_paused = true)]
async fn s085_a_provider_belongs_to_one_pair_at_a_time() {
    let pair = Pair::new(Way::PLAIN).await;
    let shared = std::sync::Arc::new(pair.services.remote.client());
    let with = |shared: &std::sync::Arc<cloudsync::provider::mock::MockProvider>| {
        CloudSync::builder(
            Given::provider(pair.services.local.client()),
            Given::from(shared.clone()),
        )
        .roots("/local", "/remote")
        .build()
    };
    let first = with(&shared).await.unwrap();
    let error = with(&shared).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::Locked, Some(Side::Remote))
    );
    first.run_once().await.unwrap();
    first.stop(Stop::Forever).await;
    let second = with(&shared).await.unwrap();
    assert!(second.run_once().await.unwrap().in_sync());
}

/// S086: what a root cannot be.
#[tokio::test(start_paused = true)]
async fn s086_a_file_is_no_root() {
    with_ways(Way::driven(Drive::Once), async |way| {
        let pair = Pair::new(way).await;
        Hand(pair.services.remote.user()).write("remote", "a file");
        let error = pair.sync.run_once().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.side()),
            (ErrorKind::RootMissing, Some(Side::Remote))
        );
        let user = Hand(pair.services.remote.user());
        assert_eq!(user.read("remote").as_deref(), Some("a file"));
    })
    .await;
}

/// S086: by id.
#[tokio::test(start_paused = true)]
async fn s086_roots_by_id_are_found() {
    with_ways(Way::with_a(Identity::Stable), async |way| {
        let services = way
            .configs()
            .map(cloudsync::provider::mock::MockService::new);
        let ids = services.clone().map(|service| {
            let user = service.user();
            user.mkdir("deep/root").unwrap();
            user.write("deep/file", "a file").unwrap();
            (
                user.oid("deep/root").unwrap(),
                user.oid("deep/file").unwrap(),
            )
        });
        let store = cloudsync::MemoryStore::new();
        let (root_a, root_b, file_b) = (
            ids.local.0.clone(),
            ids.remote.0.clone(),
            ids.remote.1.clone(),
        );
        let root = root_a.clone();
        let wrong = Pair::over(
            way,
            services.clone(),
            cloudsync::MemoryStore::new(),
            |builder| builder.root_oids(root, file_b),
        )
        .await;
        let error = wrong.sync.run_once().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RootMissing, "a file's id");

        let mut pair = Pair::over(way, services, store, |builder| {
            builder.root_oids(root_a, root_b)
        })
        .await;
        Hand(pair.services.local.user_at("/deep/root")).write("file", "hello");
        pair.settle().await;
        let arrived = Hand(pair.services.remote.user_at("/deep/root")).read("file");
        assert_eq!(arrived.as_deref(), Some("hello"));
    })
    .await;
}
