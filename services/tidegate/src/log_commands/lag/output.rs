//! A reading as a table for people and as JSON for scripts.

use serde::Serialize;
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::PartitionLag;

use super::reading::{Pace, Reading};
use crate::console::Console;

const HEAD: [&str; 8] = ["PARTITION", "FIRST", "NEXT", "END", "LAG", "OLDEST", "APPENDED", "APPLIED/S"];

/// The table, the sum, and what is not as it should be.
pub fn text(console: &mut Console, group: &str, reading: &Reading, pace: Option<&Pace>) {
    console.line(format_args!("{group} at {}", reading.at));
    let rate_of = |partition: Partition| {
        let found = pace.and_then(|pace| pace.drained.iter().find(|(of, _)| *of == partition));
        found.map_or_else(|| "-".to_owned(), |(_, rate)| rate_text(*rate))
    };
    let row = |(lag, age): (&PartitionLag, &Option<u64>)| {
        let [first, next, end] = [lag.first, next(lag), lag.end].map(|offset| offset.to_string());
        let (records, appended) = (lag.records().to_string(), appended_text(lag.oldest_appended_at));
        [lag.partition.to_string(), first, next, end, records, age_text(*age), appended, rate_of(lag.partition)]
    };
    let mut rows: Vec<_> = reading.partitions.iter().zip(&reading.ages_ms).map(row).collect();
    let none = String::new;
    let all_rate = pace.map_or_else(|| "-".to_owned(), |pace| rate_text(pace.drained_per_s));
    let (age, appended) = (age_text(reading.age_ms()), appended_text(reading.oldest_appended_at()));
    rows.push(["all".to_owned(), none(), none(), none(), reading.records().to_string(), age, appended, all_rate]);
    console.table(HEAD, &rows);
    if let Some(pace) = pace {
        let left = match pace.left_s {
            Some(0) => "nothing waits".to_owned(),
            Some(seconds) => format!("{} left", age_text(Some(seconds * 1_000))),
            None => "more comes than is applied".to_owned(),
        };
        let (applied, appended) = (rate_text(pace.drained_per_s), rate_text(pace.appended_per_s));
        console.line(format_args!("{applied}/s applied, {appended}/s appended, {left}"));
    }
    for note in reading.notes() {
        console.line(format_args!("! {note}"));
    }
    if pace.is_some() {
        console.line(format_args!(""));
    }
}

/// The offset that is applied next; below the first one kept where retention deleted records before.
fn next(lag: &PartitionLag) -> i64 {
    lag.committed.max(lag.accounted)
}

/// When the oldest record was appended, by the log's clock.
fn appended_text(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

fn rate_text(per_s: f64) -> String {
    if per_s < 10.0 { format!("{per_s:.1}") } else { format!("{per_s:.0}") }
}

fn age_text(age_ms: Option<u64>) -> String {
    let Some(age_ms) = age_ms else { return "-".to_owned() };
    let seconds = age_ms / 1_000;
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) if s < 10 => format!("{s}.{} s", age_ms % 1_000 / 100),
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// One reading. `null` is unknown, or that nothing waits.
#[derive(Debug, Serialize)]
pub struct LagJson<'r> {
    group: &'r str,
    #[serde(with = "iso")]
    read_at: Timestamp,
    records: u64,
    #[serde(with = "iso_option")]
    oldest_appended_at: Option<Timestamp>,
    age_ms: Option<u64>,
    /// `None` in the first reading.
    applied_per_s: Option<f64>,
    appended_per_s: Option<f64>,
    left_s: Option<u64>,
    partitions: Vec<PartitionJson>,
    notes: Vec<String>,
}

/// One partition of it.
#[derive(Debug, Serialize)]
struct PartitionJson {
    generation: u16,
    partition: Partition,
    first: i64,
    /// The offset that is applied next.
    next: i64,
    end: i64,
    records: u64,
    #[serde(with = "iso_option")]
    oldest_appended_at: Option<Timestamp>,
    age_ms: Option<u64>,
}

pub fn json<'r>(group: &'r str, reading: &Reading, pace: Option<&Pace>) -> LagJson<'r> {
    let partition = |(lag, age_ms): (&PartitionLag, &Option<u64>)| PartitionJson {
        generation: lag.generation,
        partition: lag.partition,
        first: lag.first,
        next: next(lag),
        end: lag.end,
        records: lag.records(),
        oldest_appended_at: lag.oldest_appended_at,
        age_ms: *age_ms,
    };
    LagJson {
        group,
        read_at: reading.at,
        records: reading.records(),
        oldest_appended_at: reading.oldest_appended_at(),
        age_ms: reading.age_ms(),
        applied_per_s: pace.map(|pace| pace.drained_per_s),
        appended_per_s: pace.map(|pace| pace.appended_per_s),
        left_s: pace.and_then(|pace| pace.left_s),
        partitions: reading.partitions.iter().zip(&reading.ages_ms).map(partition).collect(),
        notes: reading.notes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_rates_are_short() {
        for (age_ms, text) in [
            (None, "-"),
            (Some(0), "0.0 s"),
            (Some(1_290), "1.2 s"),
            (Some(59_999), "59 s"),
            (Some(61_000), "1 min 1 s"),
            (Some(7_260_000), "2 h 1 min"),
        ] {
            assert_eq!(age_text(age_ms), text);
        }
        assert_eq!((rate_text(0.0), rate_text(9.94), rate_text(1_234.5)), ("0.0".into(), "9.9".into(), "1234".into()));
    }
}
