//! What is written is read; nothing else is.

use cloudsync_core::object::{Attributes, Kind, Oid, Tag};
use cloudsync_core::precondition::Expect;
use cloudsync_core::record::{
    AgreedRecord, AgreedSide, EntryId, IntendedAct, Intent, NodeRecord, Record, RenamePurpose,
};
use cloudsync_core::side::{BySide, Side};
use cloudsync_store::codec::{
    CodecError, decode_record, decode_value, encode_record, encode_value,
};
use proptest::prelude::*;

use crate::strategies::{any_record, typical};

const ID: EntryId = EntryId(7);

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A record that uses every field once: both nodes differ, both sides of the agreement are there.
fn full(act: IntendedAct) -> Record {
    let attributes = |mtime, mode| Attributes {
        mtime: Some(mtime),
        mode: Some(mode),
    };
    let node = |byte: u8, name: &str| NodeRecord {
        parent: EntryId(u32::from(byte)),
        name: Some(name.to_owned()),
        oid: Some(Oid::new([byte])),
        tag: Tag::new([byte + 1]),
        size: u64::from(byte) * 100,
        attributes: attributes(i64::from(byte), 0o600 + u32::from(byte)),
        digest: Some([byte; 32]),
        gone: byte == 2,
        agreed_content: byte == 1,
        unlisted: false,
    };
    let side = |byte: u8| AgreedSide {
        parent: EntryId(u32::from(byte)),
        name: format!("was{byte}"),
        tag: Tag::new([byte; 2]),
        attributes: attributes(-1, 0o700),
    };
    Record {
        kind: Kind::Folder,
        nodes: BySide::new(Some(node(1, "l")), Some(node(2, "r"))),
        agreed: Some(AgreedRecord {
            size: 300,
            digest: Some([5; 32]),
            sides: BySide::new(Some(side(3)), Some(side(4))),
        }),
        intent: Some(Intent {
            side: Side::Remote,
            act,
        }),
    }
}

/// A file that is not to be on the remote side, and was changed since it was.
fn withheld() -> Record {
    let mut record = typical();
    record.nodes.remote = None;
    if let Some(node) = &mut record.nodes.local {
        node.agreed_content = false;
        node.digest = Some([8; 32]);
        node.size += 1;
    }
    record
}

fn acts() -> [IntendedAct; 9] {
    let rename = |purpose| IntendedAct::Rename {
        parent: EntryId(8),
        name: "n".into(),
        purpose,
    };
    let write = |expect| IntendedAct::Write {
        parent: EntryId(8),
        name: "n".into(),
        expect,
        size: 5,
        attributes: Attributes {
            mtime: Some(1),
            mode: None,
        },
        source: Tag::new([3]),
        digest: None,
    };
    [
        IntendedAct::Make {
            parent: EntryId(8),
            name: "n".into(),
        },
        IntendedAct::Delete,
        rename(RenamePurpose::Carry),
        rename(RenamePurpose::Split),
        rename(RenamePurpose::Park),
        rename(RenamePurpose::Undo),
        write(Expect::Free),
        write(Expect::Unchanged {
            oid: Some(Oid::new([1])),
            tag: Tag::new([2]),
        }),
        IntendedAct::Merge {
            size: 5,
            digest: [6; 32],
            replaced: Tag::new([2]),
            loser: Tag::new([3]),
        },
    ]
}

/// Stores out there hold these bytes. Where this test fails, the change needs another format byte.
#[test]
fn the_bytes_of_a_record_are_those_that_were_always_written() {
    let golden = include_str!("../data/records.txt");
    let records = [typical()].into_iter().chain(acts().map(full));
    let own = IntendedAct::Rename {
        parent: EntryId(8),
        name: "n".into(),
        purpose: RenamePurpose::SplitOwn,
    };
    let records = records.chain([withheld(), full(own)]);
    let written: String = records
        .map(|record| hex(&encode_record(ID, &record).unwrap()) + "\n")
        .collect();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/records.txt");
        std::fs::write(path, &written).unwrap();
    }
    assert_eq!(written, golden);
}

#[test]
fn a_typical_record_of_two_disks_takes_at_most_170_bytes() {
    let length = encode_record(ID, &typical()).unwrap().len();
    assert!(length <= 170, "{length}");
}

#[test]
fn a_blob_of_another_row_is_refused() {
    let blob = encode_record(ID, &typical()).unwrap();
    assert_eq!(decode_record(EntryId(8), &blob), Err(CodecError::Checksum));
    let value = encode_value("a", b"x");
    assert_eq!(decode_value("b", &value), Err(CodecError::Checksum));
    assert_eq!(decode_value("a", &value).unwrap(), b"x");
}

