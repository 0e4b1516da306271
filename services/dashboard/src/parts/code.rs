//! Commands to paste.

use maud::{Markup, html};

/// A command with a button that copies it, where there is script.
pub(crate) fn code(title: &str, text: &str) -> Markup {
    html! {
        figure.code {
            figcaption { (title) button.copy.quiet type="button" hidden { "Copy" } }
            pre tabindex="0" { code { (text) } }
        }
    }
}

/// Quoted for a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
