//! Configuration: what is set as one file, what another file would change, and who has changed what.

use axum::response::Response;
use http::Method;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::parts::code::code;
use crate::parts::control::form;
use crate::parts::pager::{BY_TIME, List, pager};
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

const ENTRIES: &str = "50";
const CHANGES: List<'static> =
    List { name: "Pages of changes", path: "/config", heading: "audit", kept: &[], parameter: "after", links: BY_TIME };

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let body = html! { (page(&visit, None).await?) };
    Ok(Page::new("Configuration", Part::Config, body).response(&visit))
}

/// `POST …/config/diff`: what a file would change. Nothing is changed.
pub(crate) async fn diff(visit: Visit, form: Form) -> Result<Response, Problem> {
    let yaml = form.field("yaml");
    let compared = visit.send(Method::POST, "/v1/config/diff", Some(&json!({ "yaml": yaml }))).await;
    let result = match compared {
        Ok(changes) => changed(changes.rows("changes")),
        Err(Problem::Declined(why)) => html! { p.alert role="alert" { (why) } },
        Err(problem) => return Err(problem),
    };
    let body = html! { (page(&visit, Some((yaml, result))).await?) };
    Ok(Page::new("Configuration", Part::Config, body).response(&visit))
}

async fn page(visit: &Visit, compared: Option<(&str, Markup)>) -> Result<Markup, Problem> {
    let exported = visit.look("/v1/config").await?;
    let cursor = visit.query("after");
    let asked = [("limit", Some(ENTRIES)), ("cursor", cursor.as_deref())];
    let entries = visit.look(&with_query("/v1/audit", &asked)).await?;
    let (yaml, result) = compared.map_or(("", None), |(yaml, result)| (yaml, Some(result)));
    Ok(html! {
        h1 { "Configuration" }
        @if let Some(exported) = &exported {
            p.lead { "What is set, as the file that " code { "tidegate config apply" } " takes. Secrets are named, never shown." }
            (code("agentping.yaml", exported.text("yaml")))
            section aria-labelledby="compare" {
                h2 #compare { "What a file would change" }
                @if let Some(result) = result { (result) }
                (form(visit, "/config/diff", "Compare", html! {
                    label for="yaml" { "The file" }
                    textarea #yaml name="yaml" rows="12" spellcheck="false" { (yaml) }
                }))
                p.hint {
                    "Nothing is changed here. A file of more than about ten kilobytes: "
                    code { "tidegate config diff -f FILE" } "."
                }
            }
        }
        (audit(visit, entries.as_ref()))
    })
}

fn changed(changes: &[Value]) -> Markup {
    html! {
        @if changes.is_empty() { p.alert role="status" { "Nothing: the file says what is set." } } @else {
            div.scroll tabindex="0" role="group" aria-label="Changes" {
                table {
                    thead { tr { th scope="col" { "Change" } th scope="col" { "What" } th scope="col" { "Member" } th scope="col" { "From" } th scope="col" { "To" } } }
                    tbody {
                        @for change in changes {
                            tr {
                                td { (change.text("op")) }
                                th scope="row" { (change.text("what")) }
                                td { (change.text("field")) }
                                td { (change.shown("from")) }
                                td { (change.shown("to")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn audit(visit: &Visit, entries: Option<&Value>) -> Markup {
    html! {
        @if let Some(page) = entries {
            section aria-labelledby="audit" {
                h2 #audit { "Changes of the last 90 days" }
                @if page.rows("entries").is_empty() { p.empty { "None." } } @else {
                    div.scroll tabindex="0" role="group" aria-label="Changes of the last 90 days" {
                        table {
                            thead { tr { th scope="col" { "When" } th scope="col" { "By" } th scope="col" { "Action" } th scope="col" { "What" } } }
                            tbody {
                                @for entry in page.rows("entries") {
                                    tr {
                                        td { @if let Some(at) = entry.instant("at") { (time::ago(at, visit.now)) } }
                                        td { code.id { (entry.text("by")) } }
                                        td { (entry.text("action")) }
                                        td { (entry.text("what")) }
                                    }
                                }
                            }
                        }
                    }
                }
                (pager(visit, &CHANGES, page))
            }
        }
    }
}
