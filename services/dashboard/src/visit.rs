//! One visit of a page: by whom, and with which path and query. A page is written only for a visitor with a session of the
//! team in its path.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::Response;
use axum::routing::MethodRouter;
use http::header::{COOKIE as COOKIES, REFERER};
use http::request::Parts;
use http::{HeaderMap, Uri};
use tidegate_admission::Caller;
use tidegate_agentping::{KeyId, Plan, RunId, RunKey, Scope, Slug, TeamId};
use tidegate_agentping_ports::{NamedRuns, RunQueries, Team};
use tidegate_control::NamesOnce;
use tidegate_door::Entered;
use tidegate_door::endpoint_routes::{get, post};
use tidegate_door::query::Query;
use tidegate_kernel::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::problem::Problem;
use crate::reads::Pages;
use crate::session::{COOKIE, Session};
use crate::url::encoded;

/// Who looks: the holder of a session.
pub(crate) struct Viewer {
    pub team: Team,
    pub plan: Plan,
    pub session: Session,
    /// The key that began the session.
    pub key: Option<KeyId>,
    /// Whether pages offer what changes something.
    pub may_change: bool,
}

impl Viewer {
    /// The holder of the session that the cookie names. The session's key is looked up again each time.
    ///
    /// # Errors
    /// [`Problem::NoSession`], or what keeps the key from being looked up.
    pub async fn of(pages: &Pages, headers: &HeaderMap) -> Result<Self, Problem> {
        let session = session_of(pages, headers).ok_or(Problem::NoSession)?;
        let Caller { team, plan, scope, key, .. } =
            pages.holders.of_hash(session.hash).await.map_err(Problem::of_session)?;
        if scope != Scope::Team {
            return Err(Problem::NoSession);
        }
        let team = pages.team(team).await?.ok_or(Problem::NoSession)?;
        let may_change = key.is_none_or(|key| !key.is_read_only());
        Ok(Viewer { team, plan, session, key: key.map(|key| key.id), may_change })
    }
}

/// The session that a request's cookie is of.
pub(crate) fn session_of(pages: &Pages, headers: &HeaderMap) -> Option<Session> {
    let cookies = headers.get_all(COOKIES).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    pages.sessions.open(value, pages.now())
}

/// A visit of a page of the viewer's team.
pub(crate) struct Visit {
    pub pages: Arc<Pages>,
    pub viewer: Viewer,
    pub now: Timestamp,
    /// What is asked of runs and agents, by the names of agents.
    pub queries: Arc<dyn RunQueries>,
    /// What these mean: looked up once for the page, and for all that it asks the API.
    pub names: Arc<NamesOnce>,
    /// The path's variable segments, decoded.
    path: HashMap<String, String>,
    uri: Uri,
    _place: OwnedSemaphorePermit,
}

