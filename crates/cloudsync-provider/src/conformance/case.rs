//! One test of the suite, and how it ends.

use futures::future::BoxFuture;

use super::bench::Bench;
use super::need::Need;
use crate::Error;

/// One test of the suite.
#[derive(Debug)]
#[non_exhaustive]
pub struct Case {
    /// What it shows, as a sentence.
    pub name: &'static str,
    /// The reference's tests that it stands for, if any.
    pub covers: &'static str,
    /// Promises without which it is left out.
    pub needs: &'static [Need],
    /// The test.
    pub run: Run,
}

/// The body of a case.
pub type Run = for<'a, 'b> fn(&'a mut Bench<'b>) -> BoxFuture<'a, Outcome>;

/// How a case ends.
pub type Outcome = Result<(), Stop>;

/// Why a case did not pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The provider does not do what it promises.
    Failed(String),
    /// It could not be tested, for want of this.
    LeftOut(&'static str),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("unexpected failure: {error:?}"))
    }
}

/// Makes a [`Case`] of an async function.
macro_rules! case {
    ($run:ident, $covers:literal, $needs:expr) => {
        $crate::conformance::Case {
            name: stringify!($run),
            covers: $covers,
            needs: $needs,
            run: |bench| Box::pin($run(bench)),
        }
    };
}

/// Ends the case as failed unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Stop::Failed(format!($($message)+)));
        }
    };
}

/// Ends the case as failed unless both are equal.
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($message:tt)+) => {
        match (&$left, &$right) {
            (left, right) => if *left != *right {
                let message = format!($($message)+);
                let text = format!("{message}: {left:?} is not {right:?}");
                return Err($crate::conformance::Stop::Failed(text));
            }
        }
    };
}

pub(super) use {case, ensure, ensure_eq};
