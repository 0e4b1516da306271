//! One request on its way: the steps that the endpoints share, in the order of the gates (AgentPing: gate order).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use http::request::Parts;
use tidegate_admission::{Acceptance, Caller, Class, Refusal, Submission};
use tidegate_agentping::{Body as RecordBody, Receipt, RunId, TeamId};
use tidegate_kernel::Timestamp;

use crate::body::{Bounds, read_past};
use crate::body_room::Room;
use crate::in_flight::Place;
use crate::ingest::Ingest;
use crate::parse::{Fault, Reading, ids};
use crate::refusal_table::Problem;
use crate::unbroken::Unbroken;
use crate::{body, credential};

pub(crate) struct Call {
    pub ingest: Arc<Ingest>,
    pub parts: Parts,
    /// When it came: the server's word on every time that the client leaves out.
    pub received_at: Timestamp,
    place: Place,
    /// What its body may take of the memory for bodies.
    room: Room,
}

impl Call {
    /// The body stands apart: it cannot be shared between threads, and the rest must be.
    pub fn new(ingest: Arc<Ingest>, request: Request, place: Place) -> (Self, Body) {
        let (parts, body) = request.into_parts();
        let received_at = ingest.clock.now();
        let room = ingest.body_room.none();
        (Call { ingest, parts, received_at, place, room }, body)
    }

    /// Who calls, unless the door is shut to this class for now. Nothing of the body is kept of who may not enter.
    pub async fn enter(&self, class: Class, query_key: Option<&str>, body: &mut Body) -> Result<Caller, Problem> {
        let admission = &self.ingest.admission;
        let presented = credential::presented(&self.parts.headers, query_key);
        let entered = admission.authenticate(presented).await.and_then(|caller| admission.shed(class).map(|()| caller));
        match entered {
            Ok(caller) => Ok(caller),
            Err(refusal) => {
                read_past(&self.parts.headers, body, self.ingest.config.max_body_bytes).await;
                Err(match refusal {
                    Refusal::CredentialMalformed { .. } => {
                        Refusal::CredentialMalformed { mistake: credential::mistake(&self.parts.headers, query_key) }
                    }
                    refusal => refusal,
                }
                .into())
            }
        }
    }

    /// The whole body. Once it is parsed it should go: nobody needs it while the log is waited for.
    pub async fn text(&self, caller: &Caller, body: Body) -> Result<String, Problem> {
        let config = &self.ingest.config;
        let bounds = Bounds { max_bytes: config.max_body_bytes, read_timeout: config.body_read_timeout };
        match body::read(&self.parts.headers, body, bounds, &self.room).await {
            // Our trouble, and the caller is not charged for it.
            Err(Problem::TooManyBytes { .. }) => {
                let retry_after_s = self.ingest.bytes_outage.failed(self.ingest.clock.now());
                Err(Problem::TooManyBytes { retry_after_s })
            }
            read => self.judged(caller, read).await,
        }
    }

    /// The run that the path names.
    pub fn path_run(&self) -> Result<RunId, Fault> {
        let path = self.parts.uri.path();
        let id = path.strip_prefix("/v1/runs/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        ids::of_region(id, self.ingest.config.region, || "id".to_owned())
    }

    /// What the rules for bodies need to know.
    pub fn reading(&self, caller: &Caller) -> Reading {
        Reading {
            region: self.ingest.config.region,
            ignore_unknown: self.ingest.config.ignore_unknown_members,
            keep_metadata: caller.plan.keeps_metadata(),
            received_at: self.received_at,
        }
    }

    /// What is wrong with a request is told only after the request was charged, and only if the caller may still
    /// send: the limits' refusal wins.
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

    /// Takes the request in. This runs on even if the client leaves: what was claimed must be settled.
    pub async fn accept(self, caller: Caller, run: Option<RunId>, body: RecordBody) -> Result<Accepted, Problem> {
        let Call { ingest, parts, received_at, place, room } = self;
        // Its headers stand in the connection's read buffer, which is free for the next request once nothing refers to it.
        drop(parts);
        let minted = run.is_none();
        let run = run.unwrap_or_else(|| mint(&ingest, caller.team, received_at));
        let submission = Submission { run, minted, received_at, body };
        let (admission, team) = (ingest.admission.clone(), caller.team);
        let accepting = Unbroken::new(async move {
            let accepted = admission.accept(&caller, submission).await;
            drop((place, room));
            accepted
        });
        let acceptance = accepting.await?;
        if let Some(position) = acceptance.position {
            ingest.acked.note(position);
        }
        let receipt = acceptance.position.map(|position| Receipt { position, team, received_at });
        Ok(Accepted { run, received_at, receipt, acceptance })
    }
}

/// An id for a run whose sender gave none, of a partition that does not stand still if there is one.
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

/// A request that was taken in.
pub(crate) struct Accepted {
    pub run: RunId,
    pub received_at: Timestamp,
    /// Of the record that it made.
    pub receipt: Option<Receipt>,
    pub acceptance: Acceptance,
}
