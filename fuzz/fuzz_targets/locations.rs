//! Hands any bytes to `cloudsync_tests::fuzzing::locations`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cloudsync_tests::fuzzing::locations(bytes));
