//! The frame of every page: its head, its landmarks, and the headers that keep clients' texts from running.

use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, html};
use tidegate_door::entry::with_type;

use crate::assets::{ICON, SCRIPT, STYLE};
use crate::visit::Visit;

/// Everything comes from this host, and nothing is inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The parts of the dashboard, in the order of its menu.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Agents,
    Runs,
    Spend,
    Guard,
    Alerts,
    Routes,
    Quotas,
    Rates,
    Keys,
    Config,
}

impl Part {
    const ALL: [(Part, &str, &str); 11] = [
        (Part::Overview, "Overview", ""),
        (Part::Agents, "Agents", "/agents"),
        (Part::Runs, "Runs", "/runs"),
        (Part::Spend, "Spend", "/spend"),
        (Part::Guard, "Guard", "/guard"),
        (Part::Alerts, "Alerts", "/alerts"),
        (Part::Routes, "Routes", "/routes"),
        (Part::Quotas, "Quotas", "/quotas"),
        (Part::Rates, "Rates", "/rates"),
        (Part::Keys, "Keys", "/keys"),
        (Part::Config, "Configuration", "/config"),
    ];
}

/// A page of a team, as it is to be written.
pub(crate) struct Page {
    pub title: String,
    pub part: Part,
    /// Every how many seconds the script looks whether the page has changed; `None`: never.
    pub live_s: Option<u32>,
    /// Whether browsers without script load the page again by themselves.
    pub waits: bool,
    pub body: Markup,
}

impl Page {
    pub fn new(title: impl Into<String>, part: Part, body: Markup) -> Self {
        Page { title: title.into(), part, live_s: None, waits: false, body }
    }

    /// Kept up to date every so many seconds.
    pub fn live(mut self, seconds: u32) -> Self {
        self.live_s = Some(seconds);
        self
    }

    /// The page is for waiting only.
    pub fn waiting(mut self) -> Self {
        self.waits = true;
        self
    }

    /// As it is sent to this visitor.
    pub fn response(self, visit: &Visit) -> Response {
        let Page { title, part, live_s, waits, body } = self;
        let team = &visit.viewer.team.name;
        let bar = html! {
            header.bar {
                a.brand href=(visit.at("")) { img src=(ICON.path) alt="" width="24" height="24"; "Tidegate" }
                nav aria-label="Pages of the team" {
                    ul {
                        @for (one, name, rest) in Part::ALL {
                            li { a href=(visit.at(rest)) aria-current=[(one == part).then_some("page")] { (name) } }
                        }
                    }
                }
                div.who {
                    span.team title="Team" { (team) }
                    @if !visit.viewer.may_change { span.tag { "read only" } }
                    form method="post" action="/logout" {
                        input type="hidden" name="csrf" value=(visit.form_code());
                        button.quiet type="submit" { "Sign out" }
                    }
                }
            }
        };
        response(document(
            &format!("{title} · {team}"),
            waits,
            html! {
                a.skip href="#main" { "Skip to the page" }
                (bar)
                main #main tabindex="-1" data-live=[live_s] { (body) }
            },
        ))
    }
}

/// A page of no team.
pub(crate) fn plain(title: &str, body: Markup) -> Markup {
    document(
        title,
        false,
        html! {
            header.bar { a.brand href="/" { img src=(ICON.path) alt="" width="24" height="24"; "Tidegate" } }
            main #main tabindex="-1" { (body) }
        },
    )
}

/// A refusal as a page. `form`: the page that the refused form was on; `filled_in`: its fields, to be copied from here.
pub(crate) fn refusal(status: StatusCode, message: &str, form: Option<&str>, filled_in: &[(String, String)]) -> Markup {
    let reason = status.canonical_reason().unwrap_or("Refused");
    plain(
        reason,
        html! {
            section.card.narrow {
                h1 { (reason) }
                p { (message) }
                p {
                    @if let Some(form) = form { a.button href=(form) { "Back to the page" } " " }
                    a.button href="/" { "To the overview" }
                }
                @if !filled_in.is_empty() {
                    h2 { "What you filled in" }
                    dl {
                        @for (name, value) in filled_in {
                            dt.note { (name.replace('_', " ")) }
                            dd { pre tabindex="0" { (value) } }
                        }
                    }
                }
            }
        },
    )
}

/// What a client reads that does not follow to another path by itself.
pub(crate) fn moved(path: &str) -> Markup {
    plain("See other", html! { p { "Go on at " a href=(path) { (path) } "." } })
}

/// A page as an answer, with the headers that let nothing run but what this host serves.
pub fn response(page: Markup) -> Response {
    let mut response = with_type("text/html; charset=utf-8", page.into_string());
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A whole document. `waits`: browsers without script load it again every five seconds.
pub fn document(title: &str, waits: bool, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Tidegate" }
                link rel="icon" href=(ICON.path) type="image/svg+xml";
                link rel="stylesheet" href=(STYLE.path);
                script src=(SCRIPT.path) defer {}
                @if waits { noscript { meta http-equiv="refresh" content="5"; } }
            }
            body { (body) }
        }
    }
}
