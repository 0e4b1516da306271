//! The canary: a heartbeat of a built-in team, sent time and again by the address that clients use. What does not arrive of it
//! is doubt.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tidegate_agentping::{Credential, Limits, PingToken, Plan, Slug, TokenId};
use tidegate_agentping_ports::{Registry, RegistryError, Team, TokenRow};
use tidegate_agentping_pulse::{CanaryWatch, canary_team};
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::{Region, Timestamp};
use tidegate_lifecycle::Stop;
use tidegate_outbound::{Message, Networks, Outbound, PortRule, SendLimits, TargetPolicy, Trust};
use tidegate_ports::{Clock, Ids};
use tokio::time::{Instant, sleep};

use crate::metrics::CANARY;

/// The name of the built-in team.
pub const CANARY_TEAM: &str = "tidegate-canary";
const AGENT: &str = "canary";
const EVERY: Duration = Duration::from_millis(CanaryWatch::EVERY_MS);
/// How often the clock is looked at in between.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A clock that is so much further than time was moved: the next heartbeat is sent at once.
const MOVED_MS: u64 = 2_000;
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
const ANSWER_BYTES: usize = 16 * 1024;
/// A token is used for so long.
const TOKEN_RENEWED_AFTER: Duration = Duration::from_secs(12 * 3_600);
/// A token that is so old is no process's any more.
const TOKEN_LEFT_AFTER_MS: i64 = 24 * 3_600_000;

/// Why there can be no canary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} cannot be sent to: {why}")]
pub struct CanaryUrlFault {
    pub url: String,
    pub why: String,
}

/// Why a heartbeat did not get through.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error("the built-in team cannot be prepared: {0}")]
    Registry(#[from] RegistryError),
    #[error("{0}")]
    Way(String),
    #[error("the front door answered {0}")]
    Status(u16),
}

/// Sends the canary.
pub struct CanarySender {
    registry: Arc<dyn Registry>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    client: Outbound,
    /// Of `POST /v1/heartbeats`.
    url: String,
    region: Region,
    agent: Slug,
    token: Option<HeldToken>,
}

/// The token that this process sends with. It exists in memory only.
struct HeldToken {
    id: TokenId,
    secret: String,
    made: Instant,
}

/// The body of a heartbeat.
#[derive(Serialize)]
struct Beat {
    agent: &'static str,
    status: &'static str,
    /// Since when it has been tried without success.
    #[serde(with = "iso")]
    started_at: Timestamp,
}

impl CanarySender {
    /// `url` is where clients reach the front door.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn new(
        url: &str,
        region: Region,
        registry: Arc<dyn Registry>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, CanaryUrlFault> {
        // The operator's own address, which may be of this network.
        let networks = Networks::parse(["0.0.0.0/0", "::/0"]).unwrap_or_default();
        let policy = TargetPolicy { allow_http: true, networks, ports: PortRule::Any };
        let limits = SendLimits { whole: WHOLE, connect: CONNECT, body_bytes: ANSWER_BYTES };
        let fault = |why: String| CanaryUrlFault { url: url.to_owned(), why };
        let client = Outbound::new(policy, limits, Trust::public()).map_err(|error| fault(error.to_string()))?;
        client.target(url).map_err(|rule| fault(rule.to_string()))?;
        let url = format!("{}/v1/heartbeats", url.trim_end_matches('/'));
        let agent = Slug::parse(AGENT).map_err(|error| fault(error.to_string()))?;
        Ok(CanarySender { registry, clock, ids, client, url, region, agent, token: None })
    }

