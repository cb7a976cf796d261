//! The layout of a stored record: flags first, then only what is there and not told already.
//!
//! Two sides that agree say most things twice, so the remote node leaves out what equals the local
//! one (parent, size, time, mode), and an agreement its size where a node says it. A record of two
//! disks takes about 160 bytes so, 230 as the plain structs would be.
//!
//! Order: `head`, `same`, the local node, the remote node, the agreement, the intent. A node: its
//! flags, parent, name, oid, tag, size, mtime, mode, digest. The layout is fixed by golden bytes in
//! the tests; another layout gets another format byte.

use std::fmt;

use cloudsync_core::object::{Attributes, Kind};
use cloudsync_core::record::{AgreedRecord, NodeRecord, Record};
use cloudsync_core::side::BySide;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// More than the fields of any record: bincode takes it as an upper bound only.
const MAX_FIELDS: usize = 64;

/// Bits of `head`: what the record has.
mod head {
    pub(super) const FOLDER: u8 = 1;
    pub(super) const LOCAL: u8 = 1 << 1;
    pub(super) const REMOTE: u8 = 1 << 2;
    pub(super) const AGREED: u8 = 1 << 3;
    pub(super) const AGREED_DIGEST: u8 = 1 << 4;
    pub(super) const AGREED_LOCAL: u8 = 1 << 5;
    pub(super) const AGREED_REMOTE: u8 = 1 << 6;
    pub(super) const INTENT: u8 = 1 << 7;
}

/// Bits of `same`: what is left out, as it stands before.
mod same {
    pub(super) const PARENT: u8 = 1;
    pub(super) const SIZE: u8 = 1 << 1;
    pub(super) const MTIME: u8 = 1 << 2;
    pub(super) const MODE: u8 = 1 << 3;
    /// The agreed size is that of the local node, or of the remote one where it is alone.
    pub(super) const AGREED_SIZE: u8 = 1 << 4;
    /// What the remote node can leave out.
    pub(super) const NODE: u8 = PARENT | SIZE | MTIME | MODE;
    pub(super) const ALL: u8 = NODE | AGREED_SIZE;
}

/// Bits of a node's flags.
mod node {
    pub(super) const NAME: u8 = 1;
    pub(super) const OID: u8 = 1 << 1;
    pub(super) const MTIME: u8 = 1 << 2;
    pub(super) const MODE: u8 = 1 << 3;
    pub(super) const DIGEST: u8 = 1 << 4;
    pub(super) const GONE: u8 = 1 << 5;
    pub(super) const AGREED_CONTENT: u8 = 1 << 6;
    pub(super) const UNLISTED: u8 = 1 << 7;
}

/// A record to write.
pub(super) struct Writing<'a>(pub(super) &'a Record);

/// A record that was read.
pub(super) struct Read(pub(super) Record);

/// Returns the bits of those that are set.
fn bits<const N: usize>(set: [(bool, u8); N]) -> u8 {
    set.into_iter()
        .filter(|(is_set, _)| *is_set)
        .fold(0, |all, (_, bit)| all | bit)
}

fn head_of(record: &Record) -> u8 {
    let agreed = record.agreed.as_ref();
    bits([
        (record.kind == Kind::Folder, head::FOLDER),
        (record.nodes.local.is_some(), head::LOCAL),
        (record.nodes.remote.is_some(), head::REMOTE),
        (agreed.is_some(), head::AGREED),
        (
            agreed.is_some_and(|agreed| agreed.digest.is_some()),
            head::AGREED_DIGEST,
        ),
        (
            agreed.is_some_and(|agreed| agreed.sides.local.is_some()),
            head::AGREED_LOCAL,
        ),
        (
            agreed.is_some_and(|agreed| agreed.sides.remote.is_some()),
            head::AGREED_REMOTE,
        ),
        (record.intent.is_some(), head::INTENT),
    ])
}

fn same_of(record: &Record) -> u8 {
    let nodes = record.nodes.as_ref().map(Option::as_ref);
    let both = match (nodes.local, nodes.remote) {
        (Some(local), Some(remote)) => bits([
            (local.parent == remote.parent, same::PARENT),
            (local.size == remote.size, same::SIZE),
            (
                local.attributes.mtime == remote.attributes.mtime,
                same::MTIME,
            ),
            (local.attributes.mode == remote.attributes.mode, same::MODE),
        ]),
        _ => 0,
    };
    let told = nodes.local.or(nodes.remote).map(|node| node.size);
    let agreed = record.agreed.as_ref().map(|agreed| agreed.size);
    both | bits([(agreed.is_some() && agreed == told, same::AGREED_SIZE)])
}

impl Serialize for Writing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let mut fields = serializer.serialize_tuple(MAX_FIELDS)?;
        let same = same_of(record);
        fields.serialize_element(&head_of(record))?;
        fields.serialize_element(&same)?;
        if let Some(local) = &record.nodes.local {
            write_node(&mut fields, local, 0)?;
        }
        if let Some(remote) = &record.nodes.remote {
            write_node(&mut fields, remote, same)?;
        }
        if let Some(agreed) = &record.agreed {
            if same & same::AGREED_SIZE == 0 {
                fields.serialize_element(&agreed.size)?;
            }
            write_some(&mut fields, agreed.digest.as_ref())?;
            write_some(&mut fields, agreed.sides.local.as_ref())?;
            write_some(&mut fields, agreed.sides.remote.as_ref())?;
        }
        write_some(&mut fields, record.intent.as_ref())?;
        fields.end()
    }
}

