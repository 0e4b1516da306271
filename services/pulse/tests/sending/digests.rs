//! 4.5: digests of mail routes, from what was judged to the mail.

use std::sync::Arc;

use serde_json::json;
use tidegate_agentping::{AgentId, Slug};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::incident::Subject;
use tidegate_agentping_pulse::incident::derived_id::incident_id;
use tidegate_agentping_pulse::{AlertKind, DoubtReason, IncidentOrigin, SlotOutcome};
use tidegate_agentping_verdicts::{IncidentDoc, SlotDoc};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, Rows};
use tidegate_pulse::digest::DigestKeeper;
use tidegate_pulse::judge::JudgedTo;
use tidegate_pulse::sending::{AlertMailer, MailConfig, MailTls};

use crate::rig::{NOW, Rig, TEAM, eventually, notice, route};
use crate::smtp::SmtpServer;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// `NOW` is 2027-01-15T08:00Z, a Friday: the end of a day's digest.
fn judged(after_ms: i64) -> JudgedTo {
    let at = NOW.plus_millis(after_ms);
    JudgedTo { watermark: at.plus_millis(60_000), slots: at }
}

fn slug(agent: &str) -> Slug {
    Slug::parse(agent).unwrap()
}

fn id_of(agent: &str) -> AgentId {
    agent_id(TEAM, &slug(agent))
}

struct Post {
    rig: Rig,
    server: SmtpServer,
}

impl Post {
    /// A team with a schedule for `nightly`, whose messages go to route 1.
    async fn new() -> Self {
        let server = SmtpServer::start().await;
        let mut rig = Rig::new().await;
        let (host, sender) = ("127.0.0.1".to_owned(), "Tidegate <alerts@ping.example>".to_owned());
        let config = MailConfig { host, port: server.port, tls: MailTls::None, login: None, sender, ca_pem: None };
        rig.mailer = Some(AlertMailer::new(config).unwrap());
        rig.set("team", "", json!({"routes": ["route-1"]})).await;
        let schedule = json!({"changes": [{"from_ms": 1, "set": {"cron": "0 * * * *", "tolerance_s": 600}}]});
        rig.set("schedule", "nightly", schedule).await;
        Post { rig, server }
    }

    /// A confirmed mail route that has asked for a digest since long ago.
    async fn route(&self, number: u128, every: &str, members: serde_json::Value) {
        let mut target = json!({
            "kind": "email", "to": "ops@example.com", "token": "t0ken", "confirmed_at_ms": 1,
            "digest": {"every": every, "timezone": "UTC", "since_ms": 1},
        });
        target.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.rig.route(number, target).await;
    }

    fn keeper(&self) -> DigestKeeper {
        DigestKeeper::new(Arc::new(self.rig.rows.clone()), self.rig.mirror.clone(), self.rig.outbox.clone())
    }

    async fn slot(&self, agent: &str, at: Timestamp, outcome: SlotOutcome, reason: Option<DoubtReason>) {
        let deadline = at.plus_millis(600_000);
        let slot = SlotDoc { at, deadline, outcome, run: None, reason, incident: None };
        self.rig.rows.put(Arc::new(vec![slot.row(id_of(agent))]), self.rig.clock.now()).await.unwrap();
    }

    async fn incident(&self, agent: &str, kind: AlertKind, opened_at: Timestamp, resolved_at: Option<Timestamp>) {
        let origin = IncidentOrigin::Slot(opened_at);
        let id = incident_id(&Subject { agent: id_of(agent), kind }, origin, opened_at);
        let severity = kind.severity();
        let agent = slug(agent);
        let (resolved_by, count) = (None, 2);
        let doc = IncidentDoc { id, agent, kind, severity, opened_at, resolved_at, resolved_by, origin, count };
        self.rig.rows.put(Arc::new(doc.rows(TEAM).to_vec()), self.rig.clock.now()).await.unwrap();
    }

    /// The texts of the mails.
    fn texts(&self) -> Vec<String> {
        let text = |mail: &crate::smtp::Mail| {
            let parsed = mailparse::parse_mail(mail.text.as_bytes()).unwrap();
            parsed.subparts[0].get_body().unwrap().replace('\r', "")
        };
        self.server.mails().iter().map(text).collect()
    }
}

