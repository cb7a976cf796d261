//! What a store has read: never more than was written, and never something else.

use cloudsync_core::record::EntryId;
use cloudsync_store::codec::{decode_record, decode_value, encode_record, encode_value};

use super::bytes::Bytes;

/// Bytes as a store may hold them, as a record and as a value: refused, or what is read is written and
/// read again as the same. What was written is refused with any bit changed, and in any other row.
pub fn records(bytes: &[u8]) {
    let mut draw = Bytes::new(bytes);
    let id = EntryId(draw.word());
    let bit = usize::try_from(draw.word()).unwrap_or(0);
    let payload = draw.rest();
    is_itself(id, payload, bit);
    is_itself(id, &sealed(id, payload), bit);
    value(payload, bit);
}

/// Puts around a payload what the codec puts around it, so that what is read is the payload.
pub(super) fn sealed(id: EntryId, payload: &[u8]) -> Vec<u8> {
    let mut blob = vec![1];
    blob.extend_from_slice(payload);
    let mut sum = crc32fast::Hasher::new();
    sum.update(&id.0.to_le_bytes());
    sum.update(&blob);
    blob.extend_from_slice(&sum.finalize().to_le_bytes());
    blob
}

fn is_itself(id: EntryId, blob: &[u8], bit: usize) {
    let Ok(record) = decode_record(id, blob) else {
        return;
    };
    let written = encode_record(id, &record).expect("what was read can be written");
    assert!(written.len() <= blob.len(), "it does not grow");
    assert_eq!(decode_record(id, &written).as_ref(), Ok(&record));
    assert!(decode_record(EntryId(id.0 ^ 1), &written).is_err());
    let damaged = flipped(written, bit);
    assert!(decode_record(id, &damaged).is_err(), "bit {bit} of it");
}

fn value(value: &[u8], bit: usize) {
    let written = encode_value("cursor.local", value);
    assert_eq!(decode_value("cursor.local", &written).as_deref(), Ok(value));
    assert!(decode_value("cursor.locam", &written).is_err());
    assert!(decode_value("cursor.local", &flipped(written, bit)).is_err());
    if let Ok(read) = decode_value("", value) {
        assert_eq!(encode_value("", &read), value);
    }
}

fn flipped(mut blob: Vec<u8>, bit: usize) -> Vec<u8> {
    let at = bit / 8 % blob.len();
    blob[at] ^= 1 << (bit % 8);
    blob
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloudsync_core::object::Kind;
    use cloudsync_core::record::Record;
    use cloudsync_core::side::BySide;

    /// Else the target would see nothing but wrong sums.
    #[test]
    fn what_is_sealed_here_is_read() {
        let record = Record {
            kind: Kind::Folder,
            nodes: BySide::default(),
            agreed: None,
            intent: None,
        };
        let id = EntryId(7);
        let blob = encode_record(id, &record).expect("a record");
        assert_eq!(sealed(id, &blob[1..blob.len() - 4]), blob);
    }
}
