//! One request on its way: the steps that the endpoints share, in their documented order (AgentGate: order of checks).

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tidegate_agentgate::{Owner, Scope, WebhookId};
use tidegate_door::body::{BodyError, Bounds, read, read_past};
use tidegate_door::query::Query;
use tidegate_door::{BytePermit, Entered, Place, framed};
use tidegate_kernel::command::OwnerId;
use tidegate_kernel::{LogKey, Timestamp};
use tidegate_ports::{Enter, LimitsVerdict, Take};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::command_class::CommandClass;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::rates::{self, RateHeaders};
use crate::refusal::{Refusal, Why};

/// What an endpoint asks for before it looks at its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    pub scope: Scope,
    pub window: Window,
    /// The class of the command that the request makes; `None`: it makes none, and is never shed.
    pub class: Option<CommandClass>,
}

/// The window that a request takes from besides that of all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    None,
    Submissions,
    /// Of the webhook in the path.
    WebhookTests,
}

impl Needs {
    /// For a request that makes no command.
    pub const fn scope(scope: Scope) -> Self {
        Needs { scope, window: Window::None, class: None }
    }

    /// For a request that makes a command of this class.
    pub const fn command(scope: Scope, class: CommandClass) -> Self {
        Needs { scope, window: Window::None, class: Some(class) }
    }
}

/// A request of a client who may send it.
pub(crate) struct Call {
    pub door: Arc<FrontDoor>,
    pub parts: Parts,
    pub caller: Caller,
    pub received_at: Timestamp,
    pub held: Held,
}

/// What a request holds until it is done, also if its client leaves.
pub(crate) struct Held {
    _place: Place,
    permit: BytePermit,
}

/// Runs a client's request through `handle` and answers it, whatever happens.
pub(crate) fn client<H, F>(
    door: Arc<FrontDoor>,
    endpoint: Endpoint,
    needs: Needs,
    request: Request,
    handle: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call, Body) -> F,
    F: Future<Output = Result<Answer, Refusal>>,
{
    let enter = async move |entered: Entered<FrontDoor>| {
        let (call, rate, body) = entered_by(entered, Some(needs)).await?;
        match handle(call, body).await {
            Ok(answer) => Ok(answer.rated(rate)),
            Err(refusal) => Err(refusal.rated(rate)),
        }
    };
    framed(door, endpoint, request, enter)
}

/// Why a request that has no route is refused: key, suspension and the window of all requests come before the route.
pub(crate) async fn unrouted(entered: Entered<FrontDoor>, unknown: Refusal) -> Refusal {
    if entered.parts.uri.path().starts_with("/worker/") {
        return unknown;
    }
    match entered_by(entered, None).await {
        Ok((call, rate, mut body)) => {
            call.pass(&mut body).await;
            unknown.rated(rate)
        }
        Err(refusal) => refusal,
    }
}

/// Key, suspension, windows, scope, shedding. `needs` is none where there is no route.
async fn entered_by(
    Entered { api: door, place, parts, mut body }: Entered<FrontDoor>,
    needs: Option<Needs>,
) -> Result<(Call, RateHeaders, Body), Refusal> {
    let received_at = door.clock.now();
    let entered = async {
        let caller = door.callers.client(&parts.headers).await?;
        let lacking = needs.and_then(|needs| lacking(&caller, needs.scope));
        let window = needs.filter(|_| lacking.is_none()).map_or(Window::None, |needs| needs.window);
        let rate = take(&door, &caller, window, parts.uri.path(), received_at).await?;
        if let Some(why) = lacking {
            return Err(Refusal::from(why).rated(rate));
        }
        if let Some(class) = needs.and_then(|needs| needs.class) {
            door.unless_shed(Owner::Org(caller.org), class).map_err(|refusal| refusal.rated(rate))?;
        }
        Ok((caller, rate))
    };
    match entered.await {
        Ok((caller, rate)) => {
            let held = Held { _place: place, permit: door.body_budget.none() };
            Ok((Call { door, parts, caller, received_at, held }, rate, body))
        }
        Err(refusal) => {
            read_past(&parts.headers, &mut body, door.config.max_body_bytes).await;
            Err(refusal)
        }
    }
}