impl Visit {
    async fn of(pages: Arc<Pages>, mut parts: Parts, place: OwnedSemaphorePermit) -> Result<Self, Problem> {
        let viewer = Viewer::of(&pages, &parts.headers).await?;
        let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|_| Problem::NotFound)?;
        let path: HashMap<_, _> = params.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        // Another team's page is one that does not exist.
        if path.get("team").is_none_or(|team| *team != viewer.team.name) {
            return Err(Problem::NotFound);
        }
        let now = pages.now();
        let names = Arc::new(NamesOnce::new(viewer.team.id, pages.names.clone()));
        let queries = Arc::new(NamedRuns::new(pages.by_key.clone(), names.clone()));
        Ok(Visit { pages, viewer, now, queries, names, path, uri: parts.uri, _place: place })
    }

    pub const fn team(&self) -> TeamId {
        self.viewer.team.id
    }

    /// A path below the team's: `/teams/{team}` and `rest`.
    pub fn at(&self, rest: &str) -> String {
        format!("/teams/{}{rest}", encoded(&self.viewer.team.name))
    }

    pub fn agent_url(&self, agent: &str) -> String {
        self.at(&format!("/agents/{}", encoded(agent)))
    }

    pub fn run_url(&self, run: RunId) -> String {
        self.at(&format!("/runs/{run}"))
    }

    pub fn incident_url(&self, incident: &str) -> String {
        self.at(&format!("/incidents/{}", encoded(incident)))
    }

    pub fn key_of(&self, run: RunId) -> RunKey {
        RunKey { team: self.team(), run }
    }

    /// The run that the path names.
    ///
    /// # Errors
    /// [`Problem::NotFound`]: it is no run's id.
    pub fn run(&self) -> Result<RunId, Problem> {
        self.path.get("run").and_then(|id| RunId::parse(id).ok()).ok_or(Problem::NotFound)
    }

    /// The agent that the path names.
    ///
    /// # Errors
    /// [`Problem::NotFound`]: no agent can have the name.
    pub fn agent(&self) -> Result<Slug, Problem> {
        self.path.get("agent").and_then(|slug| Slug::parse(slug).ok()).ok_or(Problem::NotFound)
    }

    /// A variable segment of the path.
    ///
    /// # Errors
    /// [`Problem::NotFound`]: the path has none of that name.
    pub fn segment(&self, name: &str) -> Result<&str, Problem> {
        self.path.get(name).map(String::as_str).ok_or(Problem::NotFound)
    }

    /// A value of the query; an empty one is none, as browsers send the empty fields of a form.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = Query::read(self.uri.query());
        query.first(name).filter(|value| !value.trim().is_empty()).map(str::to_owned)
    }

    /// The same, read by `parse`; `must` completes "'x' must ".
    ///
    /// # Errors
    /// [`Problem::Query`].
    pub fn parsed<T>(
        &self,
        name: &str,
        must: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.query(name) else { return Ok(None) };
        let fault = || Problem::Query(format!("'{name}' must {must}; it is '{value}'."));
        parse(value.trim()).map(Some).ok_or_else(fault)
    }

    /// What the forms of this page carry.
    pub fn form_code(&self) -> String {
        self.pages.sessions.form_code(&self.viewer.session)
    }
}

/// `GET` of a page.
pub(crate) fn page<H, F>(endpoint: Endpoint, write: H) -> MethodRouter<Arc<Pages>>
where
    H: FnOnce(Visit) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Problem>> + Send,
{
    get(endpoint, move |Entered { api, place, parts, body }: Entered<Pages>| async move {
        // Nothing is asked in a body.
        drop(body);
        let page = parts.uri.query().map(|_| parts.uri.path().to_owned());
        let written = write(Visit::of(api, parts, place).await?).await;
        written.map_err(|refused| match page {
            Some(page) => refused.on_query(page),
            None => refused,
        })
    })
}

/// `POST` of a form on a page: refused unless a page of the session sent it, and where the session may only read.
pub(crate) fn change<H, F>(endpoint: Endpoint, apply: H) -> MethodRouter<Arc<Pages>>
where
    H: FnOnce(Visit, Form) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Problem>> + Send,
{
    post(endpoint, move |Entered { api, place, parts, body }: Entered<Pages>| async move {
        Problem::of_foreign(&parts.headers)?;
        let form = Form::read(&api.forms, &parts.headers, body).await?;
        let page = page_of_form(&parts.headers);
        let visit = Visit::of(api, parts, place).await?;
        if !visit.pages.sessions.is_form_code(&visit.viewer.session, form.field("csrf")) {
            return Err(Problem::ForeignForm);
        }
        if !visit.viewer.may_change {
            return Err(Problem::ReadOnly);
        }
        let filled_in = form.filled_in();
        apply(visit, form).await.map_err(|refused| refused.on_form(page, filled_in))
    })
}

/// The path of the page that a form was on, as the browser says it.
fn page_of_form(headers: &HeaderMap) -> Option<String> {
    let page: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let path = page.path_and_query()?.as_str();
    path.starts_with("/teams/").then(|| path.to_owned())
}
