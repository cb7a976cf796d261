//! Why the program cannot do what it was asked to: what to tell, and what to type next.

use cloudsync::{Error, ErrorKind};

use crate::exit::{self, Exit};
use crate::location::Locations;

/// What ends the program.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// What the shell is told.
    pub(crate) exit: Exit,
    /// What happened; one line.
    pub(crate) message: String,
    /// What can be done about it; one line.
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// Makes one without a hint.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// Says what can be done about it.
    #[must_use]
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Tells an error that ended a run.
    pub(crate) fn of(error: &Error, locations: &Locations, state: &str) -> Self {
        let exit = exit::of_error(error, locations);
        let message = match error.side() {
            Some(side) => {
                let location = &locations[side];
                let why = match (exit, error.kind()) {
                    (Exit::Held, _) => "another folder than at the last run".to_owned(),
                    (_, ErrorKind::RootMissing) => with_cause("the folder is missing", error),
                    _ => with_causes(error.failure().to_string(), error),
                };
                format!("{} ({location}): {why}", location.label)
            }
            None => with_causes(error.to_string(), error),
        };
        let problem = Self::new(exit, message);
        match exit {
            Exit::Held => problem.with_hint(format!(
                "nothing was changed. If a disk is not mounted, mount it and run again. If the \
                 folder was replaced on purpose, remove {state}: the next run is a first meeting, \
                 which deletes nothing"
            )),
            Exit::Unreachable => problem.with_hint(
                "nothing was deleted. Mount or connect it, then run the same command again",
            ),
            Exit::Busy => problem.with_hint("wait for the other run, or stop it"),
            Exit::State => problem.with_hint(format!(
                "nothing was lost. The state is {state}; another place: --state FILE"
            )),
            Exit::Bug => problem.with_hint("this is a bug; running again does no harm"),
            _ => problem,
        }
    }
}

/// Adds what is behind an error, outermost first, each thing once.
fn with_causes(mut message: String, error: &Error) -> String {
    for cause in causes(error) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

/// Adds what the system said.
fn with_cause(message: &str, error: &Error) -> String {
    match causes(error).last() {
        Some(cause) => format!("{message}: {cause}"),
        None => message.to_owned(),
    }
}

fn causes(error: &Error) -> impl Iterator<Item = String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source()).map(ToString::to_string)
}
