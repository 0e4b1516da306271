//! The pages of AgentGate: what its rows and books have, as far as this process can read them.

mod organizations;
mod queue;
mod reads;
mod runs;
mod webhooks;
mod workers;

use std::sync::Arc;

use maud::{Markup, html};
use serde::Deserialize;
use tidegate_agentgate::OrgId;
use tidegate_commands::sealing::Sealer;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Books, Deliveries, Views};

use crate::fault::Fault;
use crate::frame::Here;

/// What the pages of AgentGate read.
#[derive(Clone)]
pub struct AgentGateRows {
    pub views: Arc<dyn Views>,
    pub deliveries: Arc<dyn Deliveries>,
    /// `None`: this process is no decider.
    pub books: Option<Arc<dyn Books>>,
    /// Opens the names of organizations; `None`: the process has no key for them.
    pub sealer: Option<Sealer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatePage {
    Organizations,
    Runs,
    Queue,
    Workers,
    Webhooks,
}

/// What a URL asks a page for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    /// The last row of the page before.
    after: Option<String>,
    org: Option<String>,
    status: Option<String>,
}

impl GatePage {
    pub const ALL: [GatePage; 5] =
        [GatePage::Organizations, GatePage::Runs, GatePage::Queue, GatePage::Workers, GatePage::Webhooks];

    pub const fn here(self) -> Here {
        match self {
            GatePage::Organizations => Here::Organizations,
            GatePage::Runs => Here::Runs,
            GatePage::Queue => Here::Queue,
            GatePage::Workers => Here::Workers,
            GatePage::Webhooks => Here::Webhooks,
        }
    }

    /// # Errors
    /// [`Fault`].
    pub async fn shown(self, rows: &AgentGateRows, query: &PageQuery, now: Timestamp) -> Result<Markup, Fault> {
        match self {
            GatePage::Organizations => organizations::page(rows, query, now).await,
            GatePage::Runs => runs::page(rows, query, now).await,
            GatePage::Queue => queue::page(rows, query, now).await,
            GatePage::Workers => workers::page(rows, query, now).await,
            GatePage::Webhooks => webhooks::page(rows, query, now).await,
        }
    }
}

impl PageQuery {
    /// A member that was sent empty, as forms do, was not sent.
    fn given(member: Option<&String>) -> Option<&str> {
        member.map(String::as_str).filter(|text| !text.is_empty())
    }

    fn after(&self) -> Option<&str> {
        PageQuery::given(self.after.as_ref())
    }

    fn org(&self) -> Result<Option<OrgId>, Fault> {
        let Some(text) = PageQuery::given(self.org.as_ref()) else { return Ok(None) };
        let allowed = "an organization's id (org_ and 26 characters)";
        OrgId::parse(text).map(Some).ok_or_else(|| Fault::Unknown("org", text.to_owned(), allowed))
    }
}

/// An organization by its name, if it can be read, and its id; it leads to its runs.
fn organization(org: OrgId, name: Option<&str>) -> Markup {
    html! { a href=(runs::path(Some(org), None, None)) { @if let Some(name) = name { (name) " " } span.id { (org) } } }
}

/// Cents as dollars.
fn dollars(cents: u64) -> String {
    format!("${}.{:02}", tidegate_dashboard::look::count(cents / 100), cents % 100)
}

/// A column of a table, by its title.
#[derive(Clone, Copy)]
enum Column {
    Text(&'static str),
    Number(&'static str),
}

impl Column {
    const fn title(self) -> &'static str {
        let (Column::Text(title) | Column::Number(title)) = self;
        title
    }

    const fn is_number(self) -> bool {
        matches!(self, Column::Number(_))
    }
}

/// A table that is scrolled sideways where it is wide.
fn table(label: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(label) {
            table {
                thead { tr { @for column in columns { th.number[column.is_number()] scope="col" { (column.title()) } } } }
                tbody { @for row in rows { tr { @for (cell, column) in row.iter().zip(columns) { td.number[column.is_number()] { (cell) } } } } }
            }
        }
    }
}

/// A link to the next page of a list.
fn pager(next: Option<&str>) -> Markup {
    html! { @if let Some(next) = next { nav.pager aria-label="Pages of the list" { a href=(next) rel="next" { "Next page" } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_are_dollars() {
        assert_eq!([0, 5, 123_456_789].map(dollars), ["$0.00", "$0.05", "$1,234,567.89"]);
    }
}
