//! What can be set about a log.

use std::time::Duration;

use tidegate_ports::Retention;

/// Options of an embedded log. The partition count is the folder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes of the largest record taken.
    pub max_record_bytes: usize,
    /// Records that share one transaction and one sync, at most.
    pub max_batch_records: usize,
    /// Bytes of payload that share one transaction, about, at most.
    pub max_batch_bytes: usize,
    /// Bytes of payload that may wait for the writer; beyond it the callers of appends wait.
    pub max_waiting_bytes: usize,
    /// Bytes of payload and bookkeeping kept in memory for consumers that keep up, over all partitions.
    pub tail_bytes: usize,
    /// How long a consumer may take to hand a partition over.
    pub revocation_deadline: Duration,
    /// Bytes of the write-ahead log, beyond which it is folded back into the file in the background.
    pub wal_checkpoint_bytes: u64,
    /// Bytes of the write-ahead log, beyond which the writer itself helps, so that it restarts.
    pub wal_restart_bytes: u64,
    /// Bytes that `log.db` may have; appends that need more are refused as not persisted. `None`: the disk is the cap.
    pub max_file_bytes: Option<u64>,
    /// How long applied records are kept; the bytes are those of `log.db` that are in use.
    pub retention: Retention,
    /// How often retention is applied.
    pub housekeeping_interval: Duration,
}

impl Default for LogOptions {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        LogOptions {
            max_record_bytes: 4 * MIB,
            max_batch_records: 1_024,
            max_batch_bytes: 8 * MIB,
            max_waiting_bytes: 64 * MIB,
            tail_bytes: 16 * MIB,
            revocation_deadline: Duration::from_secs(10),
            wal_checkpoint_bytes: 8 * MIB as u64,
            wal_restart_bytes: 64 * MIB as u64,
            max_file_bytes: None,
            retention: Retention { max_age_ms: 24 * 60 * 60 * 1_000, max_bytes: 1024 * MIB as u64 },
            housekeeping_interval: Duration::from_secs(1),
        }
    }
}

impl LogOptions {
    /// Where the numbers contradict each other the larger one holds.
    pub(super) fn settled(mut self) -> Self {
        self.max_batch_records = self.max_batch_records.max(1);
        // One waiting record must always fit, and the semaphore behind it counts in 32 bits.
        self.max_record_bytes = self.max_record_bytes.min(u32::MAX as usize / 8);
        self.max_waiting_bytes = self.max_waiting_bytes.max(self.max_record_bytes).clamp(1, u32::MAX as usize / 8);
        self.wal_restart_bytes = self.wal_restart_bytes.max(self.wal_checkpoint_bytes);
        self
    }
}
