//! `POST /v1/guard/check`: may this job start?
//!
//! The order: credential, plan, pause, rate, rules. A pause is answered from memory, also while the rate is used up and
//! while the store is down, and takes nothing of the rate: clients take a `429` for an allow, so a paused agent that
//! asks in a loop would lift the limits of its team's other agents. Nothing in the body is refused: any answer but 200
//! stops the job that asks.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{Plan, Slug};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::spend::SpendScope;
use tidegate_agentping_settings::guard::{RuleShown, by_pause, by_rules};
use tidegate_agentping_settings::pause::pause_rule_id;
use tidegate_agentping_settings::{GuardCheck, GuardVerdict, TeamSettings};
use tidegate_door::body::BodyError;
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{SmolStr, Timestamp};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::blocks::{self, GuardCheckId};
use super::sums::lock;
use crate::body;
use crate::call::{Call, framed_with_body, json};
use crate::endpoint::Endpoint;
use crate::metrics::GUARD_DECISIONS;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{GuardRefusals, Refusals};

/// How old the sums may be.
const OLDEST_SUMS_MS: u64 = 5 * 60_000;
/// How long a check waits for sums that were never read: clients give up after 2 s.
const FIRST_READ: Duration = Duration::from_millis(1_500);
/// Seconds after which sums may be there again.
const RETRY_AFTER_S: u64 = 1;

/// What a job says of itself. Every member may be absent; unknown members are ignored.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct GuardRequest {
    /// The customer that the job works for, as runs name it in `customer_id`.
    customer_ref: Option<String>,
    /// The agent's slug.
    agent: Option<String>,
    function: Option<String>,
    environment: Option<String>,
}

/// Whether the job may start, and why not.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuardAnswer {
    decision: Decision,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
    /// The ids of what blocks; empty if it may start.
    #[schema(value_type = Vec<String>)]
    blocked_by: Vec<SmolStr>,
    /// Where a block can be read again for 30 days.
    #[schema(required = true)]
    guard_check_id: Option<String>,
    /// Every rule that applied, and a pause.
    #[schema(value_type = Vec<Object>)]
    rules: Vec<RuleShown>,
    /// Everything that was reported before is in the spend that the rules were compared with.
    #[serde(with = "iso_option")]
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    stale_as_of: Option<Timestamp>,
    /// Whether the team's plan has guard.
    active: bool,
    /// `tier`, if it does not.
    #[schema(required = true)]
    inactive_reason: Option<&'static str>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Block,
}

