//! Messages of alerts, as `GET /v1/routes/{id}/deliveries` and `GET /v1/incidents/{id}` answer them.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::control::form;
use crate::parts::time;
use crate::parts::value::Members;
use crate::url::encoded;
use crate::visit::Visit;

/// One message, folded: its tries with what was answered, its text, and the button that sends it again, whose form carries
/// these fields.
pub(crate) fn delivered(visit: &Visit, delivery: &Value, fields: &Markup) -> Markup {
    let class = match delivery.text("status") {
        "sent" => "success",
        "failed" => "failed",
        "waiting" => "running",
        _ => "",
    };
    html! {
        details.delivery id=(delivery.text("id")) {
            summary {
                span class={ "status " (class) } { (delivery.text("status")) } " "
                strong { (delivery.text("alert")) } " " (delivery.text("edge")) " "
                @if !delivery.text("agent").is_empty() { "of " (delivery.text("agent")) " " }
                @if let Some(at) = delivery.instant("created_at") { span.note { (time::ago(at, visit.now)) } }
            }
            dl.facts {
                div { dt { "Id" } dd { code { (delivery.text("id")) } } }
                @if let Some(at) = delivery.instant("next_try_at") { div { dt { "Next try" } dd { (time::ago(at, visit.now)) } } }
            }
            @for tried in delivery.rows("tries") {
                p {
                    @if let Some(at) = tried.instant("at") { (time::stamped(at)) ": " }
                    (tried.shown("status")) " " (tried.text("error")) " " span.note { (tried.shown("took_ms")) " ms" }
                }
                @if !tried.text("answer").is_empty() { pre.data tabindex="0" { (tried.text("answer")) } }
            }
            h3 { "Message" }
            pre.data tabindex="0" { (delivery.text("body")) }
            (form(visit, &format!("/deliveries/{}/resend", encoded(delivery.text("id"))), "Send again", fields.clone()))
        }
    }
}
