//! The metrics of a data folder.

tidegate_metric::declare! {
    pub(crate) DISK_FREE_BYTES: Gauge = "tidegate_disk_free_bytes",
        "Bytes free for the embedded data folder on its disk.";
    pub(crate) DISK_TOTAL_BYTES: Gauge = "tidegate_disk_total_bytes",
        "Size of the disk that the embedded data folder is on.";
}
