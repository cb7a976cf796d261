//! `cloudsync sync`: once, then exit.

use std::sync::Arc;
use std::time::Duration;

use cloudsync::{CloudSync, Error, ErrorKind, Notices, Stop, SyncReport};
use futures::{FutureExt, StreamExt};
use tokio::time::{MissedTickBehavior, interval};

use super::opening::{self, Purpose};
use crate::args::PairArgs;
use crate::display::Screen;
use crate::exit::{self, Exit};
use crate::signals::Signals;

/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often a run that is to stop is told so: it may not have begun to listen.
const INSIST: Duration = Duration::from_millis(50);

/// Brings both sides together once.
pub(crate) fn sync(args: &PairArgs) -> Exit {
    opening::run(
        args,
        Purpose::Sync,
        async |pair, prepared, signals, screen| {
            let pair = Arc::new(pair);
            screen.start();
            let (result, signal) = drive(&pair, signals, screen).await;
            let setting = &prepared.setting;
            let exit = match &result {
                Ok(report) => {
                    let report = setting.without_excluded(report.clone());
                    let exit =
                        signal.unwrap_or_else(|| exit::of_report(&report, &setting.locations));
                    screen.end(&report, exit);
                    exit
                }
                Err(_) => signal.unwrap_or(Exit::Bug),
            };
            // Writes the log of the store into its file, and frees the lock.
            pair.stop(Stop::Forever).await;
            match result {
                Err(error) if signal.is_none() => Err(prepared.problem(&error)),
                _ => Ok(exit),
            }
        },
    )
}

/// Runs the pair once, shows what happens, stops it when it is asked to.
async fn drive(
    pair: &Arc<CloudSync>,
    signals: &mut Signals,
    screen: &mut dyn Screen,
) -> (cloudsync::Result<SyncReport>, Option<Exit>) {
    let mut notices = pair.notices();
    let runs = pair.clone();
    let mut run = tokio::spawn(async move { runs.run_once().await });
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut insist = interval(INSIST);
    let mut signal = None;
    let result = loop {
        tokio::select! {
            result = &mut run => break result.unwrap_or_else(|_| Err(broken())),
            Some(notice) = notices.next() => screen.notice(&notice),
            _ = ticks.tick() => screen.tick(&pair.status()),
            _ = insist.tick(), if signal.is_some() => pair.signal_stop(Stop::ForNow),
            exit = signals.next() => {
                if let Some(first) = signal {
                    // The second time at once: what is on its way is found by the next run.
                    std::process::exit(i32::from(Exit::code(first)));
                }
                signal = Some(exit);
                screen.stopping();
                pair.signal_stop(Stop::ForNow);
            }
        }
    };
    show_rest(&mut notices, screen);
    (result, signal)
}

/// Shows the notices that are there already.
pub(super) fn show_rest(notices: &mut Notices, screen: &mut dyn Screen) {
    while let Some(Some(notice)) = notices.next().now_or_never() {
        screen.notice(&notice);
    }
}

/// Tells that a task of ours broke.
fn broken() -> Error {
    Error::new(ErrorKind::Unexpected, "run").with_detail("a task broke off")
}
