//! Twenty times the load for ten seconds.

use std::sync::Arc;
use std::time::Duration;

use super::catalogue::Given;
use super::trial::{Pace, Trial, check};
use crate::deployment::metrics_of;
use crate::durability::load::Clients;
use crate::stack::{Lines, Settings};
use crate::{Deployment, Plan, Target, Team};

const LASTS: Duration = Duration::from_secs(10);
const TIMES: u64 = 20;
const SOME: std::ops::Range<u64> = 30..60;
/// A calm that leaves room for twenty times as much, also where all share one machine.
const CALM: Pace =
    Pace { clients: 2, habits: crate::durability::load::Habits { turn: Duration::from_millis(250), follows: false } };

/// Below every threshold: no request is answered 5xx.
pub async fn below_the_line(given: Given) {
    let scene = given.scene();
    spike(scene.deployment(), &given).await;
    let row = given.sheet.open();
    assert!(row.failed_by_kind.is_empty(), "below the line, and told {:?}", row.failed_by_kind);
}

/// Above the threshold, while the persisters are stopped: the excess is answered 503 with `Retry-After`, and accepted
/// again once they have caught up.
pub async fn above_the_line(given: Given) {
    let lines = Lines { leave: 50, enter: 100, full: 400 };
    let settings = Settings { shed_records: Some(lines), ..Settings::default() };
    let target = Target::on_the_stack(&given.binary, &settings).await;
    let persisters = ["persist-0", "persist-1"].map(|name| target.servers().named(name));
    persisters.into_iter().for_each(crate::servers::Server::hold);
    tokio::join!(held(target.deployment()), spike(target.deployment(), &given));
    assert!(given.sheet.open().failed_by_kind.contains_key("503 shed"), "nothing was shed above the line");
}

/// Lets the persisters go on once something was shed.
async fn held(deployment: Arc<Deployment>) {
    crate::eventually(Duration::from_secs(120), "something is shed", async || {
        let mut shed = 0;
        for name in ["ingest-0", "ingest-1"] {
            let metrics = metrics_of(deployment.servers().named(name).ops()).await;
            shed += metrics.sum("tidegate_requests_total", &[("cause", "shed")]);
        }
        if shed > 0 { Ok(()) } else { Err("nothing yet".to_owned()) }
    })
    .await;
    for name in ["persist-0", "persist-1"] {
        deployment.servers().named(name).go_on();
    }
}

async fn spike(deployment: Arc<Deployment>, given: &Given) {
    let mut trial = Trial::begin(deployment.clone(), CALM, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    let team = Team::create(deployment, Plan::UNLIMITED).await;
    let crowd = Clients::begin_with(team, (TIMES - 1) * CALM.clients, CALM.habits);
    trial.lasts(LASTS).await;
    let crowd = crowd.end().await;
    trial.recovers().await;
    trial.ends().await;
    check(&crowd, &given.sheet).await;
    let mut row = given.sheet.open();
    for (kind, count) in crowd.ends() {
        row.requests += count;
        match kind.as_str() {
            "2xx" => row.acknowledged += count,
            "no answer" => row.no_answer += count,
            _ => *row.failed_by_kind.entry(kind).or_insert(0) += count,
        }
    }
}
