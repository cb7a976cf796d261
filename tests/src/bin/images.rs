//! Runs a command on file systems of all kinds: its temporary folder lies on each in turn.
//! `cargo xtask images` starts it with the tests that use real folders.
#![allow(clippy::print_stdout, reason = "a program")]

use std::env;
use std::process::{Command, ExitCode};

use cloudsync_tests::mount::{Image, Kind};

const SIZE: u64 = 1 << 30;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(program) = arguments.next() else {
        println!("images PROGRAM ARGUMENTS");
        return ExitCode::from(2);
    };
    let arguments: Vec<String> = arguments.collect();
    let mut is_well = true;
    for kind in Kind::ALL {
        let image = match Image::new(kind, SIZE) {
            Ok(image) => image,
            Err(error) => {
                println!("== {kind:?}: left out: {error}");
                continue;
            }
        };
        println!("== {kind:?}");
        let status = Command::new(&program)
            .args(&arguments)
            .env("TMPDIR", image.folder())
            .status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => {
                println!("== {kind:?}: FAILED: {status}");
                is_well = false;
            }
            Err(error) => {
                println!("{program}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
