//! How far a long command is, as one line.

use std::time::Duration;

use crate::time_left::span;

/// With less done than this, or in less time, the rate says more about the start than about what is left.
const ESTIMATE_FROM_RECORDS: u64 = 100;
const ESTIMATE_FROM: Duration = Duration::from_secs(5);

/// Done, total, rate and time left: `1200 of 5000 records (24 %), 600/s, 7 s left`. While too little is done for an
/// estimate, none is made.
pub fn line(done: u64, total: u64, took: Duration) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let rate = done as f64 / took.as_secs_f64().max(0.001);
    let left = match total.saturating_sub(done) {
        0 => "nothing left".to_owned(),
        _ if done < ESTIMATE_FROM_RECORDS || took < ESTIMATE_FROM => "time left not known yet".to_owned(),
        left => format!("{} left", span((left as f64 / rate).ceil() as u64)),
    };
    format!("{done} of {total} records ({percent} %), {}/s, {left}", rate.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_there_and_nothing_divides_by_zero() {
        for (done, total, took_s, text) in [
            (1_200, 5_000, 6, "1200 of 5000 records (24 %), 200/s, 19 s left"),
            (0, 5_000, 9, "0 of 5000 records (0 %), 0/s, time left not known yet"),
            // What a consumer that has just joined has done says nothing: at this rate it would be days.
            (3, 245_000, 9, "3 of 245000 records (0 %), 0/s, time left not known yet"),
            (2_000, 245_000, 2, "2000 of 245000 records (0 %), 1000/s, time left not known yet"),
            (0, 0, 0, "0 of 0 records (100 %), 0/s, nothing left"),
            (5_000, 5_000, 10, "5000 of 5000 records (100 %), 500/s, nothing left"),
            (100, 72_100, 10, "100 of 72100 records (0 %), 10/s, 2 h 0 min left"),
            (100, 1_350, 10, "100 of 1350 records (7 %), 10/s, 2 min 5 s left"),
        ] {
            assert_eq!(line(done, total, Duration::from_secs(took_s)), text);
        }
    }
}
