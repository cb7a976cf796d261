//! A model of the world around the engine, for tests: two storage systems in memory, users that act
//! on them, a driver that answers in any order, fails and crashes, and an oracle that knows what must
//! be alive. No clock, no runtime: everything follows from a seed.
//!
//! Public behind the feature `testing`, so that whoever embeds the engine can test with it.

mod act;
mod pair;
mod random;
mod storage;

pub use act::{UserAct, user_acts};
pub use pair::{Faults, ModelPair};
pub use random::Random;
pub use storage::{Item, Storage};
