//! Keys, tokens and badges: which there are, never what they are.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::pages::token;
use crate::parts::code::quoted;
use crate::parts::control::{button, field, form};
use crate::parts::pager::{BY_TIME, List, pager};
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::{encoded, with_query};
use crate::visit::Visit;

const TOKENS: &str = "100";
const KEYS: &str = "100";
const KEY_PAGES: List<'static> =
    List { name: "Pages of keys", path: "/keys", heading: "keys", kept: &[], parameter: "keys_after", links: BY_TIME };
const TOKEN_PAGES: List<'static> = List { name: "Pages of tokens", heading: "tokens", parameter: "after", ..KEY_PAGES };

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let (after, keys_after) = (visit.query("after"), visit.query("keys_after"));
    let tokens = with_query("/v1/tokens", &[("limit", Some(TOKENS)), ("cursor", after.as_deref())]);
    let keys = with_query("/v1/keys", &[("limit", Some(KEYS)), ("cursor", keys_after.as_deref())]);
    let (keys, tokens, badges) =
        tokio::try_join!(visit.look(&keys), visit.look(&tokens), visit.look("/v1/badges?limit=200"))?;
    let (keys, tokens) = (keys.unwrap_or_default(), tokens.unwrap_or_default());
    let body = html! {
        h1 { "Keys and tokens" }
        p.lead { "Only hashes of secrets are kept: what was shown when one was made cannot be shown again." }
        (key_section(&visit, &keys))
        (token_section(&visit, &tokens))
        @if let Some(badges) = &badges { (badge_section(&visit, badges.rows("badges"))) }
    };
    Ok(Page::new("Keys and tokens", Part::Keys, body).response(&visit))
}

fn key_section(visit: &Visit, keys: &Value) -> Markup {
    let team = quoted(&visit.viewer.team.name);
    html! {
        section aria-labelledby="keys" {
            h2 #keys { "API keys" }
            div.scroll tabindex="0" role="group" aria-label="API keys" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Id" }
                            th scope="col" { "Label" }
                            th scope="col" { "May" }
                            th scope="col" { "Made" }
                            th scope="col" { "Last used" }
                            th scope="col" { "State" }
                        }
                    }
                    tbody { @for key in keys.rows("keys") { (key_row(visit, key)) } }
                }
            }
            (pager(visit, &KEY_PAGES, keys))
            p.hint {
                "A key can do all that the team can, so none is made with another one: whoever operates this server makes them by "
                code { "tidegate keys create --team " (team) } " (with " code { "--access read" } " for one that may only read, and " code { "--label TEXT" } " to say what it is for), and revokes them by "
                code { "tidegate keys revoke ID" } "."
            }
        }
    }
}

fn key_row(visit: &Visit, key: &Value) -> Markup {
    let own = visit.viewer.key.is_some_and(|own| own.to_string() == key.text("id"));
    html! {
        tr {
            td { code.id { (key.text("id")) } @if own { " " span.tag { "this session" } } }
            td { (key.text("label")) }
            td { @if key.text("access") == "read" { "read" } @else { "read and change" } }
            td { @if let Some(at) = key.instant("created_at") { (time::ago(at, visit.now)) } }
            td { @match key.instant("last_used_at") { Some(at) => (time::ago(at, visit.now)), None => "–" } }
            td { @match key.instant("revoked_at") { Some(at) => { "revoked " (time::ago(at, visit.now)) } None => "active" } }
        }
    }
}

fn token_section(visit: &Visit, tokens: &Value) -> Markup {
    let rows = tokens.rows("tokens");
    html! {
        section aria-labelledby="tokens" {
            h2 #tokens { "Ping tokens" }
            p { "A ping token may report for its one agent and read nothing." }
            @if rows.is_empty() { p.empty { "There are none." } } @else { (token_table(visit, rows)) }
            (pager(visit, &TOKEN_PAGES, tokens))
            (form(visit, "/keys/tokens", "Make a ping token", field("token-agent", "agent", "Agent", "")))
        }
    }
}

fn token_table(visit: &Visit, rows: &[Value]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Ping tokens" {
            table {
                thead {
                    tr {
                        th scope="col" { "Id" }
                        th scope="col" { "Last digits" }
                        th scope="col" { "Agent" }
                        th scope="col" { "Made" }
                        th scope="col" { "Last used" }
                        th scope="col" { "Ends" }
                        @if visit.viewer.may_change { th scope="col" { span.unseen { "Change" } } }
                    }
                }
                tbody { @for row in rows { (token_row(visit, row)) } }
            }
        }
    }
}

fn token_row(visit: &Visit, row: &Value) -> Markup {
    let agent = row.text("agent");
    html! {
        tr {
            td { code.id { (row.text("id")) } }
            td { (token::last_digits(row)) }
            td { a href=(visit.agent_url(agent)) { (agent) } }
            td { @if let Some(at) = row.instant("created_at") { (time::ago(at, visit.now)) } }
            td { @match row.instant("last_used_at") { Some(at) => (time::ago(at, visit.now)), None => "–" } }
            td { @match row.instant("expires_at") { Some(at) => { "replaced, " (time::ago(at, visit.now)) }, None => "–" } }
            (token::changes(visit, agent, row))
        }
    }
}

/// Badges are public: their addresses are shown to whoever may see the page.
fn badge_section(visit: &Visit, rows: &[Value]) -> Markup {
    html! {
        section aria-labelledby="badges" {
            h2 #badges { "Badges" }
            p { "A badge is a public picture of how an agent, the agents of a tag, or the team stands. Its address says nothing else." }
            @if !rows.is_empty() {
                div.scroll tabindex="0" role="group" aria-label="Badges" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Label" }
                                th scope="col" { "Of" }
                                th scope="col" { "Address" }
                                @if visit.viewer.may_change { th scope="col" { span.unseen { "Delete" } } }
                            }
                        }
                        tbody {
                            @for row in rows {
                                tr {
                                    th scope="row" { (row.text("label")) }
                                    td {
                                        @match (row.text("agent"), row.text("tag")) {
                                            ("", "") => "the team",
                                            ("", tag) => { "agents with the tag " (tag) }
                                            (agent, _) => a href=(visit.agent_url(agent)) { (agent) },
                                        }
                                    }
                                    td.text { code { (row.text("url")) } }
                                    @if visit.viewer.may_change { td { (button(visit, &format!("/badges/{}/delete", encoded(row.text("id"))), "Delete")) } }
                                }
                            }
                        }
                    }
                }
            }
            (form(visit, "/badges/new", "Make a badge", html! {
                (field("badge-label", "label", "Label", ""))
                (field("badge-agent", "agent", "Agent (or a tag, or neither: the team)", ""))
                (field("badge-tag", "tag", "Tag", ""))
                div.field {
                    label for="badge-late" { "Late" }
                    select #badge-late name="late" { option value="yes" { "is shown" } option value="no" { "counts as up" } }
                }
            }))
        }
    }
}

/// `POST …/keys/tokens`: a token for the agent that the form names.
pub(crate) async fn make_token(visit: Visit, form: Form) -> Result<Response, Problem> {
    let named = form.field("agent").trim();
    let agent = tidegate_agentping::Slug::parse(named)
        .map_err(|error| Problem::Declined(format!("'{named}' can be no agent's name: {error}.")))?;
    token::made_for(&visit, &agent).await
}
