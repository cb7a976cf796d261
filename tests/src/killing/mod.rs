//! The real process, killed: two real folders, users at work on both, and a process that syncs them and
//! is killed at a named moment or at any, again and again. Then it may end, and nothing is lost.
//!
//! A user knows for certain what is gone by their hand: they move things out of the folder and look at
//! what they have, and they replace a file by exchanging it. So a content is dead only if it is in a
//! user's trash, and everything else has to be on both sides in the end, whatever happened in between.

mod trees;
mod users;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cloudsync_core::testing::Random;
use tempfile::TempDir;

#[cfg(feature = "power")]
pub(crate) use self::trees::tree;
use self::users::Users;

/// What tells a victim where to die: the name of a moment, a colon, and how often it goes well before.
pub const DOOM: &str = "CLOUDSYNC_TEST_DOOM";

/// What a victim reads how much it flushes from: `none`, `batch` or `full`.
pub const DURABILITY: &str = "CLOUDSYNC_TEST_DURABILITY";

/// The moments with names: those of the folder's provider, and of what surrounds the engine.
pub const MOMENTS: [&str; 17] = [
    "attributes set",
    "before a commit",
    "before a copy",
    "before a flush",
    "before an exchange",
    "before operations",
    "committed",
    "copy begun",
    "data flushed",
    "deleted",
    "exchanged",
    "folder made",
    "loaded",
    "parked",
    "placed",
    "renamed",
    "sweeping",
];

/// The longest that a run without a kill may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How one world went.
#[derive(Debug, Default)]
pub struct Ran {
    /// Processes that died, by the moment that they were to die at; `""` for any.
    pub kills: BTreeMap<&'static str, u64>,
    /// Processes that came to their end.
    pub ends: u64,
    /// What users did.
    pub acts: u64,
    /// What is wrong in the end.
    pub violation: Option<String>,
}

/// Plays the world of a seed with `victim`, a program that syncs two folders. Returns how it went, and
/// where its folders are, if they are to be kept.
///
/// # Errors
/// Those of the system, where the world itself could not be played.
pub fn play(seed: u64, victim: &Path) -> io::Result<(Ran, TempDir)> {
    let mut random = Random::new(seed);
    let base = tempfile::Builder::new()
        .prefix(&format!("kills-{seed}-"))
        .tempdir()?;
    let mut ran = Ran::default();
    let mut users = Users::new(base.path(), random.word())?;
    for _ in 0..random.below(40) {
        users.act()?;
    }
    for _ in 0..2 + random.below(6) {
        let doom = Doom::draw(&mut random);
        let is_watching = random.chance(40);
        let child = start(victim, base.path(), is_watching, &doom)?;
        // A watching one comes to its end by a kill only.
        let patience = Duration::from_millis(if is_watching { 150 } else { 5_000 });
        let end = meanwhile(child, &mut users, &mut random, doom.after.min(patience))?;
        match end {
            End::Itself => ran.ends += 1,
            End::Doom => *ran.kills.entry(doom.name()).or_default() += 1,
            End::Killed => *ran.kills.entry("").or_default() += 1,
        }
    }
    ran.acts = users.acts;
    ran.violation = match settle(victim, base.path()) {
        Ok(()) => users.find_fault()?,
        Err(fault) => Some(fault),
    };
    Ok((ran, base))
}

/// How a process is to die.
struct Doom {
    /// At a moment with a name, after it went well so often.
    at: Option<(&'static str, usize)>,
    /// From outside, after this time.
    after: Duration,
}

impl Doom {
    fn draw(random: &mut Random) -> Self {
        let named = random.chance(70).then(|| {
            let name = MOMENTS[random.below(MOMENTS.len())];
            let times = [0, 0, 1, 2, 5, 13][random.below(6)];
            (name, times)
        });
        let longest = [2_000, 20_000, 80_000][random.below(3)];
        let micros = random.below(longest);
        Self {
            at: named,
            after: match named {
                Some(_) => Duration::MAX,
                None => Duration::from_micros(micros as u64),
            },
        }
    }

    fn name(&self) -> &'static str {
        self.at.map_or("", |(name, _)| name)
    }
}

fn start(victim: &Path, base: &Path, is_watching: bool, doom: &Doom) -> io::Result<Child> {
    let mut command = Command::new(victim);
    command
        .arg(if is_watching { "watch" } else { "once" })
        .args([base.join("a"), base.join("b"), base.join("state")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((name, times)) = doom.at {
        command.env(DOOM, format!("{name}:{times}"));
    }
    command.spawn()
}

/// How a process ended.
enum End {
    Itself,
    /// At the moment that was chosen for it.
    Doom,
    Killed,
}

/// Has users act while a process lives, and kills it after some time.
fn meanwhile(
    mut child: Child,
    users: &mut Users,
    random: &mut Random,
    after: Duration,
) -> io::Result<End> {
    let begun = Instant::now();
    let mut left = random.below(25);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.signal().map_or(End::Itself, |_| End::Doom));
        }
        if begun.elapsed() >= after {
            child.kill()?;
            child.wait()?;
            return Ok(End::Killed);
        }
        if left > 0 && random.chance(30) {
            left -= 1;
            users.act()?;
        }
        thread::sleep(Duration::from_micros(random.below(1_500) as u64));
    }
}

/// Lets the pair come to its end, which may take more than one run: what a user did in the last moment
/// is looked at again.
fn settle(victim: &Path, base: &Path) -> Result<(), String> {
    let unhurt = Doom {
        at: None,
        after: Duration::MAX,
    };
    let mut last = None;
    for _ in 0..3 {
        let mut child = start(victim, base, false, &unhurt).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => {
                    let _ = child.kill().and_then(|()| child.wait());
                    return Err("a run without a kill did not end".to_owned());
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        if status.success() {
            return Ok(());
        }
        last = Some(status);
    }
    Err(format!("the last run ended with {last:?}"))
}

/// Returns the victim that lies beside this program.
///
/// # Errors
/// Those of the system.
pub fn victim() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("victim"))
}
