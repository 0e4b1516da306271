//! The program under test: `exec-under-test URL TOKEN SPOOL TAIL WITHIN_MS CMD ARGS…`, where `-` is "none".

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping::Slug;
use tidegate_exec::{ExecOptions, NoteSink, exec};
use tidegate_ports::{RandomIds, SystemClock};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mut text = || arguments.next().and_then(|argument| argument.into_string().ok()).filter(|text| text != "-");
    let options = ExecOptions {
        agent: Slug::sent("nightly").expect("a slug"),
        url: text().unwrap_or_default(),
        token: text(),
        spool: text().map(Into::into),
        tail_bytes: text().and_then(|bytes| bytes.parse().ok()),
        report_within: Duration::from_millis(text().and_then(|millis| millis.parse().ok()).unwrap_or_default()),
        command: arguments.collect(),
    };
    let note: NoteSink = Arc::new(|line: &str| drop(writeln!(io::stderr(), "note: {line}")));
    exec(&options, Arc::new(SystemClock), &RandomIds, &note)
}
