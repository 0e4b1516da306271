//! How openings ended: accepted, or refused for reasons of ours. Counted on each request by one relaxed addition, and taken
//! out by who reports them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::TeamId;

use crate::answers::Answer;
use crate::endpoint::Endpoint;
use crate::refusal_table::Problem;

/// Counts since they were last taken.
#[derive(Debug, Default)]
pub struct Openings {
    accepted: AtomicU64,
    refused: AtomicU64,
    /// Of those that were refused after their team was known.
    refused_of_teams: Mutex<HashMap<TeamId, u64>>,
}

/// What was counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OpeningCounts {
    pub accepted: u64,
    pub refused: u64,
    pub refused_of_teams: HashMap<TeamId, u64>,
}

impl Openings {
    /// Counts how a request to an endpoint ended. Only those that can open a run count.
    pub(crate) fn ended(&self, endpoint: Endpoint, answered: &Result<Answer, Problem>) {
        if !matches!(endpoint, Endpoint::Runs | Endpoint::Heartbeats | Endpoint::Ping) {
            return;
        }
        match answered {
            Ok(_) => _ = self.accepted.fetch_add(1, Ordering::Relaxed),
            Err(problem) if problem.is_ours() => self.refused(),
            Err(_) => {}
        }
    }

    /// One was refused before anything was known of it.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// One of this team was.
    pub(crate) fn refused_of(&self, team: TeamId) {
        let mut of_teams = self.refused_of_teams.lock().unwrap_or_else(PoisonError::into_inner);
        *of_teams.entry(team).or_default() += 1;
    }

    /// Takes out what was counted.
    pub fn take(&self) -> OpeningCounts {
        let mut of_teams = self.refused_of_teams.lock().unwrap_or_else(PoisonError::into_inner);
        OpeningCounts {
            accepted: self.accepted.swap(0, Ordering::Relaxed),
            refused: self.refused.swap(0, Ordering::Relaxed),
            refused_of_teams: std::mem::take(&mut of_teams),
        }
    }
}
