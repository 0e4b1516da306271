//! Which organizations have queued runs, and how many workers ask for them right now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Leases that this process asks for right now, by organization: no more of one than it has queued runs. A hint that saves
/// appends; the decision is the organization's decider's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking(Arc<Mutex<HashMap<OrgId, u32>>>);

/// One lease that is asked for, until it is dropped.
pub(super) struct Ask {
    all: Asking,
    org: OrgId,
}

impl Asking {
    /// `None`: as many are asked for as runs are queued.
    pub(super) fn begin(&self, queue: &Queue) -> Option<Ask> {
        let mut asking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asking.entry(queue.org).or_default();
        if *count >= queue.row.queued.max(1) {
            return None;
        }
        *count += 1;
        Some(Ask { all: self.clone(), org: queue.org })
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        let mut asking = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = asking.get_mut(&self.org) {
            *count -= 1;
            if *count == 0 {
                asking.remove(&self.org);
            }
        }
    }
}
