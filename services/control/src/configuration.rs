//! `/v1/config`: a team's settings as one file: written, compared, applied.
//!
//! A file is judged as a whole by the parsers of the API. It becomes a plan: what differs from what is stored, and the
//! writes that make it so. A plan without faults is applied in one step, or not at all.

mod agents;
mod checks;
mod export;
mod guard;
mod plan;
mod routes;
mod stored;
mod team;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tidegate_agentping::{Plan, Slug, TeamId};
use tidegate_agentping_alerts::route_request::RouteRandom;
use tidegate_agentping_ports::RegistryError;
use tidegate_agentping_settings::configuration::{ConfigFault, ConfigText};
use tidegate_agentping_settings::fields::{Fields, SettingFault, flag};
use tidegate_agentping_settings::{RouteDoc, kinds};
use tidegate_kernel::Region;
use tidegate_ports::{DocumentWrite, Ids};
use utoipa::ToSchema;

use crate::alert_routes::questions::{AskedRoutes, Questions};
use crate::call::{Call, Sent, framed_change, framed_managed, framed_with_body, json};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{AskingRefusals, BodyRefusals, ChangeRefusals, ConfigRefusals, ManagedRefusals, Refusals};
use crate::{alert_routes, body};
use plan::{ConfigChange, Planner};
use routes::JudgedUrls;
use stored::Stored;

/// Characters of a file at most: those of a body.
const MAX_CHARS: usize = 64 << 10;
/// The parts of a file.
const SECTIONS: [&str; 5] = ["version", "team", "routes", "agents", "guard"];

/// A file to compare or to apply.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct ConfigRequest {
    /// The file. Secrets are in it as `${NAME}`.
    yaml: String,
    /// The values of these names.
    env: Option<BTreeMap<String, String>>,
    /// Delete what an apply has made and is not in the file.
    #[schema(default = false)]
    prune: Option<bool>,
    /// Say what would change, and change nothing.
    #[schema(default = false)]
    dry_run: Option<bool>,
}

/// What a file changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfigOutcome {
    changes: Vec<ConfigChange>,
    /// Whether the changes were made.
    applied: bool,
}

/// The team's settings as a file.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfigFile {
    /// Applying it changes nothing.
    yaml: String,
}

/// Whose settings they are.
struct Owner<'c> {
    team: TeamId,
    plan: Plan,
    region: Region,
    ids: &'c dyn Ids,
    /// The values of variables.
    env: &'c BTreeMap<String, String>,
    judged: &'c JudgedUrls,
    random: RouteRandom,
    /// Whether this deployment sends mail.
    sends_mail: bool,
}

/// A request, parsed.
struct Asked {
    text: ConfigText,
    env: BTreeMap<String, String>,
    /// What is to be said of the URLs among the values, as far as the file uses them for routes.
    judged: JudgedUrls,
    prune: bool,
    dry_run: bool,
}

/// The team's settings as a file. Pauses, mutes and tokens are not in it.
#[utoipa::path(
    get,
    path = "/v1/config",
    operation_id = "export_config",
    tag = "configuration",
    responses((status = 200, description = "The file.", body = ConfigFile), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Config, request, exported).await
}

/// Applies a file: all of it, or nothing. What it does not mention stays; members that an object of it leaves out go back to
/// their defaults. Pauses, mutes and tokens are never touched.
#[utoipa::path(
    put,
    path = "/v1/config",
    operation_id = "apply_config",
    tag = "configuration",
    request_body = ConfigRequest,
    responses((status = 200, description = "What has changed.", body = ConfigOutcome), Refusals, ManagedRefusals, ChangeRefusals, ConfigRefusals, AskingRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn apply(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Config, request, async move |call: Call, sent: Sent| {
        call.parameters(&[])?;
        let asked = Asked::parse(&sent.json()?)?.judged(&call).await;
        applied(call, asked).await
    })
    .await
}

