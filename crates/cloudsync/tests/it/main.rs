//! Whole pairs through the public API: storages in memory in virtual time, and real folders.

mod building;
mod folders;
mod hooks;
mod once;
mod running;
mod trouble;
mod world;
