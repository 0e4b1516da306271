//! Choices that are the same every time: they follow from what they are about.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// A sequence of numbers that follows from a few texts.
pub(crate) struct Dice {
    seed: Vec<u8>,
    drawn: u64,
}

impl Dice {
    pub fn of(about: &[&str]) -> Self {
        Dice { seed: about.join("\n").into_bytes(), drawn: 0 }
    }

    fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let hash = Sha256::new().chain_update(&self.seed).chain_update(self.drawn.to_be_bytes());
        hash.finalize().into()
    }

    /// From 0 up to `bound`, without it.
    pub fn below(&mut self, bound: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) % bound.max(1)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// Whether one of so many is drawn.
    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// One of them. There must be one.
    pub fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        let at = self.below(of.len() as u64) as usize;
        of.get(at).copied().unwrap_or_default()
    }

    /// 32 hex digits that begin with an instant in milliseconds, as ids do.
    pub fn id(&mut self, born_ms: i64) -> String {
        let mut id = format!("{:012x}", born_ms.max(0));
        for byte in &self.bytes()[..10] {
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_drawn_of_the_same() {
        let draw = |about: &[&str]| {
            let mut dice = Dice::of(about);
            (dice.below(1_000_000), dice.between(3, 5), dice.id(1_778_846_400_000))
        };
        assert_eq!(draw(&["demo", "a"]), draw(&["demo", "a"]));
        assert_ne!(draw(&["demo", "a"]), draw(&["demo", "b"]));
        assert_ne!(draw(&["demo", "a"]), draw(&["demoa"]));
        let (_, between, id) = draw(&["x"]);
        assert!((3..=5).contains(&between) && id.len() == 32 && id.starts_with("019e2b"), "{id}");
    }

    #[test]
    fn all_are_drawn_in_the_end() {
        let mut dice = Dice::of(&["all"]);
        let drawn: std::collections::BTreeSet<&str> = (0..100).map(|_| dice.pick(&["a", "b", "c"])).collect();
        assert_eq!(drawn.len(), 3);
        assert!((0..200).any(|_| dice.one_in(10)) && (0..200).any(|_| !dice.one_in(10)));
    }
}
