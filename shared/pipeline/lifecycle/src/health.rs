//! Whether the process is ready: started, not stopping, and nothing wrong. Being busy is not being unready: a
//! front door that sheds answers, and stays ready.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Shared by all parts of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    started: bool,
    stopping: bool,
    wrong: BTreeMap<&'static str, String>,
    checks: Vec<Check>,
}

/// What answers for itself whenever readiness is asked for.
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

/// A judgement, as `/readyz` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// Why not; empty when ready.
    pub reasons: Vec<String>,
}

impl Health {
    /// Every part is up.
    pub fn started(&self) {
        self.state().started = true;
    }

    /// The stop has begun; there is no way back.
    pub fn stopping(&self) {
        self.state().stopping = true;
    }

    /// Something the process cannot work without is wrong, and how.
    pub fn wrong(&self, part: &'static str, how: impl Into<String>) {
        self.state().wrong.insert(part, how.into());
    }

    /// It is right again.
    pub fn right(&self, part: &'static str) {
        self.state().wrong.remove(part);
    }

    /// A part that is asked whenever readiness is: it answers what is wrong with it now, or `None`.
    pub fn check(&self, part: &'static str, wrong: impl Fn() -> Option<String> + Send + Sync + 'static) {
        self.state().checks.push(Check { part, wrong: Arc::new(wrong) });
    }

    pub fn readiness(&self) -> Readiness {
        let checks = self.state().checks.clone();
        // A check may take its time, and locks of its own.
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
        // Each change is one assignment, so a poisoned state is still a whole one.
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
