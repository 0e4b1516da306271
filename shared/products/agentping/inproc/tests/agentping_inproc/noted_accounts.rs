//! The accounts with notes in memory pass the suites that every keeper of them runs.

use tidegate_agentping_conformance::notes;
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_conformance::accounts;

#[tokio::test]
async fn in_memory() {
    accounts::suite(&MemoryNotedAccounts::default()).await;
    notes::suite(&MemoryNotedAccounts::default()).await;
}
