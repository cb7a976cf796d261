//! The floor of a first sync: a copy that knows nothing, keeps no state, checks nothing and hashes nothing. It
//! reads, writes to a name of its own, sets the time, flushes, and renames, on two threads.

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, anyhow};
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::fs::{fstat, futimens, mkdirat, openat, renameat, syncfs};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const THREADS: usize = 2;
/// Omitted from what is set (`UTIME_OMIT` of Linux).
const OMIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: rustix::fs::UTIME_OMIT,
};
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// A folder on both sides, and the names of the files in it.
struct Folder {
    from: OwnedFd,
    to: OwnedFd,
    files: Vec<CString>,
}

/// Copies all in `from` to the empty folder `to`, and flushes all of `to` once for so many files, and at the end.
pub(crate) fn copy(from: &Path, to: &Path, batch: usize) -> Result<()> {
    // Two for each folder.
    let most = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, all)?;
    let open = |path: &Path| openat(CWD, path, FOLDER, Mode::empty());
    let volume = open(to)?;
    let mut folders = Vec::new();
    list(open(from)?, open(to)?, &mut folders)?;
    let files = folders.iter().enumerate();
    let files: Vec<(usize, &CString)> = files
        .flat_map(|(at, folder)| folder.files.iter().map(move |name| (at, name)))
        .collect();
    let batches = Mutex::new(files.chunks(batch));
    let work = || -> Result<()> {
        let mut buffer = vec![0; 1 << 18];
        loop {
            let next = batches
                .lock()
                .map_err(|_| anyhow!("the other thread"))?
                .next();
            let Some(batch) = next else { return Ok(()) };
            for &(folder, name) in batch {
                copy_one(&folders[folder], name, &mut buffer)?;
            }
            syncfs(&volume)?;
            for &(folder, name) in batch {
                let to = &folders[folder].to;
                renameat(to, staged(name)?, to, name)?;
            }
        }
    };
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(())
    })?;
    Ok(syncfs(&volume)?)
}

/// Makes all folders, and notes all files.
fn list(from: OwnedFd, to: OwnedFd, folders: &mut Vec<Folder>) -> Result<()> {
    let mut files = Vec::new();
    for entry in Dir::read_from(&from)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            mkdirat(&to, name, Mode::from_raw_mode(0o755))?;
            let open = |folder: &OwnedFd| openat(folder, name, FOLDER, Mode::empty());
            list(open(&from)?, open(&to)?, folders)?;
        } else {
            files.push(name.to_owned());
        }
    }
    folders.push(Folder { from, to, files });
    Ok(())
}

fn copy_one(folder: &Folder, name: &CString, buffer: &mut [u8]) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut from = File::from(openat(&folder.from, name, flags, Mode::empty())?);
    let Stat {
        st_mode,
        st_mtime,
        st_mtime_nsec,
        ..
    } = fstat(&from)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(st_mode);
    let mut to = File::from(openat(&folder.to, staged(name)?, flags, mode)?);
    loop {
        match from.read(buffer)? {
            0 => break,
            length => to.write_all(&buffer[..length])?,
        }
    }
    let last_modification = Timespec {
        tv_sec: st_mtime,
        tv_nsec: st_mtime_nsec.try_into()?,
    };
    let times = Timestamps {
        last_access: OMIT,
        last_modification,
    };
    futimens(&to, &times).context("the time")
}

fn staged(name: &CString) -> Result<CString> {
    Ok(CString::new([b".staged-", name.to_bytes()].concat())?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_copies_names_contents_and_times() -> Result<()> {
        let base = tempfile::tempdir()?;
        let (a, b) = (base.path().join("a"), base.path().join("b"));
        fs::create_dir_all(a.join("x/y"))?;
        fs::create_dir(&b)?;
        let paths = ["1", "x/2", "x/y/3"];
        for path in paths {
            fs::write(a.join(path), path.repeat(100_000))?;
        }
        copy(&a, &b, 2)?;
        for path in paths {
            let (from, to) = (a.join(path), b.join(path));
            assert!(fs::read(&from)? == fs::read(&to)?, "{path}");
            let time = |path: &Path| fs::metadata(path)?.modified();
            assert_eq!(time(&from)?, time(&to)?, "{path}");
        }
        assert_eq!(fs::read_dir(&b)?.count(), 2, "nothing else");
        Ok(())
    }
}
