//! `[agentgate]`: its front door, what is stamped on its commands, and where its part of log and store is.

use std::net::SocketAddr;
use std::time::Duration;

use tidegate_agentgate_api::AgentGateConfig;
use tidegate_commands::sealing::DeploymentKey;
use tidegate_door::ServeOptions;
use tidegate_kernel::LogKey;
use tidegate_outbound::{Networks, Trust};
use tidegate_shedding::Thresholds;

use super::reader::{ConfigProblem, Reader};
use super::scylla::is_keyspace;

/// AgentGate's settings.
#[derive(Clone, Debug)]
pub struct AgentGateSection {
    pub listen: SocketAddr,
    pub api: AgentGateConfig,
    /// Of a new topic or folder. It divides [`LogKey::SHARDS`].
    pub partitions: u32,
    /// Its keyspace; empty: AgentPing's with `_agentgate` at its end.
    pub keyspace: String,
    /// How old the oldest undecided command of a partition is when requests are shed.
    pub shed_age_ms: Thresholds,
    /// The key of a distributed deployment. A data folder has its own, in a file.
    pub secret: Option<DeploymentKey>,
    /// Networks that webhooks may be sent to though they are private.
    pub webhook_allow_targets: Networks,
    /// The certificate authorities that receivers of webhooks are believed by.
    pub webhook_trust: Trust,
}

pub(super) fn read(reader: &mut Reader) -> AgentGateSection {
    const MIB: u64 = 1 << 20;
    let usual = AgentGateConfig::default();
    let seconds = |reader: &mut Reader, key, default: Duration, range| {
        Duration::from_secs(reader.whole(key, default.as_secs(), range))
    };
    let listen = reader.address("agentgate.listen", ([127, 0, 0, 1], 8082));
    let api = AgentGateConfig {
        estimate_cents_per_iteration: reader.whole(
            "agentgate.estimate_cents_per_iteration",
            u64::from(usual.estimate_cents_per_iteration),
            0..=1_000_000,
        ) as u32,
        lease: seconds(reader, "agentgate.lease_s", usual.lease, 1..=3_600),
        max_grants: reader.whole("agentgate.max_grants", u64::from(usual.max_grants), 1..=100) as u32,
        run_deadline: seconds(reader, "agentgate.run_deadline_s", usual.run_deadline, 1..=86_400),
        wait: reader.millis("agentgate.wait_ms", 10_000, 100..=60_000),
        webhook_allow_http: reader.flag("agentgate.webhook_allow_http", false),
        body_read_timeout: reader.millis("agentgate.body_timeout_ms", 10_000, 10..=600_000),
        max_in_flight: reader.whole("agentgate.max_in_flight", u64::from(usual.max_in_flight), 1..=1_000_000) as u32,
        body_bytes: reader.whole("agentgate.max_body_bytes_in_flight", 256 * MIB, MIB..=1_024 * 1_024 * MIB) as usize,
        answer_bytes: reader.whole("agentgate.max_answer_bytes_in_flight", 128 * MIB, MIB..=1_024 * 1_024 * MIB)
            as usize,
        store_deadline: reader.millis("agentgate.store_deadline_ms", 5_000, 10..=600_000),
        serve: ServeOptions {
            port: "agentgate",
            header_read_timeout: reader.millis("agentgate.header_timeout_ms", 30_000, 10..=600_000),
            keep_alive: reader.millis("agentgate.keep_alive_ms", 75_000, 10..=3_600_000),
            idle: reader.millis("agentgate.idle_timeout_ms", 60_000, 10..=3_600_000),
            max_connections: reader.whole("agentgate.max_connections", 1_024, 1..=1_000_000) as usize,
            drain_grace: reader.millis("agentgate.drain_grace_ms", 5_000, 0..=600_000),
            drain_deadline: reader.millis("agentgate.drain_ms", 25_000, 1..=600_000),
        },
        ..usual
    };
    let partitions = reader.whole("agentgate.partitions", 16, 1..=u64::from(LogKey::SHARDS)) as u32;
    if u32::from(LogKey::SHARDS) % partitions != 0 {
        let text = format!("agentgate.partitions = {partitions}: must divide {}, for example 16", LogKey::SHARDS);
        reader.problem(ConfigProblem::nesting(text));
    }
    let allowed = "1 to 48 small letters, digits and underscores, beginning with a letter";
    let keyspace = reader.formed("agentgate.keyspace", "", allowed, |name| name.is_empty() || is_keyspace(name));
    let shed_age_ms = Thresholds {
        leave: reader.whole("agentgate.shed_age_leave_ms", 500, 1..=600_000),
        enter: reader.whole("agentgate.shed_age_enter_ms", 1_000, 1..=600_000),
        full: reader.whole("agentgate.shed_age_full_ms", 5_000, 1..=600_000),
    };
    let secret = reader.secret("agentgate.secret", "agentgate.secret_file").and_then(|text| {
        let key = key_of(&text);
        if key.is_none() {
            let text = "agentgate.secret: must be 64 hex digits, for example of `openssl rand -hex 32`";
            reader.problem(ConfigProblem::nesting(text.to_owned()));
        }
        key
    });
    let targets = reader.list("agentgate.webhook_allow_targets", "a list of networks such as 10.0.0.0/8", |text| {
        Networks::parse_one(text).is_some()
    });
    // Each was read above.
    let webhook_allow_targets = Networks::parse(targets.iter().map(String::as_str)).unwrap_or_default();
    let webhook_trust = webhook_trust(reader);
    AgentGateSection { listen, api, partitions, keyspace, shed_age_ms, secret, webhook_allow_targets, webhook_trust }
}

/// The public authorities, and those of a file.
fn webhook_trust(reader: &mut Reader) -> Trust {
    const KEY: &str = "agentgate.webhook_ca_file";
    let Some(pem) = reader.file(KEY) else { return Trust::public() };
    Trust::public().and_pem(pem.as_bytes()).unwrap_or_else(|error| {
        reader.problem(ConfigProblem::nesting(format!("{KEY}: {error}")));
        Trust::public()
    })
}

/// A deployment's key as a file or a setting has it: 64 hex digits.
pub fn key_of(text: &str) -> Option<DeploymentKey> {
    let text = text.trim();
    let mut bytes = [0; DeploymentKey::BYTES];
    if text.len() != 2 * bytes.len() || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(DeploymentKey::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hex_digits() {
        assert!(key_of(&"0f".repeat(32)).is_some());
        assert!(key_of(&format!("{}\n", "0F".repeat(32))).is_some());
        for bad in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert!(key_of(bad).is_none(), "{bad}");
        }
    }
}
