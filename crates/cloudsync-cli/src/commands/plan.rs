//! `cloudsync plan`, and `sync --dry-run`: what would be done. Changes nothing, the state neither.

use super::opening::{self, Purpose};
use crate::args::PairArgs;
use crate::exit::{self, Exit};

/// Shows what a run would do.
pub(crate) fn plan(args: &PairArgs) -> Exit {
    opening::run(
        args,
        Purpose::Plan,
        async |pair, prepared, signals, screen| {
            let plan = tokio::select! {
                plan = pair.plan() => plan.map_err(|error| prepared.problem(&error))?,
                exit = signals.next() => return Ok(exit),
            };
            let status = pair.status();
            let exit = exit::of_plan(&status, &prepared.setting.exclude);
            screen.plan(&plan, &status, exit);
            Ok(exit)
        },
    )
}
