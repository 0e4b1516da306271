//! Everything that clients do and get wrong, with credentials in every place where a client may put one.

use serde_json::json;
use tidegate_tests::client::encode;
use tidegate_tests::team::{Token, ping_path};
use tidegate_tests::{Answer, Call, Client, Deployment, Team, ids, wire};

use crate::raw;

/// What was sent and what came back.
pub struct Sent {
    /// Every credential that was made or made up.
    pub secrets: Vec<String>,
    /// What stood in query strings and nowhere else.
    pub queried: Vec<String>,
    /// Every answer, header and body, as text.
    pub answers: Vec<String>,
    /// What stood in a request id: logs may hold it, and a loud one does.
    pub request_id: String,
    /// An agent's name: data, which the store holds.
    pub agent: String,
}

impl Sent {
    fn heard(&mut self, answer: &Answer) {
        // Without what was asked: a test distinguishes its own request that way.
        self.answers.push(format!("{} {:?} {}", answer.status, answer.headers, answer.text()));
    }

    async fn send(&mut self, call: Call) {
        let answer = call.send().await;
        self.heard(&answer);
    }
}

/// Runs all of it as `team`, and returns once what was taken in is stored.
pub async fn mixed(deployment: &Deployment, team: &Team) -> Sent {
    let agent = format!("agent-{}", ids::nonce());
    let request_id = format!("seen-{}", ids::nonce());
    let mut sent = Sent {
        secrets: vec![team.key.clone()],
        queried: Vec::new(),
        answers: Vec::new(),
        request_id,
        agent: agent.clone(),
    };
    let second = team.another_key().await;
    let token = team.token(&agent).await;
    let newer = team.rotate(&token).await;
    let far = ids::fresh("apk", deployment.other_region());
    let unknown = [ids::fresh("apk", &deployment.region), ids::fresh("ping", &deployment.region), far];
    let made = [&second, &token, &newer].map(|made| made.token.clone());
    sent.secrets.extend(made.into_iter().chain(unknown.clone()));
    taken(team, &agent, &newer, &mut sent).await;
    refused(team, &agent, &mut sent).await;
    for credential in &unknown {
        presented_everywhere(deployment, team, credential, &mut sent).await;
    }
    let usual = [team.key.clone(), newer.token.clone()];
    for credential in &usual {
        presented_everywhere(deployment, team, credential, &mut sent).await;
    }
    let revoked = deployment.manage(&["keys", "revoke", &second.id]).await;
    assert_eq!(revoked["revoked"], true);
    read(team, &mut sent).await;
    for ops in &deployment.ops {
        for path in ["/metrics", "/readyz", "/healthz", "/nothing"] {
            sent.send(team.client.get(&format!("{ops}{path}")).bearer(&team.key)).await;
        }
    }
    sent
}

/// Requests of every kind that are taken in, twice each.
async fn taken(team: &Team, agent: &str, token: &Token, sent: &mut Sent) {
    let run = team.run_id();
    let start = wire::with(wire::start(&run, agent), "metadata", json!({"note": "free"}));
    let events = json!({"events": [
        wire::log_event(&team.event_id()),
        wire::llm_call(&team.event_id(), "acme", "unpriced", (10, 0, 5)),
    ]});
    let finish = wire::with(wire::finish(), "output", json!({"pages": 3}));
    let beat = json!({"id": team.run_id(), "agent": agent, "cost_usd": 0.084});
    for status in [202, 200] {
        for (path, body) in [
            ("/v1/runs".to_owned(), &start),
            (format!("/v1/runs/{run}/events"), &events),
            (format!("/v1/runs/{run}/finish"), &finish),
            ("/v1/heartbeats".to_owned(), &beat),
        ] {
            let answer = team.call("POST", &path).json(body).send().await.expect(status);
            sent.heard(&answer);
        }
    }
    for accept in ["*/*", "application/json"] {
        let marker = ids::nonce();
        let parameters = [("agent", agent), ("status", "ok"), ("marker", &*marker)];
        let by_token = team.bare("GET", &ping_path(&token.token, &parameters)).header("Accept", accept);
        sent.heard(&by_token.send().await.expect(200));
        sent.queried.push(marker);
    }
    let by_header = team.bare("POST", "/v1/heartbeats").header("X-AgentPing-Key", &token.token);
    sent.heard(&by_header.json(&json!({"agent": agent})).send().await.expect(202));
    team.closed_run(&run).await;
}

