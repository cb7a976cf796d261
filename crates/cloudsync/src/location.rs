//! Locations as text: `PATH`, `file:PATH`, `memory:NAME`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cloudsync_provider::filesystem::FileProvider;
use cloudsync_provider::mock::{MockConfig, MockService};
use cloudsync_provider::{Credentials, Provider};

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::feed::RootPlace;

/// What a location says.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Location<'a> {
    /// A local folder.
    File(&'a str),
    /// A storage in memory, by name, shared by the whole process.
    Memory(&'a str),
}

/// Takes a location apart. One letter before the colon is a drive, and `./a:b` a path.
fn parse(text: &str) -> Result<Location<'_>> {
    let invalid = |detail: String| Error::invalid("location", detail).with_path(text);
    if text.is_empty() {
        return Err(invalid("it is empty".into()));
    }
    match text.split_once(':') {
        Some(("file", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                Err(invalid("a path is missing".into()))
            } else {
                Ok(Location::File(path))
            }
        }
        Some(("memory", name)) => Ok(Location::Memory(name)),
        Some((scheme, _)) if scheme.len() > 1 && scheme.bytes().all(is_scheme_byte) => {
            let detail = format!("no provider for `{scheme}:`; known are `file:` and `memory:`");
            Err(invalid(detail))
        }
        _ => Ok(Location::File(text)),
    }
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'@' | b'_')
}

/// Makes the provider of a location.
pub(crate) fn open(text: &str) -> Result<Endpoint> {
    let (provider, path): (Arc<dyn Provider>, String) = match parse(text)? {
        Location::File(path) => (Arc::new(FileProvider::new()), path.to_owned()),
        Location::Memory(name) => (Arc::new(memory(name).client()), "/".to_owned()),
    };
    let root = RootPlace {
        path: Some(path),
        oid: None,
    };
    Ok(Endpoint::new(provider, Some(Credentials::default()), root))
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
        for (text, expected) in [
            ("notes", Location::File("notes")),
            ("/home/ann/notes", Location::File("/home/ann/notes")),
            ("./a:b", Location::File("./a:b")),
            ("C:\\notes", Location::File("C:\\notes")),
            ("file:notes", Location::File("notes")),
            ("file:///notes", Location::File("/notes")),
            ("memory:a", Location::Memory("a")),
            ("memory:", Location::Memory("")),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        for text in ["", "file:", "gdrive:/notes", "s3://bucket"] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{text}");
        }
    }
}
