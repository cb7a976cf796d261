//! Names: too long, refused, changed by a side, one for two, or beginning like another one.

use std::fs;

use cloudsync::provider::mock::Call;
use cloudsync::{BySide, EngineNotice, ErrorKind, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Hand, Pair, Setup, Way, in_all_ways, with_ways};

use super::go_on;
use crate::disk::Folders;

/// `café`, composed and decomposed.
const COMPOSED: &str = "caf\u{e9}";
const DECOMPOSED: &str = "cafe\u{301}";

/// What a side that composes names makes of one.
fn compose(name: &str) -> String {
    name.replace("e\u{301}", "\u{e9}")
}

/// What a side that decomposes names makes of one.
fn decompose(name: &str) -> String {
    name.replace('\u{e9}', "e\u{301}")
}

/// A pair of which one side composes each name that it is given, and takes both forms for one.
async fn composing(way: Way, side: Side) -> Pair {
    Setup::new(way)
        .config(side, |config| {
            config.names.normalizes_unicode = true;
            config.rewrite_name = Some(compose);
        })
        .pair()
        .await
}

/// D17. `photos` is renamed and deleted; `photos-backup` and `photos.txt` are not in it.
#[tokio::test(start_paused = true)]
async fn d17_a_neighbour_whose_name_begins_alike_is_left_alone() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            let neighbours = ["photos-backup/1", "photos.txt", "photo", "photosynthesis/2"];
            for path in neighbours.iter().chain(&["photos/1"]) {
                pair.user(side).write(path, path);
            }
            pair.settle().await;
            let ids = |pair: &Pair| neighbours.map(|path| pair.b().0.oid(path));
            let before = ids(&pair);
            pair.user(side).rename("photos", "pictures");
            let did = pair.settle_and_count().await;
            assert_eq!((did[side], did[side.other()].copied), (Did::NOTHING, 0));
            if pair.way.a == Identity::Stable {
                assert_eq!(did[side.other()], Did::renames(1));
            }
            assert_eq!(pair.b().read("pictures/1").as_deref(), Some("photos/1"));
            pair.user(side).delete("pictures");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::deletions(2));
            assert_eq!(ids(&pair), before);
            pair.assert_both(&[
                ("photo", "photo"),
                ("photos-backup", "/"),
                ("photos-backup/1", "photos-backup/1"),
                ("photos.txt", "photos.txt"),
                ("photosynthesis", "/"),
                ("photosynthesis/2", "photosynthesis/2"),
            ]);
        })
        .await;
    }
}

/// One file under the two forms of its name: nothing more to do, edits and deletions arrive.
async fn is_one_file(mut pair: Pair, composing: Side) {
    assert_eq!(
        pair.user(composing).tree().into_keys().collect::<Vec<_>>(),
        [COMPOSED]
    );
    for side in Side::BOTH {
        assert_eq!(pair.user(side).tree().len(), 1);
    }
    let mut pair = {
        // One of the two may get the other's form, once.
        let did = pair.settle_and_count().await;
        let renamed = did.local.renamed + did.remote.renamed;
        assert!(renamed <= 1, "{did:?}");
        let nothing_more = did.map(|did| Did { renamed: 0, ..did });
        assert_eq!(nothing_more, BySide::default());
        let (services, disk, way) = (pair.services.clone(), pair.disk.clone(), pair.way);
        pair.sync.stop(cloudsync::Stop::Forever).await;
        drop(pair);
        Pair::over(way, services, disk.open().unwrap(), |builder| builder).await
    };
    let did = pair.settle_and_count().await;
    assert_eq!(did, BySide::default(), "after a restart");
    for (round, side) in [Side::Local, Side::Remote].into_iter().enumerate() {
        let content = format!("edited {round}");
        let name = pair.user(side).tree().into_keys().next().unwrap();
        pair.user(side).write(&name, &content);
        let did = pair.settle_and_count().await;
        assert_eq!(did[side.other()], Did::copies(1));
        assert_eq!(did[side], Did::NOTHING);
        for side in Side::BOTH {
            let contents: Vec<_> = pair.user(side).tree().into_values().collect();
            assert_eq!(contents, [content.as_str()]);
        }
    }
    assert!(pair.conflicts().is_empty());
}

