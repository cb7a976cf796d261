//! Two folders, a place for states, and the program to run on them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_cloudsync");

/// Two folders `l` and `r`, and `state` for states.
pub(crate) struct Lab(TempDir);

/// How a run of the program went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(done: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: done.status.code(),
            out: text(done.stdout),
            err: text(done.stderr),
        }
    }
}

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    #[track_caller]
    pub(crate) fn is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// The lines of `--json`, of which each must be an object of version 1.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).expect(line);
            assert_eq!(value["v"], 1, "{line}");
            assert!(
                value["t"].is_string() && value["type"].is_string(),
                "{line}"
            );
            value
        };
        self.out.lines().map(parse).collect()
    }

    pub(crate) fn of_type(&self, name: &str) -> Vec<serde_json::Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["type"] == name);
        lines
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        fs::create_dir(lab.at("l")).unwrap();
        fs::create_dir(lab.at("r")).unwrap();
        lab
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn age(&self, path: &str, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        let file = fs::File::options().write(true).open(self.at(path)).unwrap();
        file.set_modified(time).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.at(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// All below a folder: files with their bytes, folders with none.
    pub(crate) fn tree(&self, path: &str) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.at(path)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap().path();
                let content = if entry.is_dir() {
                    folders.push(entry.clone());
                    None
                } else {
                    fs::read(&entry).ok()
                };
                let below = entry.strip_prefix(self.at(path)).unwrap().to_owned();
                found.insert(below, content);
            }
        }
        found
    }

    /// Asserts that both folders have the same in them.
    #[track_caller]
    pub(crate) fn assert_equal(&self) {
        assert_eq!(self.tree("l"), self.tree("r"));
    }

    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.program(PROGRAM, args)
    }

    /// A command in this lab, with nothing of the environment that the tests run in.
    pub(crate) fn program(
        &self,
        name: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(name);
        command
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.at("home"))
            .env("CLOUDSYNC_STATE_DIR", self.at("state"))
            .env("TMPDIR", std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs `cloudsync sync l r` with more arguments.
    pub(crate) fn sync(&self, more: &[&str]) -> Ran {
        self.run([&["sync", "l", "r"], more].concat())
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running(self.command(args).spawn().unwrap())
    }

    /// As [`Lab::spawn`], with stdout in a file, to be read while it runs.
    pub(crate) fn spawn_into(&self, file: &str, args: &[&str]) -> Running {
        let out = fs::File::create(self.at(file)).unwrap();
        Running(self.command(args).stdout(out).spawn().unwrap())
    }

    /// The same, with what it tells of troubles.
    pub(crate) fn spawn_all_into(&self, file: &str, args: &[&str]) -> Running {
        let out = fs::File::create(self.at(file)).unwrap();
        let err = out.try_clone().unwrap();
        Running(self.command(args).stdout(out).stderr(err).spawn().unwrap())
    }
}

/// The program, while it runs. Killed if it is dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn end(mut self) -> Ran {
        use std::io::Read;
        let (mut out, mut err) = (String::new(), String::new());
        let status = self.0.wait().unwrap();
        // None where it went into a file.
        if let Some(mut stdout) = self.0.stdout.take() {
            stdout.read_to_string(&mut out).unwrap();
        }
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut err).unwrap();
        }
        Ran {
            code: status.code(),
            out,
            err,
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for something that comes to pass soon, if at all.
#[track_caller]
pub(crate) fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !check() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Makes a pipe.
pub(crate) fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The only file of this ending in a folder.
pub(crate) fn only_file(folder: &Path, ending: &str) -> PathBuf {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| path.to_str().is_some_and(|path| path.ends_with(ending)));
    let first = files.next().unwrap();
    assert_eq!(files.next(), None);
    first
}
