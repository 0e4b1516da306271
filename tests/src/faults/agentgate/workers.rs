//! Workers that die between any two of their steps, and workers that come back to a run that is another's: each run has
//! one end and is charged once, and no process of it is left.

use futures_util::future::join_all;
use tokio::join;

use super::trial::note_breaches;
use super::worker::Site;
use crate::Target;
use crate::agentgate::Breach;
use crate::faults::catalogue::Given;
use crate::faults::proxy::{Mode, Proxy};
use crate::process::Extra;

/// Long enough for a worker on a busy machine to renew it.
const LEASE_S: &str = "6";

/// Each of these to a worker and a run of its own, side by side.
pub async fn killed(given: Given) {
    let lease = ("TIDEGATE_AGENTGATE__LEASE_S".to_owned(), LEASE_S.to_owned());
    let target = Target::dev_with(&given.binary, Extra { environment: vec![lease], ..Extra::default() }).await;
    let server = target.agentgate().trim_start_matches("http://").to_owned();
    let mut ways = Vec::new();
    for _ in 0..6 {
        ways.push(Proxy::to(&server, 0).await);
    }
    let sites = ways.into_iter().map(|way| Site::begin(&given.binary, target.deployment(), way));
    let sites = join_all(sites).await;
    let Ok([a, b, c, d, e, f]) = <[Site; 6]>::try_from(sites) else { unreachable!("there are six") };
    let found = join!(
        before_it_heard_of_its_lease(a),
        while_its_command_runs(b),
        before_it_could_finish(c),
        before_it_heard_that_it_finished(d),
        comes_back_while_another_works(e),
        comes_back_after_another_ended(f),
    );
    let found = [found.0, found.1, found.2, found.3, found.4, found.5].concat();
    note_breaches(&given.sheet, &found);
    given.sheet.open().times = 6;
}

/// The server has granted the lease; the worker never knew, and its command never ran.
async fn before_it_heard_of_its_lease(site: Site) -> Vec<Breach> {
    site.way.set(Mode::HangAnswers);
    let mut worker = site.worker("one", false, 2);
    site.is("running").await;
    worker.kill();
    site.another_ends_it().await;
    assert!(!site.has("one", "started"), "a command ran without a lease");
    site.judge(1).await
}

async fn while_its_command_runs(site: Site) -> Vec<Breach> {
    let mut worker = site.worker("one", true, 2);
    site.wrote("one", "started").await;
    worker.kill();
    site.none_left().await;
    site.another_ends_it().await;
    site.judge(1).await
}

/// The command has said its result, which never reached the server.
async fn before_it_could_finish(site: Site) -> Vec<Breach> {
    let mut worker = site.worker("one", false, 2);
    site.wrote("one", "started").await;
    site.way.set(Mode::Refuse);
    site.logs(&worker, "is away").await;
    site.let_go("one");
    site.wrote("one", "wrote").await;
    site.none_left().await;
    worker.kill();
    site.another_ends_it().await;
    site.judge(1).await
}

/// The server has taken the finish; the worker never knew. A worker that comes after it finds nothing to do.
async fn before_it_heard_that_it_finished(site: Site) -> Vec<Breach> {
    let mut worker = site.worker("one", false, 2);
    site.wrote("one", "started").await;
    site.way.set(Mode::HangAnswers);
    site.let_go("one");
    site.is("succeeded").await;
    worker.kill();
    site.none_waits().await;
    site.judge(2).await
}

/// Its lease ended while it stood still: its result is refused, the other one's counts.
async fn comes_back_while_another_works(site: Site) -> Vec<Breach> {
    let mut worker = site.worker("one", true, 2);
    site.wrote("one", "started").await;
    worker.signal("STOP");
    let mut another = site.worker("another", true, 1);
    site.wrote("another", "started").await;
    site.let_go("one");
    worker.signal("CONT");
    site.logs(&worker, "no longer this worker's").await;
    site.let_go("another");
    site.is("succeeded").await;
    assert!(worker.stop() && another.stop(), "they did not end in order:\n{}{}", worker.log(), another.log());
    site.judge(1).await
}

async fn comes_back_after_another_ended(site: Site) -> Vec<Breach> {
    let mut worker = site.worker("one", true, 2);
    site.wrote("one", "started").await;
    worker.signal("STOP");
    site.another_ends_it().await;
    site.let_go("one");
    worker.signal("CONT");
    site.logs(&worker, "no longer this worker's").await;
    assert!(worker.stop(), "it did not end in order:\n{}", worker.log());
    site.judge(1).await
}
