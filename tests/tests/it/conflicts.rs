//! Conflicts, and the copies that are kept: S051 to S054, S062, S063, S067, S069.

use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Pair, Setup, Way, in_all_ways, with_ways};

/// S051: split at the first dot, then counted.
#[tokio::test(start_paused = true)]
async fn s051_the_name_of_a_conflict_copy() {
    in_all_ways(async |mut pair| {
        pair.a().write("to()a.doc.zip", "1");
        pair.a().write(".x", "1");
        pair.a().write("plain", "1");
        pair.settle().await;
        for round in ["2", "3"] {
            for name in ["to()a.doc.zip", ".x", "plain"] {
                pair.a().write(name, &format!("a{round}"));
                pair.b().write(name, &format!("b{round}"));
            }
            pair.settle().await;
        }
        pair.assert_both(&[
            (".conflicted.x", "a2"),
            (".conflicted2.x", "a3"),
            (".x", "b3"),
            ("plain", "b3"),
            ("plain.conflicted", "a2"),
            ("plain.conflicted2", "a3"),
            ("to()a.conflicted.doc.zip", "a2"),
            ("to()a.conflicted2.doc.zip", "a3"),
            ("to()a.doc.zip", "b3"),
        ]);
    })
    .await;
}

/// S052. Both contents are on both sides.
#[tokio::test(start_paused = true)]
async fn s052_two_new_files_of_one_name_both_survive() {
    in_all_ways(async |mut pair| {
        pair.settle().await;
        pair.a().write("stuff1", "hello");
        pair.b().write("stuff1", "goodbye");
        pair.settle().await;
        pair.assert_both(&[("stuff1", "goodbye"), ("stuff1.conflicted", "hello")]);
        let kept_as = Some("stuff1.conflicted".to_owned());
        assert_eq!(pair.conflicts(), [("stuff1".to_owned(), kept_as.clone())]);
        if let Some(report) = &pair.report {
            assert_eq!(report.conflicts.len(), 1);
            assert_eq!(report.conflicts[0].kept_as, kept_as);
            assert!(!report.conflicts[0].waits);
        }
    })
    .await;
}

/// Loses all events of some sides.
async fn with_lost_events(way: Way, lost: &[Side]) -> Pair {
    let mut pair = Pair::new(way).await;
    pair.settle().await;
    for side in lost {
        pair.services[*side].configure(|config| config.events.loss_per_mille = 1_000);
    }
    pair
}

/// S053. Whichever side's events are lost: the other's are enough to look.
#[tokio::test(start_paused = true)]
async fn s053_equal_new_files_agree_whatever_was_told() {
    for lost in [&[][..], &[Side::Local], &[Side::Remote]] {
        with_ways(Way::driven(Drive::Live), async |way| {
            let mut pair = with_lost_events(way, lost).await;
            pair.a().write("stuff1", "hello");
            pair.b().write("stuff1", "hello");
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::default(), "lost: {lost:?}");
            pair.assert_both(&[("stuff1", "hello")]);
        })
        .await;
    }
}

/// S053 at the first meeting, for files larger than what the reference compares.
#[tokio::test(start_paused = true)]
async fn s053_equal_files_agree_at_the_first_meeting() {
    in_all_ways(async |mut pair| {
        let large = "x".repeat(1 << 20);
        pair.a().write("folder/large", &large);
        pair.b().write("folder/large", &large);
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
        assert!(pair.conflicts().is_empty());
        pair.assert_both(&[("folder", "/"), ("folder/large", &large)]);
    })
    .await;
}

/// S054.
#[tokio::test(start_paused = true)]
async fn s054_different_new_files_both_survive_whatever_was_told() {
    for lost in [Side::Local, Side::Remote] {
        with_ways(Way::driven(Drive::Live), async |way| {
            let mut pair = with_lost_events(way, &[lost]).await;
            pair.a().write("stuff1", "hello");
            pair.b().write("stuff1", "goodbye");
            pair.settle().await;
            pair.assert_both(&[("stuff1", "goodbye"), ("stuff1.conflicted", "hello")]);
        })
        .await;
    }
}

/// S062 and S063. The copy is an ordinary file at once: it is renamed and edited as any other.
#[tokio::test(start_paused = true)]
async fn s062_a_conflict_copy_is_an_ordinary_file() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.a().write("stuff1", "hello");
            pair.b().write("stuff1", "goodbye");
            pair.settle().await;
            pair.user(side).write("stuff1.conflicted", "edited");
            pair.settle().await;
            pair.assert_both(&[("stuff1", "goodbye"), ("stuff1.conflicted", "edited")]);
            pair.user(side).rename("stuff1.conflicted", "new_path");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::renames(1));
            pair.assert_both(&[("new_path", "edited"), ("stuff1", "goodbye")]);
            pair.user(side.other()).write("new_path", "later");
            pair.settle().await;
            pair.assert_both(&[("new_path", "later"), ("stuff1", "goodbye")]);
        })
        .await;
    }
}

/// S067. The copy is on both sides; a priority of the child changes nothing.
#[tokio::test(start_paused = true)]
async fn s067_of_a_file_and_a_folder_the_folder_keeps_the_name() {
    for urgent in [false, true] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .build(move |builder| {
                    builder.prioritize(move |_, path| -i32::from(urgent && path.ends_with("under")))
                })
                .pair()
                .await;
            pair.a().write("stuff1", "hello");
            pair.settle().await;
            pair.a().delete("stuff1");
            pair.b().delete("stuff1");
            pair.a().write("stuff1", "goodbye");
            pair.b().write("stuff1/under", "world");
            pair.settle().await;
            pair.assert_both(&[
                ("stuff1", "/"),
                ("stuff1.conflicted", "goodbye"),
                ("stuff1/under", "world"),
            ]);
        })
        .await;
    }
}

/// S069.
#[tokio::test(start_paused = true)]
async fn s069_renamed_on_both_sides_and_edited_on_one_comes_to_rest() {
    for side in Side::BOTH {
        for edited in [None, Some(Side::Local), Some(Side::Remote)] {
            in_all_ways(async |mut pair| {
                pair.a().write("stuff1", "hello");
                pair.settle().await;
                pair.user(side).rename("stuff1", "x");
                pair.user(side.other()).rename("stuff1", "y");
                if let Some(edited) = edited {
                    let name = if edited == side { "x" } else { "y" };
                    pair.user(edited).write(name, "edited");
                }
                pair.settle().await;
                let content = if edited.is_some() { "edited" } else { "hello" };
                let both = pair.a().tree();
                assert_eq!(both, pair.b().tree());
                if pair.way.a == Identity::Stable {
                    pair.assert_both(&[("x", content)]);
                } else {
                    // Without ids A's is another file: both live.
                    assert!(both.values().any(|is| is == content), "{both:?}");
                    assert!(
                        both.keys().all(|name| name == "x" || name == "y"),
                        "{both:?}"
                    );
                }
            })
            .await;
        }
    }
}
