//! `/confirm/{token}` and `/unsubscribe/{token}`: the pages behind the links of mails. They need no key: the token is
//! one.
//!
//! Programs that check links follow them by `GET`, so that nothing changes but by the form's `POST`.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};
use tidegate_agentping::TeamId;
use tidegate_agentping_settings::route::named_by_mail_token;
use tidegate_agentping_settings::{AuditDoc, MailTarget, RouteDisabled, RouteDoc, RouteTarget, kinds};
use tidegate_door::entry::with_type;
use tidegate_door::{Entered, framed};
use tidegate_kernel::SmolStr;
use tidegate_ports::{DocumentList, MAX_WRITES, ScanOrder, Written};

use crate::alert_routes::MOST;
use crate::alert_routes::questions::Questions;
use crate::endpoint::Endpoint;
use crate::manage::Kept;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::MailLinkRefusals;

/// Who changes a route by a mail's link, in the audit.
const BY: &str = "mail";
const TRIES: u32 = 8;
/// Documents of a page of routes.
const PAGE: usize = 500;
/// With each route its audit entry is written, and once the note of the answer.
const _: () = assert!(2 * MOST < MAX_WRITES);

/// What a link does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MailLink {
    Confirm,
    Unsubscribe,
}

/// A form that asks whether the address wants alerts.
#[utoipa::path(
    get,
    path = "/confirm/{token}",
    operation_id = "ask_to_confirm_address",
    tag = "mail",
    params(("token" = String, Path, description = "Of the mail.")),
    responses((status = 200, description = "A form.", body = String, content_type = "text/html"), MailLinkRefusals),
)]
pub(crate) async fn ask_to_confirm(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    shown(reads, Endpoint::Confirm, request, MailLink::Confirm).await
}

/// The address wants alerts.
#[utoipa::path(
    post,
    path = "/confirm/{token}",
    operation_id = "confirm_address",
    tag = "mail",
    params(("token" = String, Path, description = "Of the mail.")),
    responses((status = 200, description = "It is confirmed.", body = String, content_type = "text/html"), MailLinkRefusals),
)]
pub(crate) async fn confirm(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    done(reads, Endpoint::Confirm, request, MailLink::Confirm).await
}

/// A form that asks whether the address wants no more alerts.
#[utoipa::path(
    get,
    path = "/unsubscribe/{token}",
    operation_id = "ask_to_unsubscribe",
    tag = "mail",
    params(("token" = String, Path, description = "Of the mail.")),
    responses((status = 200, description = "A form.", body = String, content_type = "text/html"), MailLinkRefusals),
)]
pub(crate) async fn ask_to_unsubscribe(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    shown(reads, Endpoint::Unsubscribe, request, MailLink::Unsubscribe).await
}

/// The address wants no more alerts: its route is disabled. Mail programs do this with one click (RFC 8058).
#[utoipa::path(
    post,
    path = "/unsubscribe/{token}",
    operation_id = "unsubscribe",
    tag = "mail",
    params(("token" = String, Path, description = "Of the mail.")),
    responses((status = 200, description = "The route is disabled.", body = String, content_type = "text/html"), MailLinkRefusals),
)]
pub(crate) async fn unsubscribe(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    done(reads, Endpoint::Unsubscribe, request, MailLink::Unsubscribe).await
}

async fn shown(reads: Arc<Reads>, endpoint: Endpoint, request: Request, link: MailLink) -> Response {
    let enter = async move |entered: Entered<Reads>| {
        let Entered { api: reads, mut parts, .. } = entered;
        let token = Path::<String>::from_request_parts(&mut parts, &()).await.map(|Path(token)| token);
        let known = find(&reads, &token.unwrap_or_default()).await?;
        Ok::<_, Problem>(match (known, link) {
            (None, _) => unknown_page(),
            (Some(_), MailLink::Confirm) => page(
                StatusCode::OK,
                "Alerts by mail",
                "Do you want to receive alerts at this address?",
                Some("Yes, send alerts"),
            ),
            (Some(_), MailLink::Unsubscribe) => page(
                StatusCode::OK,
                "Alerts by mail",
                "Do you want no more alerts at this address?",
                Some("No more alerts"),
            ),
        })
    };
    framed(reads, endpoint, request, enter).await
}

async fn done(reads: Arc<Reads>, endpoint: Endpoint, request: Request, link: MailLink) -> Response {
    let enter = async move |entered: Entered<Reads>| {
        let Entered { api: reads, mut parts, body, .. } = entered;
        // What mail programs send says nothing that the path does not.
        drop(body);
        let token = Path::<String>::from_request_parts(&mut parts, &()).await.map(|Path(token)| token);
        let changed = change(&reads, &token.unwrap_or_default(), link).await?;
        Ok::<_, Problem>(match (changed, link) {
            (false, _) => unknown_page(),
            (true, MailLink::Confirm) => {
                page(StatusCode::OK, "Confirmed", "Alerts are sent to this address from now on.", None)
            }
            (true, MailLink::Unsubscribe) => {
                page(StatusCode::OK, "Unsubscribed", "No more alerts are sent to this address.", None)
            }
        })
    };
    framed(reads, endpoint, request, enter).await
}

