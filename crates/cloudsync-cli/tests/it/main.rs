//! The program itself, run on folders that go with each test.

#![allow(clippy::unwrap_used, reason = "a failed call fails the test")]

mod codes;
mod conflicts;
mod exclude;
mod guard;
mod json;
mod lab;
mod order;
mod output;
mod permissions;
mod plan;
mod roots;
mod space;
mod stopping;
mod watch;
