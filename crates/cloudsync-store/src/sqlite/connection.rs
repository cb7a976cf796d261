//! Opens a database, makes sure that it is this pair's store, and brings it to today's format.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::Flush;
use super::trouble::Trouble;
use crate::store::Unfit;

/// `PRAGMA application_id` of our files: "clsy".
pub(super) const APPLICATION: i32 = i32::from_be_bytes(*b"clsy");
/// `PRAGMA user_version` of our files: the number of the last migration.
pub(super) const VERSION: i64 = 1;
/// The first version of SQLite whose write-ahead log cannot damage a database when two connections
/// write and tidy up at once. Ours is the only connection, but a bug of this kind is not bet on.
const SOUND_SQLITE: [u32; 3] = [3, 51, 3];

/// An intent is durable before its operation is handed out.
const EACH_COMMIT: &str = "PRAGMA synchronous = FULL";

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What a new connection found.
pub(super) struct Prepared {
    pub(super) connection: SqliteConnection,
    /// How often the store was opened, this time included.
    pub(super) run: u64,
}

/// Opens the database at `path`, which is made where it is absent.
///
/// On an error, no handle to the file is left open: it can be renamed.
pub(super) async fn prepare(path: &Path, pair: &str, flush: Flush) -> Result<Prepared, Trouble> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        // Waited for: a store of this process that was dropped, and is still writing its last words.
        .busy_timeout(Duration::from_secs(5))
        // Rows are large here: see `contents::read`.
        .row_buffer_size(4)
        .connect()
        .await?;
    match initialize(&mut connection, pair, flush).await {
        Ok(run) => Ok(Prepared { connection, run }),
        Err(trouble) => {
            // The failure that matters is the first one.
            let _ = connection.close().await;
            Err(trouble)
        }
    }
}

async fn initialize(
    connection: &mut SqliteConnection,
    pair: &str,
    flush: Flush,
) -> Result<u64, Trouble> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await?;
    let numbers: Vec<u32> = version
        .split('.')
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(
        *numbers >= SOUND_SQLITE[..],
        "SQLite {version} can damage its files: link a newer one"
    );

    // One handle only, so no memory shared between processes, and no locking at each transaction.
    exec(connection, "PRAGMA locking_mode = EXCLUSIVE").await?;
    // In a file that is just being made there is nothing to lose: it is flushed once, when it is whole.
    let is_new = page_count(connection).await? == 0;
    if is_new || flush == Flush::Never {
        exec(connection, "PRAGMA synchronous = OFF").await?;
    } else {
        exec(connection, EACH_COMMIT).await?;
    }
    identify(connection).await?;
    check_schema(connection).await?;
    exec(connection, "PRAGMA journal_mode = WAL").await?;
    // Pages are written again and again in a large run: four times as many as by default go into the log
    // before it is worked off, each page once.
    exec(connection, "PRAGMA wal_autocheckpoint = 4000").await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await?;
    if version > VERSION {
        return Err(Trouble::Newer(version));
    }
    let report: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut *connection)
        .await?;
    if report != "ok" {
        return Err(Trouble::damaged(report));
    }
    MIGRATIONS.run_direct(None, connection, false).await?;
    let run = enroll(connection, pair).await?;
    if is_new && flush == Flush::EachCommit {
        exec(connection, EACH_COMMIT).await?;
        exec(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    }
    Ok(run)
}

async fn page_count(connection: &mut SqliteConnection) -> Result<i64, Trouble> {
    let pages = sqlx::query_scalar("PRAGMA page_count");
    Ok(pages.fetch_one(connection).await?)
}

/// Makes sure that the file is ours; marks it so where it has no content.
async fn identify(connection: &mut SqliteConnection) -> Result<(), Trouble> {
    if page_count(connection).await? == 0 {
        // In the main file from its first page on, so that a look at the file is enough.
        let mark = format!("PRAGMA application_id = {APPLICATION}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark))
            .execute(&mut *connection)
            .await?;
        return Ok(());
    }
    let application: i32 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?;
    if application == APPLICATION {
        Ok(())
    } else {
        Err(foreign(application))
    }
}

/// Makes sure that the schema is text. sqlx takes the declared types in it for UTF-8, and panics in its
/// own thread where they are not, which leaves whoever asked waiting for ever.
async fn check_schema(connection: &mut SqliteConnection) -> Result<(), Trouble> {
    let statements: Vec<String> = sqlx::query_scalar("SELECT hex(sql) FROM sqlite_schema")
        .fetch_all(connection)
        .await?;
    // ASCII bytes have a first digit below 8.
    let is_text = |hex: &String| hex.bytes().step_by(2).all(|digit| digit < b'8');
    if statements.iter().all(is_text) {
        Ok(())
    } else {
        Err(Trouble::damaged("its schema is not text"))
    }
}

/// Says that a file is another program's.
pub(super) fn foreign(application: i32) -> Trouble {
    Trouble::Unfit(Unfit::Foreign(format!(
        "a database of application {application:#x}"
    )))
}

/// Checks that the store is this pair's, and counts this opening. Returns the number of openings.
///
/// Nobody checks these rows but we: they are whole, or the store is not what was written.
async fn enroll(connection: &mut SqliteConnection, pair: &str) -> Result<u64, Trouble> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT key, CAST(value AS TEXT) FROM meta ORDER BY key")
            .fetch_all(&mut *transaction)
            .await?;
    let rows: Vec<_> = rows.iter().map(|(key, value)| (&**key, &**value)).collect();
    let before = match *rows {
        [] if is_empty(&mut transaction).await? => {
            sqlx::query("INSERT INTO meta (key, value) VALUES ('pair', ?), ('run', 0)")
                .bind(pair)
                .execute(&mut *transaction)
                .await?;
            0
        }
        [("pair", label), ("run", run)] => {
            let run = run.parse::<u32>().ok().filter(|run| *run > 0);
            let run = run.ok_or_else(|| Trouble::damaged("its run is not a number"))?;
            if label != pair {
                return Err(Trouble::Unfit(Unfit::OtherPair(label.to_owned())));
            }
            run
        }
        _ => return Err(Trouble::damaged("it does not say whose it is")),
    };
    let run = u64::from(before) + 1;
    sqlx::query("UPDATE meta SET value = value + 1 WHERE key = 'run'")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(run)
}

/// Returns true if no batch was ever written, or all is gone again.
async fn is_empty(connection: &mut SqliteConnection) -> Result<bool, Trouble> {
    let has_rows = "SELECT EXISTS (SELECT 1 FROM entry) OR EXISTS (SELECT 1 FROM value)";
    let has_rows: bool = sqlx::query_scalar(has_rows).fetch_one(connection).await?;
    Ok(!has_rows)
}

async fn exec(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Trouble> {
    sqlx::raw_sql(sql).execute(connection).await?;
    Ok(())
}
