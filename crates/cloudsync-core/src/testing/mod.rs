//! A model of the world around the engine, for tests: two storage systems in memory, users that act
//! on them, a driver that answers in any order, fails and crashes, and an oracle that knows what must
//! be alive. No clock, no runtime: everything follows from a seed.
//!
//! Public behind the feature `testing`, so that whoever embeds the engine can test with it.

mod act;
mod check;
mod crossed;
mod disk;
mod driving;
pub mod exhaustive;
pub(crate) mod fingerprint;
pub mod interleaved;
mod one_sided;
mod pair;
mod planned;
mod provider;
mod random;
mod scope;
mod setup;
mod situations;
pub mod small;
mod storage;
mod swarm;
mod translation;
mod user;

pub use act::{UserAct, hostile_acts, user_acts};
pub use pair::ModelPair;
pub use planned::{Drawn, Planned};
pub use random::Random;
pub use scope::Scope;
pub use setup::{Faults, SideSetup, any_faults, any_side, any_sides};
pub use situations::Situations;
pub use storage::{Item, Storage, Touched};
pub use swarm::Swarm;
pub use translation::Translation;
