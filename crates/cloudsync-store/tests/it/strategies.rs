//! Records and batches at random, and one that is typical.

use cloudsync_core::object::{Attributes, Kind, Oid, Tag};
use cloudsync_core::precondition::Expect;
use cloudsync_core::record::{
    AgreedRecord, AgreedSide, Batch, BatchId, EntryId, IntendedAct, Intent, NodeRecord, Record,
    RenamePurpose,
};
use cloudsync_core::side::{BySide, Side};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A file of two disks that agree.
pub(crate) fn typical() -> Record {
    let node = |name: Option<&str>, byte| NodeRecord {
        parent: EntryId(70_000),
        name: name.map(str::to_owned),
        oid: Some(Oid::new([byte; 20])),
        tag: Tag::new([byte + 1; 20]),
        size: 123_456,
        attributes: Attributes {
            mtime: Some(1_763_800_000_123_456_789),
            mode: Some(0o644),
        },
        digest: None,
        gone: false,
        agreed_content: true,
        unlisted: false,
    };
    Record {
        kind: Kind::File,
        nodes: BySide::new(
            Some(node(Some("holiday-picture.jpeg"), 1)),
            Some(node(None, 3)),
        ),
        agreed: Some(AgreedRecord {
            size: 123_456,
            digest: Some([9; 32]),
            sides: BySide::new(None, None),
        }),
        intent: None,
    }
}

/// An empty batch.
pub(crate) fn batch(id: u64) -> Batch {
    Batch {
        id: BatchId(id),
        flush: BySide::default(),
        clear: false,
        puts: Vec::new(),
        deletes: Vec::new(),
        values: Vec::new(),
    }
}

/// Any batch over a few ids and keys, so that batches meet.
pub(crate) fn any_batch() -> impl Strategy<Value = Batch> {
    let id = || (1_u32..40).prop_map(EntryId);
    let key = proptest::sample::select(vec!["cursor", "walk", "ключ", ""]);
    let value = option::of(vec(any::<u8>(), 0..40));
    (
        any::<u64>(),
        proptest::bool::weighted(0.05),
        vec((id(), any_record()), 0..30),
        vec(id(), 0..10),
        vec((key.prop_map(str::to_owned), value), 0..4),
    )
        .prop_map(|(number, clear, puts, deletes, values)| Batch {
            clear,
            puts,
            deletes,
            values,
            ..batch(number)
        })
}

/// Any record that the types allow.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    // Two nodes that are alike are the rule, and are stored in another way.
    let nodes = prop_oneof![
        any_node().prop_map(|node| BySide::new(Some(node.clone()), Some(node))),
        (option::of(any_node()), option::of(any_node()))
            .prop_map(|(local, remote)| BySide::new(local, remote)),
    ];
    (
        any_kind(),
        nodes,
        option::of(any_agreed()),
        any::<bool>(),
        option::of(any_intent()),
    )
        .prop_map(|(kind, nodes, mut agreed, is_size_told, intent)| {
            let told = nodes
                .local
                .as_ref()
                .or(nodes.remote.as_ref())
                .map(|node| node.size);
            if let (Some(agreed), Some(size), true) = (&mut agreed, told, is_size_told) {
                agreed.size = size;
            }
            Record {
                kind,
                nodes,
                agreed,
                intent,
            }
        })
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::File), Just(Kind::Folder)]
}

fn any_id() -> impl Strategy<Value = EntryId> {
    prop_oneof![0_u32..300, any::<u32>()].prop_map(EntryId)
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..30),
        vec(any::<u8>(), 20),
        vec(any::<u8>(), 0..400)
    ]
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,12}\\.[a-z]{3}", "\\PC{0,20}", any::<String>()]
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    (
        option::of(any::<i64>()),
        option::of(prop_oneof![0_u32..0o10000, any::<u32>()]),
    )
        .prop_map(|(mtime, mode)| Attributes { mtime, mode })
}

fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0_u64..100_000, any::<u64>()]
}

fn any_node() -> BoxedStrategy<NodeRecord> {
    (
        (
            any_id(),
            option::of(any_name()),
            option::of(any_bytes()),
            any_bytes(),
            any_size(),
        ),
        (
            any_attributes(),
            option::of(any::<[u8; 32]>()),
            any::<[bool; 3]>(),
        ),
    )
        .prop_map(
            |((parent, name, oid, tag, size), (attributes, digest, flags))| NodeRecord {
                parent,
                name,
                oid: oid.map(Oid::new),
                tag: Tag::new(tag),
                size,
                attributes,
                digest,
                gone: flags[0],
                agreed_content: flags[1],
                unlisted: flags[2],
            },
        )
        .boxed()
}

fn any_agreed() -> BoxedStrategy<AgreedRecord> {
    let side = || {
        option::of(
            (any_id(), any_name(), any_bytes(), any_attributes()).prop_map(
                |(parent, name, tag, attributes)| AgreedSide {
                    parent,
                    name,
                    tag: Tag::new(tag),
                    attributes,
                },
            ),
        )
    };
    (any_size(), option::of(any::<[u8; 32]>()), side(), side())
        .prop_map(|(size, digest, local, remote)| AgreedRecord {
            size,
            digest,
            sides: BySide::new(local, remote),
        })
        .boxed()
}

fn any_intent() -> BoxedStrategy<Intent> {
    let purpose = prop_oneof![
        Just(RenamePurpose::Carry),
        Just(RenamePurpose::Split),
        Just(RenamePurpose::Park),
        Just(RenamePurpose::Undo),
        Just(RenamePurpose::SplitOwn),
    ];
    let expect = prop_oneof![
        Just(Expect::Free),
        (option::of(any_bytes()), any_bytes()).prop_map(|(oid, tag)| Expect::Unchanged {
            oid: oid.map(Oid::new),
            tag: Tag::new(tag)
        }),
    ];
    let write = (
        (any_id(), any_name(), expect, any_size()),
        (any_attributes(), any_bytes(), option::of(any::<[u8; 32]>())),
    )
        .prop_map(
            |((parent, name, expect, size), (attributes, source, digest))| IntendedAct::Write {
                parent,
                name,
                expect,
                size,
                attributes,
                source: Tag::new(source),
                digest,
            },
        );
    let act = prop_oneof![
        (any_id(), any_name()).prop_map(|(parent, name)| IntendedAct::Make { parent, name }),
        Just(IntendedAct::Delete),
        (any_id(), any_name(), purpose).prop_map(|(parent, name, purpose)| IntendedAct::Rename {
            parent,
            name,
            purpose
        }),
        write,
        (any_size(), any::<[u8; 32]>(), any_bytes(), any_bytes()).prop_map(
            |(size, digest, replaced, loser)| IntendedAct::Merge {
                size,
                digest,
                replaced: Tag::new(replaced),
                loser: Tag::new(loser),
            }
        ),
    ];
    (prop_oneof![Just(Side::Local), Just(Side::Remote)], act)
        .prop_map(|(side, act)| Intent { side, act })
        .boxed()
}
