//! Waiting, at a role's start, for servers that are not up yet: with a limit, and telling what is waited for.

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const TRY_AGAIN: Duration = Duration::from_millis(500);
const PROGRESS: Duration = Duration::from_secs(2);

/// Why something is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Not {
    /// It may be there soon.
    Yet(String),
    /// Waiting does not help.
    Ever(String),
}

/// Tries until it works, for up to `limit`.
///
/// # Errors
/// What [`Not::Ever`] says, at once; what [`Not::Yet`] said last, at the limit.
pub async fn until_up<T, F>(what: &str, limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, Not>>,
{
    let began = Instant::now();
    let cause = RefCell::new("no answer yet".to_owned());
    let trying = async {
        loop {
            match attempt().await {
                Ok(there) => return Ok(there),
                Err(Not::Ever(why)) => return Err(why),
                Err(Not::Yet(why)) => drop(cause.replace(why)),
            }
            sleep(TRY_AGAIN).await;
        }
    };
    let telling = async {
        loop {
            // An attempt may hang, so this does not wait for its end.
            sleep(PROGRESS).await;
            let (waited_s, limit_s) = (began.elapsed().as_secs(), limit.as_secs());
            tracing::info!(what, waited_s, limit_s, cause = &**cause.borrow(), "waiting");
        }
    };
    let ended = tokio::select! {
        biased;
        ended = trying => Some(ended),
        () = telling => None,
        () = sleep(limit) => None,
    };
    ended.unwrap_or_else(|| {
        let limit_ms = limit.as_millis();
        let cause = cause.borrow();
        Err(format!("{cause}; gave up on {what} after start_timeout_ms = {limit_ms}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yet() -> Result<u32, Not> {
        Err(Not::Yet("no brokers".to_owned()))
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
        assert_eq!(found.await, Ok(7));
        let never = until_up("the log", limit, || async { Err::<u32, _>(Not::Ever("no such topic".to_owned())) });
        assert_eq!(never.await, Err("no such topic".to_owned()));
        let began = Instant::now();
        let told = until_up("the log", limit, || async { yet() }).await.unwrap_err();
        assert_eq!(told, "no brokers; gave up on the log after start_timeout_ms = 60000");
        assert_eq!(began.elapsed(), limit);
    }
}
