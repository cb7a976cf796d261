//! Ids that are used again, shared, or another one for the same.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cloudsync::{BySide, Side};
use cloudsync_tests::{Did, in_all_ways};

use crate::disk::Folders;

/// What most programs take for the identity of an object on a disk.
fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// D13. A new file on the inode of a deleted one, with its size and time.
#[tokio::test]
async fn d13_a_new_file_on_the_inode_of_a_deleted_one_is_no_move() {
    let folders = Folders::new();
    folders.write("a/0", "content 0");
    folders.sync().await;
    let mut again = 0;
    for round in 1..=10 {
        let old = folders.at(&format!("a/{}", round - 1));
        let new = format!("a/{round}");
        let (number, time) = (inode(&old), fs::metadata(&old).unwrap().modified().unwrap());
        fs::remove_file(&old).unwrap();
        let content = format!("content {}", round % 10);
        folders.write(&new, &content);
        let new = fs::File::options().write(true).open(folders.at(&new));
        new.unwrap().set_modified(time).unwrap();
        again += usize::from(inode(&folders.at(&format!("a/{round}"))) == number);

        let report = folders.sync().await;
        let changed = report.changed.remote;
        assert_eq!(
            (changed.copied, changed.renamed, changed.deleted),
            (1, 0, 1),
            "round {round}"
        );
        assert_eq!(report.changed.local, cloudsync::Changed::default());
        folders.assert_both(&[(&round.to_string(), &content)]);
    }
    if again == 0 {
        eprintln!("left out: this disk uses no inode again");
    }
}

/// D14. The same with folders: the new one is not the old one, and what was in that stays in it.
#[tokio::test]
async fn d14_a_new_folder_on_the_inode_of_a_deleted_one_is_no_move() {
    let folders = Folders::new();
    folders.write("a/0/in 0", "0");
    folders.sync().await;
    let mut again = 0;
    for round in 1..=10 {
        let old = folders.at(&format!("a/{}", round - 1));
        let number = inode(&old);
        let kept = inode(&folders.at(&format!("b/{}", round - 1)));
        fs::remove_dir_all(&old).unwrap();
        let new = folders.at(&format!("a/{round}"));
        fs::create_dir(&new).unwrap();
        again += usize::from(inode(&new) == number);
        let name = format!("in {round}");
        fs::write(new.join(&name), round.to_string()).unwrap();

        let changed = folders.sync().await.changed.remote;
        assert_eq!((changed.renamed, changed.deleted), (0, 2), "round {round}");
        assert_eq!((changed.folders, changed.copied), (1, 1), "round {round}");
        assert_ne!(inode(&folders.at(&format!("b/{round}"))), kept);
        let (folder, file) = (round.to_string(), format!("{round}/{name}"));
        folders.assert_both(&[(&folder, "/"), (&file, &folder)]);
    }
    if again == 0 {
        eprintln!("left out: this disk uses no inode again");
    }
}

/// D19. One object at two places: two files, of which neither is a move of the other.
#[tokio::test]
async fn d19_one_id_at_two_places_is_two_files() {
    let folders = Folders::new();
    folders.write("a/x", "one");
    folders.sync().await;
    fs::create_dir(folders.at("a/folder")).unwrap();
    fs::hard_link(folders.at("a/x"), folders.at("a/folder/y")).unwrap();
    let report = folders.sync().await;
    let changed = report.changed.remote;
    assert_eq!((changed.copied, changed.folders), (1, 1), "{report:?}");
    assert_eq!((changed.renamed, changed.deleted), (0, 0), "{report:?}");
    assert_eq!(report.changed.local, cloudsync::Changed::default());
    folders.assert_both(&[("folder", "/"), ("folder/y", "one"), ("x", "one")]);
    assert!(folders.sync().await.changed_nothing());

    // What is written through one name shows under both, and is carried over for both.
    fs::write(folders.at("a/x"), "two!").unwrap();
    folders.sync().await;
    folders.assert_both(&[("folder", "/"), ("folder/y", "two!"), ("x", "two!")]);
    // What the other side writes to one of them is not written through to the other.
    folders.write("b/x", "three");
    folders.sync().await;
    folders.assert_both(&[("folder", "/"), ("folder/y", "two!"), ("x", "three")]);
    // One of the names goes: the other one stays.
    fs::remove_file(folders.at("a/folder/y")).unwrap();
    folders.sync().await;
    folders.assert_both(&[("folder", "/"), ("x", "three")]);
    assert!(folders.sync().await.changed_nothing());
}

/// D20. A folder deleted and made anew with the same in it: other ids, and nothing to do.
#[tokio::test(start_paused = true)]
async fn d20_a_folder_made_anew_with_equal_content_is_the_old_one() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            let files = ["f/1", "f/2", "f/sub/3"];
            for path in files {
                pair.a().write(path, path);
            }
            pair.settle().await;
            let id = pair.b().0.oid("f");
            pair.user(side).delete("f");
            for path in files {
                pair.user(side).write(path, path);
            }
            let did = pair.settle_and_count().await;
            assert_eq!(did, BySide::new(Did::NOTHING, Did::NOTHING));
            assert_eq!(pair.b().0.oid("f") == id, side == Side::Local);
            // It is one pair again: what happens to it is carried over as to any other.
            pair.user(side).write("f/1", "edited");
            pair.user(side.other()).rename("f/2", "f/4");
            pair.settle().await;
            pair.assert_both(&[
                ("f", "/"),
                ("f/1", "edited"),
                ("f/4", "f/2"),
                ("f/sub", "/"),
                ("f/sub/3", "f/sub/3"),
            ]);
        })
        .await;
    }
}
