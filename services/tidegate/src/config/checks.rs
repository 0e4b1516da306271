//! Numbers that must fit each other: deadlines nest, caps nest, thresholds are in order. Each message names both values.

use std::time::Duration;

use tidegate_admission::AdmissionConfig;
use tidegate_ingest::IngestConfig;
use tidegate_shedding::Thresholds;

use super::purpose::Server;
use super::{Config, ConfigProblem, Purpose};

/// One comparison: both keys, both values, and why.
struct Rule<'c> {
    small: (&'c str, u64),
    large: (&'c str, u64),
    /// Whether they may be equal.
    equal: bool,
    why: &'c str,
}

/// Every contradiction.
pub(super) fn check(config: &Config, purpose: Purpose) -> Vec<ConfigProblem> {
    let mut rules = deadlines(config);
    rules.extend(caps(config));
    rules.extend(thresholds(config));
    rules.extend(of_agentgate(config));
    rules.extend(on_kafka(config));
    rules.extend(on_redis(config));
    rules.extend(on_scylla(config));
    let mut problems: Vec<ConfigProblem> = rules.iter().filter_map(Rule::broken).collect();
    problems.extend(ports(config, purpose));
    problems.extend(servers(config, purpose));
    problems
}

impl Rule<'_> {
    fn broken(&self) -> Option<ConfigProblem> {
        let (Rule { small, large, equal, why }, fine) = (self, self.small.1 < self.large.1);
        if fine || *equal && small.1 == large.1 {
            return None;
        }
        let word = if *equal { "at most" } else { "below" };
        Some(ConfigProblem::nesting(format!(
            "{} = {} must be {word} {} = {}: {why}",
            small.0, small.1, large.0, large.1
        )))
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

/// The longest time, in milliseconds, from the stamp of a record's receipt to the answer: the log acknowledges the
/// record within it.
pub(super) fn slowest_answer_ms(ingest: &IngestConfig, admission: &AdmissionConfig) -> u64 {
    let waits = &admission.timeouts;
    let until_sent = ms(ingest.body_read_timeout) + waits.gate_ms + waits.store_ms + waits.claim_wait_ms;
    until_sent + waits.send_within_ms + waits.append_ms
}

fn deadlines(config: &Config) -> Vec<Rule<'_>> {
    let (ingest, waits) = (&config.ingest, &config.admission.timeouts);
    let until_landed = waits.send_within_ms + waits.append_ms;
    let slowest = (
        "the slowest answer (ingest.body_timeout_ms and admission's gate, store, claim, send and append waits)",
        slowest_answer_ms(ingest, &config.admission),
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
            slowest,
            ("pulse.hold_ms", u64::try_from(config.pulse.hold_ms).unwrap_or(0)),
            "a slot would be judged missed before its run is on the log; raise pulse.hold_ms, or leave it out: it then \
             follows from these timeouts",
        ),
        below(
            ("ingest.drain_grace_ms", ms(ingest.serve.drain_grace)),
            ("ingest.drain_ms", ms(ingest.serve.drain_deadline)),
            "requests are taken for the lesser part of a stop",
        ),
        below(
            ("control.drain_grace_ms", ms(config.control.serve.drain_grace)),
            ("control.drain_ms", ms(config.control.serve.drain_deadline)),
            "requests are taken for the lesser part of a stop",
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
        at_most(
            ("twice ingest.max_body_bytes", 2 * config.ingest.max_body_bytes as u64),
            ("ingest.max_body_bytes_in_flight", config.ingest.max_body_bytes_in_flight as u64),
            "the largest body must find room for what was sent and what it decodes to",
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

fn thresholds(config: &Config) -> Vec<Rule<'_>> {
    let ordered = |names: [&'static str; 3], of: &Thresholds| {
        let [leave, enter, full] = names;
        [
            at_most((leave, of.leave), (enter, of.enter), "shedding ends below the line where it begins"),
            below((enter, of.enter), (full, of.full), "everything is shed only well after shedding began"),
        ]
    };
    let shed = &config.admission.shed;
    let age = ["admission.shed_age_leave_ms", "admission.shed_age_enter_ms", "admission.shed_age_full_ms"];
    let records = ["admission.shed_records_leave", "admission.shed_records_enter", "admission.shed_records_full"];
    let unknown = at_most(
        ("admission.shed_unknown_after_ms", shed.unknown_after_ms),
        ("admission.shed_unknown_bulk_after_ms", shed.unknown_bulk_after_ms),
        "a lag is unknown before it is unknown for long",
    );
    ordered(age, &shed.age_ms).into_iter().chain(ordered(records, &shed.records)).chain([unknown]).collect()
}

fn of_agentgate(config: &Config) -> Vec<Rule<'_>> {
    let section = &config.agentgate;
    let (api, age) = (&section.api, section.shed_age_ms);
    let slowest = ("agentgate.body_timeout_ms + agentgate.wait_ms", ms(api.body_read_timeout) + ms(api.wait));
    vec![
        at_most(
            ("agentgate.shed_age_leave_ms", age.leave),
            ("agentgate.shed_age_enter_ms", age.enter),
            "shedding ends below the threshold where it begins",
        ),
        below(
            ("agentgate.shed_age_enter_ms", age.enter),
            ("agentgate.shed_age_full_ms", age.full),
            "everything is shed only well after shedding began",
        ),
        below(
            ("agentgate.shed_age_full_ms", age.full),
            ("agentgate.wait_ms", ms(api.wait)),
            "a request that is not shed must be able to wait for its decision",
        ),
        below(slowest, ("agentgate.drain_ms", ms(api.serve.drain_deadline)), "a stop must let the slowest request end"),
        below(
            slowest,
            ("agentgate.idle_timeout_ms", ms(api.serve.idle)),
            "a connection must not be cut while its answer is being made",
        ),
        below(
            ("agentgate.drain_grace_ms", ms(api.serve.drain_grace)),
            ("agentgate.drain_ms", ms(api.serve.drain_deadline)),
            "requests are taken for the lesser part of a stop",
        ),
        at_most(
            ("agentgate.lease_s", api.lease.as_secs()),
            ("agentgate.run_deadline_s", api.run_deadline.as_secs()),
            "a run that ends at its deadline is not leased for longer",
        ),
    ]
}

/// How long an append may take and where it may still land, how long a partition may drain, what fits where.
fn on_kafka(config: &Config) -> Vec<Rule<'_>> {
    let Some(kafka) = &config.kafka else { return Vec::new() };
    let (append, consume, waits) = (&kafka.options.append, &kafka.options.consume, &config.admission.timeouts);
    let message = ("kafka.message_timeout_ms", ms(append.message_timeout));
    vec![
        below(
            ("kafka.request_timeout_ms", ms(append.request_timeout)),
            message,
            "a record must be sent at least once within its time",
        ),
        at_most(
            message,
            ("admission.append_timeout_ms", waits.append_ms),
            "who stops waiting earlier calls records failed that are delivered later",
        ),
        at_most(
            (
                "admission.send_within_ms + kafka.message_timeout_ms + kafka.request_timeout_ms",
                waits.send_within_ms + ms(append.message_timeout) + ms(append.request_timeout),
            ),
            ("admission.lands_within_ms", waits.lands_within_ms),
            "a claim may be taken over only once its record can no longer land",
        ),
        below(
            ("persister.drain_ms", ms(config.persister.drain_deadline)),
            ("kafka.session_timeout_ms", ms(consume.session_timeout)),
            "a partition must be drained before its member counts as gone",
        ),
        below(
            ("log.max_record_bytes", config.log.max_record_bytes as u64),
            ("kafka.queue_bytes", append.queue_bytes as u64),
            "the largest record must fit in the queue",
        ),
        at_most(
            ("kafka.min_insync_replicas", u64::from(kafka.layout.min_insync_replicas)),
            ("kafka.replication", u64::from(kafka.layout.replication)),
            "there cannot be more replicas in sync than there are",
        ),
        below(
            ("admission.shed_age_full_ms", config.admission.shed.age_ms.full),
            ("kafka.retention_hours in ms", kafka.layout.retention.max_age_ms),
            "a record must stay on the log until it is applied",
        ),
    ]
}

fn on_redis(config: &Config) -> Vec<Rule<'_>> {
    let Some(redis) = &config.redis else { return Vec::new() };
    vec![at_most(
        ("redis.response_timeout_ms", ms(redis.response_timeout)),
        ("admission.gate_timeout_ms", config.admission.timeouts.gate_ms),
        "a Redis that hangs must be given up before the question is",
    )]
}

