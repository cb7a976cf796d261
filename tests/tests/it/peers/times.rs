//! Times: too coarse to tell edits apart, rounded, or without sense.

use std::fs;
use std::time::{Duration, SystemTime};

use cloudsync::{Attributes, BySide, Side};
use cloudsync_tests::{Did, Drive, Pair, Setup, Way, in_all_ways, with_ways};

use super::go_on;
use crate::disk::Folders;

fn set_mtime(pair: &Pair, side: Side, path: &str, mtime: i64) {
    let attributes = Attributes {
        mtime: Some(mtime),
        mode: None,
    };
    pair.user(side).0.set_attributes(path, attributes).unwrap();
}

fn mtime(pair: &Pair, side: Side, path: &str) -> Option<i64> {
    pair.user(side).0.attributes(path)?.mtime
}

/// D37. B's edit of the same size comes when A's deletion is about to be carried over: after all looks,
/// right before the call.
#[tokio::test(start_paused = true)]
async fn d37_an_edit_right_before_its_deletion_survives() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.a().write("file", "old");
            pair.settle().await;
            let root = if side == Side::Local {
                "remote"
            } else {
                "local"
            };
            let place = format!("{root}/file");
            let faults = pair.clients[side.other()].faults();
            faults.before_next_change(move |user| user.write(&place, "new").unwrap());
            pair.user(side).delete("file");
            let did = pair.settle_and_count().await;
            pair.assert_both(&[("file", "new")]);
            assert_eq!(did[side.other()], Did::NOTHING);
            assert_eq!(did[side], Did::copies(1));
        })
        .await;
    }
}

/// D37 on a disk: right after a run, of the same size and time, over and over.
#[tokio::test]
async fn d37_an_edit_within_the_step_of_the_clock_survives_a_deletion() {
    let folders = Folders::new();
    folders.write("b/file", "content 0");
    for round in 1..=10 {
        folders.sync().await;
        let time = fs::metadata(folders.at("b/file")).unwrap().modified();
        let content = format!("content {}", round % 10);
        let mut options = fs::File::options();
        let open = options.write(true).truncate(round % 2 == 0);
        let mut file = open.open(folders.at("b/file")).unwrap();
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
        file.set_modified(time.unwrap()).unwrap();
        fs::remove_file(folders.at("a/file")).unwrap();
        let report = folders.sync().await;
        assert_eq!(report.total().deleted, 0, "round {round}: {report:?}");
        folders.assert_both(&[("file", &content)]);
    }
}

/// D38. Two new files of one name, size and time.
#[tokio::test(start_paused = true)]
async fn d38_two_files_of_one_size_and_time_are_a_conflict() {
    with_ways(Way::all(), async |way| {
        let mut setup = Setup::new(way);
        for side in Side::BOTH {
            setup = setup.config(side, |config| {
                config.mtime_resolution = Duration::from_secs(1);
            });
        }
        let mut pair = setup.pair().await;
        pair.a().write("file", "aaaa");
        pair.b().write("file", "bbbb");
        let second = 1_700_000_000_000_000_000;
        set_mtime(&pair, Side::Local, "file", second + 200_000_000);
        set_mtime(&pair, Side::Remote, "file", second + 900_000_000);
        assert_eq!(
            mtime(&pair, Side::Local, "file"),
            mtime(&pair, Side::Remote, "file")
        );
        pair.settle().await;
        pair.assert_both(&[("file", "bbbb"), ("file.conflicted", "aaaa")]);
        assert_eq!(pair.conflicts().len(), 1);
        assert_eq!(pair.settle_and_count().await, BySide::default());
    })
    .await;
}

/// D39. One side rounds times, or has none of its own choosing: a second run has nothing to do, and the
/// exact time stays.
#[tokio::test(start_paused = true)]
async fn d39_rounded_times_are_no_change() {
    for keeps_mtime in [true, false] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .config(Side::Remote, |config| {
                    config.mtime_resolution = Duration::from_secs(2);
                    config.keeps_mtime = keeps_mtime;
                })
                .pair()
                .await;
            let exact = 1_700_000_001_234_567_891;
            pair.a().write("here", "h");
            pair.b().write("there", "t");
            set_mtime(&pair, Side::Local, "here", exact);
            pair.settle().await;
            pair.take_work();
            for _ in 0..3 {
                go_on(&mut pair).await;
                assert_eq!(pair.take_work(), 0);
                pair = pair.reopen().await;
            }
            pair.settle().await;
            assert_eq!(pair.take_work(), 0);
            assert_eq!(mtime(&pair, Side::Local, "here"), Some(exact));
            pair.assert_both(&[("here", "h"), ("there", "t")]);
        })
        .await;
    }
}

/// D40. Times of 1970, before it, or beyond all sense: the files are synced, no content goes again, and
/// it is quiet.
#[tokio::test(start_paused = true)]
async fn d40_times_without_sense_transfer_nothing_again() {
    for senseless in [0, -1, -86_400_000_000_000, i64::MIN, i64::MAX] {
        with_ways(Way::all(), async |way| {
            let mut pair = Setup::new(way)
                .config(Side::Remote, |config| {
                    config.mtime_resolution = Duration::from_secs(1);
                })
                .pair()
                .await;
            pair.a().write("old", "o");
            pair.settle().await;
            pair.b().write("new", "n");
            set_mtime(&pair, Side::Remote, "new", senseless);
            set_mtime(&pair, Side::Remote, "old", senseless);
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::copies(1), Did::NOTHING));
            pair.take_work();
            go_on(&mut pair).await;
            if way.drive != Drive::Live {
                pair = pair.reopen().await;
            }
            assert_eq!(pair.settle_and_count().await, BySide::default());
            assert_eq!(pair.take_work(), 0);
            pair.a().write("new", "edited");
            pair.b().write("old", "edited");
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::copies(1), Did::copies(1)));
            pair.assert_both(&[("new", "edited"), ("old", "edited")]);
            assert!(pair.conflicts().is_empty());
        })
        .await;
    }
}

/// D40 on a disk.
#[tokio::test]
async fn d40_a_file_of_1970_or_before_is_synced() {
    let folders = Folders::new();
    let hour = Duration::from_hours(1);
    let times = [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH - hour];
    for (name, time) in ["zero", "before"].into_iter().zip(times) {
        folders.write(&format!("a/{name}"), name);
        let file = fs::File::options()
            .write(true)
            .open(folders.at(&format!("a/{name}")));
        file.unwrap().set_modified(time).unwrap();
    }
    folders.sync().await;
    folders.assert_both(&[("before", "before"), ("zero", "zero")]);
    for (name, time) in ["zero", "before"].into_iter().zip(times) {
        let there = fs::metadata(folders.at(&format!("b/{name}"))).unwrap();
        assert_eq!(there.modified().unwrap(), time);
    }
    assert!(folders.sync().await.changed_nothing());
}
