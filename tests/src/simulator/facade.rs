//! The real facade between two hostile clients and a hostile store, driven in one of several ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cloudsync::{BySide, CloudSync, EngineNotice, Given, Hooks, Notice, Side, Stop};
use cloudsync_core::engine::io::Status;
use tokio::time::sleep;

use super::faults::Kind;
use super::life::Life;
use super::provider::Hostile;
use super::sim::Sim;
use super::store::{Disk, HostileStore};

/// Turns that are taken in a row.
const TURNS: usize = 60;

/// The root of a side.
pub(super) fn root(side: Side) -> &'static str {
    match side {
        Side::Local => "/local",
        Side::Remote => "/remote",
    }
}

/// How the facade is driven in a life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Drive {
    /// Once, again and again.
    Once,
    /// All the time, in a task of its own.
    Always,
    /// In the caller's task, for a time.
    InCallersTask,
    /// Turn by turn.
    Turns,
}

/// An open pair, and the life that it is in.
pub(super) struct Facade {
    pub(super) sync: CloudSync,
    pub(super) drive: Drive,
    life: Arc<Life>,
    store: HostileStore,
    /// Whether it was stopped for good.
    is_over: AtomicBool,
}

/// Hears what is told, and counts it.
struct Ears(Arc<Sim>);

#[async_trait]
impl Hooks for Ears {
    async fn handle_notification(&self, notice: &Notice) {
        match notice {
            Notice::Conflict(_) => self.0.count("conflict"),
            Notice::Engine(EngineNotice::DeletionsHeld { .. }) => self.0.count("deletion held"),
            Notice::Missed { .. } => self.0.violate("notices", "some were missed"),
            _ => {}
        }
        self.0.note(format_args!("told: {notice}"));
    }
}

impl Facade {
    /// Opens the pair. `None`: it cannot be opened, which was told.
    pub(super) async fn open(sim: &Arc<Sim>, disk: &Disk) -> Option<Self> {
        let dies = sim.hit(|kind| kind == Kind::Crash).is_some();
        let left = dies.then(|| {
            let most = [20, 5, 100, 1_000][sim.draw_fault(4)];
            sim.draw_fault(most)
        });
        let drives = [
            (Drive::Once, "driven once"),
            (Drive::Always, "driven all the time"),
            (Drive::InCallersTask, "driven in the caller's task"),
            (Drive::Turns, "driven by turns"),
        ];
        let (drive, name) = drives[sim.draw_schedule(drives.len())];
        sim.count(name);
        sim.note(format_args!("open, {drive:?}, dies after {left:?}"));
        let life = Life::new(sim.clone(), left);
        let store = match disk.open() {
            Ok(backend) => HostileStore::new(life.clone(), backend),
            Err(failure) => {
                sim.violate("I47 locks are free", failure.to_string());
                return None;
            }
        };
        let hostile =
            BySide::from_fn(|side| Hostile::new(life.clone(), side, sim.services[side].client()));
        let setup = &sim.setup;
        let mut builder = CloudSync::builder(
            Given::provider(hostile.local),
            Given::provider(hostile.remote),
        )
        .roots(root(Side::Local), root(Side::Remote))
        .storage(store.clone())
        .hooks(Ears(sim.clone()))
        .guard(setup.guard)
        .aging(setup.aging)
        .limits(setup.limits);
        if setup.shuffled {
            builder = builder.seed(sim.draw_schedule(1 << 30) as u64);
        }
        match builder.build().await {
            Ok(sync) => Some(Self {
                sync,
                drive,
                life,
                store,
                is_over: AtomicBool::new(false),
            }),
            Err(error) => {
                sim.violate("it can be built", error.to_string());
                None
            }
        }
    }

    fn sim(&self) -> &Sim {
        &self.life.sim
    }

    /// Lets it work for about so long, in its way. False: it died.
    pub(super) async fn work(&self, time: Duration) -> bool {
        let work = async {
            match self.drive {
                Drive::Once => {
                    let outcome = self.sync.run_once().await;
                    self.sim().note(format_args!(
                        "run: {:?}",
                        outcome.map(|report| report.in_sync())
                    ));
                    sleep(time).await;
                }
                Drive::Always => {
                    if !self.sync.started()
                        && let Err(error) = self.sync.start()
                    {
                        self.sim().violate("it can be started", error.to_string());
                    }
                    sleep(time).await;
                }
                Drive::InCallersTask => {
                    // It says that the time is over, or that the store fails.
                    let _ = self.sync.run(|_| false, Some(time)).await;
                }
                Drive::Turns => {
                    // A caller that took no turns for a while.
                    sleep(time).await;
                    for _ in 0..TURNS {
                        // It says that the store fails.
                        let _ = self.sync.do_once().await;
                    }
                }
            }
        };
        self.life.live(work).await.is_some()
    }

    /// Stops it, which must not take long. False: it died.
    pub(super) async fn stop(&self, how: Stop) -> bool {
        self.is_over.store(how == Stop::Forever, Ordering::Relaxed);
        let stop = self.sync.stop(how);
        let limit = Duration::from_mins(1);
        match self.life.live(tokio::time::timeout(limit, stop)).await {
            None => false,
            Some(Ok(())) => true,
            Some(Err(_)) => {
                self.sim()
                    .violate("I38 stop works", "still running after a minute");
                false
            }
        }
    }

    /// Ends it, as the end of a process does.
    pub(super) async fn end(self) {
        self.life.end();
        drop(self.sync);
        if let Err(failure) = self.store.abandon().await {
            self.life
                .sim
                .violate("the store is closed", failure.to_string());
        }
        // Lets what was aborted go.
        tokio::task::yield_now().await;
    }

    /// Returns true if it cannot be started again.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn status(&self) -> Status {
        self.sync.status()
    }

    pub(super) fn store(&self) -> &HostileStore {
        &self.store
    }
}
