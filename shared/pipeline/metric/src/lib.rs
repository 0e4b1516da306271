//! Metrics, each declared once: its name, kind, labels and help are in the crate that emits it.
//!
//! A crate declares its metrics with [`declare!`] and exports the resulting list, `METRICS`. The program joins the
//! lists of its crates and [describes](Declared::describe) every metric at start.
//!
//! Dashboards, alerts and tests depend on names: a name is never reused for something else. Labels are bounded: no ids,
//! no slugs, no text of a client.

mod declared;
mod family;

pub use declared::{Declared, Kind};
pub use family::{Family, Handle};
pub use metrics::{Counter, Gauge, Histogram};

/// Declares the metrics of a crate: a constant [`Family`] for each, and `METRICS` with all of them.
///
/// ```
/// tidegate_metric::declare! {
///     pub(crate) ANSWERS: Counter = "tidegate_answers_total" { endpoint, outcome },
///         "Answers, by endpoint and outcome.";
///     pub(crate) CONNECTIONS: Gauge = "tidegate_connections",
///         "Connections open.";
/// }
///
/// ANSWERS.with([("endpoint", "runs"), ("outcome", "accepted")]).increment(1);
/// CONNECTIONS.handle().set(7.0);
/// assert_eq!(METRICS.len(), 2);
/// ```
#[macro_export]
macro_rules! declare {
    ($($visibility:vis $constant:ident: $kind:ident = $name:literal $({ $($label:ident),+ })?, $help:literal;)+) => {
        $(
            #[doc = $help]
            $visibility const $constant: $crate::Family<
                $crate::$kind,
                { <[&str]>::len(&[$($(stringify!($label)),+)?]) },
            > = $crate::Family::new($name, [$($(stringify!($label)),+)?]);
        )+

        /// Every metric of this crate.
        pub const METRICS: &[$crate::Declared] = &[$($crate::Declared {
            name: $name,
            kind: $crate::Kind::$kind,
            labels: &[$($(stringify!($label)),+)?],
            help: $help,
        }),+];
    };
}
