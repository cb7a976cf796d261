//! Swaps, rotations, names in the way. The reference has numbers for few of them (it left conflict
//! names in half of the cases); all of them end clean here.

use cloudsync::{BySide, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Drive, Hand, Way, in_all_ways, in_ways};

/// Rotates names: each takes the next one's, the last one the first one's.
fn rotate(user: &Hand, names: &[&str]) {
    user.rename(names[names.len() - 1], "parked");
    for pair in names.windows(2).rev() {
        user.rename(pair[0], pair[1]);
    }
    user.rename("parked", names[0]);
}

#[tokio::test(start_paused = true)]
async fn a_swap_of_two_files_ends_clean() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("a", "A");
            pair.user(side).write("b", "B");
            pair.settle().await;
            rotate(&pair.user(side), &["a", "b"]);
            let did = pair.settle_and_count().await;
            pair.assert_both(&[("a", "B"), ("b", "A")]);
            assert_eq!(did[side], Did::NOTHING);
        })
        .await;
    }
}

/// With ids nothing is transferred: objects are parked meanwhile.
#[tokio::test(start_paused = true)]
async fn a_swap_of_two_files_transfers_nothing_where_ids_are_known() {
    in_ways(Way::with_a(Identity::Stable), async |mut pair| {
        pair.a().write("a", "A");
        pair.a().write("b", "B");
        pair.settle().await;
        pair.take_work();
        rotate(&pair.a(), &["a", "b"]);
        let did = pair.settle_and_count().await;
        assert_eq!(
            did,
            BySide::new(Did::NOTHING, Did::renames(did.remote.renamed))
        );
        assert!((2..=4).contains(&did.remote.renamed), "{did:?}");
        pair.assert_both(&[("a", "B"), ("b", "A")]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_three_folders_ends_clean() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            for name in ["a", "b", "c"] {
                pair.user(side).write(&format!("{name}/in-{name}"), name);
            }
            pair.settle().await;
            rotate(&pair.user(side), &["a", "b", "c"]);
            pair.settle().await;
            pair.assert_both(&[
                ("a", "/"),
                ("a/in-c", "c"),
                ("b", "/"),
                ("b/in-a", "a"),
                ("c", "/"),
                ("c/in-b", "b"),
            ]);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_renames_ends_clean() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            for name in ["1", "2", "3"] {
                pair.user(side).write(name, &format!("content of {name}"));
            }
            pair.settle().await;
            for name in ["3", "2", "1"] {
                let next = name.parse::<u32>().unwrap() + 1;
                pair.user(side).rename(name, &next.to_string());
            }
            let did = pair.settle_and_count().await;
            if pair.way.a == Identity::Stable {
                assert_eq!(did[side.other()], Did::renames(3));
            }
            pair.assert_both(&[
                ("2", "content of 1"),
                ("3", "content of 2"),
                ("4", "content of 3"),
            ]);
        })
        .await;
    }
}

/// Each side moves one folder into the other: the local move is undone, nothing is lost.
#[tokio::test(start_paused = true)]
async fn two_folders_moved_into_each_other_come_to_rest() {
    in_all_ways(async |mut pair| {
        pair.a().write("a/1", "1");
        pair.a().write("b/2", "2");
        pair.settle().await;
        pair.a().rename("a", "b/a");
        pair.b().rename("b", "a/b");
        pair.settle().await;
        pair.assert_equal();
        let mut contents: Vec<_> = pair.a().tree().into_values().filter(|c| c != "/").collect();
        contents.sort();
        assert_eq!(contents, ["1", "2"]);
        if pair.way.a == Identity::Stable {
            pair.assert_both(&[("a", "/"), ("a/1", "1"), ("a/b", "/"), ("a/b/2", "2")]);
        }
    })
    .await;
}

/// A file where a folder was, and a folder where a file was.
#[tokio::test(start_paused = true)]
async fn a_file_becomes_a_folder_and_back() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("x", "file");
            pair.user(side).write("y/in", "in");
            pair.settle().await;
            pair.user(side).delete("x");
            pair.user(side).write("x/in", "new");
            pair.user(side).delete("y");
            pair.user(side).write("y", "now a file");
            pair.settle().await;
            pair.assert_both(&[("x", "/"), ("x/in", "new"), ("y", "now a file")]);
        })
        .await;
    }
}

/// A name in the way that the other side took meanwhile: both are kept.
#[tokio::test(start_paused = true)]
async fn a_rename_onto_a_name_that_the_other_side_took_keeps_both() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("old", "moved");
            pair.settle().await;
            pair.user(side).rename("old", "new");
            pair.user(side.other()).write("new", "taken");
            pair.settle().await;
            let tree = pair.a().tree();
            assert_eq!(tree, pair.b().tree());
            assert_eq!(tree.len(), 2);
            let [named, kept] = ["new", "new.conflicted"].map(|name| tree[name].as_str());
            // What is paired keeps the name. Without ids, that it was moved may be known too late.
            if pair.way.a == Identity::Stable || pair.way.drive != Drive::Live {
                assert_eq!((named, kept), ("moved", "taken"));
            }
            assert!([("moved", "taken"), ("taken", "moved")].contains(&(named, kept)));
        })
        .await;
    }
}

/// Folder and child change places: the child becomes the parent.
#[tokio::test(start_paused = true)]
async fn a_folder_and_its_child_change_places() {
    for side in Side::BOTH {
        in_ways(Way::with_a(Identity::Stable), async |mut pair| {
            pair.user(side).write("out/in/file", "hello");
            pair.user(side).write("out/side", "s");
            pair.settle().await;
            pair.user(side).rename("out/in", "in");
            pair.user(side).rename("out", "in/out");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::renames(2));
            pair.assert_both(&[
                ("in", "/"),
                ("in/file", "hello"),
                ("in/out", "/"),
                ("in/out/side", "s"),
            ]);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_takes_the_name_of_its_folder() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("x/x/file", "hello");
            pair.settle().await;
            pair.user(side).rename("x/x", "y");
            pair.user(side).delete("x");
            pair.user(side).rename("y", "x");
            pair.settle().await;
            pair.assert_both(&[("x", "/"), ("x/file", "hello")]);
        })
        .await;
    }
}
