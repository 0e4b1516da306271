//! Batches: statements of one partition, which a server applies whole or not at all.

use std::collections::HashMap;
use std::hash::Hash;

use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};

use crate::statement::Prepared;

/// Rows and bytes of one batch at most, far below a server's limit of a mutation. One row always fits.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 1 << 20;

/// Values of one statement of a batch.
pub(crate) type BoxedValues = Box<dyn SerializeRow + Send + Sync>;

/// Statements of one partition, written as one.
pub(crate) struct PartitionBatch {
    pub(crate) kind: &'static str,
    pub(crate) batch: Batch,
    pub(crate) values: Vec<BoxedValues>,
}

impl PartitionBatch {
    pub fn new(kind: &'static str) -> Self {
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_is_idempotent(true);
        PartitionBatch { kind, batch, values: Vec::new() }
    }

    /// One whose statements have conditions: it is applied if all of them hold, and sent once.
    pub fn conditional(kind: &'static str) -> Self {
        PartitionBatch { kind, batch: Batch::new(BatchType::Logged), values: Vec::new() }
    }

    pub fn add(&mut self, statement: &Prepared, values: impl SerializeRow + Send + Sync + 'static) {
        self.batch.append_statement(statement.query.clone());
        self.values.push(Box::new(values));
    }
}

/// Rows of one table, grouped by their partitions `P`. Each row has its own write timestamp, so their order is of no
/// account.
pub(crate) struct RowBatches<'s, P> {
    kind: &'static str,
    statement: &'s Prepared,
    batches: Vec<PartitionBatch>,
    /// The batch of each partition that takes more rows.
    open: HashMap<P, Open>,
}

struct Open {
    index: usize,
    bytes: usize,
}

impl<'s, P: Eq + Hash> RowBatches<'s, P> {
    pub fn new(kind: &'static str, statement: &'s Prepared) -> Self {
        RowBatches { kind, statement, batches: Vec::new(), open: HashMap::new() }
    }

    /// Adds a row of about so many bytes.
    pub fn add(&mut self, partition: P, bytes: usize, values: impl SerializeRow + Send + Sync + 'static) {
        let RowBatches { kind, statement, batches, open } = self;
        let begin = |batches: &mut Vec<PartitionBatch>| {
            batches.push(PartitionBatch::new(kind));
            Open { index: batches.len() - 1, bytes: 0 }
        };
        let open = open.entry(partition).or_insert_with(|| begin(batches));
        let rows = batches[open.index].values.len();
        if rows > 0 && (rows >= BATCH_ROWS || open.bytes + bytes > BATCH_BYTES) {
            *open = begin(batches);
        }
        open.bytes += bytes;
        batches[open.index].add(statement, values);
    }

    pub fn into_batches(self) -> Vec<PartitionBatch> {
        self.batches
    }
}
