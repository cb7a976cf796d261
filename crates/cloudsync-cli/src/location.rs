//! Where the two sides are: what was typed, made sense of before anything is opened.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

use cloudsync::{BySide, Side};

use crate::display::text::shown;
use crate::exit::Exit;
use crate::problem::Problem;

/// Both sides.
pub(crate) type Locations = BySide<Location>;

/// One side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Location {
    /// A short name of it for people; the two sides have different ones.
    pub(crate) label: String,
    pub(crate) place: Place,
}

/// What a location stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// A local folder: absolute, without links as far as it exists.
    Folder(PathBuf),
    /// In another storage system, as its provider is registered.
    Elsewhere {
        /// The provider's name.
        provider: String,
        /// What only the provider makes sense of.
        rest: String,
    },
}

impl Location {
    /// Makes sense of what was typed.
    ///
    /// # Errors
    /// [`Exit::Usage`]; [`Exit::Unreachable`] for a link to nowhere.
    fn parse(text: &OsStr) -> Result<Self, Problem> {
        let typed = text.to_str().ok_or_else(|| {
            let name = shown(&text.to_string_lossy()).into_owned();
            usage(format!("{name}: the path is not UTF-8")).with_hint("rename the folder")
        })?;
        let place = match typed.split_once(':') {
            _ if typed.is_empty() => return Err(usage("a location is empty")),
            Some(("file", rest)) => {
                let path = match rest.strip_prefix("//") {
                    Some(path) if path.starts_with('/') => path,
                    Some(_) => {
                        return Err(usage("file://HOST is no local folder")
                            .with_hint("a local folder has three slashes: file:///home/me"));
                    }
                    None => rest,
                };
                folder(path)?
            }
            Some((scheme, rest)) if is_scheme(scheme) => elsewhere(scheme, rest)?,
            _ => folder(typed)?,
        };
        Ok(Self {
            label: String::new(),
            place,
        })
    }

    /// Returns the folder, where it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(path) => Some(path),
            Place::Elsewhere { .. } => None,
        }
    }

    /// Returns whether there is something now.
    pub(crate) fn is_there(&self) -> bool {
        self.folder().is_none_or(Path::exists)
    }

    /// Returns it as the facade takes it.
    pub(crate) fn given(&self) -> String {
        match &self.place {
            Place::Folder(path) => format!("file:{}", path.display()),
            Place::Elsewhere { provider, rest } => format!("{provider}:{rest}"),
        }
    }
}

/// As it is shown to people.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Folder(path) => f.write_str(&shown(&path.to_string_lossy())),
            Place::Elsewhere { provider, rest } => write!(f, "{provider}:{}", shown(rest)),
        }
    }
}

/// Makes sense of both sides as they were typed.
///
/// # Errors
/// [`Exit::Usage`] also where one is in the other.
pub(crate) fn both(local: &OsStr, remote: &OsStr) -> Result<Locations, Problem> {
    let mut sides = BySide::new(Location::parse(local)?, Location::parse(remote)?);
    if let (Some(local), Some(remote)) = (sides.local.folder(), sides.remote.folder())
        && (local.starts_with(remote) || remote.starts_with(local))
    {
        let what = if local == remote {
            format!("{} would be synced with itself", sides.local)
        } else {
            format!("{} and {}: one is in the other", sides.local, sides.remote)
        };
        return Err(usage(what).with_hint("give two folders that are apart"));
    }
    if sides.local == sides.remote {
        return Err(usage(format!("both sides are {}", sides.local)));
    }
    let labels = labels(&sides);
    for side in Side::BOTH {
        sides[side].label.clone_from(&labels[side]);
    }
    Ok(sides)
}

fn usage(message: impl Into<String>) -> Problem {
    Problem::new(Exit::Usage, message)
}

/// As the facade takes it: one letter is a drive, and a slash makes it a path.
fn is_scheme(text: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'@' | b'_');
    text.len() > 1 && text.bytes().all(is_part)
}

/// Finds the provider of that name.
fn elsewhere(scheme: &str, rest: &str) -> Result<Place, Problem> {
    let registry = cloudsync::registry();
    let provider = scheme.split('@').next().unwrap_or(scheme);
    if !registry.knows(provider) {
        // What comes after it may hold a password: it is not repeated.
        let hint = registry.hint(provider);
        return Err(usage(format!("no provider for `{scheme}:`; {hint}"))
            .with_hint(format!("for a folder with a colon: ./{scheme}:…")));
    }
    Ok(Place::Elsewhere {
        provider: scheme.to_owned(),
        rest: rest.to_owned(),
    })
}

/// Makes a local path absolute and free of links, as far as it exists.
fn folder(typed: &str) -> Result<Place, Problem> {
    let missing = || usage("a path is missing after `file:`");
    let typed = match typed.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = std::env::home_dir().ok_or_else(|| usage("there is no home for `~`"))?;
            home.join(rest.trim_start_matches('/'))
        }
        _ if typed.is_empty() => return Err(missing()),
        _ => PathBuf::from(typed),
    };
    let path = std::path::absolute(&typed)
        .map_err(|error| usage(format!("{}: {error}", shown(&typed.to_string_lossy()))))?;
    let real = resolve(&path)?;
    if real.exists() && !real.is_dir() {
        let name = shown(&real.to_string_lossy()).into_owned();
        return Err(usage(format!("{name} is not a folder")));
    }
    if real.to_str().is_none() {
        let name = shown(&real.to_string_lossy()).into_owned();
        return Err(usage(format!("{name}: the path is not UTF-8")));
    }
    Ok(Place::Folder(real))
}

