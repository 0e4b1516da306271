//! `GET /v1/spend`: what a month's runs cost, and whose they were (AgentPing: spend).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping_checks::rows::{CHECKS_FAILED, failed_shard};
use tidegate_agentping_ports::spend_rows::{SPEND_MODELS, month_shard, whole_shard};
use tidegate_agentping_ports::{DaySpend, SPEND_ROWS_MAX, Spend, SpendRest, SpendRow};
use tidegate_agentping_pulse::spend::ModelPage;
use tidegate_kernel::usd::{decimal, decimal_option};
use tidegate_kernel::{Month, Usd};
use tidegate_ports::KeptRow;
use utoipa::ToSchema;

use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::Refusals;
use crate::weight::Weight;

const KNOWN: &[&str] = &["month"];

/// The cost of the runs started in a month.
#[derive(Serialize, ToSchema)]
pub(crate) struct MonthlySpend {
    /// The calendar month, in UTC.
    #[schema(example = "2026-05")]
    month: String,
    /// US dollars, exact, of all runs.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    total_usd: Usd,
    /// The cost of runs with status `success`.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    successful_usd: Usd,
    /// US dollars: the cost of all runs, divided by the number of those with status `success` that did not fail their checks.
    /// Absent if there are none.
    #[serde(serialize_with = "decimal_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, minimum = 0, required = false)]
    cost_per_successful_run: Option<Usd>,
    /// Greatest cost first, at most 1,000.
    by_agent: Vec<Line>,
    /// The sum over the other agents; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Rest, required = false)]
    by_agent_rest: Option<Rest>,
    /// Greatest cost first, at most 1,000.
    by_customer: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Rest, required = false)]
    by_customer_rest: Option<Rest>,
    /// Greatest cost first, at most 1,000.
    by_feature: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Rest, required = false)]
    by_feature_rest: Option<Rest>,
    /// The days (UTC) on which runs began, in their order.
    by_day: Vec<DayLine>,
    /// What model calls cost, greatest cost first, at most 1,000. It follows from what the pulse has counted, a few seconds
    /// behind the others, and has nothing of months before it counted by model.
    by_model: Vec<ModelLine>,
    /// What is not there by model: reported by heartbeats without a model, or by events that came before their run's start.
    /// Absent if it is nothing.
    #[serde(serialize_with = "decimal_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, minimum = 0, required = false)]
    by_model_rest_usd: Option<Usd>,
    /// Models called in this month that no rate was there for; at most 1,000.
    unpriced: Vec<UnpricedModel>,
}

/// A day of a month.
#[derive(Serialize, ToSchema)]
struct DayLine {
    #[schema(example = "2026-05-15", format = Date)]
    day: String,
    /// US dollars, exact.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
    /// How many runs.
    runs: u64,
}

/// What the calls of a model cost.
#[derive(Serialize, ToSchema)]
struct ModelLine {
    provider: String,
    model: String,
    /// US dollars, exact.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
}

/// The sum over the rows that a breakdown leaves out.
#[derive(Serialize, ToSchema)]
struct Rest {
    /// US dollars, exact.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
    /// How many runs.
    runs: u64,
}

/// One line of a breakdown.
#[derive(Serialize, ToSchema)]
struct Line {
    /// Null for the runs without that label.
    #[schema(required = true)]
    name: Option<String>,
    /// US dollars, exact.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
    /// How many runs.
    runs: u64,
}

/// A model whose calls cost 0, for want of a rate.
#[derive(Serialize, ToSchema)]
struct UnpricedModel {
    provider: String,
    model: String,
}