/// What was down, late, not judged, and not delivered, of the agents that the route serves: in one mail, once.
#[tokio::test]
async fn a_judged_day_is_one_mail() {
    let post = Post::new().await;
    // Asked for at the end of the day before.
    let since_ms = NOW.plus_millis(-DAY_MS).as_millis();
    let digest = json!({"digest": {"every": "daily", "timezone": "UTC", "since_ms": since_ms}});
    post.route(1, "daily", digest).await;
    post.rig.webhook(2, "http://127.0.0.1:9/".to_owned()).await;
    let hour = |hours: i64| NOW.plus_millis(-hours * HOUR_MS);
    post.slot("nightly", hour(3), SlotOutcome::Unknown, Some(DoubtReason::Canary)).await;
    post.slot("nightly", hour(4), SlotOutcome::Unknown, Some(DoubtReason::Canary)).await;
    post.slot("nightly", hour(5), SlotOutcome::Missed, None).await;
    post.slot("nightly", hour(6), SlotOutcome::OkLate, None).await;
    post.slot("nightly", hour(7), SlotOutcome::Ok, None).await;
    // Its deadline is of the next day, and that of the other one of the day before.
    post.slot("nightly", hour(0), SlotOutcome::Missed, None).await;
    post.slot("nightly", hour(25), SlotOutcome::Missed, None).await;
    post.incident("nightly", AlertKind::ScheduleMissed, hour(5), Some(NOW.plus_millis(1))).await;
    post.incident("nightly", AlertKind::CheckFailed, hour(2), Some(hour(1))).await;
    post.incident("old", AlertKind::RunStuck, hour(500), None).await;
    post.incident("over", AlertKind::RunFailed, hour(30), Some(hour(25))).await;
    // Another agent's messages go elsewhere.
    post.rig.set("agent", "other", json!({"routes": {"only": []}})).await;
    post.incident("other", AlertKind::RunFailed, hour(1), None).await;
    let _running = post.rig.start();
    let (mut keeper, mut other) = (post.keeper(), post.keeper());
    keeper.round(judged(-1)).await.unwrap();
    assert!(post.rig.all(1).await.is_empty(), "the day is not judged");
    for _ in 0..2 {
        keeper.round(judged(0)).await.unwrap();
        other.round(judged(5_000)).await.unwrap();
    }
    post.rig.states(1, &["digest sent"]).await;
    let texts = post.texts();
    let lines: Vec<&str> = texts[0].lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(
        lines,
        [
            "- Down: old: run_stuck since 2026-12-25 12:00 UTC, still open; 2 in a row",
            "- Down: nightly: schedule_missed since 2027-01-15 03:00 UTC, still open; 2 in a row",
            "- Missed: nightly: the run expected at 2027-01-15 03:00 UTC",
            "- Late: nightly: the run expected at 2027-01-15 02:00 UTC",
            "- Unknown: nightly: 2 runs expected from 2027-01-15 04:00 UTC to 2027-01-15 05:00 UTC (canary)",
            "- Check failed: nightly: check_failed since 2027-01-15 06:00 UTC, until 2027-01-15 07:00 UTC; 2 in a row",
        ]
    );
    // AC-71: it is counted as any other message.
    let totals = post.rig.messages.totals(&route(1), NOW).await.unwrap();
    assert_eq!((totals.made, totals.sent), (1, 1));
    // The next day says what came after.
    post.rig.clock.advance_ms(DAY_MS);
    keeper.round(judged(DAY_MS)).await.unwrap();
    post.rig.states(1, &["digest sent", "digest sent"]).await;
    assert!(post.texts()[1].contains("- Missed: nightly: the run expected at 2027-01-15 08:00 UTC"));
}

/// After a digest was sent the route's zone is changed, and ends another period on the same day of UTC. That one has its
/// digest, too, and one only.
#[tokio::test]
async fn a_period_of_another_zone_on_the_same_day_has_its_digest() {
    let post = Post::new().await;
    post.route(1, "daily", json!({})).await;
    post.incident("nightly", AlertKind::RunFailed, NOW.plus_millis(-1), None).await;
    let _running = post.rig.start();
    let mut keeper = post.keeper();
    keeper.round(judged(0)).await.unwrap();
    post.rig.states(1, &["digest sent"]).await;
    let since_ms = NOW.plus_millis(HOUR_MS).as_millis();
    let digest = json!({"every": "daily", "timezone": "America/New_York", "since_ms": since_ms});
    post.route(1, "daily", json!({ "digest": digest })).await;
    // 08:00 in New York.
    post.rig.clock.advance_ms(5 * HOUR_MS);
    for _ in 0..2 {
        keeper.round(judged(5 * HOUR_MS)).await.unwrap();
        post.keeper().round(judged(5 * HOUR_MS)).await.unwrap();
    }
    post.rig.states(1, &["digest sent", "digest sent"]).await;
    let ends: Vec<Timestamp> = post.rig.all(1).await.iter().map(|one| one.doc.timestamp).collect();
    assert!(ends.contains(&NOW) && ends.contains(&NOW.plus_millis(5 * HOUR_MS)), "{ends:?}");
    // The next day is its own again.
    post.rig.clock.advance_ms(DAY_MS);
    keeper.round(judged(DAY_MS + 5 * HOUR_MS)).await.unwrap();
    post.rig.states(1, &["digest sent", "digest sent", "digest sent"]).await;
}

/// A process that ends between storing a digest and putting it among what is sent, and the one after it: one mail.
#[tokio::test]
async fn whoever_goes_on_sends_no_second_one() {
    let post = Post::new().await;
    post.route(1, "daily", json!({})).await;
    post.incident("nightly", AlertKind::RunFailed, NOW.plus_millis(-1), None).await;
    let running = post.rig.start();
    post.keeper().round(judged(0)).await.unwrap();
    post.rig.states(1, &["digest sent"]).await;
    drop(running);
    post.rig.clock.advance_ms(2 * HOUR_MS);
    let _running = post.rig.start();
    post.keeper().round(judged(2 * HOUR_MS)).await.unwrap();
    // What comes later goes out, and nothing before it.
    post.rig.put(&[notice(1, 80)]).await;
    post.rig.states(1, &["digest sent", "firing sent"]).await;
    assert_eq!(post.server.mails().len(), 2);
}

