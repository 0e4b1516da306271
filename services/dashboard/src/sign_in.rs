//! Signing in and out: an API key, pasted once, becomes a session (the control side: decision 1).

use std::sync::Arc;

use axum::response::Response;
use axum::routing::MethodRouter;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::{Markup, html};
use tidegate_agentping::{Credential, CredentialHash, Scope};
use tidegate_door::Entered;
use tidegate_door::endpoint_routes::{get, post, refusing_other_methods};
use tidegate_door::framed;
use tidegate_door::query::Query;

use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::layout;
use crate::problem::Problem;
use crate::reads::Pages;
use crate::session::{COOKIE, LASTS_S, Session};
use crate::url::encoded;
use crate::visit::{Viewer, session_of};

/// `/`: the team's overview, or the form.
pub(crate) fn home() -> MethodRouter<Arc<Pages>> {
    get(Endpoint::Home, async |Entered { api, parts, .. }: Entered<Pages>| {
        let viewer = Viewer::of(&api, &parts.headers).await?;
        Ok(to(&format!("/teams/{}", encoded(&viewer.team.name))))
    })
}

/// `/login`: the form, what it sends, and links that sign in once.
pub(crate) fn login() -> MethodRouter<Arc<Pages>> {
    let show = async |axum::extract::State(pages), request| {
        framed(pages, Endpoint::SignIn, request, async |Entered { api, parts, .. }: Entered<Pages>| {
            let query = Query::read(parts.uri.query());
            match query.first("link") {
                Some(token) => {
                    let hash = api.links.spend(token).ok_or(Problem::LinkSpent)?;
                    Ok(begun(&api, &parts.headers, hash))
                }
                None if Viewer::of(&api, &parts.headers).await.is_ok() => Ok(to("/")),
                None => Ok(layout::response(form(None))),
            }
        })
        .await
    };
    let sign_in = async |axum::extract::State(pages), request| {
        framed(pages, Endpoint::SignIn, request, async |Entered { api, parts, body, .. }: Entered<Pages>| {
            Problem::of_foreign(&parts.headers)?;
            let form = Form::read(&api.forms, &parts.headers, body).await?;
            let hash = hash_of(&api, form.field("key").trim()).await?;
            Ok(begun(&api, &parts.headers, hash))
        })
        .await
    };
    let routes = axum::routing::get(show).post(sign_in);
    refusing_other_methods(Endpoint::SignIn, "GET, HEAD, POST", routes)
}

/// `/logout`: ends the session, whose form sent it.
pub(crate) fn logout() -> MethodRouter<Arc<Pages>> {
    post(Endpoint::SignOut, async |Entered { api, parts, body, .. }: Entered<Pages>| {
        Problem::of_foreign(&parts.headers)?;
        let form = Form::read(&api.forms, &parts.headers, body).await?;
        let mut response = to("/login");
        if let Some(session) = session_of(&api, &parts.headers) {
            if !api.sessions.is_form_code(&session, form.field("csrf")) {
                return Err(Problem::ForeignForm);
            }
            api.sessions.end(&session, api.now());
        }
        set_cookie(&mut response, "", 0, is_secure(&api, &parts.headers));
        Ok(response)
    })
}

/// The hash of a key that may sign in.
async fn hash_of(pages: &Pages, key: &str) -> Result<CredentialHash, Problem> {
    let caller = pages.holders.of_key(key).await.map_err(Problem::KeyRefused)?;
    match (caller.scope, Credential::parse(key)) {
        (Scope::Team, Ok(credential)) => Ok(credential.hash()),
        (Scope::Team, Err(error)) => Err(Problem::Defect { cause: error.to_string() }),
        (Scope::Agent(_), _) => Err(Problem::TokenNotKey),
    }
}

/// The answer that begins a session.
fn begun(pages: &Pages, headers: &HeaderMap, hash: CredentialHash) -> Response {
    let session = Session::begin(hash, pages.now(), &*pages.ids);
    let mut response = to("/");
    set_cookie(&mut response, &pages.sessions.seal(&session), LASTS_S, is_secure(pages, headers));
    response
}

/// Whether browsers are to send the session over HTTPS only. A client that claims it of a plain connection affects its own
/// session only.
fn is_secure(pages: &Pages, headers: &HeaderMap) -> bool {
    pages.secure_cookies || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

fn set_cookie(response: &mut Response, value: &str, lasts_s: i64, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}");
    // Letters, digits and marks of ours.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// 303 to a path of ours.
pub(crate) fn to(path: &str) -> Response {
    let mut response = layout::response(layout::moved(path));
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// The form to sign in, with what was wrong with the key before.
pub(crate) fn form(refused: Option<&str>) -> Markup {
    layout::plain(
        "Sign in",
        html! {
            section.card.narrow {
                h1 { "Sign in" }
                p { "Paste one of your team's API keys. It is not kept: this browser gets a session of twelve hours, which ends with the key." }
                @if let Some(refused) = refused {
                    p.alert role="alert" id="refused" { (refused) }
                }
                form method="post" action="/login" {
                    label for="key" { "API key" }
                    input #key name="key" type="password" autocomplete="current-password" spellcheck="false" required
                        autofocus placeholder="apk_eu_…" aria-describedby=[refused.map(|_| "refused")]
                        aria-invalid=[refused.map(|_| "true")];
                    button.primary type="submit" { "Sign in" }
                }
                p.hint { "No key at hand? " code { "tidegate keys create --team NAME" } " makes one." }
            }
        },
    )
}
