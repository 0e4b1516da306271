//! `/v1/team`: what is set of the team as a whole.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentping_settings::{Fields, Maintenance, TeamDoc, kinds};
use tidegate_kernel::usd::decimal;
use tidegate_kernel::{SmolStr, Usd};
use utoipa::ToSchema;

use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, known_routes, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, Refusals};

/// The team.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeamView {
    /// Its name.
    team: String,
    #[schema(example = "business")]
    plan: &'static str,
    #[schema(example = "eu")]
    region: String,
    /// The names of the routes that agents inherit.
    #[schema(value_type = Vec<String>)]
    routes: Vec<SmolStr>,
    spend: SpendSettings,
    #[schema(value_type = Vec<MaintenanceView>)]
    maintenance: Vec<Maintenance>,
}

/// When a day's spend alerts.
#[derive(Serialize, ToSchema)]
struct SpendSettings {
    /// How many deviations above the mean a day's spend must be.
    #[schema(exclusive_minimum = 0, maximum = 100, default = 2.5)]
    sigma: f64,
    /// US dollars below which a day's spend never alerts.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0, default = 1)]
    min_usd: Usd,
}

/// A mute that recurs.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct MaintenanceView {
    /// When it begins: five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`.
    cron: String,
    #[schema(minimum = 60, maximum = 604_800)]
    duration_s: u32,
    /// A time zone of the IANA database.
    #[schema(default = "UTC")]
    timezone: Option<String>,
}

/// What is set of a team. `null` sets the default again.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct TeamPatch {
    /// At most 50.
    routes: Option<Vec<String>>,
    spend: Option<SpendPatch>,
    /// At most 20.
    maintenance: Option<Vec<MaintenanceView>>,
}

/// When a day's spend alerts.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
struct SpendPatch {
    #[schema(exclusive_minimum = 0, maximum = 100)]
    sigma: Option<f64>,
    #[schema(minimum = 0)]
    min_usd: Option<f64>,
}

/// The team.
#[utoipa::path(
    get,
    path = "/v1/team",
    operation_id = "read_team",
    tag = "team",
    responses((status = 200, description = "The team.", body = TeamView), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Team, request, one).await
}

/// Changes what is set of the team.
#[utoipa::path(
    patch,
    path = "/v1/team",
    operation_id = "change_team",
    tag = "team",
    request_body = TeamPatch,
    responses((status = 200, description = "The team.", body = TeamView), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn patch(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Team, request, changed).await
}

async fn one(call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = name_of(&call).await?;
    let kept: Kept<TeamDoc> = Kept::read(&call.reads, call.reader.team, kinds::TEAM, kinds::WHOLE_TEAM).await?;
    let view = TeamView::of(&call, &name, &kept.doc);
    object(StatusCode::OK, &view, &ETag::of(&view)?)
}

async fn changed(call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let given = sent.json()?;
    let given = Fields::of(&given, "", &TeamDoc::MEMBERS)?;
    let name = name_of(&call).await?;
    let decide = || {
        let (call, given, name) = (&call, &given, name.as_str());
        async move {
            let team = call.reader.team;
            let mut kept: Kept<TeamDoc> = Kept::read(&call.reads, team, kinds::TEAM, kinds::WHOLE_TEAM).await?;
            ETag::matched(Some(&ETag::of(&TeamView::of(call, name, &kept.doc))?), call.headers())?;
            let before = kept.doc.clone();
            kept.doc.change(given)?;
            if kept.doc.routes != before.routes {
                let path = |index| format!("routes[{index}]");
                let mentioned: Vec<_> =
                    kept.doc.routes.iter().enumerate().map(|(index, name)| (path(index), name)).collect();
                known_routes(&call.reads, team, &mentioned).await?;
            }
            let writes = if kept.doc == before { Vec::new() } else { vec![kept.write()?] };
            let answer = TeamView::of(call, name, &kept.doc);
            Ok(Change { writes, audited: Some(("team.update", name.to_owned())), answer })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::OK, &view, &ETag::of(&view)?)
}

async fn name_of(call: &Call) -> Result<String, Problem> {
    let found = call.reads.ask_registry(call.registry.team(call.reader.team)).await?;
    let unknown = || Problem::Unknown { what: "team", name: call.reader.team.to_string() };
    found.map(|team| team.name).ok_or_else(unknown)
}

impl TeamView {
    fn of(call: &Call, name: &str, doc: &TeamDoc) -> Self {
        TeamView {
            team: name.to_owned(),
            plan: call.reader.plan.name(),
            region: call.reader.team.region().to_string(),
            routes: doc.routes.clone(),
            spend: SpendSettings { sigma: doc.sigma, min_usd: doc.min_spend() },
            maintenance: doc.maintenance.clone(),
        }
    }
}
