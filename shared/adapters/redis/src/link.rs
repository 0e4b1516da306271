//! The link to Redis: up, or known to be down. It reconnects by itself, and while it is down every call fails at once
//! instead of waiting.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use redis::{Cmd, ErrorKind, RedisError, Script, ServerErrorKind, Value};
use tidegate_ports::FailureCause;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connection::{CallFailure, Connection, Servers};
use crate::failure;
use crate::metrics::LinkMetrics;
use crate::script::ScriptCall;
use crate::{RedisConnectError, RedisOptions};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often an idle link is probed, so that a lost connection is found before the next call.
const LOOK_AFTER_EVERY: Duration = Duration::from_secs(1);
const PROBE_TTL_MS: u32 = 60_000;

/// What a link is used for.
#[derive(Clone, Copy)]
pub(crate) struct Purpose {
    /// The text of the one script that is called.
    pub script: &'static str,
    /// Whose Redis it is, in log messages: `the gate's`.
    pub whose: &'static str,
    /// The warning if the server may evict keys; `None`: what may be evicted is no loss.
    pub on_eviction: Option<&'static str>,
}

/// One connection for all calls of one purpose.
pub(crate) struct Link {
    servers: Servers,
    purpose: Purpose,
    script_hash: String,
    probe_key: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    state: watch::Sender<State>,
    /// How many calls in a row have failed.
    breaks: AtomicU32,
    metrics: LinkMetrics,
}

enum State {
    /// The first connection attempt is in progress, and calls wait for it.
    Starting,
    Up {
        connection: Connection,
        number: u64,
    },
    Down {
        cause: FailureCause,
    },
}

impl Link {
    pub fn new(options: &RedisOptions, purpose: Purpose, metrics: LinkMetrics) -> Result<Self, RedisConnectError> {
        Ok(Link {
            servers: Servers::of(options)?,
            purpose,
            script_hash: Script::new(purpose.script).get_hash().to_owned(),
            probe_key: format!("{}:probe", options.key_prefix),
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
            state: watch::Sender::new(State::Starting),
            breaks: AtomicU32::new(0),
            metrics,
        })
    }

    /// Runs the script once.
    ///
    /// # Errors
    /// Why there is no answer: then it is unknown whether the call was made.
    pub async fn call(&self, call: &ScriptCall) -> Result<Vec<Vec<u8>>, FailureCause> {
        let (mut connection, number) = self.up().await?;
        let began = Instant::now();
        let answer = timeout(self.response_timeout, self.eval(&mut connection, call)).await;
        self.metrics.took(began.elapsed());
        match answer {
            Ok(Ok(value)) => {
                self.breaks.store(0, Ordering::Relaxed);
                let answers = texts(value);
                if answers.is_some() { &self.metrics.ok } else { &self.metrics.error }.increment(1);
                answers.ok_or_else(|| "the script answered with something else than texts".into())
            }
            Ok(Err(error)) if error.is_timeout() => Err(self.late(number)),
            Ok(Err(error)) => {
                self.metrics.error.increment(1);
                let cause = failure::cause(&error);
                match CallFailure::of(&error) {
                    CallFailure::Broken => self.broke(number, &cause),
                    CallFailure::Answered => self.breaks.store(0, Ordering::Relaxed),
                }
                Err(cause)
            }
            Err(_) => Err(self.late(number)),
        }
    }

    /// Why the link is down; `None` while it is not known to be down.
    pub fn down(&self) -> Option<FailureCause> {
        match &*self.state.borrow() {
            State::Down { cause } => Some(cause.clone()),
            State::Starting | State::Up { .. } => None,
        }
    }

    fn late(&self, number: u64) -> FailureCause {
        self.metrics.timeout.increment(1);
        let cause = self.no_answer();
        self.broke(number, &cause);
        cause
    }

    fn no_answer(&self) -> FailureCause {
        FailureCause::timeout(format!("no answer within {} ms", self.response_timeout.as_millis()))
    }

    /// Runs the script by its hash, or with its text if the server does not have it yet.
    async fn eval(&self, connection: &mut Connection, call: &ScriptCall) -> Result<Value, RedisError> {
        match connection.send(&call.command("EVALSHA", &self.script_hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.send(&call.command("EVAL", self.purpose.script)).await
            }
            answer => answer,
        }
    }

    async fn up(&self) -> Result<(Connection, u64), FailureCause> {
        if let Some(now) = self.settled() {
            return now;
        }
        let mut states = self.state.subscribe();
        let first_attempt = states.wait_for(|state| !matches!(state, State::Starting));
        // The state is read below, after a change or a timeout.
        let _ = timeout(self.connect_timeout + self.response_timeout, first_attempt).await;
        self.settled().unwrap_or_else(|| Err(FailureCause::timeout("still connecting")))
    }

    fn settled(&self) -> Option<Result<(Connection, u64), FailureCause>> {
        match &*self.state.borrow() {
            State::Starting => None,
            State::Up { connection, number } => Some(Ok((connection.clone(), *number))),
            State::Down { cause } => Some(Err(cause.clone())),
        }
    }

