//! `GET /v1/agents/{slug}/slots`: what became of each expected run, newest first.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{RunId, Slug};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{DoubtReason, Slot, SlotOutcome, Timing};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::{SlotDoc, SlotQuery, StandingDoc};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, NotFoundRefusals, Refusals};
use crate::weight::Weight;

const KNOWN: &[&str] = &["from", "to", "limit", "cursor"];
/// Slots that are not decided and shown at most: those of an hour of minutes.
const MAX_UNDECIDED: usize = 60;

/// A page of slots.
#[derive(Serialize, ToSchema)]
pub(crate) struct SlotList {
    /// Newest first; those whose time has come.
    slots: Vec<JudgedSlotView>,
    /// Send it as `cursor`, with the same filters, for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A slot: an instant at which a run was expected.
#[derive(Serialize, ToSchema)]
struct JudgedSlotView {
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The last instant at which a run could arrive in time.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    #[schema(value_type = SlotWord)]
    outcome: SlotOutcome,
    /// The run that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    run_id: Option<RunId>,
    /// With `unknown`: why a run may not have got through.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DoubtWord, required = false)]
    reason: Option<DoubtReason>,
    /// With `missed`: the incident that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    incident_id: Option<IncidentId>,
}

/// Outcomes, as they are described. `open`: not decided yet, or its run has not ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) enum SlotWord {
    Open,
    Ok,
    OkLate,
    Failed,
    Timeout,
    Missed,
    Unknown,
    Skipped,
}

/// Reasons, as they are described.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) enum DoubtWord {
    FrontDoor,
    Canary,
    Volume,
    DeadLetters,
    Log,
}

/// An agent's slots of the last 30 days, newest first.
#[utoipa::path(
    get,
    path = "/v1/agents/{slug}/slots",
    operation_id = "list_slots",
    tag = "schedules",
    params(
        ("slug" = String, Path, description = "The agent's slug, percent-encoded."),
        ("from" = inline(Option<String>), Query, description = "At or after: RFC 3339.", format = DateTime),
        ("to" = inline(Option<String>), Query, description = "At or before: RFC 3339; now if absent.", format = DateTime),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of slots.", body = SlotList), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Slots, request, page).await
}

async fn page(mut call: Call) -> Result<Response, Problem> {
    let name = call.path().await;
    let parameters = call.parameters(KNOWN)?;
    let instant = |text: &str| Timestamp::parse(text).ok();
    const INSTANT: &str = "be an RFC 3339 timestamp such as 2026-05-15T14:32:01.123Z";
    let (from, to) = (parameters.get("from", INSTANT, instant)?, parameters.get("to", INSTANT, instant)?);
    let agent = known(&call, name.as_deref()).await?;
    let bound = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let list = ["slots", agent.slug.as_str(), &bound(from), &bound(to)];
    let page = NamePage::read(&parameters, &list)?;
    let before = page.after.as_deref().and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
    let settings = call.settings();
    let Call { reads, reader, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let now = reads.now();
    let (from, to) = (from.unwrap_or(Timestamp::FIRST), to.unwrap_or(now).min(now));
    let rows = &*reads.managed.rows;
    let query = SlotQuery { agent: agent.id, from, to, before, limit: page.limit + 1 };
    let decided = reads.ask(query.read(rows)).await?;
    let key = settings.names.key(&agent.slug);
    let standing = reads.ask(StandingDoc::read(rows, reader.team, key)).await?;
    let newest = SlotQuery { from: Timestamp::FIRST, to: now, before: None, limit: 1, ..query };
    let newest = if before.is_none() { reads.ask(newest.read(rows)).await?.pop() } else { None };
    let undecided = match (before, &standing) {
        (None, Some(standing)) => undecided(&settings, &agent.slug, standing, newest.as_ref(), now),
        _ => Vec::new(),
    };
    let undecided = undecided.into_iter().rev().filter(|slot| from <= slot.at && slot.at <= to);
    let mut slots: Vec<JudgedSlotView> = undecided.map(JudgedSlotView::undecided).collect();
    slots.extend(decided.into_iter().map(JudgedSlotView::of));
    slots.truncate(page.limit + 1);
    let (slots, next_cursor) = page_of(slots, &page, &list, |slot| slot.at.as_millis().to_string());
    Ok(permit.json(&SlotList { slots, next_cursor })?)
}

/// Slots whose time has come and that the judge has not decided, oldest first.
fn undecided(
    settings: &TeamSettings,
    agent: &Slug,
    standing: &StandingDoc,
    newest: Option<&SlotDoc>,
    now: Timestamp,
) -> Vec<Slot> {
    let Some((from, definition)) = settings.schedules.get(agent).and_then(|schedule| schedule.current()) else {
        return Vec::new();
    };
    let is_new = |slot: &Slot| newest.is_none_or(|newest| slot.at > newest.at) && slot.at > from && slot.at <= now;
    let first = match (&definition.timing, standing.next_slot) {
        // Only where the judge expects something at all.
        (_, None) => None,
        (Timing::Every { .. }, slot) => slot,
        (Timing::Cron { .. }, Some(_)) => definition.slot_after(newest.map_or(from, |newest| newest.at.max(from))),
    };
    let slots = std::iter::successors(first, |slot| definition.slot_following(slot.at));
    slots.take_while(is_new).take(MAX_UNDECIDED).collect()
}

impl JudgedSlotView {
    fn of(slot: SlotDoc) -> Self {
        let SlotDoc { at, deadline, outcome, run, reason, incident } = slot;
        JudgedSlotView { at, deadline, outcome, run_id: run, reason, incident_id: incident }
    }

    fn undecided(slot: Slot) -> Self {
        let (run_id, reason, incident_id) = (None, None, None);
        JudgedSlotView { at: slot.at, deadline: slot.deadline, outcome: SlotOutcome::Open, run_id, reason, incident_id }
    }
}
