//! The whole under fire: the real facade and store between two hostile services, in virtual time, on
//! one thread.
//!
//! A run is told by four [`Tapes`]: what the world is like, what users do, in what order things happen,
//! and what goes wrong. Each is a row of numbers, of which every decision takes the next one; behind
//! its end there are zeroes, and zero is always the simplest choice. So a run that fails can be made
//! small on one tape without the others meaning anything else, and be kept as a file that means the
//! same as long as the draws are made in the same order.
//!
//! [`simulate`] makes a run of tapes: rounds of acts among faults, each ended by a quiet time, after
//! which the oracle judges (`oracle`). [`Seeds`] makes many runs, each of them twice.

mod facade;
mod faults;
mod life;
mod oracle;
mod provider;
mod round;
mod run;
mod seeds;
mod setup;
mod shrink;
mod sim;
mod store;
mod tally;
mod tape;
mod users;

pub use run::{Ran, simulate, simulate_twice};
pub use seeds::Seeds;
pub use shrink::shrink;
pub use tally::Tally;
pub use tape::{Tape, Tapes};