/// Seals a payload as the codec does, to get past its checksum.
fn sealed(format: u8, payload: &[u8]) -> Vec<u8> {
    let mut blob = [&[format], payload].concat();
    let mut sum = crc32fast::Hasher::new();
    sum.update(&ID.0.to_le_bytes());
    sum.update(&blob);
    blob.extend(sum.finalize().to_le_bytes());
    blob
}

#[test]
fn formats_lengths_and_flags_that_we_do_not_write_are_refused() {
    assert_eq!(decode_record(ID, &[]), Err(CodecError::Length));
    assert_eq!(decode_record(ID, &[1, 2, 3, 4]), Err(CodecError::Length));
    assert_eq!(
        decode_record(ID, &sealed(2, &[0, 0])),
        Err(CodecError::Format(2))
    );
    // Flags: an agreed digest without an agreement; equal nodes without nodes; unknown bits.
    for payload in [[1 << 4, 0], [0, 1], [0, 1 << 7]] {
        let refused = decode_record(ID, &sealed(1, &payload));
        assert!(
            matches!(refused, Err(CodecError::Payload(_))),
            "{refused:?}"
        );
    }
    // Nothing, but a byte too many.
    let trailing = decode_record(ID, &sealed(1, &[0, 0, 0]));
    assert!(
        matches!(trailing, Err(CodecError::Payload(_))),
        "{trailing:?}"
    );
    let empty = Record {
        kind: Kind::File,
        nodes: BySide::new(None, None),
        agreed: None,
        intent: None,
    };
    assert_eq!(decode_record(ID, &sealed(1, &[0, 0])), Ok(empty));
}

#[test]
fn a_length_beyond_the_end_allocates_nothing() {
    // A local node: no flags, parent 1, then a tag of 2^62 bytes.
    let mut payload = vec![1 << 1, 0, 0, 1, 253];
    payload.extend((1_u64 << 62).to_le_bytes());
    let refused = decode_record(ID, &sealed(1, &payload));
    assert!(
        matches!(refused, Err(CodecError::Payload(_))),
        "{refused:?}"
    );
}

#[test]
fn a_record_too_large_to_be_true_is_not_written() {
    let mut record = typical();
    record.nodes.local.as_mut().unwrap().name = Some("x".repeat(2 << 20));
    assert!(matches!(
        encode_record(ID, &record),
        Err(CodecError::Payload(_))
    ));
}

proptest! {
    #[test]
    fn records_come_back_as_they_were(id: u32, record in any_record()) {
        let id = EntryId(id);
        let blob = encode_record(id, &record).unwrap();
        prop_assert_eq!(decode_record(id, &blob).unwrap(), record);
    }

    #[test]
    fn values_come_back_as_they_were(key: String, value: Vec<u8>) {
        prop_assert_eq!(decode_value(&key, &encode_value(&key, &value)).unwrap(), value);
    }

    #[test]
    fn a_flipped_bit_is_noticed(record in any_record(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut blob = encode_record(ID, &record).unwrap();
        let at = at.index(blob.len());
        blob[at] ^= 1 << bit;
        prop_assert_eq!(decode_record(ID, &blob), Err(CodecError::Checksum));
    }

    #[test]
    fn garbage_is_refused(blob: Vec<u8>) {
        prop_assert!(decode_record(ID, &blob).is_err());
    }

    /// Past the checksum, anything goes but a panic; what is read can be written again.
    #[test]
    fn sealed_garbage_does_no_harm(
        garbage in proptest::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..300),
    ) {
        if let Ok(record) = decode_record(ID, &sealed(1, &garbage)) {
            let again = encode_record(ID, &record).unwrap();
            prop_assert_eq!(decode_record(ID, &again).unwrap(), record);
        }
    }

    /// The same, near to what is really written.
    #[test]
    fn sealed_damage_does_no_harm(record in any_record(), at: prop::sample::Index, byte: u8) {
        let blob = encode_record(ID, &record).unwrap();
        let mut payload = blob[1..blob.len() - 4].to_vec();
        let at = at.index(payload.len());
        payload[at] = byte;
        if let Ok(record) = decode_record(ID, &sealed(1, &payload)) {
            let again = encode_record(ID, &record).unwrap();
            prop_assert_eq!(decode_record(ID, &again).unwrap(), record);
        }
    }
}
