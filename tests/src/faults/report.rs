//! What a fault came to: one row of the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// What one fault came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    pub fault: String,
    /// How often it was done.
    pub times: u64,
    pub requests: u64,
    pub acknowledged: u64,
    /// Answered 2xx and not stored.
    pub lost: u64,
    /// Stored twice, never sent, or with other content.
    pub doubled: u64,
    /// Answers of 5xx by kind.
    pub failed_by_kind: BTreeMap<String, u64>,
    /// Requests without an answer: their connection ended with its process, or was cut.
    pub no_answer: u64,
    /// The longest time from the end of the fault until every front door took a record and it could be read.
    pub recovery_ms: Option<u64>,
    /// The most memory that any process held.
    pub peak_bytes: u64,
    /// How long all of it took.
    pub took_ms: u64,
    /// What was seen in addition to the numbers.
    pub notes: Vec<String>,
    /// Why it does not hold, if it does not.
    pub failure: Option<String>,
}

/// A row that is being written, held by all who write it.
#[derive(Clone, Debug, Default)]
pub struct Sheet(Arc<Mutex<Row>>);

impl Sheet {
    pub fn open(&self) -> MutexGuard<'_, Row> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that recovering took so long; the longest stays.
    pub fn recovered(&self, took: Duration) {
        let took = u64::try_from(took.as_millis()).expect("no fault takes ages");
        let mut row = self.open();
        row.recovery_ms = Some(row.recovery_ms.unwrap_or(0).max(took));
    }

    pub fn note(&self, text: impl Into<String>) {
        self.open().notes.push(text.into());
    }
}

impl Row {
    /// Why this row fails: what was told, a record lost or doubled, or an answer of 5xx other than `503` with
    /// `Retry-After` and AgentGate's `504 undecided`.
    pub fn failing(&self) -> Option<String> {
        if let Some(told) = &self.failure {
            return Some(told.clone());
        }
        if self.lost + self.doubled > 0 {
            return Some(format!("{} lost, {} doubled", self.lost, self.doubled));
        }
        let wrong = |kind: &&String| {
            kind.as_str() != "504 undecided" && (!kind.starts_with("503 ") || kind.ends_with("without Retry-After"))
        };
        self.failed_by_kind.keys().find(wrong).map(|kind| format!("answers of {kind}"))
    }

    fn cells(&self) -> [String; 10] {
        let mut kinds = self.failed_by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>();
        if self.no_answer > 0 {
            kinds.push(format!("{} no answer", self.no_answer));
        }
        let recovery = self.recovery_ms.map_or_else(|| "-".to_owned(), seconds);
        let verdict = self.failing().map_or_else(|| "holds".to_owned(), |_| "FAILS".to_owned());
        [
            self.fault.clone(),
            self.times.to_string(),
            self.requests.to_string(),
            self.acknowledged.to_string(),
            self.lost.to_string(),
            self.doubled.to_string(),
            if kinds.is_empty() { "-".to_owned() } else { kinds.join(", ") },
            recovery,
            if self.peak_bytes == 0 { "-".to_owned() } else { format!("{} MiB", self.peak_bytes >> 20) },
            verdict,
        ]
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

const HEAD: [&str; 10] =
    ["fault", "times", "requests", "2xx", "lost", "doubled", "5xx by kind", "recovery", "memory", "verdict"];

/// The rows as a Markdown table, which reads well on a terminal, too; then notes and what fails.
pub fn table(rows: &[Row]) -> String {
    let cells: Vec<[String; 10]> = rows.iter().map(Row::cells).collect();
    let width = |at: usize| cells.iter().map(|row| row[at].chars().count()).chain([HEAD[at].len()]).max().unwrap_or(0);
    let widths: [usize; 10] = std::array::from_fn(width);
    let line = |row: &[String; 10]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", padded.collect::<String>())
    };
    let mut text = line(&HEAD.map(str::to_owned));
    let _ = writeln!(text, "|{}", widths.map(|width| format!("{}|", "-".repeat(width + 2))).concat());
    text.extend(cells.iter().map(line));
    let notes = rows.iter().flat_map(|row| row.notes.iter().map(move |note| (&row.fault, note)));
    let notes: String = notes.map(|(fault, note)| format!("- {fault}: {note}\n")).collect();
    if notes.is_empty() { text } else { format!("{text}\n{notes}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(change: impl FnOnce(&mut Row)) -> Row {
        let mut row =
            Row { fault: "kill-ingest".to_owned(), times: 3, requests: 10, acknowledged: 9, ..Row::default() };
        change(&mut row);
        row
    }

    #[test]
    fn what_is_lost_doubled_or_answered_wrongly_fails() {
        assert_eq!(row(|_| ()).failing(), None);
        let counted = |kind: &str| {
            let kind = kind.to_owned();
            row(move |row| {
                row.failed_by_kind.insert(kind, 1);
            })
        };
        assert_eq!(counted("503 shed").failing(), None);
        assert_eq!(counted("504 undecided").failing(), None);
        assert!(row(|row| row.lost = 1).failing().is_some_and(|told| told.contains("1 lost")));
        assert!(row(|row| row.doubled = 2).failing().is_some_and(|told| told.contains("2 doubled")));
        for wrong in ["500", "502", "504", "503 shed without Retry-After"] {
            assert!(counted(wrong).failing().is_some_and(|told| told.contains(wrong)), "{wrong}");
        }
        let told = row(|row| row.failure = Some("it never came back".to_owned())).failing();
        assert_eq!(told.as_deref(), Some("it never came back"));
    }

    #[test]
    fn the_table_has_a_line_for_each_row_and_each_note() {
        let rows = [
            row(|row| row.recovery_ms = Some(1_234)),
            row(|row| {
                row.failed_by_kind.insert("503 log_unavailable".to_owned(), 7);
                row.notes.push("seen".to_owned());
                row.lost = 1;
            }),
        ];
        let text = table(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(lines[2].contains("| 1.2 s ") && lines[2].contains("holds"), "{text}");
        assert!(lines[3].contains("7 503 log_unavailable") && lines[3].contains("FAILS"), "{text}");
        assert_eq!(lines[5], "- kill-ingest: seen");
    }
}
