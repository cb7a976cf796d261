//! Tests of the stores and of the codec, from outside.

#![allow(clippy::unwrap_used, reason = "tests")]

mod codec;
mod damage;
mod killed;
mod memory;
mod model;
mod opening;
mod strategies;
