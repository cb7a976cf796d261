//! A store in a SQLite file, one a pair.
//!
//! One connection, in exclusive mode, under a lock file of our own beside it. Every commit is
//! flushed, unless [`Flush::Never`] was asked for. A file that cannot be used (damaged, another program's, another pair's) is renamed to
//! `NAME.damaged-N` and a new one begun; one of a newer program is refused and left alone.

mod connection;
mod contents;
mod files;
mod trouble;

use std::path::Path;

use async_trait::async_trait;
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::record::Batch;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};

use self::connection::Prepared;
use self::contents::Rows;
use self::files::{Files, Header};
use self::trouble::Trouble;
use crate::lock::Lock;
use crate::store::{self, FoundState, Intake, Opened, Result, Store, Unfit};

/// When what is stored goes to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Flush {
    /// With each commit: what was applied is there after a power cut. One in the moment in which the file is made may
    /// leave something that is set aside: nothing was in it.
    #[default]
    EachCommit,
    /// When the system likes. A power cut can take away what was applied, or damage the file, which is
    /// set aside then: a first meeting.
    Never,
}

/// What a store is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening<'a> {
    /// Names the pair. A store that was made under another name is another pair's.
    pub pair: &'a str,
    /// Names the pair with its sides the other way round, where that is another name. A store that
    /// was made under it is not set aside.
    pub reversed: Option<&'a str>,
    /// When it is flushed.
    pub flush: Flush,
}

/// A store in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    files: Files,
    pair: String,
    flush: Flush,
    /// `None` once it is closed, or where a new file could not be begun.
    session: Mutex<Option<Session>>,
}

/// An open database. Fields are dropped in this order: the lock last.
#[derive(Debug)]
struct Session {
    connection: SqliteConnection,
    found: FoundState,
    run: u64,
    lock: Lock,
}

impl SqliteStore {
    /// Opens the store at `path`, or makes one, with its folder. `pair` names the pair it is for: a
    /// store that was made under another name is another pair's.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] where another engine has it, with its process id where that is known;
    /// [`ErrorKind::StoreUnusable`] where a newer program wrote it or it cannot be written;
    /// [`ErrorKind::OutOfSpace`].
    ///
    /// # Panics
    /// If the program is linked with an SQLite that is known to damage files.
    pub async fn open(path: impl AsRef<Path>, pair: &str) -> Result<Self> {
        let opening = Opening {
            pair,
            reversed: None,
            flush: Flush::default(),
        };
        Self::open_with(path, opening).await
    }

    /// As [`SqliteStore::open`], with all that can be said about it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; [`ErrorKind::Reversed`] for a store of the pair the other way round.
    ///
    /// # Panics
    /// As [`SqliteStore::open`].
    pub async fn open_with(path: impl AsRef<Path>, opening: Opening<'_>) -> Result<Self> {
        let Opening {
            pair,
            reversed,
            flush,
        } = opening;
        let files = Files::at(path.as_ref())?;
        let lock = Lock::take(&files.lock())?;
        let header = files.header()?;
        let session = match open(&files, pair, header, flush).await {
            Ok(Prepared { connection, run }) => {
                // A kill in the middle of the very first opening leaves one that was never opened.
                let found = if run == 1 {
                    FoundState::Fresh
                } else {
                    FoundState::Existing
                };
                Session {
                    connection,
                    found,
                    run,
                    lock,
                }
            }
            Err(Trouble::Unfit(Unfit::OtherPair(label))) if reversed == Some(label.as_str()) => {
                return Err(Failure::new(ErrorKind::Reversed, "store open")
                    .with_object(files.main().display()));
            }
            Err(Trouble::Unfit(reason)) => begin_anew(&files, pair, reason, lock, flush).await?,
            Err(trouble) => return Err(trouble.at_opening(files.main())),
        };
        Ok(Self {
            files,
            pair: pair.to_owned(),
            flush,
            session: Mutex::new(Some(session)),
        })
    }

    /// Returns where the store is.
    pub fn path(&self) -> &Path {
        self.files.main()
    }

    async fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().await
    }

    /// Puts the files of a session out of the way, and begins new ones.
    async fn replace(&self, session: &mut Option<Session>, reason: Unfit) -> Result<Opened> {
        let Some(Session {
            connection, lock, ..
        }) = session.take()
        else {
            return Err(store::closed("store set aside"));
        };
        // Its last words, should it fail to say them, are not wanted.
        let _ = connection.close().await;
        let new = begin_anew(&self.files, &self.pair, reason, lock, self.flush).await?;
        let opened = new.opened();
        *session = Some(new);
        Ok(opened)
    }
}

impl Session {
    fn opened(&self) -> Opened {
        Opened {
            found: self.found.clone(),
            run: self.run,
        }
    }
}

