//! What the application decides about conflicts: S055 to S061, S064, S068.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cloudsync::{ConflictPolicy, Decision, Error, ErrorKind, Losers, Side, Version};
use cloudsync_tests::{Drive, Pair, Setup, Way, in_ways, with_ways};

/// A pair whose application decides so, and how often it was asked.
async fn deciding(
    way: Way,
    decide: impl Fn(usize) -> cloudsync::Result<Option<Decision>> + Send + Sync + 'static,
) -> (Pair, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let setup = Setup::new(way).build(move |builder| {
        builder.resolve_conflict(move |_, _| {
            let decision = decide(counter.fetch_add(1, Ordering::Relaxed));
            async move { decision }
        })
    });
    (setup.pair().await, asked)
}

fn take(side: Side, losers: Losers) -> Decision {
    Decision::Take { side, losers }
}

fn merge(content: &str, losers: Losers) -> Decision {
    let content = Bytes::from(content.to_owned());
    Decision::Merge { content, losers }
}

/// S055 to S060.
#[tokio::test(start_paused = true)]
async fn s055_to_s060_what_the_application_decides_is_done() {
    for (decision, name, kept) in [
        (take(Side::Local, Losers::Drop), "a", vec![]),
        (take(Side::Remote, Losers::Drop), "b", vec![]),
        (merge("merged", Losers::Drop), "merged", vec![]),
        (take(Side::Local, Losers::Keep), "a", vec!["b"]),
        (take(Side::Remote, Losers::Keep), "b", vec!["a"]),
        (merge("merged", Losers::Keep), "merged", vec!["a", "b"]),
    ] {
        for first_meeting in [true, false] {
            with_ways(Way::all(), async |way| {
                let decision = decision.clone();
                let (mut pair, asked) = deciding(way, move |_| Ok(Some(decision.clone()))).await;
                if !first_meeting {
                    pair.a().write("stuff1", "base");
                    pair.settle().await;
                }
                pair.a().write("stuff1", "a");
                pair.b().write("stuff1", "b");
                pair.settle().await;
                let mut tree = pair.a().tree();
                assert_eq!(tree, pair.b().tree());
                assert_eq!(tree.remove("stuff1").as_deref(), Some(name));
                for kept in tree.keys() {
                    assert!(
                        ["stuff1.conflicted", "stuff1.conflicted2"].contains(&kept.as_str()),
                        "{tree:?}"
                    );
                }
                let mut contents: Vec<_> = tree.values().map(String::as_str).collect();
                contents.sort_unstable();
                assert_eq!(contents, kept, "{tree:?}");
                assert_eq!(asked.load(Ordering::Relaxed), 1, "asked once");
            })
            .await;
        }
    }
}

/// S061: f1 is B's file in the reference; here both versions are told by their side.
#[tokio::test(start_paused = true)]
async fn s061_a_merge_of_what_is_read_twice_in_a_row() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .build(|builder| {
                builder.resolve_conflict(|local: Version, remote: Version| async move {
                    assert_eq!((local.side(), remote.side()), (Side::Local, Side::Remote));
                    assert_eq!((local.path(), remote.path()), ("stuff1", "stuff1"));
                    assert_eq!(local.size(), local.read().await?.len() as u64);
                    let mut content = remote.read().await?.to_vec();
                    content.extend_from_slice(b"merged");
                    let (content, losers) = (content.into(), Losers::Drop);
                    Ok(Some(Decision::Merge { content, losers }))
                })
            })
            .pair()
            .await;
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff1", "world");
        pair.settle().await;
        pair.assert_both(&[("stuff1", "worldmerged")]);
        pair.a().write("stuff1", "hello2");
        pair.b().write("stuff1", "world2");
        pair.settle().await;
        pair.assert_both(&[("stuff1", "world2merged")]);
    })
    .await;
}

