//! A small generator whose seed is printed: the same seed gives the same rounds.

use crate::ids;

/// SplitMix64.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded by `TIDEGATE_SEED`, or at random; says on standard output how to repeat the rounds.
    ///
    /// # Panics
    /// If the variable is no whole number.
    #[expect(clippy::print_stdout, reason = "the test runner keeps it and shows it with a failure")]
    pub fn seeded() -> Self {
        let given = std::env::var_os("TIDEGATE_SEED")
            .map(|seed| seed.to_str().and_then(|seed| seed.parse().ok()).expect("TIDEGATE_SEED is a whole number"));
        let seed = given.unwrap_or_else(|| u64::from_be_bytes(ids::random_bytes()));
        println!("seed: {seed} (TIDEGATE_SEED={seed} repeats the rounds)");
        Random(seed)
    }

    /// With this seed.
    pub const fn from_seed(seed: u64) -> Self {
        Random(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `range`.
    pub fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.draw() % (range.end - range.start)
    }
}