    fn broke(&self, number: u64, cause: &FailureCause) {
        if self.breaks.fetch_add(1, Ordering::Relaxed) + 1 >= self.servers.breaks_to_give_up() {
            self.lost(number, cause);
        }
    }

    /// Gives up the connection with this number, if it is still the current one.
    fn lost(&self, number: u64, cause: &FailureCause) {
        let was_up = self.state.send_if_modified(|state| {
            let ours = matches!(state, State::Up { number: current, .. } if *current == number);
            if ours {
                *state = State::Down { cause: cause.clone() };
            }
            ours
        });
        if was_up {
            self.metrics.up.set(0.0);
            tracing::warn!(cause = cause.as_str(), kind = %cause.kind(), "the connection to {} Redis is given up", self.purpose.whose);
        }
    }

    /// Connects, probes the connection, and reconnects, without end.
    pub async fn supervise(&self) {
        let mut pause = FIRST_PAUSE;
        let mut number = 0;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    number += 1;
                    self.breaks.store(0, Ordering::Relaxed);
                    self.metrics.connects.increment(1);
                    self.metrics.up.set(1.0);
                    self.state.send_replace(State::Up { connection: connection.clone(), number });
                    tracing::info!("connected to {} Redis", self.purpose.whose);
                    let began = Instant::now();
                    self.look_after(connection, number).await;
                    if began.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                        continue;
                    }
                }
                Err(cause) => {
                    let known = self.down().is_some();
                    self.metrics.up.set(0.0);
                    self.state.send_replace(State::Down { cause: cause.clone() });
                    if !known {
                        tracing::warn!(cause = cause.as_str(), kind = %cause.kind(), "{} Redis cannot be reached", self.purpose.whose);
                    }
                }
            }
            // The pause also applies after a connection that was lost quickly.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Connects. A connection is up once a write was answered, which excludes replicas and full or hanging servers.
    async fn connect(&self) -> Result<Connection, FailureCause> {
        let within = self.connect_timeout + self.response_timeout;
        let late = |_| FailureCause::timeout(format!("no connection within {} ms", within.as_millis()));
        let connecting = timeout(within, self.servers.connect()).await.map_err(late)?;
        let mut connection = connecting.map_err(|error| failure::cause(&error))?;
        // The cluster's slots are known by now. One node that is down must not affect the keys of the others.
        if matches!(connection, Connection::Single(_)) {
            self.probe(&mut connection).await?;
        }
        self.warn_of_eviction(&mut connection).await;
        Ok(connection)
    }

    async fn probe(&self, connection: &mut Connection) -> Result<(), FailureCause> {
        let mut write = redis::cmd("SET");
        write.arg(&self.probe_key).arg(1).arg("PX").arg(PROBE_TTL_MS);
        self.ask(connection, &write).await.map(drop)
    }

    async fn ask(&self, connection: &mut Connection, command: &Cmd) -> Result<Value, FailureCause> {
        let answer = timeout(self.response_timeout, connection.send(command)).await.map_err(|_| self.no_answer())?;
        answer.map_err(|error| failure::cause(&error))
    }

    /// Logs a warning if the server evicts keys that must not be lost: nothing notices when they are.
    async fn warn_of_eviction(&self, connection: &mut Connection) {
        let Some(warning) = self.purpose.on_eviction else { return };
        if matches!(connection, Connection::Cluster(_)) {
            return;
        }
        // Without permission for `INFO` the script works as well.
        let Ok(info) = self.ask(connection, redis::cmd("INFO").arg("memory")).await else { return };
        let text = redis::from_redis_value::<String>(info).unwrap_or_default();
        if let Some(policy) = evicting(&text) {
            tracing::warn!(policy, "{warning}");
        }
    }

    /// Probes the connection until it is given up.
    async fn look_after(&self, mut connection: Connection, number: u64) {
        let mut states = self.state.subscribe();
        loop {
            let given_up = states.wait_for(|state| !matches!(state, State::Up { .. }));
            if timeout(LOOK_AFTER_EVERY, given_up).await.is_ok() {
                return;
            }
            if let Err(cause) = self.probe(&mut connection).await {
                self.broke(number, &cause);
            }
        }
    }
}

/// The eviction policy of a server with a memory limit; `None` if it does not evict.
fn evicting(info: &str) -> Option<&str> {
    let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let limited = value("maxmemory").is_some_and(|bytes| bytes != "0");
    value("maxmemory_policy").filter(|policy| limited && *policy != "noeviction")
}

fn texts(value: Value) -> Option<Vec<Vec<u8>>> {
    let Value::Array(items) = value else { return None };
    let text = |item| match item {
        Value::BulkString(text) => Some(text),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eviction_is_reported_only_where_it_can_happen() {
        let info =
            |limit: &str, policy: &str| format!("# Memory\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n");
        assert_eq!(evicting(&info("1048576", "allkeys-lru")), Some("allkeys-lru"));
        assert_eq!(evicting(&info("1048576", "noeviction")), None);
        assert_eq!(evicting(&info("0", "allkeys-lru")), None);
        assert_eq!(evicting(""), None);
    }
}
