//! Tests of the providers from outside.

#[cfg(all(feature = "filesystem", feature = "conformance"))]
mod filesystem_conforms;
#[cfg(all(feature = "mock", feature = "conformance"))]
mod lying;
#[cfg(all(feature = "mock", feature = "conformance"))]
mod mock_conforms;
#[cfg(feature = "mock")]
mod mock_is_programmable;
