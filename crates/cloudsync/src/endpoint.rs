//! What a side of a pair is given as: a provider, or the text of a location.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cloudsync_provider::registry::Registry;
use cloudsync_provider::{Credentials, Provider};

use crate::error::Result;
use crate::feed::RootPlace;

/// What a side of a pair is given as. Made with `into()` from a location or a shared provider.
#[derive(Clone, Debug)]
pub struct Given(pub(crate) Of);

#[derive(Clone, Debug)]
pub(crate) enum Of {
    Location(String),
    Provider(Arc<dyn Provider>),
}

impl Given {
    /// A provider of one's own, connected or with credentials to connect with. It needs a root:
    /// see [`Builder::roots`](crate::Builder::roots).
    pub fn provider(provider: impl Provider) -> Self {
        Self(Of::Provider(Arc::new(provider)))
    }
}

impl From<&str> for Given {
    fn from(location: &str) -> Self {
        Self(Of::Location(location.to_owned()))
    }
}

impl From<String> for Given {
    fn from(location: String) -> Self {
        Self(Of::Location(location))
    }
}

impl From<&Path> for Given {
    /// A local folder, whatever its name looks like.
    fn from(path: &Path) -> Self {
        Self(Of::Location(format!("file:{}", path.display())))
    }
}

impl From<PathBuf> for Given {
    fn from(path: PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<Arc<dyn Provider>> for Given {
    fn from(provider: Arc<dyn Provider>) -> Self {
        Self(Of::Provider(provider))
    }
}

impl<P: Provider> From<Arc<P>> for Given {
    fn from(provider: Arc<P>) -> Self {
        Self(Of::Provider(provider))
    }
}

/// A side as a pair uses it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) root: RootPlace,
    /// Whether the provider took this root already.
    pub(crate) met: Arc<AtomicBool>,
}

impl Endpoint {
    pub(crate) fn new(
        provider: Arc<dyn Provider>,
        credentials: Option<Credentials>,
        root: RootPlace,
    ) -> Self {
        Self {
            provider,
            credentials,
            root,
            met: Arc::default(),
        }
    }
}

impl Endpoint {
    /// Finds the provider of what was given.
    pub(crate) fn resolve(given: Given, registry: &Registry) -> Result<Self> {
        match given.0 {
            Of::Location(location) => crate::location::open(&location, registry),
            Of::Provider(provider) => Ok(Self::new(provider, None, RootPlace::default())),
        }
    }

    /// Returns the local folder that it is, made absolute and free of links as far as it exists.
    pub(crate) fn local_folder(&self) -> Option<PathBuf> {
        if self.provider.name() != "file" {
            return None;
        }
        let path = std::path::absolute(self.root.path.as_ref()?).ok()?;
        let exists = path.ancestors().find_map(|folder| {
            let real = folder.canonicalize().ok()?;
            Some(real.join(path.strip_prefix(folder).ok()?))
        });
        Some(exists.unwrap_or(path))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.provider.name())?;
        match (&self.root.path, &self.root.oid) {
            (Some(path), _) => f.write_str(path),
            (None, Some(oid)) => oid
                .as_bytes()
                .iter()
                .try_for_each(|byte| write!(f, "{byte:02x}")),
            (None, None) => Ok(()),
        }
    }
}
