//! Whole pairs through the public API: storages in memory in virtual time, and real folders.

#![allow(clippy::unwrap_used, reason = "a failed call fails the test")]

mod building;
mod folders;
mod hooks;
mod once;
mod panicky;
mod running;
mod trouble;
mod world;