fn write_some<F: SerializeTuple, T: Serialize>(
    fields: &mut F,
    value: Option<&T>,
) -> Result<(), F::Error> {
    value.map_or(Ok(()), |value| fields.serialize_element(value))
}

/// Writes a node without what `same` says.
fn write_node<F: SerializeTuple>(
    fields: &mut F,
    node: &NodeRecord,
    same: u8,
) -> Result<(), F::Error> {
    let mtime = node.attributes.mtime.filter(|_| same & same::MTIME == 0);
    let mode = node.attributes.mode.filter(|_| same & same::MODE == 0);
    fields.serialize_element(&bits([
        (node.name.is_some(), node::NAME),
        (node.oid.is_some(), node::OID),
        (mtime.is_some(), node::MTIME),
        (mode.is_some(), node::MODE),
        (node.digest.is_some(), node::DIGEST),
        (node.gone, node::GONE),
        (node.agreed_content, node::AGREED_CONTENT),
        (node.unlisted, node::UNLISTED),
    ]))?;
    if same & same::PARENT == 0 {
        fields.serialize_element(&node.parent)?;
    }
    write_some(fields, node.name.as_ref())?;
    write_some(fields, node.oid.as_ref())?;
    fields.serialize_element(&node.tag)?;
    if same & same::SIZE == 0 {
        fields.serialize_element(&node.size)?;
    }
    write_some(fields, mtime.as_ref())?;
    write_some(fields, mode.as_ref())?;
    write_some(fields, node.digest.as_ref())
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(MAX_FIELDS, Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Read, A::Error> {
        let head: u8 = read(&mut fields)?;
        let same: u8 = read(&mut fields)?;
        let has = |bit| head & bit != 0;
        let needed = bits([
            (same & same::NODE != 0, head::LOCAL | head::REMOTE),
            (same & same::AGREED_SIZE != 0, head::AGREED),
            (
                has(head::AGREED_DIGEST | head::AGREED_LOCAL | head::AGREED_REMOTE),
                head::AGREED,
            ),
        ]);
        if head & needed != needed || same & !same::ALL != 0 {
            return Err(A::Error::custom("flags that contradict each other"));
        }

        let local = if has(head::LOCAL) {
            Some(read_node(&mut fields, 0, None)?)
        } else {
            None
        };
        let remote = if has(head::REMOTE) {
            Some(read_node(&mut fields, same, local.as_ref())?)
        } else {
            None
        };
        let agreed = if has(head::AGREED) {
            let told = local
                .as_ref()
                .or(remote.as_ref())
                .map(|node: &NodeRecord| node.size);
            Some(AgreedRecord {
                size: match told {
                    Some(size) if same & same::AGREED_SIZE != 0 => size,
                    _ => read(&mut fields)?,
                },
                digest: read_if(&mut fields, has(head::AGREED_DIGEST))?,
                sides: BySide {
                    local: read_if(&mut fields, has(head::AGREED_LOCAL))?,
                    remote: read_if(&mut fields, has(head::AGREED_REMOTE))?,
                },
            })
        } else {
            None
        };
        Ok(Read(Record {
            kind: if has(head::FOLDER) {
                Kind::Folder
            } else {
                Kind::File
            },
            nodes: BySide { local, remote },
            agreed,
            intent: read_if(&mut fields, has(head::INTENT))?,
        }))
    }
}

/// Reads a node; what `same` says was left out is taken from `local`.
fn read_node<'de, A: SeqAccess<'de>>(
    fields: &mut A,
    same: u8,
    local: Option<&NodeRecord>,
) -> Result<NodeRecord, A::Error> {
    let flags: u8 = read(fields)?;
    let has = |bit| flags & bit != 0;
    let told = |bit| local.filter(|_| same & bit != 0);
    Ok(NodeRecord {
        parent: told(same::PARENT).map_or_else(|| read(fields), |local| Ok(local.parent))?,
        name: read_if(fields, has(node::NAME))?,
        oid: read_if(fields, has(node::OID))?,
        tag: read(fields)?,
        size: told(same::SIZE).map_or_else(|| read(fields), |local| Ok(local.size))?,
        attributes: Attributes {
            mtime: match told(same::MTIME) {
                Some(local) => local.attributes.mtime,
                None => read_if(fields, has(node::MTIME))?,
            },
            mode: match told(same::MODE) {
                Some(local) => local.attributes.mode,
                None => read_if(fields, has(node::MODE))?,
            },
        },
        digest: read_if(fields, has(node::DIGEST))?,
        gone: has(node::GONE),
        agreed_content: has(node::AGREED_CONTENT),
        unlisted: has(node::UNLISTED),
    })
}

fn read<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(fields: &mut A) -> Result<T, A::Error> {
    fields
        .next_element()?
        .ok_or_else(|| A::Error::custom("a field is missing"))
}

fn read_if<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
    fields: &mut A,
    is_there: bool,
) -> Result<Option<T>, A::Error> {
    if is_there {
        read(fields).map(Some)
    } else {
        Ok(None)
    }
}
