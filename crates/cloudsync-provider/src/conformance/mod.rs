//! Tests that any provider can run against itself, for every promise of [`crate::Provider`] and
//! [`crate::Capabilities`].
//!
//! Write a [`Fixture`], and in a test of the provider's crate:
//!
//! ```
//! # use cloudsync_provider::conformance::{Fixture, run_suite};
//! # async fn run(mut fixture: impl Fixture) {
//! let report = run_suite(&mut fixture).await;
//! assert!(report.passed_all(), "{report}");
//! # }
//! ```
//!
//! A [`Case`] that needs a promise the provider does not make, or a hook the fixture does not have, is
//! left out, and the [`Report`] says for want of what. `P005` and the like in [`Case::covers`] are the
//! numbers of the reference's provider tests.

mod bench;
mod case;
mod cases;
mod fixture;
mod need;
mod report;

pub use bench::Bench;
pub use case::{Case, Outcome, Run, Stop};
pub use cases::cases;
pub use fixture::Fixture;
pub use need::Need;
pub use report::Report;

/// Runs all cases, one after the other, each on a fresh root.
pub async fn run_suite(fixture: &mut dyn Fixture) -> Report {
    run_cases(fixture, cases()).await
}

/// Runs some cases, one after the other, each on a fresh root.
pub async fn run_cases(
    fixture: &mut dyn Fixture,
    cases: impl IntoIterator<Item = &'static Case>,
) -> Report {
    let mut report = Report::default();
    for case in cases {
        let outcome = run_case(fixture, case).await;
        report.add(case, outcome);
    }
    report
}

async fn run_case(fixture: &mut dyn Fixture, case: &Case) -> Outcome {
    let provider = match fixture.fresh().await {
        Ok(provider) => provider,
        Err(error) => return Err(Stop::Failed(format!("no fresh root: {error}"))),
    };
    if let Some(want) = case
        .needs
        .iter()
        .find(|need| !(need.holds)(&provider.capabilities()))
    {
        return Err(Stop::LeftOut(want.what));
    }
    let mut bench = Bench::new(provider.into(), fixture);
    let limit = bench.patience() * 6;
    match tokio::time::timeout(limit, (case.run)(&mut bench)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Stop::Failed(format!("not done after {limit:?}"))),
    }
}
