//! The lines of a running replay: one every two seconds, and one when it begins or ends to wait.

use std::collections::VecDeque;
use std::time::Duration;

use tidegate_replay::{Doing, ReplayState, Yield};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at};

use crate::console::Console;
use crate::time_left::span;

const EVERY: Duration = Duration::from_secs(2);
/// The rate is that of the last so many lines.
const REMEMBERED: usize = 6;

/// Prints the lines until it is dropped.
pub async fn print(
    console: &mut Console,
    mut state: watch::Receiver<ReplayState>,
    verb: &str,
) -> std::convert::Infallible {
    let mut meter = Meter::default();
    let began = Instant::now();
    meter.note(Duration::ZERO, state.borrow_and_update().done);
    let mut ticks = interval_at(began + EVERY, EVERY);
    let mut printed = Doing::Going;
    loop {
        let tick = tokio::select! {
            _ = ticks.tick() => true,
            changed = state.changed() => match changed {
                Ok(()) => false,
                // The work has ended, and the caller drops this.
                Err(_) => std::future::pending().await,
            },
        };
        let now = state.borrow_and_update().clone();
        if tick {
            meter.note(began.elapsed(), now.done);
        }
        if tick || !same(&printed, &now.doing) {
            console.line(format_args!("{}", line(&now, verb, meter.rate())));
            printed = now.doing;
        }
    }
}

/// A number that changes makes no line of its own.
fn same(one: &Doing, other: &Doing) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// `1200 of 5000 records (24 %), 300 appended, 600/s, 7 s left`, and what is waited for.
fn line(state: &ReplayState, verb: &str, rate: f64) -> String {
    let ReplayState { done, total, records, doing, spent } = state;
    let percent = done.saturating_mul(100).checked_div(*total).unwrap_or(100);
    let left = match total.saturating_sub(*done) {
        0 => "nothing left".to_owned(),
        _ if rate < 0.001 => "time left unknown".to_owned(),
        left => format!("{} left", span((left as f64 / rate).ceil() as u64)),
    };
    let line = format!("{done} of {total} records ({percent} %), {records} {verb}, {}/s, {left}", rate.round() as u64);
    match doing {
        Doing::Going => match spent.bound() {
            Some(what) => format!("{line}; what bounds it is {what}"),
            None => line,
        },
        Doing::Yielding(Yield::Behind { records, age_ms }) => format!(
            "{line}; waiting: the consumers are {records} records and {} behind, and live traffic goes first",
            span(age_ms / 1_000)
        ),
        Doing::Yielding(Yield::Unknown(why)) => {
            format!("{line}; waiting: how far the consumers are behind is not known ({why})")
        }
        Doing::Trying { what, why } => format!("{line}; {what} does not work, trying again: {why}"),
    }
}

/// The rate over the last lines.
#[derive(Default)]
struct Meter(VecDeque<(Duration, u64)>);

impl Meter {
    fn note(&mut self, at: Duration, done: u64) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((at, done));
    }

    /// Places a second.
    fn rate(&self) -> f64 {
        let (Some((began, first)), Some((at, last))) = (self.0.front(), self.0.back()) else { return 0.0 };
        let took_s = at.saturating_sub(*began).as_secs_f64();
        if took_s > 0.0 { last.saturating_sub(*first) as f64 / took_s } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_replay::Spent;

    use super::*;

    #[test]
    fn each_part_is_there_and_so_is_what_is_waited_for() {
        let going =
            ReplayState { done: 1_200, total: 5_000, records: 300, doing: Doing::Going, spent: Spent::default() };
        let text = "1200 of 5000 records (24 %), 300 appended, 600/s, 7 s left";
        assert_eq!(line(&going, "appended", 600.0), text);
        let slow = Spent { asking_the_store: Duration::from_secs(9), ..Spent::default() };
        let bounded = line(&ReplayState { spent: slow, ..going.clone() }, "appended", 600.0);
        assert_eq!(bounded, format!("{text}; what bounds it is asking the store"));
        let behind = Doing::Yielding(Yield::Behind { records: 70, age_ms: 61_000 });
        let waiting = line(&ReplayState { doing: behind, ..going.clone() }, "appended", 0.0);
        assert!(
            waiting.contains("time left unknown; waiting: the consumers are 70 records and 1 min 1 s behind"),
            "{waiting}"
        );
        let unknown = Doing::Yielding(Yield::Unknown("no brokers".to_owned()));
        assert!(line(&ReplayState { doing: unknown, ..going.clone() }, "appended", 0.0).contains("(no brokers)"));
        let trying = Doing::Trying { what: "appending", why: "no brokers".to_owned() };
        let text = line(&ReplayState { doing: trying, ..going.clone() }, "appended", 1.0);
        assert!(text.contains("1 h 3 min left; appending does not work, trying again: no brokers"), "{text}");
        let none = ReplayState { done: 0, total: 0, ..going };
        assert!(line(&none, "folded", 0.0).starts_with("0 of 0 records (100 %)"));
    }

    #[test]
    fn the_rate_is_the_latest() {
        let mut meter = Meter::default();
        assert!(meter.rate() < 0.001);
        for second in 0..20 {
            meter.note(Duration::from_secs(second), 1_000 + second.saturating_sub(10) * 50);
        }
        assert!((meter.rate() - 50.0).abs() < 0.001, "{}", meter.rate());
    }
}
