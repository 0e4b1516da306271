//! A ledger that agrees with what is stored, and each way in which it may not.

use super::*;
use crate::agentgate::ledger::End;

const RICH: u64 = 1_000;

/// Three runs: two ended by workers, one cancelled; a key that was refused and one that got no answer.
fn agreeing() -> (Ledger, Stored) {
    let mut ledger = Ledger { granted_cents: RICH, ..Ledger::default() };
    for (key, run) in [("key-a", "run-a"), ("key-b", "run-b"), ("key-c", "run-c")] {
        ledger.accept(key, run);
    }
    ledger.refuse("key-refused");
    ledger.leave_unknown("key-unknown");
    ledger.end("run-a", End { token: 1, iterations: 2 });
    ledger.end("run-b", End { token: 3, iterations: 1 });
    ledger.cancel("run-c");
    let run = |status: &str, key: &str, iterations| StoredRun {
        status: status.to_owned(),
        key: key.to_owned(),
        iterations,
        cost_cents: iterations * CENTS_PER_ITERATION,
    };
    let runs = [
        ("run-a", run("succeeded", "key-a", 2)),
        ("run-b", run("succeeded", "key-b", 1)),
        ("run-c", run("cancelled", "key-c", 0)),
    ];
    let charges = [("run-a", 2 * CENTS_PER_ITERATION), ("run-b", CENTS_PER_ITERATION)];
    let left = RICH - 3 * CENTS_PER_ITERATION;
    let stored = Stored {
        runs: runs.map(|(name, run)| (name.to_owned(), run)).into(),
        charges: charges.map(|(run, cents)| (run.to_owned(), cents)).into(),
        balance_cents: left,
        available_cents: left,
        ..Stored::default()
    };
    (ledger, stored)
}

fn found(change: impl FnOnce(&mut Ledger, &mut Stored)) -> Vec<Breach> {
    let (mut ledger, mut stored) = agreeing();
    change(&mut ledger, &mut stored);
    breaches(&ledger, &stored)
}

#[test]
fn what_agrees_has_no_breach() {
    assert_eq!(found(|_, _| ()), []);
    // What got no answer may have been carried out.
    let carried_out = found(|ledger, stored| {
        let run = StoredRun { key: "key-unknown".to_owned(), status: "cancelled".to_owned(), ..StoredRun::default() };
        stored.runs.insert("run-u".to_owned(), run);
        ledger.cancel("run-u");
    });
    assert_eq!(carried_out, []);
}

#[test]
fn a_lost_answer_is_found() {
    let lost = |seen: &str| Breach::Lost { run: "run-c".to_owned(), seen: seen.to_owned() };
    assert_eq!(found(|_, stored| drop(stored.runs.remove("run-c"))), [lost("it is not listed")]);
    let unreadable = found(|_, stored| drop(stored.unreadable.insert("run-c".to_owned(), "404".to_owned())));
    assert_eq!(unreadable, [lost("404")]);
}

#[test]
fn a_key_with_two_runs_is_found() {
    let found = found(|ledger, _| ledger.accept("key-a", "run-b"));
    let runs = vec!["run-a".to_owned(), "run-b".to_owned()];
    assert_eq!(found, [Breach::SeveralRuns { key: "key-a".to_owned(), runs }]);
}

#[test]
fn a_run_that_was_made_twice_or_after_a_refusal_is_found() {
    for key in ["key-a", "key-refused", "key-strange", ""] {
        let found = found(|ledger, stored| {
            let again = StoredRun { key: key.to_owned(), status: "cancelled".to_owned(), ..StoredRun::default() };
            stored.runs.insert("run-x".to_owned(), again);
            ledger.cancel("run-x");
        });
        assert_eq!(found, [Breach::Unaccounted { run: "run-x".to_owned(), key: key.to_owned() }], "{key}");
    }
    let twice = found(|ledger, stored| {
        for run in ["run-u", "run-v"] {
            let one =
                StoredRun { key: "key-unknown".to_owned(), status: "cancelled".to_owned(), ..StoredRun::default() };
            stored.runs.insert(run.to_owned(), one);
            ledger.cancel(run);
        }
    });
    assert_eq!(twice, [Breach::Unaccounted { run: "run-v".to_owned(), key: "key-unknown".to_owned() }]);
}

#[test]
fn another_end_is_found() {
    let is_other = |found: &[Breach]| matches!(found, [Breach::OtherEnd { .. }]);
    assert!(is_other(&found(|_, stored| stored.runs.get_mut("run-a").unwrap().status = "failed".to_owned())));
    assert!(is_other(&found(|ledger, _| drop(ledger.ended.remove("run-b")))));
    assert!(is_other(&found(|ledger, _| assert!(ledger.cancelled.remove("run-c")))));
    let several = [Breach::SeveralEnds { run: "run-b".to_owned() }];
    assert_eq!(found(|ledger, _| ledger.cancel("run-b")), several);
    assert_eq!(found(|ledger, _| ledger.end("run-b", End { token: 4, iterations: 1 })), several);
}

#[test]
fn wrong_charges_are_found() {
    let is_charged = |found: &[Breach], run: &str| matches!(found, [Breach::Charged { run: of, .. }] if of == run);
    // Charged twice, and not at all: the sum is wrong, too.
    let twice = found(|_, stored| stored.charges.push(("run-a".to_owned(), 100)));
    assert!(matches!(twice.as_slice(), [Breach::Charged { .. }, Breach::Credits { .. }]), "{twice:?}");
    let never = found(|_, stored| drop(stored.charges.remove(0)));
    assert!(matches!(never.as_slice(), [Breach::Charged { .. }, Breach::Credits { .. }]), "{never:?}");
    // Of another run, and with a sum that is right.
    let strange = found(|_, stored| {
        stored.charges[1] = ("run-x".to_owned(), CENTS_PER_ITERATION);
        stored.runs.remove("run-b");
        stored.unreadable.clear();
    });
    assert!(strange.iter().any(|one| is_charged(std::slice::from_ref(one), "run-x")), "{strange:?}");
    // Not what its iterations cost.
    let cheap = found(|_, stored| {
        stored.charges[0].1 -= 1;
        stored.runs.get_mut("run-a").unwrap().cost_cents -= 1;
        stored.available_cents += 1;
        stored.balance_cents += 1;
    });
    assert!(is_charged(&cheap, "run-a"), "{cheap:?}");
}

#[test]
fn what_is_held_or_missing_is_found() {
    let held = found(|_, stored| {
        stored.held_cents = 50;
        stored.available_cents -= 50;
        stored.balance_cents -= 50;
    });
    assert_eq!(held, [Breach::Held { cents: 50, open_runs: 0 }]);
    assert_eq!(found(|_, stored| stored.open_runs = 1), [Breach::Held { cents: 0, open_runs: 1 }]);
    for change in [|stored: &mut Stored| stored.available_cents -= 1, |stored: &mut Stored| stored.balance_cents += 1] {
        let missing = found(|_, stored| change(stored));
        assert!(matches!(missing.as_slice(), [Breach::Credits { .. }]), "{missing:?}");
    }
}
