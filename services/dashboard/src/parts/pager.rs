//! Links between the pages of a list that the API answers page by page.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::value::Members;
use crate::url::with_query;
use crate::visit::Visit;

/// The links of a list in the order of time: to its first page, and to the next one.
pub(crate) const BY_TIME: [&str; 2] = ["Newest", "Older"];
/// The same of a list in the order of names.
pub(crate) const BY_NAME: [&str; 2] = ["First", "Next"];

/// A list on a page.
pub(crate) struct List<'l> {
    /// What its links are called together.
    pub name: &'l str,
    /// The page's path below the team's, and the id of the list's heading.
    pub path: &'l str,
    pub heading: &'l str,
    /// What the query keeps.
    pub kept: &'l [(&'l str, Option<&'l str>)],
    /// The parameter of the query that has the cursor.
    pub parameter: &'l str,
    pub links: [&'l str; 2],
}

/// The links, as far as there are other pages: back to the first one, and on to the next.
pub(crate) fn pager(visit: &Visit, list: &List<'_>, answer: &Value) -> Markup {
    let [first, next] = list.links;
    let to = |cursor: Option<&str>| {
        let query = [list.kept, &[(list.parameter, cursor)]].concat();
        format!("{}#{}", with_query(&visit.at(list.path), &query), list.heading)
    };
    let is_later = visit.query(list.parameter).is_some();
    let cursor = answer.text("next_cursor");
    html! {
        @if is_later || !cursor.is_empty() {
            nav.pager aria-label=(list.name) {
                @if is_later { a href=(to(None)) { (first) } }
                @if !cursor.is_empty() { a rel="next" href=(to(Some(cursor))) { (next) } }
            }
        }
    }
}
