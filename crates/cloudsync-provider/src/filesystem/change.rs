//! Everything that changes without writing content: folders, renames, deletes, attributes.

use std::sync::Arc;

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, chmodat, fchmod, mkdirat, openat,
    renameat, unlinkat, utimensat,
};
use rustix::io::{self, Errno};

use crate::{
    Attributes, Content, ErrorKind, Expect, Kind, ObjectRef, Observed, Result, Tag, Target,
    WriteRequest,
};

use super::disk::{Disk, Durability};
use super::failure::{failure, gone_meanwhile, refused};
use super::lift::Lift;
use super::look::{Look, What, look, look_at};
use super::names::{check_name, check_path, is_within, split};
use super::replace::{keep_aside, rename_to_free};
use super::{read, sweep, write};

/// Makes a folder at a free name.
pub(super) fn create_folder(
    disk: &Disk,
    target: &Target,
    attributes: Attributes,
) -> Result<Observed> {
    check_name("create_folder", &target.name)?;
    let failed = |errno| failure("create_folder", errno, &target.path());
    let parent = Arc::new(
        disk.root
            .open_exactly("create_folder", &target.folder, OFlags::PATH)?,
    );
    let _lift = disk.open_up(&parent);
    let mode = Mode::from_raw_mode(attributes.mode.unwrap_or(0o777) & 0o7777);
    mkdirat(&*parent, target.name.as_str(), mode).map_err(failed)?;
    moment!("folder made");
    disk.touch(&parent);
    if !disk.root.still_has(&target.folder.path, &parent) {
        // What somebody put into it meanwhile stays, wherever that is now.
        let _ = unlinkat(&*parent, target.name.as_str(), AtFlags::REMOVEDIR);
        return Err(gone_meanwhile("create_folder", &target.folder.path));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if let Some(mode) = attributes.mode
        && let Ok(open) = openat(&*parent, target.name.as_str(), flags, Mode::empty())
        && look(&open).is_ok_and(|found| found.mode != mode & 0o7777)
    {
        // Where modes are not kept it stays as it is.
        let _ = fchmod(&open, Mode::from_raw_mode(mode & 0o7777));
    }
    let found = look_at(&*parent, target.name.as_str()).map_err(failed)?;
    flush_if_full(disk)?;
    Ok(disk.observed_now(&found))
}

/// An object that a change was asked for.
struct Subject<'a> {
    folder: Arc<OwnedFd>,
    name: &'a str,
    look: Look,
}

/// Finds the object that a change is for, and makes sure that it is that one, in that version.
fn find<'a>(
    disk: &Disk,
    operation: &'static str,
    at: &'a ObjectRef,
    expect: Option<&Tag>,
) -> Result<Subject<'a>> {
    check_path(operation, &at.path)?;
    if at.is_root() {
        return Err(refused(ErrorKind::Invalid, operation, "").with_detail("the root"));
    }
    let failed = |errno| failure(operation, errno, &at.path);
    let (parent, name) = split(&at.path);
    let folder = Arc::new(disk.root.open_folder(parent).map_err(failed)?);
    let found = look_at(&*folder, name).map_err(failed)?;
    let changed = |detail| {
        Err(refused(ErrorKind::PreconditionFailed, operation, &at.path).with_detail(detail))
    };
    if found.skip(disk.root.look.device).is_some() {
        return changed("something else stands there");
    }
    if at
        .oid
        .as_ref()
        .is_some_and(|oid| found.oid(disk.root.volume.id) != *oid)
    {
        return changed("another object stands there");
    }
    if expect.is_some_and(|tag| found.what != What::File || found.tag() != *tag) {
        return changed("another version");
    }
    Ok(Subject {
        folder,
        name,
        look: found,
    })
}

/// Renames or moves an object.
pub(super) fn rename(
    disk: &Disk,
    at: &ObjectRef,
    expect: Option<&Tag>,
    target: &Target,
) -> Result<Observed> {
    rename_while(disk, at, expect, target, &mut |_| {})
}

