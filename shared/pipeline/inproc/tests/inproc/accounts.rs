//! The in-memory accounts pass the suite that every keeper of accounts runs.

use tidegate_conformance::accounts::suite;
use tidegate_inproc::accounts::MemoryAccounts;

#[tokio::test]
async fn in_memory() {
    suite(&MemoryAccounts::default()).await;
}
