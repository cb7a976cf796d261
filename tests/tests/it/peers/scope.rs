//! What takes no part is never touched, and rules that change delete nothing.

use cloudsync::{Builder, BySide, Kind, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Setup, Way, in_all_ways, with_ways};

use super::{at_once, go_on, operations, pause};

/// Leaves `skip…` out on these sides.
fn without_skip(sides: &'static [Side]) -> impl FnOnce(Builder) -> Builder {
    move |builder| {
        builder.wanted(format!("no skip on {sides:?}"), move |side, path, _| {
            !(sides.contains(&side) && path.split('/').any(|name| name.starts_with("skip")))
        })
    }
}

/// D29. Left out on A, made on B; then A wants it, and does not have it.
#[tokio::test(start_paused = true)]
async fn d29_what_is_wanted_again_is_fetched_and_not_deleted() {
    for sides in [&[Side::Local][..], &Side::BOTH] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way).build(without_skip(sides)).pair().await;
            pair.b().write("fine", "f");
            pair.b().write("skip/in", "s");
            pair.b().write("folder/skipped", "s too");
            pair.settle().await;
            pair.assert_side(Side::Local, &[("fine", "f"), ("folder", "/")]);
            operations(&pair);
            let mut pair = pair.reopen().await;
            let did = pair.settle_and_count().await;
            let fetched = Did {
                folders: 1,
                ..Did::copies(2)
            };
            assert_eq!(did, BySide::new(fetched, Did::NOTHING));
            pair.assert_both(&[
                ("fine", "f"),
                ("folder", "/"),
                ("folder/skipped", "s too"),
                ("skip", "/"),
                ("skip/in", "s"),
            ]);
        })
        .await;
    }
}

/// D30. A deletes and then leaves it out, all before anything ran again: B keeps it.
#[tokio::test(start_paused = true)]
async fn d30_what_was_deleted_and_then_left_out_stays_on_the_other_side() {
    for sides in [&[Side::Local][..], &Side::BOTH] {
        in_all_ways(async |mut pair| {
            for path in ["skip/1", "skip/2", "fine", "gone"] {
                pair.a().write(path, path);
            }
            pair.settle().await;
            pause(&pair).await;
            pair.a().delete("skip");
            pair.a().delete("gone");
            let mut pair = pair.reopen_with(without_skip(sides)).await;
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::NOTHING, Did::deletions(1)));
            pair.assert_side(Side::Local, &[("fine", "fine")]);
            pair.assert_side(
                Side::Remote,
                &[
                    ("fine", "fine"),
                    ("skip", "/"),
                    ("skip/1", "skip/1"),
                    ("skip/2", "skip/2"),
                ],
            );
            // Nor later, when it takes part again.
            let mut pair = pair.reopen().await;
            let did = pair.settle_and_count().await;
            assert_eq!((did.local.deleted, did.remote), (0, Did::NOTHING));
            pair.assert_both(&[
                ("fine", "fine"),
                ("skip", "/"),
                ("skip/1", "skip/1"),
                ("skip/2", "skip/2"),
            ]);
        })
        .await;
    }
}

/// D31. A first meeting with a list of what takes part, hidden names left out.
#[tokio::test(start_paused = true)]
async fn d31_a_first_meeting_touches_nothing_out_of_its_scope() {
    let is_listed = |_: Side, path: &str, _: Kind| {
        let mut names = path.split('/');
        names.clone().next() == Some("shared") && !names.any(|name| name.starts_with('.'))
    };
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .build(move |builder| builder.wanted("shared", is_listed))
            .pair()
            .await;
        let others = |side: &str| {
            [
                ".env",
                "private/file",
                "shared-not/file",
                "shared/.git/file",
                "shared/.hidden",
            ]
            .map(|path| (path, format!("{side}'s {path}")))
        };
        for (side, name) in [(Side::Local, "a"), (Side::Remote, "b")] {
            for (path, content) in others(name) {
                pair.user(side).write(path, &content);
            }
            pair.user(side).write(&format!("shared/{name}"), name);
            pair.user(side).write(&format!("only-{name}"), name);
        }
        for _ in 0..2 {
            pair.settle().await;
            for (side, name, other) in [(Side::Local, "a", "b"), (Side::Remote, "b", "a")] {
                for (path, content) in others(name) {
                    assert_eq!(pair.user(side).read(path), Some(content));
                }
                assert_eq!(pair.user(side).tree().len(), 12);
                let arrived = pair.user(side).read(&format!("shared/{other}"));
                assert_eq!(arrived.as_deref(), Some(other));
                assert!(!pair.user(side).exists(&format!("only-{other}")));
            }
            pair = {
                let build = move |builder: Builder| builder.wanted("shared", is_listed);
                pair.reopen_with(build).await
            };
        }
        pair.settle().await;
        assert_eq!(operations(&pair), BySide::default());
    })
    .await;
}

