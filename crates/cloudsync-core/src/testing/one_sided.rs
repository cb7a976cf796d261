//! Worlds in which users are at work on one side alone, and do nothing that is not possible: what they make
//! of it stays as they left it, whatever is held, fails or comes late.

use crate::engine::io::Guard;
use crate::rules::Identity;
use crate::side::Side;
use crate::testing::act::UserAct;
use crate::testing::random::Random;
use crate::testing::swarm::Swarm;
use crate::testing::user::User;

/// Draws the world of a seed: two disks with ids. Deletions are held in half of these worlds.
pub(super) fn world(seed: u64) -> Swarm {
    let mut world = Swarm::new(seed);
    let mut random = Random::new(seed ^ 0x0001_51de);
    for side in Side::BOTH {
        world.setup[side].identity = Identity::Stable;
        world.setup[side].case_sensitive = true;
    }
    world.guard = random.chance(50).then_some(Guard {
        max_count: 1,
        max_share: 0.1,
        min_count: 0,
        min_emptied: usize::MAX,
    });
    world.faults.late_answer = u32::from(random.chance(50)) * 50;
    world.faults.late_look = u32::from(random.chance(50)) * 50;
    // What is deleted right after its copy was made, whose end nobody saw, comes back.
    world.faults.lost_reply = 0;
    let mut user = User::new(Side::BOTH[random.below(2)]);
    for _ in 0..4 + random.below(8) {
        user.make(&mut random);
    }
    user.acts.push(UserAct::Work(u8::MAX));
    for _ in 0..2 + random.below(30) {
        match random.below(10) {
            0..2 => user.make(&mut random),
            2..6 => user.rename(&mut random),
            6 => user.touch(&mut random),
            7 => user.delete(&mut random),
            _ => {
                let steps = u8::try_from(random.below(30)).unwrap_or(0);
                user.acts.push(UserAct::Work(steps));
            }
        }
    }
    world.one_sided = Some(user.side);
    world.acts = user.acts;
    world
}