/// The route whose token this is.
async fn find(reads: &Reads, token: &str) -> Result<Option<(TeamId, Kept<RouteDoc>)>, Problem> {
    let Some((team, id)) = named_by_mail_token(token) else { return Ok(None) };
    let found = Kept::<RouteDoc>::find(reads, team, kinds::ROUTE, &id.to_string()).await?;
    let is_of_token = |kept: &Kept<RouteDoc>| match &kept.doc.target {
        RouteTarget::Email(MailTarget { token: own, .. }) => is_same(own.reveal(), token),
        _ => false,
    };
    Ok(found.filter(is_of_token).map(|kept| (team, kept)))
}

/// In a time that does not depend on how much of it is right.
fn is_same(own: &str, given: &str) -> bool {
    let differences = own.bytes().zip(given.bytes()).fold(0, |differences, (a, b)| differences | (a ^ b));
    own.len() == given.len() && differences == 0
}

/// The routes that a link is about, its own first. An address that confirms does so for all routes of the team that
/// have it, at most [`MOST`] at a time: it is asked once a day.
async fn of_link(
    reads: &Reads,
    (team, named): (TeamId, Kept<RouteDoc>),
    link: MailLink,
) -> Result<Vec<Kept<RouteDoc>>, Problem> {
    let RouteTarget::Email(own) = named.doc.target.clone() else { return Ok(vec![named]) };
    let mut routes = vec![named];
    if link != MailLink::Confirm {
        return Ok(routes);
    }
    let is_another = |one: &Kept<RouteDoc>| match &one.doc.target {
        RouteTarget::Email(mail) => mail.to.eq_ignore_ascii_case(&own.to) && mail.token != own.token,
        _ => false,
    };
    let (space, mut after) = (team.to_string(), None::<SmolStr>);
    loop {
        let (kind, order, limit) = (kinds::ROUTE, ScanOrder::Ascending, PAGE);
        let list = DocumentList { space: &space, kind, prefix: "", after: after.as_deref(), order, limit };
        let page = reads.ask(reads.managed.documents.list(&list)).await?;
        // One that cannot be read is none of these.
        let read = page.iter().filter_map(|document| Kept::<RouteDoc>::of(kinds::ROUTE, document).ok());
        let others = read.filter(|one| is_another(one) && one.doc.target.is_unconfirmed());
        routes.extend(others.take(MOST - routes.len()));
        if page.len() < PAGE || routes.len() == MOST {
            return Ok(routes);
        }
        after = page.last().map(|document| document.name.clone());
    }
}

/// Does what a link is for, unless it is done. `false`: no route has this link.
async fn change(reads: &Reads, token: &str, link: MailLink) -> Result<bool, Problem> {
    for _ in 0..TRIES {
        let Some((team, named)) = find(reads, token).await? else { return Ok(false) };
        let (now, space, mut writes) = (reads.now(), team.to_string(), Vec::new());
        // Read before the routes: what makes one meanwhile writes it.
        let answer = if link == MailLink::Confirm { Questions::note_answer(reads, team).await? } else { None };
        for mut kept in of_link(reads, (team, named), link).await? {
            let before = kept.doc.clone();
            let action = match (&mut kept.doc.target, link) {
                (RouteTarget::Email(mail), MailLink::Confirm) => {
                    mail.confirmed_at.get_or_insert(now);
                    "route.confirm"
                }
                _ => {
                    let reason = "the address has unsubscribed".to_owned();
                    kept.doc.disabled.get_or_insert(RouteDisabled { at: now, reason });
                    "route.unsubscribe"
                }
            };
            kept.doc = kept.doc.clone().serving_since(&before, now);
            if kept.doc == before {
                continue;
            }
            let (by, what) = (BY.into(), kept.doc.name.clone());
            let audit = AuditDoc { at: now, by, action: action.into(), what }.write(reads.ids.random())?;
            writes.extend([kept.write()?, audit]);
        }
        if writes.is_empty() {
            return Ok(true);
        }
        writes.extend(answer);
        if reads.ask(reads.managed.documents.write(&space, &writes, now)).await? == Written::Done {
            if let Err(error) = reads.managed.mirror.refresh(&space).await {
                tracing::warn!(kind = %error.kind(), %error, "changed settings cannot be read again now");
            }
            return Ok(true);
        }
    }
    Err(Problem::TooManyChanges)
}

fn unknown_page() -> Response {
    page(StatusCode::NOT_FOUND, "Unknown link", "This link is not, or not any more, one of ours.", None)
}

/// A page of fixed texts. The form posts to the page's own address.
fn page(status: StatusCode, title: &str, text: &str, button: Option<&str>) -> Response {
    let form =
        button.map_or_else(String::new, |button| format!("<form method=\"post\"><button>{button}</button></form>"));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\n<body><h1>{title}</h1><p>{text}</p>{form}</body></html>\n"
    );
    let mut response = with_type("text/html; charset=utf-8", html);
    *response.status_mut() = status;
    let policy =
        HeaderValue::from_static("default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    // The address has the token.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
