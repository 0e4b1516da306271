//! What people are alerted to: handed on once, off the path of the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_agentping::TeamId;
use tidegate_agentping_settings::GuardEvent;
use tidegate_agentping_settings::guard::guard_event_id;
use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

/// Takes what guard's checks find. The same event may come again, from here after a restart or from another process: it has
/// the same [`guard_event_id`].
#[async_trait]
pub trait GuardEvents: Send + Sync + 'static {
    /// `guard_check_id` is that of the check that found them, if it was blocked. `false`: they are to come again.
    async fn found(&self, team: TeamId, events: &[GuardEvent], guard_check_id: Option<&str>) -> bool;
}

/// Events that were handed on are remembered, so many at most.
const MOST_REMEMBERED: usize = 50_000;
/// How long an event is not handed on again after that has failed, in milliseconds: a client may ask in a loop.
const RETRY_AFTER_MS: i64 = 1_000;

/// Hands events on, each once as far as this process remembers.
#[derive(Clone, Default)]
pub(crate) struct Announcer {
    to: Option<Arc<dyn GuardEvents>>,
    known: Arc<Mutex<HashMap<u128, Known>>>,
}

/// What has become of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It is handed on, or about to be.
    HandedOn,
    /// It could not be. It is not tried again before this instant, by steady time.
    Failed { until: Timestamp },
}

impl Announcer {
    pub fn to(to: Arc<dyn GuardEvents>) -> Self {
        Announcer { to: Some(to), ..Announcer::default() }
    }

    /// Hands on what was not before, without making the caller wait.
    pub fn announce(
        &self,
        clock: &Arc<dyn Clock>,
        team: TeamId,
        events: Vec<GuardEvent>,
        guard_check_id: Option<String>,
    ) {
        let Some(to) = self.to.clone() else { return };
        let (now, mut new) = (clock.steady(), Vec::new());
        {
            // An insert cannot leave a map half changed.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() > MOST_REMEMBERED {
                known.clear();
            }
            for event in events {
                let of_event = known.entry(guard_event_id(team, &event)).or_insert(Known::Failed { until: now });
                if matches!(*of_event, Known::Failed { until } if until <= now) {
                    *of_event = Known::HandedOn;
                    new.push(event);
                }
            }
        }
        if new.is_empty() {
            return;
        }
        let (known, clock) = (self.known.clone(), clock.clone());
        tokio::spawn(async move {
            if !to.found(team, &new, guard_check_id.as_deref()).await {
                let failed = Known::Failed { until: clock.steady().plus_millis(RETRY_AFTER_MS) };
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                known.extend(new.iter().map(|event| (guard_event_id(team, event), failed)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tidegate_agentping_settings::GuardEventKind;
    use tidegate_agentping_settings::guard::GuardEventCause;
    use tidegate_agentping_testkit::team;
    use tidegate_inproc::clock::TestClock;
    use tidegate_kernel::Usd;

    use super::*;

    /// Fails, and counts how often it is called.
    #[derive(Default)]
    struct Down(AtomicUsize);

    #[async_trait]
    impl GuardEvents for Down {
        async fn found(&self, _: TeamId, _: &[GuardEvent], _: Option<&str>) -> bool {
            self.0.fetch_add(1, Ordering::SeqCst);
            false
        }
    }

    /// AC-10: a paused agent that asks in a loop while the store is down.
    #[tokio::test]
    async fn ac_10_an_event_that_failed_is_tried_again_after_a_second() {
        let moved = Arc::new(TestClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let clock: Arc<dyn Clock> = moved.clone();
        let down = Arc::new(Down::default());
        let announcer = Announcer::to(down.clone());
        let event = GuardEvent {
            kind: GuardEventKind::Blocked,
            rule: "grl_eu_1".into(),
            rule_name: "cap".into(),
            agent: None,
            window_from: None,
            cause: GuardEventCause::Spend { spent: Usd::ZERO, limit: Usd::ZERO },
            at: moved.now(),
        };
        for tries in 1..=3 {
            for _ in 0..100 {
                announcer.announce(&clock, team(1), vec![event.clone()], None);
                // The task that hands it on has run once its failure is known.
                while announcer.known.lock().unwrap().values().any(|known| *known == Known::HandedOn) {
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(down.0.load(Ordering::SeqCst), tries);
            moved.advance_ms(RETRY_AFTER_MS);
        }
    }
}
