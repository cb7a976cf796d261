//! Tells apart what SQLite complains of: contents that cannot be used, or a call that failed.

use std::io;
use std::path::Path;

use cloudsync_core::failure::{ErrorKind, Failure};
use sqlx::migrate::MigrateError;

use crate::codec::CodecError;
use crate::store::Unfit;

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another handle is in the way.
    Busy(sqlx::Error),
    /// A call to the file system failed.
    Call(Failure),
    /// A call to SQLite failed. The contents are not to blame.
    Failed(ErrorKind, sqlx::Error),
    /// A program that knows more than this one wrote the contents.
    Newer(i64),
    /// The contents cannot be used.
    Unfit(Unfit),
}

impl Trouble {
    pub(super) fn damaged(detail: impl Into<String>) -> Self {
        Self::Unfit(Unfit::Damaged(detail.into()))
    }

    /// Reports it to whoever opens a store: all engines take the lock first, so a busy file is in
    /// the hands of another program.
    pub(super) fn at_opening(self, path: &Path) -> Failure {
        match self {
            Self::Busy(source) => Failure::new(ErrorKind::Locked, "store open")
                .with_object(path.display())
                .with_detail("another program has the file open")
                .with_source(source),
            other => other.into_failure("store open", path),
        }
    }

    /// Reports it to a caller, for whom the contents cannot be exchanged any more.
    pub(super) fn into_failure(self, operation: &'static str, path: &Path) -> Failure {
        let failure = match self {
            Self::Call(failure) => return failure,
            Self::Busy(source) => {
                Failure::new(ErrorKind::Unavailable, operation).with_source(source)
            }
            Self::Failed(kind, source) => Failure::new(kind, operation).with_source(source),
            Self::Newer(version) => Failure::new(ErrorKind::StoreUnusable, operation)
                .with_detail(format!("a newer program wrote it, format {version}")),
            Self::Unfit(reason) => Failure::new(ErrorKind::StoreUnusable, operation)
                .with_detail(format!("{reason}; the next start sets it aside")),
        };
        failure.with_object(path.display())
    }
}

impl From<CodecError> for Trouble {
    fn from(error: CodecError) -> Self {
        Self::damaged(error.to_string())
    }
}

/// A migration of ours never fails by itself: a record of migrations that is not ours is damage.
impl From<MigrateError> for Trouble {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::damaged(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().and_then(|code| code.parse::<i32>().ok());
                let message = database.message();
                match Code::of(code) {
                    Code::Damage => return Self::damaged(message),
                    _ if is_foreign_schema(message) => return Self::damaged(message),
                    Code::Busy => return Self::Busy(error),
                    Code::Failure(kind) => kind,
                }
            }
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                ErrorKind::OutOfSpace
            }
            sqlx::Error::Io(_) => ErrorKind::Unavailable,
            // A value of another type than the table has.
            sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound => return Self::damaged(error.to_string()),
            _ => ErrorKind::Unexpected,
        };
        Self::Failed(kind, error)
    }
}

/// Our statements are right, so a table that they miss was taken away. SQLite has no code for it.
fn is_foreign_schema(message: &str) -> bool {
    message.starts_with("no such table") || message.contains("no such column")
}

/// What a result code of SQLite means here.
#[derive(PartialEq, Eq, Debug)]
enum Code {
    Busy,
    Damage,
    Failure(ErrorKind),
}

impl Code {
    /// Sorts a code, extended or not: <https://www.sqlite.org/rescode.html>.
    fn of(code: Option<i32>) -> Self {
        match code.map(|code| code & 0xff) {
            // CORRUPT, FORMAT, NOTADB.
            Some(11 | 24 | 26) => Self::Damage,
            // BUSY, LOCKED.
            Some(5 | 6) => Self::Busy,
            // NOMEM, IOERR, PROTOCOL.
            Some(7 | 10 | 15) => Self::Failure(ErrorKind::Unavailable),
            // PERM, READONLY, CANTOPEN, AUTH.
            Some(3 | 8 | 14 | 23) => Self::Failure(ErrorKind::StoreUnusable),
            // FULL.
            Some(13) => Self::Failure(ErrorKind::OutOfSpace),
            // TOOBIG.
            Some(18) => Self::Failure(ErrorKind::Invalid),
            _ => Self::Failure(ErrorKind::Unexpected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_a_caller_can_do() {
        for (code, expected) in [
            (11, Code::Damage),
            (0x10b, Code::Damage),
            (26, Code::Damage),
            (0x205, Code::Busy),
            (0x10a, Code::Failure(ErrorKind::Unavailable)),
            (0x608, Code::Failure(ErrorKind::StoreUnusable)),
            (13, Code::Failure(ErrorKind::OutOfSpace)),
            (21, Code::Failure(ErrorKind::Unexpected)),
        ] {
            assert_eq!(Code::of(Some(code)), expected, "code {code}");
        }
        assert_eq!(Code::of(None), Code::Failure(ErrorKind::Unexpected));
    }

    #[test]
    fn a_newer_store_is_told_with_its_version() {
        let failure = Trouble::Newer(7).into_failure("store open", Path::new("state.sqlite"));
        assert_eq!(failure.kind(), ErrorKind::StoreUnusable);
        assert!(failure.to_string().contains("format 7"), "{failure}");
        assert!(failure.to_string().contains("state.sqlite"), "{failure}");
    }
}
