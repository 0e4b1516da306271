//! 4.5: the digest of a mail route, from its making to the mail.

use serde_json::{Value, json};
use tidegate_tests::clock::{DAY_MS, HOUR_MS, now_ms};
use tidegate_tests::process::Extra;
use tidegate_tests::{Answer, eventually};

use crate::smtp::SmtpServer;
use crate::{MINUTE_MS, PATIENCE, Scene, text_of};

fn sending_mails(server: &SmtpServer) -> Extra {
    let variable = |(name, value): (&str, String)| (format!("TIDEGATE_ALERTS__{name}"), value);
    let settings = [
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", server.port.to_string()),
        ("SMTP_TLS", "none".to_owned()),
        ("SMTP_FROM", "Tidegate <alerts@ping.example>".to_owned()),
        ("PUBLIC_URL", "https://ping.example".to_owned()),
    ];
    Extra { environment: settings.map(variable).into(), ..Extra::default() }
}

/// Milliseconds from now to the end of a day's digest in UTC: an hour or more.
fn to_eight() -> i64 {
    let left = (8 * HOUR_MS - now_ms()).rem_euclid(DAY_MS);
    if left < HOUR_MS { left + DAY_MS } else { left }
}

impl Scene {
    async fn manage(&self, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.target.control);
        self.admitted(|| self.team.client.call(method, &url).bearer(&self.team.key).json(body)).await
    }

    /// The edges of all messages to a route, oldest first.
    async fn edges(&self, route: &str) -> Vec<String> {
        let sent = self.shown(&format!("/v1/routes/{route}/deliveries?limit=200")).await;
        sent["deliveries"].as_array().unwrap().iter().rev().map(text_of("edge")).collect()
    }
}

/// AC-64, AC-71: an address confirms; at 08:00, once the day is judged, one mail says what was missed. A process that is
/// killed and started again sends no second one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judged_day_is_one_mail() {
    let server = SmtpServer::start().await;
    let scene = Scene::with(sending_mails(&server), &json!({"every_s": 600, "tolerance_s": 60})).await;
    // No alerts of its own: the digest alone.
    let route = json!({"name": "m", "kind": "email", "to": "ops@example.com", "digest": "daily", "alerts": ["test"]});
    let made = scene.manage("POST", "/v1/routes", &route).await.expect(201).json();
    let id = text_of("id")(&made);
    scene.manage("PATCH", "/v1/team", &json!({"routes": ["m"]})).await.expect(200);
    let token = eventually(PATIENCE, "the address is asked", async || {
        let mails = server.mails();
        let (_, rest) = mails.first().and_then(|mail| mail.split_once("/confirm/")).ok_or("no mail")?;
        let token = rest.split(|letter: char| letter.is_whitespace() || letter == '"').next();
        token.map(str::to_owned).ok_or_else(|| "no token".to_owned())
    })
    .await;
    let url = format!("{}/confirm/{token}", scene.target.control);
    scene.team.client.post(&url).send().await.expect(200);
    let eight = to_eight();
    scene.target.set_clock(eight - MINUTE_MS).await;
    scene.target.set_clock(eight + 5 * MINUTE_MS).await;
    eventually(PATIENCE, "the digest is sent", async || {
        let mails = server.mails();
        match mails.iter().filter(|mail| mail.contains("Missed: job:")).count() {
            1 => Ok(()),
            count => Err(format!("{count} of {mails:?}")),
        }
    })
    .await;
    assert_eq!(scene.edges(&id).await, ["digest"]);
    scene.target.at_rest().await;
    scene.target.kill().await;
    scene.target.start().await;
    scene.target.set_clock(eight + 30 * MINUTE_MS).await;
    let judged_to = now_ms() + eight + 20 * MINUTE_MS;
    eventually(PATIENCE, "the next process has judged", async || {
        let status = scene.read("/v1/status").await?;
        let until = tidegate_tests::clock::read_iso(status["judged_until"].as_str().ok_or("not yet")?);
        if until > judged_to { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    // A message that is asked for comes after all that the process has found by itself.
    scene.manage("POST", &format!("/v1/routes/{id}/test"), &json!({})).await.expect(200);
    assert_eq!(scene.edges(&id).await, ["digest", "test"]);
    assert_eq!(server.mails().iter().filter(|mail| mail.contains("Missed: job:")).count(), 1);
}
