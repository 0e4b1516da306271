//! Which organizations have queued runs.

use tidegate_agentgate::OrgId;
use tidegate_agentgate::views::{self, OpenShardRow};
use tidegate_ports::{Scan, ScanOrder};

use crate::caller::Worker;
use crate::front_door::{FrontDoor, decoded};
use crate::refusal::Refusal;

/// Organizations read at once.
const BATCH: usize = 500;

/// An organization with queued runs.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub org: OrgId,
    pub row: OpenShardRow,
}

impl FrontDoor {
    /// The queues that the worker serves, the one with the oldest run first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn queues(&self, worker: Worker) -> Result<Vec<Queue>, Refusal> {
        if let Some(org) = worker.org {
            let row: Option<OpenShardRow> = self.row(views::open_shard(org)).await?;
            return Ok(row.into_iter().map(|row| Queue { org, row }).collect());
        }
        let mut queues = Vec::new();
        let mut after = None;
        loop {
            let shard = views::ALL.into();
            let order = ScanOrder::Ascending;
            let scan = Scan { view: views::OPEN_SHARDS, shard, after, order, limit: BATCH };
            let rows = self.ask(self.views.scan(&scan)).await?;
            let count = rows.len();
            after = rows.last().map(|row| row.row.clone());
            for row in rows {
                let Some(org) = OrgId::parse(&row.row) else { continue };
                queues.push(Queue { org, row: decoded(&row.doc)? });
            }
            if count < BATCH {
                break;
            }
        }
        queues.sort_by_key(|queue| (queue.row.oldest_at_ms, queue.org));
        Ok(queues)
    }
}
