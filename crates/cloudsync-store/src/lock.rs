//! One engine a pair: a lock that is free as soon as its holder is dead.
//!
//! The lock is the system's, on an open file: it ends with the process, however that ends, so a
//! file left behind means nothing. Its content, the holder's process id, is only for the message. The
//! file is never removed: between a look and a removal another engine could have locked it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use cloudsync_core::failure::{ErrorKind, Failure};

use crate::store::Result;

/// A held lock. Dropping it gives it free.
#[derive(Debug)]
pub struct Lock {
    held: File,
}

impl Lock {
    /// Takes the lock at `path`, without waiting. The file is made; its folder is not.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] where another has it, in this process too;
    /// [`ErrorKind::StoreUnusable`] where the file cannot be opened.
    pub fn take(path: &Path) -> Result<Self> {
        let unusable = |error: io::Error| {
            Failure::new(ErrorKind::StoreUnusable, "store lock")
                .with_object(path.display())
                .with_detail("the lock file cannot be opened")
                .with_source(error)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
            Err(TryLockError::WouldBlock) => {
                let holder = match holder(&mut file) {
                    Some(pid) => format!("held by process {pid}"),
                    None => "held by another process".to_owned(),
                };
                return Err(Failure::new(ErrorKind::Locked, "store lock")
                    .with_object(path.display())
                    .with_detail(holder));
            }
        }
        // No space for the number is no reason to stop: it only helps whoever reads the message.
        let _ = sign(&mut file);
        Ok(Self { held: file })
    }
}

impl Drop for Lock {
    /// Gives it free by name. Closing the file is not enough: a process that another thread is just starting has it
    /// open as well, until it runs its program.
    fn drop(&mut self) {
        let _ = self.held.unlock();
    }
}

/// Writes who holds the lock.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Reads who holds the lock, where that can be read.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).unwrap();
        let failure = Lock::take(&path).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Locked);
        assert!(!failure.is_retryable());
        let pid = format!("held by process {}", std::process::id());
        assert!(failure.to_string().contains(&pid), "{failure}");
        drop(lock);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn it_is_free_also_if_a_process_that_is_just_started_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).unwrap();
        let _inherited = lock.held.try_clone().unwrap();
        drop(lock);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn what_stands_in_the_file_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        for content in [&b""[..], b"1\n", b"4294967295\n", &[0xff; 5000]] {
            std::fs::write(&path, content).unwrap();
            let _lock = Lock::take(&path).unwrap();
            assert_eq!(
                std::fs::read_to_string(&path).unwrap(),
                format!("{}\n", std::process::id())
            );
        }
    }

    #[test]
    fn a_holder_that_cannot_be_read_is_a_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let _lock = Lock::take(&path).unwrap();
        std::fs::write(&path, [0xff; 40]).unwrap();
        let failure = Lock::take(&path).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Locked);
        assert!(failure.to_string().contains("another process"), "{failure}");
    }
}