fn on_scylla(config: &Config) -> Vec<Rule<'_>> {
    let Some(scylla) = &config.scylla else { return Vec::new() };
    vec![at_most(
        ("scylla.request_timeout_ms", ms(scylla.options.request_timeout)),
        ("control.store_deadline_ms", ms(config.control.store_deadline)),
        "a read must be able to end within its answer's time",
    )]
}

/// Each listener has a port of its own; port 0 is a new one each time.
fn ports(config: &Config, purpose: Purpose) -> Vec<ConfigProblem> {
    let opened: Vec<_> = purpose
        .listens()
        .iter()
        .map(|key| match *key {
            "ingest.listen" => ("ingest.listen", config.listen),
            "control.listen" => ("control.listen", config.control.listen),
            "agentgate.listen" => ("agentgate.listen", config.agentgate.listen),
            _ => (config.ops.key, config.ops.listen),
        })
        .collect();
    let mut problems = Vec::new();
    for (place, (first, address)) in opened.iter().enumerate() {
        for (second, other) in &opened[place + 1..] {
            if address == other && address.port() != 0 {
                let text = format!("{first} and {second} are both {address}: each needs a port of its own");
                problems.push(ConfigProblem::nesting(text));
            }
        }
    }
    problems
}

/// Which servers are named, which must be, and that no data folder is named along with them.
fn servers(config: &Config, purpose: Purpose) -> Vec<ConfigProblem> {
    let named = |server: &Server| match server {
        Server::Kafka => config.kafka.is_some(),
        Server::Redis => config.redis.is_some(),
        Server::Scylla => config.scylla.is_some(),
    };
    let Some(first) = Server::ALL.iter().find(|server| named(server)) else {
        return purpose.needs().iter().map(|server| missing(*server, purpose, None)).collect();
    };
    let first = config.with_source(first.key().0);
    if purpose == Purpose::Dev {
        let text = format!(
            "{first}: tidegate dev is one process on a data folder; the roles are tidegate ingest, persist and control"
        );
        return vec![ConfigProblem::nesting(text)];
    }
    let mut problems = Vec::new();
    if config.is_set("data") {
        let text = format!(
            "{} and {first}: a deployment is either one data folder or these servers; leave one out",
            config.with_source("data")
        );
        problems.push(ConfigProblem::nesting(text));
    }
    let needed = if purpose == Purpose::Look { &Server::ALL } else { purpose.needs() };
    let unnamed = needed.iter().filter(|server| !named(server));
    problems.extend(unnamed.map(|server| missing(*server, purpose, Some(&first))));
    problems
}

fn missing(server: Server, purpose: Purpose, named: Option<&str>) -> ConfigProblem {
    let (key, example) = server.key();
    let why = match (purpose, named) {
        (Purpose::Look, Some(named)) => format!("and {named}: a distributed deployment names all three servers"),
        _ => format!("and {} needs it", purpose.command()),
    };
    ConfigProblem::nesting(format!("{key} is not set, {why}; for example {example}"))
}
