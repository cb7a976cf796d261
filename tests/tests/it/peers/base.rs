//! What both sides last agreed on: only what was seen to be so, of these two roots, as they are now.

use std::fs;
use std::time::Duration;

use cloudsync::provider::mock::{Call, MockConfig, MockService};
use cloudsync::{Attributes, BySide, Depth, ErrorKind, Side, Stop};
use cloudsync_tests::{Did, Drive, Hand, Pair, Setup, Way, in_all_ways, in_ways, with_ways};

use super::{at_once, crash, go_on, operations, pause, until};
use crate::disk::Folders;

/// D6. The service was restored from an old backup: an older version, a missing file, moves and
/// deletions undone. Its provider tells so by another identity of the root, which halts the pair. Once
/// the user has it forget what was agreed on, everything that either side has lives on.
#[tokio::test(start_paused = true)]
async fn d06_a_service_restored_from_a_backup_takes_nothing_back() {
    in_all_ways(async |mut pair| {
        for name in ["deleted", "edited", "moved", "same"] {
            pair.a().write(name, &format!("{name} 1"));
        }
        pair.settle().await;
        let backup = pair.b().tree();
        pair.a().write("edited", "edited 2");
        pair.a().write("later", "later 1");
        pair.a().rename("moved", "moved-on");
        pair.a().delete("deleted");
        pair.settle().await;
        pause(&pair).await;

        let restored = MockService::new(MockConfig {
            seed: 99,
            ..pair.services.remote.config()
        });
        for (path, content) in &backup {
            Hand(restored.user_at("/remote")).write(path, content);
        }
        pair.services.remote = restored;
        let mut pair = crash(pair).await;
        let before = Side::BOTH.map(|side| pair.user(side).tree());
        if pair.way.drive == Drive::Live {
            go_on(&mut pair).await;
            let down = pair.sync.status().down.remote.expect("down");
            assert_eq!(down.kind(), ErrorKind::RootMissing);
            pause(&pair).await;
        } else {
            let error = pair.sync.run_once().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RootMissing);
        }
        assert_eq!(Side::BOTH.map(|side| pair.user(side).tree()), before);
        assert_eq!(operations(&pair), BySide::default());

        pair.sync.forget().await.unwrap();
        let did = pair.settle_and_count().await;
        assert_eq!((did.local.deleted, did.remote.deleted), (0, 0));
        pair.assert_both(&[
            ("deleted", "deleted 1"),
            ("edited", "edited 1"),
            ("edited.conflicted", "edited 2"),
            ("later", "later 1"),
            ("moved", "moved 1"),
            ("moved-on", "moved 1"),
            ("same", "same 1"),
        ]);
    })
    .await;
}

/// D8. An upload of which nobody knows how it ended, and which is not there when that is looked at, is
/// still to be made; also when a crash comes between. (An answer that says that all is well, and is
/// wrong, cannot be told from a deletion right after it.)
#[tokio::test(start_paused = true)]
async fn d08_an_upload_that_never_shows_is_made_again() {
    for crashes in [false, true] {
        in_ways(at_once(), async |mut pair| {
            pair.settle().await;
            let remote = pair.services.remote.clone();
            remote.configure(|config| config.latency = Duration::from_secs(1));
            pair.clients.remote.faults().lose_next_reply(Call::Write);
            pair.a().write("file", "hello");
            let b = pair.b();
            {
                let run = pair.sync.run_once();
                tokio::pin!(run);
                until(run.as_mut(), || b.exists("file")).await;
                remote.configure(|config| config.events.loss_per_mille = 1_000);
                b.delete("file");
                remote.configure(|config| config.events.loss_per_mille = 0);
                operations(&pair);
                if !crashes {
                    run.await.unwrap();
                }
            }
            if crashes {
                pair = crash(pair).await;
            }
            pair.settle().await;
            pair.assert_both(&[("file", "hello")]);
            assert_eq!(operations(&pair), BySide::new(0, 1));
            assert!(pair.conflicts().is_empty());
        })
        .await;
    }
}

/// D34. Equal on both sides from the start, deleted on one later, also after a restart.
#[tokio::test(start_paused = true)]
async fn d34_what_was_found_equal_can_be_deleted() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.a().write("folder/file", "equal");
            pair.b().write("folder/file", "equal");
            pair.a().write("stays", "s");
            pair.b().write("stays", "s");
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::default());
            pause(&pair).await;
            pair.user(side).delete("folder/file");
            let mut pair = crash(pair).await;
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::deletions(1));
            assert_eq!(did[side], Did::NOTHING);
            pair.assert_both(&[("folder", "/"), ("stays", "s")]);
        })
        .await;
    }
}

