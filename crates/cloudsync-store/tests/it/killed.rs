//! Real processes, killed while they write. The other process is this program again, told by its
//! environment which test to play.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use cloudsync_core::failure::ErrorKind;
use cloudsync_core::record::{Batch, EntryId, Snapshot};
use cloudsync_store::{FoundState, SqliteStore, Store};

use crate::opening::loaded;
use crate::strategies::{batch, typical};

const STORE: &str = "CLOUDSYNC_TEST_STORE";
const PAIR: &str = "killed";

/// Batch `number`: every entry and the value say it.
fn numbered(number: u64) -> Batch {
    let mut record = typical();
    record.nodes.local.as_mut().unwrap().size = number;
    let puts = (1..=700).map(|id| (EntryId(id), record.clone())).collect();
    let values = vec![("number".to_owned(), Some(number.to_le_bytes().to_vec()))];
    Batch {
        puts,
        values,
        ..batch(number)
    }
}

/// Returns which batch was applied last, and makes sure that it was applied whole.
fn number_of(snapshot: &Snapshot) -> u64 {
    let Some((_, value)) = snapshot.values.first() else {
        assert_eq!(*snapshot, Snapshot::default());
        return 0;
    };
    let number = u64::from_le_bytes(value[..].try_into().unwrap());
    assert_eq!(snapshot.entries, numbered(number).puts);
    number
}

/// Not a test of its own: the process that is killed. It writes batches for ever, and says so.
#[tokio::test]
async fn child() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let store = SqliteStore::open(Path::new(&path), PAIR).await.unwrap();
    let last = number_of(&store.snapshot().await.unwrap());
    for number in last + 1.. {
        store.apply(&numbered(number)).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "applied {number}").unwrap();
        out.flush().unwrap();
    }
}

fn start(path: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["killed::child", "--exact", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Returns the highest number of the lines.
fn last_applied(lines: impl Iterator<Item = std::io::Result<String>>) -> u64 {
    lines
        .filter_map(|line| line.unwrap().strip_prefix("applied ")?.parse().ok())
        .last()
        .unwrap_or(0)
}

#[tokio::test]
async fn a_kill_leaves_whole_batches_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    for round in 0..8 {
        let (mut child, mut lines) = start(&path);
        let started = last_applied(lines.by_ref().skip_while(is_other).take(1));
        assert!(started > 0, "the child wrote nothing");

        let failure = SqliteStore::open(&path, PAIR).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Locked);
        assert!(
            failure.to_string().contains(&child.id().to_string()),
            "{failure}"
        );

        tokio::time::sleep(Duration::from_millis(round * 3)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let told = started.max(last_applied(lines));

        let store = SqliteStore::open(&path, PAIR).await.unwrap();
        let opened = loaded(&store).await;
        assert_eq!(opened.found, FoundState::Existing);
        let found = number_of(&opened.snapshot);
        assert!(
            found == told || found == told + 1,
            "told {told}, found {found}"
        );
        store.close().await.unwrap();
    }
}

fn is_other(line: &std::io::Result<String>) -> bool {
    !line.as_ref().unwrap().starts_with("applied ")
}
