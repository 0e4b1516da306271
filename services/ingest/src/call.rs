//! One request: the steps that the endpoints share, in the order of the gates (AgentPing: gate order).

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderName;
use http::request::Parts;
use tidegate_admission::{Acceptance, Caller, Class, Refusal, Submission};
use tidegate_agentping::{Body as RecordBody, Receipt, RunId, TeamId, credential};
use tidegate_agentping_ports::RefusedAgent;
use tidegate_door::body::{BodyError, Bounds, read, read_past};
use tidegate_door::{BytePermit, Detached, Entered, Place, presented};
use tidegate_kernel::Timestamp;

use crate::answers::Answer;
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::parse::{Fault, ParseOptions, ids};
use crate::refusal_table::Problem;
use crate::text::text;

const KEY_HEADER: HeaderName = HeaderName::from_static(credential::KEY_HEADER);

/// Runs one request through `handle` and answers it, whatever happens.
pub(crate) fn framed<F, H>(
    ingest: Arc<Ingest>,
    endpoint: Endpoint,
    request: Request,
    handle: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call, Body) -> F,
    F: Future<Output = Result<Answer, Problem>>,
{
    let openings = ingest.openings.clone();
    let enter = move |entered| {
        let (call, body) = Call::new(entered);
        let handled = handle(call, body);
        async move {
            let answered = handled.await;
            openings.ended(endpoint, &answered);
            answered
        }
    };
    tidegate_door::framed(ingest, endpoint, request, enter)
}

pub(crate) struct Call {
    pub ingest: Arc<Ingest>,
    pub parts: Parts,
    /// When it was received: used for every time that the client leaves out.
    pub received_at: Timestamp,
    place: Place,
    /// The bytes of the body budget that its body holds.
    permit: BytePermit,
}

impl Call {
    /// The body is separate: it cannot be shared between threads, and the rest must be.
    fn new(Entered { api: ingest, place, parts, body }: Entered<Ingest>) -> (Self, Body) {
        let received_at = ingest.clock.now();
        let permit = ingest.body_budget.none();
        (Call { ingest, parts, received_at, place, permit }, body)
    }

    /// The caller, unless this class is shed at present. The body of a refused request is read and discarded.
    pub async fn enter(&self, class: Class, query_key: Option<&str>, body: &mut Body) -> Result<Caller, Problem> {
        let admission = &self.ingest.admission;
        let presented = presented(&self.parts.headers, &KEY_HEADER, query_key);
        let authenticated = admission.authenticate(presented.credential()).await;
        let entered = authenticated.and_then(|caller| admission.shed(class).map(|()| caller));
        match entered {
            Ok(caller) => {
                self.ingest.credential_uses.note(&caller, self.received_at);
                Ok(caller)
            }
            Err(refusal) => {
                read_past(&self.parts.headers, body, self.ingest.config.max_body_bytes).await;
                Err(refusal.of_presented(presented).into())
            }
        }
    }

    /// The whole body. Drop it once it is parsed: it is not needed while the request waits for the log.
    pub async fn text(&self, caller: &Caller, body: Body) -> Result<String, Problem> {
        let config = &self.ingest.config;
        let bounds = Bounds { max_bytes: config.max_body_bytes, read_timeout: config.body_read_timeout };
        let headers = &self.parts.headers;
        match read(headers, body, bounds, &self.permit).await {
            // This is our limit, so the caller is not charged.
            Err(BodyError::OverBudget) => {
                let retry_after_s = self.ingest.bytes_outage.failed(self.ingest.clock.now());
                Err(Problem::TooManyBytes { retry_after_s })
            }
            Ok(decoded) => self.judged(caller, text(headers, decoded)).await,
            Err(error) => self.judged(caller, Err(error)).await,
        }
    }

    /// The run that the path names.
    pub fn path_run(&self) -> Result<RunId, Fault> {
        let path = self.parts.uri.path();
        let id = path.strip_prefix("/v1/runs/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        ids::of_region(id, self.ingest.config.region, || "id".to_owned())
    }

    /// The options of the rules for bodies.
    pub fn reading(&self, caller: &Caller) -> ParseOptions {
        ParseOptions {
            region: self.ingest.config.region,
            ignore_unknown: self.ingest.config.ignore_unknown_members,
            keep_metadata: caller.plan.keeps_metadata(),
            received_at: self.received_at,
        }
    }

    /// Answers with a fault only after the request was charged, and only if the caller may still send: the refusal of a
    /// limit comes first.
    pub async fn judged<T>(&self, caller: &Caller, parsed: Result<T, impl Into<Problem>>) -> Result<T, Problem> {
        match parsed {
            Ok(value) => Ok(value),
            Err(fault) => {
                let fault = fault.into();
                self.ingest.admission.charge(caller).await?;
                Err(fault)
            }
        }
    }

    /// Accepts the request. It runs on even if the client leaves: what was claimed must be settled.
    pub async fn accept(self, caller: Caller, run: Option<RunId>, body: RecordBody) -> Result<Accepted, Problem> {
        let Call { ingest, parts, received_at, place, permit } = self;
        // Its headers are in the connection's read buffer, which is free for the next request once nothing refers to
        // it.
        drop(parts);
        let minted = run.is_none();
        let run = run.unwrap_or_else(|| mint(&ingest, caller.team, received_at));
        let opens = matches!(body, RecordBody::Start(_) | RecordBody::Heartbeat(_));
        let submission = Submission { run, minted, received_at, body };
        let (admission, team) = (ingest.admission.clone(), caller.team);
        let accepting = Detached::new(async move {
            let accepted = admission.accept(&caller, submission).await;
            drop((place, permit));
            accepted
        });
        let acceptance = accepting.await.inspect_err(|refusal| {
            if opens && Problem::from(refusal.clone()).is_ours() {
                ingest.openings.refused_of(team);
            }
            if let Refusal::AgentCap { cap, slug, .. } = refusal {
                let refused = RefusedAgent { team, agent: slug.clone(), cap: *cap, at: received_at };
                ingest.refused_agents.note(refused);
            }
        })?;
        if let Some(position) = acceptance.position {
            ingest.acked.note(position);
        }
        let receipt = acceptance.position.map(|position| Receipt { position, team, received_at });
        Ok(Accepted { run, received_at, receipt, acceptance })
    }
}

/// An id for a run whose sender gave none, in a partition that is not halted if there is one.
fn mint(ingest: &Ingest, team: TeamId, received_at: Timestamp) -> RunId {
    const TRIES: usize = 64;
    let mint = || ingest.ids.mint(ingest.config.region, received_at);
    let other = |run: &RunId| !ingest.admission.stands_still(team, *run);
    let run: RunId = mint();
    if other(&run) {
        return run;
    }
    std::iter::repeat_with(mint).take(TRIES).find(other).unwrap_or(run)
}

/// An accepted request.
pub(crate) struct Accepted {
    pub run: RunId,
    pub received_at: Timestamp,
    /// The receipt of the record that it made.
    pub receipt: Option<Receipt>,
    pub acceptance: Acceptance,
}
