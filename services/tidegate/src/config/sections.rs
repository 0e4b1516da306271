//! The sections that every deployment has.

use std::path::PathBuf;
use std::time::Duration;

use tidegate_admission::AdmissionConfig;
use tidegate_conservation::Conservation;
use tidegate_control::Control;
use tidegate_dashboard::SessionSecret;
use tidegate_door::ServeOptions;
use tidegate_ingest::IngestConfig;
use tidegate_kernel::Region;
use tidegate_persister::{BrakeRules, PersisterConfig};
use tidegate_pulse::judge::JudgeOptions;
use tidegate_redis::RedisOptions;
use tidegate_shedding::Thresholds;
use tidegate_telemetry::LogSettings;

use super::reader::{ConfigProblem, Reader};
use super::{Config, ControlConfig, LogConfig, OpsConfig, OpsOfRoles, agentgate, alerts, checks, kafka, redis, scylla};

pub(super) fn read(reader: &mut Reader) -> Config {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    const DAY_MS: u64 = 24 * 3_600_000;
    let region = reader.parsed("region", Region::Eu, "eu or us");
    let data = PathBuf::from(reader.text("data", "./tidegate-data"));
    let start_timeout = reader.millis("start_timeout_ms", 60_000, 1..=3_600_000);
    let log = LogConfig {
        partitions: reader.whole("log.partitions", 4, 1..=1_024) as u32,
        retention_ms: reader.whole("log.retention_hours", 24, 0..=87_600) * 3_600_000,
        retention_bytes: reader.whole("log.retention_bytes", KIB * MIB, MIB..=u64::MAX >> 1),
        max_record_bytes: reader.whole("log.max_record_bytes", 4 * MIB, 64 * KIB..=64 * MIB) as usize,
    };
    let listen = reader.address("ingest.listen", ([127, 0, 0, 1], 8080));
    let ingest = IngestConfig {
        region,
        serve: ServeOptions {
            port: "ingest",
            header_read_timeout: reader.millis("ingest.header_timeout_ms", 30_000, 10..=600_000),
            keep_alive: reader.millis("ingest.keep_alive_ms", 75_000, 10..=3_600_000),
            idle: reader.millis("ingest.idle_timeout_ms", 60_000, 10..=3_600_000),
            max_connections: reader.whole("ingest.max_connections", 4_096, 1..=1_000_000) as usize,
            drain_grace: reader.millis("ingest.drain_grace_ms", 5_000, 0..=600_000),
            drain_deadline: reader.millis("ingest.drain_ms", 25_000, 1..=600_000),
        },
        body_read_timeout: reader.millis("ingest.body_timeout_ms", 10_000, 10..=600_000),
        max_in_flight: reader.whole("ingest.max_in_flight", 2_048, 1..=1_000_000) as u32,
        max_body_bytes: reader.whole("ingest.max_body_bytes", MIB, KIB..=64 * MIB) as usize,
        max_body_bytes_in_flight: reader.whole("ingest.max_body_bytes_in_flight", 256 * MIB, KIB..=1_024 * 1_024 * MIB)
            as usize,
        ignore_unknown_members: reader.flag("ingest.lenient", false),
    };
    let mut of_roles = OpsOfRoles { ingest: reader.maybe_address("ingest.ops_listen"), ..OpsOfRoles::default() };
    let control = ControlConfig {
        listen: reader.address("control.listen", ([127, 0, 0, 1], 8081)),
        serve: ServeOptions {
            port: "control",
            keep_alive: reader.millis("control.keep_alive_ms", 75_000, 10..=3_600_000),
            max_connections: reader.whole("control.max_connections", 1_024, 1..=1_000_000) as usize,
            drain_grace: reader.millis("control.drain_grace_ms", 5_000, 0..=600_000),
            drain_deadline: reader.millis("control.drain_ms", 12_000, 1..=600_000),
            ..ServeOptions::default()
        },
        store_deadline: reader.millis("control.store_deadline_ms", 10_000, 10..=600_000),
        max_answer_bytes_in_flight: reader.whole(
            "control.max_answer_bytes_in_flight",
            Control::ANSWER_BYTES as u64,
            Control::ANSWER_BYTES_MIN as u64..=1_024 * 1_024 * MIB,
        ) as usize,
        ingest_url: reader.maybe_url("control.ingest_url"),
        session_secret: session_secret(reader),
        secure_cookies: reader.flag("control.secure_cookies", false),
        sample_records: reader.whole("control.sample_records", Conservation::SAMPLE_RECORDS, 0..=4_096),
    };
    of_roles.control = reader.maybe_address("control.ops_listen");
    let ops = OpsConfig {
        listen: reader.address("ops.listen", ([127, 0, 0, 1], 9090)),
        key: "ops.listen",
        of_roles: OpsOfRoles::default(),
        serve: ServeOptions {
            port: "ops",
            header_read_timeout: Duration::from_secs(10),
            max_connections: 128,
            drain_deadline: Duration::from_secs(2),
            ..ServeOptions::default()
        },
    };
    of_roles.persister = reader.maybe_address("persister.ops_listen");
    let usual = PersisterConfig::default();
    let persister = PersisterConfig {
        api: None,
        poll_bytes: reader.whole("persister.poll_bytes", usual.poll_bytes as u64, KIB..=256 * MIB) as usize,
        high_mark_bytes: reader.whole("persister.high_mark_bytes", usual.high_mark_bytes as u64, KIB..=4_096 * MIB)
            as usize,
        low_mark_bytes: reader.whole("persister.low_mark_bytes", usual.low_mark_bytes as u64, KIB..=4_096 * MIB)
            as usize,
        linger: reader.millis("persister.linger_ms", 50, 0..=1_000),
        settle_every: reader.millis("persister.settle_ms", 50, 0..=10_000),
        drain_deadline: reader.millis("persister.drain_ms", 10_000, 1..=600_000),
        brake: BrakeRules {
            in_a_row: reader.whole("persister.brake_run_length", usual.brake.in_a_row.into(), 0..=1_000_000) as u32,
            window: reader.whole("persister.brake_window", usual.brake.window.into(), 0..=1_000_000) as u32,
            ratio_percent: reader.whole("persister.brake_ratio_percent", usual.brake.ratio_percent.into(), 0..=100)
                as u32,
        },
        max_records_of_key: usual.max_records_of_key,
    };
    let mut admission = AdmissionConfig::new(region);
    let times = &mut admission.credentials;
    times.fresh_ms = reader.whole("admission.credential_fresh_ms", times.fresh_ms, 0..=60_000);
    times.missing_fresh_ms = reader.whole("admission.credential_missing_fresh_ms", times.missing_fresh_ms, 0..=60_000);
    times.stale_ms = reader.whole("admission.credential_stale_ms", times.stale_ms, 0..=DAY_MS);
    admission.rates_fresh_ms = reader.whole("admission.rates_fresh_ms", admission.rates_fresh_ms, 0..=60_000);
    admission.claim_window_ms =
        reader.whole("admission.claim_window_ms", admission.claim_window_ms, 1_000..=30 * DAY_MS);
    let max_claim_bytes = reader.whole("admission.max_claim_bytes", 192 * MIB, MIB..=1_024 * 1_024 * MIB) as usize;
    let share = u64::from(admission.local_share_permille);
    admission.local_share_permille = reader.whole("admission.local_share_permille", share, 1..=1_000) as u32;
    let waits = &mut admission.timeouts;
    for (key, wait) in [
        ("admission.gate_timeout_ms", &mut waits.gate_ms),
        ("admission.store_timeout_ms", &mut waits.store_ms),
        ("admission.store_extra_timeout_ms", &mut waits.store_extra_ms),
        ("admission.claim_wait_ms", &mut waits.claim_wait_ms),
        ("admission.send_within_ms", &mut waits.send_within_ms),
        ("admission.append_timeout_ms", &mut waits.append_ms),
        ("admission.lands_within_ms", &mut waits.lands_within_ms),
        ("admission.clock_skew_ms", &mut waits.clock_skew_ms),
    ] {
        *wait = reader.whole(key, *wait, 1..=600_000);
    }
    let shed = &mut admission.shed;
    let (age, records) = (shed.age_ms, shed.records);
    shed.age_ms = Thresholds {
        leave: reader.whole("admission.shed_age_leave_ms", age.leave, 1..=30 * DAY_MS),
        enter: reader.whole("admission.shed_age_enter_ms", age.enter, 1..=30 * DAY_MS),
        full: reader.whole("admission.shed_age_full_ms", age.full, 1..=30 * DAY_MS),
    };
    shed.records = Thresholds {
        leave: reader.whole("admission.shed_records_leave", records.leave, 1..=u64::MAX >> 1),
        enter: reader.whole("admission.shed_records_enter", records.enter, 1..=u64::MAX >> 1),
        full: reader.whole("admission.shed_records_full", records.full, 1..=u64::MAX >> 1),
    };
    shed.unknown_after_ms = reader.whole("admission.shed_unknown_after_ms", shed.unknown_after_ms, 1_000..=600_000);
    shed.when_unknown = reader.parsed("admission.shed_when_unknown", shed.when_unknown, "hold or accept");
    shed.unknown_bulk_after_ms =
        reader.whole("admission.shed_unknown_bulk_after_ms", shed.unknown_bulk_after_ms, 1_000..=DAY_MS);
    let agentgate = agentgate::read(reader);
    of_roles.agentgate = reader.maybe_address("agentgate.ops_listen");
    of_roles.decider = reader.maybe_address("decider.ops_listen");
    of_roles.pulse = reader.maybe_address("pulse.ops_listen");
    let usual = JudgeOptions::default();
    let least_hold_ms = whole_seconds(checks::slowest_answer_ms(&ingest, &admission));
    let hold_ms = reader.whole("pulse.hold_ms", least_hold_ms.max(usual.hold_ms as u64), 1_000..=600_000) as i64;
    let save_every_ms = reader.whole("pulse.save_ms", usual.save_every_ms, 1_000..=3_600_000);
    let canary_url = reader.maybe_url("pulse.canary_url");
    let pulse = JudgeOptions { hold_ms, save_every_ms, canary: canary_url.is_some() };
    let alerts = alerts::read(reader);
    let ops = OpsConfig { of_roles, ..ops };
    let limits = kafka::Limits { max_record_bytes: log.max_record_bytes, drain: persister.drain_deadline };
    let kafka = kafka::read(reader, region, limits);
    let window = Duration::from_millis(admission.claim_window_ms);
    let key_prefix = kafka.as_ref().map_or_else(String::new, |kafka| format!("{}.{region}", kafka.prefix));
    let redis = redis::read(reader).map(|options| RedisOptions { window, key_prefix, ..options });
    let scylla = scylla::read(reader, region);
    let telemetry = LogSettings { level: reader.level("telemetry.level"), format: reader.format("telemetry.format") };
    Config {
        region,
        data,
        start_timeout,
        log,
        listen,
        ingest,
        control,
        ops,
        persister,
        admission,
        agentgate,
        alerts,
        pulse,
        canary_url,
        max_claim_bytes,
        kafka,
        redis,
        scylla,
        telemetry,
        effective: Vec::new(),
    }
}

/// Milliseconds, rounded up to whole seconds.
const fn whole_seconds(ms: u64) -> u64 {
    ms.div_ceil(1_000) * 1_000
}

/// The secret of the dashboard's sessions: 64 hex digits.
fn session_secret(reader: &mut Reader) -> Option<SessionSecret> {
    let text = reader.secret("control.session_secret", "control.session_secret_file")?;
    let secret = SessionSecret::parse(&text);
    if secret.is_none() {
        let text = "control.session_secret: must be 64 hex digits, for example of `openssl rand -hex 32`";
        reader.problem(ConfigProblem::nesting(text.to_owned()));
    }
    secret
}
