//! What was asked of a mocked client: every call, in order, and sums, so that a test can say
//! "one rename, nothing transferred".

use std::fmt;

/// A call of the provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "named as the methods of `Provider`")]
#[non_exhaustive]
pub enum Call {
    Authenticate,
    Connect,
    CreateFolder,
    Delete,
    Events,
    Flush,
    Hash,
    Info,
    List,
    Namespaces,
    Quota,
    Read,
    Rename,
    Root,
    SetAttributes,
    SetNamespace,
    SetRoot,
    Write,
}

impl Call {
    /// Returns the name of the method.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Connect => "connect",
            Self::CreateFolder => "create_folder",
            Self::Delete => "delete",
            Self::Events => "events",
            Self::Flush => "flush",
            Self::Hash => "hash",
            Self::Info => "info",
            Self::List => "list",
            Self::Namespaces => "namespaces",
            Self::Quota => "quota",
            Self::Read => "read",
            Self::Rename => "rename",
            Self::Root => "root",
            Self::SetAttributes => "set_attributes",
            Self::SetNamespace => "set_namespace",
            Self::SetRoot => "set_root",
            Self::Write => "write",
        }
    }

    /// Returns true for the calls that change objects.
    pub fn is_operation(self) -> bool {
        matches!(
            self,
            Self::CreateFolder | Self::Delete | Self::Rename | Self::SetAttributes | Self::Write
        )
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One call that was made, whether it failed or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// Which.
    pub call: Call,
    /// The path it was about, as the caller gave it.
    pub path: String,
}

/// What was asked of a client.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    calls: Vec<Called>,
    written_bytes: u64,
    read_bytes: u64,
}

impl CallLog {
    /// Returns all calls, in order.
    pub fn calls(&self) -> &[Called] {
        &self.calls
    }

    /// Returns how often a call was made, failed ones included.
    pub fn count(&self, call: Call) -> usize {
        self.calls
            .iter()
            .filter(|called| called.call == call)
            .count()
    }

    /// Returns the calls that change objects, in order.
    pub fn operations(&self) -> impl Iterator<Item = &Called> {
        self.calls
            .iter()
            .filter(|called| called.call.is_operation())
    }

    /// Returns the bytes of all files that were written.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Returns the bytes of all files that were read.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    pub(super) fn add(&mut self, call: Call, path: &str) {
        self.calls.push(Called {
            call,
            path: path.to_owned(),
        });
    }

    pub(super) fn wrote(&mut self, bytes: u64) {
        self.written_bytes += bytes;
    }

    pub(super) fn read(&mut self, bytes: u64) {
        self.read_bytes += bytes;
    }
}
