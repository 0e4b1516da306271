//! At the most connections, one that waits for a request gives way to a new one: the one that has waited for longest.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

/// Who has waited for less is left alone: a new client gets to send its request.
const LEAST_WAIT: Duration = Duration::from_secs(1);
/// At most one line in so long.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// Of connections, each with how long it has waited for a request (`None`: one is in progress), the one to give way.
pub(super) fn longest_waiting<C>(connections: impl Iterator<Item = (C, Option<Duration>)>) -> Option<C> {
    let waiting = connections.filter_map(|(connection, waited)| Some((connection, waited?)));
    let patient = waiting.filter(|(_, waited)| *waited >= LEAST_WAIT);
    patient.max_by_key(|(_, waited)| *waited).map(|(connection, _)| connection)
}

/// Connections that gave way and are not logged yet.
#[derive(Debug, Default)]
pub(super) struct GaveWay {
    not_logged: u64,
    logged_at: Option<Instant>,
}

impl GaveWay {
    /// Another one has. Logs at most one line every five seconds, with how many there were.
    pub fn note(&mut self, port: &'static str, max_connections: usize, now: Instant) {
        self.not_logged += 1;
        if self.due(now) {
            warn!(
                port,
                max_connections,
                connections = self.not_logged,
                "all connections are taken: those that waited longest for a request gave way to new ones"
            );
            *self = GaveWay { not_logged: 0, logged_at: Some(now) };
        }
    }

    fn due(&self, now: Instant) -> bool {
        self.logged_at.is_none_or(|logged| now.saturating_duration_since(logged) >= LOG_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waited_longest_gives_way_and_nobody_with_a_request_or_just_come() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (waited, expected) in [
            (vec![], None),
            (vec![None, None], None),
            (vec![ms(0), ms(999), None], None),
            (vec![ms(1_000)], Some(0)),
            (vec![None, ms(2_000), ms(70_000), ms(3_000)], Some(2)),
            (vec![ms(999), None, ms(1_500)], Some(2)),
        ] {
            assert_eq!(longest_waiting(waited.iter().copied().enumerate()), expected, "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_line_every_five_seconds() {
        let mut gave_way = GaveWay::default();
        let begun = Instant::now();
        let mut lines = 0;
        for half_seconds in 0..21 {
            let now = begun + half_seconds * Duration::from_millis(500);
            lines += usize::from(gave_way.due(now));
            gave_way.note("ingest", 1, now);
        }
        assert_eq!((lines, gave_way.not_logged), (3, 0));
    }
}