    /// Sends until stopped.
    pub async fn run(mut self, stop: Stop) {
        let began = Instant::now();
        let mut taken = None;
        let mut is_missing = false;
        ["sent", "failed"].into_iter().for_each(|result| CANARY.with([("result", result)]).increment(0));
        while !stop.is_stopping() {
            let at = Instant::now();
            let trying_ms = i64::try_from(taken.unwrap_or(began).elapsed().as_millis()).unwrap_or(i64::MAX);
            let clock_at = self.clock.now();
            let beat = async {
                tokio::select! {
                    beat = self.beat(clock_at.plus_millis(-trying_ms)) => Some(beat),
                    () = stop.clone().stopped() => None,
                }
            };
            match beat.await {
                Some(Ok(())) => {
                    taken = Some(at);
                    is_missing = false;
                    CANARY.with([("result", "sent")]).increment(1);
                }
                Some(Err(error)) => {
                    CANARY.with([("result", "failed")]).increment(1);
                    if !std::mem::replace(&mut is_missing, true) {
                        tracing::warn!(%error, "the canary does not get through; slots without a run are unknown meanwhile");
                    }
                }
                None => break,
            }
            tokio::select! {
                () = self.pause(at, clock_at) => {}
                () = stop.clone().stopped() => {}
            }
        }
        self.leave().await;
    }

    /// Until the next heartbeat is due.
    async fn pause(&self, since: Instant, clock_since: Timestamp) {
        while since.elapsed() < EVERY {
            let passed = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            if self.clock.now().millis_since(clock_since) > passed.saturating_add(MOVED_MS) {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn beat(&mut self, trying_since: Timestamp) -> Result<(), Missed> {
        let secret = self.secret().await?;
        let beat = Beat { agent: AGENT, status: "ok", started_at: trying_since };
        let headers = [
            ("authorization", format!("Bearer {secret}")),
            ("content-type", "application/json".to_owned()),
            ("user-agent", concat!("tidegate-canary/", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let body = serde_json::to_vec(&beat).map_err(|error| Missed::Way(error.to_string()))?;
        let message = Message { url: self.url.clone(), headers, body: body.into() };
        let answer = self.client.send(&message).await.map_err(|error| Missed::Way(error.to_string()))?;
        if answer.is_success() {
            return Ok(());
        }
        if answer.status == 401 {
            // It was revoked, or its team archived and there again.
            self.token = None;
        }
        Err(Missed::Status(answer.status))
    }

    /// The token to send with, made anew from time to time.
    async fn secret(&mut self) -> Result<String, RegistryError> {
        if let Some(held) = self.token.as_ref().filter(|held| held.made.elapsed() < TOKEN_RENEWED_AFTER) {
            return Ok(held.secret.clone());
        }
        let (team, now) = (canary_team(self.region), self.clock.now());
        self.prepare(now).await?;
        let token = PingToken::mint(self.region, now, &self.ids.random());
        let id = TokenId::mint(self.region, now, &self.ids.random());
        let agent = self.agent.clone();
        let row = TokenRow { id, team, agent, created_at: now, revoked_at: None, expires_at: None };
        self.registry.create_token(row, Credential::PingToken(token).hash()).await?;
        self.leave().await;
        let secret = token.expose();
        self.token = Some(HeldToken { id, secret: secret.clone(), made: Instant::now() });
        Ok(secret)
    }

    /// Makes the team, if no process has, and revokes what processes have left that were killed.
    async fn prepare(&self, now: Timestamp) -> Result<(), RegistryError> {
        let (id, name) = (canary_team(self.region), CANARY_TEAM.to_owned());
        // Without limits: it is counted for no team.
        let plan = Plan::Enterprise(Limits::default());
        let team = Team { id, name, plan, created_at: now, archived_at: None };
        match self.registry.create_team(team).await {
            Ok(()) | Err(RegistryError::Exists { .. }) => {}
            Err(RegistryError::NameTaken { by, .. }) if by == id => {}
            Err(error) => return Err(error),
        }
        for row in self.registry.list_tokens(id).await? {
            let is_left = row.revoked_at.is_none() && row.created_at < now.plus_millis(-TOKEN_LEFT_AFTER_MS);
            if is_left {
                self.registry.revoke_token(row.id, now).await?;
            }
        }
        Ok(())
    }

    /// Revokes the token that this process has sent with.
    async fn leave(&mut self) {
        if let Some(held) = self.token.take()
            && let Err(error) = self.registry.revoke_token(held.id, self.clock.now()).await
        {
            tracing::warn!(%error, "the canary's token could not be revoked; another process does so within two days");
        }
    }
}
