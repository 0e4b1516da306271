//! The front door: `POST /v1/marks` answers once the mark is on the log; `GET /v1/counters/{counter}` reads a total.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tidegate_door::body::{BodyError, Bounds, read};
use tidegate_door::endpoint_routes::{get, post};
use tidegate_door::entry::with_type;
use tidegate_door::openapi::description_route;
use tidegate_door::{Answered, Api, ByteBudget, Detached, Draining, Entered, InFlight, LikelyCall, Outcomes, Place};
use tidegate_door::{OutcomeMetrics, RequestOutcome, Route, ServeOptions, ServeReport, WrongMethod};
use tidegate_door::{serve_front_door, traffic_routes, with_fallbacks};
use tidegate_ports::{Append, AppendError, Ids, RandomIds};
use tokio::net::TcpListener;

use crate::counting::Counters;
use crate::mark::{CounterId, Mark};
use crate::refusal::{Cause, Refusal};

tidegate_metric::declare! {
    RECEIVED: Counter = "counters_requests_received_total" { endpoint }, "Requests received.";
    ENDED: Counter = "counters_requests_total" { endpoint, outcome, cause }, "Requests ended.";
}

const BODY: Bounds = Bounds { max_bytes: 1_024, read_timeout: Duration::from_secs(10) };
const MARKS: &str = "/v1/marks";
const TOTAL: &str = "/v1/counters/{counter}";

tidegate_door::labels! {
    /// What requests are counted under.
    pub enum Endpoint {
        Marks "marks";
        Counters "counters";
        Other "other";
    }
}

type Answer = (RequestOutcome, Response);

/// One front door.
pub struct FrontDoor {
    append: Arc<dyn Append>,
    counters: Arc<dyn Counters>,
    outcomes: Outcomes<Endpoint, Cause>,
    in_flight: InFlight,
    body_budget: ByteBudget,
    draining: Draining,
}

impl FrontDoor {
    /// Registers its metrics: the recorder must be installed before.
    pub fn new(append: Arc<dyn Append>, counters: Arc<dyn Counters>) -> Self {
        let outcomes = Outcomes::register(&OutcomeMetrics { received: RECEIVED, ended: ENDED }, Answer::OUTCOMES);
        let (in_flight, body_budget) = (InFlight::new(256), ByteBudget::new(1 << 20));
        FrontDoor { append, counters, outcomes, in_flight, body_budget, draining: Draining::default() }
    }

    /// Serves until `shutdown` completes; work that its client has left is waited for, too.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> ServeReport {
        let options = ServeOptions { port: "counters", ..ServeOptions::default() };
        let description = Bytes::from_static(include_bytes!("openapi.json"));
        let described = |text: Bytes| (RequestOutcome::Answered, with_type("application/json", text));
        let routes = Router::new()
            .route(MARKS, post(Endpoint::Marks, mark))
            .route(TOTAL, get(Endpoint::Counters, total))
            .merge(description_route(description, described))
            .merge(traffic_routes("Counters", self.draining.clone()));
        let service = with_fallbacks::<FrontDoor>(routes).with_state(self.clone());
        let (draining, in_flight) = (&self.draining, &self.in_flight);
        serve_front_door::<FrontDoor>(listener, service, options, draining, in_flight, shutdown, |_| {}).await
    }
}

async fn mark(Entered { api, place, parts, body }: Entered<FrontDoor>) -> Result<Answer, Refusal> {
    let permit = api.body_budget.none();
    let body = read(&parts.headers, body, BODY, &permit).await.map_err(|error| match error {
        BodyError::OverBudget => Cause::Busy.because(error),
        BodyError::TooLarge { .. } => Cause::TooLarge.because(error),
        _ => Cause::BadMark.because(error),
    })?;
    let mark: Mark = serde_json::from_slice(&body).map_err(|error| Cause::BadMark.because(error))?;
    // It continues where its client leaves: the place and the bytes are taken until the log has answered.
    let appending = Detached::new(async move {
        let appended = api.append.append(mark.log_key(), mark.encode()).await;
        drop((place, permit));
        appended
    });
    appending.await.map_err(|error| match error {
        AppendError::NotPersisted(_) => Cause::LogDown.because(error),
        AppendError::Unknown(_) => Cause::LogSilent.because(error),
        AppendError::TooLarge { .. } => Cause::TooLarge.because(error),
    })?;
    Ok((RequestOutcome::Accepted, (StatusCode::ACCEPTED, Json(mark)).into_response()))
}

async fn total(Entered { api, parts, .. }: Entered<FrontDoor>) -> Result<Answer, Refusal> {
    let text = parts.uri.path().rsplit('/').next().unwrap_or_default();
    let counter = CounterId::parse(text).map_err(|error| Cause::NoCounter.because(error))?;
    let found = api.counters.read(counter).await.map_err(|error| Cause::StoreDown.because(error))?;
    let found = found.ok_or_else(|| Cause::NoCounter.because("No mark of it was counted yet."))?;
    let body = json!({ "counter": counter, "total": found.total, "marks": found.marks });
    Ok((RequestOutcome::Answered, Json(body).into_response()))
}

impl Api for FrontDoor {
    type Endpoint = Endpoint;
    type Answer = Answer;
    type Refused = Refusal;
    type Place = Place;

    const OTHER: Endpoint = Endpoint::Other;
    const PORT: &'static str = "the counters' port";
    const ROUTES: &'static [Route] = &[(Self::PORT, "POST", MARKS), (Self::PORT, "GET", TOTAL)];

    fn outcomes(&self) -> &Outcomes<Endpoint, Cause> {
        &self.outcomes
    }

    fn random(&self) -> [u8; 10] {
        RandomIds.random()
    }

    fn enter(&self) -> Result<Place, Refusal> {
        self.in_flight.enter().ok_or_else(|| Cause::Busy.because("Too many requests are under way."))
    }

    fn max_body_bytes(&self) -> usize {
        BODY.max_bytes
    }

    fn form(_: Endpoint, _: &HeaderMap) {}

    fn unknown_route(_: &Parts, likely: Option<LikelyCall>) -> Refusal {
        Cause::NoRoute.because(likely.map_or("There is no such route.".to_owned(), |likely| likely.to_string()))
    }

    fn wrong_method(_: &Parts, allow: &'static str, why: WrongMethod) -> Refusal {
        let cause = if allow == "POST" { Cause::PostOnly } else { Cause::GetOnly };
        cause.because(why.after(format!("The route has {allow}.")))
    }
}
