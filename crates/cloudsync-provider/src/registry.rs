//! Providers by name, so that a location such as `file:/home/me` finds its provider. Open: any crate
//! registers its own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Error, ErrorKind, Provider, Result};

/// What a location says after the provider's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Location<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The namespace, if one is given.
    pub namespace: Option<&'a str>,
    /// The rest, in the provider's own terms: mostly a path.
    pub rest: &'a str,
}

impl<'a> Location<'a> {
    /// Names a place in the default namespace.
    pub fn new(provider: &'a str, rest: &'a str) -> Self {
        Self {
            provider,
            namespace: None,
            rest,
        }
    }

    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&'a str>) -> Self {
        self.namespace = namespace;
        self
    }
}

/// A provider that is not connected yet, and where its root is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Created {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// The root, for [`Provider::set_root`].
    pub root: String,
}

impl Created {
    /// Pairs a provider with the path of its root.
    pub fn new(provider: impl Provider, root: impl Into<String>) -> Self {
        Self {
            provider: Arc::new(provider),
            root: root.into(),
        }
    }
}

type Factory = Arc<dyn Fn(Option<&str>, &str) -> Result<Created> + Send + Sync>;

/// Factories of providers by name.
///
/// ```
/// # #[cfg(feature = "mock")] {
/// use cloudsync_provider::mock::MockService;
/// use cloudsync_provider::registry::{Created, Location, Registry};
///
/// let service = MockService::default();
/// let mut registry = Registry::with_builtin();
/// registry.register("mine", move |_, rest| Ok(Created::new(service.client(), rest)));
/// let created = registry.create(&Location::new("mine", "/documents")).unwrap();
/// assert_eq!(created.root, "/documents");
///
/// let error = registry.create(&Location::new("mone", "/")).unwrap_err();
/// assert!(error.to_string().contains("did you mean \"mine\"?"));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, Factory>);

impl Registry {
    /// Makes a registry that knows no provider.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a registry of the providers of this crate, as far as their features are on: `file` with
    /// `filesystem`, whose rest is a path, and `memory` with `mock`, whose rest is a service's name
    /// and maybe a path in it (`memory:NAME/PATH`). The same name is the same service.
    pub fn with_builtin() -> Self {
        let registry = Self::new();
        #[cfg(feature = "filesystem")]
        let registry = registry.with("file", |namespace, rest| {
            no_namespace(namespace)?;
            Ok(Created::new(crate::filesystem::FileProvider::new(), rest))
        });
        #[cfg(feature = "mock")]
        let registry = registry.with("memory", memory());
        registry
    }

    /// Registers what makes the provider of that name, in the place of what did before. It is given
    /// the namespace and the rest of the location.
    pub fn register(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(Option<&str>, &str) -> Result<Created> + Send + Sync + 'static,
    ) {
        self.0.insert(name.into(), Arc::new(factory));
    }

