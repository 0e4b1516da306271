//! An agent's ping tokens that work, by their ids and last digits, and what replaces or ends one.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::Slug;

use crate::pages::start::token_form;
use crate::pages::token;
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::encoded;
use crate::visit::Visit;

/// The section of tokens.
pub(super) async fn section(visit: &Visit, slug: &Slug) -> Result<Markup, Problem> {
    let path = format!("/v1/agents/{}/tokens?limit=200", encoded(slug.as_str()));
    let found = visit.look(&path).await?.unwrap_or_default();
    let rows = found.rows("tokens");
    Ok(html! {
        section aria-labelledby="tokens" {
            h2 #tokens { "Ping tokens" }
            @if rows.is_empty() { p.empty { "It has none: API keys may report for it." } } @else { (table(visit, slug, rows)) }
            @if !found.text("next_cursor").is_empty() {
                p.hint {
                    "The newest ones. All are on the page of " a href=(visit.at("/keys#tokens")) { "keys and tokens" } "."
                }
            }
            @if visit.viewer.may_change { (token_form(visit, slug.as_str())) }
        }
    })
}

fn table(visit: &Visit, slug: &Slug, rows: &[Value]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Ping tokens" {
            table {
                thead {
                    tr {
                        th scope="col" { "Id" }
                        th scope="col" { "Last digits" }
                        th scope="col" { "Made" }
                        th scope="col" { "Ends" }
                        @if visit.viewer.may_change { th scope="col" { span.unseen { "Change" } } }
                    }
                }
                tbody { @for one in rows { (row(visit, slug, one)) } }
            }
        }
    }
}

fn row(visit: &Visit, slug: &Slug, one: &Value) -> Markup {
    html! {
        tr {
            td { code.id { (one.text("id")) } }
            td { (token::last_digits(one)) }
            td { @if let Some(at) = one.instant("created_at") { (time::ago(at, visit.now)) } }
            td { @if let Some(at) = one.instant("expires_at") { (time::ago(at, visit.now)) } @else { "–" } }
            (token::changes(visit, slug.as_str(), one))
        }
    }
}