/// D41. The service holds a decomposed name, and this side only composed ones.
#[tokio::test(start_paused = true)]
async fn d41_a_decomposed_name_of_the_service_is_one_file() {
    with_ways(Way::all(), async |way| {
        let mut pair = composing(way, Side::Local).await;
        pair.b().write(DECOMPOSED, "one");
        pair.settle().await;
        assert_eq!(pair.take_log(Side::Remote).count(Call::Delete), 0);
        is_one_file(pair, Side::Local).await;
    })
    .await;
}

/// D42. The service composes a new name. (Patterns are the program's matter: `cloudsync-cli`.)
#[tokio::test(start_paused = true)]
async fn d42_a_name_that_the_service_composes_is_one_file() {
    with_ways(Way::all(), async |way| {
        let mut pair = composing(way, Side::Remote).await;
        pair.a().write(DECOMPOSED, "one");
        pair.settle().await;
        is_one_file(pair, Side::Remote).await;
    })
    .await;
}

/// D47, where the two names differ only by their form: this side composes what it is given, the
/// service decomposes it. There is one copy, and then all is quiet.
#[tokio::test(start_paused = true)]
async fn d47_names_that_differ_by_their_form_make_one_copy() {
    with_ways(Way::all(), async |way| {
        let mut setup = Setup::new(way);
        let forms: BySide<fn(&str) -> String> = BySide::new(compose, decompose);
        for side in Side::BOTH {
            setup = setup.config(side, |config| {
                config.names.normalizes_unicode = true;
                config.rewrite_name = Some(forms[side]);
            });
        }
        let mut pair = setup.pair().await;
        pair.a().write(COMPOSED, "A");
        pair.b().write(DECOMPOSED, "B");
        pair.settle().await;
        let copy = |form: &str| format!("{form}.conflicted");
        pair.assert_side(Side::Local, &[(COMPOSED, "B"), (&copy(COMPOSED), "A")]);
        pair.assert_side(Side::Remote, &[(DECOMPOSED, "B"), (&copy(DECOMPOSED), "A")]);
        assert_eq!(pair.conflicts().len(), 1);
        for _ in 0..3 {
            assert_eq!(pair.settle_and_count().await, BySide::default());
        }
    })
    .await;
}

/// D43. A document is renamed by case alone while it is open on the other side and saved there. (The
/// rename, and two names that are one elsewhere: `case`.)
#[tokio::test(start_paused = true)]
async fn d43_a_save_is_not_lost_to_a_rename_by_case() {
    for (a, b) in [(true, true), (true, false), (false, true), (false, false)] {
        for side in Side::BOTH {
            with_ways(Way::all(), async |way| {
                let mut pair = Setup::new(way)
                    .config(Side::Local, |config| config.names.case_sensitive = a)
                    .config(Side::Remote, |config| config.names.case_sensitive = b)
                    .pair()
                    .await;
                pair.a().write("document", "old");
                pair.settle().await;
                pair.user(side).rename("document", "Document");
                pair.user(side.other()).write("document", "saved");
                pair.settle().await;
                if way.a == Identity::Stable {
                    pair.assert_both(&[("Document", "saved")]);
                } else {
                    // Without ids the renamed one may be another file: both live.
                    let tree = pair.a().tree();
                    assert_eq!(tree, pair.b().tree());
                    assert!(tree.values().any(|content| content == "saved"), "{tree:?}");
                }
                assert!(pair.conflicts().is_empty());
            })
            .await;
        }
    }
}

