//! A fixed hash for the indexes of the trees: no random state, so that runs are equal.
//!
//! Source: the multiply-and-rotate scheme known as `FxHash`, on 64 bits, with a final mix
//! (`splitmix64`'s).

const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;

fn step(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(SEED)
}

fn mix(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// Hashes bytes.
pub(crate) fn bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = words.iter().fold(bytes.len() as u64, |state, word| {
        step(state, u64::from_le_bytes(*word))
    });
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        state = step(state, u64::from_le_bytes(last));
    }
    mix(state)
}

/// Hashes two numbers.
pub(crate) fn pair(first: u32, second: u32) -> u64 {
    mix(step(0, (u64::from(first) << 32) | u64::from(second)))
}
