//! What ends the program, for people.

use super::out::Out;
use super::text::{Mood, colored, shown};
use crate::problem::Problem;

/// Tells what ends the program.
pub(super) fn tell(problem: &Problem, colors: bool) {
    let mut err = Out::stderr();
    for line in lines(problem, colors) {
        err.line(&line);
    }
}

/// Returns what to tell of it: what happened, what to do, what the shell is told.
pub(super) fn lines(problem: &Problem, colors: bool) -> Vec<String> {
    let message = colored(&format!("✗ {}", shown(&problem.message)), Mood::Bad, colors);
    let hint = problem.hint.iter().map(|hint| format!("  {}", shown(hint)));
    let exit = std::iter::once(format!("  exit {}", problem.exit.code()));
    std::iter::once(message).chain(hint).chain(exit).collect()
}
