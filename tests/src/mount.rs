//! File systems on files that are disks. Needs root, and what mounts them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted file system, as long as this lives.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts `file` at `folder`.
    ///
    /// # Errors
    /// What `mount` says.
    pub fn new(file: &Path, folder: &Path, options: &str) -> io::Result<Self> {
        let options = if options.is_empty() {
            "loop".to_owned()
        } else {
            format!("loop,{options}")
        };
        run(Command::new("mount")
            .args(["-o", &options])
            .arg(file)
            .arg(folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// Unmounts it.
    ///
    /// # Errors
    /// What `umount` says.
    pub fn end(self) -> io::Result<()> {
        let folder = self.0.clone();
        std::mem::forget(self);
        run(Command::new("umount").arg(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Somebody may still be in it: it goes when they do.
        let _ = run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

/// Makes an ext4 in a file of this size that is all there before the first mount.
///
/// # Errors
/// What `mkfs.ext4` says.
pub fn make_ext4(file: &Path, size: u64) -> io::Result<()> {
    std::fs::File::create(file)?.set_len(size)?;
    run(Command::new("mkfs.ext4")
        .args(["-q", "-F", "-J", "size=4"])
        .args(["-E", "lazy_itable_init=0,lazy_journal_init=0"])
        .arg(file))
}

/// Runs a command to its end.
///
/// # Errors
/// What it says, where it fails.
pub fn run(command: &mut Command) -> io::Result<()> {
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    let name = command.get_program().to_string_lossy().into_owned();
    Err(io::Error::other(format!("{name}: {said}")))
}

/// Returns why nothing can be mounted here, if that is so.
pub fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root mounts file systems".to_owned());
    }
    for device in ["/dev/fuse", "/dev/loop-control"] {
        if !Path::new(device).exists() {
            return Some(format!("there is no {device}"));
        }
    }
    let folder = tempfile::tempdir().ok()?;
    let file = folder.path().join("disk");
    make_ext4(&file, 32 << 20)
        .and_then(|()| Mounted::new(&file, folder.path(), "")?.end())
        .err()
        .map(|error| error.to_string())
}
