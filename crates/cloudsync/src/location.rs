//! Locations as text: `PATH`, `file:PATH`, `memory:NAME`, and what else is registered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_provider::Credentials;
use cloudsync_provider::filesystem::{Durability, FileProvider};
use cloudsync_provider::mock::{MockConfig, MockService};
use cloudsync_provider::registry::{Created, Location, Registry};

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::feed::RootPlace;

/// Takes a location apart. One letter before the colon is a drive, and `./a:b` a path; what follows
/// an `@` before the colon is a namespace.
fn parse(text: &str) -> Result<Location<'_>> {
    let invalid = |detail: &str| Error::invalid("location", detail).with_path(text);
    let location = match text.split_once(':') {
        _ if text.is_empty() => return Err(invalid("it is empty")),
        Some(("file", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(invalid("a path is missing"));
            }
            Location::new("file", path)
        }
        Some((scheme, rest)) if scheme.len() > 1 && scheme.bytes().all(is_scheme_byte) => {
            match scheme.split_once('@') {
                Some((name, namespace)) => Location::new(name, rest).namespace(Some(namespace)),
                None => Location::new(scheme, rest),
            }
        }
        _ => Location::new("file", text),
    };
    Ok(location)
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'@' | b'_')
}

/// Makes the provider of a location.
pub(crate) fn open(text: &str, registry: &Registry) -> Result<Endpoint> {
    let location = parse(text)?;
    if !registry.knows(location.provider) {
        let (name, hint) = (location.provider, registry.hint(location.provider));
        // What comes after the name may hold a password: it is not repeated.
        let detail = format!("no provider for `{name}:`; {hint}");
        return Err(Error::invalid("location", detail).with_path(name));
    }
    let Created { provider, root, .. } = registry.create(&location)?;
    let root = RootPlace {
        path: Some(root),
        oid: None,
    };
    Ok(Endpoint::new(provider, Some(Credentials::default()), root))
}

/// Returns the providers that locations name by default: `file:PATH`, and `memory:NAME` or
/// `memory:NAME/PATH` in what [`memory`] gives. Others can be added for
/// [`Builder::registry`](crate::Builder::registry).
pub fn registry() -> Registry {
    registry_with(Durability::default())
}

/// As [`registry`], with local folders that make what is written durable like this.
pub(crate) fn registry_with(durability: Durability) -> Registry {
    Registry::new()
        .with("file", move |namespace, rest| {
            no_namespace(namespace)?;
            Ok(Created::new(
                FileProvider::new().durability(durability),
                rest,
            ))
        })
        .with("memory", |namespace, rest| {
            no_namespace(namespace)?;
            let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
            Ok(Created::new(memory(name).client(), format!("/{path}")))
        })
}

fn no_namespace(namespace: Option<&str>) -> std::result::Result<(), Failure> {
    match namespace {
        None => Ok(()),
        Some(id) => Err(Failure::new(ErrorKind::Namespace, "create").with_object(id)),
    }
}

static MEMORIES: Mutex<BTreeMap<String, MockService>> = Mutex::new(BTreeMap::new());

/// Returns the storage in memory of this name, the same for the whole process: what `memory:NAME`
/// stands for. In it, a user can look and change things as a person would.
pub fn memory(name: &str) -> MockService {
    let mut memories = MEMORIES.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || MockService::new(MockConfig::default());
    memories.entry(name.to_owned()).or_insert_with(make).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_taken_apart() {
        for (text, provider, namespace, rest) in [
            ("notes", "file", None, "notes"),
            ("/home/ann/notes", "file", None, "/home/ann/notes"),
            ("./a:b", "file", None, "./a:b"),
            ("C:\\notes", "file", None, "C:\\notes"),
            ("file:notes", "file", None, "notes"),
            ("file:///notes", "file", None, "/notes"),
            ("memory:a", "memory", None, "a"),
            ("memory:", "memory", None, ""),
            ("drive:/notes", "drive", None, "/notes"),
            ("drive@team:/notes", "drive", Some("team"), "/notes"),
        ] {
            let location = parse(text).unwrap();
            assert_eq!(location.provider, provider, "{text}");
            assert_eq!(
                (location.namespace, location.rest),
                (namespace, rest),
                "{text}"
            );
        }
        for text in ["", "file:"] {
            assert_eq!(
                parse(text).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_provider_is_told_with_the_nearest_and_no_secrets() {
        for text in [
            "fiel:/notes",
            "s3://key:secret@bucket",
            "webdav://me:secret@host",
        ] {
            let error = open(text, &registry()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            let told = error.to_string();
            assert!(told.contains("known are: file, memory"), "{told}");
            assert_eq!(
                told.contains("did you mean"),
                text.starts_with("fiel"),
                "{told}"
            );
            assert!(!told.contains("secret"), "{told}");
        }
        let error = open("memory@team:a", &registry()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Namespace);
    }

    #[test]
    fn local_folders_are_as_durable_as_asked() {
        for durability in [Durability::None, Durability::Batch, Durability::Full] {
            let endpoint = open("/notes", &registry_with(durability)).unwrap();
            let shown = format!("{:?}", endpoint.provider);
            assert!(
                shown.contains(&format!("durability: {durability:?}")),
                "{shown}"
            );
        }
        let shown = format!("{:?}", open("/notes", &registry()).unwrap().provider);
        assert!(shown.contains("durability: Batch"), "{shown}");
    }

    #[test]
    fn a_place_in_memory_has_a_name_and_maybe_a_path() {
        for (text, root) in [("memory:a", "/"), ("memory:a/b/c", "/b/c")] {
            let endpoint = open(text, &registry()).unwrap();
            assert_eq!(endpoint.root.path.as_deref(), Some(root));
        }
    }
}
