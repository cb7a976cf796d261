//! Tests of the stores and of the codec, from outside.

mod codec;
mod damage;
mod memory;
mod model;
mod opening;
mod strategies;
