//! One request: the caller is authenticated before anything is read.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request};
use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_agentping_ports::{Registry, RunQueries};
use tidegate_agentping_settings::TeamSettings;
use tidegate_door::Entered;
use tidegate_door::body::read_past;
use tidegate_door::entry::with_type;

use crate::access::Reader;
use crate::body::{self, MAX_BYTES};
use crate::endpoint::Endpoint;
use crate::names_once::NamesOnce;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::reads::{Named, Reads};

/// Runs one read through `read` and answers it, whatever happens.
pub(crate) fn framed<F, H>(
    reads: Arc<Reads>,
    endpoint: Endpoint,
    request: Request,
    read: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call) -> F,
    F: Future<Output = Result<Response, Problem>>,
{
    let enter = async move |Entered { api: reads, parts, body, .. }: Entered<Reads>| {
        // A read has no body.
        drop(body);
        let reader = Reader::of(&reads, &parts.headers).await?;
        read(Call::of(reads, reader, parts)).await
    };
    tidegate_door::framed(reads, endpoint, request, enter)
}

/// The same for a read whose question is a body. The body of a caller who may not ask is read and discarded.
pub(crate) fn framed_with_body<F, H>(
    reads: Arc<Reads>,
    endpoint: Endpoint,
    request: Request,
    read: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call, Body) -> F,
    F: Future<Output = Result<Response, Problem>>,
{
    let enter = async move |Entered { api: reads, parts, mut body, .. }: Entered<Reads>| match Reader::of(
        &reads,
        &parts.headers,
    )
    .await
    {
        Ok(reader) => read(Call::of(reads, reader, parts), body).await,
        Err(problem) => {
            read_past(&parts.headers, &mut body, MAX_BYTES).await;
            Err(problem)
        }
    };
    tidegate_door::framed(reads, endpoint, request, enter)
}

/// Runs one read of the management API through `read`: the team's own bucket bounds how many there are.
pub(crate) fn framed_managed<F, H>(
    reads: Arc<Reads>,
    endpoint: Endpoint,
    request: Request,
    read: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call) -> F,
    F: Future<Output = Result<Response, Problem>>,
{
    framed(reads, endpoint, request, async move |call: Call| {
        call.within_limit()?;
        read(call).await
    })
}

/// Runs one change through `change`. A key that may only read is refused, whatever it sends.
pub(crate) fn framed_change<F, H>(
    reads: Arc<Reads>,
    endpoint: Endpoint,
    request: Request,
    change: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call, Sent) -> F,
    F: Future<Output = Result<Response, Problem>>,
{
    framed_with_body(reads, endpoint, request, async move |call: Call, mut body: Body| {
        let admitted = call.within_limit().and_then(|()| call.may_change());
        if let Err(problem) = admitted {
            read_past(call.headers(), &mut body, MAX_BYTES).await;
            return Err(problem);
        }
        let sent = Sent(body::bytes(&call.reads, call.headers(), body).await?);
        let (reads, team) = (call.reads.clone(), call.reader.team);
        let changed = change(call.of_change(), sent).await;
        changed.inspect_err(|problem| reads.note_refused(team, problem))
    })
}

/// The body of a change, as it was sent.
pub(crate) struct Sent(Vec<u8>);

impl Sent {
    /// As JSON.
    ///
    /// # Errors
    /// [`Problem::NotJson`].
    pub fn json(&self) -> Result<Value, Problem> {
        body::parsed(&self.0)
    }

    /// The same, where no body, or `null`, is as good as an empty object.
    ///
    /// # Errors
    /// [`Problem::NotJson`].
    pub fn json_or_none(&self) -> Result<Value, Problem> {
        match self.0.is_empty() {
            true => Ok(Value::Object(Map::new())),
            false => {
                Ok(Some(self.json()?).filter(|value| !value.is_null()).unwrap_or_else(|| Value::Object(Map::new())))
            }
        }
    }
}

/// A request by an authenticated caller.
pub(crate) struct Call {
    pub reads: Arc<Reads>,
    pub reader: Reader,
    /// What is asked of runs and agents, by the names of agents. For a read, what these mean is looked up once.
    pub queries: Arc<dyn RunQueries>,
    pub registry: Arc<dyn Registry>,
    parts: Parts,
}

impl Call {
    fn of(reads: Arc<Reads>, reader: Reader, parts: Parts) -> Self {
        // A page asks for several answers: what it has looked up holds for all of them.
        let handed_on = parts.extensions.get::<Arc<NamesOnce>>().cloned();
        let names = handed_on.unwrap_or_else(|| Arc::new(NamesOnce::new(reader.team, reads.names.clone())));
        let Named { queries, registry } = reads.named(names);
        Call { reads, reader, queries, registry, parts }
    }

    /// A change is decided anew where something was written in between, a rename too: names are looked up each time.
    fn of_change(self) -> Self {
        let Named { queries, registry } = self.reads.named(self.reads.names.clone());
        Call { queries, registry, ..self }
    }

    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The query's parameters, of which these are known.
    ///
    /// # Errors
    /// As [`Parameters::read`] has it.
    pub fn parameters(&self, known: &'static [&'static str]) -> Result<Parameters, Problem> {
        Parameters::read(&self.parts.uri, known)
    }

    /// Takes one request of the team's bucket.
    ///
    /// # Errors
    /// [`Problem::RateLimited`].
    pub fn within_limit(&self) -> Result<(), Problem> {
        let taken = self.reads.limit.take(self.reader.team, self.reads.clock.steady());
        taken.map_err(|retry_after_s| Problem::RateLimited { retry_after_s })
    }

    fn may_change(&self) -> Result<(), Problem> {
        match self.reader.key {
            Some(key) if key.is_read_only() => Err(Problem::KeyReadsOnly),
            _ => Ok(()),
        }
    }

    /// Who changes something: the id of the key.
    pub fn by(&self) -> String {
        self.reader.key.map_or_else(|| "unknown".to_owned(), |key| key.id.to_string())
    }

    /// Whether the caller's key may only read.
    pub fn is_read_only(&self) -> bool {
        self.reader.key.is_some_and(|key| key.is_read_only())
    }

    /// The team's settings, as this process has them in memory.
    pub fn settings(&self) -> Arc<TeamSettings> {
        self.reads.managed.mirror.get(&self.reader.team.to_string()).unwrap_or_default()
    }

    /// The variable segments of the path, in order; `None` where their percent-encoding is not UTF-8.
    pub async fn segments(&mut self) -> Option<Vec<String>> {
        Path::from_request_parts(&mut self.parts, &()).await.ok().map(|Path(segments)| segments)
    }

    /// The one variable segment of the path; `None` where its percent-encoding is not UTF-8.
    pub async fn path(&mut self) -> Option<String> {
        Path::from_request_parts(&mut self.parts, &()).await.ok().map(|Path(text)| text)
    }
}

/// An answer of one size whatever a team has, which needs no permit.
///
/// # Errors
/// [`Problem::Defect`]: it does not serialize.
pub(crate) fn json(body: &impl Serialize) -> Result<Response, Problem> {
    Ok(with_type("application/json", serde_json::to_vec(body)?))
}
