//! Folders that their owner may not write to, as somebody who may not do everything.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::thread;

use rustix::process::geteuid;
use rustix::thread::set_thread_res_uid;
use tokio::runtime::Builder;

use super::*;
use crate::filesystem::own::Namer;
use crate::{Attributes, Kind};

/// A user without rights of any kind.
const NOBODY: u32 = 65_534;

/// Runs a test on a place as a user to whom modes mean something, and who owns the place.
fn as_a_user(test: impl AsyncFnOnce(Place) + Send + 'static) {
    let become_user = || {
        if geteuid().is_root() {
            let user = rustix::process::Uid::from_raw(NOBODY);
            // Of this thread alone.
            set_thread_res_uid(None, user, None).expect("another user");
        }
    };
    let work = move || {
        let folder = tempfile::tempdir().expect("a folder");
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), None).expect("owner");
        }
        become_user();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_start(become_user)
            .build()
            .expect("runtime");
        runtime.block_on(async {
            let provider = FileProvider::new();
            let place = Place { folder, provider };
            place.open(&place.provider).await;
            test(place).await;
        });
    };
    thread::spawn(work).join().expect("test");
}

fn set_mode(place: &Place, name: &str, mode: u32) {
    fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).expect(name);
}

fn mode(place: &Place, name: &str) -> u32 {
    fs::metadata(place.path(name)).expect(name).mode() & 0o7777
}

#[test]
fn a_read_only_folder_is_filled_changed_and_emptied() {
    as_a_user(async |place| {
        let read_only = Attributes {
            mode: Some(0o555),
            mtime: None,
        };
        let provider = &place.provider;
        for folder in ["ro", "ro/sub", "ro/other"] {
            let made = provider.create_folder(&target(folder), read_only).await;
            assert_eq!(made.expect(folder).attributes.mode, Some(0o555));
        }
        place
            .write("ro/sub/f", Expect::Free, "one")
            .await
            .expect("made");
        let expect = place.unchanged("ro/sub/f").await;
        place
            .write("ro/sub/f", expect, "two")
            .await
            .expect("replaced");
        assert_eq!(place.content("ro/sub/f"), "two");

        // A folder that moves says itself where it lies.
        let at = place.at("ro/sub").await;
        let moved = provider.rename(&at, None, &target("ro/other/sub")).await;
        assert_eq!(moved.expect("moved").attributes.mode, Some(0o555));
        for folder in ["ro", "ro/other", "ro/other/sub"] {
            assert_eq!(mode(&place, folder), 0o555, "{folder}");
            assert_eq!(place.look(folder).await.attributes.mode, Some(0o555));
        }
        assert_eq!(place.names("ro/other/sub"), ["f"]);

        let tag = place.look("ro/other/sub/f").await.tag;
        let at = place.at("ro/other/sub/f").await;
        provider
            .delete(&at, Kind::File, Some(&tag))
            .await
            .expect("deleted");
        let at = place.at("ro/other/sub").await;
        provider
            .delete(&at, Kind::Folder, None)
            .await
            .expect("deleted");
        assert_eq!(place.names("ro/other"), [""; 0]);
        set_mode(&place, "ro", 0o755);
        set_mode(&place, "ro/other", 0o755);
    });
}

#[test]
fn nobody_sees_a_folder_open() {
    as_a_user(async |place| {
        place.put("ro/f", "one");
        set_mode(&place, "ro", 0o555);
        let disk = place.provider.disk("test").expect("disk");
        let folder = std::sync::Arc::new(disk.root.open_folder("ro").expect("ro"));
        let first = disk.open_up(&folder).expect("opened");
        let second = disk.open_up(&folder).expect("held by two");
        assert_eq!(mode(&place, "ro"), 0o755);
        assert_eq!(place.look("ro").await.attributes.mode, Some(0o555));
        assert_eq!(super::names(&place.list("ro").await), ["f"]);
        drop(first);
        assert_eq!(mode(&place, "ro"), 0o755);
        drop(second);
        assert_eq!(mode(&place, "ro"), 0o555);
        assert_eq!(place.names("ro"), ["f"]);

        // A mode that is set while it is open is the one that it has afterwards.
        let lift = disk.open_up(&folder).expect("opened");
        let wanted = Attributes {
            mode: Some(0o500),
            mtime: None,
        };
        let at = place.at("ro").await;
        let set = place.provider.set_attributes(&at, None, wanted).await;
        assert_eq!(set.expect("set").attributes.mode, Some(0o500));
        drop(lift);
        assert_eq!(mode(&place, "ro"), 0o500);

        // A user's is the last word.
        let lift = disk.open_up(&folder).expect("opened");
        set_mode(&place, "ro", 0o711);
        drop(lift);
        assert_eq!(mode(&place, "ro"), 0o711);
        // And one that is set later is seen, whatever we had set.
        set_mode(&place, "ro", 0o700);
        assert_eq!(place.look("ro").await.attributes.mode, Some(0o700));
    });
}

#[test]
fn a_folder_left_open_by_a_killed_process_is_closed() {
    as_a_user(async |place| {
        place.put("ro/f", "one");
        set_mode(&place, "ro", 0o755);
        let owner = place.provider.root().await.expect("root").identity;
        let mark = Namer::new(&owner).mode(0o555);
        place.put(&format!("ro/{mark}"), "");
        place.list("ro").await;
        assert_eq!(mode(&place, "ro"), 0o555);
        assert_eq!(place.names("ro"), ["f"]);
        set_mode(&place, "ro", 0o755);
    });
}
