//! The wall clock without its steps. Ages of records are times of two machines: a front door whose clock is set an
//! hour forward must not take every record that waits for an hour old, and one set back must not take none for old.

use std::time::Duration;

use tidegate_domain::Timestamp;

/// It nears the wall clock by at most this part of the time that passes.
const NEARS: u32 = 20;

/// Follows the wall clock at once where it begins, and slowly ever after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock {
    shown_ms: i64,
    at: Duration,
}

impl SteadyClock {
    /// `at` is the time since some fixed moment, by a clock that never steps; so below.
    pub const fn new(wall: Timestamp, at: Duration) -> Self {
        SteadyClock { shown_ms: wall.as_millis(), at }
    }

    pub fn now(&mut self, wall: Timestamp, at: Duration) -> Timestamp {
        let passed = at.saturating_sub(self.at);
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.shown_ms = self.shown_ms.saturating_add(ms(passed));
        let most = ms(passed / NEARS);
        self.shown_ms += wall.as_millis().saturating_sub(self.shown_ms).clamp(-most, most);
        // Whole milliseconds only: what is left over counts the next time.
        self.at += Duration::from_millis(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        Timestamp::from_millis(self.shown_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_781_524_800_000);
    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_clock_that_runs_well_is_shown_as_it_is() {
        let mut clock = SteadyClock::new(NOON, Duration::ZERO);
        for second in 1..10_000i64 {
            let wall = NOON.plus_millis(second * 1_000);
            assert_eq!(clock.now(wall, Duration::from_secs(second as u64)), wall);
        }
    }

    #[test]
    fn a_step_of_an_hour_is_half_a_minute_after_ten() {
        for step_ms in [HOUR_MS, -HOUR_MS] {
            let mut clock = SteadyClock::new(NOON, Duration::ZERO);
            let mut off_ms = 0;
            for second in 1..=600i64 {
                let right = NOON.plus_millis(second * 1_000);
                let shown = clock.now(right.plus_millis(step_ms), Duration::from_secs(second as u64));
                off_ms = shown.as_millis() - right.as_millis();
            }
            assert_eq!(off_ms, step_ms.signum() * 30_000);
            // What lasts is believed in the end.
            let end = Duration::from_secs(30 * 3_600);
            let wall = NOON.plus_millis(30 * HOUR_MS + step_ms);
            assert_eq!(clock.now(wall, end), wall);
        }
    }
}
