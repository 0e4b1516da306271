//! The configuration: one TOML file, `TIDEGATE_…` variables above it, flags above those; checked as a whole at
//! start, so that every mistake is named at once.

mod checks;
mod layers;
mod reader;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_admission::AdmissionConfig;
use tidegate_admission::shed::Lines;
use tidegate_domain::Region;
use tidegate_ingest::IngestConfig;
use tidegate_lifecycle::ServeOptions;
use tidegate_persister::PersisterConfig;
use tidegate_telemetry::LogSettings;

pub use layers::{Layers, Source};
pub use reader::{Effective, Problem};

use reader::Reader;

/// Everything that can be set, whole and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub region: Region,
    pub data: PathBuf,
    pub log: LogConfig,
    pub listen: SocketAddr,
    pub ingest: IngestConfig,
    pub control: ControlConfig,
    pub ops: OpsConfig,
    pub persister: PersisterConfig,
    pub admission: AdmissionConfig,
    /// The in-process gate remembers at most so many claims.
    pub max_claims: usize,
    pub telemetry: LogSettings,
    /// Each key with its value and where it came from, in the order of the sections.
    pub effective: Vec<Effective>,
}

/// The log and how long applied records stay on it.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// For a new folder; an existing log keeps its number.
    pub partitions: u32,
    pub retention_ms: u64,
    pub retention_bytes: u64,
    pub max_record_bytes: usize,
}

/// The read API.
#[derive(Clone, Copy, Debug)]
pub struct ControlConfig {
    pub listen: SocketAddr,
    pub serve: ServeOptions,
    pub store_deadline: Duration,
}

/// The operations port.
#[derive(Clone, Copy, Debug)]
pub struct OpsConfig {
    pub listen: SocketAddr,
    pub serve: ServeOptions,
}

impl Config {
    /// Reads and checks all layers.
    ///
    /// # Errors
    /// Every [`Problem`] there is, in the order of the keys.
    pub fn from_layers(layers: Layers) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(layers);
        let mut config = read(&mut reader);
        let (effective, problems) = reader.finish();
        config.effective = effective;
        // The numbers are compared only once each of them is one.
        let problems = if problems.is_empty() { checks::check(&config) } else { problems };
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The effective configuration as a TOML file would say it, with where each value came from; secrets redacted.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for Effective { key, value, source, quoted } in &self.effective {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            // Writing to a String cannot fail.
            if of != section {
                section = of;
                let _ = writeln!(text, "\n[{section}]");
            }
            let value = reader::redacted(value);
            let value = if *quoted { format!("{value:?}") } else { value };
            let _ = writeln!(text, "{:<48} # {source}", format!("{name} = {value}"));
        }
        text
    }
}

fn read(reader: &mut Reader) -> Config {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    const DAY_MS: u64 = 24 * 3_600_000;
    let region = reader.parsed("region", Region::Eu, "eu or us");
    let data = PathBuf::from(reader.text("data", "./tidegate-data"));
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
            header_read_timeout: reader.millis("ingest.header_timeout_ms", 30_000, 10..=600_000),
            idle: reader.millis("ingest.idle_timeout_ms", 60_000, 10..=3_600_000),
            max_connections: reader.whole("ingest.max_connections", 4_096, 1..=1_000_000) as usize,
            drain_deadline: reader.millis("ingest.drain_ms", 25_000, 1..=600_000),
        },
        body_read_timeout: reader.millis("ingest.body_timeout_ms", 10_000, 10..=600_000),
        max_in_flight: reader.whole("ingest.max_in_flight", 2_048, 1..=1_000_000) as u32,
        max_body_bytes: reader.whole("ingest.max_body_bytes", MIB, KIB..=64 * MIB) as usize,
        ignore_unknown_members: reader.flag("ingest.lenient", false),
    };
    let control = ControlConfig {
        listen: reader.address("control.listen", ([127, 0, 0, 1], 8081)),
        serve: ServeOptions {
            max_connections: reader.whole("control.max_connections", 1_024, 1..=1_000_000) as usize,
            drain_deadline: reader.millis("control.drain_ms", 12_000, 1..=600_000),
            ..ServeOptions::default()
        },
        store_deadline: reader.millis("control.store_deadline_ms", 10_000, 10..=600_000),
    };
    let ops = OpsConfig {
        listen: reader.address("ops.listen", ([127, 0, 0, 1], 9090)),
        serve: ServeOptions {
            header_read_timeout: Duration::from_secs(10),
            max_connections: 128,
            drain_deadline: Duration::from_secs(2),
            ..ServeOptions::default()
        },
    };
    let usual = PersisterConfig::default();
    let persister = PersisterConfig {
        poll_bytes: reader.whole("persister.poll_bytes", usual.poll_bytes as u64, KIB..=256 * MIB) as usize,
        high_mark_bytes: reader.whole("persister.high_mark_bytes", usual.high_mark_bytes as u64, KIB..=4_096 * MIB)
            as usize,
        low_mark_bytes: reader.whole("persister.low_mark_bytes", usual.low_mark_bytes as u64, KIB..=4_096 * MIB)
            as usize,
        linger: reader.millis("persister.linger_ms", 10, 0..=1_000),
        drain_deadline: reader.millis("persister.drain_ms", 10_000, 1..=600_000),
    };
    let mut admission = AdmissionConfig::new(region);
    let times = &mut admission.credentials;
    times.fresh_ms = reader.whole("admission.credential_fresh_ms", times.fresh_ms, 0..=60_000);
    times.missing_fresh_ms = reader.whole("admission.credential_missing_fresh_ms", times.missing_fresh_ms, 0..=60_000);
    times.stale_ms = reader.whole("admission.credential_stale_ms", times.stale_ms, 0..=DAY_MS);
    admission.rates_fresh_ms = reader.whole("admission.rates_fresh_ms", admission.rates_fresh_ms, 0..=60_000);
    admission.claim_window_ms =
        reader.whole("admission.claim_window_ms", admission.claim_window_ms, 1_000..=30 * DAY_MS);
    let max_claims = reader.whole("admission.max_claims", 2_000_000, 1_000..=1_000_000_000) as usize;
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
    shed.age_ms = Lines {
        leave: reader.whole("admission.shed_age_leave_ms", age.leave, 1..=30 * DAY_MS),
        enter: reader.whole("admission.shed_age_enter_ms", age.enter, 1..=30 * DAY_MS),
        full: reader.whole("admission.shed_age_full_ms", age.full, 1..=30 * DAY_MS),
    };
    shed.records = Lines {
        leave: reader.whole("admission.shed_records_leave", records.leave, 1..=u64::MAX >> 1),
        enter: reader.whole("admission.shed_records_enter", records.enter, 1..=u64::MAX >> 1),
        full: reader.whole("admission.shed_records_full", records.full, 1..=u64::MAX >> 1),
    };
    shed.unknown_after_ms = reader.whole("admission.shed_unknown_after_ms", shed.unknown_after_ms, 1_000..=600_000);
    let telemetry = LogSettings { level: reader.level("telemetry.level"), format: reader.format("telemetry.format") };
    Config {
        region,
        data,
        log,
        listen,
        ingest,
        control,
        ops,
        persister,
        admission,
        max_claims,
        telemetry,
        effective: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
