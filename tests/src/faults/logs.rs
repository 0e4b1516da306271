//! Log lines that cannot be written: a stalled reader, a full disk.

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::process::{Extra, Stream, Streams};
use crate::{Client, Target};

/// Records between two stops: with the level `debug`, several times what a pipe holds.
const MANY: std::ops::Range<u64> = 1_500..2_500;
const TIMES: u32 = 3;

/// A `tidegate dev` that logs everything to such a standard error takes records, answers its probes and stops in order.
pub async fn are_not_taken(given: Given, errors: Stream) {
    let environment = vec![("TIDEGATE_TELEMETRY__LEVEL".to_owned(), "debug".to_owned())];
    let extra = Extra { environment, streams: Streams { errors, ..Streams::default() }, ..Extra::default() };
    let target = Target::dev_with(&given.binary, extra).await;
    let mut trial = Trial::begin(target.deployment(), Pace::BUSY, given.random, given.sheet).await;
    let server = trial.server("server");
    for _ in 0..TIMES {
        trial.acknowledge_some(MANY).await;
        for probe in ["healthz", "readyz", "metrics"] {
            Client::default().get(&format!("{}/{probe}", server.ops())).send().await.expect(200);
        }
        assert!(server.stop().await, "SIGTERM did not end it with exit code 0");
        server.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}
