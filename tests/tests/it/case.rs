//! Names that differ in case only: S047, S048.

use cloudsync::provider::mock::Call;
use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Setup, Way, with_ways};

fn setup(way: Way, sensitive: BySide<bool>) -> Setup {
    let mut setup = Setup::new(way);
    for side in Side::BOTH {
        setup = setup.config(side, |config| config.names.case_sensitive = sensitive[side]);
    }
    setup
}

/// S047, for folders and for files.
#[tokio::test(start_paused = true)]
async fn s047_a_rename_that_changes_only_the_case_arrives() {
    for (a, b) in [(true, true), (true, false), (false, true), (false, false)] {
        for side in Side::BOTH {
            with_ways(Way::all(), async |way| {
                let mut pair = setup(way, BySide::new(a, b)).pair().await;
                pair.user(side).write("a/b", "child");
                pair.user(side).write("file", "hello");
                pair.settle().await;
                pair.user(side).rename("a", "A");
                pair.user(side).rename("file", "File");
                let did = pair.settle_and_count().await;
                pair.assert_both(&[("A", "/"), ("A/b", "child"), ("File", "hello")]);
                assert_eq!(did[side], Did::NOTHING);
                assert_eq!(did[side.other()].copied, 0, "nothing is transferred");
                if way.a == Identity::Stable {
                    assert_eq!(did[side.other()], Did::renames(2));
                }
            })
            .await;
        }
    }
}

/// S048.
#[tokio::test(start_paused = true)]
async fn s048_another_case_of_the_folder_is_no_move() {
    with_ways(Way::all(), async |way| {
        let mut pair = setup(way, BySide::new(false, false)).pair().await;
        pair.a().write("d/a", "hello");
        pair.settle().await;
        pair.take_log(Side::Local);
        pair.b().rename("d/a", "D/a");
        pair.settle().await;
        assert_eq!(pair.take_log(Side::Local).count(Call::Rename), 0);
        pair.assert_both(&[("d", "/"), ("d/a", "hello")]);
    })
    .await;
}

/// Beside S047: two names that are one on the other side are both kept, the second as a conflict
/// name.
#[tokio::test(start_paused = true)]
async fn s047_two_names_that_are_one_elsewhere_lose_nothing() {
    with_ways(Way::with_a(Identity::Stable), async |way| {
        let mut pair = setup(way, BySide::new(true, false)).pair().await;
        pair.a().write("name", "one");
        pair.settle().await;
        pair.a().write("NAME", "two");
        pair.rest().await;
        let contents = |side| {
            let mut contents: Vec<_> = pair.user(side).tree().into_values().collect();
            contents.sort();
            contents
        };
        assert_eq!(contents(Side::Local), ["one", "two"]);
        assert_eq!(pair.b().read("name").as_deref(), Some("one"));
    })
    .await;
}
