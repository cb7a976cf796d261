//! A process that is killed while it writes and deletes, and a user who saves meanwhile.

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::super::own;
use super::*;
use crate::Kind;

const ROOT: &str = "CLOUDSYNC_TEST_KILLED_ROOT";

/// What the killed process does; nothing when it is run as a test.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_to_kill() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let provider = FileProvider::new().with_owner("pair");
    provider
        .set_root(Some(&root), None, false)
        .await
        .expect("root");
    let path = PathBuf::from(&root).join("a");
    let log = fs::File::options()
        .append(true)
        .create(true)
        .open(format!("{root}.log"));
    let mut log = log.expect("log");
    let at = ObjectRef::at("a");
    for number in 0_u64.. {
        let seen = provider
            .info(&at)
            .await
            .expect("info")
            .and_then(|found| found.observed);
        let Some(seen) = seen else {
            let _ = provider
                .write(request("a", Expect::Free, &ours(number)))
                .await;
            continue;
        };
        let Ok(content) = fs::read_to_string(&path) else {
            continue;
        };
        let again = provider
            .info(&at)
            .await
            .expect("info")
            .and_then(|found| found.observed);
        if again.map(|again| again.tag) != Some(seen.tag.clone()) {
            continue;
        }
        // From here on, this content was seen, and may be replaced.
        writeln!(log, "{content}").expect("log");
        let at = ObjectRef::new(seen.oid.clone(), "a");
        let _ = if number % 3 == 0 {
            provider.delete(&at, Kind::File, Some(&seen.tag)).await
        } else {
            let expect = Expect::Unchanged {
                oid: Some(seen.oid),
                tag: seen.tag,
            };
            provider
                .write(request("a", expect, &ours(number)))
                .await
                .map(|_| ())
        };
    }
}

fn ours(number: u64) -> String {
    format!("ours-{number}-{}-whole", "x".repeat(5_000))
}

#[tokio::test]
async fn no_save_is_lost_and_nothing_of_ours_stays() {
    let program = std::env::current_exe().expect("this program");
    let base = tempfile::tempdir().expect("folder");
    for round in 0..12_u64 {
        let root = base.path().join(round.to_string());
        fs::create_dir(&root).expect("root");
        let mut child = Command::new(&program)
            .args([
                "--exact",
                "filesystem::tests::killing::the_process_to_kill",
                "--nocapture",
            ])
            .env(ROOT, &root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let log = PathBuf::from(format!("{}.log", root.display()));
        while fs::read(&log).is_ok_and(|log| log.is_empty()) || !log.exists() {
            thread::sleep(Duration::from_millis(1));
            // It starts with an empty folder; give it something to see.
            let _ = fs::File::create_new(root.join("a")).and_then(|mut a| write!(a, "first"));
        }
        let over = AtomicBool::new(false);
        let last = thread::scope(|scope| {
            let user = scope.spawn(|| save(&root, round, &over));
            thread::sleep(Duration::from_millis(20 + round * 7 % 30));
            child.kill().expect("killed");
            child.wait().expect("dead");
            over.store(true, Ordering::Relaxed);
            user.join().expect("a user")
        });
        let provider = FileProvider::new().with_owner("pair");
        provider
            .set_root(root.to_str(), None, false)
            .await
            .expect("root");
        walk(&provider).await;

        let mut contents = HashSet::new();
        for entry in fs::read_dir(&root).expect("root") {
            let entry = entry.expect("entry");
            let name = entry.file_name();
            assert!(
                !own::is_own(name.as_encoded_bytes()),
                "round {round}: {name:?} is left"
            );
            let content = fs::read_to_string(entry.path()).expect("content");
            assert!(
                !content.starts_with("ours") || content.ends_with("whole"),
                "{content}"
            );
            contents.insert(content);
        }
        let seen = fs::read_to_string(&log).expect("log");
        assert!(
            contents.contains(&last) || seen.lines().any(|line| line == last),
            "round {round}: {last} is lost; there are {contents:?}"
        );
    }
}

/// Saves new contents, in the ways of editors; returns the last one that stood at its place.
///
/// A program that has the old file open while another takes its place writes to a file without a
/// name: nobody but it can tell. Such a save does not count.
fn save(root: &Path, round: u64, over: &AtomicBool) -> String {
    let (path, new) = (root.join("a"), root.join("a.new"));
    let mut last = String::new();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let content = format!("user-{round}-{number}-{}", "y".repeat(number % 50));
        if number % 2 == 0 {
            let mut open = fs::File::create(&path).expect("open");
            write!(open, "{content}").expect("save");
            let inode = open.metadata().expect("metadata").ino();
            if fs::metadata(&path).is_ok_and(|found| found.ino() == inode) {
                last = content;
            }
        } else {
            fs::write(&new, &content).expect("save");
            fs::rename(&new, &path).expect("save");
            last = content;
        }
        thread::sleep(Duration::from_micros(300));
    }
    last
}