/// Asks whether a job may start.
#[utoipa::path(
    post,
    path = "/v1/guard/check",
    operation_id = "check_guard",
    tag = "guard",
    request_body = Option<GuardRequest>,
    responses((status = 200, description = "The decision, allow and block alike.", body = GuardAnswer), Refusals, GuardRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn check(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_with_body(reads, Endpoint::GuardCheck, request, decide).await
}

async fn decide(call: Call, body: Body) -> Result<Response, Problem> {
    let sent = match body::bytes(&call.reads, call.headers(), body).await {
        Ok(sent) => sent,
        Err(Problem::Body(error @ BodyError::OverBudget)) => return Err(Problem::Body(error)),
        // What cannot be read names nothing.
        Err(_) => Vec::new(),
    };
    let asked = GuardCheck::read(&sent);
    let (guard, now, team) = (&call.reads.guard, call.reads.now(), call.reader.team);
    let as_of = guard.board.as_of().map(|as_of| as_of.min(now));
    if call.reader.plan == Plan::Starter {
        GUARD_DECISIONS.with([("decision", "inactive")]).increment(1);
        return json(&GuardAnswer::unguarded(now));
    }
    let settings = call.settings();
    let steady = call.reads.clock.steady();
    if let Some(mut verdict) = pause_of(&call, &settings, &asked, now) {
        let is_kept = guard.kept_pauses.take(team, steady).is_ok();
        let id = blocks::keep(&call, &asked, &verdict, now, is_kept).await;
        // A pause is one event for each time that it begins, however often it blocks.
        announce(&call, &settings, &mut verdict, is_kept.then_some(id));
        return json(&GuardAnswer::decided(verdict, Some(id), as_of, now));
    }
    let is_limited = guard.limit.take(team, steady);
    is_limited.map_err(|retry_after_s| Problem::GuardRateLimited { retry_after_s })?;
    let mut verdict = by_spend(&call, &settings, &asked, now).await?;
    let id = match verdict.is_block() {
        true => Some(blocks::keep(&call, &asked, &verdict, now, true).await),
        false => None,
    };
    announce(&call, &settings, &mut verdict, id);
    // Read again: sums that were read just now may have set it.
    let as_of = guard.board.as_of().map(|as_of| as_of.min(now));
    json(&GuardAnswer::decided(verdict, id, as_of, now))
}

/// Hands on what people are alerted to, by the keys of agents.
fn announce(call: &Call, settings: &TeamSettings, verdict: &mut GuardVerdict, id: Option<GuardCheckId>) {
    let events = std::mem::take(&mut verdict.events).into_iter();
    let events = events.map(|event| event.of_key(&settings.names)).collect();
    let reads = &call.reads;
    reads.guard.announcer.announce(&reads.clock, call.reader.team, events, id.map(|id| id.to_string()));
}

/// The verdict on a paused agent or team.
fn pause_of(call: &Call, settings: &TeamSettings, asked: &GuardCheck, now: Timestamp) -> Option<GuardVerdict> {
    let team = call.reader.team;
    if let Some(pause) = settings.team_pause.at(now) {
        return Some(by_pause(&pause_rule_id(&team.to_string()), pause, None));
    }
    // Names of earlier builds may have blanks at their ends.
    let slug = Slug::parse(asked.agent.as_deref()?).ok()?;
    let (slug, pause) = settings
        .pauses
        .iter()
        .find(|(paused, pause)| (**paused == slug || paused.is_same_agent(&slug)) && pause.at(now).is_some())?;
    let id = pause_rule_id(&agent_id(team, settings.names.key(slug)).to_string());
    Some(by_pause(&id, pause.at(now)?, Some(slug)))
}

/// The verdict by the team's rules.
async fn by_spend(
    call: &Call,
    settings: &TeamSettings,
    asked: &GuardCheck,
    now: Timestamp,
) -> Result<GuardVerdict, Problem> {
    let (board, team) = (&call.reads.guard.board, call.reader.team);
    let applies = settings.rules.values().any(|rule| rule.applies(asked.dimensions()).is_some());
    if !applies {
        return Ok(GuardVerdict::default());
    }
    let enabled = || settings.rules.values().filter(|rule| rule.enabled);
    let mut sums = board.sums(team, enabled(), now);
    if sums.is_none() {
        // An error is the same as sums that are not there.
        let _ = timeout(FIRST_READ, board.read_team(team, settings, now)).await;
        sums = board.sums(team, enabled(), now);
    }
    let unreadable = |cause: String| Problem::StoreUnavailable { cause, retry_after_s: RETRY_AFTER_S };
    let sums = sums.ok_or_else(|| unreadable("the sums of spend were not read yet".to_owned()))?;
    let as_of = board.as_of().ok_or_else(|| unreadable("no spend is counted yet".to_owned()))?;
    if now.millis_since(as_of) > OLDEST_SUMS_MS {
        return Err(unreadable(format!("the sums of spend are those of {as_of}")));
    }
    let sums = lock(&sums);
    let spent = |scope: &SpendScope, window| sums.spent(&scope.clone().of_key(&settings.names), window, now);
    Ok(by_rules(&settings.rules, asked, now, spent))
}

impl GuardAnswer {
    /// That of a plan without guard.
    fn unguarded(now: Timestamp) -> Self {
        let verdict = GuardVerdict::default();
        GuardAnswer { active: false, inactive_reason: Some("tier"), ..GuardAnswer::of(verdict, None, None, now) }
    }

    /// That of a verdict, counted.
    fn decided(verdict: GuardVerdict, id: Option<GuardCheckId>, as_of: Option<Timestamp>, now: Timestamp) -> Self {
        let decision = if verdict.is_block() { "block" } else { "allow" };
        GUARD_DECISIONS.with([("decision", decision)]).increment(1);
        GuardAnswer::of(verdict, id, as_of, now)
    }

    fn of(verdict: GuardVerdict, id: Option<GuardCheckId>, as_of: Option<Timestamp>, now: Timestamp) -> Self {
        GuardAnswer {
            decision: if verdict.is_block() { Decision::Block } else { Decision::Allow },
            checked_at: now,
            blocked_by: verdict.blocked_by,
            guard_check_id: id.map(|id| id.to_string()),
            rules: verdict.rules,
            stale_as_of: as_of,
            active: true,
            inactive_reason: None,
        }
    }
}
