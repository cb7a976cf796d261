//! Writing: nothing is overwritten unseen, nothing is half there, nothing of ours stays.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use rustix::fs::OFlags;

use super::super::replace::{Moment, replace_while};
use super::super::write;
use super::*;
use crate::{Attributes, Error, ErrorKind, HashKind, Hasher, LocalSource, Tag};

#[tokio::test]
async fn a_write_takes_a_free_name_and_only_that() {
    let place = Place::new().await;
    let written = place.write("a", Expect::Free, "one").await.expect("write");
    assert_eq!(written.hash, Hasher::hash(HashKind::Blake3, b"one"));
    assert_eq!(
        (written.observed.size, place.content("a").as_str()),
        (3, "one")
    );
    let error = place
        .write("a", Expect::Free, "two")
        .await
        .expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    fs::create_dir(place.path("folder")).expect("folder");
    std::os::unix::fs::symlink("x", place.path("link")).expect("link");
    for taken in ["folder", "link"] {
        let error = place
            .write(taken, Expect::Free, "two")
            .await
            .expect_err(taken);
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    for (path, kind) in [
        ("no/a", ErrorKind::NotFound),
        ("a/a", ErrorKind::NotFound),
        (".cloudsync-staged-c-x", ErrorKind::NameRejected),
        ("folder/..", ErrorKind::NameRejected),
    ] {
        let error = place.write(path, Expect::Free, "x").await.expect_err(path);
        assert_eq!(error.kind(), kind, "{path}");
    }
    let long = "n".repeat(255);
    place
        .write(&long, Expect::Free, "x")
        .await
        .expect("a long name");
    assert_eq!(place.names("").len(), 4);
}

#[tokio::test]
async fn a_replaced_file_keeps_what_the_source_does_not_say() {
    let place = Place::new().await;
    place.put("a", "one");
    fs::set_permissions(place.path("a"), fs::Permissions::from_mode(0o640)).expect("mode");
    fs::hard_link(place.path("a"), place.path("other")).expect("link");
    let before = fs::metadata(place.path("a")).expect("metadata");
    let expect = place.unchanged("a").await;
    let written = place.write("a", expect, "two").await.expect("write");
    let after = fs::metadata(place.path("a")).expect("metadata");
    assert_eq!(
        (after.mode(), after.uid(), after.gid()),
        (before.mode(), before.uid(), before.gid())
    );
    assert_ne!(after.ino(), before.ino());
    assert_eq!(place.content("a"), "two");
    assert_eq!(
        place.content("other"),
        "one",
        "replaced, not written through"
    );
    assert_eq!(
        written.observed,
        Observed {
            racy: written.observed.racy,
            ..place.look("a").await
        }
    );
    assert_eq!(place.names(""), ["a", "other"]);
}

#[tokio::test]
async fn a_write_expects_what_was_seen() {
    let place = Place::new().await;
    place.put("a", "one").put("b", "two");
    let expect = place.unchanged("a").await;
    place.put("a", "edited");
    let error = place.write("a", expect, "ours").await.expect_err("edited");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);

    let expect = place.unchanged("b").await;
    let error = place
        .write("a", expect.clone(), "ours")
        .await
        .expect_err("another");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    fs::remove_file(place.path("b")).expect("remove");
    let error = place.write("b", expect, "ours").await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(place.content("a"), "edited");
    assert_eq!(place.names(""), ["a"]);
}

#[tokio::test]
async fn attributes_are_set_whatever_the_mask_says() {
    let place = Place::new().await;
    for (name, mode, mtime) in [("a", 0o666, -5), ("b", 0o444, 1_600_000_000_123_456_789)] {
        let attributes = Attributes {
            mode: Some(mode),
            mtime: Some(mtime),
        };
        let request = request(name, Expect::Free, "x").attributes(attributes);
        let written = place.provider.write(request).await.expect("write").observed;
        assert_eq!(written.attributes, attributes);
        assert!(!written.racy);
        assert_eq!(place.look(name).await, written);
    }
}

#[tokio::test]
async fn extended_attributes_of_a_replaced_file_stay() {
    let place = Place::new().await;
    place.put("a", "one");
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::setxattr(place.path("a"), "user.note", b"mine", flags).is_err() {
        return; // not on this file system
    }
    let expect = place.unchanged("a").await;
    place.write("a", expect, "two").await.expect("write");
    let mut value = [0; 16];
    let length = rustix::fs::getxattr(place.path("a"), "user.note", &mut value[..]);
    assert_eq!(&value[..length.expect("kept")], b"mine");
}

