//! Routes whose receivers are gone.

use serde_json::{Value, json};
use tidegate_agentping_alerts::HealthState;
use tidegate_agentping_settings::RouteDoc;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, TEAM, eventually, notice, route};

const GONE: Reply = Reply::Status(410, "", "");

fn of(rig: &Rig, number: u128) -> RouteDoc {
    rig.mirror.get(&TEAM.to_string()).unwrap().routes[&route(number)].clone()
}

/// AC-58: 410 disables at once; the team's other routes say so; enabling it again sends nothing old.
#[tokio::test]
async fn ac_58_410_disables_and_is_said_elsewhere() {
    let (rig, gone, other) = (Rig::new().await, Receiver::start([GONE]).await, Receiver::start([OK]).await);
    rig.webhook(1, gone.url()).await;
    rig.webhook(2, other.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    rig.states(1, &["firing failed"]).await;
    rig.states(2, &["firing sent"]).await;
    let said = other.received().remove(0).json();
    assert_eq!(
        (&said["alert"], &said["agent"], &said["type"]),
        (&json!("route_disabled"), &Value::Null, &json!("route.disabled"))
    );
    assert_eq!(said["data"]["route"], "route-1");
    eventually("it is disabled", async || of(&rig, 1).disabled.is_some()).await;
    let health = rig.messages.health(TEAM, &route(1)).await.unwrap();
    assert_eq!(health.shown(&of(&rig, 1)).0, HealthState::Disabled);
    // What the judge still chose for it fails, and is not sent later.
    rig.clock.advance_ms(1);
    rig.put(&[notice(1, 100)]).await;
    rig.states(1, &["firing failed", "firing failed"]).await;
    gone.answer(OK);
    rig.webhook(1, gone.url()).await;
    rig.clock.advance_ms(1);
    rig.put(&[notice(1, 150)]).await;
    rig.states(1, &["firing failed", "firing failed", "firing sent"]).await;
    assert_eq!(gone.received().len(), 2);
}

/// AC-58: three days of failure with ten messages disable, and not before.
#[tokio::test]
async fn ac_58_three_days_of_failure_disable() {
    let (rig, bad) = (Rig::new().await, Receiver::start([Reply::Status(500, "", "")]).await);
    rig.webhook(1, bad.url()).await;
    let _running = rig.start();
    let first = |from: u32, to: u32| (from..to).map(|key| notice(1, key)).collect::<Vec<_>>();
    rig.put(&first(0, 9)).await;
    eventually("nine tries", async || rig.all(1).await.iter().filter(|one| one.progress.tries.len() == 1).count() == 9)
        .await;
    rig.clock.advance_ms(3 * 86_400_000);
    eventually("nine more", async || bad.received().len() >= 18).await;
    assert!(of(&rig, 1).disabled.is_none(), "nine messages");
    rig.put(&first(9, 10)).await;
    eventually("it is disabled", async || of(&rig, 1).disabled.is_some()).await;
    eventually("all that waits is given up", async || {
        rig.clock.advance_ms(3_600_000);
        let totals = rig.messages.totals(&route(1), tidegate_ports::Clock::now(&*rig.clock)).await.unwrap();
        (totals.made, totals.failed) == (10, 10)
    })
    .await;
}
