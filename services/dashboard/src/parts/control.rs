//! Buttons that change something, each a form of its own.

use maud::{Markup, html};

use crate::visit::Visit;

/// A form that posts to a path below the team's, with these fields; nothing where the visitor may only read.
pub(crate) fn form(visit: &Visit, path: &str, button: &str, fields: Markup) -> Markup {
    html! {
        @if visit.viewer.may_change {
            form.inline method="post" action=(visit.at(path)) {
                input type="hidden" name="csrf" value=(visit.form_code());
                (fields)
                button type="submit" { (button) }
            }
        }
    }
}

/// A button alone.
pub(crate) fn button(visit: &Visit, path: &str, label: &str) -> Markup {
    form(visit, path, label, html! {})
}

/// How long a mute or a pause is to last.
pub(crate) fn hours(id: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { "For" }
            select id=(id) name="hours" {
                option value="1" { "1 hour" }
                option value="8" { "8 hours" }
                option value="24" selected { "1 day" }
                option value="168" { "7 days" }
                option value="720" { "30 days" }
            }
        }
    }
}

/// A short text field.
pub(crate) fn field(id: &str, name: &str, label: &str, value: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            input id=(id) name=(name) value=(value) maxlength="256" autocomplete="off";
        }
    }
}
