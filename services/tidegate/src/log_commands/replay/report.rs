//! What a replay did, or would do, at its end: for people, or as one JSON object.

use serde::Serialize;
use serde_json::{Value, json};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use tidegate_replay::Progress;

use super::counts::Counts;
use super::preview::Would;
use crate::console::Console;
use crate::log_commands::kind::ByKind;

/// The report of a replay.
#[derive(Debug)]
pub struct Replayed<'r> {
    pub selection: String,
    pub progress: &'r Progress<Counts>,
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
pub struct Previewed<'r> {
    pub selection: String,
    pub total: u64,
    pub counts: &'r Counts,
    pub would: &'r Would,
    pub whole: bool,
    /// Records that consumers have not applied: what they add, the replay need not. `None`: not known.
    pub waiting_on_the_log: Option<u64>,
    pub took_ms: u64,
}

fn by_kind(counted: &ByKind) -> Value {
    json!({
        "total": counted.total(), "start": counted.start, "events": counted.events, "finish": counted.finish,
        "heartbeat": counted.heartbeat, "unreadable": counted.unreadable,
    })
}

impl Replayed<'_> {
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
            "appended": by_kind(&counts.appended),
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
        passed_over(console, counts);
    }
}

impl Previewed<'_> {
    pub fn as_json(&self) -> impl Serialize {
        let Would { add, change_nothing, conflict, not_decode, runs_changed, add_rows, exact } = self.would;
        json!({
            "dry_run": true,
            "selection": self.selection,
            "whole": self.whole,
            "total": self.total,
            "chosen": by_kind(&self.counts.appended),
            "would_add": by_kind(add),
            "would_change_nothing": by_kind(change_nothing),
            "would_conflict": by_kind(conflict),
            "cannot_be_decoded": not_decode + self.counts.passed_over.unreadable,
            "runs_changed": runs_changed,
            "would_add_rows": add_rows,
            "exact": exact,
            "passed_over": self.counts.passed_over,
            "waiting_on_the_log": self.waiting_on_the_log,
            "took_ms": self.took_ms,
        })
    }

    pub fn as_lines(&self, console: &mut Console) {
        let Would { add, change_nothing, conflict, not_decode, runs_changed, add_rows, exact } = self.would;
        console.line(format_args!("of {} records, {} would be appended again:", self.total, self.counts.appended));
        console.line(format_args!("  would add something      {add}, in {runs_changed} runs"));
        console.line(format_args!("  would change nothing     {change_nothing}"));
        console.line(format_args!("  would conflict and lose  {conflict}"));
        console
            .line(format_args!("  would add rows           {add_rows}, of listings and indexes that stored runs lack"));
        console.line(format_args!("  cannot be decoded        {}", not_decode + self.counts.passed_over.unreadable));
        passed_over(console, self.counts);
        if !exact {
            console.line(format_args!("so much would change that repeats among it may be counted as adding something"));
        }
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

fn passed_over(console: &mut Console, counts: &Counts) {
    let passed_over = counts.passed_over.in_words();
    if !passed_over.is_empty() {
        console.line(format_args!("passed over {}:", counts.passed_over.total()));
    }
    for why in passed_over {
        console.line(format_args!("  {why}"));
    }
}
