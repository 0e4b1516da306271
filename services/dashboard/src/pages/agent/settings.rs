//! What is set of an agent, each part with the form that changes it, and its deletion.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::Slug;

use crate::parts::control::{button, field, form};
use crate::parts::value::Members;
use crate::url::encoded;
use crate::visit::Visit;

/// An example of a check, to be changed.
const CHECK: &str = r#"{"name": "not too long", "type": "length", "unit": "characters", "max": 2000}"#;

/// Description, tags and routes of an agent, as the API answers it.
pub(super) fn settings(visit: &Visit, slug: &Slug, agent: &Value) -> Markup {
    let path = format!("/agents/{}", encoded(slug.as_str()));
    let tags: Vec<&str> = agent.rows("tags").iter().filter_map(Value::as_str).collect();
    let (mode, names) = routes(agent.get("routes").unwrap_or(&Value::Null));
    html! {
        @if visit.viewer.may_change && agent.is_object() {
            section aria-labelledby="settings" {
                h2 #settings { "Settings" }
                details {
                    summary { "Description and tags" }
                    (form(visit, &format!("{path}/describe"), "Save", html! {
                        div.filters {
                            div { label for="description" { "Description" } input #description name="description" value=(agent.text("description")) maxlength="1000" autocomplete="off"; }
                            (field("tags", "tags", "Tags, with commas between them", &tags.join(", ")))
                        }
                    }))
                }
                details {
                    summary { "Where its messages go" }
                    (form(visit, &format!("{path}/routes"), "Save", html! {
                        div.filters {
                            div {
                                label for="mode" { "Routes" }
                                select #mode name="mode" {
                                    @for (word, name) in [("inherit", "those of the team"), ("add", "those of the team and these"), ("only", "only these")] {
                                        option value=(word) selected[word == mode] { (name) }
                                    }
                                }
                            }
                            (field("routes", "routes", "Names, with commas between them", &names))
                        }
                    }))
                    p.hint { "Routes are made on the page of " a href=(visit.at("/routes")) { "routes" } "." }
                }
                details {
                    summary { "Rename the agent" }
                    (form(visit, &format!("{path}/rename"), "Rename", html! {
                        label for="to" { "New name" }
                        input #to name="to" value=(slug) maxlength="128" required autocomplete="off";
                    }))
                    p.hint { "Its runs, schedule, incidents and tokens stay its own, and so does its id. A run that is sent under the old name from then on is a new agent's; pings with its own token go on under each name that it had." }
                }
                details {
                    summary { "Delete the agent" }
                    p { "It is not judged any more, its ping tokens are revoked, and its slot in the plan is free. Its runs stay. It is there again once it reports again." }
                    (button(visit, &format!("{path}/delete"), &format!("Delete {slug}")))
                }
            }
        }
    }
}

/// How an agent's routes are set, and their names.
fn routes(routes: &Value) -> (&'static str, String) {
    let names = |list: &[Value]| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    match routes {
        Value::Array(list) => ("only", names(list)),
        Value::Object(_) => ("add", names(routes.rows("add"))),
        _ => ("inherit", String::new()),
    }
}

/// A form for a new check.
pub(super) fn new_check(visit: &Visit, slug: &Slug) -> Markup {
    let path = format!("/agents/{}/checks", encoded(slug.as_str()));
    html! {
        @if visit.viewer.may_change {
            details {
                summary { "A new check" }
                (form(visit, &path, "Add", html! {
                    label for="check" { "The check, as JSON" }
                    textarea #check name="check" rows="4" spellcheck="false" { (CHECK) }
                }))
                p.hint { "Types: length, regex, required_fields, tool_call, numeric_range, json_schema." }
            }
        }
    }
}

/// A button that deletes a check.
pub(super) fn delete_check(visit: &Visit, slug: &Slug, id: &str) -> Markup {
    button(visit, &format!("/agents/{}/checks/{}/delete", encoded(slug.as_str()), encoded(id)), "Delete")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_are_shown_as_they_are_set() {
        assert_eq!(routes(&json!("inherit")), ("inherit", String::new()));
        assert_eq!(routes(&json!(["a", "b"])), ("only", "a, b".to_owned()));
        assert_eq!(routes(&json!({"add": ["c"]})), ("add", "c".to_owned()));
    }
}