#[tokio::test]
async fn holes_stay_holes() {
    let (from, to) = (Place::new().await, Place::new().await);
    let file = fs::File::create(from.path("a")).expect("file");
    let size = 10_000_000;
    for at in [5_000_000, 5_000_001] {
        std::os::unix::fs::FileExt::write_all_at(&file, b"x", at).expect("write");
    }
    file.set_len(size).expect("length");
    let source = local(&from, "a").await;
    let request = WriteRequest::new(target("a"), Expect::Free, Content::Local(source), size);
    let written = to.provider.write(request).await.expect("write");
    let content = fs::read(to.path("a")).expect("content");
    assert_eq!(content, fs::read(from.path("a")).expect("content"));
    assert_eq!(written.hash, Hasher::hash(HashKind::Blake3, &content));
    let blocks = fs::metadata(to.path("a")).expect("metadata").blocks();
    assert!(blocks * 512 < 1_000_000, "{blocks}");
}

/// Stages `content` for `a`, and replaces with `user` acting at `moment`.
async fn replace_with(
    place: &Place,
    moment: Moment,
    user: impl Fn() + Send + 'static,
) -> Result<()> {
    let Expect::Unchanged { oid, tag } = place.unchanged("a").await else {
        unreachable!("it is a file")
    };
    let disk = place.provider.disk("test").expect("disk");
    let expect = Expect::Unchanged {
        oid: oid.clone(),
        tag: tag.clone(),
    };
    let (job, _) = write::Job::new(request("a", expect, "ours"));
    let mut staged = write::stage_alone(&disk, &job).expect("staged");
    replace_while(
        &disk,
        &mut staged,
        &target("a"),
        oid.as_ref(),
        &tag,
        &mut |now| {
            if now == moment {
                user();
            }
        },
    )
    .map(|placed| {
        placed.keep(&staged);
    })
}

#[tokio::test]
async fn an_edit_between_look_and_exchange_survives() {
    let place = Place::new().await;
    place.put("a", "one");
    let path = place.path("a");
    let result = replace_with(&place, Moment::Checked, move || {
        fs::write(&path, "edit!").expect("edit");
    });
    assert_eq!(
        result.await.expect_err("edited").kind(),
        ErrorKind::PreconditionFailed
    );
    assert_eq!(place.content("a"), "edit!");
    assert_eq!(place.names(""), ["a"]);
}

#[tokio::test]
async fn a_save_by_rename_between_look_and_exchange_survives() {
    let place = Place::new().await;
    place.put("a", "one");
    let (path, new) = (place.path("a"), place.path("a.new"));
    let result = replace_with(&place, Moment::Checked, move || {
        fs::write(&new, "two").expect("save");
        fs::rename(&new, &path).expect("save");
    });
    assert_eq!(
        result.await.expect_err("saved").kind(),
        ErrorKind::PreconditionFailed
    );
    assert_eq!(place.content("a"), "two");
    assert_eq!(place.names(""), ["a"]);
}

#[tokio::test]
async fn a_delete_between_look_and_exchange_stays_deleted() {
    let place = Place::new().await;
    place.put("a", "one");
    let path = place.path("a");
    let result = replace_with(&place, Moment::Checked, move || {
        fs::remove_file(&path).expect("remove");
    });
    assert_eq!(
        result.await.expect_err("deleted").kind(),
        ErrorKind::PreconditionFailed
    );
    assert!(place.names("").is_empty());
}

#[tokio::test]
async fn an_edit_after_the_exchange_is_not_told_as_ours() {
    let place = Place::new().await;
    place.put("a", "one");
    let path = place.path("a");
    let result = replace_with(&place, Moment::Exchanged, move || {
        fs::write(&path, "edit!").expect("edit");
    });
    result.await.expect("replaced");
    assert_eq!(place.content("a"), "edit!");
    assert_eq!(place.names(""), ["a"]);
}

#[tokio::test]
async fn two_edits_around_the_exchange_both_survive() {
    let place = Place::new().await;
    place.put("a", "one");
    let (path, new) = (place.path("a"), place.path("a.new"));
    let Expect::Unchanged { oid, tag } = place.unchanged("a").await else {
        unreachable!("it is a file")
    };
    let disk = place.provider.disk("test").expect("disk");
    let expect = Expect::Unchanged {
        oid: oid.clone(),
        tag: tag.clone(),
    };
    let (job, _) = write::Job::new(request("a", expect, "ours"));
    let mut staged = write::stage_alone(&disk, &job).expect("staged");
    let error = replace_while(
        &disk,
        &mut staged,
        &target("a"),
        oid.as_ref(),
        &tag,
        &mut |now| {
            let content = if now == Moment::Checked {
                "first"
            } else {
                "second!"
            };
            fs::write(&new, content).expect("save");
            fs::rename(&new, &path).expect("save");
        },
    )
    .expect_err("saved twice");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(place.names(""), ["a", "a.conflicted"]);
    assert_eq!(
        (
            place.content("a").as_str(),
            place.content("a.conflicted").as_str()
        ),
        ("first", "second!")
    );
}

