//! What the benchmarks are made of. `cargo xtask bench` runs them.

pub mod crowd;
