//! What services do to files: they rewrite, take no more, take two of one name; and what becomes of
//! content on its way.

use std::fs;
use std::time::Duration;

use cloudsync::provider::mock::{Call, Fault};
use cloudsync::{BySide, ErrorKind, Side};
use cloudsync_tests::{Did, Drive, Hand, Pair, Way, in_all_ways, in_ways};
use tokio::time::sleep;

use super::{crash, go_on, operations};
use crate::disk::Folders;

/// D11. A program writes slowly: what is read meanwhile is no version of the file, and goes nowhere.
#[tokio::test(start_paused = true)]
async fn d11_a_file_that_is_being_written_is_uploaded_once_it_is_whole() {
    in_ways(Way::driven(Drive::Live), async |mut pair| {
        pair.a().write("file", "old");
        pair.settle().await;
        pair.forget_heard();
        pair.services
            .local
            .configure(|config| config.latency = Duration::from_millis(400));
        let mut content = String::new();
        for _ in 0..100 {
            content.push_str("one more line\n");
            pair.a().write("file", &content);
            pair.run_for(Duration::from_millis(200)).await;
            assert_eq!(pair.b().read("file").as_deref(), Some("old"), "torn");
        }
        assert!(
            pair.take_log(Side::Local).count(Call::Read) > 0,
            "it was tried"
        );
        pair.settle().await;
        pair.assert_both(&[("file", &content)]);
        assert_eq!(pair.changed(), BySide::new(Did::NOTHING, Did::copies(1)));
        assert!(pair.conflicts().is_empty());
    })
    .await;
}

/// Rewrites each document of B that was not rewritten yet, as some services do after an upload.
fn rewrite(b: &Hand) {
    for (path, content) in b.tree() {
        if path.contains(".docx") && !content.starts_with("[id] ") {
            b.write(&path, &format!("[id] {content}"));
        }
    }
}

/// D44. The service rewrites a document right after each upload: that is an edit like any other, which
/// comes back once, and nothing goes round.
#[tokio::test(start_paused = true)]
async fn d44_a_service_that_rewrites_what_it_gets_makes_no_loop() {
    in_all_ways(async |mut pair| {
        let rewriting = (pair.way.drive == Drive::Live).then(|| {
            let b = pair.b();
            tokio::spawn(async move {
                loop {
                    rewrite(&b);
                    sleep(Duration::from_millis(10)).await;
                }
            })
        });
        pair.services
            .remote
            .configure(|config| config.latency = Duration::from_millis(100));
        for text in ["first", "second"] {
            pair.forget_heard();
            pair.a().write("text.docx", text);
            for _ in 0..4 {
                pair.settle().await;
                rewrite(&pair.b());
            }
            let did = pair.changed();
            assert_eq!(did, BySide::new(Did::copies(1), Did::copies(1)));
            pair.assert_both(&[("text.docx", &format!("[id] {text}"))]);
            assert!(pair.conflicts().is_empty());
        }
        assert_eq!(pair.settle_and_count().await, BySide::default());
        if let Some(rewriting) = rewriting {
            rewriting.abort();
        }
    })
    .await;
}

/// D45. The service has two files of one name: one of them is synced, and not over and over; the other
/// one is left alone, until it has a name of its own.
#[tokio::test(start_paused = true)]
async fn d45_two_files_of_one_name_come_to_rest_and_both_live() {
    in_all_ways(async |mut pair| {
        pair.b().write("fine", "f");
        pair.b().write("twin", "one");
        pair.b().0.write_twin("twin", "two").unwrap();
        go_on(&mut pair).await;
        let did = operations(&pair);
        assert_eq!((did.local, did.remote), (2, 0), "{did:?}");
        assert_eq!(pair.a().tree().len(), 2);
        let taken = pair.a().read("twin").unwrap();
        assert!(["one", "two"].contains(&taken.as_str()), "{taken}");
        for _ in 0..3 {
            go_on(&mut pair).await;
            assert_eq!(operations(&pair), BySide::default());
            pair = pair.reopen().await;
        }
        pair.b().rename("twin", "other");
        pair.settle().await;
        // Nothing tells of the one that was left alone.
        pair.sync.set_need_walk(Side::Remote, true);
        pair.settle().await;
        pair.assert_equal();
        let tree = pair.a().tree();
        let mut twins = [&*tree["twin"], &*tree["other"]];
        twins.sort_unstable();
        assert_eq!((twins, tree.len()), (["one", "two"], 3));
    })
    .await;
}

