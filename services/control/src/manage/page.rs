//! Pages of lists that are in the order of a text: a name, or the name of a document.

use std::cmp::Reverse;
use std::fmt::Display;

use tidegate_kernel::{Timestamp, free_json};

use crate::parameters::{Parameters, whole};
use crate::problem::Problem;

/// The parameters of a list.
pub(crate) const PAGE_PARAMETERS: &[&str] = &["limit", "cursor"];
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// The version digit, so that an old cursor is refused and never misread.
const VERSION: &str = "1";
const BINDING_CHARS: usize = 16;

/// Which page of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePage {
    pub limit: usize,
    /// Only what comes after this text in the list's order.
    pub after: Option<String>,
}

impl NamePage {
    /// `list` names the list and its filter: a cursor of another one is refused.
    ///
    /// # Errors
    /// [`Problem::ParameterInvalid`].
    pub fn read(parameters: &Parameters, list: &[&str]) -> Result<Self, Problem> {
        NamePage::read_up_to(parameters, list, MAX_LIMIT)
    }

    /// The same of a list whose pages may have more.
    ///
    /// # Errors
    /// As [`NamePage::read`].
    pub fn read_up_to(parameters: &Parameters, list: &[&str], max_limit: usize) -> Result<Self, Problem> {
        let must = format!("be a whole number from 1 to {max_limit}");
        let limit = parameters.get("limit", &must, |text| whole(text, max_limit))?;
        let unaltered = "be the 'next_cursor' of an answer to the same filters, unaltered";
        let after = parameters.get("cursor", unaltered, |text| decode(text, list))?;
        Ok(NamePage { limit: limit.unwrap_or(DEFAULT_LIMIT), after })
    }

    /// The same, of as much as one page may have unless `limit` says otherwise.
    ///
    /// # Errors
    /// As [`NamePage::read`].
    pub fn read_long(parameters: &Parameters, list: &[&str]) -> Result<Self, Problem> {
        let page = NamePage::read(parameters, list)?;
        Ok(if parameters.has("limit") { page } else { NamePage { limit: MAX_LIMIT, ..page } })
    }
}

/// Cuts what was found, one more than the limit at the most, to a page; the second is its cursor, if more follow. `text` is
/// that of an item in the list's order.
pub(crate) fn page_of<T>(
    mut found: Vec<T>,
    page: &NamePage,
    list: &[&str],
    text: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let is_last = found.len() <= page.limit;
    found.truncate(page.limit);
    let cursor = found.last().filter(|_| !is_last).map(|last| encode(&text(last), list));
    (found, cursor)
}

/// The same of rows that are all at hand, the newest first. `made` is when a row was made, and its id.
pub(crate) fn page_of_newest<T, I: Display>(
    mut rows: Vec<T>,
    page: &NamePage,
    list: &[&str],
    made: impl Fn(&T) -> (Timestamp, I),
) -> (Vec<T>, Option<String>) {
    let place = |row: &T| {
        let (at, id) = made(row);
        format!("{:015}-{id}", at.as_millis().max(0))
    };
    rows.sort_by_cached_key(|row| Reverse(place(row)));
    let is_asked = |row: &T| page.after.as_ref().is_none_or(|after| place(row) < *after);
    let found: Vec<T> = rows.into_iter().filter(is_asked).take(page.limit + 1).collect();
    page_of(found, page, list, place)
}

fn encode(after: &str, list: &[&str]) -> String {
    let hex: String = after.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{VERSION}{:016x}{hex}", binding(after, list))
}

fn decode(text: &str, list: &[&str]) -> Option<String> {
    let digits = text.strip_prefix(VERSION)?;
    let all_digits = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !all_digits || digits.len() < BINDING_CHARS || digits.len() % 2 != 0 {
        return None;
    }
    let (bound_to, hex) = digits.split_at(BINDING_CHARS);
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    let after = String::from_utf8(bytes).ok()?;
    (u64::from_str_radix(bound_to, 16).ok()? == binding(&after, list)).then_some(after)
}

fn binding(after: &str, list: &[&str]) -> u64 {
    let parts: Vec<&[u8]> = std::iter::once(after).chain(list.iter().copied()).map(str::as_bytes).collect();
    free_json::text_hash(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_for_its_own_list_only() {
        for after in ["", "a", "täglich/ß", "000001800000000000-ab"] {
            let text = encode(after, &["agents"]);
            assert_eq!(decode(&text, &["agents"]).as_deref(), Some(after));
            assert_eq!(decode(&text, &["tokens", "agents"]), None);
            assert_eq!(decode(&format!("{text}61"), &["agents"]), None, "altered");
        }
        for text in ["", "1", "next", "10000000000000000", "2", "1é00000000000000"] {
            assert_eq!(decode(text, &["agents"]), None, "{text}");
        }
    }

    #[test]
    fn a_page_ends_with_its_limit() {
        let page = NamePage { limit: 2, after: None };
        let cut = |count: usize| page_of((0..count).collect(), &page, &["x"], ToString::to_string);
        assert_eq!(cut(2), (vec![0, 1], None));
        let (items, cursor) = cut(3);
        assert_eq!((items, decode(&cursor.unwrap(), &["x"]).as_deref()), (vec![0, 1], Some("1")));
        assert_eq!(cut(0), (vec![], None));
    }

    #[test]
    fn the_newest_come_first_page_by_page() {
        let made = |row: &(i64, &'static str)| (Timestamp::from_millis(row.0), row.1);
        let rows = vec![(5, "b"), (20, "c"), (5, "a"), (-1, "d")];
        let mut page = NamePage { limit: 2, after: None };
        let (found, cursor) = page_of_newest(rows.clone(), &page, &["x"], made);
        assert_eq!(found, [(20, "c"), (5, "b")]);
        page.after = decode(&cursor.unwrap(), &["x"]);
        let (found, cursor) = page_of_newest(rows, &page, &["x"], made);
        assert_eq!((found, cursor), (vec![(5, "a"), (-1, "d")], None));
    }
}