/// What applying a file would change. It changes nothing.
#[utoipa::path(
    post,
    path = "/v1/config/diff",
    operation_id = "compare_config",
    tag = "configuration",
    request_body = ConfigRequest,
    responses((status = 200, description = "What would change.", body = ConfigOutcome), Refusals, ManagedRefusals, BodyRefusals, ConfigRefusals, AskingRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn compare(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_with_body(reads, Endpoint::ConfigDiff, request, async move |call: Call, body: Body| {
        call.within_limit()?;
        call.parameters(&[])?;
        let asked = Asked::parse(&body::json(&call.reads, call.headers(), body).await?)?.judged(&call).await;
        let stored = Stored::read(&call).await?;
        let Planner { changes, writes, .. } = planned(&call, &asked, &stored)?;
        asked_routes(&call, &stored, &writes).await?;
        json(&ConfigOutcome { changes, applied: false })
    })
    .await
}

async fn exported(call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let yaml = export::file(&Stored::read(&call).await?)?;
    let tag = ETag::of(&yaml)?;
    object(StatusCode::OK, &ConfigFile { yaml }, &tag)
}

async fn applied(call: Call, asked: Asked) -> Result<Response, Problem> {
    let decide = || {
        let (call, asked) = (&call, &asked);
        async move {
            let stored = Stored::read(call).await?;
            ETag::matched(Some(&ETag::of(&export::file(&stored)?)?), call.headers())?;
            let Planner { changes, mut writes, agents, .. } = planned(call, asked, &stored)?;
            let routes = asked_routes(call, &stored, &writes).await?;
            if asked.dry_run {
                return Ok(Change { writes: Vec::new(), audited: None, answer: (changes, Vec::new()) });
            }
            for (id, route) in &routes.confirmed {
                let of_route = |write: &&mut DocumentWrite| write.kind == kinds::ROUTE && write.name == id.as_str();
                if let Some(write) = writes.iter_mut().find(of_route) {
                    write.doc = Some(serde_json::to_vec(route)?);
                }
            }
            writes.extend(routes.question);
            // Agents first: one that is there without what was to be set of it is harmless, and the same apply completes it.
            for slug in &agents {
                make(call, slug).await?;
            }
            // So with those that go: until the documents say so, the same apply completes it.
            for slug in stored.pruned(&writes) {
                let key = call.settings().names.key(&slug).clone();
                call.reads.archive(&*call.registry, call.reader.team, slug, key).await?;
            }
            let audited = Some(("config.apply", String::new()));
            Ok(Change { writes, audited, answer: (changes, routes.asked) })
        }
    };
    let (changes, unasked): (_, Vec<(String, RouteDoc)>) = call.change(decide).await?;
    for (id, route) in unasked {
        alert_routes::ask_to_confirm(&call, &id, &route).await;
    }
    json(&ConfigOutcome { changes, applied: !asked.dry_run })
}

/// What becomes of the mail addresses that these writes name. A comparison asks for it, too: it is refused as the
/// apply would be.
///
/// # Errors
/// [`Problem::MailLimited`]; the store's.
async fn asked_routes(call: &Call, stored: &Stored, writes: &[DocumentWrite]) -> Result<AskedRoutes, Problem> {
    Questions::of_many(call, stored.unconfirmed(writes), &stored.routes_after(writes)).await
}

async fn make(call: &Call, slug: &Slug) -> Result<(), Problem> {
    let made = async {
        match call.registry.create_agent(call.reader.team, slug.clone(), call.reads.now()).await {
            Ok(()) | Err(RegistryError::Exists { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    };
    call.reads.ask_registry(made).await
}

/// The plan of a file.
///
/// # Errors
/// [`Problem::ConfigInvalid`] with all faults.
fn planned<'a>(call: &Call, asked: &'a Asked, stored: &'a Stored) -> Result<Planner<'a>, Problem> {
    let mut planner = Planner::new(&asked.text, call.reads.now(), asked.prune);
    match Fields::of(&asked.text.value, "", &SECTIONS) {
        Ok(_) => {}
        Err(fault) => planner.fault(&fault),
    }
    if asked.text.value.get("version").and_then(Value::as_u64) != Some(1) {
        planner.fault(&SettingFault::at("version", "must be 1"));
    }
    let empty = Value::Object(serde_json::Map::new());
    let section = |name: &str| asked.text.value.get(name).filter(|value| !value.is_null()).unwrap_or(&empty);
    let owner = Owner {
        team: call.reader.team,
        plan: call.reader.plan,
        region: call.reader.team.region(),
        ids: &*call.reads.ids,
        env: &asked.env,
        judged: &asked.judged,
        random: alert_routes::random(call),
        sends_mail: alert_routes::sends_mail(call),
    };
    routes::plan(&mut planner, stored, section("routes"), &owner)?;
    team::plan(&mut planner, stored, section("team"))?;
    agents::plan(&mut planner, stored, section("agents"), &owner)?;
    guard::plan(&mut planner, stored, section("guard"), &owner)?;
    planner.checked()
}

impl Asked {
    fn parse(given: &Value) -> Result<Self, Problem> {
        let fields = Fields::of(given, "", &["yaml", "env", "prune", "dry_run"])?;
        let yaml = fields.need("yaml", |value, path| {
            let text = value.as_str().filter(|text| text.len() <= MAX_CHARS);
            text.ok_or_else(|| SettingFault::at(path, "must be the text of the file"))
        })?;
        let env = fields.read("env", |value, path| {
            serde_json::from_value(value.clone()).map_err(|_| SettingFault::at(path, "must be an object of texts"))
        })?;
        let prune = fields.read("prune", flag)?.unwrap_or(false);
        let dry_run = fields.read("dry_run", flag)?.unwrap_or(false);
        let text = ConfigText::parse(yaml).map_err(|fault| Problem::ConfigInvalid(vec![fault]))?;
        Ok(Asked { text, env: env.unwrap_or_default(), judged: JudgedUrls::new(), prune, dry_run })
    }

    /// Judges the URLs of routes as the sender will.
    async fn judged(mut self, call: &Call) -> Self {
        let routes = self.text.value.get("routes").and_then(Value::as_object).into_iter().flatten();
        let names = routes.filter_map(|(_, route)| variables::variable(route.get("url")?.as_str()?));
        let urls: BTreeSet<String> = names.filter_map(|name| self.env.get(name).cloned()).collect();
        for url in urls {
            let judged = alert_routes::judged_url(call, &url).await;
            self.judged.insert(url, judged);
        }
        self
    }
}

/// The faults of a file, for its refusal.
pub(crate) fn faults_text(faults: &[ConfigFault]) -> String {
    match faults {
        [one] => format!("The file has a fault in line {}: {}.", one.line, one.message),
        faults => format!("The file has {} faults, and none of it was applied.", faults.len()),
    }
}