/// Opens what the first bytes say is ours, or nothing yet.
async fn open(
    files: &Files,
    pair: &str,
    header: Header,
    flush: Flush,
) -> std::result::Result<Prepared, Trouble> {
    match header {
        Header::Absent => files.drop_orphans().map_err(Trouble::Call)?,
        Header::Noise => return Err(Trouble::damaged("not a database")),
        Header::Sqlite { application, .. } if application != connection::APPLICATION => {
            return Err(connection::foreign(application));
        }
        Header::Sqlite { version, .. } if i64::from(version) > connection::VERSION => {
            return Err(Trouble::Newer(version.into()));
        }
        Header::Sqlite { .. } => {}
    }
    let prepared = connection::prepare(files.main(), pair, flush).await?;
    if header == Header::Absent && flush == Flush::EachCommit {
        files.sync_folder().map_err(Trouble::Call)?;
    }
    Ok(prepared)
}

/// Puts files that nothing has open out of the way, and begins new ones.
async fn begin_anew(
    files: &Files,
    pair: &str,
    reason: Unfit,
    lock: Lock,
    flush: Flush,
) -> Result<Session> {
    let kept_as = files.set_aside()?;
    let Prepared { connection, run } = open(files, pair, Header::Absent, flush)
        .await
        .map_err(|trouble| trouble.at_opening(files.main()))?;
    Ok(Session {
        connection,
        found: FoundState::SetAside { reason, kept_as },
        run,
        lock,
    })
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, intake: &mut dyn Intake) -> Result<Opened> {
        let mut guard = self.session().await;
        let session = guard.as_mut().ok_or_else(|| store::closed("store load"))?;
        match contents::read(&mut session.connection, intake).await {
            Ok(()) => Ok(session.opened()),
            Err(Trouble::Unfit(reason)) => {
                let opened = self.replace(&mut guard, reason).await?;
                intake.begin(Vec::new(), 0);
                Ok(opened)
            }
            Err(trouble) => Err(trouble.into_failure("store load", self.files.main())),
        }
    }

    async fn apply(&self, batch: &Batch) -> Result<()> {
        store::check(batch)?;
        let rows = Rows::of(batch)
            .map_err(|error| Failure::new(ErrorKind::Invalid, "store apply").with_source(error))?;
        let mut guard = self.session().await;
        let session = guard.as_mut().ok_or_else(|| store::closed("store apply"))?;
        rows.write(&mut session.connection)
            .await
            .map_err(|trouble| trouble.into_failure("store apply", self.files.main()))
    }

    async fn set_aside(&self, reason: &str) -> Result<Opened> {
        let mut guard = self.session().await;
        self.replace(&mut guard, Unfit::Doubted(reason.to_owned()))
            .await
    }

    async fn close(&self) -> Result<()> {
        let Some(Session {
            connection, lock, ..
        }) = self.session().await.take()
        else {
            return Ok(());
        };
        // The log goes into the main file here; where that fails, the next opening does it.
        let closed = connection.close().await;
        drop(lock);
        closed.map_err(|error| Trouble::from(error).into_failure("store close", self.files.main()))
    }
}

#[cfg(test)]
mod tests {
    use cloudsync_core::record::BatchId;
    use cloudsync_core::side::BySide;

    use super::*;

    fn batch(key: &str, bytes: usize) -> Batch {
        Batch {
            id: BatchId(1),
            flush: BySide::default(),
            clear: false,
            puts: Vec::new(),
            deletes: Vec::new(),
            values: vec![(key.to_owned(), Some(vec![7; bytes]))],
        }
    }

    async fn limit_pages(store: &SqliteStore, pages: u32) {
        let mut guard = store.session().await;
        let connection = &mut guard.as_mut().unwrap().connection;
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "PRAGMA max_page_count = {pages}"
        )))
        .execute(connection)
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_is_told_each_time_and_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let store = SqliteStore::open(&path, "pair").await.unwrap();
        store.apply(&batch("before", 10)).await.unwrap();
        limit_pages(&store, 20).await;
        for _ in 0..3 {
            let error = store.apply(&batch("large", 200_000)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfSpace, "{error}");
        }
        store.apply(&batch("small", 10)).await.unwrap();
        limit_pages(&store, 1_000_000).await;
        store.apply(&batch("large", 200_000)).await.unwrap();
        let values = store.snapshot().await.unwrap().values;
        let keys: Vec<_> = values.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["before", "large", "small"]);
    }

    #[tokio::test]
    async fn it_is_flushed_as_asked_also_when_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        for (flush, level) in [(Flush::EachCommit, 2), (Flush::Never, 0)] {
            let path = folder.path().join(format!("{level}.sqlite"));
            let opening = Opening {
                pair: "pair",
                reversed: None,
                flush,
            };
            let store = SqliteStore::open_with(&path, opening).await.unwrap();
            for _ in 0..2 {
                let mut guard = store.session().await;
                let connection = &mut guard.as_mut().unwrap().connection;
                let found: i64 = sqlx::query_scalar("PRAGMA synchronous")
                    .fetch_one(connection)
                    .await
                    .unwrap();
                assert_eq!(found, level, "{flush:?}");
                drop(guard);
                store.set_aside("for a test").await.unwrap();
            }
        }
    }
}
