//! What is killed: a process that syncs two folders. `victim once|watch A B STATE`.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cloudsync::store::{Intake, Opened, Result, SqliteStore};
use cloudsync::{CloudSync, Durability, Operation, Perform, Performer, Store};
use cloudsync_core::record::Batch;
use cloudsync_tests::killing::{DOOM, DURABILITY};
use rustix::process::{Signal, getpid, kill_process};

/// When to die.
#[derive(Debug)]
struct Doom {
    moment: String,
    times: AtomicUsize,
}

impl Doom {
    /// Reads it from the environment.
    fn from_environment() -> Option<Self> {
        let text = env::var(DOOM).ok()?;
        let (moment, times) = text.split_once(':')?;
        Some(Self {
            moment: moment.to_owned(),
            times: AtomicUsize::new(times.parse().ok()?),
        })
    }

    /// Dies, if the moment went well often enough.
    fn reach(&self) {
        if self.times.fetch_sub(1, Ordering::SeqCst) == 0 {
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}

/// When to die, if ever.
type Fate = Option<Arc<Doom>>;

fn reach(fate: &Fate, moment: &str) {
    if let Some(doom) = fate.as_ref().filter(|doom| doom.moment == moment) {
        doom.reach();
    }
}

/// A store, and the moments around its calls.
#[derive(Debug)]
struct DoomedStore(SqliteStore, Fate);

#[async_trait]
impl Store for DoomedStore {
    async fn load(&self, intake: &mut dyn Intake) -> Result<Opened> {
        let opened = self.0.load(intake).await;
        reach(&self.1, "loaded");
        opened
    }

    async fn apply(&self, batch: &Batch) -> Result<()> {
        reach(&self.1, "before a commit");
        let applied = self.0.apply(batch).await;
        reach(&self.1, "committed");
        applied
    }

    async fn set_aside(&self, reason: &str) -> Result<Opened> {
        self.0.set_aside(reason).await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

/// What performs operations, and the moment before.
#[derive(Debug)]
struct DoomedPerformer<P>(P, Fate);

impl<P: Perform> Perform for DoomedPerformer<P> {
    fn perform(&self, operations: Vec<Operation>) {
        reach(&self.1, "before operations");
        self.0.perform(operations);
    }

    fn forget_waiting(&self) -> usize {
        self.0.forget_waiting()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, local, remote, state] = &arguments[..] else {
        return ExitCode::from(2);
    };
    let fate: Fate = Doom::from_environment().map(Arc::new);
    #[cfg(feature = "fail-points")]
    if let Some(doom) = fate.clone() {
        let moment = doom.moment.clone();
        if fail::cfg_callback(moment, move || doom.reach()).is_err() {
            return ExitCode::from(2);
        }
    }
    match sync(mode == "watch", local, remote, state, fate).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Returns how much is flushed, as the environment says.
fn durability() -> Durability {
    match env::var(DURABILITY).as_deref() {
        Ok("none") => Durability::None,
        Ok("full") => Durability::Full,
        _ => Durability::Batch,
    }
}

/// Syncs, once or for ever. Returns whether all is in sync.
async fn sync(
    watches: bool,
    local: &str,
    remote: &str,
    state: &str,
    fate: Fate,
) -> cloudsync::Result<bool> {
    let store = SqliteStore::open(state, "victim").await?;
    let around = fate.clone();
    let pair = CloudSync::builder(local, remote)
        .storage(DoomedStore(store, fate))
        .perform(move |context, outcomes| {
            let performer = Performer::new(context, outcomes);
            Arc::new(DoomedPerformer(performer, around.clone()))
        })
        .guard(None)
        .durability(durability())
        .build()
        .await?;
    if watches {
        pair.start()?;
        std::future::pending::<()>().await;
    }
    Ok(pair.run_once().await?.in_sync())
}
