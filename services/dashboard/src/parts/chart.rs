//! Days as bars, drawn on the server, and as a table for whoever does not see them.

use maud::{Markup, html};

/// Width of a day, and of the bar in it, in units of the picture.
const STEP: usize = 10;
const BAR: usize = 8;

/// A day's bar, in units of the picture's height.
pub(crate) struct Bar {
    /// What it stands for, in words.
    pub said: String,
    pub whole: u64,
    /// Its lower part, which has another colour.
    pub failed: u64,
}

/// The bars, and a line across them at the height of a limit.
pub(crate) fn bars(bars: &[Bar], height: u64, limit: Option<u64>) -> Markup {
    let width = bars.len() * STEP;
    let view = format!("0 0 {width} {height}");
    let y = |tall: u64| height.saturating_sub(tall);
    html! {
        svg viewBox=(view) width="100%" height=(height) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (number, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.whole > 0) {
                @let x = number * STEP + (STEP - BAR) / 2;
                g {
                    title { (bar.said) }
                    rect.fill x=(x) y=(y(bar.whole)) width=(BAR) height=(bar.whole) {}
                    @if bar.failed > 0 { rect.failed x=(x) y=(y(bar.failed)) width=(BAR) height=(bar.failed) {} }
                }
            }
            @if let Some(limit) = limit {
                line.limit x1="0" x2=(width) y1=(y(limit)) y2=(y(limit)) vector-effect="non-scaling-stroke" {}
            }
        }
    }
}

/// The first and the last day below the bars.
pub(crate) fn axis(first: &str, last: &str) -> Markup {
    html! { p.axis.note { span { (first) } span { (last) } } }
}

/// How tall a part of the most is in a picture of this height. What is more than nothing is seen.
pub(crate) fn tall(part: u64, most: u64, height: u64) -> u64 {
    let tall = u128::from(part) * u128::from(height) / u128::from(most.max(1));
    u64::try_from(tall).unwrap_or(height).min(height).max(u64::from(part > 0))
}

/// A row for each day: the day, and its figures in these columns.
pub(crate) fn table<const N: usize>(
    name: &str,
    columns: [&str; N],
    rows: impl Iterator<Item = (String, [String; N])>,
) -> Markup {
    html! {
        details {
            summary { "The days as a table" }
            div.scroll tabindex="0" role="group" aria-label=(name) {
                table {
                    thead { tr { th scope="col" { "Day" } @for column in columns { th.number scope="col" { (column) } } } }
                    tbody {
                        @for (day, figures) in rows {
                            tr { th scope="row" { (day) } @for figure in figures { td.number { (figure) } } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_tall_as_its_part_of_the_most() {
        for (part, most, expected) in [(0, 10, 0), (10, 10, 80), (5, 10, 40), (1, 1_000_000, 1), (0, 0, 0), (9, 3, 80)]
        {
            assert_eq!(tall(part, most, 80), expected, "{part} of {most}");
        }
    }

    #[test]
    fn a_day_with_nothing_has_no_bar() {
        let bar = |said: &str, whole, failed| Bar { said: said.to_owned(), whole, failed };
        let drawn = bars(&[bar("a", 0, 0), bar("b", 80, 20)], 80, Some(60)).into_string();
        assert!(drawn.contains(r#"viewBox="0 0 20 80""#) && !drawn.contains("<title>a"), "{drawn}");
        for part in [
            r#"<rect class="fill" x="11" y="0" width="8" height="80">"#,
            r#"<rect class="failed" x="11" y="60" width="8" height="20">"#,
            r#"<line class="limit" x1="0" x2="20" y1="20" y2="20""#,
        ] {
            assert!(drawn.contains(part), "{part} in {drawn}");
        }
    }
}
