//! Which records may be appended side by side: each run's stay in their order.

use std::collections::HashSet;

use super::choice::Candidate;

/// Parts of these records, in order, none of which has two records of one run. A part is appended only when the one
/// before it is safe, so that a run's records stand on the log in the order they had, whatever is retried.
pub fn waves(candidates: Vec<Candidate>) -> Vec<Vec<Candidate>> {
    let (mut waves, mut wave, mut runs) = (Vec::new(), Vec::new(), HashSet::new());
    for candidate in candidates {
        // Without a readable run it could be any.
        let known = candidate.key();
        let meets = known.is_none_or(|key| runs.contains(&key)) && !wave.is_empty();
        if meets {
            waves.push(std::mem::take(&mut wave));
            runs.clear();
        }
        runs.extend(known);
        wave.push(candidate);
        if known.is_none() {
            waves.push(std::mem::take(&mut wave));
            runs.clear();
        }
    }
    if !wave.is_empty() {
        waves.push(wave);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::super::samples::{candidate, finish, start, unreadable};
    use super::*;

    #[test]
    fn no_run_meets_itself_and_nothing_changes_place() {
        let all = vec![
            candidate(0, &start(1, "a")),
            candidate(1, &start(2, "a")),
            candidate(2, &finish(1)),
            candidate(3, &start(3, "a")),
            candidate(4, &unreadable()),
            candidate(5, &finish(2)),
            candidate(6, &finish(2)),
        ];
        let offsets = |wave: &Vec<Candidate>| wave.iter().map(|one| one.position.offset).collect::<Vec<_>>();
        let parts: Vec<Vec<i64>> = waves(all).iter().map(offsets).collect();
        assert_eq!(parts, [vec![0, 1], vec![2, 3], vec![4], vec![5], vec![6]]);
        assert!(waves(Vec::new()).is_empty());
    }
}
