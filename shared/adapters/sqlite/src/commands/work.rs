//! What is written into the store.

use std::sync::Arc;

use tidegate_kernel::SmolStr;
use tidegate_ports::{Account, BookWrite, DeliveryWrite, DueWrite, Halt, SendProgress, StoredFact, ViewWrite};

/// One write. Writes that wait together share a commit.
pub(super) enum Work {
    Views(Arc<Vec<ViewWrite>>),
    Due(Arc<Vec<DueWrite>>),
    Deliveries(Arc<Vec<DeliveryWrite>>),
    Facts(Arc<Vec<StoredFact>>),
    Books(Arc<Vec<BookWrite>>),
    Progress { shard: u16, id: SmolStr, progress: SendProgress },
    Account(Account),
    Halt(Halt),
}