/// D35. A file changes again after it was read and before its copy stands: that is one change more, and
/// no conflict, whichever run carries it over.
#[tokio::test(start_paused = true)]
async fn d35_a_file_that_changes_during_a_run_is_one_more_change() {
    in_ways(at_once(), async |mut pair| {
        pair.a().write("file", "first");
        pair.settle().await;
        pair.forget_heard();
        let remote = pair.services.remote.clone();
        remote.configure(|config| config.latency = Duration::from_secs(1));
        pair.a().write("file", "second");
        let (a, b) = (pair.a(), pair.b());
        {
            let run = pair.sync.run_once();
            tokio::pin!(run);
            until(run.as_mut(), || b.read("file").as_deref() == Some("second")).await;
            a.write("file", "third");
            run.await.unwrap();
        }
        pair.settle().await;
        assert_eq!(pair.changed(), BySide::new(Did::NOTHING, Did::copies(2)));
        pair.assert_both(&[("file", "third")]);
        assert!(pair.conflicts().is_empty());
        assert_eq!(pair.settle_and_count().await, BySide::default());
    })
    .await;
}

/// D36. A mode was changed, and setting it on the other side fails: it is still to be set, also after
/// a restart.
#[tokio::test(start_paused = true)]
async fn d36_a_mode_that_could_not_be_set_is_set_by_the_next_run() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Local, |config| config.keeps_mode = true)
            .config(Side::Remote, |config| config.keeps_mode = true)
            .pair()
            .await;
        pair.a().write("file", "hello");
        pair.settle().await;
        let mode = |pair: &Pair, side| {
            let attributes = pair.user(side).0.attributes("file");
            attributes.and_then(|attributes| attributes.mode)
        };
        let faults = pair.clients.remote.faults();
        faults.fail_always(Call::SetAttributes, None, ErrorKind::Unavailable);
        let wish = Attributes {
            mode: Some(0o600),
            mtime: None,
        };
        pair.a().0.set_attributes("file", wish).unwrap();
        go_on(&mut pair).await;
        assert_eq!(pair.sync.status().troubles.len(), 1);
        assert_ne!(mode(&pair, Side::Remote), wish.mode);

        let mut pair = crash(pair).await;
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default(), "no content");
        assert_eq!(mode(&pair, Side::Local), wish.mode);
        assert_eq!(mode(&pair, Side::Remote), wish.mode);
        pair.assert_both(&[("file", "hello")]);
    })
    .await;
}

/// D36, where the other side refuses the mode for good: it is tried once in a run, holds nothing up, and is
/// tried again by the next one.
#[tokio::test(start_paused = true)]
async fn d36_a_mode_that_was_refused_is_tried_again_by_the_next_run() {
    with_ways(Way::all(), async |way| {
        let mut setup = Setup::new(way);
        for side in Side::BOTH {
            setup = setup.config(side, |config| config.keeps_mode = true);
        }
        let mut pair = setup.pair().await;
        pair.a().write("file", "hello");
        pair.settle().await;
        let refuse = |pair: &Pair| {
            pair.take_log(Side::Remote);
            let faults = pair.clients.remote.faults();
            faults.fail_always(Call::SetAttributes, None, ErrorKind::PermissionDenied);
        };
        refuse(&pair);
        let wish = Attributes {
            mode: Some(0o600),
            mtime: None,
        };
        pair.a().0.set_attributes("file", wish).unwrap();
        for _ in 0..2 {
            go_on(&mut pair).await;
            let status = pair.sync.status();
            assert!(status.at_rest && status.troubles.is_empty(), "{status:?}");
            let log = pair.take_log(Side::Remote);
            assert_eq!(log.count(Call::SetAttributes), 1, "{log:?}");
            assert_eq!(log.count(Call::Read), 0, "{log:?}");
            pair = crash(pair).await;
            refuse(&pair);
        }
        pair.clients.remote.faults().clear();
        pair.settle().await;
        let attributes = pair.b().0.attributes("file").unwrap();
        assert_eq!(attributes.mode, wish.mode);
        pair.assert_both(&[("file", "hello")]);
    })
    .await;
}

