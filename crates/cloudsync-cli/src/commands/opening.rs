//! What all commands begin and end with.

use std::time::Duration;

use cloudsync::{CloudSync, ErrorKind};
use tokio::runtime::{Builder, Runtime};

use super::prepare::{Prepared, builder, prepare};
use crate::args::PairArgs;
use crate::display::{self, Level, Screen};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::signals::Signals;

/// Threads that the engine runs on; calls to file systems have threads of their own.
const THREADS: usize = 2;

/// How long what was given up may take to clean up at the end.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// What is to be done with a pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To look, and change nothing, the state neither.
    Plan,
    /// To bring it together once.
    Sync,
    /// To keep it together.
    Watch,
}

/// Opens the pair, lets the command do its work, and tells what ended it if it did not come to its end.
pub(super) fn run(
    args: &PairArgs,
    purpose: Purpose,
    work: impl AsyncFnOnce(CloudSync, &Prepared, &mut Signals, &mut dyn Screen) -> Result<Exit, Problem>,
) -> Exit {
    let prepared = prepare(args, purpose).and_then(|prepared| Ok((runtime()?, prepared)));
    let ended = prepared.and_then(|(runtime, mut prepared)| {
        let ended = runtime.block_on(async {
            let mut signals = Signals::new()?;
            let pair = match open(args, &mut prepared, &mut signals).await? {
                Ok(pair) => pair,
                Err(exit) => return Ok(exit),
            };
            let mut screen = display::screen(args.json, &prepared.setting);
            let result = work(pair, &prepared, &mut signals, &mut *screen).await;
            Ok(result.unwrap_or_else(|problem| {
                screen.problem(&problem);
                problem.exit
            }))
        });
        // What was given up removes what it staged. Calls to file systems that hang are not waited for.
        runtime.shutdown_timeout(LAST_MOMENTS);
        ended
    });
    ended.unwrap_or_else(|problem: Problem| {
        display::early_problem(args.json, Level::of(args), &problem);
        problem.exit
    })
}

/// Builds the pair with its sides in the order in which they met first. The inner error: it was asked
/// to stop before that.
async fn open(
    args: &PairArgs,
    prepared: &mut Prepared,
    signals: &mut Signals,
) -> Result<Result<CloudSync, Exit>, Problem> {
    let mut build = async |prepared: &Prepared| {
        tokio::select! {
            built = builder(args, prepared).build() => Ok(built),
            exit = signals.next() => Err(exit),
        }
    };
    let mut built = build(prepared).await;
    if let Ok(Err(error)) = &built
        && error.kind() == ErrorKind::Reversed
    {
        prepared.reverse();
        built = build(prepared).await;
    }
    match built {
        Ok(built) => Ok(Ok(built.map_err(|error| prepared.problem(&error))?)),
        Err(exit) => Ok(Err(exit)),
    }
}

/// Makes what runs everything.
fn runtime() -> Result<Runtime, Problem> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| Problem::new(Exit::Bug, format!("no threads: {error}")))
}
