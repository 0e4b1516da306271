//! How full the data folder's disk is, as gauges: a full disk refuses every append.

use std::path::Path;

use crate::metrics::{DISK_FREE_BYTES, DISK_TOTAL_BYTES};

/// Publishes both, or keeps the last values where the disk cannot be asked.
pub(super) fn publish(folder: &Path) {
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            // Precise up to 8 PiB, and near enough beyond.
            DISK_FREE_BYTES.handle().set(disk.f_bavail.saturating_mul(disk.f_frsize) as f64);
            DISK_TOTAL_BYTES.handle().set(disk.f_blocks.saturating_mul(disk.f_frsize) as f64);
        }
        Err(error) => tracing::debug!(%error, "the disk of the data folder cannot be asked for its room"),
    }
}
