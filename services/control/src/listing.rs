//! `GET /v1/runs`: a team's runs, newest first, by filter and page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{RunKey, RunStatus, Slug, TeamId};
use tidegate_agentping_ports::{ListedRun, RunFilter, RunPage, RunQueries, RunsPage};
use tidegate_kernel::Timestamp;
use utoipa::ToSchema;

use crate::call::{Call, framed};
use crate::checks::of_run;
use crate::cursor;
use crate::endpoint::Endpoint;
use crate::parameters::{Parameters, whole};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::Refusals;
use crate::summary::{RunSummary, Status};
use crate::weight::Weight;

const KNOWN: &[&str] = &["agent", "status", "customer_id", "feature", "from", "to", "checks_passed", "limit", "cursor"];
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// A label's length as ingest takes it (AgentPing: string lengths).
const MAX_LABEL_CHARS: usize = 256;
/// Pages of the store that an answer goes through at most for runs with an outcome of their checks.
const PAGES_MAX: usize = 10;
/// A page ends early once its runs carry this much free JSON: 200 runs could else make an answer of 200 MiB.
const PAGE_FREE_JSON_BYTES: usize = 4 << 20;

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    /// Newest first by `started_at`, or by `received_at` where `clock_skew` is there. A page may hold fewer than `limit`
    /// even if more follow.
    runs: Vec<RunSummary>,
    /// Send it as `cursor`, with the same filters, for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Runs, newest first, without their events. All filters given must hold.
#[utoipa::path(
    get,
    path = "/v1/runs",
    operation_id = "list_runs",
    tag = "runs",
    params(
        ("agent" = inline(Option<String>), Query, description = "Of this agent: its slug.", min_length = 1, max_length = 128),
        ("status" = inline(Option<Status>), Query, description = "With this status at the time of the answer."),
        ("customer_id" = inline(Option<String>), Query, description = "Of this customer.", min_length = 1, max_length = 256),
        ("feature" = inline(Option<String>), Query, description = "Of this feature.", min_length = 1, max_length = 256),
        ("from" = inline(Option<String>), Query, description = "Started at or after (received, where the run has `clock_skew`): RFC 3339.", format = DateTime),
        ("to" = inline(Option<String>), Query, description = "Started before (received, where the run has `clock_skew`): RFC 3339, not before `from`.", format = DateTime),
        ("checks_passed" = inline(Option<bool>), Query, description = "Whose checks came to this; runs of which they say neither are left out."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many runs; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of runs.", body = RunList), Refusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed(reads, Endpoint::Runs, request, page).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let parameters = call.parameters(KNOWN)?;
    let (filter, page) = read_query(&parameters)?;
    let wanted = parameters.get("checks_passed", "be true or false", |text| text.parse::<bool>().ok())?;
    let Call { reads, reader, queries, .. } = call;
    let now = reads.now();
    let permit = reads.permit(Weight::Listing).await?;
    let asked = Asked { queries, team: reader.team, filter, wanted, now };
    let mut list = asked.page(&reads, &page).await?;
    let mut left = page.limit - list.runs.len();
    // Runs with another outcome are left out, so that a page of the store may have few.
    for _ in 1..PAGES_MAX {
        let Some(after) = list.next_cursor.as_deref().and_then(|next| cursor::decode(next, &asked.filter)) else {
            break;
        };
        if wanted.is_none() || left == 0 {
            break;
        }
        let more = asked.page(&reads, &RunPage { after: Some(after), limit: left, ..page }).await?;
        left -= more.runs.len();
        list.runs.extend(more.runs);
        list.next_cursor = more.next_cursor;
    }
    Ok(permit.json(&list)?)
}

/// What runs are asked for.
struct Asked {
    queries: Arc<dyn RunQueries>,
    team: TeamId,
    filter: RunFilter,
    wanted: Option<bool>,
    now: Timestamp,
}

impl Asked {
    /// A page of the store, without the runs whose checks came to something else than what is wanted.
    async fn page(&self, reads: &Reads, page: &RunPage) -> Result<RunList, Problem> {
        // One more than asked for shows whether anything follows.
        let asked = RunPage { limit: page.limit + 1, ..*page };
        let listed = reads.ask(self.queries.list(self.team, &self.filter, &asked, self.now)).await?;
        let mut list = one_page(listed, page.limit, &self.filter, self.now);
        let keys = list.runs.iter().map(|summary| RunKey { team: self.team, run: summary.id });
        let passed = of_run::passed(reads, keys).await;
        list.runs.iter_mut().zip(passed).for_each(|(summary, passed)| summary.checks_passed = passed);
        list.runs.retain(|summary| self.wanted.is_none() || summary.checks_passed == self.wanted);
        Ok(list)
    }
}

fn one_page(listed: RunsPage, limit: usize, filter: &RunFilter, now: Timestamp) -> RunList {
    let more = listed.cut || listed.runs.len() > limit;
    let last = listed.runs.get(..limit).unwrap_or(&listed.runs).last();
    let next_cursor = last.filter(|_| more).map(|last| cursor::encode(last.listed_at, last.id, filter));
    let summary = |ListedRun { id, run, .. }: ListedRun| RunSummary::of(id, &run, now);
    RunList { runs: listed.runs.into_iter().take(limit).filter_map(summary).collect(), next_cursor }
}

fn read_query(query: &Parameters) -> Result<(RunFilter, RunPage), Problem> {
    const INSTANT: &str = "be an RFC 3339 timestamp such as 2026-05-15T14:32:01.123Z (write a '+' as %2B)";
    const LABEL: &str = "have 1 to 256 characters";
    let instant = |text: &str| Timestamp::parse(text).ok();
    let label = |text: &str| (1..=MAX_LABEL_CHARS).contains(&text.chars().count()).then(|| text.to_owned());
    let filter = RunFilter {
        agent: query.get("agent", "be 1 to 128 characters of printable text", |text| Slug::parse(text).ok())?,
        status: query.get("status", "be one of running, success, failed, timeout, cancelled", RunStatus::parse)?,
        customer_id: query.get("customer_id", LABEL, label)?,
        feature: query.get("feature", LABEL, label)?,
        from: query.get("from", INSTANT, instant)?,
        to: query.get("to", INSTANT, instant)?,
    };
    if let Some(from) = filter.from {
        query.get("to", &format!("not be before 'from' ({from})"), |text| instant(text).filter(|to| *to >= from))?;
    }
    let limit = query.get("limit", "be a whole number from 1 to 200", |text| whole(text, MAX_LIMIT))?;
    let unaltered = "be the 'next_cursor' of an answer to the same filters, unaltered";
    let after = query.get("cursor", unaltered, |text| cursor::decode(text, &filter))?;
    Ok((filter, RunPage { after, limit: limit.unwrap_or(DEFAULT_LIMIT), max_bytes: PAGE_FREE_JSON_BYTES }))
}
