//! Looks for why a run failed: in what its end says, or else in its events.

use tidegate_agentping_ports::EventPage;

use crate::problem::Problem;
use crate::said;
use crate::visit::Visit;
use crate::walk::SeenRun;

/// Events of a run that are looked at, and bytes of them.
const EVENTS: usize = 200;
const EVENTS_BYTES: usize = 256 << 10;

impl Visit {
    /// Why a run failed or reported an error, as far as it says so.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reason(&self, run: &SeenRun) -> Result<Option<String>, Problem> {
        if run.said.is_some() || run.events == 0 {
            return Ok(run.said.clone());
        }
        let key = self.key_of(run.id);
        let asked = (key, run.events);
        if let Some(known) = self.pages.reasons.known(asked) {
            return Ok(known);
        }
        let page = EventPage { after: None, limit: EVENTS, max_bytes: EVENTS_BYTES };
        let events = self.pages.ask(self.queries.events(key, &page)).await?;
        let errored = events.rows.iter().rev().filter(|row| row.event.errored);
        let reason = errored.map(|row| said::of_event(&row.event)).next();
        self.pages.reasons.keep(asked, reason.clone());
        Ok(reason)
    }
}
