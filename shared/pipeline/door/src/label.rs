//! The labels of metrics.

/// A closed set of labels of a metric: words of ours, never a client's.
pub trait Label: Copy + Send + Sync + 'static {
    /// All of them, in the order of [`index`](Label::index).
    const ALL: &'static [Self];

    /// As metrics and logs have it.
    fn label(self) -> &'static str;

    /// Its place in [`ALL`](Label::ALL).
    fn index(self) -> usize;
}
