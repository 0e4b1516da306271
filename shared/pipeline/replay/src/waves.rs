//! Which records may be appended concurrently: those of one key stay in their order.

use std::collections::HashSet;

use crate::candidate::{Candidate, Replayable};

/// Parts of these records, in order, none of which has two records of one key. A part is appended only when the one
/// before it is safe, so that the records of a key keep their order on the log, whatever is retried.
pub fn waves<R: Replayable>(candidates: Vec<Candidate<R>>) -> Vec<Vec<Candidate<R>>> {
    let (mut waves, mut wave, mut keys) = (Vec::new(), Vec::new(), HashSet::new());
    for candidate in candidates {
        // A record without a key could belong to any.
        let known = candidate.record.key();
        let meets = known.is_none_or(|key| keys.contains(&key)) && !wave.is_empty();
        if meets {
            waves.push(std::mem::take(&mut wave));
            keys.clear();
        }
        keys.extend(known);
        wave.push(candidate);
        if known.is_none() {
            waves.push(std::mem::take(&mut wave));
            keys.clear();
        }
    }
    if !wave.is_empty() {
        waves.push(wave);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Word, candidate};

    #[test]
    fn no_key_meets_itself_and_the_order_stays() {
        let all = vec![
            candidate(0, "1 start"),
            candidate(1, "2 start"),
            candidate(2, "1 finish"),
            candidate(3, "3 start"),
            candidate(4, "unreadable"),
            candidate(5, "2 finish"),
            candidate(6, "2 finish"),
        ];
        let offsets = |wave: &Vec<Candidate<Word>>| wave.iter().map(|one| one.position.offset).collect::<Vec<_>>();
        let parts: Vec<Vec<i64>> = waves(all).iter().map(offsets).collect();
        assert_eq!(parts, [vec![0, 1], vec![2, 3], vec![4], vec![5], vec![6]]);
        assert!(waves(Vec::<Candidate<Word>>::new()).is_empty());
    }
}