/// A month's cost by agent, customer and feature.
#[utoipa::path(
    get,
    path = "/v1/spend",
    operation_id = "read_spend",
    tag = "team",
    params(("month" = inline(Option<String>), Query, description = "YYYY-MM in UTC; this month if absent.", pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")),
    responses((status = 200, description = "The month's spend.", body = MonthlySpend), Refusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed(reads, Endpoint::Spend, request, month).await
}

async fn month(call: Call) -> Result<Response, Problem> {
    let query = call.parameters(KNOWN)?;
    let Call { reads, reader, queries, .. } = call;
    let asked = query.get("month", "be a month written as YYYY-MM, for example 2026-05", |text| text.parse().ok())?;
    let now = reads.now();
    let month = asked.unwrap_or_else(|| Month::of(now));
    let permit = reads.permit(Weight::Rows).await?;
    let spend = reads.ask(queries.spend(reader.team, month, now)).await?;
    // A store that does not say is as one without checks.
    let failed = whole_shard(&*reads.managed.rows, &CHECKS_FAILED, failed_shard(reader.team, month));
    let failed = reads.ask(failed).await.map_or(0, |rows| rows.len() as u64);
    let models = whole_shard(&*reads.managed.rows, &SPEND_MODELS, month_shard(reader.team, month));
    let models = models_of(&reads.ask(models).await?);
    Ok(permit.json(&MonthlySpend::of(month, spend, failed, models))?)
}

/// The sums of all pages of a month, greatest first.
fn models_of(rows: &[KeptRow]) -> Vec<ModelLine> {
    let mut sums: BTreeMap<(String, String), Usd> = BTreeMap::new();
    for row in rows {
        let page = ModelPage::decode(&row.doc).inspect_err(|error| tracing::error!(%error, "a row cannot be read"));
        for (provider, model, cost) in page.iter().flat_map(ModelPage::sums) {
            let sum = sums.entry((provider.to_string(), model.to_string())).or_default();
            *sum = sum.plus(cost);
        }
    }
    let line = |((provider, model), cost_usd)| ModelLine { provider, model, cost_usd };
    let mut lines: Vec<ModelLine> = sums.into_iter().map(line).collect();
    lines.sort_by_key(|line| Reverse(line.cost_usd));
    lines.truncate(SPEND_ROWS_MAX);
    lines
}

impl MonthlySpend {
    /// `failed` runs with status `success` did not pass their checks.
    fn of(month: Month, spend: Spend, failed: u64, by_model: Vec<ModelLine>) -> Self {
        let counted = spend.successful_runs.saturating_sub(failed);
        let each = |nanos: u64| Usd::from_nanos((nanos + counted / 2) / counted);
        let lines = |rows: Vec<SpendRow>| rows.into_iter().map(Line::from).collect();
        let of_models = by_model.iter().map(|line| line.cost_usd.as_nanos()).sum();
        let by_model_rest = spend.total.as_nanos().saturating_sub(of_models);
        let rest = |rest: SpendRest| (rest.runs > 0).then_some(Rest { cost_usd: rest.cost, runs: rest.runs });
        MonthlySpend {
            month: month.to_string(),
            total_usd: spend.total,
            successful_usd: spend.successful,
            cost_per_successful_run: (counted > 0).then(|| each(spend.total.as_nanos())),
            by_agent: lines(spend.by_agent),
            by_agent_rest: rest(spend.agents_rest),
            by_customer: lines(spend.by_customer),
            by_customer_rest: rest(spend.customers_rest),
            by_feature: lines(spend.by_feature),
            by_feature_rest: rest(spend.features_rest),
            by_day: spend.by_day.iter().map(DayLine::of).collect(),
            by_model,
            by_model_rest_usd: (by_model_rest > 0).then(|| Usd::from_nanos(by_model_rest)),
            unpriced: spend.unpriced.into_iter().map(|(provider, model)| UnpricedModel { provider, model }).collect(),
        }
    }
}

impl DayLine {
    fn of(day: &DaySpend) -> Self {
        let text = day.day.to_string();
        DayLine { day: text.get(..10).unwrap_or(&text).to_owned(), cost_usd: day.cost, runs: day.runs }
    }
}

impl From<SpendRow> for Line {
    fn from(row: SpendRow) -> Self {
        Line { name: row.name, cost_usd: row.cost, runs: row.runs }
    }
}
