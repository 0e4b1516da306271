//! Waiting, at a role's start, for servers that are not up yet: with a limit, and log lines that say for what.

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::Failure;

const TRY_AGAIN: Duration = Duration::from_millis(500);
const PROGRESS: Duration = Duration::from_secs(2);

/// Tries until it works, for up to `limit`.
///
/// # Errors
/// A failure that does not pass, at once; the last one that may, at the limit.
pub async fn until_up<T, F>(what: &str, limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let began = Instant::now();
    let cause = RefCell::new(Failure::unavailable("no answer yet"));
    let trying = async {
        loop {
            match attempt().await {
                Ok(there) => return Ok(there),
                Err(failure) if failure.may_pass() => drop(cause.replace(failure)),
                Err(failure) => return Err(failure),
            }
            sleep(TRY_AGAIN).await;
        }
    };
    let reporting = async {
        loop {
            // An attempt may hang, so this does not wait for its end.
            sleep(PROGRESS).await;
            let (waited_s, limit_s) = (began.elapsed().as_secs(), limit.as_secs());
            tracing::info!(what, waited_s, limit_s, cause = cause.borrow().to_string(), "waiting");
        }
    };
    let ended = tokio::select! {
        biased;
        ended = trying => Some(ended),
        () = reporting => None,
        () = sleep(limit) => None,
    };
    ended.unwrap_or_else(|| {
        let limit_ms = limit.as_millis();
        Err(cause
            .into_inner()
            .in_words(|last| format!("{last}; gave up on {what} after start_timeout_ms = {limit_ms}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yet() -> Result<u32, Failure> {
        Err(Failure::unavailable("no brokers"))
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_what_may_come_and_not_for_what_cannot() {
        let limit = Duration::from_secs(60);
        let mut tries = 0;
        let found = until_up("the log", limit, || {
            tries += 1;
            let answer = if tries < 20 { yet() } else { Ok(7) };
            async { answer }
        });
        assert_eq!(found.await.ok(), Some(7));
        let never = until_up("the log", limit, || async { Err::<u32, _>(Failure::refused("no such topic")) });
        assert_eq!(never.await.unwrap_err().to_string(), "no such topic");
        let began = Instant::now();
        let failure = until_up("the log", limit, || async { yet() }).await.unwrap_err();
        assert_eq!(failure.to_string(), "no brokers; gave up on the log after start_timeout_ms = 60000");
        assert_eq!(began.elapsed(), limit);
    }
}
