//! The tags of a tree's nodes, without what the nodes say anyway.
//!
//! The tag of a file on a disk has its mtime in it. Those eight bytes are not kept a second time.

use crate::object::Tag;
use crate::tree::column::Column;

/// A tag for each node.
#[derive(Clone, Hash, Debug, Default)]
pub(super) struct Tags {
    /// Where the mtime stood, and one more, or 0: nowhere. Then the rest. Nothing for an empty tag.
    short: Column,
}

impl Tags {
    /// Returns a node's tag, given its mtime.
    pub(super) fn get(&self, index: usize, mtime: Option<i64>) -> Tag {
        self.short.with(index, |short| match (short, mtime) {
            ([], _) => Tag::default(),
            ([at, rest @ ..], Some(mtime)) if *at > 0 => {
                let (before, after) = rest.split_at(usize::from(*at) - 1);
                Tag::new(&*join([before, &mtime.to_be_bytes(), after]))
            }
            ([_, rest @ ..], _) => Tag::new(rest),
        })
    }

    /// Returns whether a node's tag is this one, given its mtime.
    pub(super) fn is(&self, index: usize, tag: &Tag, mtime: Option<i64>) -> bool {
        let tag = tag.as_bytes();
        self.short.with(index, |short| match (short, mtime) {
            ([], _) => tag.is_empty(),
            ([at, rest @ ..], Some(mtime)) if *at > 0 => {
                let (before, after) = rest.split_at(usize::from(*at) - 1);
                let tag = tag.strip_prefix(before);
                tag.and_then(|tag| tag.strip_prefix(&mtime.to_be_bytes())) == Some(after)
            }
            ([_, rest @ ..], _) => tag == rest,
        })
    }

    /// Sets a node's tag. What it is depends on the mtime: whoever sets that sets the tag too.
    pub(super) fn set(&mut self, index: usize, tag: &Tag, mtime: Option<i64>) {
        let tag = tag.as_bytes();
        if tag.is_empty() {
            return self.short.set(index, &[]);
        }
        let found = mtime.map(i64::to_be_bytes).and_then(|mtime| {
            let at = tag.windows(8).position(|bytes| *bytes == mtime)?;
            Some((at, u8::try_from(at + 1).ok()?))
        });
        let short = match found {
            Some((at, mark)) => join([&[mark], &tag[..at], &tag[at + 8..]]),
            None => join([&[0], tag, &[]]),
        };
        self.short.set(index, &short);
    }
}

/// A few bytes joined, on the stack if they are.
fn join(parts: [&[u8]; 3]) -> Joined {
    let mut short = [0; 48];
    let mut len = 0;
    for part in parts {
        let Some(room) = short.get_mut(len..len + part.len()) else {
            return Joined::Long(parts.concat());
        };
        room.copy_from_slice(part);
        len += part.len();
    }
    Joined::Short(short, len)
}

enum Joined {
    Short([u8; 48], usize),
    Long(Vec<u8>),
}

impl std::ops::Deref for Joined {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Joined::Short(bytes, len) => &bytes[..*len],
            Joined::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_comes_back_whatever_is_in_it() {
        let mtime = 1_763_800_000_123_456_789_i64;
        let with = |before: usize, after: usize| {
            let parts = [
                vec![7; before],
                mtime.to_be_bytes().to_vec(),
                vec![9; after],
            ];
            Tag::new(parts.concat())
        };
        let tags = [
            Tag::default(),
            Tag::new("r17"),
            with(0, 0),
            with(1, 12),
            with(300, 0),
            with(0, 300),
            Tag::new([0; 40]),
        ];
        for mtime in [None, Some(0), Some(mtime)] {
            let mut column = Tags::default();
            for index in 0..200 {
                column.set(index, &tags[index % tags.len()], mtime);
            }
            for index in 0..200 {
                assert_eq!(column.get(index, mtime), tags[index % tags.len()]);
                for tag in &tags {
                    let is_it = *tag == tags[index % tags.len()];
                    assert_eq!(column.is(index, tag, mtime), is_it);
                }
            }
        }
    }
}
