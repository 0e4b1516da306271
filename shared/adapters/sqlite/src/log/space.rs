//! Gauges of the free and the total bytes of the data folder's disk: a full disk refuses every append.

use std::path::Path;

use crate::metrics::{DISK_FREE_BYTES, DISK_TOTAL_BYTES};

/// Sets both gauges. They keep their values where the disk cannot be read.
pub(super) fn publish(folder: &Path) {
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            // Precise up to 8 PiB, and near enough beyond.
            DISK_FREE_BYTES.handle().set(disk.f_bavail.saturating_mul(disk.f_frsize) as f64);
            DISK_TOTAL_BYTES.handle().set(disk.f_blocks.saturating_mul(disk.f_frsize) as f64);
        }
        Err(error) => tracing::debug!(%error, "the free bytes of the data folder's disk cannot be read"),
    }
}
