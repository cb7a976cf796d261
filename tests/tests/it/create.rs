//! Creating, editing, deleting: S001 to S017.

use cloudsync::Side;
use cloudsync::provider::mock::{Call, EventShape, Fault};
use cloudsync::{BySide, ErrorKind};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Pair, Setup, Way, in_all_ways, in_ways, with_ways};

/// S001.
#[tokio::test(start_paused = true)]
async fn s001_files_made_on_both_sides_are_on_both_sides() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff2", "hello2");
        let did = pair.settle_and_count().await;
        pair.assert_both(&[("stuff1", "hello"), ("stuff2", "hello2")]);
        assert_eq!(did, BySide::new(Did::copies(1), Did::copies(1)));
        assert_eq!(pair.sync.change_count(), 0);
        assert_eq!(pair.sync.status().objects, BySide::new(2, 2));
    })
    .await;
}

/// S002: what is told twice is one change.
#[tokio::test(start_paused = true)]
async fn s002_an_event_given_twice_is_one_change() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Local, |config| {
                config.events.duplicate_per_mille = 1_000;
            })
            .pair()
            .await;
        pair.settle().await;
        pair.a().write("stuff1", "hello");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::copies(1)));
        assert_eq!(pair.take_log(Side::Remote).count(Call::Write), 1);
        pair.assert_both(&[("stuff1", "hello")]);
    })
    .await;
}

/// S003.
#[tokio::test(start_paused = true)]
async fn s003_an_edit_arrives() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.settle().await;
        pair.a().write("stuff1", "hello2");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::copies(1)));
        pair.assert_both(&[("stuff1", "hello2")]);
        pair.b().write("stuff1", "hello3");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::copies(1), Did::NOTHING));
        pair.assert_both(&[("stuff1", "hello3")]);
    })
    .await;
}

/// S004.
#[tokio::test(start_paused = true)]
async fn s004_a_deletion_arrives() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff2", "hello");
        pair.settle().await;
        pair.a().delete("stuff1");
        pair.b().delete("stuff2");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::deletions(1), Did::deletions(1)));
        pair.assert_both(&[]);
    })
    .await;
}

/// S005. That an event calls the folder a file has no counterpart: ours say no kind, they only hint.
#[tokio::test(start_paused = true)]
async fn s005_a_folder_is_made_and_deleted() {
    in_all_ways(async |mut pair| {
        pair.a().mkdir("stuff");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::folders(1)));
        pair.assert_both(&[("stuff", "/")]);
        pair.a().delete("stuff");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::deletions(1)));
        pair.assert_both(&[]);
    })
    .await;
}

/// S006. Where ours does better: it is one write over the old file, so B's id lives on.
#[tokio::test(start_paused = true)]
async fn s006_a_file_deleted_and_made_anew_is_an_edit() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.settle().await;
        let id = pair.b().0.oid("stuff1");
        pair.a().delete("stuff1");
        pair.a().write("stuff1", "goodbye");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::copies(1)));
        assert_eq!(pair.b().0.oid("stuff1"), id);
        pair.assert_both(&[("stuff1", "goodbye")]);
    })
    .await;
}

/// S008. The copy of a conflict is on both sides, here as in all scenarios.
#[tokio::test(start_paused = true)]
async fn s008_both_delete_and_make_other_files_of_that_name() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.settle().await;
        pair.a().delete("stuff1");
        pair.b().delete("stuff1");
        pair.a().write("stuff1", "goodbye");
        pair.b().write("stuff1", "world");
        pair.settle().await;
        pair.assert_both(&[("stuff1", "world"), ("stuff1.conflicted", "goodbye")]);
        assert_eq!(pair.sync.status().objects, BySide::new(2, 2));
    })
    .await;
}

/// S010: that the folder is new costs next to nothing more.
#[tokio::test(start_paused = true)]
async fn s010_many_new_files_cost_as_many_calls_in_a_new_folder_as_in_an_old_one() {
    let calls = async |way: Way, folder_first: bool| {
        let mut pair = Pair::new(way).await;
        pair.settle().await;
        if folder_first {
            pair.a().mkdir("folder");
            pair.settle().await;
        }
        for side in Side::BOTH {
            pair.take_log(side);
        }
        for index in 0..20 {
            pair.a()
                .write(&format!("folder/{index}"), &"x".repeat(3_072));
        }
        pair.settle().await;
        pair.assert_equal();
        assert_eq!(pair.a().tree().len(), 21);
        let calls = BySide::from_fn(|side| {
            let log = pair.take_log(side);
            assert!(log.count(Call::Write) <= 20);
            log.calls().len() - log.count(Call::Events)
        });
        assert!(calls.local < 100 && calls.remote < 100, "{calls:?}");
        calls
    };
    for way in Way::all().into_iter().filter(|way| !way.shuffled) {
        let (with, without) = (calls(way, true).await, calls(way, false).await);
        for side in Side::BOTH {
            let more = without[side].abs_diff(with[side]);
            assert!(more < 23, "{way} {side}: {with:?}, {without:?}");
        }
    }
}

