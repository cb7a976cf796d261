//! What a call of the facade can fail with.

use std::error::Error as StdError;
use std::fmt;

use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::side::Side;

/// The result of a call of the facade.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed: the kind, the side, the object, the cause. Cheap to clone.
///
/// One object's trouble is not an error: it stands in the report and the status.
#[derive(Clone, Debug)]
pub struct Error {
    failure: Failure,
    side: Option<Side>,
}

impl Error {
    /// Makes an error of `operation` (the call's name). Whether to retry follows from the kind.
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self {
            failure: Failure::new(kind, operation),
            side: None,
        }
    }

    /// Adds a few words that help whoever reads it.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            failure: self.failure.with_detail(detail),
            ..self
        }
    }

    /// Says which object it was.
    #[must_use]
    pub fn with_path(self, path: impl fmt::Display) -> Self {
        Self {
            failure: self.failure.with_object(path),
            ..self
        }
    }

    /// Says which side it was.
    #[must_use]
    pub fn with_side(self, side: Side) -> Self {
        Self {
            side: Some(side),
            ..self
        }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            failure: self.failure.with_source(source),
            ..self
        }
    }

    /// Returns what a caller can do differently.
    pub fn kind(&self) -> ErrorKind {
        self.failure.kind()
    }

    /// Returns true if trying again can help.
    pub fn is_retryable(&self) -> bool {
        self.failure.is_retryable()
    }

    /// Returns the object, as a path for people.
    pub fn path(&self) -> Option<&str> {
        self.failure.object()
    }

    /// Returns the side, where it was one.
    pub fn side(&self) -> Option<Side> {
        self.side
    }

    /// Returns the failure of the call below.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// A setting or a call that makes no sense.
    pub(crate) fn invalid(operation: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, operation).with_detail(detail)
    }

    /// The failure of a side.
    pub(crate) fn of(side: Side, failure: Failure) -> Self {
        Self {
            failure,
            side: Some(side),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            side: None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(side) = self.side {
            write!(f, "{side} side: ")?;
        }
        write!(f, "{}", self.failure)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.failure.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_side_object_and_cause() {
        let cause = std::io::Error::other("cable");
        let failure = Failure::new(ErrorKind::Disconnected, "read").with_object("a/b");
        let error = Error::of(Side::Remote, failure.with_source(cause));
        assert_eq!(error.to_string(), "remote side: read a/b: not connected");
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert_eq!(
            (error.path(), error.side()),
            (Some("a/b"), Some(Side::Remote))
        );
        assert!(error.is_retryable());
        assert_eq!(
            StdError::source(&error).map(ToString::to_string),
            Some("cable".into())
        );
    }
}
