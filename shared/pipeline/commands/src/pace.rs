//! When a fact is looked for. Pure.

use std::time::Duration;

/// Pauses before each look: the first one after the append. A decision takes about as long as a poll and four writes.
const PAUSES_MS: [u64; 5] = [12, 5, 10, 20, 50];

/// The pause before the look that comes after so many.
pub(crate) fn pause_before(looks: usize) -> Duration {
    Duration::from_millis(PAUSES_MS[looks.min(PAUSES_MS.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer() {
        let pauses: Vec<_> = (0..7).map(|looks| pause_before(looks).as_millis()).collect();
        assert_eq!(pauses, [12, 5, 10, 20, 50, 50, 50]);
    }
}
