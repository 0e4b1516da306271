//! What a replay did, or would do, at its end: for people, or as one JSON object.

use serde::Serialize;
use serde_json::{Value, json};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use tidegate_replay::Progress;

use super::counts::{CountKinds, Counts, PassedOver};
use super::product::Foreseen;
use crate::console::Console;

/// The report of a replay.
#[derive(Debug)]
pub struct Replayed<'r, K> {
    pub selection: String,
    pub progress: &'r Progress<Counts<K>>,
    /// Whether it went on with an earlier one.
    pub resumed: bool,
    pub whole: bool,
    /// Appended by this process, also what is not in the progress file yet.
    pub appended_now: u64,
    pub took_ms: u64,
    /// Where the progress is kept; `None` once it is whole.
    pub progress_file: Option<String>,
}

/// The report of a dry run.
#[derive(Debug)]
pub struct Previewed<'r, K> {
    pub selection: String,
    pub total: u64,
    pub counts: &'r Counts<K>,
    pub foreseen: Foreseen,
    pub whole: bool,
    /// Records that consumers have not applied: what they add, the replay need not. `None`: not known.
    pub waiting_on_the_log: Option<u64>,
    pub took_ms: u64,
}

impl<K: CountKinds> Replayed<'_, K> {
    pub fn as_json(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Begun(#[serde(with = "iso")] Timestamp);
        let Progress { plan, counts, begun_at, .. } = self.progress;
        json!({
            "dry_run": false,
            "selection": self.selection,
            "begun_at": Begun(*begun_at),
            "resumed": self.resumed,
            "whole": self.whole,
            "total": plan.total(),
            "done": plan.done(),
            "appended": counts.appended.as_json(),
            "appended_now": self.appended_now,
            "passed_over": counts.passed_over,
            "took_ms": self.took_ms,
            "progress_file": self.progress_file,
        })
    }

    pub fn as_lines(&self, console: &mut Console) {
        let Progress { plan, counts, .. } = self.progress;
        let resumed = if self.resumed { ", going on from before" } else { "" };
        let took_s = self.took_ms / 1_000;
        console.line(format_args!(
            "appended {} again, of {} records looked at{resumed}, in {took_s} s",
            counts.appended,
            plan.done()
        ));
        passed_over(console, &counts.passed_over);
    }
}

impl<K: CountKinds> Previewed<'_, K> {
    pub fn as_json(&self) -> impl Serialize {
        let mut report = json!({
            "dry_run": true,
            "selection": self.selection,
            "whole": self.whole,
            "total": self.total,
            "chosen": self.counts.appended.as_json(),
            "passed_over": self.counts.passed_over,
            "waiting_on_the_log": self.waiting_on_the_log,
            "took_ms": self.took_ms,
        });
        if let (Value::Object(report), Value::Object(foreseen)) = (&mut report, &self.foreseen.json) {
            report.extend(foreseen.clone());
        }
        report
    }

    pub fn as_lines(&self, console: &mut Console) {
        console.line(format_args!("of {} records, {} would be appended again:", self.total, self.counts.appended));
        for line in &self.foreseen.lines {
            console.line(format_args!("  {line}"));
        }
        passed_over(console, &self.counts.passed_over);
        match self.waiting_on_the_log {
            Some(0) => {}
            Some(records) => console.line(format_args!(
                "{records} records wait on the log: what they are about to add counts as added by the replay"
            )),
            None => console.line(format_args!("how many records wait on the log could not be read")),
        }
        console.line(format_args!("nothing was appended"));
    }
}

fn passed_over(console: &mut Console, passed_over: &PassedOver) {
    let in_words = passed_over.in_words();
    if !in_words.is_empty() {
        console.line(format_args!("passed over {}:", passed_over.total()));
    }
    for why in in_words {
        console.line(format_args!("  {why}"));
    }
}
