//! Options of Redis, and their validation.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

/// How to reach Redis, and how it is used.
#[derive(Clone)]
pub struct RedisOptions {
    /// One url (`redis://[user:password@]host:port[/db]`), or with `cluster` one or several seeds.
    pub urls: Vec<String>,
    /// Whether Redis is a cluster.
    pub cluster: bool,
    /// The prefix of every key, for example `tidegate.eu`. Deployments that share a server need different ones.
    pub key_prefix: String,
    /// A password configured apart from the urls; it overrides one in a url.
    pub password: Option<String>,
    pub connect_timeout: Duration,
    /// How long a call may take. After that it has failed and its connection is given up.
    pub response_timeout: Duration,
    /// How long claims are kept.
    pub window: Duration,
    pub time: GateTime,
}

/// The clock that the gate uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateTime {
    /// Redis' own clock. Front doors' clocks may differ.
    #[default]
    Server,
    /// The time in each request, for tests that are exact to the millisecond.
    Asker,
}

/// An invalid option. The text never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisConnectError {
    #[error("no Redis url is given: name one, such as redis://127.0.0.1:6379")]
    NoUrl,
    #[error("{count} urls are given for a single Redis: give one, or turn cluster on")]
    SeveralUrls { count: usize },
    #[error("'{url}' is not a Redis url ({cause}): write it as redis://[user:password@]host:port")]
    Url { url: String, cause: String },
    #[error("the key prefix '{prefix}' must not be empty and have no braces, which mark the part a cluster hashes")]
    KeyPrefix { prefix: String },
    #[error("{option} is {value:?}: it must be between {least:?} and {most:?}")]
    OutOfRange { option: &'static str, value: Duration, least: Duration, most: Duration },
    #[error("a connection to Redis needs a running tokio runtime: connect within one")]
    NoRuntime,
}

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3_600);

impl RedisOptions {
    /// Options with the default times.
    pub fn new(url: impl Into<String>, key_prefix: impl Into<String>) -> Self {
        RedisOptions {
            urls: vec![url.into()],
            cluster: false,
            key_prefix: key_prefix.into(),
            password: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(200),
            window: Duration::from_secs(24 * 3_600),
            time: GateTime::Server,
        }
    }

    /// The servers to connect to.
    ///
    /// # Errors
    /// [`RedisConnectError`] names the invalid option.
    pub(crate) fn servers(&self) -> Result<Vec<ConnectionInfo>, RedisConnectError> {
        match self.urls.len() {
            0 => return Err(RedisConnectError::NoUrl),
            1 => {}
            count if !self.cluster => return Err(RedisConnectError::SeveralUrls { count }),
            _ => {}
        }
        let prefix = &self.key_prefix;
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return Err(RedisConnectError::KeyPrefix { prefix: prefix.clone() });
        }
        for (option, value, most) in [
            ("connect_timeout", self.connect_timeout, HOUR),
            ("response_timeout", self.response_timeout, HOUR),
            ("window", self.window, YEAR),
        ] {
            if value < MILLISECOND || value > most {
                return Err(RedisConnectError::OutOfRange { option, value, least: MILLISECOND, most });
            }
        }
        self.urls.iter().map(|url| self.server(url)).collect()
    }

    fn server(&self, url: &str) -> Result<ConnectionInfo, RedisConnectError> {
        let wrong = |cause: String| RedisConnectError::Url { url: redacted(url), cause };
        let info = url.into_connection_info().map_err(|error| wrong(error.category().to_owned()))?;
        if !info.addr().is_supported() {
            return Err(wrong("this build is without TLS".to_owned()));
        }
        let Some(password) = &self.password else { return Ok(info) };
        let mut settings = RedisConnectionInfo::default().set_password(password).set_db(info.redis_settings().db());
        if let Some(user) = info.redis_settings().username() {
            settings = settings.set_username(user);
        }
        Ok(info.set_redis_settings(settings))
    }
}

/// The url without user, password and query.
fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("urls", &self.urls.iter().map(|url| redacted(url)).collect::<Vec<_>>())
            .field("cluster", &self.cluster)
            .field("key_prefix", &self.key_prefix)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("window", &self.window)
            .field("time", &self.time)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "redis://tide:s3cret@127.0.0.1:6379/2";

    #[test]
    fn what_cannot_work_is_named_without_its_secret() {
        let good = RedisOptions::new(URL, "tidegate.eu");
        assert!(good.servers().is_ok());
        type Breach = fn(&mut RedisOptions);
        let breaches: [(Breach, &str); 8] = [
            (|options| options.urls.clear(), "no Redis url"),
            (|options| options.urls.push(URL.to_owned()), "2 urls"),
            (|options| options.urls = vec!["http://tide:s3cret@x/".to_owned()], "http://x/"),
            (|options| options.urls = vec!["tide:s3cret@x".to_owned()], "'x'"),
            (|options| options.key_prefix = String::new(), "key prefix ''"),
            (|options| options.key_prefix = "a{b".to_owned(), "'a{b'"),
            (|options| options.response_timeout = Duration::ZERO, "response_timeout is 0ns"),
            (|options| options.window = 2 * YEAR, "window"),
        ];
        for (breach, said) in breaches {
            let mut options = good.clone();
            breach(&mut options);
            let text = options.servers().unwrap_err().to_string();
            assert!(text.contains(said), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn no_secret_shows() {
        let mut options = RedisOptions::new(URL, "tidegate.eu");
        options.password = Some("hidden".to_owned());
        let shown = format!("{options:?}");
        assert!(shown.contains("redis://127.0.0.1:6379/2"), "{shown}");
        for secret in ["s3cret", "hidden", "tide:"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        for (url, shown) in [("redis://a:p@ss@h:1/?password=x", "redis://h:1/"), ("h:1", "h:1")] {
            assert_eq!(redacted(url), shown);
        }
    }

    #[test]
    fn a_password_kept_apart_joins_the_user_and_database_of_the_url() {
        let mut options = RedisOptions::new(URL, "tidegate.eu");
        options.password = Some("hidden".to_owned());
        let servers = options.servers().unwrap();
        let settings = servers[0].redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("tide"), Some("hidden"), 2));
    }
}
