//! Front doors that die between the append of a command and its answer.

use super::trial::{BUSY, GateTrial};
use crate::faults::catalogue::Given;

const SOME: std::ops::Range<u64> = 10..60;
/// How often the point is passed before the process ends there.
const PASSES: std::ops::Range<u64> = 0..20;
/// The log has the command, and no answer was sent.
const APPENDED: &str = "commands::between_append_and_answer";

/// Each front door dies once.
pub async fn die(given: Given) {
    let mut trial = GateTrial::begin(&given, BUSY).await;
    for name in ["agentgate-0", "agentgate-1"] {
        trial.accepts_some(SOME).await;
        let victim = trial.arm(name, APPENDED, "return", PASSES).await;
        trial.dies_and_is_started(&victim).await;
        trial.recovers().await;
    }
    trial.ends().await;
}

/// The one process that holds everything dies there, and between its log's commit and the append's answer.
pub async fn die_alone(given: Given) {
    one_process_dies_at(given, &[APPENDED, "embedded::between_commit_and_answer"]).await;
}

/// The one process that holds everything dies at each of these points.
pub(super) async fn one_process_dies_at(given: Given, points: &[&str]) {
    let mut trial = GateTrial::begin(&given, BUSY).await;
    for point in points {
        trial.accepts_some(SOME).await;
        let victim = trial.arm("server", point, "return", PASSES).await;
        trial.dies_and_is_started(&victim).await;
        trial.recovers().await;
    }
    trial.ends().await;
}
