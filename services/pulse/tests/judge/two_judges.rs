//! Two judges at once, of which one lags: they write the same.

use serde_json::json;
use tidegate_agentping::FinishStatus::Failed;
use tidegate_agentping::HeartbeatStatus;

use crate::rig::Rig;

/// AC-35, AC-90: the rows and messages of two judges are those of one.
#[tokio::test]
async fn ac_35_two_judges_write_what_one_writes() {
    let mut left = Vec::new();
    for judges in [1, 2] {
        let mut rig = Rig::new().await;
        rig.agent("job", json!({"cron": "*/10 * * * *", "tolerance_s": 120, "max_runtime_s": 600})).await;
        let mut other = if judges == 2 { Some(rig.judge().await) } else { None };
        for minute in 0..60_u128 {
            rig.clock.set(crate::rig::time(&format!("12:{minute:02}:04")));
            match minute {
                10 | 20 => rig.beat(minute, "job", HeartbeatStatus::Ok).await,
                31 => rig.open(minute, "job").await,
                40 => rig.beat(minute, "job", HeartbeatStatus::Fail).await,
                50 => rig.finish(31, Failed).await,
                _ => {}
            }
            rig.apply().await;
            rig.turn().await;
            if minute % 7 == 0
                && let Some(other) = &mut other
            {
                other.turn().await.unwrap();
            }
        }
        rig.to("13:30").await;
        if let Some(other) = &mut other {
            other.turn().await.unwrap();
        }
        left.push((rig.slot_docs("job").await, rig.incident_docs().await, rig.messages(), rig.standing("job").await));
    }
    let (two, one) = (left.pop().unwrap(), left.pop().unwrap());
    assert!(one.2.len() > 4, "{:?}", one.2);
    assert_eq!(two, one);
}
