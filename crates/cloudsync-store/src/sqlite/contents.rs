//! Reads all records, and writes a batch.

use cloudsync_core::record::{Batch, EntryId, Record};
use futures::TryStreamExt;
use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::{QueryBuilder, Row};

use super::trouble::Trouble;
use crate::codec::{self, CodecError};
use crate::store::Intake;

/// Rows a statement writes. Each statement is a round trip to SQLite's thread, so the more the
/// better; 500 keeps its parameters far below SQLite's limit.
const ROWS: usize = 500;

/// All entries in the order of their ids, those of 500 ids in a row of the answer, as `id hex id hex …`:
/// what a row costs on its way from SQLite's thread is four times what an entry costs. In hexadecimal, as
/// SQLite joins text only. `starts` holds the first id of each row; each page is read once.
const ALL_ENTRIES: &str = "
    WITH RECURSIVE starts (first) AS (
        SELECT min(id) FROM entry
        UNION ALL
        SELECT (SELECT min(id) FROM entry WHERE id >= first + 500) FROM starts WHERE first IS NOT NULL
    )
    SELECT (
        SELECT group_concat(id || ' ' || hex(record), ' ')
        FROM (SELECT id, record FROM entry WHERE id >= first AND id < first + 500 ORDER BY id)
    )
    FROM starts WHERE first IS NOT NULL";

/// Entries in a page of the file, at most: more than that is room for nothing.
const A_PAGE: i64 = 40;

/// Reads everything. A record or value that is not as it was written spoils all.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    intake: &mut dyn Intake,
) -> Result<(), Trouble> {
    give_up(connection).await;
    let mut values = Vec::new();
    let mut rows = sqlx::query("SELECT key, value FROM value ORDER BY key").fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let key: String = row.try_get(0)?;
        let value = codec::decode_value(&key, row.try_get(1)?)
            .map_err(|error| Trouble::damaged(format!("value {key}: {error}")))?;
        values.push((key, value));
    }
    drop(rows);

    intake.begin(values, about(connection).await?);
    let mut rows = sqlx::query(ALL_ENTRIES).fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        intake.records(decode_entries(row.try_get(0)?)?);
    }
    Ok(())
}

/// Returns about how many records there are, without reading them.
async fn about(connection: &mut SqliteConnection) -> Result<usize, Trouble> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM entry")
        .fetch_one(&mut *connection)
        .await?;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&mut *connection)
        .await?;
    let count = last.unwrap_or_default().min(pages.saturating_mul(A_PAGE));
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Reads `id hex id hex …`.
fn decode_entries(words: &str) -> Result<Vec<(EntryId, Record)>, Trouble> {
    let mut entries = Vec::with_capacity(ROWS);
    let mut words = words.split(' ');
    let mut blob = Vec::new();
    while let (Some(id), Some(digits)) = (words.next(), words.next()) {
        let id = id
            .parse()
            .ok()
            .map(EntryId)
            .filter(|id| *id != EntryId::ROOT)
            .ok_or_else(|| Trouble::damaged(format!("an entry has the number {id}")))?;
        let (pairs, _) = digits.as_bytes().as_chunks::<2>();
        blob.clear();
        blob.extend(
            pairs
                .iter()
                .map(|[high, low]| nibble(*high) << 4 | nibble(*low)),
        );
        let record = codec::decode_record(id, &blob)
            .map_err(|error| Trouble::damaged(format!("entry {}: {error}", id.0)))?;
        entries.push((id, record));
    }
    Ok(entries)
}

/// Returns the value of a digit as `hex` writes it.
fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() {
        digit - b'0'
    } else {
        digit.wrapping_sub(b'A' - 10) & 0xf
    }
}

/// Ends the transaction that a write left open which failed or was dropped. If there is none, that is
/// as well.
async fn give_up(connection: &mut SqliteConnection) {
    let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
}

/// A batch as rows, made before a transaction begins.
pub(super) struct Rows<'a> {
    batch: &'a Batch,
    puts: Vec<(i64, Vec<u8>)>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a Batch) -> Result<Self, CodecError> {
        let puts = batch
            .puts
            .iter()
            .map(|(id, record)| Ok((i64::from(id.0), codec::encode_record(*id, record)?)))
            .collect::<Result<_, CodecError>>()?;
        Ok(Self { batch, puts })
    }

    /// Writes all of them or, where it fails or is dropped, none.
    ///
    /// The transaction is not one of sqlx's, which counts them: where the disk is full, SQLite ends one
    /// by itself, sqlx goes on counting it, and would refuse every later one.
    pub(super) async fn write(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        give_up(connection).await;
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut *connection)
            .await?;
        let written = match self.write_rows(connection).await {
            Ok(()) => sqlx::raw_sql("COMMIT")
                .execute(&mut *connection)
                .await
                .map(drop)
                .map_err(Trouble::from),
            Err(trouble) => Err(trouble),
        };
        if written.is_err() {
            give_up(connection).await;
        }
        written
    }

    async fn write_rows(&self, connection: &mut SqliteConnection) -> Result<(), Trouble> {
        if self.batch.clear {
            sqlx::raw_sql("DELETE FROM entry; DELETE FROM value")
                .execute(&mut *connection)
                .await?;
        }
        for ids in self.batch.deletes.chunks(ROWS) {
            let mut sql = QueryBuilder::<Sqlite>::new("DELETE FROM entry WHERE id IN (");
            let mut list = sql.separated(", ");
            for id in ids {
                list.push_bind(i64::from(id.0));
            }
            sql.push(")");
            sql.build()
                .persistent(ids.len() == ROWS)
                .execute(&mut *connection)
                .await?;
        }
        for puts in self.puts.chunks(ROWS) {
            let mut sql = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO entry (id, record) ");
            sql.push_values(puts, |mut row, (id, record)| {
                row.push_bind(*id).push_bind(record.as_slice());
            });
            // A statement of another length is not worth a place among the prepared ones.
            sql.build()
                .persistent(puts.len() == ROWS)
                .execute(&mut *connection)
                .await?;
        }
        for (key, value) in &self.batch.values {
            let query = match value {
                Some(value) => {
                    sqlx::query("INSERT OR REPLACE INTO value (key, value) VALUES (?, ?)")
                        .bind(key)
                        .bind(codec::encode_value(key, value))
                }
                None => sqlx::query("DELETE FROM value WHERE key = ?").bind(key),
            };
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }
}