/// S064. A passing trouble: asked again later; meanwhile nothing is changed. Another error: B's
/// version wins, and A's is kept (as for every conflict that nobody decided).
#[tokio::test(start_paused = true)]
async fn s064_a_failing_application_loses_nothing() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let (mut pair, asked) = deciding(way, |times| {
            let kind = match times {
                0..3 => ErrorKind::Unavailable,
                _ => ErrorKind::Unexpected,
            };
            Err(Error::new(kind, "merge"))
        })
        .await;
        pair.settle().await;
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff1", "goodbye");
        while asked.load(Ordering::Relaxed) < 3 {
            pair.assert_side(Side::Local, &[("stuff1", "hello")]);
            pair.assert_side(Side::Remote, &[("stuff1", "goodbye")]);
            pair.run_for(std::time::Duration::from_millis(5)).await;
        }
        pair.settle().await;
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        pair.assert_both(&[("stuff1", "goodbye"), ("stuff1.conflicted", "hello")]);
    })
    .await;
}

/// S064, for an application that panics.
#[tokio::test(start_paused = true)]
async fn s064_an_application_that_panics_loses_nothing() {
    with_ways(Way::all(), async |way| {
        let (mut pair, _) = deciding(way, |_| panic!("a bug of the application")).await;
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff1", "goodbye");
        pair.settle().await;
        pair.assert_both(&[("stuff1", "goodbye"), ("stuff1.conflicted", "hello")]);
    })
    .await;
}

/// S068. A hash of two parts has no counterpart: the application sees both contents and says which
/// one holds, so a merely cosmetic change is told and dropped.
#[tokio::test(start_paused = true)]
async fn s068_the_application_can_tell_a_cosmetic_change() {
    for (a, b, expected) in [
        ("B-DIFF", "b-same", "b-same"),
        ("b-diff", "B-SAME", "b-diff"),
    ] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .build(|builder| {
                    builder.resolve_conflict(|local: Version, remote: Version| async move {
                        let local_is_cosmetic =
                            local.read().await?.iter().all(|b| !b.is_ascii_lowercase());
                        let remote_is_cosmetic =
                            remote.read().await?.iter().all(|b| !b.is_ascii_lowercase());
                        assert_ne!(local_is_cosmetic, remote_is_cosmetic);
                        let side = if local_is_cosmetic {
                            Side::Remote
                        } else {
                            Side::Local
                        };
                        Ok(Some(take(side, Losers::Drop)))
                    })
                })
                .pair()
                .await;
            pair.a().write("stuff1", "base");
            pair.settle().await;
            pair.a().write("stuff1", a);
            pair.b().write("stuff1", b);
            pair.settle().await;
            pair.assert_both(&[("stuff1", expected)]);
        })
        .await;
    }
}

/// The built-in policies; beside S055.
#[tokio::test(start_paused = true)]
async fn s055_the_built_in_policies_decide_too() {
    for (policy, expected) in [
        (ConflictPolicy::Local, "a longer"),
        (ConflictPolicy::Remote, "b"),
        (ConflictPolicy::Largest, "a longer"),
        (ConflictPolicy::Smallest, "b"),
    ] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .build(move |builder| builder.on_conflict(policy))
                .pair()
                .await;
            pair.a().write("stuff1", "base");
            pair.settle().await;
            pair.a().write("stuff1", "a longer");
            pair.b().write("stuff1", "b");
            pair.settle().await;
            assert_eq!(
                pair.a().read("stuff1").as_deref(),
                Some(expected),
                "{policy:?}"
            );
            assert_eq!(pair.a().tree(), pair.b().tree());
        })
        .await;
    }
}

/// Held until somebody decides; beside S064.
#[tokio::test(start_paused = true)]
async fn s064_a_held_conflict_waits_and_ends_with_the_difference() {
    in_ways([Way::PLAIN], async |pair| {
        drop(pair);
        let mut pair = Setup::new(Way::PLAIN)
            .build(|builder| builder.on_conflict(ConflictPolicy::Hold))
            .pair()
            .await;
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff1", "goodbye");
        pair.a().write("other", "o");
        pair.rest().await;
        assert_eq!(pair.sync.status().conflicts, ["stuff1"]);
        pair.assert_side(Side::Local, &[("other", "o"), ("stuff1", "hello")]);
        pair.assert_side(Side::Remote, &[("other", "o"), ("stuff1", "goodbye")]);
        pair.a().write("stuff1", "goodbye");
        pair.settle().await;
        assert!(pair.sync.status().conflicts.is_empty());
        pair.assert_both(&[("other", "o"), ("stuff1", "goodbye")]);
    })
    .await;
}
