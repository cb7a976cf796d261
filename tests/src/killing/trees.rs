//! What lies in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How the names begin that are ours.
const OWN: &str = ".cloudsync-";

/// Returns all that is below a folder: files with their content, folders with none. What is gone
/// before it was looked at is left out.
pub(crate) fn tree(folder: &Path) -> io::Result<BTreeMap<PathBuf, Option<Vec<u8>>>> {
    let mut found = BTreeMap::new();
    let mut rest = vec![PathBuf::new()];
    while let Some(below) = rest.pop() {
        let entries = match fs::read_dir(folder.join(&below)) {
            Err(error) if is_gone(&error) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let content = match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    rest.push(path.clone());
                    None
                }
                Err(error) if is_gone(&error) => continue,
                kind => {
                    kind?;
                    match fs::read(folder.join(&path)) {
                        Err(error) if is_gone(&error) => continue,
                        content => Some(content?),
                    }
                }
            };
            found.insert(path, content);
        }
    }
    Ok(found)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

/// Returns whether a name is one of ours.
pub(super) fn is_own(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(OWN)
}

/// Returns whether a copy that was being made lies there: nothing of a user's.
pub(super) fn is_copy(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy()
        .starts_with(&format!("{OWN}staged-c-"))
}
