//! The log, for whoever looks for a cause: on stderr, as `CLOUDSYNC_LOG` or `RUST_LOG` say.

use std::env;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::exit::Exit;
use crate::problem::Problem;

/// Starts the log, where there is to be one: `-v` shows warnings, `-vv` what happens inside.
///
/// # Errors
/// [`Exit::Usage`] for a filter that makes no sense.
pub(crate) fn start(verbose: u8) -> Result<(), Problem> {
    let set = ["CLOUDSYNC_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| Some((name, env::var(name).ok().filter(|value| !value.is_empty())?)));
    let (name, filter) = match (&set, verbose) {
        (Some((name, filter)), _) => (*name, filter.as_str()),
        (None, 0) => return Ok(()),
        (None, 1) => ("-v", "warn"),
        (None, 2) => (
            "-vv",
            "warn,cloudsync=debug,cloudsync_core=debug,cloudsync_provider=debug",
        ),
        (None, _) => ("-vvv", "trace"),
    };
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Problem::new(Exit::Usage, format!("{name}: {error}")))?;
    let colors = crate::display::text::wants_colors(std::io::stderr().is_terminal());
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colors)
        .with_writer(std::io::stderr)
        .try_init();
    // Whoever calls this as a library may have a log already.
    drop(started);
    Ok(())
}