/// As [`rename`], with somebody acting once all was looked at.
fn rename_while(
    disk: &Disk,
    at: &ObjectRef,
    expect: Option<&Tag>,
    target: &Target,
    act: &mut dyn FnMut(Moment),
) -> Result<Observed> {
    check_name("rename", &target.name)?;
    let subject = find(disk, "rename", at, expect)?;
    let to_path = target.path();
    let failed = |errno| failure("rename", errno, &to_path);
    let is_folder = subject.look.what == What::Folder;
    if is_folder && to_path != at.path && is_within(&to_path, &at.path) {
        return Err(refused(ErrorKind::Invalid, "rename", &at.path)
            .with_detail("a folder cannot go into itself"));
    }
    let to = Arc::new(
        disk.root
            .open_exactly("rename", &target.folder, OFlags::PATH)?,
    );
    let _lifts = [
        disk.open_up(&subject.folder),
        disk.open_up(&to),
        // A folder that goes into another one is changed itself: it says where it lies.
        is_folder.then(|| open_up_subject(disk, &subject)).flatten(),
    ];
    let new = target.name.as_str();
    act(Moment::Checked);
    match rename_to_free(disk, &subject.folder, subject.name, &to, new) {
        Ok(()) => {}
        Err(Errno::EXIST) if is_own_name(disk, &subject, &to, new) => {
            renameat(&*subject.folder, subject.name, &*to, new).map_err(failed)?;
        }
        Err(Errno::INVAL) if is_folder => {
            return Err(refused(ErrorKind::Invalid, "rename", &at.path));
        }
        Err(errno) => return Err(failed(errno)),
    }
    moment!("renamed");
    disk.touch(&subject.folder);
    disk.touch(&to);
    let found = look_at(&*to, new).map_err(failed)?;
    let same = if is_folder {
        (found.ino, found.btime) == (subject.look.ino, subject.look.btime)
    } else {
        subject.look.same_version(&found)
    };
    let from = split(&at.path).0;
    for (path, folder) in [(from, &subject.folder), (&target.folder.path, &to)] {
        if !disk.root.still_has(path, folder) {
            let _ = rename_to_free(disk, &to, new, &subject.folder, subject.name);
            return Err(gone_meanwhile("rename", path));
        }
    }
    if !same {
        // Somebody saved between our look and the rename: give it back its name. If that was taken
        // again already, it stays where it is now, in view.
        let _ = rename_to_free(disk, &to, new, &subject.folder, subject.name);
        return Err(refused(ErrorKind::PreconditionFailed, "rename", &at.path));
    }
    flush_if_full(disk)?;
    Ok(disk.observed_now(&found))
}

/// Lets a folder that is moved be changed itself.
fn open_up_subject(disk: &Disk, subject: &Subject<'_>) -> Option<Lift> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = openat(&*subject.folder, subject.name, flags, Mode::empty()).ok()?;
    disk.open_up(&Arc::new(open))
}

/// Returns true if the name `new`, which is taken, is another spelling of the subject's own.
fn is_own_name(disk: &Disk, subject: &Subject<'_>, to: &OwnedFd, new: &str) -> bool {
    let Ok(there) = look_at(to, new) else {
        return false;
    };
    if (there.ino, there.btime) != (subject.look.ino, subject.look.btime) {
        return false;
    }
    let same_folder = look(to)
        .ok()
        .zip(look(&*subject.folder).ok())
        .is_some_and(|(a, b)| a.ino == b.ino);
    // Another link of the file is another name, also if it differs by case only.
    same_folder
        && (new == subject.name
            || subject.look.what == What::Folder
            || subject.look.links == 1
            || !disk.root.volume.is_case_sensitive())
}