/// D32. A folder that holds something left out is deleted on the other side, and another one renamed:
/// the rest follows, what is left out stays, and it is quiet.
#[tokio::test(start_paused = true)]
async fn d32_what_is_left_out_in_a_deleted_folder_stays() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .build(without_skip(&Side::BOTH))
            .pair()
            .await;
        pair.a().write("deleted/file", "f");
        pair.a().write("deleted/skip", "mine");
        pair.a().write("renamed/file", "f");
        pair.a().write("renamed/skip", "mine too");
        pair.settle().await;
        pair.assert_side(
            Side::Remote,
            &[
                ("deleted", "/"),
                ("deleted/file", "f"),
                ("renamed", "/"),
                ("renamed/file", "f"),
            ],
        );
        pair.b().delete("deleted");
        pair.b().rename("renamed", "after");
        pair.forget_heard();
        operations(&pair);
        go_on(&mut pair).await;
        let did = operations(&pair);
        go_on(&mut pair).await;
        assert_eq!(operations(&pair), BySide::default(), "it is quiet");
        assert!((2..=3).contains(&did.local) && did.remote == 0, "{did:?}");
        pair.assert_side(Side::Remote, &[("after", "/"), ("after/file", "f")]);
        pair.assert_side(
            Side::Local,
            &[
                ("after", "/"),
                ("after/file", "f"),
                ("after/skip", "mine too"),
                ("deleted", "/"),
                ("deleted/skip", "mine"),
            ],
        );
        // Once the user takes it out, the folder follows.
        pair.a().rename("deleted/skip", "skipped");
        pair.settle().await;
        assert!(!pair.a().exists("deleted"));
        assert_eq!(pair.a().read("skipped").as_deref(), Some("mine"));
        if way.a == Identity::Stable {
            assert_eq!(pair.a().tree().len(), 4);
        }
    })
    .await;
}

/// D57. A plan under other rules changes nothing, not what is stored either; and a new meeting with
/// files on one side alone deletes none.
#[tokio::test(start_paused = true)]
async fn d57_a_plan_under_new_rules_changes_nothing_and_a_new_meeting_deletes_nothing() {
    with_ways(at_once(), async |way| {
        let mut pair = Setup::new(way).pair().await;
        for path in ["fine", "skip/1", "edited"] {
            pair.a().write(path, path);
        }
        pair.settle().await;
        pair.a().write("edited", "anew");
        pair.a().delete("skip/1");
        let pair = pair.reopen_with(without_skip(&Side::BOTH)).await;
        let (entries, applied) = (pair.disk.snapshot().entries, pair.disk.applied());
        let before = Side::BOTH.map(|side| pair.user(side).tree());
        for _ in 0..2 {
            let plan = pair.sync.plan().await.unwrap();
            let planned: Vec<_> = plan
                .operations
                .iter()
                .map(|planned| (planned.side, planned.operation, planned.path.as_str()))
                .collect();
            assert_eq!(planned, [(Side::Remote, "copy", "edited")]);
        }
        assert_eq!(operations(&pair), BySide::default());
        assert_eq!(pair.disk.applied(), applied);
        assert_eq!(pair.disk.snapshot().entries, entries);
        assert_eq!(Side::BOTH.map(|side| pair.user(side).tree()), before);

        // The rules as before, and nothing is known any more.
        let mut pair = pair.reopen().await;
        pair.sync.forget().await.unwrap();
        pair.a().delete("edited");
        pair.b().write("only there", "t");
        let did = pair.settle_and_count().await;
        assert_eq!((did.local.deleted, did.remote), (0, Did::NOTHING));
        pair.assert_both(&[
            ("edited", "edited"),
            ("fine", "fine"),
            ("only there", "t"),
            ("skip", "/"),
            ("skip/1", "skip/1"),
        ]);
    })
    .await;
}