/// Requests that are refused for each kind of cause.
async fn refused(team: &Team, agent: &str, sent: &mut Sent) {
    let run = team.run_id();
    let id = sent.request_id.clone();
    for (path, body) in [
        ("/v1/runs".to_owned(), "{".to_owned()),
        ("/v1/runs".to_owned(), wire::start(&run, "").to_string()),
        ("/v1/runs".to_owned(), json!({"id": run, "agent": agent, "started_at": "soon"}).to_string()),
        (format!("/v1/runs/{run}/events"), json!({"events": []}).to_string()),
        ("/v1/runs/run_eu_1/finish".to_owned(), wire::finish().to_string()),
        ("/v1/heartbeats".to_owned(), json!({"agent": agent, "status": "bogus"}).to_string()),
        ("/v1/nothing".to_owned(), "{}".to_owned()),
    ] {
        let answer = team.call("POST", &path).header("x-request-id", &id).bytes(body).send().await;
        assert!((400..500).contains(&answer.status), "{answer}");
        sent.heard(&answer);
    }
    sent.send(team.call("DELETE", "/v1/runs").header("x-request-id", &id)).await;
    sent.send(team.call("POST", "/v1/runs").header("content-encoding", "br").bytes("x")).await;
    // Another agent's token, and a token where a key is due.
    let token = team.token("another").await;
    sent.send(team.bare("GET", &ping_path(&token.token, &[("agent", agent)]))).await;
    sent.send(team.bare("POST", "/v1/runs").bearer(&token.token).json(&wire::start(&run, agent))).await;
    sent.secrets.push(token.token);
}

/// One credential by every transport there is, and by some that there are not.
async fn presented_everywhere(deployment: &Deployment, team: &Team, credential: &str, sent: &mut Sent) {
    let marker = ids::nonce();
    let client = Client::default();
    let control = |path: &str| client.get(&format!("{}{path}", deployment.control));
    let hung = format!("/v1/runs?key={}&marker={marker}", encode(credential));
    let body = json!({"agent": "everywhere"});
    let post = |path: &str| team.bare("POST", path).json(&body);
    let calls = [
        post("/v1/heartbeats").bearer(credential),
        post("/v1/heartbeats").header("Authorization", credential),
        post("/v1/heartbeats").header("Authorization", &format!("Basic {credential}")),
        post("/v1/heartbeats").header("X-AgentPing-Key", credential),
        post("/v1/heartbeats").header("Cookie", &format!("key={credential}")),
        // Cut, extended, in capitals.
        post("/v1/heartbeats").bearer(&credential[..credential.len() - 1]),
        post("/v1/heartbeats").bearer(&format!("{credential}0")),
        post("/v1/heartbeats").bearer(&credential.to_uppercase()),
        post(&format!("/v1/heartbeats?key={credential}")),
        team.bare("GET", &ping_path(credential, &[("agent", "everywhere"), ("marker", &marker)])),
        team.bare("GET", &ping_path(credential, &[("marker", &marker)])),
        team.bare("HEAD", &ping_path(credential, &[("agent", "everywhere")])),
        control("/v1/runs").bearer(credential),
        control("/v1/agents").header("X-AgentPing-Key", credential),
        control(&hung),
        control(&hung).bearer(credential),
    ];
    for call in calls {
        sent.send(call).await;
    }
    // What is not HTTP at all, and an incomplete header: a parser may print what it read.
    for broken in [
        format!("GET /v1/ping?key={credential} HTTP/9.9\r\n\r\n"),
        format!("GET /v1/ping?key={credential} \r\n\r\n"),
        format!("POST /v1/runs HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {credential}\u{1}\r\n\r\n"),
        format!("POST /v1/runs HTTP/1.1\r\nHost: h\r\nAuthorization {credential}\r\n\r\n"),
    ] {
        sent.answers.push(raw::said(deployment.ingest(), broken.as_bytes()).await);
    }
    sent.queried.push(marker);
}

/// All reads, with parameters.
async fn read(team: &Team, sent: &mut Sent) {
    let marker = ids::nonce();
    let month = tidegate_tests::clock::month(tidegate_tests::clock::now_ms());
    for path in [
        "/v1/runs?limit=5".to_owned(),
        format!("/v1/runs?feature={marker}"),
        format!("/v1/runs?cursor={marker}"),
        format!("/v1/runs/{}?marker={marker}", team.run_id()),
        "/v1/agents".to_owned(),
        "/v1/usage".to_owned(),
        format!("/v1/spend?month={month}"),
        format!("/v1/spend?month={marker}"),
        "/openapi.json".to_owned(),
    ] {
        let answer = team.read(&path).await;
        sent.heard(&answer);
    }
    sent.queried.push(marker);
}