/// Deletes a file or an empty folder. One that is gone is fine.
pub(super) fn delete(disk: &Disk, at: &ObjectRef, kind: Kind, expect: Option<&Tag>) -> Result<()> {
    let subject = match find(disk, "delete", at, expect) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let changed = || refused(ErrorKind::PreconditionFailed, "delete", &at.path);
    let _lift = disk.open_up(&subject.folder);
    match (kind, subject.look.what) {
        (Kind::File, What::File) => delete_file(disk, at, &subject, &mut |_| {})?,
        (Kind::Folder, What::Folder) => delete_folder(disk, at, &subject)?,
        _ => return Err(changed().with_detail("of another kind")),
    }
    moment!("deleted");
    disk.touch(&subject.folder);
    flush_if_full(disk)
}

/// A moment at which tests let a user act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    /// The object was looked at.
    Checked,
    /// It lies under a name of ours.
    Parked,
}

/// Parks the file under a name of ours, looks at it where nobody comes by, and only then removes it.
fn delete_file(
    disk: &Disk,
    at: &ObjectRef,
    subject: &Subject<'_>,
    act: &mut dyn FnMut(Moment),
) -> Result<()> {
    let Subject { folder, name, look } = subject;
    act(Moment::Checked);
    let parked = disk.namer.parked(name);
    match renameat(&**folder, *name, &**folder, parked.as_str()) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(failure("delete", errno, &at.path)),
    }
    act(Moment::Parked);
    moment!("parked");
    let found = look_at(&**folder, parked.as_str());
    let parent = split(&at.path).0;
    if !disk.root.still_has(parent, folder) {
        // Whoever took the folder away took the file along.
        let _ = rename_to_free(disk, folder, &parked, folder, name);
        return Err(gone_meanwhile("delete", parent));
    }
    match found {
        Ok(found) if look.same_version(&found) => {
            unlinkat(&**folder, parked.as_str(), AtFlags::empty()).map_err(|errno| {
                let _ = rename_to_free(disk, folder, &parked, folder, name);
                failure("delete", errno, &at.path)
            })
        }
        _ => {
            if rename_to_free(disk, folder, &parked, folder, name).is_err() {
                drop(keep_aside(disk, folder, &parked, name));
            }
            Err(refused(ErrorKind::PreconditionFailed, "delete", &at.path))
        }
    }
}

fn delete_folder(disk: &Disk, at: &ObjectRef, subject: &Subject<'_>) -> Result<()> {
    let remove = || unlinkat(&*subject.folder, subject.name, AtFlags::REMOVEDIR);
    let removed = match remove() {
        // Maybe only leftovers of ours are in it.
        Err(Errno::NOTEMPTY | Errno::EXIST) if sweep::empties(disk, &at.path) => remove(),
        result => result,
    };
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => {
            Err(refused(ErrorKind::NotEmpty, "delete", &at.path))
        }
        Err(errno) => Err(failure("delete", errno, &at.path)),
    }
}

/// Sets what is `Some`.
pub(super) fn set_attributes(
    disk: &Disk,
    at: &ObjectRef,
    expect: Option<&Tag>,
    attributes: Attributes,
) -> Result<Observed> {
    let subject = find(disk, "set_attributes", at, expect)?;
    let failed = |errno| failure("set_attributes", errno, &at.path);
    let Subject {
        folder,
        name,
        look: before,
    } = &subject;
    if before.what == What::File && before.links > 1 {
        return set_unlinked(disk, at, before, attributes);
    }
    if let Some(mode) = attributes.mode
        && !(before.what == What::Folder && disk.lifts.set_mode(before, mode & 0o7777))
        && mode & 0o7777 != before.mode
    {
        let mode = Mode::from_raw_mode(mode & 0o7777);
        // By a handle, so that no link is followed.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat(&**folder, *name, flags, Mode::empty()) {
            Ok(open) => {
                if !look(&open).is_ok_and(|found| found.ino == before.ino) {
                    return Err(refused(
                        ErrorKind::PreconditionFailed,
                        "set_attributes",
                        &at.path,
                    ));
                }
                fchmod(&open, mode)
            }
            Err(_) => chmod_unread(folder, name, before, mode),
        }
        .map_err(failed)?;
    }
    if let Some(mtime) = attributes.mtime {
        let omit = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        };
        let times = Timestamps {
            last_access: omit,
            last_modification: write::timespec(mtime),
        };
        utimensat(&**folder, *name, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    }
    moment!("attributes set");
    disk.flush_attributes(folder, name)?;
    let found = look_at(&**folder, *name).map_err(failed)?;
    if (found.ino, found.btime) != (before.ino, before.btime) {
        return Err(refused(
            ErrorKind::PreconditionFailed,
            "set_attributes",
            &at.path,
        ));
    }
    Ok(disk.observed_now(&found))
}

