//! The program: two-way sync between folders and clouds, from the command line.
//!
//! Written on the public API of the facade only. A program of one's own calls [`main_with`].
//!
//! What is where: [`args`] says what can be asked for, [`location`] and [`state`] where things are,
//! [`exclude`] what takes no part, [`commands`] what is done, [`display`] what is shown, [`exit`]
//! what the shell is told.

mod args;
mod commands;
mod display;
mod edits;
mod exclude;
mod exit;
mod help;
mod hold;
mod location;
mod logging;
mod problem;
mod signals;
mod state;
#[cfg(feature = "testing")]
pub mod testing;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::exit::Exit;

/// Runs the program with these arguments, of which the first is its name. Returns what the shell is
/// to be told.
pub fn main_with(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            // Nobody reading it is no failure.
            let _ = error.print();
            return exit.into();
        }
    };
    // The panic itself was told by the hook of the standard library.
    catch_unwind(AssertUnwindSafe(|| run(cli)))
        .unwrap_or(Exit::Bug)
        .into()
}

fn run(cli: Cli) -> Exit {
    match cli.command {
        Command::Plan(args) => commands::plan(&args),
        Command::Sync(args) if args.dry_run => commands::plan(&args.pair),
        Command::Sync(args) => commands::sync(&args.pair),
        Command::Watch(args) => commands::watch(&args),
    }
}
