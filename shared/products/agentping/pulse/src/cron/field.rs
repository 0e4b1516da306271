//! The fields of an expression: what may stand in one, before the library reads it.

use croner::CronComponent;
use croner::parser::CronParser;

use super::{CronFault, FIELDS};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NO_NAMES: &[&str] = &[];

/// The least and the greatest number of each field, and its names.
const RANGES: [(u8, u8, &[&str], &str); 5] = [
    (0, 59, NO_NAMES, ""),
    (0, 23, NO_NAMES, ""),
    (1, 31, NO_NAMES, ""),
    (1, 12, &MONTHS, " or JAN to DEC"),
    (0, 7, &WEEKDAYS, " or SUN to SAT"),
];

fn fault(at: usize) -> CronFault {
    let (least, most, _, names) = RANGES[at];
    CronFault::Field { field: FIELDS[at], least, most, names }
}

/// Refuses what the library would read in a way of its own: `L`, `W`, `#`, `+` and `?`, empty items of a list, and names
/// next to digits.
pub(super) fn check(at: usize, field: &str) -> Result<(), CronFault> {
    let is_good = field.split(',').all(|item| is_item(at, item));
    if is_good { Ok(()) } else { Err(fault(at)) }
}

/// `*`, a value or a range; the first and the last may have a step.
fn is_item(at: usize, item: &str) -> bool {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (item, None),
    };
    let is_step = |step: &str| number(step).is_some_and(|step| step > 0);
    if step.is_some_and(|step| !is_step(step)) {
        return false;
    }
    match base.split_once('-') {
        _ if base == "*" => true,
        // A step needs a range: what `5/10` means differs between programs.
        None => step.is_none() && value(at, base).is_some(),
        Some((from, to)) => match (value(at, from), value(at, to)) {
            // Sunday ends a week where a range ends with its name.
            (Some(from), Some(0)) if at == 4 => from > 0,
            (Some(from), Some(to)) => from <= to,
            _ => false,
        },
    }
}

/// At most three digits.
fn number(text: &str) -> Option<u8> {
    let is_short = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { text.parse().ok() } else { None }
}

fn value(at: usize, text: &str) -> Option<u8> {
    let (least, most, names, _) = RANGES[at];
    let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
    match named {
        Some(index) => Some(least + index as u8),
        None => number(text).filter(|number| (least..=most).contains(number)),
    }
}

/// The field that the library refuses: the others are replaced by `*`.
pub(super) fn first_unreadable(parser: &CronParser, fields: [&str; 5]) -> CronFault {
    let alone = |at: usize| {
        let mut parts = ["*"; 5];
        parts[at] = fields[at];
        parser.parse(&parts.join(" ")).is_err()
    };
    fault((0..FIELDS.len()).find(|at| alone(*at)).unwrap_or(0))
}

/// One bit for each value of a field.
pub(super) fn bits(field: &CronComponent) -> u64 {
    field.values().into_iter().fold(0, |bits, value| bits | 1 << value)
}
