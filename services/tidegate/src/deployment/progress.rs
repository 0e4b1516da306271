//! How far a long command is, as one line.

use std::time::Duration;

/// Done, total, rate and time left: `1200 of 5000 records (24 %), 600/s, 7 s left`.
pub fn line(done: u64, total: u64, took: Duration) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let rate = done as f64 / took.as_secs_f64().max(0.001);
    let left = match total.saturating_sub(done) {
        0 => "nothing left".to_owned(),
        _ if done == 0 => "time left unknown".to_owned(),
        left => format!("{} left", span((left as f64 / rate).ceil() as u64)),
    };
    format!("{done} of {total} records ({percent} %), {}/s, {left}", rate.round() as u64)
}

fn span(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_there_and_nothing_divides_by_zero() {
        for (done, total, took_s, told) in [
            (1_200, 5_000, 2, "1200 of 5000 records (24 %), 600/s, 7 s left"),
            (0, 5_000, 2, "0 of 5000 records (0 %), 0/s, time left unknown"),
            (0, 0, 0, "0 of 0 records (100 %), 0/s, nothing left"),
            (5_000, 5_000, 10, "5000 of 5000 records (100 %), 500/s, nothing left"),
            (1, 7_202, 1, "1 of 7202 records (0 %), 1/s, 2 h 0 min left"),
            (1, 126, 1, "1 of 126 records (0 %), 1/s, 2 min 5 s left"),
        ] {
            assert_eq!(line(done, total, Duration::from_secs(took_s)), told);
        }
    }
}