/// S012.
#[tokio::test(start_paused = true)]
async fn s012_equal_files_on_both_sides_agree_in_few_calls() {
    in_ways(
        Way::all().into_iter().filter(|way| !way.shuffled),
        async |mut pair| {
            pair.settle().await;
            pair.take_work();
            for index in 0..12 {
                let (name, content) = (format!("both{index}"), format!("content {index}"));
                pair.a().write(&name, &content);
                pair.b().write(&name, &content);
                pair.a().write(&format!("only{index}"), &content);
            }
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::NOTHING, Did::copies(12)));
            pair.assert_equal();
            assert_eq!(pair.a().tree().len(), 24);
            let calls: usize = Side::BOTH
                .map(|side| pair.take_log(side).calls().len())
                .iter()
                .sum();
            assert!(calls < 432, "{calls} calls");
        },
    )
    .await;
}

/// S013.
#[tokio::test(start_paused = true)]
async fn s013_an_event_without_a_change_does_nothing() {
    in_all_ways(async |mut pair| {
        pair.a().write("stuff1", "hello");
        pair.settle().await;
        let places = Side::BOTH.map(|side| pair.user(side).0.oid("stuff1"));
        pair.a().touch("stuff1");
        pair.b().touch("stuff1");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
        assert_eq!(pair.sync.change_count(), 0);
        let now = Side::BOTH.map(|side| pair.user(side).0.oid("stuff1"));
        assert_eq!(places, now);
        pair.assert_both(&[("stuff1", "hello")]);
    })
    .await;
}

/// S014: an event says next to nothing of its object, and it is synced.
#[tokio::test(start_paused = true)]
async fn s014_an_event_that_says_only_the_id_is_enough() {
    for shape in [EventShape::OidOnly, EventShape::PathOnly] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .config(Side::Local, |config| config.events.shape = shape)
                .config(Side::Remote, |config| config.events.shape = shape)
                .pair()
                .await;
            pair.settle().await;
            pair.a().write("file", "hello");
            pair.a().mkdir("folder");
            pair.b().write("deep/er/file", "two");
            pair.settle().await;
            pair.assert_equal();
            assert_eq!(pair.a().tree().len(), 5);
            pair.b().delete("deep");
            pair.a().rename("file", "folder/file");
            pair.settle().await;
            pair.assert_both(&[("folder", "/"), ("folder/file", "hello")]);
        })
        .await;
    }
}

/// S015. Where ours does better: a side that gives no hash is read and hashed; nothing is left out.
/// Here a file cannot be read at all.
#[tokio::test(start_paused = true)]
async fn s015_a_file_that_cannot_be_read_is_told_and_holds_up_no_other() {
    in_all_ways(async |mut pair| {
        pair.settle().await;
        let faults = pair.clients.local.faults();
        for call in [Call::Read, Call::Hash] {
            faults.fail_always(call, Some("closed"), ErrorKind::PermissionDenied);
        }
        pair.a().write("closed", "?");
        pair.a().write("open", "hello");
        pair.rest().await;
        pair.assert_side(Side::Remote, &[("open", "hello")]);
        let status = pair.sync.status();
        assert_eq!(status.troubles.len(), 1, "{status:?}");
        assert_eq!(
            status.troubles[0].failure.kind(),
            ErrorKind::PermissionDenied
        );

        pair.a().delete("closed");
        pair.settle().await;
        pair.assert_both(&[("open", "hello")]);
    })
    .await;
}

/// S016: only what stands there counts, not in which order events say so.
#[tokio::test(start_paused = true)]
async fn s016_events_out_of_order_do_not_bring_back_what_is_gone() {
    with_ways(Way::driven(Drive::Live), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Remote, |config| {
                config.events.reorder_per_mille = 1_000;
                config.events.duplicate_per_mille = 500;
            })
            .pair()
            .await;
        pair.settle().await;
        pair.b().write("gone", "hello");
        pair.b().delete("gone");
        pair.b().write("there", "old");
        pair.b().delete("there");
        pair.b().write("there", "new");
        pair.settle().await;
        pair.assert_both(&[("there", "new")]);
    })
    .await;
}

/// S017.
#[tokio::test(start_paused = true)]
async fn s017_a_folder_deleted_with_its_children_is_gone_whatever_events_say() {
    for (duplicate, reorder, children) in [(0, 0, true), (1_000, 1_000, true), (0, 0, false)] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .config(Side::Local, |config| {
                    config.events.duplicate_per_mille = duplicate;
                    config.events.reorder_per_mille = reorder;
                    config.events.children_of_deleted = children;
                })
                .pair()
                .await;
            pair.a().write("folder/one", "1");
            pair.a().write("folder/two", "2");
            pair.settle().await;
            pair.assert_equal();
            // Told once more that it exists, right before it does not.
            pair.a().touch("folder/one");
            pair.a().delete("folder");
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::NOTHING, Did::deletions(3)));
            pair.assert_both(&[]);
        })
        .await;
    }
}

/// Beside S001: bytes that arrive wrong are not passed on where a hash of the source is known.
#[tokio::test(start_paused = true)]
async fn s001_what_breaks_off_half_way_is_read_again() {
    with_ways(Way::with_a(Identity::Stable), async |way| {
        let mut pair = Pair::new(way).await;
        pair.settle().await;
        let faults = pair.clients.local.faults();
        faults.add(Some(Call::Read), None, Fault::CutRead, Some(1));
        pair.a().write("stuff1", "hello, a longer text");
        pair.settle().await;
        pair.assert_both(&[("stuff1", "hello, a longer text")]);
    })
    .await;
}
