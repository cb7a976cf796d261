//! The state machine: trees, deltas and plans driven by inputs.

pub mod io;
