//! `cloudsync plan`, and `sync --dry-run`: what would be done. Changes nothing, the state neither.

use cloudsync::{Plan, Status};

use super::prepare::{Prepared, builder, prepare};
use super::runtime;
use crate::args::PairArgs;
use crate::display::{self, Level};
use crate::exit::{self, Exit};
use crate::problem::Problem;
use crate::signals::Signals;

/// Shows what a run would do.
pub(crate) fn plan(args: &PairArgs) -> Exit {
    let prepared = match prepare(args, false) {
        Ok(prepared) => prepared,
        Err(problem) => {
            display::early_problem(args.json, Level::of(args), &problem);
            return problem.exit;
        }
    };
    let mut screen = display::screen(args.json, &prepared.setting);
    let result = runtime().and_then(|runtime| {
        let result = runtime.block_on(run(args, &prepared));
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(Some((plan, status))) => {
            let exit = exit::of_plan(&status, &prepared.setting.exclude);
            screen.plan(&plan, &status, exit);
            exit
        }
        Ok(None) => Exit::Interrupted,
        Err(problem) => {
            screen.problem(&problem);
            problem.exit
        }
    }
}

/// Returns the plan; `None`: it was asked to stop.
async fn run(args: &PairArgs, prepared: &Prepared) -> Result<Option<(Plan, Status)>, Problem> {
    let setting = &prepared.setting;
    let told = |error| Problem::of(&error, &setting.locations, &setting.state);
    let mut signals = Signals::new()?;
    let folder = tempfile::tempdir().map_err(|error| {
        Problem::new(
            Exit::State,
            format!("no temporary folder can be made: {error}"),
        )
    })?;
    let copied = Prepared {
        setting: setting.clone(),
        state: prepared.state.copy_into(folder.path())?,
    };
    // A folder that a run would make is taken for an empty one.
    let stand_in = (setting.first_meeting && !setting.locations.remote.is_there())
        .then(|| "memory:to-be-made".to_owned());
    let pair = builder(args, &copied, stand_in)
        .build()
        .await
        .map_err(told)?;
    let plan = tokio::select! {
        plan = pair.plan() => plan.map_err(told)?,
        _ = signals.next() => return Ok(None),
    };
    let status = pair.status();
    Ok(Some((plan, status)))
}
