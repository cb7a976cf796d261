//! The program `cloudsync`: everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    cloudsync_cli::main_with(std::env::args_os())
}
