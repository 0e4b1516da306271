//! Numbers that must fit each other: deadlines nest, caps nest, lines are in order. Each message names both values.

use std::time::Duration;

use tidegate_admission::shed::Lines;

use super::{Config, Problem};

/// One comparison: both keys, both values, and why.
struct Rule<'c> {
    small: (&'c str, u64),
    large: (&'c str, u64),
    /// Whether they may be equal.
    equal: bool,
    why: &'c str,
}

/// Every contradiction.
pub(super) fn check(config: &Config) -> Vec<Problem> {
    let mut rules = deadlines(config);
    rules.extend(caps(config));
    rules.extend(lines(config));
    let mut problems: Vec<Problem> = rules.iter().filter_map(Rule::broken).collect();
    problems.extend(ports(config));
    problems
}

impl Rule<'_> {
    fn broken(&self) -> Option<Problem> {
        let (Rule { small, large, equal, why }, fine) = (self, self.small.1 < self.large.1);
        if fine || *equal && small.1 == large.1 {
            return None;
        }
        let word = if *equal { "at most" } else { "below" };
        Some(Problem::nesting(format!("{} = {} must be {word} {} = {}: {why}", small.0, small.1, large.0, large.1)))
    }
}

const fn below<'c>(small: (&'c str, u64), large: (&'c str, u64), why: &'c str) -> Rule<'c> {
    Rule { small, large, equal: false, why }
}

const fn at_most<'c>(small: (&'c str, u64), large: (&'c str, u64), why: &'c str) -> Rule<'c> {
    Rule { small, large, equal: true, why }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn deadlines(config: &Config) -> Vec<Rule<'_>> {
    let (ingest, waits) = (&config.ingest, &config.admission.timeouts);
    let until_landed = waits.send_within_ms + waits.append_ms;
    let slowest = (
        "the slowest answer (ingest.body_timeout_ms and admission's gate, store, claim, send and append waits)",
        ms(ingest.body_read_timeout) + waits.gate_ms + waits.store_ms + waits.claim_wait_ms + until_landed,
    );
    vec![
        at_most(
            ("admission.send_within_ms + admission.append_timeout_ms", until_landed),
            ("admission.lands_within_ms", waits.lands_within_ms),
            "a claim may be taken over only once its record can no longer land",
        ),
        at_most(
            slowest,
            ("ingest.drain_ms", ms(ingest.serve.drain_deadline)),
            "a stop must let the slowest request end",
        ),
        below(
            slowest,
            ("ingest.idle_timeout_ms", ms(ingest.serve.idle)),
            "a connection must not be cut while its answer is being made",
        ),
        at_most(
            ("control.store_deadline_ms", ms(config.control.store_deadline)),
            ("control.drain_ms", ms(config.control.serve.drain_deadline)),
            "a stop must let the slowest read end",
        ),
        at_most(
            ("admission.credential_fresh_ms", config.admission.credentials.fresh_ms),
            ("admission.credential_stale_ms", config.admission.credentials.stale_ms),
            "what is fresh cannot be stale yet",
        ),
        below(
            ("admission.shed_age_full_ms", config.admission.shed.age_ms.full),
            ("admission.claim_window_ms", config.admission.claim_window_ms),
            "a claim must outlive the wait of its record on the log",
        ),
        below(
            ("admission.lands_within_ms", waits.lands_within_ms),
            ("admission.claim_window_ms", config.admission.claim_window_ms),
            "a claim must outlive the writing of its record",
        ),
    ]
}

fn caps(config: &Config) -> Vec<Rule<'_>> {
    let record = ("log.max_record_bytes", config.log.max_record_bytes as u64);
    let persister = &config.persister;
    let high = ("persister.high_mark_bytes", persister.high_mark_bytes as u64);
    vec![
        at_most(
            ("ingest.max_body_bytes", config.ingest.max_body_bytes as u64),
            record,
            "a body that is taken must fit on the log",
        ),
        at_most(record, high, "one record must fit in the persister's budget"),
        at_most(
            ("persister.poll_bytes", persister.poll_bytes as u64),
            high,
            "one poll must fit in the persister's budget",
        ),
        below(
            ("persister.low_mark_bytes", persister.low_mark_bytes as u64),
            high,
            "reading pauses above the high mark and goes on below the low one",
        ),
    ]
}

fn lines(config: &Config) -> Vec<Rule<'_>> {
    let ordered = |names: [&'static str; 3], lines: &Lines| {
        let [leave, enter, full] = names;
        [
            at_most((leave, lines.leave), (enter, lines.enter), "shedding ends below the line where it begins"),
            below((enter, lines.enter), (full, lines.full), "everything is shed only well after shedding began"),
        ]
    };
    let shed = &config.admission.shed;
    let age = ["admission.shed_age_leave_ms", "admission.shed_age_enter_ms", "admission.shed_age_full_ms"];
    let records = ["admission.shed_records_leave", "admission.shed_records_enter", "admission.shed_records_full"];
    ordered(age, &shed.age_ms).into_iter().chain(ordered(records, &shed.records)).collect()
}

/// Three listeners, three ports; port 0 is a new one each time.
fn ports(config: &Config) -> Vec<Problem> {
    let listeners = [
        ("ingest.listen", config.listen),
        ("control.listen", config.control.listen),
        ("ops.listen", config.ops.listen),
    ];
    let pairs = [(0, 1), (0, 2), (1, 2)].map(|(one, two)| (listeners[one], listeners[two]));
    let clash = |((_, one), (_, two)): &((&str, std::net::SocketAddr), (&str, std::net::SocketAddr))| {
        one == two && one.port() != 0
    };
    let told = |((first, address), (second, _))| {
        Problem::nesting(format!("{first} and {second} are both {address}: each needs a port of its own"))
    };
    pairs.into_iter().filter(clash).map(told).collect()
}
