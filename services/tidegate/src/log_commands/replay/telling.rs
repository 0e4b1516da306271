//! What a replay tells while it runs: one line every two seconds, and at once when it begins or ends to wait.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval_at};

use super::standing::{Doing, Standing};
use super::traffic::Yield;
use crate::page::Page;

const EVERY: Duration = Duration::from_secs(2);
/// The rate is that of the last so many lines.
const REMEMBERED: usize = 6;

/// Tells for ever.
pub async fn tell(page: &mut Page, mut standing: watch::Receiver<Standing>, verb: &str) -> std::convert::Infallible {
    let mut meter = Meter::default();
    let began = Instant::now();
    meter.note(Duration::ZERO, standing.borrow_and_update().done);
    let mut ticks = interval_at(began + EVERY, EVERY);
    let mut told = Doing::Going;
    loop {
        let tick = tokio::select! {
            _ = ticks.tick() => true,
            changed = standing.changed() => match changed {
                Ok(()) => false,
                // The work has ended; whoever waits for it stops us.
                Err(_) => std::future::pending().await,
            },
        };
        let now = standing.borrow_and_update().clone();
        if tick {
            meter.note(began.elapsed(), now.done);
        }
        if tick || !same(&told, &now.doing) {
            page.line(format_args!("{}", line(&now, verb, meter.rate())));
            told = now.doing;
        }
    }
}

/// Lines are not told for every number that changes.
fn same(one: &Doing, other: &Doing) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// `1200 of 5000 records (24 %), 300 appended, 600/s, 7 s left`, and what is waited for.
fn line(standing: &Standing, verb: &str, rate: f64) -> String {
    let Standing { done, total, records, doing, spent } = standing;
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
            format!("{line}; waiting: nobody can tell how far the consumers are behind ({why})")
        }
        Doing::Trying { what, why } => format!("{line}; {what} does not work, trying again: {why}"),
    }
}

fn span(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// How fast it goes lately.
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
    use super::super::standing::Spent;
    use super::*;

    #[test]
    fn each_part_is_there_and_so_is_what_is_waited_for() {
        let going = Standing { done: 1_200, total: 5_000, records: 300, doing: Doing::Going, spent: Spent::default() };
        let told = "1200 of 5000 records (24 %), 300 appended, 600/s, 7 s left";
        assert_eq!(line(&going, "appended", 600.0), told);
        let slow = Spent { asking_the_store: Duration::from_secs(9), ..Spent::default() };
        let bounded = line(&Standing { spent: slow, ..going.clone() }, "appended", 600.0);
        assert_eq!(bounded, format!("{told}; what bounds it is asking the store"));
        let behind = Doing::Yielding(Yield::Behind { records: 70, age_ms: 61_000 });
        let waiting = line(&Standing { doing: behind, ..going.clone() }, "appended", 0.0);
        assert!(
            waiting.contains("time left unknown; waiting: the consumers are 70 records and 1 min 1 s behind"),
            "{waiting}"
        );
        let unknown = Doing::Yielding(Yield::Unknown("no brokers".to_owned()));
        assert!(line(&Standing { doing: unknown, ..going.clone() }, "appended", 0.0).contains("(no brokers)"));
        let trying = Doing::Trying { what: "appending", why: "no brokers".to_owned() };
        let told = line(&Standing { doing: trying, ..going.clone() }, "appended", 1.0);
        assert!(told.contains("1 h 3 min left; appending does not work, trying again: no brokers"), "{told}");
        let none = Standing { done: 0, total: 0, ..going };
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
