//! `GET /v1/spend`: what a month's runs cost, and whose they were (AgentPing: spend).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use tidegate_domain::usd::decimal;
use tidegate_domain::{Month, Usd};
use tidegate_ports::{Spend, SpendRow};
use utoipa::ToSchema;

use crate::access::Reader;
use crate::openapi::Refusals;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::reads::Reads;

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
    /// Of the runs that stand at `success`.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    successful_usd: Usd,
    /// Greatest cost first.
    by_agent: Vec<Line>,
    by_customer: Vec<Line>,
    by_feature: Vec<Line>,
    /// Models called in this month that no rate was there for.
    unpriced: Vec<UnpricedModel>,
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
pub(crate) async fn read(
    State(reads): State<Arc<Reads>>,
    reader: Reader,
    uri: Uri,
) -> Result<Json<MonthlySpend>, Problem> {
    let query = Parameters::read(&uri, KNOWN)?;
    let asked = query.get("month", "be a month written as YYYY-MM, for example 2026-05", |text| text.parse().ok())?;
    let now = reads.now();
    let month = asked.unwrap_or_else(|| Month::of(now));
    let spend = reads.ask(reads.queries.spend(reader.team, month, now)).await?;
    Ok(Json(MonthlySpend::of(month, spend)))
}

impl MonthlySpend {
    fn of(month: Month, spend: Spend) -> Self {
        let lines = |rows: Vec<SpendRow>| rows.into_iter().map(Line::from).collect();
        MonthlySpend {
            month: month.to_string(),
            total_usd: spend.total,
            successful_usd: spend.successful,
            by_agent: lines(spend.by_agent),
            by_customer: lines(spend.by_customer),
            by_feature: lines(spend.by_feature),
            unpriced: spend.unpriced.into_iter().map(|(provider, model)| UnpricedModel { provider, model }).collect(),
        }
    }
}

impl From<SpendRow> for Line {
    fn from(row: SpendRow) -> Self {
        Line { name: row.name, cost_usd: row.cost, runs: row.runs }
    }
}
