//! The declaration of a metric.

use metrics::{KeyName, SharedString};

use crate::family::record;

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// The distribution of recorded values.
    Histogram,
}

/// A metric as `/metrics` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    pub name: &'static str,
    pub kind: Kind,
    /// The labels of each of its series.
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

impl Declared {
    /// Registers the help text with the process's recorder. Does nothing while none is installed.
    pub fn describe(&self) {
        let (name, help) = (KeyName::from_const_str(self.name), SharedString::const_str(self.help));
        record(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, None, help),
            Kind::Gauge => recorder.describe_gauge(name, None, help),
            Kind::Histogram => recorder.describe_histogram(name, None, help),
        });
    }
}
