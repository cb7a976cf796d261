//! What can be asked for on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use cloudsync::{ConflictPolicy, Durability, Guard};

use crate::help::{
    EXIT_CODES, MAIN_EXAMPLES, MORE, PLAN_EXAMPLES, SYNC_EXAMPLES, TEMPLATE, WATCH_EXAMPLES,
};

/// Two-way sync between folders and clouds.
#[derive(Debug, Parser)]
#[command(
    name = "cloudsync",
    bin_name = "cloudsync",
    version,
    before_help = MAIN_EXAMPLES,
    after_long_help = MORE,
    help_template = TEMPLATE,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring both sides together once, then exit.
    #[command(before_help = SYNC_EXAMPLES, help_template = TEMPLATE, after_help = EXIT_CODES, after_long_help = MORE)]
    Sync(SyncArgs),
    /// Keep both sides together until stopped.
    #[command(before_help = WATCH_EXAMPLES, help_template = TEMPLATE, after_help = EXIT_CODES, after_long_help = MORE)]
    Watch(PairArgs),
    /// Show what sync would do; change nothing.
    #[command(before_help = PLAN_EXAMPLES, help_template = TEMPLATE, after_help = EXIT_CODES, after_long_help = MORE)]
    Plan(PairArgs),
}

/// What `sync` takes.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) pair: PairArgs,
    /// Show what would be done; change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Taken for compatibility: `sync` always ends by itself
    #[arg(short = 'o', long, hide = true)]
    pub(crate) onetime: bool,
}

/// What all commands on a pair take.
#[derive(Debug, Args)]
pub(crate) struct PairArgs {
    /// The local side.
    #[arg(value_name = "A", help = "Local side: PATH, file:PATH or memory:NAME")]
    pub(crate) local: OsString,
    /// Remote side; a folder that is missing is made at the first meeting
    #[arg(value_name = "B")]
    pub(crate) remote: OsString,
    /// Where to keep the state of the pair
    #[arg(long, short_alias = 'S', alias = "statedb", value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// keep-both|hold|newer|older|larger|smaller|local|remote
    #[arg(
        long,
        value_name = "P",
        default_value = "keep-both",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) on_conflict: OnConflict,
    /// Hold deletions if more than this go at once [50%,1000]
    #[arg(
        long,
        value_name = "N",
        default_value = "50%,1000",
        hide_default_value = true,
        value_parser = max_delete
    )]
    pub(crate) max_delete: Limit,
    /// Hold no deletions in this run
    #[arg(long)]
    pub(crate) allow_deletes: bool,
    /// Leave out what matches, as in .gitignore; repeatable
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// What survives a power cut: full|batch|none [batch]; see below
    #[arg(
        long,
        value_name = "D",
        default_value = "batch",
        // For whoever has read what it costs.
        hide_short_help = true,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) durability: Flushed,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Print problems only (-qq: nothing)
    #[arg(short, action = ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
    /// Print every action with its reason (-vv: log)
    #[arg(short, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl PairArgs {
    /// Returns when deletions are held in this run.
    pub(crate) fn guard(&self) -> Option<Guard> {
        (!self.allow_deletes).then_some(self.max_delete.0)
    }
}

/// What to do about a conflict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum OnConflict {
    /// Keep both, the remote one under the name.
    KeepBoth,
    /// Leave both as they are.
    Hold,
    /// The one changed last wins.
    Newer,
    /// The one changed first wins.
    Older,
    /// The larger one wins.
    Larger,
    /// The smaller one wins.
    Smaller,
    /// The local one wins.
    Local,
    /// The remote one wins.
    Remote,
}

impl OnConflict {
    /// Returns its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            OnConflict::KeepBoth => "keep-both",
            OnConflict::Hold => "hold",
            OnConflict::Newer => "newer",
            OnConflict::Older => "older",
            OnConflict::Larger => "larger",
            OnConflict::Smaller => "smaller",
            OnConflict::Local => "local",
            OnConflict::Remote => "remote",
        }
    }

    /// Returns what means the same where the two sides change places.
    pub(crate) fn reversed(self) -> Self {
        match self {
            OnConflict::Local => OnConflict::Remote,
            OnConflict::Remote => OnConflict::Local,
            other => other,
        }
    }
}

