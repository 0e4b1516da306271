//! Spans of time in the progress lines of long commands.

/// Seconds in the two largest units that they fill: `19 s`, `2 min 5 s`, `2 h 0 min`.
pub fn span(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
