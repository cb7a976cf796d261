//! What all commands begin and end with.

use cloudsync::CloudSync;
use tokio::runtime::{Builder, Runtime};

use super::prepare::{Prepared, builder, prepare};
use crate::args::PairArgs;
use crate::display::{self, Level, Screen};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::signals::Signals;

/// Threads that the engine runs on; calls to file systems have threads of their own.
const THREADS: usize = 2;

/// Prepares a command, lets it do its work, and tells what ended it if it did not come to its end.
pub(super) fn run(
    args: &PairArgs,
    watches: bool,
    work: impl AsyncFnOnce(&Prepared, &mut Signals, &mut dyn Screen) -> Result<Exit, Problem>,
) -> Exit {
    let done = prepare(args, watches).and_then(|prepared| Ok((runtime()?, prepared)));
    let (runtime, prepared) = match done {
        Ok(done) => done,
        Err(problem) => {
            display::early_problem(args.json, Level::of(args), &problem);
            return problem.exit;
        }
    };
    let mut screen = display::screen(args.json, &prepared.setting);
    let result = runtime.block_on(async {
        let mut signals = Signals::new()?;
        work(&prepared, &mut signals, &mut *screen).await
    });
    // Calls to file systems that hang are not waited for.
    runtime.shutdown_background();
    result.unwrap_or_else(|problem| {
        screen.problem(&problem);
        problem.exit
    })
}

/// Builds the pair, and says on the screen that it begins. The inner error: it was asked to stop
/// before that.
pub(super) async fn open(
    args: &PairArgs,
    prepared: &Prepared,
    signals: &mut Signals,
    screen: &mut dyn Screen,
) -> Result<Result<CloudSync, Exit>, Problem> {
    let built = tokio::select! {
        built = builder(args, prepared, None).build() => built,
        exit = signals.next() => return Ok(Err(exit)),
    };
    let pair = built.map_err(|error| prepared.problem(&error))?;
    screen.start();
    Ok(Ok(pair))
}

/// Makes what runs everything.
fn runtime() -> Result<Runtime, Problem> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| Problem::new(Exit::Bug, format!("no threads: {error}")))
}