/// D50. Names as long as they may be, on a disk: what we make beside them is no longer, and is gone
/// afterwards.
#[tokio::test]
async fn d50_the_longest_names_are_synced_and_leave_nothing_behind() {
    let folders = Folders::new();
    let [both, file, folder] = ["b", "f", "d"].map(|letter| letter.repeat(255));
    let deep = vec!["e".repeat(250); 12].join("/");
    folders.write(&format!("a/{file}"), "old");
    folders.write(&format!("a/{folder}/{file}"), "in");
    folders.write(&format!("a/{deep}/{}", "x".repeat(250)), "deep");
    folders.write(&format!("a/{both}"), "this");
    folders.write(&format!("b/{both}"), "that one");
    let report = folders.sync().await;
    assert_eq!(report.conflicts.len(), 1, "{report:?}");
    folders.write(&format!("b/{file}"), "edited");
    folders.rename(&format!("b/{folder}/{file}"), &format!("b/{folder}/{both}"));
    folders.sync().await;

    let tree = folders.tree("a");
    assert_eq!(tree, folders.tree("b"));
    assert_eq!(tree.len(), 4 + 1 + 12 + 1, "{:?}", tree.keys());
    assert_eq!(tree[&file], "edited");
    assert_eq!(tree[&format!("{folder}/{both}")], "in");
    assert_eq!(tree[&both], "that one");
    let kept = tree.iter().find(|(_, content)| *content == "this").unwrap();
    assert!(kept.0.len() <= 255 && kept.0.contains(".conflicted"));
    assert!(!tree.keys().any(|path| path.contains(".cloudsync")));
    assert!(folders.sync().await.changed_nothing());
    for root in ["a", "b"] {
        assert_eq!(fs::read_dir(folders.at(root)).unwrap().count(), 5);
    }
}

/// D50, where the other side takes shorter names only: that one object is blocked, and no other; what a
/// conflict makes is short enough.
#[tokio::test(start_paused = true)]
async fn d50_a_name_that_is_too_long_blocks_only_itself() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Remote, |config| config.names.max_name_bytes = 60)
            .pair()
            .await;
        let (fits, not) = ("f".repeat(60), "n".repeat(61));
        pair.a().write(&fits, "fits");
        pair.b().write(&fits, "as well");
        pair.a().write(&not, "not");
        go_on(&mut pair).await;
        assert_eq!(refused(&pair), [not.as_str()]);
        let (mut a, b) = (pair.a().tree(), pair.b().tree());
        assert_eq!(a.remove(&not).as_deref(), Some("not"));
        assert_eq!(a, b);
        assert!(b.keys().all(|name| name.len() <= 60), "{b:?}");
        assert_eq!(b[&fits], "as well");
        assert_eq!(b.into_values().collect::<Vec<_>>(), ["fits", "as well"]);
    })
    .await;
}

/// The paths that were told to have names which cannot be, in order.
fn refused(pair: &Pair) -> Vec<String> {
    let mut paths: Vec<_> = pair
        .notices()
        .into_iter()
        .filter_map(|notice| match notice {
            EngineNotice::Failed { path, failure, .. } => {
                assert_eq!(failure.kind(), ErrorKind::NameRejected);
                Some(path)
            }
            _ => None,
        })
        .collect();
    paths.sort();
    paths
}

/// D51. Names that Windows cannot hold arrive on a side with its rules: told once each, and nothing
/// else waits for them.
#[tokio::test(start_paused = true)]
async fn d51_names_that_windows_cannot_hold_are_told_and_block_only_themselves() {
    let names = ["a ", "a.", "con.txt", "COM1", "what?", "x:y"];
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .config(Side::Local, |config| {
                config.names.windows = true;
                config.names.case_sensitive = false;
                config.names.forbidden = "<>:\"\\|?*";
            })
            .pair()
            .await;
        for name in names {
            pair.b().write(name, name);
        }
        pair.b().write("nul/in a folder", "f");
        pair.b().write("console.txt", "fine");
        pair.b().write("a", "fine too");
        go_on(&mut pair).await;
        pair.assert_side(Side::Local, &[("a", "fine too"), ("console.txt", "fine")]);
        let mut expected: Vec<_> = names.iter().chain(&["nul"]).copied().collect();
        expected.sort_unstable();
        assert_eq!(refused(&pair), expected);
        for name in names {
            assert_eq!(pair.b().read(name).as_deref(), Some(name));
        }
        if let Some(report) = &pair.report {
            assert!(!report.in_sync(), "{report:?}");
        }

        let user: Hand = pair.b();
        for (index, name) in names.iter().chain(&["nul"]).enumerate() {
            user.rename(name, &format!("renamed {index}"));
        }
        pair.settle().await;
        pair.assert_equal();
        assert_eq!(pair.a().tree().len(), 10);
    })
    .await;
}