fn lacking(caller: &Caller, required: Scope) -> Option<Why> {
    let available = caller.scopes;
    if available.permit(required) {
        None
    } else if available.is_empty() {
        Some(Why::NoScopes { required })
    } else {
        Some(Why::ScopeLacking { required, available })
    }
}

/// Takes from all windows of a request or from none. Answers with the state of the window of all requests.
async fn take(
    door: &FrontDoor,
    caller: &Caller,
    window: Window,
    path: &str,
    now: Timestamp,
) -> Result<RateHeaders, Refusal> {
    let mut takes = vec![rates::requests(caller.requests_per_minute)];
    match window {
        Window::None => {}
        Window::Submissions => takes.push(rates::submissions(caller.submissions_per_minute)),
        // An id of no webhook has no window.
        Window::WebhookTests => {
            takes.extend(path.split('/').find(|id| WebhookId::parse(id).is_some()).map(rates::webhook_tests))
        }
    }
    let owner = Owner::Org(caller.org).log_key();
    let enter = Enter { owner: owner.text().into(), takes, mark: None };
    // A front door that cannot count admits no request.
    let entered = door.limits.enter(&enter).await;
    let entered = entered.map_err(|error| Why::LimitsUnavailable { cause: error.to_string() })?;
    let headers = |at: usize| -> Option<(&Take, tidegate_ports::Window)> {
        Some((enter.takes.get(at)?, *entered.windows.get(at)?))
    };
    let missing = || Why::Defect { cause: "the limits left a window out".to_owned() };
    match entered.verdict {
        LimitsVerdict::Exhausted(at) => {
            let (take, window) = headers(at).ok_or_else(missing)?;
            Err(RateHeaders::of(take, window, now).used_up(window))
        }
        // No mark is asked for, so none is in the way.
        LimitsVerdict::Admitted | LimitsVerdict::InFlight(_) => {
            let (take, window) = headers(0).ok_or_else(missing)?;
            Ok(RateHeaders::of(take, window, now))
        }
    }
}

impl Call {
    /// The key of the organization's log, limits and content.
    pub fn owner(&self) -> LogKey {
        Owner::Org(self.caller.org).log_key()
    }

    /// Reads past a body that is of no use.
    pub async fn pass(&self, body: &mut Body) {
        read_past(&self.parts.headers, body, self.door.config.max_body_bytes).await;
    }

    /// The whole body, which must be JSON by its type.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn body(&self, body: Body) -> Result<Vec<u8>, Refusal> {
        let read = whole_body(&self.door, &self.parts.headers, body, &self.held).await;
        read.map_err(|fault| match fault {
            BodyRefused::ContentType => Why::ContentType.into(),
            BodyRefused::OverBudget => Why::TooManyBytes.into(),
            BodyRefused::Body(error) => Why::Body(error).into(),
        })
    }

    /// The path's segment after `prefix`, as it was sent.
    pub fn id(&self, prefix: &str) -> String {
        id_in(self.parts.uri.path(), prefix)
    }

    pub fn query(&self) -> Query<'_> {
        Query::read(self.parts.uri.query())
    }
}

impl Held {
    pub fn new(place: Place, permit: BytePermit) -> Self {
        Held { _place: place, permit }
    }
}

/// The path's segment after `prefix`.
pub(crate) fn id_in(path: &str, prefix: &str) -> String {
    path.strip_prefix(prefix).and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned()
}

/// Why a body is not used.
pub(crate) enum BodyRefused {
    ContentType,
    OverBudget,
    Body(BodyError),
}

/// Content type, then size and arrival.
pub(crate) async fn whole_body(
    door: &FrontDoor,
    headers: &HeaderMap,
    mut body: Body,
    held: &Held,
) -> Result<Vec<u8>, BodyRefused> {
    if !is_json(headers) {
        read_past(headers, &mut body, door.config.max_body_bytes).await;
        return Err(BodyRefused::ContentType);
    }
    let bounds = Bounds { max_bytes: door.config.max_body_bytes, read_timeout: door.config.body_read_timeout };
    read(headers, body, bounds, &held.permit).await.map_err(|error| match error {
        BodyError::OverBudget => BodyRefused::OverBudget,
        error => BodyRefused::Body(error),
    })
}

/// `application/json`, with any parameters; a charset other than UTF-8 is refused.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    json && charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
}
