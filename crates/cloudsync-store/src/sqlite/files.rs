//! The files of a store: what is in the first bytes, and how they are put out of the way.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cloudsync_core::failure::{ErrorKind, Failure};

use crate::store::Result;

/// What SQLite may put beside its file.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Where a store is.
#[derive(Debug)]
pub(super) struct Files {
    main: PathBuf,
}

/// What the main file is, by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Header {
    /// Not there, or without any content.
    Absent,
    /// Not a database.
    Noise,
    /// A database, of this application and version, as last written into the main file.
    Sqlite {
        /// `PRAGMA application_id`.
        application: i32,
        /// `PRAGMA user_version`.
        version: i32,
    },
}

impl Files {
    /// Names the files, and makes their folder.
    pub(super) fn at(main: &Path) -> Result<Self> {
        let unusable = |error: io::Error| {
            failed(
                "store open",
                main,
                "its folder cannot be made or looked at",
                error,
            )
        };
        let is_bare = main.file_name().is_none() || main.is_dir();
        if is_bare {
            return Err(Failure::new(ErrorKind::StoreUnusable, "store open")
                .with_object(main.display())
                .with_detail("a folder, not a file"));
        }
        // Absolute, so that a change of the working directory does not matter.
        let main = std::path::absolute(main).map_err(unusable)?;
        let files = Self { main };
        fs::create_dir_all(files.folder()).map_err(unusable)?;
        Ok(files)
    }

    /// The database itself.
    pub(super) fn main(&self) -> &Path {
        &self.main
    }

    /// The file that is locked.
    pub(super) fn lock(&self) -> PathBuf {
        with_suffix(&self.main, ".lock")
    }

    fn folder(&self) -> &Path {
        self.main.parent().unwrap_or(Path::new("."))
    }

    /// Reads what the main file is, without touching it.
    pub(super) fn header(&self) -> Result<Header> {
        let mut bytes = Vec::with_capacity(100);
        match File::open(&self.main).and_then(|file| file.take(100).read_to_end(&mut bytes)) {
            Ok(_) => Ok(parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Header::Absent),
            Err(error) => Err(failed("store open", &self.main, "it cannot be read", error)),
        }
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync_folder(&self) -> Result<()> {
        // Windows has no such thing.
        if cfg!(unix) {
            File::open(self.folder())
                .and_then(|folder| folder.sync_all())
                .map_err(|error| {
                    failed("store open", self.folder(), "it cannot be synced", error)
                })?;
        }
        Ok(())
    }

    /// Removes what stands beside a main file that is not there: a log of nothing.
    pub(super) fn drop_orphans(&self) -> Result<()> {
        for companion in COMPANIONS {
            match fs::remove_file(with_suffix(&self.main, companion)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(failed(
                        "store open",
                        &self.main,
                        "its log cannot be removed",
                        error,
                    ));
                }
            }
        }
        Ok(())
    }

    /// Renames all files to a free name, and returns that of the main one. Nothing may have them
    /// open.
    ///
    /// The main file goes first: a log without it is not read by anyone, while the main file without
    /// its log would be taken for an older, good one.
    pub(super) fn set_aside(&self) -> Result<PathBuf> {
        let unusable = |error| failed("store set aside", &self.main, "it cannot be renamed", error);
        let mut number = 1_u32;
        let kept_as = loop {
            let name = with_suffix(&self.main, &format!(".damaged-{number}"));
            let taken = ["", COMPANIONS[0], COMPANIONS[1], COMPANIONS[2]]
                .iter()
                .any(|suffix| fs::symlink_metadata(with_suffix(&name, suffix)).is_ok());
            if !taken {
                break name;
            }
            number += 1;
        };
        fs::rename(&self.main, &kept_as).map_err(unusable)?;
        for companion in COMPANIONS {
            match fs::rename(
                with_suffix(&self.main, companion),
                with_suffix(&kept_as, companion),
            ) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(error));
                }
                _ => {}
            }
        }
        self.sync_folder()?;
        Ok(kept_as)
    }
}

fn failed(operation: &'static str, path: &Path, detail: &str, error: io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull => ErrorKind::OutOfSpace,
        _ => ErrorKind::StoreUnusable,
    };
    Failure::new(kind, operation)
        .with_object(path.display())
        .with_detail(detail)
        .with_source(error)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads the header of a database: <https://www.sqlite.org/fileformat.html#the_database_header>.
fn parse(bytes: &[u8]) -> Header {
    let field = |at: usize| {
        let field = bytes.get(at..at + 4)?;
        Some(i32::from_be_bytes(field.try_into().ok()?))
    };
    // Another format of a file or of a schema than there has ever been: SQLite has no code of its own for
    // it, it opens such a file for reading only, or calls it a plain error.
    let is_known = |versions: &[u8], schema: i32| {
        versions.iter().all(|version| *version <= 2) && (0..=4).contains(&schema)
    };
    match (field(44), field(60), field(68)) {
        _ if bytes.is_empty() => Header::Absent,
        (Some(schema), Some(version), Some(application))
            if bytes.starts_with(b"SQLite format 3\0") && is_known(&bytes[18..20], schema) =>
        {
            Header::Sqlite {
                application,
                version,
            }
        }
        _ => Header::Noise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_what_it_is() {
        let mut database = [0; 100];
        database[..16].copy_from_slice(b"SQLite format 3\0");
        database[63] = 3;
        database[71] = 9;
        assert_eq!(
            parse(&database),
            Header::Sqlite {
                application: 9,
                version: 3
            }
        );
        assert_eq!(parse(&database[..71]), Header::Noise);
        for (at, value) in [(0, b's'), (18, 3), (19, 3), (44, 1), (47, 5)] {
            let mut damaged = database;
            damaged[at] = value;
            assert_eq!(parse(&damaged), Header::Noise, "byte {at}");
        }
        assert_eq!(parse(&[0; 100]), Header::Noise);
        assert_eq!(parse(b"x"), Header::Noise);
        assert_eq!(parse(b""), Header::Absent);
    }

    #[test]
    fn nothing_that_was_set_aside_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::at(&folder.path().join("s")).unwrap();
        for number in 1..4 {
            fs::write(files.main(), format!("main {number}")).unwrap();
            fs::write(folder.path().join("s-wal"), format!("log {number}")).unwrap();
            let kept_as = files.set_aside().unwrap();
            assert_eq!(kept_as, folder.path().join(format!("s.damaged-{number}")));
        }
        for number in 1..4 {
            let kept = folder.path().join(format!("s.damaged-{number}"));
            assert_eq!(fs::read_to_string(&kept).unwrap(), format!("main {number}"));
            let log = fs::read_to_string(with_suffix(&kept, "-wal")).unwrap();
            assert_eq!(log, format!("log {number}"));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
    }
}
