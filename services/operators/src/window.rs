//! The counters of the last minutes: what they were some time ago, so that pages can say by how much they rose.

use std::collections::{HashMap, VecDeque};

use tidegate_kernel::Timestamp;

use crate::figures::metrics_shown;
use crate::samples::{Sample, Samples};

/// Between two notes.
const EVERY_MS: u64 = 15_000;
/// What is older is forgotten.
const KEPT_MS: u64 = 300_000;

/// Former values of the counters that pages show.
#[derive(Debug, Default)]
pub(crate) struct Window(VecDeque<(Timestamp, HashMap<&'static str, Vec<Sample>>)>);

impl Window {
    /// Whether the last note is old enough for another.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.0.back().is_none_or(|(at, _)| now.millis_since(*at) >= EVERY_MS)
    }

    /// Notes the counters down.
    pub fn note(&mut self, now: Timestamp, samples: &Samples) {
        while self.0.len() > 1 && self.0.front().is_some_and(|(at, _)| now.millis_since(*at) > KEPT_MS) {
            self.0.pop_front();
        }
        let counters = metrics_shown().filter(|metric| metric.ends_with("_total"));
        self.0.push_back((now, counters.map(|metric| (metric, samples.of(metric).to_vec())).collect()));
    }

    /// Over how many milliseconds the rises are; `None`: nothing was noted before.
    pub fn span_ms(&self, now: Timestamp) -> Option<u64> {
        self.0.front().map(|(at, _)| now.millis_since(*at)).filter(|span| *span > 0)
    }

    /// By how much the samples of a counter that fit rose since the first note.
    pub fn rise(&self, metric: &str, fits: impl Fn(&Sample) -> bool, now: &Samples) -> f64 {
        let sum = |samples: &[Sample]| samples.iter().filter(|one| fits(one)).map(|one| one.value).sum::<f64>();
        let before = self.0.front().and_then(|(_, counters)| counters.get(metric)).map_or(0.0, |samples| sum(samples));
        (sum(now.of(metric)) - before).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(requests: u32) -> Samples {
        Samples::parse(&format!(
            "tidegate_requests_total{{outcome=\"failed\"}} {requests}\ntidegate_requests_total{{outcome=\"accepted\"}} 7\n"
        ))
    }

    #[test]
    fn rises_are_those_of_the_last_minutes() {
        let at = |seconds: i64| Timestamp::from_millis(1_000 * seconds);
        let mut window = Window::default();
        assert!(window.is_due(at(0)) && window.span_ms(at(9)).is_none());
        for (seconds, requests) in [(0, 10), (15, 12), (400, 20), (415, 23)] {
            assert!(window.is_due(at(seconds)));
            window.note(at(seconds), &counted(requests));
            assert!(!window.is_due(at(seconds + 14)));
        }
        // The notes of the first minute have gone; those left begin at 400 s.
        assert_eq!(window.span_ms(at(430)), Some(30_000));
        let rise = |fits: fn(&Sample) -> bool| window.rise("tidegate_requests_total", fits, &counted(30));
        assert_eq!(rise(|one| one.label("outcome") == "failed"), 10.0);
        assert_eq!(rise(|one| one.label("outcome") == "accepted"), 0.0);
        // A counter that was not there before rose by all it has.
        let dead = Samples::parse("tidegate_shed_total{class=\"events\"} 4\n");
        assert_eq!(window.rise("tidegate_shed_total", |_| true, &dead), 4.0);
    }
}
