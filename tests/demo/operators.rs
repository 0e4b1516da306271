//! The pages of operators, on the operations port of a running `tidegate dev`.

use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::{Client, Plan, Target, Team, eventually};

use crate::{BINARY, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_the_pipeline_and_agentgate_and_no_content() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    team.heartbeat(&json!({"agent": "secret-agent", "status": "ok"})).await.expect(202);
    let made = target.manage(&["agentgate", "orgs", "create", "<script>marker()</script>"]).await;
    let org = made["organization"].as_str().unwrap().to_owned();
    let made = target.manage(&["agentgate", "keys", "create", "--org", &org, "--scopes", "*"]).await;
    let key = made["key"].as_str().unwrap().to_owned();
    let order = json!({
        "taskPrompt": "a prompt that is sealed",
        "workspaceSource": { "type": "git", "repository": "https://github.com/octocat/Hello-World" },
    });
    let client = Client::default();
    let submitted =
        client.post(&format!("{}/v1/work-orders", target.agentgate())).bearer(&key).json(&order).send().await;
    assert!((200..300).contains(&submitted.status), "{submitted}");
    target.at_rest().await;

    let ops = target.ops[0].clone();
    let page = async |path: &str| {
        let answer = Client::default().get(&format!("{ops}{path}")).send().await.expect(200);
        assert!(
            answer.header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        answer.text()
    };
    let row = |page: &str, of: &str| {
        let row = page.split("<tr>").find(|row| row.contains(of)).unwrap_or_else(|| panic!("no row has {of}: {page}"));
        row.split("</tr>").next().unwrap().to_owned()
    };
    eventually(PATIENCE, "the pipeline's page has the record", async || {
        let pipeline = page("/pipeline").await;
        for (of, value) in [
            ("Requests: accepted", ">1<"),
            ("Records not applied yet", ">0<"),
            ("Pressure of shedding", ">0 %<"),
            ("Records: applied", ">1<"),
            ("Judged up to", " ago<"),
            ("Organizations whose credits do not add up", ">0<"),
        ] {
            if !pipeline.contains(of) || !row(&pipeline, of).contains(value) {
                return Err(format!("{of} is not {value}: {pipeline}"));
            }
        }
        if pipeline.contains("id=\"elsewhere\"") && pipeline.contains("AgentPing: persister: see") {
            return Err("one process has all roles".to_owned());
        }
        Ok(())
    })
    .await;

    let name = "&lt;script&gt;marker()&lt;/script&gt;";
    let organizations = page("/agentgate").await;
    assert!(row(&organizations, &org).contains(name), "{organizations}");
    let runs = page(&format!("/agentgate/runs?org={org}&status=pending")).await;
    assert!(row(&runs, &org).contains(">pending<"), "{runs}");
    assert!(page("/agentgate/queue").await.contains(&org));
    for path in
        ["/pipeline", "/agentgate", "/agentgate/runs", "/agentgate/queue", "/agentgate/workers", "/agentgate/webhooks"]
    {
        let text = page(path).await;
        for hidden in ["<script>", "a prompt that is sealed", "Hello-World", "secret-agent", &key, &team.key] {
            assert!(!text.contains(hidden), "{path} has {hidden}");
        }
    }
    let gone = Client::default().get(&format!("{ops}/agentgate/runs?status=lost")).send().await;
    assert!(gone.status == 404 && gone.text().contains("status is 'lost'"), "{gone}");
}
