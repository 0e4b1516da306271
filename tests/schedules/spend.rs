//! Spend that is out of the ordinary, over the two weeks that it is compared with.

use serde_json::{Value, json};

use crate::crew::Crew;
use crate::stage::Stage;

/// The days of the reference's example.
const BASELINE: [u32; 14] = [10, 12, 11, 9, 10, 13, 12, 10, 11, 9, 10, 12, 11, 10];
/// Fewer days than this say nothing.
const LEAST_DAYS: usize = 7;

async fn spends(crew: &Crew, agent: &str, usd: &str) {
    let cost: Value = serde_json::from_str(usd).unwrap();
    crew.report(agent, json!({"cost_usd": cost, "customer_id": "acme"})).await;
}

/// AC-41, AC-42, AC-43: the message has the spend at which the line was passed, so what was spent before was silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_41_to_43_a_day_beyond_the_line_is_one_message() {
    let stage = Stage::begin().await;
    let (crew, strict) = (stage.crew().await, stage.crew().await);
    crew.serves(&stage, &["spend"]).await;
    strict.serves(&stage, &["strict"]).await;
    strict.manage("PATCH", "/v1/team", &json!({"spend": {"sigma": 3, "min_usd": 1}})).await.expect(200);
    for (day, usd) in BASELINE.iter().enumerate() {
        stage.to(&format!("{}:00", 12 + 24 * day)).await;
        for crew in [&crew, &strict] {
            spends(crew, "varied", &usd.to_string()).await;
        }
        for agent in ["constant", "first", "second"] {
            spends(&crew, agent, "10").await;
        }
        spends(&crew, "cheap", "0.01").await;
        if day > BASELINE.len() - LEAST_DAYS {
            spends(&crew, "young", "10").await;
        }
    }
    stage.to(&format!("{}:00", 12 + 24 * BASELINE.len())).await;
    let today = [("varied", "13.72"), ("constant", "11.20"), ("cheap", "0.99"), ("young", "500")];
    for (agent, usd) in today {
        spends(&crew, agent, usd).await;
    }
    spends(&strict, "varied", "13.73").await;
    stage.target.at_rest().await;
    // What came before it is counted with it, or was before.
    spends(&crew, "first", "500").await;
    stage.message("/spend", Some("first"), "spend.anomaly").await;

    for (agent, usd) in [("varied", "0.01"), ("constant", "0.10"), ("cheap", "0.01")] {
        spends(&crew, agent, usd).await;
    }
    spends(&strict, "varied", "0.60").await;
    for (path, agent, spent) in [
        ("/spend", "varied", json!(13.73)),
        ("/spend", "constant", json!(11.3)),
        ("/spend", "cheap", json!(1)),
        ("/strict", "varied", json!(14.33)),
    ] {
        let fired = stage.message(path, Some(agent), "spend.anomaly").await;
        assert_eq!(fired["data"]["spent_usd"], spent, "{fired}");
    }
    let fired = stage.message("/spend", Some("varied"), "spend.anomaly").await;
    let number = |member: &str| fired["data"][member].as_f64().unwrap_or_else(|| panic!("{member} of {fired}"));
    for (member, about) in [("mean_usd", 10.714), ("sigma_usd", 1.204), ("threshold", 13.725)] {
        assert!((number(member) - about).abs() < 0.001, "{member} of {fired}");
    }
    assert!(number("z") >= 2.5, "{fired}");
    assert_eq!(fired["data"]["customers"], json!([{"customer_id": "acme", "cost_usd": 13.73}]));
    assert_eq!(fired["data"]["runs"].as_array().map(Vec::len), Some(2), "{fired}");
    assert_eq!((&fired["alert"], &fired["severity"]), (&json!("spend_anomaly"), &json!("warning")));

    spends(&crew, "varied", "50").await;
    stage.target.at_rest().await;
    spends(&crew, "second", "500").await;
    stage.message("/spend", Some("second"), "spend.anomaly").await;
    assert_eq!(stage.types("/spend", "varied"), ["spend.anomaly"], "once that day");
    assert_eq!(stage.types("/spend", "young"), Vec::<String>::new(), "six days say nothing");
}