#[tokio::test]
async fn a_folder_that_is_taken_away_takes_nothing_of_ours_along() {
    let place = Place::new().await;
    place.put("folder/a", "one");
    let disk = place.provider.disk("test").expect("disk");
    for (name, expect) in [
        ("folder/new", Expect::Free),
        ("folder/a", place.unchanged("folder/a").await),
    ] {
        let (job, _) = write::Job::new(request(name, expect, "ours"));
        let staged = write::stage_alone(&disk, &job).expect("staged");
        fs::rename(place.path("folder"), place.path("taken")).expect("taken");
        fs::create_dir(place.path("folder")).expect("another one");
        let error = write::place_alone(&disk, staged, &job).expect_err("taken away");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(place.names("taken"), ["a"]);
        assert_eq!(place.content("taken/a"), "one");
        assert!(place.names("folder").is_empty());
        fs::remove_dir(place.path("folder")).expect("removed");
        fs::rename(place.path("taken"), place.path("folder")).expect("back");
    }
}

#[tokio::test]
async fn without_exchange_the_look_comes_just_before() {
    let place = Place::new().await;
    place.put("a", "one");
    let disk = place.provider.disk("test").expect("disk");
    disk.root.volume.forget_exchange();
    disk.root.volume.forget_free();
    let capabilities = place.provider.capabilities();
    assert!(!capabilities.conditional_change && !capabilities.atomic_create);
    let expect = place.unchanged("a").await;
    place
        .write("a", expect.clone(), "two")
        .await
        .expect("write");
    let error = place
        .write("a", expect, "three")
        .await
        .expect_err("changed");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    place.write("b", Expect::Free, "new").await.expect("write");
    let error = place
        .write("b", Expect::Free, "newer")
        .await
        .expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(place.content("a"), "two");
    assert_eq!(place.names(""), ["a", "b"]);
}

async fn local(place: &Place, path: &str) -> LocalSource {
    let tag = place.look(path).await.tag;
    match place
        .provider
        .read(&ObjectRef::at(path), &tag)
        .await
        .expect("read")
    {
        Content::Local(local) => local,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_local_source_is_copied_in_the_version_that_was_read() {
    let (from, to) = (Place::new().await, Place::new().await);
    for size in [0, 1, 5_000, 200_000, 3_000_000] {
        let content = "0123456789".repeat(size / 10 + 1)[..size].to_owned();
        from.put("a", &content);
        let source = local(&from, "a").await;
        let size = size as u64;
        let name = format!("{size}");
        let request = WriteRequest::new(target(&name), Expect::Free, Content::Local(source), size);
        let written = to.provider.write(request).await.expect("write");
        assert_eq!(
            written.hash,
            Hasher::hash(HashKind::Blake3, content.as_bytes())
        );
        assert_eq!(to.content(&name), content);
    }
    let source = local(&from, "a").await;
    from.put("a", "changed");
    let request = WriteRequest::new(target("b"), Expect::Free, Content::Local(source.clone()), 5);
    let error = to.provider.write(request).await.expect_err("changed");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::SourceChanged, "read")
    );
    fs::remove_file(from.path("a")).expect("remove");
    std::os::unix::fs::symlink("/etc/passwd", from.path("a")).expect("link");
    let request = WriteRequest::new(target("b"), Expect::Free, Content::Local(source), 5);
    let error = to.provider.write(request).await.expect_err("a link");
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    assert_eq!(to.names("").len(), 5);
}

