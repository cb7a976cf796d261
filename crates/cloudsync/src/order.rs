//! The order of turns, where more than one is possible: as things come, or drawn from a seed.

/// Decides which of several things that could be next is next.
#[derive(Clone, Debug)]
pub(crate) struct Order(Option<u64>);

impl Order {
    /// As things come (`None`), or drawn from a seed: the same seed, the same order.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed)
    }

    /// Returns true if the less usual of two turns is to be taken first: one time of two, with a seed.
    pub(crate) fn turns_round(&mut self) -> bool {
        self.draw().is_some_and(|drawn| drawn & 1 == 1)
    }

    /// Puts what may be begun at once into the order in which it is begun.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let Some(drawn) = self.draw() else { return };
            let at = usize::try_from(drawn % (end as u64 + 1)).expect("at most `end`");
            items.swap(at, end);
        }
    }

    /// Draws a number, with a seed (`SplitMix64`).
    fn draw(&mut self) -> Option<u64> {
        let state = self.0.as_mut()?;
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(seed: Option<u64>) -> (Vec<u32>, Vec<bool>) {
        let mut order = Order::new(seed);
        let mut items: Vec<u32> = (0..20).collect();
        order.shuffle(&mut items);
        (items, (0..64).map(|_| order.turns_round()).collect())
    }

    #[test]
    fn the_seed_makes_the_order_and_nothing_is_lost() {
        let (items, turns) = shuffled(None);
        assert!(items.is_sorted() && !turns.contains(&true));
        for seed in 0..100 {
            let (mut items, turns) = shuffled(Some(seed));
            assert_eq!(shuffled(Some(seed)), (items.clone(), turns.clone()));
            assert_ne!(shuffled(Some(seed + 1)).0, items);
            assert!(turns.contains(&true) && turns.contains(&false));
            items.sort_unstable();
            assert_eq!(items, (0..20).collect::<Vec<_>>());
        }
    }
}
