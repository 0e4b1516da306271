//! The rows of a section: its figures, as the samples of this process have them.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tidegate_dashboard::look::{ago, count, span};
use tidegate_kernel::Timestamp;

use super::View;
use crate::figures::{Figure, Section, Unit, Wanted};
use crate::samples::Sample;

/// Rows of one figure at most; the rest is added up in one more.
const MOST_ROWS: usize = 12;

/// A row of a table.
pub(super) struct Row {
    pub what: String,
    pub metric: &'static str,
    pub value: Markup,
    /// What it rose by lately; `None`: it does not rise.
    pub recent: Option<String>,
    pub is_judged: bool,
    pub is_off: bool,
}

/// The rows of a section; none: this process has none of its metrics.
pub(super) fn rows(view: &View, section: &Section) -> Vec<Row> {
    section.figures.iter().flat_map(|figure| figure_rows(view, figure)).collect()
}

/// The labels' values of a row, and what its samples sum up to.
type Part = (Vec<String>, f64);

fn figure_rows(view: &View, figure: &Figure) -> Vec<Row> {
    let fitting: Vec<&Sample> =
        view.samples.of(figure.metric).iter().filter(|sample| sample.has(figure.only)).collect();
    if fitting.is_empty() {
        return Vec::new();
    }
    let sum = fitting.iter().map(|sample| sample.value).sum::<f64>();
    if figure.split_by.is_empty() {
        return vec![row(view, figure, figure.what.to_owned(), (sum, &|sample: &Sample| sample.has(figure.only)))];
    }
    let (parts, rest) = parts(figure, &fitting);
    if parts.is_empty() {
        // Every part is 0: one row says so.
        return vec![row(view, figure, figure.what.to_owned(), (sum, &|sample: &Sample| sample.has(figure.only)))];
    }
    let mut rows: Vec<Row> = parts
        .iter()
        .map(|(values, sum)| {
            let is_it = |sample: &Sample| sample.has(figure.only) && labels(figure, sample) == *values;
            row(view, figure, format!("{}: {}", figure.what, values.join(", ")), (*sum, &is_it))
        })
        .collect();
    if !rest.is_empty() {
        let sum = rest.iter().map(|(_, sum)| sum).sum();
        let is_rest = |sample: &Sample| {
            sample.has(figure.only) && rest.iter().any(|(values, _)| labels(figure, sample) == *values)
        };
        rows.push(row(view, figure, format!("{}: {} more", figure.what, rest.len()), (sum, &is_rest)));
    }
    rows
}

fn labels(figure: &Figure, sample: &Sample) -> Vec<String> {
    figure.split_by.iter().map(|label| sample.label(label).to_owned()).collect()
}

/// What is not 0 of a figure: the greatest parts, by their labels, and the rest.
fn parts(figure: &Figure, fitting: &[&Sample]) -> (Vec<Part>, Vec<Part>) {
    let mut sums: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for sample in fitting {
        *sums.entry(labels(figure, sample)).or_default() += sample.value;
    }
    let mut parts: Vec<Part> = sums.into_iter().filter(|(_, sum)| *sum != 0.0).collect();
    parts.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    let rest = parts.split_off(parts.len().min(MOST_ROWS));
    (parts, rest)
}

fn row(view: &View, figure: &Figure, what: String, (sum, fits): (f64, &dyn Fn(&Sample) -> bool)) -> Row {
    let has_window = view.window.span_ms(view.steady).is_some();
    let rise = (figure.is_counter() && has_window).then(|| view.window.rise(figure.metric, fits, view.samples));
    let is_off = match figure.wanted {
        Wanted::Any => false,
        // Differences of several partitions must not make up for one another.
        Wanted::Zero => view.samples.of(figure.metric).iter().any(|sample| fits(sample) && sample.value != 0.0),
        Wanted::One => sum == 0.0,
        Wanted::AtMost(most) => sum > most,
        Wanted::Still => rise.is_some_and(|rise| rise > 0.0),
    };
    let recent = match figure.unit {
        Unit::ShareOfAll => rise.map(|rise| share(rise, view.window.rise(figure.metric, |_| true, view.samples))),
        _ => rise.map(number),
    };
    let value = shown(view, figure, sum);
    Row { what, metric: figure.metric, value, recent, is_judged: figure.wanted != Wanted::Any, is_off }
}

fn shown(view: &View, figure: &Figure, value: f64) -> Markup {
    let text = match figure.unit {
        Unit::Instant => return instant(value, view.now),
        Unit::Count => number(value),
        Unit::Seconds => span(millis(value).unsigned_abs()),
        Unit::Bytes => bytes(value),
        Unit::YesNo => (if value == 0.0 { "no" } else { "yes" }).to_owned(),
        Unit::Share => share(value, 1.0),
        Unit::Of(most) => {
            let most = view.samples.of(most).iter().map(|sample| sample.value).sum();
            format!("{} of {}", number(value), number(most))
        }
        Unit::ShareOfAll => {
            let all = view.samples.of(figure.metric).iter().map(|sample| sample.value).sum();
            share(value, all)
        }
    };
    html! { (text) }
}

fn instant(seconds: f64, now: Timestamp) -> Markup {
    if seconds <= 0.0 {
        return html! { "not yet" };
    }
    ago(Timestamp::from_millis(millis(seconds)), now)
}

/// A conversion that saturates.
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0) as i64
}

/// Whole numbers in groups of three digits, others with one decimal place.
fn number(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    if size.fract() == 0.0 {
        return format!("{sign}{}", count(size as u64));
    }
    format!("{sign}{size:.1}")
}

fn bytes(value: f64) -> String {
    let units = [(1_f64 * 1_024.0 * 1_024.0 * 1_024.0, "GiB"), (1_024.0 * 1_024.0, "MiB"), (1_024.0, "KiB")];
    match units.into_iter().find(|(size, _)| value >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", value / size),
        None => format!("{value:.0} B"),
    }
}

fn share(part: f64, all: f64) -> String {
    let percent = if all == 0.0 { 0.0 } else { part / all * 100.0 };
    match percent {
        0.0 => "0 %".to_owned(),
        small if small < 0.01 => "< 0.01 %".to_owned(),
        other => format!("{other:.2} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_their_units() {
        assert_eq!([0.0, 1_234_567.0, -3.0, 2.54].map(number), ["0", "1,234,567", "−3", "2.5"]);
        assert_eq!([512.0, 2_048.0, 3.5 * 1_073_741_824.0].map(bytes), ["512 B", "2.0 KiB", "3.5 GiB"]);
        assert_eq!(
            [(0.0, 0.0), (1.0, 3.0), (1.0, 1e9)].map(|(part, all)| share(part, all)),
            ["0 %", "33.33 %", "< 0.01 %"]
        );
    }
}
