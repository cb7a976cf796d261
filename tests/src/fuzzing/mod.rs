//! Anything at all, handed to what parses and to what decides: one function a target, of bytes.
//!
//! Each says what must hold whatever the bytes are. They are called in three ways: by `cargo fuzz`,
//! which looks for bytes that go new ways (`fuzz/`); by the tests, with the bytes that it kept
//! (`fuzz/corpus/`) and with random ones; and by whoever has bytes that once failed.
//!
//! Two things that other programs parse are not here, as nothing reads them in this version: there is
//! no file of settings, and plans are only written.

mod bytes;
mod driven;
mod events;
mod filters;
mod locations;
mod paths;
mod records;
mod state;
mod world;

pub use events::events;
pub use filters::filters;
pub use locations::locations;
pub use paths::paths;
pub use records::records;
pub use state::state;
pub use world::world;

/// A target: its name, which is also that of its folder of kept bytes, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 7] = [
    ("events", events),
    ("filters", filters),
    ("locations", locations),
    ("paths", paths),
    ("records", records),
    ("state", state),
    ("world", world),
];
