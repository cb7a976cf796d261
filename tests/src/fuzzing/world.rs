//! A whole world for the engine: what its sides are like, what goes wrong, and what users do.

use cloudsync_core::engine::io::{ConflictPolicy, Guard};
use cloudsync_core::rules::{Feed, Identity};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, Scope, SideSetup, Swarm, UserAct};

use super::bytes::Bytes;

/// More acts than this make a run no better, only longer.
const MOST_ACTS: usize = 60;

/// A world in which all is drawn but the order of answers, which follows from two of the bytes. The oracle
/// of the model world judges it.
pub fn world(bytes: &[u8]) {
    drawn(&mut Bytes::new(bytes)).run();
}

/// Draws a world.
fn drawn(draw: &mut Bytes<'_>) -> Swarm {
    let kind = draw.below(6);
    let seed = u64::from(draw.byte()) << 8 | u64::from(draw.byte());
    let mut setup = BySide::from_fn(|_| side(draw));
    let is_faulty = draw.flag();
    let faults = if is_faulty {
        faults(draw)
    } else {
        Faults::default()
    };
    let guard = draw.rarely(8).then_some(Guard {
        max_count: 3,
        max_share: 0.5,
        min_count: 1,
        min_emptied: usize::MAX,
    });
    let by_parts = kind == 1;
    if by_parts {
        let which = draw.below(3);
        setup.local.folder_move = which == 0;
        setup.remote.folder_move = which == 1;
    }
    let asks = kind == 2;
    let mut acts = Vec::new();
    while !draw.is_empty() && acts.len() < MOST_ACTS {
        acts.push(act(draw, kind == 3));
    }
    let drawn = Swarm {
        seed,
        setup,
        faults,
        guard,
        on_conflict: if asks {
            ConflictPolicy::Ask
        } else {
            ConflictPolicy::KeepBoth
        },
        translation: None,
        one_sided: None,
        acts,
    };
    match kind {
        4 => drawn.translating(),
        5 => drawn.late(),
        _ => drawn,
    }
}

fn side(draw: &mut Bytes<'_>) -> SideSetup {
    let bits = draw.byte();
    let has = |bit: u8| bits >> bit & 1 == 1;
    let ids = !has(0);
    SideSetup {
        identity: if ids {
            Identity::Stable
        } else {
            Identity::Path
        },
        case_sensitive: !has(1),
        id_lookup: ids && has(2),
        feed: if has(3) {
            Feed::Resumable
        } else {
            Feed::Volatile
        },
        native_hashes: has(4),
        clock_step: draw.one_of(&[0, 0, 7, 20]),
        renames_touch: has(5),
        slow_walks: has(6),
        hints_by_id: ids && has(7),
        folder_move: true,
        own_changes: true,
    }
}

fn faults(draw: &mut Bytes<'_>) -> Faults {
    let mut percent = |most: usize| u32::try_from(draw.below(most)).unwrap_or(0);
    Faults {
        fail: percent(20),
        lost_reply: percent(20),
        late_answer: 0,
        late_look: 0,
        lost_hint: percent(50),
        late_hint: percent(30),
        doubled_hint: percent(30),
        store: percent(20),
        look: percent(20),
        walk: percent(20),
        cut: percent(10),
        expired: percent(50),
        outlives: 0,
    }
}

fn act(draw: &mut Bytes<'_>, chooses: bool) -> UserAct {
    let (what, side) = (draw.byte(), draw.side());
    match what % 16 {
        0..3 => UserAct::Write(side, draw.path()),
        3..5 => UserAct::Mkdir(side, draw.path()),
        5..8 => UserAct::Rename(side, draw.path(), draw.path()),
        8 => UserAct::Delete(side, draw.path()),
        9 => UserAct::WriteBoth(draw.path()),
        10 => UserAct::Touch(side, draw.path(), draw.byte()),
        11 | 12 => UserAct::Work(draw.byte() % 64),
        13 if chooses => UserAct::Choose(scope(draw, side)),
        13 => UserAct::Crash,
        14 if side == Side::Local => UserAct::Down(draw.side()),
        14 => UserAct::Up(draw.side()),
        _ => {
            let from = draw.path();
            let to = from.replace('A', "_").replace('a', "A").replace('_', "a");
            UserAct::Rename(side, from, to)
        }
    }
}

fn scope(draw: &mut Bytes<'_>, side: Side) -> Scope {
    let mut scope = Scope::default();
    let mut name = || {
        draw.one_of(&[None, Some("b"), Some("c")])
            .map(str::to_owned)
    };
    scope.unwanted[side] = name();
    scope.unwanted[side.other()] = name();
    scope
}