#[tokio::test]
async fn the_local_source_of_another_kind_is_streamed() {
    fn open(_: LocalSource) -> stream::BoxStream<'static, Result<Bytes>> {
        stream::iter([Ok(Bytes::from_static(b"theirs"))]).boxed()
    }
    let place = Place::new().await;
    let source = LocalSource {
        path: "/nowhere".into(),
        oid: None,
        tag: Tag::new("etag"),
        open,
    };
    for size in [6, 1 << 30] {
        let content = Content::Local(source.clone());
        let name = size.to_string();
        let request = WriteRequest::new(target(&name), Expect::Free, content, size);
        place.provider.write(request).await.expect("write");
        assert_eq!(place.content(&name), "theirs");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing() {
    let place = Place::new().await;
    for size in [10, 1 << 30] {
        let broken = stream::iter([
            Ok(Bytes::from_static(b"half")),
            Err(Error::new(ErrorKind::SourceChanged, "read")),
        ]);
        let content = Content::Stream(broken.boxed());
        let request = WriteRequest::new(target("a"), Expect::Free, content, size);
        let error = place.provider.write(request).await.expect_err("broken");
        assert_eq!(error.kind(), ErrorKind::SourceChanged);
        assert!(place.names("").is_empty());
    }
    // Given up half-way: the job hears of it, and cleans up.
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(b"more"))).boxed();
    let request = WriteRequest::new(target("a"), Expect::Free, Content::Stream(endless), 1 << 30);
    let writing = place.provider.write(request);
    tokio::time::timeout(std::time::Duration::from_millis(50), writing)
        .await
        .expect_err("endless");
    for _ in 0..500 {
        if place.names("").is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("left: {:?}", place.names(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_file_in_order() {
    let place = Place::new().await;
    place.put("taken-7", "user's").put("old-8", "old");
    for folder in 0..150 {
        fs::create_dir_all(place.path(&format!("f{folder}"))).expect("folder");
    }
    let batch: Vec<_> = (0..1_000)
        .map(|number| {
            let path = match number {
                7 => "taken-7".to_owned(),
                9 => "missing/x".to_owned(),
                _ => format!("f{}/{number}", number % 150),
            };
            let mut request = request(&path, Expect::Free, &number.to_string());
            if number % 100 == 50 {
                let chunk = Bytes::from(number.to_string());
                request.content = Content::Stream(stream::iter([Ok(chunk)]).boxed());
            }
            request
        })
        .collect();
    let results = place.provider.write_batch(batch).await;
    assert_eq!(results.len(), 1_000);
    for (number, result) in results.iter().enumerate() {
        match (number, result) {
            (7, Err(error)) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
            (9, Err(error)) => assert_eq!(error.kind(), ErrorKind::NotFound),
            (_, Ok(written)) => {
                let path = format!("f{}/{number}", number % 150);
                assert_eq!(place.content(&path), number.to_string());
                assert_eq!(place.look(&path).await.tag, written.observed.tag);
            }
            (number, Err(error)) => panic!("{number}: {error}"),
        }
    }
    assert_eq!(place.content("taken-7"), "user's");
    place.provider.flush().await.expect("flush");
    let listings = place.walk().await;
    assert_eq!(
        listings.iter().map(Listing::len).sum::<usize>(),
        998 + 150 + 2
    );
    assert!(
        place
            .names("")
            .iter()
            .all(|name| !name.starts_with(".cloudsync"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_racing_writes_wins() {
    let place = Arc::new(Place::new().await);
    for round in 0..50 {
        let name = format!("r{round}");
        let jobs: Vec<_> = (0..4)
            .map(|writer| {
                let (place, name) = (Arc::clone(&place), name.clone());
                tokio::spawn(async move {
                    place
                        .write(&name, Expect::Free, &writer.to_string())
                        .await
                        .map(|_| writer)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for job in jobs {
            match job.await.expect("joined") {
                Ok(writer) => winners.push(writer.to_string()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
            }
        }
        assert_eq!(winners, [place.content(&name)]);
    }
    assert_eq!(place.names("").len(), 50);
}

#[tokio::test]
async fn every_durability_writes_the_same() {
    for durability in [
        super::super::Durability::None,
        super::super::Durability::Batch,
        super::super::Durability::Full,
    ] {
        let place = Place::with(FileProvider::new().durability(durability)).await;
        place.write("a", Expect::Free, "one").await.expect("write");
        let expect = place.unchanged("a").await;
        place.write("a", expect, "two").await.expect("write");
        let batch = (0..20)
            .map(|n| request(&format!("b{n}"), Expect::Free, "x"))
            .collect();
        assert!(
            place
                .provider
                .write_batch(batch)
                .await
                .iter()
                .all(Result::is_ok)
        );
        place.provider.flush().await.expect("flush");
        assert_eq!(place.names("").len(), 21);
    }
}

#[tokio::test]
async fn a_folder_that_became_another_is_not_written_to() {
    let place = Place::new().await;
    place.put("folder/a", "one");
    let folder = place.at("folder").await;
    fs::rename(place.path("folder"), place.path("moved")).expect("rename");
    fs::create_dir(place.path("folder")).expect("folder");
    let mut request = request("folder/b", Expect::Free, "x");
    request.target.folder = folder;
    let error = place
        .provider
        .write(request)
        .await
        .expect_err("another folder");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(place.names("folder").is_empty());
    let disk = place.provider.disk("test").expect("disk");
    assert!(
        disk.root
            .open_exactly("test", &ObjectRef::at("moved"), OFlags::PATH)
            .is_ok()
    );
}
