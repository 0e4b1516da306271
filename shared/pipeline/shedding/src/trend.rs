//! How the lag moved lately: the slope of the straight line that fits the last readings best, so that the noise of one
//! reading (a batch just committed, a burst just taken in) hardly moves it.

use std::collections::VecDeque;
use std::time::Duration;

/// Readings that count: at one a second, the last quarter of a minute.
const READINGS: usize = 16;

/// The last readings.
#[derive(Clone, Debug, Default)]
pub struct Trend {
    readings: VecDeque<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    at_s: f64,
    records: f64,
    age_ms: f64,
}

impl Trend {
    /// A reading taken `at` so long after some fixed moment, by a clock that never steps.
    pub fn note(&mut self, at: Duration, records: u64, age_ms: u64) {
        if self.readings.len() == READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back(Point { at_s: at.as_secs_f64(), records: records as f64, age_ms: age_ms as f64 });
    }

    /// Forgets them: what comes after a gap does not continue what was before it.
    pub fn clear(&mut self) {
        self.readings.clear();
    }

    /// By how many records the lag falls each second; below 0 while it grows, 0 while too little is known.
    pub fn records_sink_per_s(&self) -> f64 {
        self.sinks(|point| point.records)
    }

    /// By how many milliseconds the age of the oldest record sinks each second; below 0 while it grows.
    pub fn age_sinks_ms_per_s(&self) -> f64 {
        self.sinks(|point| point.age_ms)
    }

    fn sinks(&self, measure: impl Fn(&Point) -> f64) -> f64 {
        let count = self.readings.len() as f64;
        if self.readings.len() < 2 {
            return 0.0;
        }
        let mean_at = self.readings.iter().map(|point| point.at_s).sum::<f64>() / count;
        let mean = self.readings.iter().map(&measure).sum::<f64>() / count;
        let (mut spread, mut moved) = (0.0, 0.0);
        for point in &self.readings {
            let at = point.at_s - mean_at;
            spread += at * at;
            moved += at * (measure(point) - mean);
        }
        // Readings of one instant say nothing of a slope. Adding 0 makes a negative zero plain.
        if spread > f64::EPSILON { -moved / spread + 0.0 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(readings: impl IntoIterator<Item = (u64, u64)>) -> Trend {
        let mut trend = Trend::default();
        for (second, (records, age_ms)) in readings.into_iter().enumerate() {
            trend.note(Duration::from_secs(second as u64), records, age_ms);
        }
        trend
    }

    #[test]
    fn a_straight_line_has_its_slope() {
        let sinking = trend((0..40).map(|second| (1_000_000 - 5_000 * second, 60_000 + 1_000 * second)));
        assert!((sinking.records_sink_per_s() - 5_000.0).abs() < 1e-6);
        assert!((sinking.age_sinks_ms_per_s() + 1_000.0).abs() < 1e-6);
    }

    #[test]
    fn too_few_readings_have_no_slope() {
        assert_eq!(trend([]).records_sink_per_s(), 0.0);
        assert_eq!(trend([(5, 5)]).records_sink_per_s(), 0.0);
        let mut still = trend([(9, 9)]);
        still.note(Duration::ZERO, 1, 1);
        assert_eq!(still.records_sink_per_s(), 0.0, "two readings of one instant");
        let mut cleared = trend([(9, 9), (5, 5)]);
        assert!(cleared.records_sink_per_s() > 0.0);
        cleared.clear();
        assert_eq!(cleared.records_sink_per_s(), 0.0);
    }

    #[test]
    fn the_noise_of_one_second_hardly_moves_it() {
        let even = |second: u64| 1_000_000 - 5_000 * second;
        // Wherever it falls, one reading that is off by three seconds' worth.
        for off in 0..16u64 {
            let noisy = trend((0..16u64).map(|second| (even(second) + if second == off { 15_000 } else { 0 }, 0)));
            let sinks = noisy.records_sink_per_s();
            assert!((4_500.0..5_500.0).contains(&sinks), "off at {off}: {sinks}");
        }
    }

    #[test]
    fn it_turns_with_the_lag() {
        let turned = trend(
            (0..20u64)
                .map(|second| (500_000 + 1_000 * second, 0))
                .chain((0..16).map(|second| (520_000 - 1_000 * second, 0))),
        );
        assert!((turned.records_sink_per_s() - 1_000.0).abs() < 1e-6, "what is old is forgotten");
    }
}
