//! Compares what is stored with what was answered.

use std::collections::{BTreeMap, BTreeSet};

use super::account::CENTS_PER_ITERATION;
use super::ledger::Ledger;
use super::stored::{Stored, StoredRun};

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A run that was answered with `201` cannot be read, or is not listed.
    Lost { run: String, seen: String },
    /// One key was answered with several runs.
    SeveralRuns { key: String, runs: Vec<String> },
    /// A run of no key, or of a key that another run was answered for, or that was refused.
    Unaccounted { run: String, key: String },
    /// A run has not ended, or not as it was answered.
    OtherEnd { run: String, answered: String, found: String },
    /// Two ends of one run were answered with `200`.
    SeveralEnds { run: String },
    /// The charges of a run are not once what it costs.
    Charged { run: String, cost_cents: u64, charges: Vec<u64> },
    /// Holds or slots are left though every run has ended.
    Held { cents: u64, open_runs: u64 },
    /// granted = available + held + charged does not hold, or clients are shown another balance.
    Credits { granted: u64, available: u64, held: u64, charged: u64, balance: u64 },
}

/// Everything that does not hold, of an organization whose runs have all ended.
pub fn breaches(ledger: &Ledger, stored: &Stored) -> Vec<Breach> {
    [answers(ledger, stored), runs(ledger, stored), ends(ledger, stored), money(ledger, stored)].concat()
}

/// Each `201` is a run that is there, and each key has one.
fn answers(ledger: &Ledger, stored: &Stored) -> Vec<Breach> {
    let mut found = Vec::new();
    for (key, runs) in &ledger.accepted {
        if runs.len() > 1 {
            found.push(Breach::SeveralRuns { key: key.clone(), runs: runs.iter().cloned().collect() });
        }
        for run in runs {
            if let Some(seen) = stored.unreadable.get(run) {
                found.push(Breach::Lost { run: run.clone(), seen: seen.clone() });
            } else if !stored.runs.contains_key(run) {
                found.push(Breach::Lost { run: run.clone(), seen: "it is not listed".to_owned() });
            }
        }
    }
    found
}

/// Each run is the one that its key was answered with, or the only one of a key that got no answer.
fn runs(ledger: &Ledger, stored: &Stored) -> Vec<Breach> {
    let mut of_unknown = BTreeSet::new();
    let is_accounted = |(run, stored): &(&String, &StoredRun)| {
        let answered = ledger.accepted.get(&stored.key).is_some_and(|runs| runs.contains(*run));
        answered || ledger.unknown.contains(&stored.key)
    };
    let mut found = Vec::new();
    for (run, stored) in &stored.runs {
        let is_first = !ledger.unknown.contains(&stored.key) || of_unknown.insert(&stored.key);
        if !is_accounted(&(run, stored)) || !is_first {
            found.push(Breach::Unaccounted { run: run.clone(), key: stored.key.clone() });
        }
    }
    found
}

/// Each run has ended as its worker's finish or its client's cancel was answered.
fn ends(ledger: &Ledger, stored: &Stored) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, stored) in &stored.runs {
        let (ended, is_cancelled) = (ledger.ended.get(run), ledger.cancelled.contains(run));
        let several = ended.map_or(0, BTreeSet::len) + usize::from(is_cancelled);
        if several > 1 {
            found.push(Breach::SeveralEnds { run: run.clone() });
            continue;
        }
        let answered = match ended.and_then(|ends| ends.first()) {
            Some(end) => format!("succeeded after {} iterations", end.iterations),
            None if is_cancelled => format!("cancelled after {} iterations", stored.iterations),
            None => "an end that was answered".to_owned(),
        };
        let is = format!("{} after {} iterations", stored.status, stored.iterations);
        if answered != is {
            found.push(Breach::OtherEnd { run: run.clone(), answered, found: is });
        }
    }
    found
}

/// Each run is charged once, and the credits add up.
fn money(ledger: &Ledger, stored: &Stored) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut charges: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (run, cents) in &stored.charges {
        charges.entry(run).or_default().push(*cents);
    }
    for (run, stored) in &stored.runs {
        let charges = charges.remove(run.as_str()).unwrap_or_default();
        let right: &[u64] = if stored.cost_cents == 0 { &[] } else { &[stored.cost_cents] };
        if charges != right || stored.cost_cents != stored.iterations * CENTS_PER_ITERATION {
            found.push(Breach::Charged { run: run.clone(), cost_cents: stored.cost_cents, charges });
        }
    }
    let strange = charges.into_iter().map(|(run, charges)| (run.to_owned(), charges));
    found.extend(strange.map(|(run, charges)| Breach::Charged { run, cost_cents: 0, charges }));
    let Stored { available_cents: available, held_cents: held, open_runs, balance_cents: balance, .. } = *stored;
    if held > 0 || open_runs > 0 {
        found.push(Breach::Held { cents: held, open_runs });
    }
    let charged: u64 = stored.charges.iter().map(|(_, cents)| cents).sum();
    let granted = ledger.granted_cents;
    if granted != available + held + charged || balance != available {
        found.push(Breach::Credits { granted, available, held, charged, balance });
    }
    found
}

#[cfg(test)]
mod tests;
