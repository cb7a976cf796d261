//! Why a call failed: the kind, whether trying again can help, the object, the cause.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// What a caller can do differently. One enum for all crates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something stands at the target's name.
    AlreadyExists,
    /// The content at the provider is damaged and cannot be read.
    Corrupt,
    /// The cursor is too old or of another account: walk, and start anew.
    CursorExpired,
    /// The connection is down.
    Disconnected,
    /// The call makes no sense as given (a folder where a file is needed, a bad setting).
    Invalid,
    /// Another engine holds this pair.
    Locked,
    /// The side cannot hold an object of this name.
    NameRejected,
    /// The namespace does not exist or is not ours.
    Namespace,
    /// The folder is not empty.
    NotEmpty,
    /// The object, or its folder, does not exist.
    NotFound,
    /// No space, or no quota, is left.
    OutOfSpace,
    /// No permission for this object.
    PermissionDenied,
    /// The object is not as the caller expected it: look again.
    PreconditionFailed,
    /// Too many calls. `Retry::After` says how long to wait, where the server does. A server that refuses a call does
    /// nothing of it: say so with [`Failure::with_did_nothing`].
    RateLimited,
    /// The store is of this pair with its sides the other way round: give them in that order.
    Reversed,
    /// The root of the pair is missing, or not the one we met before.
    RootMissing,
    /// The source of a transfer changed while it was read: nothing was written, look again.
    SourceChanged,
    /// The store of the pair cannot be used: a newer program's, damaged while in use, not writable.
    StoreUnusable,
    /// The credentials are not, or no longer, valid.
    Token,
    /// A passing trouble.
    Unavailable,
    /// Anything that no caller could handle differently.
    Unexpected,
    /// The provider cannot do this; nothing was changed.
    Unsupported,
}

/// Whether trying the same call again can help.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Retry {
    /// Yes, after this time; `None`: the caller picks the delay.
    After(Option<Duration>),
    /// It was tried as often as is sensible: no outer layer should start again.
    Exhausted,
    /// No.
    Never,
}

/// A failed call. Cheap to clone.
#[derive(Clone)]
pub struct Failure(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    retry: Retry,
    did_nothing: bool,
    object: Option<String>,
    detail: Option<String>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Makes a failure of `operation` (the call's name). Whether to retry follows from the kind.
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        let retry = match kind {
            ErrorKind::Disconnected
            | ErrorKind::OutOfSpace
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable => Retry::After(None),
            _ => Retry::Never,
        };
        Self(Arc::new(Inner {
            kind,
            operation,
            retry,
            did_nothing: false,
            object: None,
            detail: None,
            source: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Says whether to try again.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        self.with(|inner| inner.retry = retry)
    }

    /// Says whether the call is known to have changed nothing. Otherwise what can be tried again counts as a lost
    /// answer: it may be done.
    #[must_use]
    pub fn with_did_nothing(self, did_nothing: bool) -> Self {
        self.with(|inner| inner.did_nothing = did_nothing)
    }

    /// Says which object it was, as a path for people.
    #[must_use]
    pub fn with_object(self, object: impl fmt::Display) -> Self {
        let object = object.to_string();
        self.with(|inner| inner.object = Some(object))
    }

    /// Adds a few words that help whoever reads it: lower case, no secrets.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        self.with(|inner| inner.detail = Some(detail))
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(self, source: impl Error + Send + Sync + 'static) -> Self {
        let source: Arc<dyn Error + Send + Sync> = Arc::new(source);
        self.with(|inner| inner.source = Some(source))
    }

    /// Returns what a caller can do differently.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the name of the call that failed.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns whether trying again can help.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Returns the object, as a path for people.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// Returns true if the call is known to have changed nothing.
    pub fn did_nothing(&self) -> bool {
        self.0.did_nothing
    }

    /// Returns true if it is not known whether the call changed anything.
    pub fn may_be_done(&self) -> bool {
        let is_lost = self.is_retryable() || self.kind() == ErrorKind::Unexpected;
        is_lost && !self.0.did_nothing
    }

    /// Returns true if trying again can help.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.retry, Retry::After(_))
    }
}

/// One line: what failed, where, why, without the causes.
/// What it says, as programs read it; its cause stays with whoever has the failure itself.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Failure", 4)?;
        fields.serialize_field("kind", &self.kind())?;
        fields.serialize_field("message", &self.to_string())?;
        fields.serialize_field("object", &self.object())?;
        fields.serialize_field("is_retryable", &self.is_retryable())?;
        fields.end()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0.kind {
            ErrorKind::AlreadyExists => "the name is taken",
            ErrorKind::Corrupt => "the content is damaged",
            ErrorKind::CursorExpired => "the cursor is no longer valid",
            ErrorKind::Disconnected => "not connected",
            ErrorKind::Invalid => "not possible as asked",
            ErrorKind::Locked => "in use by another engine",
            ErrorKind::NameRejected => "this side cannot hold the name",
            ErrorKind::Namespace => "no such namespace",
            ErrorKind::NotEmpty => "the folder is not empty",
            ErrorKind::NotFound => "not found",
            ErrorKind::OutOfSpace => "no space left",
            ErrorKind::PermissionDenied => "permission denied",
            ErrorKind::PreconditionFailed => "it changed since we looked",
            ErrorKind::RateLimited => "too many requests",
            ErrorKind::Reversed => "its two sides are the other way round",
            ErrorKind::RootMissing => "the root is missing",
            ErrorKind::SourceChanged => "it changed while it was read",
            ErrorKind::StoreUnusable => "the store cannot be used",
            ErrorKind::Token => "sign-in needed",
            ErrorKind::Unavailable => "not available now",
            ErrorKind::Unexpected => "unexpected failure",
            ErrorKind::Unsupported => "not supported",
        };
        write!(f, "{}", self.0.operation)?;
        if let Some(object) = &self.0.object {
            write!(f, " {object}")?;
        }
        write!(f, ": {what}")?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?}, {self})", self.0.kind)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