/// D48. A folder that takes nothing on the service: what a user saves in it here is kept here, and told.
#[tokio::test(start_paused = true)]
async fn d48_what_a_read_only_folder_does_not_take_is_kept_and_told() {
    in_all_ways(async |mut pair| {
        for path in ["shared/old", "open/old"] {
            pair.b().write(path, "old");
        }
        pair.settle().await;
        for round in ["first", "second"] {
            let faults = pair.clients.remote.faults();
            for path in ["shared/old", "shared/new"] {
                let denied = Fault::Fail(ErrorKind::PermissionDenied);
                faults.add(Some(Call::Write), Some(path), denied, None);
            }
            pair.a().write("shared/old", round);
            pair.a().write("shared/new", round);
            pair.a().write("open/new", round);
            go_on(&mut pair).await;
            pair.assert_side(
                Side::Local,
                &[
                    ("open", "/"),
                    ("open/new", round),
                    ("open/old", "old"),
                    ("shared", "/"),
                    ("shared/new", round),
                    ("shared/old", round),
                ],
            );
            assert_eq!(pair.b().read("shared/old").as_deref(), Some("old"));
            assert!(!pair.b().exists("shared/new"));
            assert_eq!(pair.b().read("open/new").as_deref(), Some(round));
            let mut troubles = pair.sync.status().troubles;
            troubles.sort_by(|a, b| a.path.cmp(&b.path));
            assert_eq!(
                troubles
                    .iter()
                    .map(|trouble| &*trouble.path)
                    .collect::<Vec<_>>(),
                ["shared/new", "shared/old"]
            );
            pair = crash(pair).await;
        }
        pair.settle().await;
        pair.assert_equal();
        assert_eq!(pair.b().read("shared/old").as_deref(), Some("second"));
        assert_eq!(pair.b().read("shared/new").as_deref(), Some("second"));
    })
    .await;
}

/// D52. No room for a file, until the user deletes another one.
#[tokio::test(start_paused = true)]
async fn d52_a_full_side_takes_the_file_once_something_was_deleted() {
    in_all_ways(async |mut pair: Pair| {
        pair.a().write("old", &"o".repeat(600));
        pair.settle().await;
        pair.services.remote.set_quota(Some(1_000));
        let big = "b".repeat(700);
        pair.a().write("big", &big);
        pair.a().write("small", "s");
        operations(&pair);
        go_on(&mut pair).await;
        let troubles = pair.sync.status().troubles;
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        assert_eq!(troubles[0].path, "big");
        assert_eq!(troubles[0].failure.kind(), ErrorKind::OutOfSpace);
        let tries = operations(&pair).remote;
        assert!((2..60).contains(&tries), "{tries} tries in ten minutes");
        assert_eq!(pair.b().read("small").as_deref(), Some("s"));

        // Nobody tells that there is room; and what frees it is not held up by what needs it.
        pair.a().delete("old");
        go_on(&mut pair).await;
        pair.settle().await;
        pair.assert_both(&[("big", &big), ("small", "s")]);
    })
    .await;
}

/// D55. Files of nothing but zeroes, written or as holes, small, and large enough to go in pieces.
#[tokio::test]
async fn d55_files_of_zeroes_arrive_with_their_sizes() {
    let folders = Folders::new();
    let sizes = [1, 4_096, 128 << 10, (1 << 20) + 1, 9 << 20];
    for size in sizes {
        folders.write(&format!("a/written-{size}"), vec![0; size]);
        let hole = fs::File::create(folders.at(&format!("a/hole-{size}"))).unwrap();
        hole.set_len(size as u64).unwrap();
        folders.write(&format!("a/was-{size}"), vec![b'x'; size]);
    }
    folders.write("a/empty", "");
    folders.sync().await;
    for size in sizes {
        folders.write(&format!("b/was-{size}"), vec![0; size]);
    }
    folders.sync().await;
    for size in sizes {
        for name in ["written", "hole", "was"] {
            for side in ["a", "b"] {
                let content = fs::read(folders.at(&format!("{side}/{name}-{size}"))).unwrap();
                assert_eq!(content.len(), size, "{side}/{name}");
                assert!(
                    content.iter().all(|byte| *byte == 0),
                    "{side}/{name}-{size}"
                );
            }
        }
    }
    assert_eq!(folders.tree("a").len(), 16);
    assert_eq!(folders.tree("a"), folders.tree("b"));
    assert!(folders.sync().await.changed_nothing());
}

/// D60. A file becomes empty, or zeroes, by a broken disk or program: a change like any other, which
/// takes no edit of the other side with it. (There is no trash, and no guard for it.)
#[tokio::test(start_paused = true)]
async fn d60_a_file_that_turns_to_zeroes_is_a_change_that_wins_over_no_edit() {
    for zeroes in ["", "\0\0\0\0\0\0\0"] {
        in_all_ways(async |mut pair| {
            for name in ["edited", "untouched"] {
                pair.a().write(name, "content");
            }
            pair.settle().await;
            pair.a().write("edited", zeroes);
            pair.a().write("untouched", zeroes);
            pair.b().write("edited", "edited on B");
            let did = pair.settle_and_count().await;
            assert_eq!(pair.conflicts().len(), 1);
            assert_eq!(
                did.remote.copied, 2,
                "the empty one, and the conflict's copy"
            );
            pair.assert_both(&[
                ("edited", "edited on B"),
                ("edited.conflicted", zeroes),
                ("untouched", zeroes),
            ]);
        })
        .await;
    }
}
