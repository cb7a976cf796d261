//! From arguments to a pair: all that can be refused is refused before anything is opened.

use std::path::Path;
use std::sync::Arc;

use cloudsync::store::Lock;
use cloudsync::{Builder, CloudSync, Error, Kind, Performer, Side};
use tempfile::TempDir;

use super::opening::Purpose;
use crate::args::PairArgs;
use crate::display::{Level, Setting};
use crate::edits::Edits;
use crate::exclude::Exclude;
use crate::exit::Exit;
use crate::hold::Hold;
use crate::location::{self, Location, Locations};
use crate::problem::Problem;
use crate::state::State;

/// All that is known before anything is opened.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) setting: Setting,
    state: State,
    /// Takes the place of the remote side.
    stand_in: Option<&'static str>,
    /// What is held, and what is removed, at the end.
    _held: (Option<(Hold, Option<Lock>)>, Option<TempDir>),
}

impl Prepared {
    /// Tells an error that ended a run.
    pub(super) fn problem(&self, error: &Error) -> Problem {
        Problem::of(error, &self.setting.locations, &self.setting.state)
    }

    /// Has the sides change places, as they were when they met first.
    pub(super) fn reverse(&mut self) {
        let Setting {
            locations,
            on_conflict,
            ..
        } = &mut self.setting;
        std::mem::swap(&mut locations.local, &mut locations.remote);
        *on_conflict = on_conflict.reversed();
    }
}

/// Makes sense of the arguments.
///
/// # Errors
/// [`Exit::Usage`], [`Exit::Unreachable`], [`Exit::Busy`]; [`Exit::State`] where a state that is only
/// looked at cannot be copied.
pub(super) fn prepare(args: &PairArgs, purpose: Purpose) -> Result<Prepared, Problem> {
    crate::logging::start(args.verbose)?;
    let exclude = Exclude::new(&args.exclude).map_err(|error| Problem::new(Exit::Usage, error))?;
    let locations = location::both(&args.local, &args.remote)?;
    let state = State::find(args.state.as_deref(), &locations, &exclude)?;
    let first_meeting = !state.exists();
    if first_meeting {
        check_there(&locations)?;
    }
    let shown = state.shown();
    let (state, stand_in, held) = if purpose == Purpose::Plan {
        let folder = tempfile::tempdir().map_err(|error| {
            let message = format!("no temporary folder can be made: {error}");
            Problem::new(Exit::State, message)
        })?;
        // A folder that a run would make is taken for an empty one.
        let is_made = first_meeting && !locations.remote.is_there();
        let stand_in = is_made.then_some("memory:to-be-made");
        (
            state.copy_into(folder.path())?,
            stand_in,
            (None, Some(folder)),
        )
    } else {
        let held = (Hold::take(&locations)?, state.hold_pair(&locations)?);
        (state, None, (Some(held), None))
    };
    Ok(Prepared {
        setting: Setting {
            locations,
            exclude,
            on_conflict: args.on_conflict,
            edits: Edits::default(),
            first_meeting,
            state: shown,
            level: Level::of(args),
            watches: purpose == Purpose::Watch,
        },
        state,
        stand_in,
        _held: held,
    })
}

/// Refuses a first meeting with a folder that is not there. The second one may be missing, as long as
/// the folder it is to be in is there: then it is made.
fn check_there(locations: &Locations) -> Result<(), Problem> {
    let missing = |location: &Location, what: &str| {
        Problem::new(Exit::Unreachable, format!("{location} is not there{what}"))
    };
    if !locations.local.is_there() {
        return Err(missing(&locations.local, "").with_hint(format!(
            "mount or make it (mkdir '{}') and run again",
            locations.local
        )));
    }
    let parent = locations.remote.folder().and_then(|folder| folder.parent());
    if !locations.remote.is_there() && !parent.is_none_or(Path::is_dir) {
        return Err(
            missing(&locations.remote, ", nor is the folder it is to be in").with_hint(format!(
                "mount it, or make it (mkdir -p '{}') and run again",
                locations.remote
            )),
        );
    }
    Ok(())
}

/// Starts to build the pair.
pub(super) fn builder(args: &PairArgs, prepared: &Prepared) -> Builder {
    let locations = &prepared.setting.locations;
    let stand_in = prepared.stand_in.map(ToOwned::to_owned);
    let remote = stand_in.unwrap_or_else(|| locations.remote.given());
    let edits = prepared.setting.edits.clone();
    let builder = CloudSync::builder(locations.local.given(), remote)
        .on_conflict(prepared.setting.on_conflict.into())
        .guard(args.guard())
        .durability(args.durability.into())
        .perform(move |context, outcomes| {
            Arc::new(edits.around(Performer::new(context, outcomes)))
        });
    let builder = match &prepared.state {
        State::File(path) => builder.state_file(path),
        State::Memory => builder,
    };
    if prepared.setting.exclude.is_empty() {
        return builder;
    }
    let exclude = prepared.setting.exclude.clone();
    builder.wanted(exclude.id(), move |_: Side, path: &str, kind: Kind| {
        !exclude.matches(path, kind)
    })
}
