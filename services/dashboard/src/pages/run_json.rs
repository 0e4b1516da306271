//! The whole of a run as one JSON object, written page by page: a run of any size takes the memory of one page.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, X_CONTENT_TYPE_OPTIONS};
use tidegate_agentping::{EventId, RunKey};
use tidegate_agentping_ports::EventPage;
use tidegate_control::RunDocument;
use tidegate_door::entry::with_type;

use crate::problem::Problem;
use crate::reads::Pages;
use crate::visit::Visit;

const PAGE_EVENTS: usize = 500;
const PAGE_BYTES: usize = 1 << 20;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let id = visit.run()?;
    let key = visit.key_of(id);
    let run = visit.pages.ask(visit.queries.run(key)).await?.ok_or(Problem::NotFound)?;
    let document = RunDocument::default();
    let head = document.head(id, &run, visit.now)?.ok_or(Problem::NotFound)?;
    let writing = Writing { pages: visit.pages.clone(), key, document, next: Next::Head(head), visit };
    let body = Body::from_stream(stream::try_unfold(writing, Writing::on));
    let mut response = with_type("application/json", body);
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{id}.json\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// How far an answer is written.
struct Writing {
    pages: Arc<Pages>,
    key: RunKey,
    document: RunDocument,
    next: Next,
    /// Keeps the visit's place among those in progress.
    visit: Visit,
}

enum Next {
    Head(String),
    Events(Option<EventId>),
    Tail,
    End,
}

impl Writing {
    /// The next piece. Where the store fails the answer is cut off, which its reader notices: the object does not end.
    async fn on(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let text = match std::mem::replace(&mut self.next, Next::End) {
            Next::Head(text) => {
                self.next = Next::Events(None);
                text
            }
            Next::Events(after) => {
                let page = EventPage { after, limit: PAGE_EVENTS, max_bytes: PAGE_BYTES };
                let events = self.pages.ask(self.visit.queries.events(self.key, &page)).await;
                let events = events.map_err(|problem| io::Error::other(format!("{problem:?}")))?;
                let last = events.rows.last().map(|row| row.event.id);
                self.next = if events.more && last.is_some() { Next::Events(last) } else { Next::Tail };
                self.document.events(events.rows)?
            }
            Next::Tail => std::mem::take(&mut self.document).tail()?,
            Next::End => {
                drop(self.visit);
                return Ok(None);
            }
        };
        Ok(Some((text.into(), self)))
    }
}
