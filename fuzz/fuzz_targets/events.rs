//! Hands any bytes to `cloudsync_tests::fuzzing::events`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cloudsync_tests::fuzzing::events(bytes));
