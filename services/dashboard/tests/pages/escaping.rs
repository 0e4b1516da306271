//! AC-78: what a client has sent is text on every page.

use tidegate_agentping::{FinishStatus, Start};

use crate::house::*;

const EVIL: &str = "<script>alert(1)</script>\"'&><img src=x onerror=alert(1)>";

#[tokio::test]
async fn markup_of_clients_stays_text() {
    let house = House::open().await;
    let quoted = serde_json::to_string(EVIL).unwrap();
    let object = format!("{{{quoted}:{quoted}}}");
    let goal = Start { goal: Some(EVIL.to_owned()), ..start(EVIL).customer(EVIL).feature(EVIL).metadata(&object) };
    house.tell(team(1), run_id(1), goal).await;
    let data = format!(
        "{{\"tool\":{quoted},\"error\":{quoted},\"exception\":{quoted},\"message\":{quoted},\"input\":{object},\"output\":{quoted},\"status\":{quoted},\"name\":{quoted},\"kind\":{quoted}}}"
    );
    let events = ["tool_call", "error", "log", "score", "step"];
    let events = (1u128..).zip(events).map(|(id, kind)| event(id).kind(kind).data(&data)).collect::<Vec<_>>();
    house.tell(team(1), run_id(1), events).await;
    house.tell(team(1), run_id(1), vec![event(9).llm(EVIL, None).data(&data)]).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Failed).output(&object)).await;
    let cookie = house.sign_in(KEY_A).await;
    let agent: String = EVIL.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let run = format!("/runs/{}", run_id(1));
    let paths = [
        String::new(),
        "/agents".to_owned(),
        format!("/agents/{agent}"),
        "/runs".to_owned(),
        format!("/runs?agent={agent}&customer_id={agent}&feature={agent}"),
        format!("/agents?q={agent}"),
        run,
        "/spend".to_owned(),
        "/rates".to_owned(),
        "/keys".to_owned(),
    ];
    for path in &paths {
        let page = house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
        let text = page.ok();
        assert!(!text.contains("<script>") && !text.contains("<img src=x"), "{path}: {text}");
    }
    for path in ["", "/agents", "/runs", "/spend"] {
        house.get(Some(&cookie), &format!("/teams/acme{path}")).await.has(&["&lt;script&gt;alert(1)&lt;/script&gt;"]);
    }
    // A fault in the query is shown back.
    for query in ["status", "from", "after"] {
        let answer = house.get(Some(&cookie), &format!("/teams/acme/runs?{query}={agent}")).await;
        assert_eq!(answer.status, reqwest::StatusCode::BAD_REQUEST);
        assert!(answer.text.contains("&lt;script&gt;") && !answer.text.contains("<script>"), "{}", answer.text);
    }
}