impl From<OnConflict> for ConflictPolicy {
    fn from(chosen: OnConflict) -> Self {
        match chosen {
            OnConflict::KeepBoth => ConflictPolicy::KeepBoth,
            OnConflict::Hold => ConflictPolicy::Hold,
            OnConflict::Newer => ConflictPolicy::Newest,
            OnConflict::Older => ConflictPolicy::Oldest,
            OnConflict::Larger => ConflictPolicy::Largest,
            OnConflict::Smaller => ConflictPolicy::Smallest,
            OnConflict::Local => ConflictPolicy::Local,
            OnConflict::Remote => ConflictPolicy::Remote,
        }
    }
}

/// What is made durable, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Flushed {
    /// Each file and its folder, before it counts as done.
    Full,
    /// Many files at once, before they are recorded.
    Batch,
    /// Nothing.
    None,
}

impl From<Flushed> for Durability {
    fn from(chosen: Flushed) -> Self {
        match chosen {
            Flushed::Full => Durability::Full,
            Flushed::Batch => Durability::Batch,
            Flushed::None => Durability::None,
        }
    }
}

/// How many deletions may go at once.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Limit(pub(crate) Guard);

/// Reads `50%`, `1000` or both. A part that is not given does not limit; a share only counts above
/// the 20 deletions that a small folder may see any day, except `0%`, which holds all.
fn max_delete(text: &str) -> Result<Limit, String> {
    let mut guard = Guard {
        max_count: usize::MAX,
        max_share: 1.0,
        ..Guard::default()
    };
    for part in text.split(',').map(str::trim) {
        if let Some(percent) = part.strip_suffix('%') {
            let percent: f64 = percent
                .trim()
                .parse()
                .map_err(|_| format!("`{part}` is no percentage"))?;
            if !(0.0..=100.0).contains(&percent) {
                return Err("a percentage goes from 0 to 100".to_owned());
            }
            guard.max_share = percent / 100.0;
            if percent == 0.0 {
                guard.min_count = 0;
            }
        } else {
            guard.max_count = part
                .parse()
                .map_err(|_| format!("`{part}` is no number; try 50%, 1000 or 50%,1000"))?;
        }
    }
    Ok(Limit(guard))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed_and_their_help_fits_a_screen() {
        Cli::command().debug_assert();
        for name in ["sync", "watch", "plan"] {
            let mut command = Cli::command();
            let command = command.find_subcommand_mut(name).unwrap();
            let help = command.render_help().to_string();
            assert!(help.trim_end().lines().count() <= 24, "{help}");
            assert!(
                help.lines().all(|line| line.chars().count() <= 80),
                "{help}"
            );
            assert!(
                help.starts_with(&format!("Examples:\n  cloudsync {name} ")),
                "{help}"
            );
            let long = command.render_long_help().to_string();
            assert!(
                long.lines().all(|line| line.chars().count() <= 80),
                "{long}"
            );
        }
    }

    #[test]
    fn limits_of_deletions_are_read() {
        let guard = |text| max_delete(text).unwrap().0;
        assert_eq!(guard("50%,1000"), Guard::default());
        assert_eq!(guard("1000, 50%"), Guard::default());
        assert_eq!(guard("0").max_count, 0);
        assert_eq!(guard("10%").max_count, usize::MAX);
        assert_eq!((guard("0%").max_share, guard("0%").min_count), (0.0, 0));
        for wrong in ["", "x", "-1", "101%", "5 %%", "1,,2", "NaN%"] {
            assert!(max_delete(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durability_is_chosen_by_name() {
        let durability = |given: &str| {
            let line = format!("cloudsync sync {given} a b");
            let cli = Cli::try_parse_from(line.split_whitespace()).ok()?;
            let Command::Sync(args) = cli.command else {
                panic!("{cli:?}");
            };
            Some(Durability::from(args.pair.durability))
        };
        assert_eq!(durability(""), Some(Durability::Batch));
        assert_eq!(durability("--durability full"), Some(Durability::Full));
        assert_eq!(durability("--durability batch"), Some(Durability::Batch));
        assert_eq!(durability("--durability none"), Some(Durability::None));
        assert_eq!(durability("--durability some"), None);
    }

    #[test]
    fn the_old_flags_are_taken() {
        let line = "cloudsync sync -o -S state a b";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Sync(args) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(args.pair.state, Some(PathBuf::from("state")));
        assert!(args.onetime && !args.dry_run);
    }
}
