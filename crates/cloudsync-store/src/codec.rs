//! Turns records and values into bytes and back. The only place that knows bincode.
//!
//! A blob is a format byte, the payload, and a CRC-32 (four bytes, little endian) over both and over
//! the key that the blob is stored under: bytes that were damaged, or that stand in another row, are
//! refused. A payload of another kind gets another format byte.

mod wire;

use bincode::Options;
use cloudsync_core::record::{EntryId, Record};
use thiserror::Error;

/// Bincode 1, variable-length integers, laid out by `wire`.
const RECORD_FORMAT: u8 = 1;
/// The bytes as they are.
const VALUE_FORMAT: u8 = 1;
/// A record is a few hundred bytes; one past this limit is a mistake or an attack.
const MAX_PAYLOAD_BYTES: u64 = 1 << 18;
/// Length of the CRC.
const SUM: usize = 4;

/// Why bytes are not what was written.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CodecError {
    /// The checksum is another one.
    #[error("the checksum does not match")]
    Checksum,
    /// Written by a program that knows more than we do, or damaged.
    #[error("unknown format {0}")]
    Format(u8),
    /// Fewer bytes than any blob has.
    #[error("too short")]
    Length,
    /// The payload makes no sense, or is larger than allowed.
    #[error("{0}")]
    Payload(String),
}

/// Returns the bytes to store under `id`.
pub fn encode_record(id: EntryId, record: &Record) -> Result<Vec<u8>, CodecError> {
    let mut blob = vec![RECORD_FORMAT];
    bincode_options()
        .serialize_into(&mut blob, &wire::Writing(record))
        .map_err(|error| CodecError::Payload(error.to_string()))?;
    let sum = checksum(&id.0.to_le_bytes(), &blob);
    blob.extend_from_slice(&sum);
    Ok(blob)
}

/// Returns the record in the bytes found under `id`.
pub fn decode_record(id: EntryId, blob: &[u8]) -> Result<Record, CodecError> {
    let payload = open(RECORD_FORMAT, &id.0.to_le_bytes(), blob)?;
    let wire::Read(record) = bincode_options()
        .deserialize(payload)
        .map_err(|error| CodecError::Payload(error.to_string()))?;
    Ok(record)
}

/// Returns the bytes to store under `key`.
pub fn encode_value(key: &str, value: &[u8]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(1 + value.len() + SUM);
    blob.push(VALUE_FORMAT);
    blob.extend_from_slice(value);
    let sum = checksum(key.as_bytes(), &blob);
    blob.extend_from_slice(&sum);
    blob
}

/// Returns the value in the bytes found under `key`.
pub fn decode_value(key: &str, blob: &[u8]) -> Result<Vec<u8>, CodecError> {
    open(VALUE_FORMAT, key.as_bytes(), blob).map(<[u8]>::to_vec)
}

fn bincode_options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_limit(MAX_PAYLOAD_BYTES)
        .with_varint_encoding()
        .reject_trailing_bytes()
}

fn checksum(key: &[u8], sealed: &[u8]) -> [u8; SUM] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(sealed);
    hasher.finalize().to_le_bytes()
}

/// Checks what surrounds a payload, and returns it.
fn open<'a>(format: u8, key: &[u8], blob: &'a [u8]) -> Result<&'a [u8], CodecError> {
    let (sealed, sum) = blob.split_last_chunk::<SUM>().ok_or(CodecError::Length)?;
    let (&found, payload) = sealed.split_first().ok_or(CodecError::Length)?;
    if *sum != checksum(key, sealed) {
        return Err(CodecError::Checksum);
    }
    if found != format {
        return Err(CodecError::Format(found));
    }
    Ok(payload)
}