/// Sets what is `Some` of a file with other links, which are objects of their own and keep what they have:
/// the file is replaced by a copy.
fn set_unlinked(
    disk: &Disk,
    at: &ObjectRef,
    before: &Look,
    attributes: Attributes,
) -> Result<Observed> {
    let (parent, name) = split(&at.path);
    let target = Target {
        folder: ObjectRef::at(parent),
        name: name.to_owned(),
    };
    let oid = before.oid(disk.root.volume.id);
    let tag = before.tag();
    let local = read::source(disk, &ObjectRef::new(oid.clone(), at.path.clone()), &tag)?;
    let expect = Expect::Unchanged {
        oid: Some(oid),
        tag,
    };
    let mut request = WriteRequest::new(target, expect, Content::Local(local), before.size);
    request.attributes = Attributes {
        mtime: attributes.mtime.or(before.mtime),
        mode: attributes.mode.or(Some(before.mode)),
    };
    let (job, _) = write::Job::new(request);
    let mut written = write::write_all(disk, &[job]);
    Ok(written.remove(0)?.observed)
}

/// Sets the mode of an object that may not be read, by a handle that needs no right to it.
pub(super) fn chmod_unread(
    folder: &OwnedFd,
    name: &str,
    before: &Look,
    mode: Mode,
) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = openat(folder, name, flags, Mode::empty())?;
    if look(&open)?.ino != before.ino {
        return Err(Errno::NOENT);
    }
    chmod_open(&open, mode)
}

/// Sets the mode of what is open, in whatever way it is.
pub(super) fn chmod_open(open: &OwnedFd, mode: Mode) -> io::Result<()> {
    let path = format!("/proc/self/fd/{}", open.as_raw_fd());
    match chmodat(CWD, path, mode, AtFlags::empty()) {
        Err(Errno::NOENT) => Err(Errno::ACCESS),
        result => result,
    }
}