/// Follows the links in an absolute path as far as it exists. A link to nowhere is not taken for a
/// free name: what it leads to may be on a disk that is not mounted.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, Problem> {
    let failed = |at: &Path, error: &io::Error| {
        let exit = match error.kind() {
            io::ErrorKind::PermissionDenied => Exit::SignIn,
            io::ErrorKind::NotADirectory => Exit::Usage,
            _ => Exit::Unreachable,
        };
        Problem::new(exit, format!("{}: {error}", shown(&at.to_string_lossy())))
    };
    for at in path.ancestors() {
        match at.canonicalize() {
            Ok(real) => {
                let rest = path.strip_prefix(at).unwrap_or(Path::new(""));
                if rest.components().any(|part| part == Component::ParentDir) {
                    return Err(failed(path, &io::ErrorKind::NotFound.into()));
                }
                // Joining nothing would add a slash.
                return Ok(if rest.as_os_str().is_empty() {
                    real
                } else {
                    real.join(rest)
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if at.symlink_metadata().is_ok() {
                    let name = shown(&at.to_string_lossy()).into_owned();
                    let message = format!("{name} is a link to something that is not there");
                    return Err(Problem::new(Exit::Unreachable, message)
                        .with_hint("mount what it leads to, or remove the link"));
                }
            }
            Err(error) => return Err(failed(at, &error)),
        }
    }
    Ok(path.to_owned())
}

/// Names the sides: as short as they differ.
fn labels(sides: &Locations) -> BySide<String> {
    let parts = sides.as_ref().map(|location| match &location.place {
        Place::Folder(path) => path
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(shown(&name.to_string_lossy()).into_owned()),
                _ => None,
            })
            .collect::<Vec<_>>(),
        Place::Elsewhere { provider, rest } => vec![format!("{provider}:{}", shown(rest))],
    });
    let longest = parts.local.len().max(parts.remote.len());
    for take in 1..=longest {
        let label = |parts: &Vec<String>| parts[parts.len().saturating_sub(take)..].join("/");
        let labels = parts.as_ref().map(label);
        let both: HashSet<&String> = [&labels.local, &labels.remote].into();
        if both.len() == 2 && !both.contains(&String::new()) {
            return labels;
        }
    }
    BySide::new("local".to_owned(), "remote".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Place, Exit> {
        Location::parse(OsStr::new(text))
            .map(|location| location.place)
            .map_err(|problem| problem.exit)
    }

    #[test]
    fn locations_are_made_sense_of() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let base = real.to_str().unwrap();
        for (text, expected) in [
            (base.to_owned(), base.to_owned()),
            (format!("{base}/"), base.to_owned()),
            (format!("file:{base}"), base.to_owned()),
            (format!("file://{base}/x"), format!("{base}/x")),
            (format!("{base}/./x/y"), format!("{base}/x/y")),
            (format!("{base}/x:y"), format!("{base}/x:y")),
            (format!("{base}/../x-none"), {
                let parent = real.parent().unwrap().to_str().unwrap();
                format!("{parent}/x-none")
            }),
        ] {
            assert_eq!(parse(&text), Ok(Place::Folder(expected.into())), "{text}");
        }
        let memory = Place::Elsewhere {
            provider: "memory".into(),
            rest: "a".into(),
        };
        assert_eq!(parse("memory:a"), Ok(memory));
        for text in ["", "file:", "file://host/x", "gdrive:/x", "s3://b"] {
            assert_eq!(parse(text), Err(Exit::Usage), "{text}");
        }
        std::fs::write(real.join("file"), "").unwrap();
        assert_eq!(parse(&format!("{base}/file")), Err(Exit::Usage));
        assert_eq!(parse(&format!("{base}/none/../x")), Err(Exit::Unreachable));
        std::os::unix::fs::symlink(real.join("none"), real.join("link")).unwrap();
        assert_eq!(parse(&format!("{base}/link")), Err(Exit::Unreachable));
        assert_eq!(parse(&format!("{base}/link/x")), Err(Exit::Unreachable));
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let problem = Location::parse(OsStr::new("webdavs://me:secret@host/x")).unwrap_err();
        assert!(!format!("{problem:?}").contains("secret"));
    }

    #[test]
    fn sides_that_overlap_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).into_os_string();
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::os::unix::fs::symlink(at("a/b"), at("link")).unwrap();
        for (local, remote, fits) in [
            ("a", "a", false),
            ("a", "a/b", false),
            ("a/b/c", "a", false),
            ("a", "link", false),
            ("a", "ab", true),
            ("a/b", "a/c", true),
        ] {
            let result = both(&at(local), &at(remote));
            assert_eq!(result.is_ok(), fits, "{local} {remote}");
        }
        assert!(both(OsStr::new("memory:a"), OsStr::new("memory:a")).is_err());
        assert!(both(OsStr::new("memory:a"), OsStr::new("memory:b")).is_ok());
    }

    #[test]
    fn labels_are_as_short_as_they_differ() {
        let of = |local: &str, remote: &str| {
            let side = |path: &str| Location {
                label: String::new(),
                place: Place::Folder(path.into()),
            };
            let labels = labels(&BySide::new(side(local), side(remote)));
            (labels.local, labels.remote)
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of("/home/ann/Notes", "/mnt/disk"), pair("Notes", "disk"));
        assert_eq!(
            of("/ann/Notes", "/mnt/Notes"),
            pair("ann/Notes", "mnt/Notes")
        );
        assert_eq!(of("/Notes", "/mnt/Notes"), pair("Notes", "mnt/Notes"));
        assert_eq!(of("/", "/mnt"), pair("local", "remote"));
    }
}
