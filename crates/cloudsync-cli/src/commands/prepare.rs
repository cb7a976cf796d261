//! From arguments to a pair: all that can be refused is refused before anything is opened.

use std::path::Path;
use std::sync::Arc;

use cloudsync::{Builder, CloudSync, Error, Kind, Performer, Side};

use crate::args::PairArgs;
use crate::display::{Level, Setting};
use crate::edits::Edits;
use crate::exclude::Exclude;
use crate::exit::Exit;
use crate::location::{self, Location, Locations};
use crate::problem::Problem;
use crate::state::State;

/// All that is known before anything is opened.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) setting: Setting,
    pub(super) state: State,
}

impl Prepared {
    /// Tells an error that ended a run.
    pub(super) fn problem(&self, error: &Error) -> Problem {
        Problem::of(error, &self.setting.locations, &self.setting.state)
    }
}

/// Makes sense of the arguments.
///
/// # Errors
/// [`Exit::Usage`], [`Exit::Unreachable`].
pub(super) fn prepare(args: &PairArgs, watches: bool) -> Result<Prepared, Problem> {
    crate::logging::start(args.verbose)?;
    let exclude = Exclude::new(&args.exclude).map_err(|error| Problem::new(Exit::Usage, error))?;
    let locations = location::both(&args.local, &args.remote)?;
    let state = State::find(args.state.as_deref(), &locations, &exclude)?;
    let first_meeting = !state.exists();
    if first_meeting {
        check_there(&locations)?;
    }
    Ok(Prepared {
        setting: Setting {
            locations,
            exclude,
            on_conflict: args.on_conflict,
            edits: Edits::default(),
            first_meeting,
            state: state.shown(),
            level: Level::of(args),
            watches,
        },
        state,
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

/// Starts to build the pair, with `remote` in place of the remote side where it is given.
pub(super) fn builder(args: &PairArgs, prepared: &Prepared, remote: Option<String>) -> Builder {
    let locations = &prepared.setting.locations;
    let remote = remote.unwrap_or_else(|| locations.remote.given());
    let edits = prepared.setting.edits.clone();
    let builder = CloudSync::builder(locations.local.given(), remote)
        .on_conflict(args.on_conflict.into())
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