fn flush_if_full(disk: &Disk) -> Result<()> {
    if disk.durability == Durability::Full {
        disk.flush()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Provider;
    use crate::filesystem::FileProvider;

    /// Deletes the file `a` while a user acts at the given moments; returns the names afterwards.
    async fn delete_while(
        act: impl Fn(Moment, &std::path::Path),
    ) -> (Result<()>, tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join("a"), "one").expect("file");
        let provider = FileProvider::new();
        provider
            .set_root(folder.path().to_str(), None, false)
            .await
            .expect("root");
        let disk = provider.disk("test").expect("disk");
        let at = ObjectRef::at("a");
        let subject = find(&disk, "delete", &at, None).expect("found");
        let deleted = delete_file(&disk, &at, &subject, &mut |moment| {
            act(moment, &folder.path().join("a"));
        });
        let entries = fs::read_dir(folder.path()).expect("entries");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        (deleted, folder, names)
    }

    #[tokio::test]
    async fn what_is_moved_into_a_folder_that_is_taken_away_comes_back() {
        let base = tempfile::tempdir().expect("folder");
        let at = |path: &str| base.path().join(path);
        fs::create_dir_all(at("root/folder")).expect("folder");
        fs::write(at("root/a"), "one").expect("file");
        let provider = FileProvider::new();
        provider
            .set_root(at("root").to_str(), None, false)
            .await
            .expect("root");
        let disk = provider.disk("test").expect("disk");
        let target = Target {
            folder: ObjectRef::at("folder"),
            name: "a".to_owned(),
        };
        let moved = rename_while(&disk, &ObjectRef::at("a"), None, &target, &mut |_| {
            fs::rename(at("root/folder"), at("taken")).expect("taken");
        });
        assert_eq!(moved.expect_err("taken").kind(), ErrorKind::NotFound);
        assert_eq!(fs::read_to_string(at("root/a")).expect("content"), "one");
        assert!(!at("taken/a").exists());
    }

    #[tokio::test]
    async fn what_was_taken_away_with_its_folder_is_neither_moved_nor_deleted() {
        let base = tempfile::tempdir().expect("folder");
        let at = |path: &str| base.path().join(path);
        fs::create_dir_all(at("root/folder")).expect("folder");
        fs::write(at("root/folder/a"), "one").expect("file");
        let provider = FileProvider::new();
        provider
            .set_root(at("root").to_str(), None, false)
            .await
            .expect("root");
        let disk = provider.disk("test").expect("disk");
        let object = ObjectRef::at("folder/a");
        let target = Target {
            folder: ObjectRef::root(),
            name: "b".to_owned(),
        };
        let take = |_| fs::rename(at("root/folder"), at("taken")).expect("taken");
        let moved = rename_while(&disk, &object, None, &target, &mut { take });
        assert_eq!(moved.expect_err("taken").kind(), ErrorKind::NotFound);
        assert!(!at("root/b").exists());
        fs::rename(at("taken"), at("root/folder")).expect("back");

        let subject = find(&disk, "delete", &object, None).expect("found");
        let deleted = delete_file(&disk, &object, &subject, &mut |moment| {
            if moment == Moment::Checked {
                take(moment);
            }
        });
        assert_eq!(deleted.expect_err("taken").kind(), ErrorKind::NotFound);
        assert_eq!(fs::read_to_string(at("taken/a")).expect("content"), "one");
    }

    #[tokio::test]
    async fn an_edit_before_the_parking_is_put_back() {
        let (deleted, folder, names) = delete_while(|moment, path| {
            if moment == Moment::Checked {
                fs::write(path, "edit!").expect("edit");
            }
        })
        .await;
        assert_eq!(
            deleted.expect_err("edited").kind(),
            ErrorKind::PreconditionFailed
        );
        assert_eq!(names, ["a"]);
        assert_eq!(
            fs::read_to_string(folder.path().join("a")).expect("content"),
            "edit!"
        );
    }

    #[tokio::test]
    async fn an_edit_whose_name_was_taken_again_is_kept_aside() {
        let (deleted, folder, names) = delete_while(|moment, path| {
            let content = if moment == Moment::Checked {
                "first!"
            } else {
                "second"
            };
            fs::write(path, content).expect("edit");
        })
        .await;
        assert_eq!(
            deleted.expect_err("edited").kind(),
            ErrorKind::PreconditionFailed
        );
        assert_eq!(names, ["a", "a.conflicted"]);
        let content = |name| fs::read_to_string(folder.path().join(name)).expect("content");
        assert_eq!(
            (content("a").as_str(), content("a.conflicted").as_str()),
            ("second", "first!")
        );
    }

    #[tokio::test]
    async fn a_new_file_at_the_name_is_not_deleted() {
        let (deleted, folder, names) = delete_while(|moment, path| {
            if moment == Moment::Parked {
                fs::write(path, "new").expect("save");
            }
        })
        .await;
        deleted.expect("deleted");
        assert_eq!(names, ["a"]);
        assert_eq!(
            fs::read_to_string(folder.path().join("a")).expect("content"),
            "new"
        );
    }
}