/// The same where the process ended before the digest was among what is to be sent.
#[tokio::test]
async fn what_a_crash_left_out_is_made_up_for() {
    let post = Post::new().await;
    post.route(1, "daily", json!({})).await;
    post.incident("nightly", AlertKind::RunFailed, NOW.plus_millis(-1), None).await;
    post.keeper().round(judged(0)).await.unwrap();
    // As a crash leaves it: the message alone.
    let waiting = post.rig.all(1).await;
    let one = waiting[0].doc.to_ref();
    let key = tidegate_agentping_alerts::rows::outbox_key(&one);
    let removed = tidegate_ports::RowWrite { key, rank: u64::MAX / 4, doc: None };
    post.rig.rows.put(Arc::new(vec![removed]), post.rig.clock.now()).await.unwrap();
    post.rig.clock.advance_ms(HOUR_MS);
    let _running = post.rig.start();
    post.keeper().round(judged(HOUR_MS)).await.unwrap();
    post.rig.states(1, &["digest sent"]).await;
    assert_eq!(post.server.mails().len(), 1);
}

/// Without anything to say nothing is sent; nor to a route that is off, disabled or not confirmed; nor for a period that
/// ended before the digest was asked for; nor for older periods than the last one.
#[tokio::test]
async fn most_routes_get_none() {
    let post = Post::new().await;
    for (number, members) in [
        (1, json!({})),
        (2, json!({"enabled": false})),
        (3, json!({"disabled": {"at_ms": 1, "reason": "x"}})),
        (4, json!({"confirmed_at_ms": null})),
        (5, json!({"digest": {"every": "daily", "timezone": "UTC", "since_ms": NOW.as_millis()}})),
        (6, json!({"digest": null})),
        (7, json!({"digest": {"every": "weekly", "timezone": "UTC", "since_ms": 1}})),
    ] {
        post.route(number, "daily", members).await;
    }
    let routes: Vec<String> = (1..=7).map(|number| format!("route-{number}")).collect();
    post.rig.set("team", "", json!({ "routes": routes })).await;
    let mut keeper = post.keeper();
    keeper.round(judged(0)).await.unwrap();
    for number in 1..=7 {
        assert!(post.rig.all(number).await.is_empty(), "{number}: there is nothing to say");
    }
    post.incident("nightly", AlertKind::RunFailed, NOW.plus_millis(-1), None).await;
    post.keeper().round(judged(0)).await.unwrap();
    // 2027-01-18 is a Monday.
    let monday = judged(3 * DAY_MS);
    for (number, digests) in [(1, 1), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)] {
        assert_eq!(post.rig.all(number).await.len(), digests, "{number}");
    }
    post.rig.clock.advance_ms(3 * DAY_MS);
    post.keeper().round(monday).await.unwrap();
    let made = async |number: u128| post.rig.all(number).await.len();
    // The days between have none any more.
    assert_eq!((made(1).await, made(5).await, made(7).await, made(2).await), (2, 1, 1, 0));
    let weekly: serde_json::Value = serde_json::from_str(&post.rig.all(7).await[0].doc.body).unwrap();
    assert_eq!(
        (&weekly["data"]["period"], &weekly["data"]["from"]),
        (&json!("weekly"), &json!("2027-01-11T08:00:00.000Z"))
    );
}

/// A message that was given up is listed, of whichever route of the team.
#[tokio::test]
async fn what_was_not_delivered_is_listed() {
    let post = Post::new().await;
    post.route(1, "daily", json!({})).await;
    post.rig.webhook(2, "http://127.0.0.1:9/".to_owned()).await;
    let _running = post.rig.start();
    post.rig.put(&[notice(2, 80)]).await;
    for _ in 0..8 {
        eventually("a try", async || {
            let all = post.rig.all(2).await;
            let progress = &all[0].progress;
            progress.state.is_finished() || progress.next_try_at.is_some_and(|at| at > post.rig.clock.now())
        })
        .await;
        if !post.rig.all(2).await[0].progress.state.is_finished() {
            post.rig.to_next_try(2).await;
        }
    }
    post.rig.states(2, &["firing failed"]).await;
    let passed_ms = post.rig.clock.now().millis_since(NOW) as i64;
    let days = passed_ms / DAY_MS + 1;
    post.rig.clock.advance_ms(days * DAY_MS - passed_ms);
    post.keeper().round(judged(days * DAY_MS)).await.unwrap();
    post.rig.states(1, &["digest sent"]).await;
    let text = &post.texts()[0];
    assert!(text.contains("- Not delivered: quota to the route route-2, made at 2027-01-15 08:00 UTC"), "{text}");
}
