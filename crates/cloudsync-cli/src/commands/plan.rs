//! `cloudsync plan`, and `sync --dry-run`: what would be done. Changes nothing, the state neither.

use super::opening;
use super::prepare::{Prepared, builder};
use crate::args::PairArgs;
use crate::exit::{self, Exit};
use crate::problem::Problem;

/// Shows what a run would do.
pub(crate) fn plan(args: &PairArgs) -> Exit {
    opening::run(args, false, async |prepared, signals, screen| {
        let setting = &prepared.setting;
        let folder = tempfile::tempdir().map_err(|error| {
            let message = format!("no temporary folder can be made: {error}");
            Problem::new(Exit::State, message)
        })?;
        let copied = Prepared {
            setting: setting.clone(),
            state: prepared.state.copy_into(folder.path())?,
        };
        // A folder that a run would make is taken for an empty one.
        let stand_in = (setting.first_meeting && !setting.locations.remote.is_there())
            .then(|| "memory:to-be-made".to_owned());
        let built = builder(args, &copied, stand_in).build().await;
        let pair = built.map_err(|error| prepared.problem(&error))?;
        let plan = tokio::select! {
            plan = pair.plan() => plan.map_err(|error| prepared.problem(&error))?,
            exit = signals.next() => return Ok(exit),
        };
        let status = pair.status();
        let exit = exit::of_plan(&status, &setting.exclude);
        screen.plan(&plan, &status, exit);
        Ok(exit)
    })
}
