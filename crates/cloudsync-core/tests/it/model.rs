//! The engine in a model world: users at random, faults at random, answers in any order.

use cloudsync_core::engine::io::Act;
use cloudsync_core::rules::Identity;
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::testing::{Faults, ModelPair, UserAct, user_acts};
use proptest::prelude::*;

const STABLE: BySide<Identity> = BySide::new(Identity::Stable, Identity::Stable);
const SENSITIVE: BySide<bool> = BySide::new(true, true);

fn pair() -> ModelPair {
    ModelPair::new(STABLE, SENSITIVE, 1)
}

#[test]
fn a_new_file_is_copied() {
    let mut pair = pair();
    pair.act(&UserAct::Mkdir(Side::Local, "a".into()));
    pair.act(&UserAct::Write(Side::Local, "a/b".into()));
    pair.act(&UserAct::Write(Side::Remote, "c".into()));
    pair.check();
    assert_eq!(pair.performed.len(), 3);
}

#[test]
fn a_moved_folder_is_one_rename() {
    let mut pair = pair();
    pair.act(&UserAct::Mkdir(Side::Local, "a".into()));
    for name in ["a/a", "a/b", "a/c"] {
        pair.act(&UserAct::Write(Side::Local, name.into()));
    }
    pair.check();
    pair.performed.clear();
    pair.act(&UserAct::Rename(Side::Local, "a".into(), "b".into()));
    pair.check();
    assert_eq!(pair.performed.len(), 1);
    assert_eq!(
        pair.count(Side::Remote, |act| matches!(act, Act::Rename { .. })),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn random_acts_on_two_stable_sides(seed: u64, acts in user_acts(24)) {
        let mut pair = ModelPair::new(STABLE, SENSITIVE, seed);
        pair.act_all(&acts);
        pair.check();
    }

    #[test]
    fn random_acts_and_faults(seed: u64, acts in user_acts(30), fail in 0..20_u32, lost in 0..20_u32, hints in 0..50_u32, store in 0..20_u32) {
        let faults = Faults { fail, lost_reply: lost, lost_hint: hints, store, ..Faults::default() };
        let mut pair = ModelPair::new(STABLE, SENSITIVE, seed).faults(faults);
        pair.act_all(&acts);
        pair.check();
    }

    #[test]
    fn random_acts_without_ids(seed: u64, acts in user_acts(24), local: bool) {
        let identities = if local {
            BySide::new(Identity::Path, Identity::Stable)
        } else {
            BySide::new(Identity::Path, Identity::Path)
        };
        let mut pair = ModelPair::new(identities, SENSITIVE, seed);
        pair.act_all(&acts);
        pair.check();
    }

    #[test]
    fn random_acts_where_case_differs(seed: u64, acts in user_acts(24), local: bool) {
        let mut pair = ModelPair::new(STABLE, BySide::new(local, false), seed);
        pair.act_all(&acts);
        pair.check();
    }

    #[test]
    fn a_lost_store_deletes_nothing(seed: u64, acts in user_acts(16), more in user_acts(6)) {
        let mut pair = ModelPair::new(STABLE, SENSITIVE, seed);
        pair.act_all(&acts);
        pair.run();
        pair.act_all(&more);
        pair.performed.clear();
        pair.lose_store();
        pair.check();
        prop_assert_eq!(pair.performed.iter().filter(|done| matches!(done.act, Act::Delete { .. })).count(), 0);
    }
}
