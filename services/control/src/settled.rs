//! Reading what was just written: a read that waits until the records that were on the log before it are stored.

use std::time::Duration;

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tidegate_agentping::RunKey;
use tokio::time::{Instant, sleep};

use crate::problem::Problem;
use crate::reads::Reads;

/// Whether the answer has all that was on the log of its run when it was asked for.
const SETTLED: HeaderName = HeaderName::from_static("x-tidegate-settled");
/// Accounts are settled a few tens of milliseconds after their records.
const POLL: Duration = Duration::from_millis(20);

/// `true` or `false`, as the parameter has it.
pub(crate) fn parse(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// Sets the header that says whether what the answer waited for is stored; none if it did not wait.
pub(crate) fn marked(mut response: Response, settled: Option<bool>) -> Response {
    if let Some(settled) = settled {
        let value = HeaderValue::from_static(if settled { "true" } else { "false" });
        response.headers_mut().insert(SETTLED, value);
    }
    response
}

impl Reads {
    /// Waits until every record that the run's partition has now is applied, at most for the wait that is set. `false`:
    /// it was not in time, or this process knows no log to ask.
    ///
    /// # Errors
    /// The log or the store does not answer.
    pub async fn settled(&self, key: RunKey) -> Result<bool, Problem> {
        let Some(log) = &self.log else { return Ok(false) };
        let until = Instant::now() + self.settle_wait;
        let spans = self.ask_log(log.spans()).await?;
        // Every partition is listed once.
        let partitions = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        let Some(span) = spans.into_iter().find(|span| span.partition == key.log_key().partition(partitions)) else {
            return Ok(false);
        };
        loop {
            let account = self.ask(self.accounts.account(span.generation, span.partition)).await?;
            if account.map_or(0, |account| account.next_offset) >= span.end {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            sleep(POLL).await;
        }
    }
}
