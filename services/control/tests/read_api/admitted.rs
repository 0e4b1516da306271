//! Behind admission itself, with real credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tidegate_admission::{Admission, AdmissionConfig, AdmissionPorts};
use tidegate_agentping::{Credential, CredentialHash, KeyAccess, KeyId, Plan, Slug, TokenId};
use tidegate_agentping_inproc::gate::MemoryGate;
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{CredentialRecord, Credentials, KeyRow, Registry, Team, TokenRow};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::Region;
use tidegate_ports::StoreError;

use crate::house::*;

/// Counts the look-ups.
struct Counted {
    registry: MemoryRegistry,
    asked: AtomicUsize,
}

#[async_trait]
impl Credentials for Counted {
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.registry.find(hash).await
    }
}

fn hash(text: &str) -> CredentialHash {
    Credential::parse(text).unwrap().hash()
}

/// One team with a key and a ping token.
async fn registry() -> MemoryRegistry {
    let registry = MemoryRegistry::default();
    let (team, created_at) = (team(1), at(NOON));
    registry
        .create_team(Team { id: team, name: "one".to_owned(), plan: Plan::Starter, created_at, archived_at: None })
        .await
        .unwrap();
    let key = KeyRow {
        id: KeyId::from_bits(Region::Eu, 1),
        team,
        access: KeyAccess::Full,
        created_at,
        revoked_at: None,
        label: None,
    };
    registry.create_key(key, hash(KEY_A)).await.unwrap();
    let token = TokenRow {
        id: TokenId::from_bits(Region::Eu, 1),
        team,
        agent: Slug::parse("nightly").unwrap(),
        created_at,
        revoked_at: None,
        expires_at: None,
    };
    registry.create_token(token, hash(TOKEN_A)).await.unwrap();
    registry
}

#[tokio::test]
async fn admission_decides_who_reads_and_judges_regions_before_looking_up() {
    let counted = Arc::new(Counted { registry: registry().await, asked: AtomicUsize::new(0) });
    let runs = Arc::new(MemoryRuns::default());
    let clock = Arc::new(TestClock::at(at(NOON)));
    let log = MemoryLog::new(MemoryLogOptions::default(), clock.clone());
    let ports = AdmissionPorts {
        clock,
        credentials: counted.clone(),
        rates: Arc::new(MemoryRegistry::default()),
        agents: runs.clone(),
        usage: runs.clone(),
        stored: runs,
        gate: Arc::new(MemoryGate::default()),
        lag: Arc::new(log.lag("persister")),
        append: Arc::new(log),
        accounts: Arc::new(MemoryNotedAccounts::default()),
    };
    let house = House::with_callers(Admission::new(ports, AdmissionConfig::new(Region::Eu))).await;
    let elsewhere = KEY_A.replace("_eu_", "_us_");
    let nowhere = KEY_A.replace("_eu_", "_fr_");
    // Nothing of these is looked up.
    assert_refusal(&house.get_as(None, "/v1/usage").await, 401, "invalid_credential", None);
    assert_refusal(&house.get_as(Some("apk_eu_short"), "/v1/usage").await, 401, "invalid_credential", None);
    assert_refusal(&house.get_as(Some(&elsewhere), "/v1/usage").await, 401, "region_mismatch", None);
    assert_refusal(&house.get_as(Some(&nowhere), "/v1/usage").await, 400, "unknown_region", None);
    assert_eq!(counted.asked.load(Ordering::SeqCst), 0);
    assert_refusal(&house.get_as(Some(KEY_B), "/v1/usage").await, 401, "invalid_credential", None);
    assert_refusal(&house.get_as(Some(TOKEN_A), "/v1/usage").await, 401, "scope_violation", None);
    assert_eq!(house.get_as(Some(KEY_A), "/v1/usage").await.ok()["plan"], "starter");
    assert_eq!(counted.asked.load(Ordering::SeqCst), 3);
}