/// D36 again: a run that goes on tries once more when it walked the side.
#[tokio::test(start_paused = true)]
async fn d36_a_mode_that_was_refused_is_tried_again_after_a_walk() {
    let is_live = |way: &Way| way.drive == Drive::Live;
    with_ways(Way::all().into_iter().filter(is_live), async |way| {
        let mut setup = Setup::new(way);
        for side in Side::BOTH {
            setup = setup.config(side, |config| config.keeps_mode = true);
        }
        let mut pair = setup.pair().await;
        pair.a().write("file", "hello");
        pair.settle().await;
        let faults = pair.clients.remote.faults();
        faults.fail_always(Call::SetAttributes, None, ErrorKind::PermissionDenied);
        let wish = Attributes {
            mode: Some(0o600),
            mtime: None,
        };
        pair.a().0.set_attributes("file", wish).unwrap();
        go_on(&mut pair).await;
        let mode = |pair: &Pair| pair.b().0.attributes("file").unwrap().mode;
        assert_ne!(mode(&pair), wish.mode, "it is refused");
        pair.clients.remote.faults().clear();
        let walk = pair.sync.walk(Some(Side::Remote), None, Depth::All);
        walk.await.unwrap();
        go_on(&mut pair).await;
        assert_eq!(mode(&pair), wish.mode);
    })
    .await;
}

/// D46. Away for so long that the service knows the cursor no more, with changes on both sides.
#[tokio::test(start_paused = true)]
async fn d46_after_a_long_time_off_line_nothing_is_lost() {
    in_all_ways(async |mut pair| {
        for name in ["deleted here", "deleted there", "edited", "torn", "moved"] {
            pair.a().write(name, name);
        }
        pair.settle().await;
        pause(&pair).await;
        pair.a().write("edited", "offline");
        pair.a().write("new here", "h");
        pair.a().delete("deleted here");
        pair.a().write("torn", "edited here, deleted there");
        pair.b().delete("torn");
        pair.b().delete("deleted there");
        pair.b().write("new there", "t");
        pair.b().rename("moved", "moved on");
        pair.services.remote.expire_cursors();
        let mut pair = crash(pair).await;
        pair.settle().await;
        pair.assert_both(&[
            ("edited", "offline"),
            ("moved on", "moved"),
            ("new here", "h"),
            ("new there", "t"),
            ("torn", "edited here, deleted there"),
        ]);
        let did = pair.changed();
        assert_eq!((did.local.deleted, did.remote.deleted), (1, 1));
        assert!(pair.take_log(Side::Remote).count(Call::List) > 0, "a walk");
        assert!(pair.conflicts().is_empty());
    })
    .await;
}

/// D47. A conflict makes one copy, and is over: nothing is left to do, whatever is looked at again.
#[tokio::test(start_paused = true)]
async fn d47_a_conflict_makes_one_copy_and_then_all_is_quiet() {
    in_all_ways(async |mut pair| {
        pair.a().write("file", "base");
        pair.settle().await;
        pair.a().write("file", "A");
        pair.b().write("file", "B");
        pair.settle().await;
        assert_eq!(pair.conflicts().len(), 1);
        for _ in 0..3 {
            for side in Side::BOTH {
                pair.user(side).touch("file");
                pair.user(side).touch("file.conflicted");
            }
            pair = pair.reopen().await;
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::default());
            assert_eq!(pair.conflicts(), []);
            pair.assert_both(&[("file", "B"), ("file.conflicted", "A")]);
        }
        // The original is what both agreed on: an edit of it is only that.
        pair.a().write("file", "later");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::NOTHING, Did::copies(1)));
        pair.assert_both(&[("file", "later"), ("file.conflicted", "A")]);
    })
    .await;
}

/// D59. The state of an earlier set-up of the same paths: it is not believed about what is there now.
#[tokio::test]
async fn d59_the_state_of_an_earlier_set_up_deletes_nothing() {
    let folders = Folders::new();
    for name in ["x", "y", "z"] {
        folders.write(&format!("a/{name}"), name);
    }
    folders.sync().await;
    for root in ["a", "b"] {
        fs::remove_dir_all(folders.at(root)).unwrap();
    }
    folders.write("a/x", "x");
    folders.write("b/y", "new");
    for _ in 0..2 {
        let error = folders.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RootMissing, "{error}");
        assert_eq!((folders.tree("a").len(), folders.tree("b").len()), (1, 1));
    }
    let pair = folders.open().await;
    pair.forget().await.unwrap();
    pair.stop(Stop::Forever).await;
    let report = folders.sync().await;
    assert!(report.first_meeting, "{report:?}");
    assert_eq!((report.total().deleted, report.total().copied), (0, 2));
    folders.assert_both(&[("x", "x"), ("y", "new")]);
}
