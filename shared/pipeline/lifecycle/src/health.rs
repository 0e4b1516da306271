//! Readiness of the process: it has started, is not stopping, and has no problem. Load does not matter: a front door
//! that sheds requests stays ready.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// The process's health, shared by all its parts. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    started: bool,
    stopping: bool,
    wrong: BTreeMap<&'static str, String>,
    checks: Vec<Check>,
}

/// A check that runs with every readiness request.
#[derive(Clone)]
struct Check {
    part: &'static str,
    wrong: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.part)
    }
}

/// The readiness that `/readyz` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// Why the process is not ready; empty when it is.
    pub reasons: Vec<String>,
}

impl Health {
    /// Records that every part has started.
    pub fn started(&self) {
        self.state().started = true;
    }

    /// Records that the stop has begun. This cannot be undone.
    pub fn stopping(&self) {
        self.state().stopping = true;
    }

    /// Records a problem with something that the process needs, with its reason.
    pub fn wrong(&self, part: &'static str, how: impl Into<String>) {
        self.state().wrong.insert(part, how.into());
    }

    /// Clears the problem.
    pub fn right(&self, part: &'static str) {
        self.state().wrong.remove(part);
    }

    /// Adds a check that runs with every readiness request. It returns its current problem, or `None`.
    pub fn check(&self, part: &'static str, wrong: impl Fn() -> Option<String> + Send + Sync + 'static) {
        self.state().checks.push(Check { part, wrong: Arc::new(wrong) });
    }

    pub fn readiness(&self) -> Readiness {
        let checks = self.state().checks.clone();
        // A check may be slow and take its own locks.
        let found = checks.iter().filter_map(|check| Some((check.part, (check.wrong)()?))).collect::<Vec<_>>();
        let state = self.state();
        let mut reasons = Vec::new();
        if state.stopping {
            reasons.push("stopping".to_owned());
        } else if !state.started {
            reasons.push("starting".to_owned());
        }
        reasons.extend(state.wrong.iter().map(|(part, how)| format!("{part}: {how}")));
        reasons.extend(found.iter().map(|(part, how)| format!("{part}: {how}")));
        Readiness { ready: reasons.is_empty(), reasons }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment, so a poisoned state is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_part_that_answers_for_itself_is_asked_each_time() {
        let (health, is_full) = (Health::default(), Arc::new(AtomicBool::new(false)));
        health.started();
        let asked = is_full.clone();
        health.check("log", move || asked.load(Ordering::Relaxed).then(|| "the disk is full".to_owned()));
        for full in [false, true, false] {
            is_full.store(full, Ordering::Relaxed);
            let reasons = if full { vec!["log: the disk is full".to_owned()] } else { vec![] };
            assert_eq!(health.readiness(), Readiness { ready: !full, reasons });
        }
    }

    #[test]
    fn ready_means_started_and_not_stopping_and_nothing_wrong() {
        let health = Health::default();
        assert_eq!(health.readiness().reasons, ["starting"]);
        health.started();
        assert_eq!(health.readiness(), Readiness { ready: true, reasons: vec![] });
        health.wrong("log", "the disk is full");
        assert_eq!(health.readiness().reasons, ["log: the disk is full"]);
        health.right("log");
        assert!(health.readiness().ready);
        health.stopping();
        health.started();
        assert_eq!(health.readiness(), Readiness { ready: false, reasons: vec!["stopping".to_owned()] });
    }
}
