//! A store that has anything in it, as far as it can be read.

use cloudsync_core::engine::io::ConflictPolicy;
use cloudsync_core::record::{EntryId, Snapshot};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::SideSetup;
use cloudsync_store::codec::decode_record;

use super::bytes::Bytes;
use super::driven::Driven;
use super::records::sealed;

/// Records that can be read and may contradict each other, over two storages with a file in each of them.
/// The engine takes them in, comes to rest, and both sides are equal.
pub fn state(bytes: &[u8]) {
    let mut draw = Bytes::new(bytes);
    let has_ids = draw.flag();
    let setup = SideSetup {
        id_lookup: has_ids,
        ..if has_ids {
            SideSetup::default()
        } else {
            SideSetup::without_ids()
        }
    };
    let paths = [draw.path(), draw.path()];
    let mut stored = Snapshot::default();
    while !draw.is_empty() {
        // Ids are handed out from the smallest on, and trees are as long as the largest.
        let id = if draw.rarely(8) {
            EntryId(draw.word() >> 16)
        } else {
            EntryId(u32::from(draw.byte() % 8))
        };
        let length = usize::from(draw.byte());
        if let Ok(record) = decode_record(id, &sealed(id, draw.take(length))) {
            stored.entries.push((id, record));
        }
    }
    let mut driven = Driven::new(
        BySide::new(setup, SideSetup::service()),
        ConflictPolicy::KeepBoth,
        stored,
    );
    for (side, path) in Side::BOTH.into_iter().zip(&paths) {
        driven.mkdir(side, path);
        driven.write(side, &format!("{path}/x"));
    }
    let status = driven.rest();
    assert!(status.troubles.is_empty(), "{:?}", status.troubles);
    driven.check_equal();
}
