//! `cloudsync watch`: until it is stopped.

use std::time::Duration;

use cloudsync::{CloudSync, EngineNotice, ErrorKind, Notice, Notices, Stop};
use futures::StreamExt;
use tokio::time::{MissedTickBehavior, interval};

use super::opening::{self, Purpose};
use super::sync::show_rest;
use crate::args::PairArgs;
use crate::display::Screen;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::signals::Signals;

/// How often it is looked at while there is something to do.
const TICK: Duration = Duration::from_millis(500);

/// Keeps both sides together.
pub(crate) fn watch(args: &PairArgs) -> Exit {
    opening::run(
        args,
        Purpose::Watch,
        async |pair, prepared, signals, screen| {
            screen.start();
            let mut notices = pair.notices();
            let followed = follow(&pair, &mut notices, signals, screen).await;
            let end = followed.map_err(|error| prepared.problem(&error))?;
            screen.stopping();
            let stopped = tokio::select! {
                () = pair.stop(Stop::Forever) => true,
                _ = signals.next() => false,
            };
            if !stopped {
                std::process::exit(i32::from(end.exit().code()));
            }
            show_rest(&mut notices, screen);
            match end {
                End::Asked(exit) => {
                    screen.stopped(&pair.status(), exit);
                    Ok(exit)
                }
                End::State(problem) => Err(problem),
            }
        },
    )
}

/// Why it ends.
enum End {
    /// It was asked to.
    Asked(Exit),
    /// The state cannot be used.
    State(Problem),
}

impl End {
    fn exit(&self) -> Exit {
        match self {
            End::Asked(exit) => *exit,
            End::State(problem) => problem.exit,
        }
    }
}

/// Shows what happens until it is asked to stop. Wakes up only when something happens.
async fn follow(
    pair: &CloudSync,
    notices: &mut Notices,
    signals: &mut Signals,
    screen: &mut dyn Screen,
) -> cloudsync::Result<End> {
    pair.start()?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // There is something to do until it was seen at rest.
    let mut is_working = true;
    loop {
        tokio::select! {
            Some(notice) = notices.next() => {
                screen.notice(&notice);
                if let Some(problem) = unusable_state(&notice) {
                    return Ok(End::State(problem));
                }
                is_working |= is_work(&notice);
            }
            _ = ticks.tick(), if is_working => {
                let status = pair.status();
                let is_up = status.down.local.is_none() && status.down.remote.is_none();
                if is_up && status.complete && status.at_rest && status.in_flight == 0 {
                    is_working = false;
                    screen.rest(&status);
                } else {
                    screen.tick(&status);
                }
            }
            exit = signals.next() => return Ok(End::Asked(exit)),
        }
    }
}

fn is_work(notice: &Notice) -> bool {
    use EngineNotice as Told;
    matches!(
        notice,
        Notice::Conflict(_)
            | Notice::Engine(
                Told::DeletionsHeld { .. }
                    | Told::Done { .. }
                    | Told::Failed { .. }
                    | Told::SideDown { .. }
                    | Told::SideSeen { .. }
            )
    )
}

/// Returns what to tell of a state that no waiting makes usable.
fn unusable_state(notice: &Notice) -> Option<Problem> {
    let Notice::Engine(EngineNotice::StoreFailed { failure }) = notice else {
        return None;
    };
    let exit = match failure.kind() {
        ErrorKind::StoreUnusable => Exit::State,
        ErrorKind::Locked => Exit::Busy,
        _ => return None,
    };
    Some(Problem::new(exit, failure.to_string()))
}
