//! The program itself, run on folders that go with each test.

mod codes;
mod conflicts;
mod exclude;
mod guard;
mod json;
mod lab;
mod output;
mod plan;
mod roots;
mod stopping;
mod watch;