    /// As [`Registry::register`], for chains.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        factory: impl Fn(Option<&str>, &str) -> Result<Created> + Send + Sync + 'static,
    ) -> Self {
        self.register(name, factory);
        self
    }

    /// Returns the names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns true for a name that is registered.
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Makes the provider of a location. It is not connected.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the name is not known, saying which are; the factory's.
    pub fn create(&self, location: &Location<'_>) -> Result<Created> {
        match self.0.get(location.provider) {
            Some(factory) => factory(location.namespace, location.rest),
            None => Err(Error::new(ErrorKind::Invalid, "create")
                .with_object(location.provider)
                .with_detail(self.hint(location.provider))),
        }
    }

    /// Returns what to say to someone who wrote a name that is not known: the nearest, and all.
    pub fn hint(&self, unknown: &str) -> String {
        if self.0.is_empty() {
            return "no provider is known".into();
        }
        let known = self.names().collect::<Vec<_>>().join(", ");
        let nearest = self
            .names()
            .map(|name| (distance(name, unknown), name))
            .min();
        match nearest.filter(|(distance, name)| *distance <= name.len().div_ceil(3).max(1)) {
            Some((_, name)) => format!("did you mean {name:?}? known are: {known}"),
            None => format!("known are: {known}"),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(any(feature = "filesystem", feature = "mock"))]
fn no_namespace(namespace: Option<&str>) -> Result<()> {
    match namespace {
        None => Ok(()),
        Some(id) => Err(Error::new(ErrorKind::Namespace, "create").with_object(id)),
    }
}

/// Makes clients of services in memory, one for each name.
#[cfg(feature = "mock")]
fn memory() -> impl Fn(Option<&str>, &str) -> Result<Created> + Send + Sync {
    use crate::mock::MockService;

    let services = std::sync::Mutex::new(BTreeMap::<String, MockService>::new());
    move |namespace, rest| {
        no_namespace(namespace)?;
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut services = services
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let service = services.entry(name.to_owned()).or_default();
        Ok(Created::new(service.client(), format!("/{path}")))
    }
}

/// How many letters have to be added, taken away or changed to make one of the other, case aside.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusing(message: &'static str) -> impl Fn(Option<&str>, &str) -> Result<Created> {
        move |namespace, rest| {
            let said = format!("{message} {namespace:?} {rest}");
            Err(Error::new(ErrorKind::NotFound, "test").with_detail(said))
        }
    }

    fn message(registry: &Registry, location: &Location<'_>) -> String {
        registry.create(location).expect_err("refuses").to_string()
    }

    #[test]
    fn distances() {
        for (a, b, right) in [
            ("", "", 0),
            ("file", "file", 0),
            ("file", "FILE", 0),
            ("file", "fil", 1),
            ("file", "flie", 2),
            ("file", "files", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), right, "{a} {b}");
            assert_eq!(distance(b, a), right, "{b} {a}");
        }
    }

    #[test]
    fn factory_gets_namespace_and_rest() {
        let registry = Registry::new().with("a", refusing("got"));
        let location = Location::new("a", "/x").namespace(Some("n"));
        assert_eq!(
            message(&registry, &location),
            "test: not found (got Some(\"n\") /x)"
        );
    }

    #[cfg(feature = "mock")]
    #[tokio::test]
    async fn same_memory_name_is_the_same_service() {
        use crate::{Attributes, Credentials, ObjectRef, Target};

        let registry = Registry::with_builtin();
        let mut clients = Vec::new();
        for rest in ["one/d", "one/d", "two/d"] {
            let created = registry
                .create(&Location::new("memory", rest))
                .expect("is known");
            created
                .provider
                .connect(&Credentials::default())
                .await
                .expect("connects");
            let root = created
                .provider
                .set_root(Some(&created.root), None, true)
                .await;
            assert_eq!(root.expect("is made").path, "/d");
            clients.push(created.provider);
        }
        let target = Target {
            folder: ObjectRef::root(),
            name: "made".into(),
        };
        clients[0]
            .create_folder(&target, Attributes::default())
            .await
            .expect("is free");
        for (client, is_there) in clients.iter().zip([true, true, false]) {
            let found = client.info(&ObjectRef::at("made")).await.expect("answers");
            assert_eq!(found.is_some(), is_there);
        }
        let elsewhere = Location::new("memory", "one").namespace(Some("n"));
        let error = registry.create(&elsewhere).expect_err("has no namespaces");
        assert_eq!(error.kind(), ErrorKind::Namespace);
    }

    #[cfg(feature = "filesystem")]
    #[test]
    fn file_takes_the_rest_as_the_root() {
        let registry = Registry::with_builtin();
        let created = registry
            .create(&Location::new("file", "/tmp/x"))
            .expect("is known");
        assert_eq!(
            (created.provider.name(), created.root.as_str()),
            ("file", "/tmp/x")
        );
    }

    #[test]
    fn later_factory_replaces_the_earlier() {
        let registry = Registry::new()
            .with("a", refusing("first"))
            .with("a", refusing("second"));
        assert!(message(&registry, &Location::new("a", "")).contains("second"));
        assert_eq!(registry.names().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn unknown_name_is_told_the_nearest() {
        let registry = Registry::new()
            .with("file", refusing(""))
            .with("gdrive", refusing(""));
        for (name, hint) in [
            ("fiel", "did you mean \"file\"? known are: file, gdrive"),
            ("fil", "did you mean \"file\"? known are: file, gdrive"),
            ("GDrive", "did you mean \"gdrive\"? known are: file, gdrive"),
            ("gdrvie", "did you mean \"gdrive\"? known are: file, gdrive"),
            ("s3", "known are: file, gdrive"),
            ("folder", "known are: file, gdrive"),
        ] {
            let told = message(&registry, &Location::new(name, ""));
            assert!(told.ends_with(&format!("({hint})")), "{name}: {told}");
        }
        assert!(
            message(&Registry::new(), &Location::new("x", "")).contains("no provider is known")
        );
    }
}
