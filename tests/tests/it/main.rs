//! The scenarios of the reference by number, over pairs of mocked services in virtual time, and real
//! folders.
//!
//! `s020_…` is scenario S020. Each runs in many ways (`Way`): A by path and by id, told by events, from
//! stored cursors and by walks, with tidy and with shuffled listings. Side A is local, side B remote.
//! Where ours deliberately differs from the reference, the scenario says so.
//!
//! Numbers without a test here, as they pin how the reference does it and not what it does:
//!
//! | Number | Why |
//! | --- | --- |
//! | S112 | There is no folder for temporary files. |
//! | S114 | No entry costs a call only to prove that the link works. |
//! | S118 | Separators are the provider's own matter: below it, all paths are `/`-separated. |
//! | S125, S126 | On-demand files are not in this version. |
//! | S129 | The tests of the program are with it. |
//!
//! Mapped to another promise, said where they are: S005, S010, S012 (numbers of calls), S015, S046, S068,
//! S076, S085, S087, S094, S098, S099, S119, S127.
//! The numbers that are not named anywhere are not used by the reference.

#![allow(clippy::unwrap_used, reason = "panicking is how a test fails")]

mod case;
mod conflicts;
mod create;
mod cycles;
mod deciding;
mod disk;
mod errors;
mod folders;
mod fuzzed;
mod hints;
mod images;
mod killed;
mod lifecycle;
mod peers;
#[cfg(feature = "power")]
mod power;
mod real;
mod rename;
mod roots;
mod simulated;
mod storage;
mod translate;
