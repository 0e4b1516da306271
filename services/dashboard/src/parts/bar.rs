//! Bars, drawn on the server. Their geometry is in attributes of SVG: the pages' policy allows no inline style.

use maud::{Markup, html};

/// A bar of `permille` of its width. What it says is also there as text, so screen readers skip it.
pub(crate) fn bar(permille: u32, class: &str) -> Markup {
    let width = percent(permille);
    html! {
        svg class={ "meter " (class) } width="100%" height="8" aria-hidden="true" focusable="false" {
            rect.track width="100%" height="8" rx="2" {}
            rect.fill width=(width) height="8" rx="2" {}
        }
    }
}

/// A span on a line of time, both in thousandths of its length. One that is too short to be seen is a tick.
pub(crate) fn span(from: u32, to: u32, class: &str) -> Markup {
    const LEAST: u32 = 6;
    let length = to.saturating_sub(from).max(LEAST);
    let from = from.min(1_000 - LEAST);
    html! {
        svg class={ "line " (class) } width="100%" height="10" aria-hidden="true" focusable="false" {
            rect.track y="4" width="100%" height="2" {}
            rect.fill x=(percent(from)) width=(percent(length.min(1_000 - from))) height="10" rx="2" {}
        }
    }
}

/// A bar with marks at some thousandths of its width.
pub(crate) fn marked(permille: u32, marks: &[u32], class: &str) -> Markup {
    html! {
        svg class={ "meter tall " (class) } width="100%" height="16" aria-hidden="true" focusable="false" {
            rect.track width="100%" height="16" rx="2" {}
            rect.fill width=(percent(permille)) height="16" rx="2" {}
            @for mark in marks { line.mark x1=(percent(*mark)) x2=(percent(*mark)) y1="0" y2="16" {} }
        }
    }
}

fn percent(permille: u32) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_stays_on_its_line() {
        for (from, to, drawn) in [
            (0, 1_000, r#"x="0.0%" width="100.0%""#),
            (250, 500, r#"x="25.0%" width="25.0%""#),
            (500, 500, r#"x="50.0%" width="0.6%""#),
            (1_000, 1_000, r#"x="99.4%" width="0.6%""#),
            (900, 2_000, r#"x="90.0%" width="10.0%""#),
        ] {
            let svg = span(from, to, "").into_string();
            assert!(svg.contains(drawn), "{from}..{to}: {svg}");
            assert!(!svg.contains("style="));
        }
    }
}
