//! File systems in files. Needs root, a loop device, and the programs that make and mount them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A kind of file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// ext4, as most have it.
    Ext4,
    /// ext4, in a folder that takes names without regard to case.
    Caseless,
    /// xfs: shares blocks between files.
    Xfs,
    /// btrfs: shares blocks between files, and never overwrites one.
    Btrfs,
    /// vfat: no owner, no mode, no ids that stay, times of two seconds.
    Vfat,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ext4,
        Self::Caseless,
        Self::Xfs,
        Self::Btrfs,
        Self::Vfat,
    ];

    /// Returns what makes one in a file.
    fn make(self, file: &Path) -> Command {
        let (program, options): (_, &[&str]) = match self {
            // All of it is there before the first mount: nothing is written behind anybody's back.
            Self::Ext4 => (
                "mkfs.ext4",
                &[
                    "-q",
                    "-F",
                    "-J",
                    "size=4",
                    "-E",
                    "lazy_itable_init=0,lazy_journal_init=0",
                ],
            ),
            Self::Caseless => (
                "mkfs.ext4",
                &["-q", "-F", "-O", "casefold", "-E", "encoding=utf8"],
            ),
            Self::Xfs => ("mkfs.xfs", &["-q"]),
            Self::Btrfs => ("mkfs.btrfs", &["-q"]),
            Self::Vfat => ("mkfs.vfat", &[]),
        };
        let mut command = Command::new(program);
        command.args(options).arg(file);
        command
    }
}

/// Makes a file system in a file of this size.
///
/// # Errors
/// What makes it is not there, or says no.
pub fn make(kind: Kind, file: &Path, size: u64) -> io::Result<()> {
    fs::File::create(file)?.set_len(size)?;
    run(&mut kind.make(file))
}

/// A mounted file system, as long as this lives.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts `file` at `folder`, with more `options` if there are some.
    ///
    /// # Errors
    /// What `mount` says.
    pub fn new(file: &Path, folder: &Path, options: &str) -> io::Result<Self> {
        let options = format!("loop{options}");
        run(Command::new("mount")
            .args(["-o", &options])
            .args([file, folder]))?;
        Ok(Self(folder.to_owned()))
    }

    /// Mounts it anew with other options, as `ro`.
    ///
    /// # Errors
    /// What `mount` says.
    pub fn remount(&self, options: &str) -> io::Result<()> {
        let options = format!("remount,{options}");
        run(Command::new("mount").args(["-o", &options]).arg(&self.0))
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

/// A file system of its own, which is gone when this is.
#[derive(Debug)]
pub struct Image {
    mounted: Option<Mounted>,
    base: TempDir,
}

impl Image {
    /// Makes and mounts one of this size.
    ///
    /// # Errors
    /// What is missing, or does not work here.
    pub fn new(kind: Kind, size: u64) -> io::Result<Self> {
        let mut image = Self {
            mounted: None,
            base: tempfile::Builder::new().prefix("image-").tempdir()?,
        };
        fs::create_dir(image.base.path().join("at"))?;
        make(kind, &image.file(), size)?;
        image.mount()?;
        fs::create_dir(image.folder())?;
        // For tests that run programs as somebody else.
        fs::set_permissions(image.folder(), Permissions::from_mode(0o1777))?;
        fs::set_permissions(image.base.path(), Permissions::from_mode(0o755))?;
        if kind == Kind::Caseless {
            run(Command::new("chattr").arg("+F").arg(image.folder()))?;
        }
        Ok(image)
    }

    fn file(&self) -> PathBuf {
        self.base.path().join("disk")
    }

    /// Returns a folder in it.
    pub fn folder(&self) -> PathBuf {
        self.base.path().join("at/folder")
    }

    /// Returns it as it is mounted.
    ///
    /// # Panics
    /// If it is not.
    pub fn mounted(&self) -> &Mounted {
        self.mounted.as_ref().expect("it is mounted")
    }

    /// Mounts it again.
    ///
    /// # Errors
    /// What `mount` says.
    pub fn mount(&mut self) -> io::Result<()> {
        let at = self.base.path().join("at");
        self.mounted = Some(Mounted::new(&self.file(), &at, "")?);
        Ok(())
    }

    /// Unmounts it, also if somebody is still in it.
    pub fn unmount(&mut self) {
        self.mounted = None;
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// Runs a command to its end.
///
/// # Errors
/// What it says, where it fails.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
    let done = command.stdin(Stdio::null()).output().map_err(told)?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let first = said.trim().lines().next().unwrap_or_default();
    Err(io::Error::other(format!("{name}: {first}")))
}
