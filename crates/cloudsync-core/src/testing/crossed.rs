//! Worlds in which two users move the same things about, each their own way: into each other, inside out, and to the
//! places that the other one's took.

use crate::rules::Identity;
use crate::side::{BySide, Side};
use crate::testing::act::UserAct;
use crate::testing::random::Random;
use crate::testing::setup::{Faults, SideSetup};
use crate::testing::swarm::Swarm;
use crate::testing::user::User;

/// Draws the world of a seed. In most of them nothing fails, and both sides are disks.
pub(super) fn world(seed: u64) -> Swarm {
    let mut world = Swarm::new(seed);
    let mut random = Random::new(seed ^ 0x00c2_055e);
    if random.chance(70) {
        world.setup = BySide::from_fn(|_| SideSetup::default());
    }
    if random.chance(70) {
        world.faults = Faults::default();
    }
    world.guard = None;
    for side in Side::BOTH {
        // Where two files have one tag, nobody can tell that one took the other's place just before we change that; nor,
        // where one moved away and back and not all of that was told, that it is one.
        if world.setup[side].identity == Identity::Path {
            world.setup[side].clock_step = 0;
            world.faults.lost_hint = 0;
        }
    }
    let mut maker = User::new(Side::Local);
    for _ in 0..4 + random.below(10) {
        maker.make(&mut random);
    }
    let mut acts = std::mem::take(&mut maker.acts);
    acts.push(UserAct::Work(u8::MAX));
    let mut users = BySide::from_fn(|side| maker.beside(side));
    for _ in 0..2 + random.below(14) {
        let user = &mut users[Side::BOTH[random.below(2)]];
        match random.below(10) {
            0 => user.make(&mut random),
            1 => user.delete(&mut random),
            _ => user.rename(&mut random),
        }
        acts.append(&mut user.acts);
        if random.chance(20) {
            let steps = u8::try_from(random.below(30)).unwrap_or(0);
            acts.push(UserAct::Work(steps));
        }
    }
    world.acts = acts;
    world
}
