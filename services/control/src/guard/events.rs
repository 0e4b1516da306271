//! What people are alerted to: handed on once, off the path of the answer.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_agentping::TeamId;
use tidegate_agentping_settings::GuardEvent;
use tidegate_agentping_settings::guard::guard_event_id;

/// Takes what guard's checks find. The same event may come again, from here after a restart or from another process: it has
/// the same [`guard_event_id`].
#[async_trait]
pub trait GuardEvents: Send + Sync + 'static {
    /// `guard_check_id` is that of the check that found them, if it was blocked. `false`: they are to come again.
    async fn found(&self, team: TeamId, events: &[GuardEvent], guard_check_id: Option<&str>) -> bool;
}

/// Events that were handed on are remembered, so many at most.
const MOST_REMEMBERED: usize = 50_000;

/// Hands events on, each once as far as this process remembers.
#[derive(Clone, Default)]
pub(crate) struct Announcer {
    to: Option<Arc<dyn GuardEvents>>,
    known: Arc<Mutex<HashSet<u128>>>,
}

impl Announcer {
    pub fn to(to: Arc<dyn GuardEvents>) -> Self {
        Announcer { to: Some(to), ..Announcer::default() }
    }

    /// Hands on what was not before, without making the caller wait.
    pub fn announce(&self, team: TeamId, events: Vec<GuardEvent>, guard_check_id: Option<String>) {
        let Some(to) = self.to.clone() else { return };
        let mut new = Vec::new();
        {
            // An insert cannot leave a set half changed.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() > MOST_REMEMBERED {
                known.clear();
            }
            new.extend(events.into_iter().filter(|event| known.insert(guard_event_id(team, event))));
        }
        if new.is_empty() {
            return;
        }
        let known = self.known.clone();
        tokio::spawn(async move {
            if !to.found(team, &new, guard_check_id.as_deref()).await {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                new.iter().for_each(|event| _ = known.remove(&guard_event_id(team, event)));
            }
        });
    }
}
