//! The limits port on Redis: one call of the script for each entry.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_ports::{Enter, FailureCause, FailureKind, LimitsDown, LimitsEntered, LimitsVerdict, Mark, RequestLimits};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::keys::OwnerTag;
use super::replies;
use crate::link::{Link, Purpose};
use crate::metrics::LinkMetrics;
use crate::script::{Arguments, ScriptCall};
use crate::{RedisConnectError, RedisOptions};

const PURPOSE: Purpose = Purpose { script: include_str!("limits.lua"), whose: "the limits'", on_eviction: None };

/// The [`RequestLimits`] on Redis, for any number of front doors.
pub struct RedisLimits {
    link: Arc<Link>,
    key_prefix: String,
    supervisor: AbortHandle,
}

impl RedisLimits {
    /// Creates limits that connect in the background, and again whenever the connection is lost. An unreachable Redis is
    /// no error here: calls fail until it is up. Must be called inside a tokio runtime. The options' window and time are
    /// the gate's alone.
    ///
    /// # Errors
    /// [`RedisConnectError`]: an option is invalid.
    pub fn connect(options: RedisOptions) -> Result<Self, RedisConnectError> {
        let link = Arc::new(Link::new(&options, PURPOSE, LinkMetrics::of_limits())?);
        let runtime = Handle::try_current().map_err(|_| RedisConnectError::NoRuntime)?;
        let supervised = Arc::clone(&link);
        let supervisor = runtime.spawn(async move { supervised.supervise().await }).abort_handle();
        Ok(RedisLimits { link, key_prefix: options.key_prefix, supervisor })
    }
}

impl Drop for RedisLimits {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

#[async_trait]
impl RequestLimits for RedisLimits {
    async fn enter(&self, enter: &Enter) -> Result<LimitsEntered, LimitsDown> {
        let tag = OwnerTag::new(&self.key_prefix, &enter.owner);
        let mut keys: Vec<String> = enter.takes.iter().map(|take| tag.window(&take.name)).collect();
        let mut args = Arguments::default();
        args.push(b"enter");
        args.push(&number(keys.len()));
        for take in &enter.takes {
            args.push(&number(take.limit));
            args.push(&number(take.window_ms.max(1)));
        }
        if let Some(Mark { key, holder, lives_ms }) = &enter.mark {
            keys.push(tag.mark(key));
            args.push(&number(holder));
            args.push(&number((*lives_ms).max(1)));
        }
        if keys.is_empty() {
            return Ok(LimitsEntered { windows: Vec::new(), verdict: LimitsVerdict::Admitted });
        }
        let reply = self.link.call(&ScriptCall { keys, args }).await.map_err(LimitsDown)?;
        replies::entered(&reply, enter.takes.len())
            .map_err(|error| LimitsDown(FailureCause::new(FailureKind::Broken, error.to_string()).caused_by(error)))
    }

    async fn leave(&self, owner: &str, mark: &Mark) -> Result<(), LimitsDown> {
        let keys = vec![OwnerTag::new(&self.key_prefix, owner).mark(&mark.key)];
        let mut args = Arguments::default();
        args.push(b"leave");
        args.push(&number(mark.holder));
        self.link.call(&ScriptCall { keys, args }).await.map(drop).map_err(LimitsDown)
    }
}

/// As the script reads it: decimal digits, or the hex digits of an attempt.
fn number(value: impl ToString) -> Vec<u8> {
    value.to_string().into_bytes()
}
