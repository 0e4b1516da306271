//! Keys and tokens: which there are, never what they are.

use axum::response::Response;
use maud::html;

use crate::layout::{Page, Part};
use crate::pages::agent::{state, token_table};
use crate::parts::code::quoted;
use crate::parts::time;
use crate::problem::Problem;
use crate::visit::Visit;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let pages = &visit.pages;
    let (keys, tokens) = tokio::try_join!(
        pages.ask_registry(pages.registry.list_keys(visit.team())),
        pages.ask_registry(pages.registry.list_tokens(visit.team())),
    )?;
    let team = quoted(&visit.viewer.team.name);
    let body = html! {
        h1 { "Keys and tokens" }
        p.lead { "Only hashes of secrets are kept: what was shown when one was made cannot be shown again." }
        section aria-labelledby="keys" {
            h2 #keys { "API keys" }
            div.scroll tabindex="0" role="region" aria-label="API keys" {
                table {
                    thead { tr { th scope="col" { "Id" } th scope="col" { "Made" } th scope="col" { "State" } } }
                    tbody {
                        @for key in &keys {
                            tr {
                                td { code.id { (key.id) } }
                                td { (time::ago(key.created_at, visit.now)) }
                                td { (state(key.revoked_at, None, visit.now)) }
                            }
                        }
                    }
                }
            }
            p.hint { "Made and revoked by " code { "tidegate keys create --team " (team) } " and " code { "tidegate keys revoke ID" } "." }
        }
        section aria-labelledby="tokens" {
            h2 #tokens { "Ping tokens" }
            p { "A ping token may report for its one agent and read nothing. Each agent's page makes one." }
            @if tokens.is_empty() { p.empty { "There are none." } } @else { (token_table(tokens.iter(), visit.now, &visit)) }
        }
    };
    Ok(Page::new("Keys and tokens", Part::Keys, body).response(&visit))
}
